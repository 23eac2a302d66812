//! What comes in from the terminal and from the system: keys, resizes, signals, and the end of the line.

use super::decoder::{Decoder, Input};
use super::notebook::Incoming;
use super::{drill, guard};
use app::Event;
use crossterm::event::{KeyCode, KeyEventKind, KeyModifiers};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::{
    SIGABRT, SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGTERM, SIGTRAP, SIGTSTP, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGWINCH, SIGXCPU, SIGXFSZ,
};
use signal_hook::iterator::Signals;
use std::ffi::c_int;
use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long the event loop may take to leave once the terminal is gone.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// The same once Ctrl-C is pressed, what came before it included.
const AFTER_CTRL_C: Duration = Duration::from_millis(600);
/// Of it, for the keys that were pressed before.
const BEFORE_CTRL_C: Duration = Duration::from_millis(200);

/// In the background the keyboard is the shell's; this often it is looked whether that is over.
const IN_BACKGROUND: Duration = Duration::from_millis(100);

/// What comes at once is read at once, in pieces of at most this.
const LARGEST_PIECE: usize = 1 << 16;

/// The signals that end a process which does not catch them, but for those that tell of its own faults: whoever sends
/// one, a batch system before it kills or a limit of processor time, the terminal is given back.
const ENDING: [c_int; 13] =
    [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGABRT, SIGTRAP];

/// Told when the power fails.
#[cfg(target_os = "linux")]
const POWER: Option<c_int> = Some(rustix::process::Signal::POWER.as_raw());
#[cfg(not(target_os = "linux"))]
const POWER: Option<c_int> = None;

/// Catches the signals that would end or stop the process, the one that lets it go on, that of a resize, and that of a
/// file grown beyond its limit, whose write then fails like any other; call before the terminal is taken, or one could
/// come between.
pub fn catch_signals() -> io::Result<Signals> {
    Signals::new(ENDING.into_iter().chain(POWER).chain([SIGTSTP, SIGCONT, SIGWINCH, SIGXFSZ]))
}

/// Starts the threads that turn the outer world into events.
pub fn start(events: &Sender<Incoming>, signals: Signals, interrupt: &Interrupt) -> io::Result<()> {
    let (keys, interrupt) = (events.clone(), interrupt.clone());
    spawn("input", events, move || read_keys(&keys, &interrupt))?;
    let told = events.clone();
    spawn("signals", events, move || read_signals(signals, &told))
}

/// Whether Ctrl-C was pressed. The event loop looks at it between two events: thousands of keys may wait before this one.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<OnceLock<Instant>>);

impl Interrupt {
    /// What waited before it has had its time.
    pub fn is_due(&self) -> bool {
        self.0.get().is_some_and(|pressed| pressed.elapsed() > BEFORE_CTRL_C)
    }
}

/// Starts a thread whose panic ends the notebook in order: without its keyboard it could not even be quit.
pub fn spawn(name: &'static str, events: &Sender<Incoming>, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let alarm = Alarm { name, events: events.clone() };
    std::thread::Builder::new().name(name.into()).spawn(move || {
        let _alarm = alarm;
        drill::panic_if_asked(name);
        work();
    })?;
    Ok(())
}

struct Alarm {
    name: &'static str,
    events: Sender<Incoming>,
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.events.send(Incoming::Broken(self.name));
        }
    }
}

/// What the terminal has for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Bytes,
    /// Not within the time that was given.
    Nothing,
    /// Nobody is at the other end any more.
    Gone,
}

/// Waits for bytes, for as long as told. The state is asked for, not its change, so nothing that has arrived stays
/// unread.
fn wait(patience: Option<Duration>) -> Waiting {
    let stdin = io::stdin();
    let mut watched = [PollFd::new(&stdin, PollFlags::IN)];
    let patience = patience.map(|time| Timespec { tv_sec: time.as_secs() as _, tv_nsec: time.subsec_nanos().into() });
    match poll(&mut watched, patience.as_ref()) {
        Ok(0) | Err(Errno::INTR) => Waiting::Nothing,
        Ok(_) if watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) => Waiting::Gone,
        Ok(_) => Waiting::Bytes,
        Err(_) => Waiting::Gone,
    }
}

/// Whether nobody is at the terminal's other end any more.
pub fn terminal_is_gone() -> bool {
    wait(Some(Duration::ZERO)) == Waiting::Gone
}

/// Whether the terminal listens to this process group. Where that can't be asked, using it will tell.
pub fn in_foreground() -> bool {
    rustix::termios::tcgetpgrp(io::stdin()).map_or(true, |group| group == rustix::process::getpgrp())
}

/// The only thread that reads the terminal.
fn read_keys(events: &Sender<Incoming>, interrupt: &Interrupt) {
    let mut decoder = Decoder::default();
    let mut silent_since = Instant::now();
    loop {
        let patience = decoder.patience().map(|patience| patience.saturating_sub(silent_since.elapsed()));
        let inputs = match wait(patience) {
            Waiting::Gone => break,
            Waiting::Nothing if decoder.patience().is_some_and(|patience| silent_since.elapsed() >= patience) => {
                decoder.pause()
            }
            Waiting::Nothing => continue,
            // Who reads in the background is stopped for it.
            Waiting::Bytes if !in_foreground() => {
                std::thread::sleep(IN_BACKGROUND);
                continue;
            }
            Waiting::Bytes => {
                let Some(bytes) = read_all() else { break };
                silent_since = Instant::now();
                decoder.feed(&bytes)
            }
        };
        for input in inputs {
            let event = match input {
                Input::Key(key) => {
                    // As the notebook takes it, wherever it is.
                    let is_c = key.code == KeyCode::Char('c') && key.kind != KeyEventKind::Release;
                    if is_c && key.modifiers.contains(KeyModifiers::CONTROL) {
                        let _ = interrupt.0.set(Instant::now());
                    }
                    Event::Key(key)
                }
                Input::Mouse(mouse) => Event::Mouse(mouse),
                Input::Paste(text) => Event::Paste(text),
                Input::Background(background) => Event::Background(background),
            };
            if events.send(Incoming::Event(event)).is_err() {
                return;
            }
        }
        // A frame may hang in a terminal that takes nothing.
        if interrupt.0.get().is_some() {
            std::thread::sleep(AFTER_CTRL_C);
            return end_now();
        }
    }
    let _ = events.send(Incoming::Event(Event::Shutdown));
    std::thread::sleep(LAST_MOMENT);
    end_now();
}

/// Everything that has arrived, or nothing if the terminal is gone. (A descriptor that never waits would be shared with
/// whoever uses the terminal beside us and after us; so it is asked before each read.)
fn read_all() -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match rustix::io::read(io::stdin(), &mut buffer) {
            Ok(0) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return None,
        }
        if bytes.len() >= LARGEST_PIECE || wait(Some(Duration::ZERO)) != Waiting::Bytes {
            return Some(bytes);
        }
    }
}

fn read_signals(mut signals: Signals, events: &Sender<Incoming>) {
    for signal in signals.forever() {
        let told = match signal {
            SIGTSTP => Incoming::Suspend,
            SIGCONT => Incoming::Continued,
            SIGXFSZ => continue,
            SIGWINCH => Incoming::Resized,
            _ => {
                let _ = events.send(Incoming::Event(Event::Shutdown));
                std::thread::sleep(LAST_MOMENT);
                return end_now();
            }
        };
        if events.send(told).is_err() {
            return;
        }
    }
}

/// The event loop did not leave in time; nothing is lost, as the kernel keeps what matters.
fn end_now() {
    guard::restore();
    std::process::exit(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_panics_is_heard_of() {
        let (events, told) = std::sync::mpsc::channel();
        spawn("test", &events, || std::panic::resume_unwind(Box::new("broken"))).unwrap();
        assert!(matches!(told.recv(), Ok(Incoming::Broken("test"))));
    }
}
