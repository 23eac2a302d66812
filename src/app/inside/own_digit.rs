//! The keys and the mouse that draw the reader's own digit, and the digits that were kept.

use super::digit::{Pen, pixel_at};
use super::keys::DrawAction;
use super::own_digits::STORED_TOGETHER;
use super::{Inside, InsidePage};
use crate::{App, Effect};
use crossterm::event::KeyCode;
use protocol::Seen;
use ratatui::layout::Position;
use serde_json::Value;

/// What is said while a label is waited for.
const ASK_LABEL: &str = "which digit is it? 0-9 keeps it, any other key does not";
/// Degrees of a turn.
const TURN: i32 = 10;

impl App {
    pub(super) fn draw_digit(&mut self, action: DrawAction) -> Vec<Effect> {
        let drawing = &mut self.inside.drawing;
        match action {
            DrawAction::Left => drawing.move_cursor(-1, 0),
            DrawAction::Right => drawing.move_cursor(1, 0),
            DrawAction::Up => drawing.move_cursor(0, -1),
            DrawAction::Down => drawing.move_cursor(0, 1),
            DrawAction::Pen => {
                let pen = if drawing.pen() == Pen::Off { Pen::Draws } else { Pen::Off };
                drawing.set_pen(pen);
            }
            DrawAction::Eraser => {
                let pen = if drawing.pen() == Pen::Erases { Pen::Off } else { Pen::Erases };
                drawing.set_pen(pen);
            }
            DrawAction::Clear => {
                drawing.clear();
                self.inside.own_selected = None;
            }
            DrawAction::Undo => drawing.undo(),
            DrawAction::Redo => drawing.redo(),
            DrawAction::ShiftLeft => drawing.shift(-1, 0),
            DrawAction::ShiftRight => drawing.shift(1, 0),
            DrawAction::ShiftUp => drawing.shift(0, -1),
            DrawAction::ShiftDown => drawing.shift(0, 1),
            DrawAction::TurnLeft => drawing.rotate(-TURN),
            DrawAction::TurnRight => drawing.rotate(TURN),
            DrawAction::Centre => {
                drawing.centred = !drawing.centred;
                let how = if drawing.centred { "centred and scaled as MNIST's digits were" } else { "as it is drawn" };
                self.message = Some(format!("the networks get it {how}"));
            }
            DrawAction::FromImage => self.draw_from_image(),
            DrawAction::Keep => self.ask_label(),
            DrawAction::NextOwn => self.show_own(true),
            DrawAction::PreviousOwn => self.show_own(false),
            DrawAction::RemoveOwn => return self.remove_own(),
        }
        Vec::new()
    }

    /// Takes the image that the other pages show into the grid.
    fn draw_from_image(&mut self) {
        let Inside { answers, split, image, .. } = &self.inside;
        let pixels = self.inside.run.and_then(|run| answers.image_of(run, *split, *image));
        match pixels.map(<[u8]>::to_vec) {
            Some(pixels) if self.inside.drawing.set_pixels(&pixels) => {
                self.message = Some(format!("{} image {}", self.inside.split.name(), self.inside.image));
            }
            _ => self.message = Some("no image has been looked at; 2 shows one, 7 the mistakes".into()),
        }
    }

    /// The next key is the label.
    fn ask_label(&mut self) {
        let is_empty = self.inside.drawing.is_empty();
        self.inside.awaits_label = !is_empty;
        self.message = Some(if is_empty { "nothing is drawn" } else { ASK_LABEL }.into());
    }

    /// Keeps the drawing if the key is a digit; any other key does not.
    pub(super) fn answer_label(&mut self, code: KeyCode) -> Vec<Effect> {
        self.inside.awaits_label = false;
        let label = if let KeyCode::Char(digit) = code { digit.to_digit(10) } else { None };
        let Some(label) = label else {
            self.message = Some("not kept".into());
            return Vec::new();
        };
        match self.inside.own.keep(&self.inside.drawing, label as u8) {
            Ok(at) => {
                self.inside.own_selected = Some(at);
                self.message = Some(format!("kept as a {label}; n and p go through those that you kept"));
                let kept = self.inside.own.get(at);
                kept.map(|kept| Effect::remember(kept.key(), kept.to_value())).into_iter().collect()
            }
            Err(why) => {
                self.message = Some(why.to_string());
                Vec::new()
            }
        }
    }

    fn show_own(&mut self, forward: bool) {
        let count = self.inside.own.len();
        if count == 0 {
            self.message = Some("no digit is kept yet; w keeps the drawing".into());
            return;
        }
        let at = match (self.inside.own_selected, forward) {
            (None, true) => 0,
            (None, false) => count - 1,
            (Some(at), true) => (at + 1) % count,
            (Some(at), false) => (at + count - 1) % count,
        };
        self.inside.own_selected = Some(at);
        if let Some(digit) = self.inside.own.get(at) {
            self.inside.drawing.show(&digit.drawing);
        }
    }

    fn remove_own(&mut self) -> Vec<Effect> {
        let Some(removed) = self.shown_own().and_then(|at| self.inside.own.remove(at)) else {
            self.message = Some("n and p choose a kept digit first".into());
            return Vec::new();
        };
        self.inside.own_selected = None;
        self.message = Some(format!("forgotten: a {}; the drawing is still here", removed.label));
        vec![Effect::remember(removed.key(), Value::Null)]
    }

    /// The place of the kept digit that the grid shows, as long as it is not changed.
    pub fn shown_own(&self) -> Option<usize> {
        let Inside { own, own_selected, drawing, .. } = &self.inside;
        own_selected.filter(|at| own.get(*at).is_some_and(|kept| kept.drawing.pixels() == drawing.pixels()))
    }

    /// Takes a kept digit, or the list of an earlier version, from the store.
    pub(crate) fn load_own_digits(&mut self, key: &str, value: &Value) -> Vec<Effect> {
        if key != STORED_TOGETHER {
            self.inside.own.load(value);
            return Vec::new();
        }
        let digits = self.inside.own.load_together(value);
        let each = digits.iter().map(|digit| Effect::remember(digit.key(), digit.to_value()));
        each.chain([Effect::remember(STORED_TOGETHER.into(), Value::Null)]).collect()
    }

    /// How many of the kept digits a network gets right.
    pub fn own_right(&self, seen: &Seen) -> Option<usize> {
        let Seen::Answers { probabilities, .. } = seen else { return None };
        let answer =
            |of: &Vec<f32>| of.iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(class, _)| class);
        let digits = self.inside.own.iter().zip(probabilities);
        Some(digits.filter(|(digit, of)| answer(of) == Some(usize::from(digit.label))).count())
    }

    /// The mouse on the grid; returns whether it was there.
    pub(crate) fn press_digit(&mut self, at: Position, is_drag: bool) -> bool {
        if self.inside.page != InsidePage::Digit || !self.is_inside_on_top() {
            return false;
        }
        let Some(grid) = self.inside_layout().digit_grid() else { return false };
        let Some((column, row)) = pixel_at(grid, at.x, at.y) else { return is_drag };
        let drawing = &mut self.inside.drawing;
        match (is_drag, drawing.pen()) {
            (true, _) => drawing.drag_to(column, row),
            (false, Pen::Erases) => drawing.erase_at(column, row),
            (false, _) => drawing.press_at(column, row),
        }
        true
    }

    pub(crate) fn is_inside_on_top(&self) -> bool {
        matches!(self.modals.last(), Some(crate::Modal::Inside))
    }
}
