//! Input from the terminal and the system: keys, resizes, signals and the hang-up.

use super::decoder::{Decoder, Input};
use super::terminal_guard;
use super::thread::{Incoming, spawn};
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

/// How long the event loop may take to end once the terminal is gone.
const EXIT_TIMEOUT: Duration = Duration::from_millis(500);

/// How long the event loop may take to end once Ctrl-C is pressed, the keys before it included.
const CTRL_C_EXIT_TIMEOUT: Duration = Duration::from_millis(600);
/// The part of it for the keys that were pressed before.
const CTRL_C_KEYS_TIMEOUT: Duration = Duration::from_millis(200);

/// How often a notebook in the background, where the keyboard is the shell's, checks whether it is in the foreground.
const FOREGROUND_POLL: Duration = Duration::from_millis(100);

/// Bytes that arrive together are decoded together, in chunks of about this many.
const LARGEST_CHUNK: usize = 1 << 16;

/// The signals whose default action ends the process, except those that report a fault of the process itself. The terminal
/// is restored whoever sends one: a batch system before it kills, or a limit of processor time.
const TERMINATING: [c_int; 13] =
    [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGABRT, SIGTRAP];

/// Sent when the power fails.
#[cfg(target_os = "linux")]
const POWER: Option<c_int> = Some(rustix::process::Signal::POWER.as_raw());
#[cfg(not(target_os = "linux"))]
const POWER: Option<c_int> = None;

/// Catches the signals that would end, stop or continue the process, the one of a resize, and the one of a file that has
/// reached its size limit, so that the write fails instead. Must be called before the terminal is acquired: a signal in
/// between would leave the terminal in raw mode.
pub fn catch_signals() -> io::Result<Signals> {
    Signals::new(TERMINATING.into_iter().chain(POWER).chain([SIGTSTP, SIGCONT, SIGWINCH, SIGXFSZ]))
}

/// Starts the threads that read the terminal and the signals.
pub fn start(events: &Sender<Incoming>, signals: Signals, interrupt: &Interrupt) -> io::Result<()> {
    let (keys, interrupt) = (events.clone(), interrupt.clone());
    spawn("input", events, move || read_keys(&keys, &interrupt))?;
    let sender = events.clone();
    spawn("signals", events, move || read_signals(signals, &sender))
}

/// When Ctrl-C was pressed. The event loop checks it between two events, because thousands of keys may be queued before
/// this one.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<OnceLock<Instant>>);

impl Interrupt {
    /// Whether the keys before Ctrl-C have had their time.
    pub fn is_due(&self) -> bool {
        self.0.get().is_some_and(|pressed| pressed.elapsed() > CTRL_C_KEYS_TIMEOUT)
    }
}

/// The state of the terminal as an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readiness {
    Bytes,
    /// No bytes within the timeout.
    Nothing,
    /// The other end is closed.
    Gone,
}

/// Waits for bytes, without a limit if the timeout is `None`. `poll` reports the state, not its change, so no byte that has
/// arrived stays unread.
fn wait(timeout: Option<Duration>) -> Readiness {
    let stdin = io::stdin();
    let mut watched = [PollFd::new(&stdin, PollFlags::IN)];
    let timeout = timeout.map(|time| Timespec { tv_sec: time.as_secs() as _, tv_nsec: time.subsec_nanos().into() });
    match poll(&mut watched, timeout.as_ref()) {
        Ok(0) | Err(Errno::INTR) => Readiness::Nothing,
        Ok(_) if watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) => Readiness::Gone,
        Ok(_) => Readiness::Bytes,
        Err(_) => Readiness::Gone,
    }
}

/// Whether the terminal's other end is closed.
pub fn terminal_is_gone() -> bool {
    wait(Some(Duration::ZERO)) == Readiness::Gone
}

/// Whether this process group is the terminal's foreground group. True where that can't be queried: a read will show it.
pub fn in_foreground() -> bool {
    rustix::termios::tcgetpgrp(io::stdin()).map_or(true, |group| group == rustix::process::getpgrp())
}

/// The only thread that reads the terminal.
fn read_keys(events: &Sender<Incoming>, interrupt: &Interrupt) {
    let mut decoder = Decoder::default();
    let mut silent_since = Instant::now();
    loop {
        let timeout = decoder.timeout().map(|timeout| timeout.saturating_sub(silent_since.elapsed()));
        let inputs = match wait(timeout) {
            Readiness::Gone => break,
            Readiness::Nothing if decoder.timeout().is_some_and(|timeout| silent_since.elapsed() >= timeout) => {
                decoder.time_out()
            }
            Readiness::Nothing => continue,
            // A process that reads in the background is stopped.
            Readiness::Bytes if !in_foreground() => {
                std::thread::sleep(FOREGROUND_POLL);
                continue;
            }
            Readiness::Bytes => {
                let Some(bytes) = read_all() else { break };
                silent_since = Instant::now();
                decoder.feed(&bytes)
            }
        };
        for input in inputs {
            let event = match input {
                Input::Key(key) => {
                    // The same test by which the notebook quits in every state.
                    let is_c = key.code == KeyCode::Char('c') && key.kind != KeyEventKind::Release;
                    if is_c && key.modifiers.contains(KeyModifiers::CONTROL) {
                        let _ = interrupt.0.set(Instant::now());
                    }
                    Event::Key(key)
                }
                Input::Mouse(mouse) => Event::Mouse(mouse),
                Input::Paste(text) => Event::Paste(text),
                Input::Background(background) => Event::Background(background),
                Input::Terminal(reply) => Event::Terminal(reply),
            };
            if events.send(Incoming::Event(event)).is_err() {
                return;
            }
        }
        // The event loop may hang in a write to a terminal that reads nothing.
        if interrupt.0.get().is_some() {
            std::thread::sleep(CTRL_C_EXIT_TIMEOUT);
            return end_now();
        }
    }
    let _ = events.send(Incoming::Event(Event::Shutdown));
    std::thread::sleep(EXIT_TIMEOUT);
    end_now();
}

/// Reads the bytes that have arrived; `None` if the terminal is gone. Each read is preceded by a poll instead of setting
/// the descriptor to non-blocking, as that flag is shared with the other processes that use the terminal.
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
        if bytes.len() >= LARGEST_CHUNK || wait(Some(Duration::ZERO)) != Readiness::Bytes {
            return Some(bytes);
        }
    }
}

fn read_signals(mut signals: Signals, events: &Sender<Incoming>) {
    for signal in signals.forever() {
        let incoming = match signal {
            SIGTSTP => Incoming::Suspend,
            SIGCONT => Incoming::Continued,
            SIGXFSZ => continue,
            SIGWINCH => Incoming::Resized,
            _ => {
                let _ = events.send(Incoming::Event(Event::Shutdown));
                std::thread::sleep(EXIT_TIMEOUT);
                return end_now();
            }
        };
        if events.send(incoming).is_err() {
            return;
        }
    }
}

/// Ends the process, as the event loop did not end in time. The kernel has what must not be lost.
fn end_now() {
    terminal_guard::restore();
    std::process::exit(0);
}
