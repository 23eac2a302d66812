//! The standard output, which a dead terminal may be.

use std::io::{self, Write};

/// Takes what is written to a terminal that is gone without a word: whoever watches for the hang-up ends the notebook,
/// and ratatui would report the error on a standard error that is as dead, which panics.
pub struct Out(io::Stdout);

impl Out {
    pub fn new() -> Self {
        Self(io::stdout())
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if is_gone(&error) => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if is_gone(&error) => Ok(()),
            flushed => flushed,
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    let gone = [rustix::io::Errno::IO, rustix::io::Errno::PIPE].map(rustix::io::Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| gone.contains(&code))
}
