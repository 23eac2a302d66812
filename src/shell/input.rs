//! What comes in from the terminal and from the system: keys, resizes, signals, and the end of the line.

use super::notebook::Incoming;
use super::{drill, guard};
use crate::app::Event;
use crossterm::event;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{
    SIGABRT, SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGTERM, SIGTRAP, SIGTSTP, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGWINCH, SIGXCPU, SIGXFSZ,
};
use signal_hook::iterator::Signals;
use std::ffi::c_int;
use std::io;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// How long the event loop may take to leave once the terminal is gone.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// The signals that end a process which does not catch them, but for those that tell of its own faults: whoever sends
/// one, a batch system before it kills or a limit of processor time, the terminal is given back.
const ENDING: [c_int; 13] =
    [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGABRT, SIGTRAP];

/// Told when the power fails.
#[cfg(target_os = "linux")]
const POWER: Option<c_int> = Some(rustix::process::Signal::POWER.as_raw());
#[cfg(not(target_os = "linux"))]
const POWER: Option<c_int> = None;

/// Catches the signals that would end or stop the process, the one that lets it go on, that of a resize, which
/// crossterm misses before its first read, and that of a file grown beyond its limit, whose write then fails like any
/// other; call before the terminal is taken, or one could come between.
pub fn catch_signals() -> io::Result<Signals> {
    Signals::new(ENDING.into_iter().chain(POWER).chain([SIGTSTP, SIGCONT, SIGWINCH, SIGXFSZ]))
}

/// Starts the threads that turn the outer world into events.
pub fn start(events: &Sender<Incoming>, signals: Signals) -> io::Result<()> {
    let keys = events.clone();
    spawn("input", events, move || read_keys(&keys))?;
    let leave = events.clone();
    spawn("hang-up", events, move || watch_terminal(&leave))?;
    let told = events.clone();
    spawn("signals", events, move || read_signals(signals, &told))
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

/// The only thread that reads terminal events.
fn read_keys(events: &Sender<Incoming>) {
    loop {
        let event = match event::read() {
            Ok(event::Event::Key(key)) => Event::Key(key),
            Ok(event::Event::Mouse(mouse)) => Event::Mouse(mouse),
            Ok(event::Event::Paste(text)) => Event::Paste(text),
            Ok(event::Event::Resize(..)) => {
                if events.send(Incoming::Resized).is_err() {
                    return;
                }
                continue;
            }
            Ok(event::Event::FocusGained | event::Event::FocusLost) => continue,
            Err(_) => Event::Leave,
        };
        let last = matches!(event, Event::Leave);
        if events.send(Incoming::Event(event)).is_err() || last {
            return;
        }
    }
}

/// Whether nobody is at the terminal's other end any more.
pub fn terminal_is_gone() -> bool {
    hung_up(Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))
}

/// Waits for the end of the line, for as long as told; a signal may cut the wait short.
fn hung_up(patience: Option<&Timespec>) -> bool {
    let stdin = io::stdin();
    // No events asked for: only errors and hang-ups wake it.
    let mut watched = [PollFd::new(&stdin, PollFlags::empty())];
    match poll(&mut watched, patience) {
        Ok(_) => watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL),
        Err(error) => error != rustix::io::Errno::INTR,
    }
}

/// crossterm's read never returns on a terminal that is gone, and burns a core: the descriptor is watched on the side.
fn watch_terminal(events: &Sender<Incoming>) {
    while !hung_up(None) {}
    let _ = events.send(Incoming::Event(Event::Leave));
    std::thread::sleep(LAST_MOMENT);
    end_now();
}

fn read_signals(mut signals: Signals, events: &Sender<Incoming>) {
    for signal in signals.forever() {
        let told = match signal {
            SIGTSTP => Incoming::Suspend,
            SIGCONT => Incoming::Continued,
            SIGXFSZ => continue,
            SIGWINCH => Incoming::Resized,
            _ => {
                let _ = events.send(Incoming::Event(Event::Leave));
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
