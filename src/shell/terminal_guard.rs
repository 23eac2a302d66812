//! Sets the terminal up for the notebook and restores it.
//!
//! The restoration ignores every error, so that one that fails does not prevent the rest. It runs once, even if a panic
//! and a signal both ask for it.

use super::image_encoding::KITTY_DELETE_ALL;
use crossterm::style::Print;
use crossterm::{cursor, event, execute, queue, terminal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// Reports mouse buttons, the wheel, and moves while a button is held, in the SGR encoding, which has no limit of columns.
/// Other moves are not reported: nothing uses them, and each would cross the line.
const ENABLE_MOUSE_BUTTONS: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";

static ACQUIRED: AtomicBool = AtomicBool::new(false);

/// Whether the terminal keeps images of the notebook's.
static HAS_IMAGES: AtomicBool = AtomicBool::new(false);

/// Holds the terminal in raw mode on the alternate screen. Dropping it restores the terminal.
pub struct TerminalGuard(());

impl TerminalGuard {
    pub fn acquire() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        ACQUIRED.store(true, Ordering::SeqCst);
        let guard = Self(());
        execute!(
            io::stdout(),
            terminal::EnterAlternateScreen,
            Print(ENABLE_MOUSE_BUTTONS),
            event::EnableBracketedPaste,
            cursor::Hide
        )?;
        Ok(guard)
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        restore();
    }
}

/// Lets [`restore`] delete the images that the terminal keeps by Kitty's protocol.
pub fn delete_images_on_restore() {
    HAS_IMAGES.store(true, Ordering::SeqCst);
}

/// Restores the terminal if it is acquired.
pub fn restore() {
    if !ACQUIRED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut codes = Vec::new();
    if HAS_IMAGES.swap(false, Ordering::SeqCst) {
        // The terminator first: the drawing thread may have written a part of an image.
        let _ = queue!(codes, Print("\x1b\\"), Print(KITTY_DELETE_ALL));
    }
    let _ = queue!(
        codes,
        terminal::EndSynchronizedUpdate,
        event::DisableBracketedPaste,
        event::DisableMouseCapture,
        terminal::LeaveAlternateScreen,
        cursor::Show
    );
    write_without_lock(&codes);
    let _ = terminal::disable_raw_mode();
}

/// Writes to the terminal without the standard output's lock: the drawing thread holds that lock while it hangs in a write
/// to a terminal that reads nothing. A terminal that is not writable within 200 ms is not written to.
fn write_without_lock(codes: &[u8]) {
    let out = io::stdout();
    let mut writable = [PollFd::new(&out, PollFlags::OUT)];
    let timeout = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
    if poll(&mut writable, Some(&timeout)).is_ok_and(|ready| ready > 0) {
        let _ = rustix::io::write(&out, codes);
    }
}
