//! The standard output, which a dead terminal may be.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

/// Collects a frame and writes it in one piece: ratatui flushes before the frame is whole, and a terminal, or the line
/// to it, should not get a frame in parts.
#[derive(Clone, Default)]
pub struct Out(Rc<RefCell<Vec<u8>>>);

impl Out {
    /// Writes what was collected. A terminal that is gone takes it without a word: whoever watches for the hang-up ends
    /// the notebook, and ratatui would report the error on a standard error that is as dead, which panics.
    pub fn send(&self) -> io::Result<()> {
        let mut frame = self.0.borrow_mut();
        let mut terminal = io::stdout().lock();
        let sent = terminal.write_all(&frame).and_then(|()| terminal.flush());
        frame.clear();
        match sent {
            Err(error) if is_gone(&error) => Ok(()),
            sent => sent,
        }
    }
}

#[cfg(test)]
impl Out {
    /// What was collected.
    pub fn take(&self) -> Vec<u8> {
        self.0.take()
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// The frame is not whole yet: [`Out::send`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_gone(error: &io::Error) -> bool {
    let gone = [rustix::io::Errno::IO, rustix::io::Errno::PIPE].map(rustix::io::Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| gone.contains(&code))
}
