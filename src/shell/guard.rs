//! The terminal as the notebook needs it, and as it was before.
//!
//! Putting it back ignores every error and runs once: a terminal that is half gone must not keep the rest from being
//! restored, and neither a panic nor a signal may do it twice.

use crossterm::style::Print;
use crossterm::{cursor, event, execute, queue, terminal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// Buttons and the wheel, in the form that reaches every column (SGR). Not the mouse's moves: nothing follows them, and
/// each would come over the line.
const CLICKS_AND_WHEEL: &str = "\x1b[?1000h\x1b[?1006h";

static TAKEN: AtomicBool = AtomicBool::new(false);

/// Takes the terminal; gives it back when dropped.
pub struct Guard(());

impl Guard {
    pub fn take() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let guard = Self(());
        execute!(
            io::stdout(),
            terminal::EnterAlternateScreen,
            Print(CLICKS_AND_WHEEL),
            event::EnableBracketedPaste,
            cursor::Hide
        )?;
        Ok(guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal back if it is taken.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut codes = Vec::new();
    let _ = queue!(
        codes,
        terminal::EndSynchronizedUpdate,
        event::DisableBracketedPaste,
        event::DisableMouseCapture,
        terminal::LeaveAlternateScreen,
        cursor::Show
    );
    write_past_the_lock(&codes);
    let _ = terminal::disable_raw_mode();
}

/// The thread that draws may hang in a write to a terminal that takes nothing, over a line that is stuck, and hold the
/// standard output's lock for as long: neither it nor the terminal is waited for.
fn write_past_the_lock(codes: &[u8]) {
    let out = io::stdout();
    let mut room = [PollFd::new(&out, PollFlags::OUT)];
    let patience = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
    if poll(&mut room, Some(&patience)).is_ok_and(|ready| ready > 0) {
        let _ = rustix::io::write(&out, codes);
    }
}
