//! Colours for a lesson's code, found beside the event loop: the first of a language takes longer than a frame.

use super::input;
use super::notebook::Incoming;
use app::Event;
use lesson::Highlighter;
use std::io;
use std::sync::mpsc::Sender;

/// Starts a thread that highlights the code and ends.
pub fn start(events: &Sender<Incoming>, lesson: String, code: Vec<(String, String)>) -> io::Result<()> {
    let told = events.clone();
    input::spawn("highlighter", events, move || {
        let highlighter = Highlighter::default();
        let lit = code.into_iter().filter_map(|(language, text)| {
            let lines = highlighter.lines(&language, &text)?;
            Some(((language, text), lines))
        });
        let event = Event::Highlighted { lesson, code: lit.collect() };
        // Nobody listens any more when the notebook has closed meanwhile.
        let _ = told.send(Incoming::Event(event));
    })
}
