//! What comes in from the terminal and from the system: keys, resizes, signals, and the end of the line.

use super::guard;
use super::notebook::Incoming;
use crate::app::Event;
use crossterm::event;
use rustix::event::{PollFd, PollFlags, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use std::io;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// How long the event loop may take to leave once the terminal is gone.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// Catches the signals that would end the process; call before the terminal is taken, or one could come between.
pub fn catch_signals() -> io::Result<Signals> {
    Signals::new([SIGINT, SIGTERM, SIGHUP, SIGTSTP])
}

/// Starts the threads that turn the outer world into events.
pub fn start(events: &Sender<Incoming>, signals: Signals) -> io::Result<()> {
    let keys = events.clone();
    std::thread::Builder::new().name("input".into()).spawn(move || read_keys(&keys))?;
    let leave = events.clone();
    std::thread::Builder::new().name("hang-up".into()).spawn(move || watch_terminal(&leave))?;
    let told = events.clone();
    std::thread::Builder::new().name("signals".into()).spawn(move || read_signals(signals, &told))?;
    Ok(())
}

/// The only thread that reads terminal events.
fn read_keys(events: &Sender<Incoming>) {
    loop {
        let event = match event::read() {
            Ok(event::Event::Key(key)) => Event::Key(key),
            Ok(event::Event::Mouse(mouse)) => Event::Mouse(mouse),
            Ok(event::Event::Paste(text)) => Event::Paste(text),
            Ok(event::Event::Resize(columns, rows)) => Event::Resize(columns, rows),
            Ok(event::Event::FocusGained | event::Event::FocusLost) => continue,
            Err(_) => Event::Leave,
        };
        let last = matches!(event, Event::Leave);
        if events.send(Incoming::Event(event)).is_err() || last {
            return;
        }
    }
}

/// crossterm's read never returns on a terminal that is gone, and burns a core: the descriptor is watched on the side.
fn watch_terminal(events: &Sender<Incoming>) {
    let stdin = io::stdin();
    loop {
        // No events asked for: only errors and hang-ups wake it.
        let mut watched = [PollFd::new(&stdin, PollFlags::empty())];
        match poll(&mut watched, None) {
            Ok(_) if watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) => break,
            Err(error) if error != rustix::io::Errno::INTR => break,
            _ => {}
        }
    }
    let _ = events.send(Incoming::Event(Event::Leave));
    std::thread::sleep(LAST_MOMENT);
    end_now();
}

fn read_signals(mut signals: Signals, events: &Sender<Incoming>) {
    for signal in signals.forever() {
        if signal == SIGTSTP {
            if events.send(Incoming::Suspend).is_err() {
                return;
            }
            continue;
        }
        let _ = events.send(Incoming::Event(Event::Leave));
        std::thread::sleep(LAST_MOMENT);
        end_now();
    }
}

/// The event loop did not leave in time; nothing is lost, as the kernel keeps what matters.
fn end_now() {
    guard::restore();
    std::process::exit(0);
}
