//! What the notebook asks the terminal, and which answers may still come.

use super::frame_output::FrameOutput;
use app::{Event, TerminalReply};
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// How long a notebook that quits waits for the terminal's answers: the shell would get them as input.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
pub struct TerminalQueries {
    /// The query for the background; empty if it is known.
    background: Vec<u8>,
    /// The queries for images, which end with the one for the terminal's attributes; empty if nothing is to be found out.
    images: Vec<u8>,
    /// When the queries were sent last.
    sent: Option<Instant>,
    awaits_background: bool,
    awaits_attributes: bool,
}

impl TerminalQueries {
    pub fn new(background: &[u8], images: &[u8]) -> Self {
        Self { background: background.to_vec(), images: images.to_vec(), ..Self::default() }
    }

    /// Sends the queries in one write. The answers come as events, at any time or never.
    pub fn send(&mut self, output: &mut FrameOutput) -> io::Result<()> {
        (self.awaits_background, self.awaits_attributes) = (!self.background.is_empty(), !self.images.is_empty());
        if self.awaits_background || self.awaits_attributes {
            output.write_all(&self.background)?;
            output.write_all(&self.images)?;
            output.write_frame()?;
            self.sent = Some(Instant::now());
        }
        Ok(())
    }

    /// Notes that an event is an answer.
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::Background(_) => self.awaits_background = false,
            // The terminal answers the queries for images in turn, and this one was the last.
            Event::Terminal(TerminalReply::Attributes { .. }) => self.awaits_attributes = false,
            _ => {}
        }
    }

    /// Until when to wait for answers; `None` if none is missing.
    pub fn deadline(&self) -> Option<Instant> {
        let sent = self.sent.filter(|_| self.awaits_background || self.awaits_attributes)?;
        Some(sent + ANSWER_TIMEOUT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::Background;

    #[test]
    fn answers_are_awaited_until_the_last_has_come() {
        let attributes = Event::Terminal(TerminalReply::Attributes { sixel: false });
        // Not sent: `send` writes to the terminal of the test.
        let sent = |background, images| TerminalQueries {
            sent: Some(Instant::now()),
            awaits_background: background,
            awaits_attributes: images,
            ..TerminalQueries::default()
        };
        let mut both = sent(true, true);
        both.note(&attributes);
        assert!(both.deadline().is_some());
        both.note(&Event::Background(Background::Light));
        assert_eq!(both.deadline(), None);
        let mut images = sent(false, true);
        images.note(&Event::Notice("something else".into()));
        assert!(images.deadline().is_some());
        images.note(&attributes);
        assert_eq!(images.deadline(), None);
        assert_eq!(TerminalQueries::new(b"\x1b]11;?\x1b\\", b"").deadline(), None, "nothing was asked yet");
    }
}
