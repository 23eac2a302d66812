//! Standard output, one write a frame. The terminal behind it may be gone.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

/// Collects the bytes of a frame and writes them at once: ratatui flushes before the frame is complete, and neither the
/// terminal nor a slow line to it should get a frame in parts.
#[derive(Clone, Default)]
pub struct FrameOutput(Rc<RefCell<Vec<u8>>>);

impl FrameOutput {
    /// Writes the collected bytes. A terminal that is gone is no error here: the thread that watches for the hang-up ends
    /// the notebook. ratatui would report the error on standard error, which is gone too, and panic.
    pub fn write_frame(&self) -> io::Result<()> {
        let mut frame = self.0.borrow_mut();
        let mut terminal = io::stdout().lock();
        let written = terminal.write_all(&frame).and_then(|()| terminal.flush());
        frame.clear();
        match written {
            Err(error) if is_terminal_gone(&error) => Ok(()),
            written => written,
        }
    }
}

#[cfg(test)]
impl FrameOutput {
    /// Takes the collected bytes.
    pub fn take(&self) -> Vec<u8> {
        self.0.take()
    }
}

impl Write for FrameOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Does nothing, as the frame is not complete yet: see [`FrameOutput::write_frame`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_terminal_gone(error: &io::Error) -> bool {
    let gone = [rustix::io::Errno::IO, rustix::io::Errno::PIPE].map(rustix::io::Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| gone.contains(&code))
}
