//! The list of the open lesson's headings, to jump to one.

use super::text_input::edit;
use super::{HeadingList, Modal};
use crate::{App, Effect};
use crossterm::event::KeyCode;

impl App {
    /// The indices of the headings that contain every word of the query. Case is ignored.
    pub fn matching_headings(&self, query: &str) -> Vec<usize> {
        let words: Vec<String> = query.to_lowercase().split_whitespace().map(String::from).collect();
        let headings = self.view.layout.headings.iter().enumerate();
        let like = headings.filter(|(_, heading)| {
            let text = heading.text.to_lowercase();
            words.iter().all(|word| text.contains(word))
        });
        like.map(|(at, _)| at).collect()
    }

    /// Opens the list with the heading above the reading position selected.
    pub(crate) fn open_headings(&mut self) {
        let headings = &self.view.layout.headings;
        if headings.is_empty() {
            self.message = Some("this lesson has no headings".into());
            return;
        }
        let selected = headings.iter().rposition(|heading| heading.line <= self.view.top).unwrap_or(0);
        self.modals.push(Modal::Headings(HeadingList { query: String::new(), selected }));
    }

    pub(crate) fn headings_key(&mut self, mut headings: HeadingList, code: KeyCode) -> Vec<Effect> {
        let hits = self.matching_headings(&headings.query);
        let last = hits.len().saturating_sub(1);
        match code {
            KeyCode::Enter => {
                if let Some(&heading) = hits.get(headings.selected) {
                    let line = self.view.layout.headings[heading].line;
                    self.push_return_position();
                    return self.arrive(line);
                }
            }
            KeyCode::Down | KeyCode::Tab => headings.selected = (headings.selected + 1).min(last),
            KeyCode::Up | KeyCode::BackTab => headings.selected = headings.selected.saturating_sub(1),
            KeyCode::Home => headings.selected = 0,
            KeyCode::End => headings.selected = last,
            KeyCode::Backspace if headings.query.is_empty() => return Vec::new(),
            code => {
                let before = headings.query.len();
                edit(&mut headings.query, code);
                if headings.query.len() != before {
                    headings.selected = 0;
                }
            }
        }
        self.modals.push(Modal::Headings(headings));
        Vec::new()
    }
}
