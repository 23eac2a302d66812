//! Messages on stderr: a line that is updated on a terminal, a new line every few seconds elsewhere.

use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

pub fn say(text: &str) {
    emit(&format!("{text}\n"));
}

/// Errors of stderr are ignored. In tests, libtest captures the messages of tests that pass.
fn emit(text: &str) {
    if cfg!(test) {
        eprint!("{text}");
    } else {
        let mut stderr = stderr();
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }
}

/// Counts bytes up to a known total.
pub struct Meter {
    what: String,
    total: u64,
    done: u64,
    shown: Option<Instant>,
    on_terminal: bool,
}

impl Meter {
    pub fn new(what: impl Into<String>, total: u64) -> Self {
        Self { what: what.into(), total, done: 0, shown: None, on_terminal: stderr().is_terminal() }
    }

    pub fn add(&mut self, bytes: u64) {
        self.set(self.done + bytes);
    }

    pub fn set(&mut self, done: u64) {
        self.done = done.min(self.total);
        let pause = Duration::from_millis(if self.on_terminal { 100 } else { 3000 });
        if self.shown.is_none_or(|at| at.elapsed() >= pause) {
            self.shown = Some(Instant::now());
            self.draw(false);
        }
    }

    pub fn finish(mut self) {
        self.done = self.total;
        self.draw(true);
    }

    fn draw(&self, last: bool) {
        let line = self.line();
        let end = if last || !self.on_terminal { "\n" } else { "" };
        let start = if self.on_terminal { "\r" } else { "" };
        emit(&format!("{start}{line}{end}"));
    }

    fn line(&self) -> String {
        let percent = (self.done * 100).checked_div(self.total).unwrap_or(100);
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        format!("  {}: {percent:>3} % ({:.0} of {:.0} MB)", self.what, megabytes(self.done), megabytes(self.total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_counts_to_its_total_and_never_beyond() {
        let mut meter = Meter::new("torch", 527_000_000);
        meter.set(213_000_000);
        assert_eq!(meter.line(), "  torch:  40 % (213 of 527 MB)");
        meter.add(999_000_000);
        assert_eq!(meter.line(), "  torch: 100 % (527 of 527 MB)");
        assert_eq!(Meter::new("nothing", 0).line(), "  nothing: 100 % (0 of 0 MB)");
    }
}
