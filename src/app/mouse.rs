//! Clicks with the mouse. Whatever a key reaches can be clicked.

use crate::inside::layout::DrawnTarget;
use crate::lesson::navigate::OpenAt;
use crate::lesson::questions::choice_under;
use crate::{Action, App, DrawnChart, Effect, Modal, head_rows, tabs_fit};
use crossterm::event::KeyCode;
use lesson::{CellBody, Line};
use ratatui::layout::Position;
use unicode_width::UnicodeWidthStr;

/// Where a frame has drawn things that the mouse is held against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    pub charts: Vec<DrawnChart>,
    /// Inside networks.
    pub targets: Vec<DrawnTarget>,
}

impl App {
    pub(crate) fn click(&mut self, column: u16, row: u16) -> Vec<Effect> {
        let at = Position { x: column, y: row };
        match self.modals.last() {
            None => {}
            // The input of a confidence is part of its cell, so a click elsewhere cancels it, as a key of the lesson
            // does.
            Some(Modal::Confidence(_)) => {
                self.modals.pop();
            }
            // A click beside the contents closes them.
            Some(Modal::Contents(_)) => {
                let lesson = self.lesson_under(at);
                self.modals.pop();
                return lesson.map_or_else(Vec::new, |lesson| self.open_lesson(lesson, OpenAt::SavedPosition));
            }
            Some(Modal::Lab) => return self.click_in_lab(at),
            Some(Modal::Inside) => {
                self.click_inside(at);
                return Vec::new();
            }
            Some(Modal::Runs(_)) => return self.click_in_runs(at),
            Some(_) => return self.click_on_top(at),
        }
        if self.screen.contents_beside && self.screen.contents.contains(at) {
            return self
                .lesson_under(at)
                .map_or_else(Vec::new, |lesson| self.open_lesson(lesson, OpenAt::SavedPosition));
        }
        match self.view.shown().get(usize::from(row)) {
            Some(&Line::Cell { cell, row }) => self.click_on_cell(cell, row, at),
            Some(Line::Text(spans)) => {
                let mut x = self.screen.text.x;
                for span in spans {
                    let width = span.text.width() as u16;
                    if (x..x + width).contains(&column)
                        && let Some(target) = span.target.clone()
                    {
                        return self.follow(&target);
                    }
                    x += width;
                }
                Vec::new()
            }
            Some(Line::Picture { .. }) | None => Vec::new(),
        }
    }

    /// A click selects a row of a list. Any other modal keeps clicks from the lesson beneath.
    fn click_on_top(&mut self, at: Position) -> Vec<Effect> {
        let row = |area: ratatui::layout::Rect, head: u16, (first, rows): (usize, usize)| {
            let row = usize::from(at.y.checked_sub(area.y + head)?);
            (area.contains(at) && row < rows).then_some(first + row)
        };
        let screen = self.screen;
        match self.modals.last_mut() {
            Some(Modal::Search(search)) => {
                let hit = row(screen.search(), 3, search.shown(&screen)).filter(|hit| *hit < search.hits.len());
                let Some(hit) = hit else { return Vec::new() };
                search.selected = hit;
            }
            Some(Modal::Command(line)) => {
                let head = crate::modal::COMMAND_HEAD + 1;
                let hit = row(screen.command(), head, line.shown(&screen)).filter(|hit| *hit < line.matches.len());
                let Some(hit) = hit else { return Vec::new() };
                line.selected = Some(hit);
            }
            _ => return Vec::new(),
        }
        self.modals.pop().map_or_else(Vec::new, |list| self.modal_key(list, KeyCode::Enter.into()))
    }

    /// Focuses the clicked cell; a click on a choice answers, and a click on a page number turns to that page.
    fn click_on_cell(&mut self, number: usize, row: u16, at: Position) -> Vec<Effect> {
        let cells = self.document().cells();
        let Some(cell) = cells.get(number) else { return Vec::new() };
        let key = self.key_of(cell);
        let room = self.cell_room(cell);
        let width = room.width;
        let choice = match &cell.body {
            CellBody::Predict(_) | CellBody::Quiz(_) => {
                self.question_lines(&key, &cell.body, width).and_then(|lines| choice_under(&lines, row))
            }
            CellBody::Experiment(_) => {
                let heads = self.experiments.get(&key).map_or(0, |view| head_rows(view, width.saturating_sub(4)));
                // The page numbers take three columns each and end at the frame.
                let pages = self.pages_of(&key, number).map_or(0, |(pages, _)| pages.len());
                let pages = if tabs_fit(pages, width.saturating_sub(4)) { pages } else { 0 };
                let right = room.right().saturating_sub(2).checked_sub(at.x + 1);
                let from_right = right.filter(|_| row == 1 + heads && pages > 1).map(|right| usize::from(right) / 3);
                from_right.and_then(|back| pages.checked_sub(back + 1))
            }
            CellBody::Train(_) | CellBody::Claim(_) | CellBody::Predictions(_) | CellBody::View(_) => None,
        };
        self.view.link = None;
        self.view.show_cell(number);
        let mut effects = self.save_position();
        if let Some(choice) = choice {
            effects.extend(self.operate(Action::Choose(choice as u8 + 1)));
        }
        effects
    }
}
