//! Highlights a lesson's code on a thread of its own: the first line of a language takes longer than a frame.

use super::thread::{Incoming, spawn};
use app::Event;
use lesson::Highlighter;
use std::io;
use std::sync::mpsc::Sender;

/// Starts a thread that highlights `code`, pairs of language and text, and ends.
pub fn start(events: &Sender<Incoming>, lesson: String, code: Vec<(String, String)>) -> io::Result<()> {
    let sender = events.clone();
    spawn("highlighter", events, move || {
        let highlighter = Highlighter::default();
        let highlighted = code.into_iter().filter_map(|(language, text)| {
            let lines = highlighter.lines(&language, &text)?;
            Some(((language, text), lines))
        });
        let event = Event::Highlighted { lesson, code: highlighted.collect() };
        // The send fails if the notebook has closed meanwhile; then the colours are not needed.
        let _ = sender.send(Incoming::Event(event));
    })
}
