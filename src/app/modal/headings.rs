//! The headings of the open lesson, to jump to.

use crate::modal::line_keys::edit;
use crate::{App, Effect, Modal};
use crossterm::event::KeyCode;

/// A list of headings that typing narrows.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    pub query: String,
    /// Place among the headings that match.
    pub selected: usize,
}

impl App {
    /// Indices of the lesson's headings that hold every word of the query, letter case aside.
    pub fn headings_like(&self, query: &str) -> Vec<usize> {
        let words: Vec<String> = query.to_lowercase().split_whitespace().map(String::from).collect();
        let headings = self.view.layout.headings.iter().enumerate();
        let like = headings.filter(|(_, heading)| {
            let text = heading.text.to_lowercase();
            words.iter().all(|word| text.contains(word))
        });
        like.map(|(at, _)| at).collect()
    }

    /// Opens the list at the heading above what is being read.
    pub(crate) fn open_outline(&mut self) {
        let headings = &self.view.layout.headings;
        if headings.is_empty() {
            self.message = Some("this lesson has no headings".into());
            return;
        }
        let selected = headings.iter().rposition(|heading| heading.line <= self.view.top).unwrap_or(0);
        self.modals.push(Modal::Outline(Outline { query: String::new(), selected }));
    }

    pub(crate) fn outline_key(&mut self, mut outline: Outline, code: KeyCode) -> Vec<Effect> {
        let hits = self.headings_like(&outline.query);
        let last = hits.len().saturating_sub(1);
        match code {
            KeyCode::Enter => {
                if let Some(&heading) = hits.get(outline.selected) {
                    let line = self.view.layout.headings[heading].line;
                    self.leave_trail();
                    return self.arrive(line);
                }
            }
            KeyCode::Down | KeyCode::Tab => outline.selected = (outline.selected + 1).min(last),
            KeyCode::Up | KeyCode::BackTab => outline.selected = outline.selected.saturating_sub(1),
            KeyCode::Home => outline.selected = 0,
            KeyCode::End => outline.selected = last,
            KeyCode::Backspace if outline.query.is_empty() => return Vec::new(),
            code => {
                let before = outline.query.len();
                edit(&mut outline.query, code);
                if outline.query.len() != before {
                    outline.selected = 0;
                }
            }
        }
        self.modals.push(Modal::Outline(outline));
        Vec::new()
    }
}
