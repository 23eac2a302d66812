//! The notebook's threads, and what they send to the event loop.

use super::forced_panic;
use app::Event;
use std::io;
use std::sync::mpsc::Sender;

/// What the event loop receives.
pub enum Incoming {
    Event(Event),
    /// The terminal has another size. The event loop reads the size itself: two threads report a resize, and each would
    /// have read it at another moment.
    Resized,
    /// SIGTSTP.
    Suspend,
    /// SIGCONT: another program may have used the terminal since the notebook was stopped.
    Continued,
    /// The thread of this name panicked. Its report is in the log.
    Panicked(&'static str),
}

/// Starts a thread whose panic ends the notebook in order: without its keyboard it could not even be quit.
pub fn spawn(name: &'static str, events: &Sender<Incoming>, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let notifier = PanicNotifier { name, events: events.clone() };
    std::thread::Builder::new().name(name.into()).spawn(move || {
        let _notifier = notifier;
        forced_panic::panic_if_requested(name);
        work();
    })?;
    Ok(())
}

struct PanicNotifier {
    name: &'static str,
    events: Sender<Incoming>,
}

impl Drop for PanicNotifier {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.events.send(Incoming::Panicked(self.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_thread_is_reported() {
        let (events, received) = std::sync::mpsc::channel();
        spawn("test", &events, || std::panic::resume_unwind(Box::new("broken"))).unwrap();
        assert!(matches!(received.recv(), Ok(Incoming::Panicked("test"))));
    }
}
