//! Keys of the search over all lessons.

use super::text_input::edit;
use super::{Modal, Search};
use crate::{App, Effect};
use crossterm::event::KeyCode;
use lesson::{Found, Hit};

impl App {
    pub(crate) fn search_key(&mut self, mut search: Search, code: KeyCode) -> Vec<Effect> {
        match code {
            KeyCode::Enter => {
                if let Some(hit) = search.hits.get(search.selected).cloned() {
                    return self.open_hit(&hit);
                }
            }
            KeyCode::Down | KeyCode::Tab => {
                search.selected = (search.selected + 1).min(search.hits.len().saturating_sub(1));
            }
            KeyCode::Up | KeyCode::BackTab => search.selected = search.selected.saturating_sub(1),
            code => {
                let before = search.query.clone();
                edit(&mut search.query, code);
                if search.query != before {
                    (search.hits, search.selected) = (self.search(&search.query), 0);
                }
            }
        }
        self.modals.push(Modal::Search(search));
        Vec::new()
    }

    /// The hits of a query. Folded blocks are not searched.
    pub(crate) fn search(&self, query: &str) -> Vec<Hit> {
        self.library.search(query, |document, sealed| self.is_folded(document, sealed))
    }

    /// Opens the place of a hit; Esc returns.
    pub(crate) fn open_hit(&mut self, hit: &Hit) -> Vec<Effect> {
        self.push_return_position();
        self.modals.clear();
        let mut effects = self.open_lesson_at_top(hit.lesson);
        let layout = &self.view.layout;
        let line = match &hit.found {
            Found::Head => Some(0),
            Found::Reference(key) => layout.references.iter().find(|(known, _)| known == key).map(|found| found.1),
            Found::Block(source) => {
                let word = self.glyphs.text(&hit.text[hit.at.clone()]);
                let lines = layout.block_at(*source);
                lines.clone().find(|line| layout.lines[*line].contains(&word)).or(Some(lines.start))
            }
            Found::Cell(cell) => {
                effects.extend(self.arrive_at_cell(*cell));
                return effects;
            }
        };
        effects.extend(line.map_or_else(Vec::new, |line| self.arrive(line)));
        effects
    }
}
