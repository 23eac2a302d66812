//! Predictions and check questions.

use super::Theme;
use crate::app::{Answer, hanging, is_committed, ordered};
use crate::lesson::{Guess, PredictCell, QuizCell};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Block, BorderType, Widget};

/// A frame with a title; returns what is inside.
pub fn framed(theme: &Theme, title: &str, focused: bool, area: Rect, buffer: &mut Buffer) -> Rect {
    let style = if focused { theme.accent() } else { theme.faint() };
    let border = match (theme.glyphs, focused) {
        (super::Glyphs::Ascii, _) => None,
        (_, true) => Some(BorderType::Thick),
        (_, false) => Some(BorderType::Rounded),
    };
    let block = Block::bordered().title(format!(" {} ", theme.text(title))).border_style(style);
    let block = match border {
        Some(kind) => block.border_type(kind),
        None => block.border_set(ratatui::symbols::border::Set {
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            vertical_left: "|",
            vertical_right: "|",
            horizontal_top: "-",
            horizontal_bottom: "-",
        }),
    };
    let inner = block.inner(area);
    block.render(area, buffer);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

/// Writes wrapped text and returns the row below it.
pub fn write(theme: &Theme, text: &str, style: Style, area: Rect, y: u16, buffer: &mut Buffer) -> u16 {
    let mut row = y;
    for line in textwrap::wrap(&theme.text(text), usize::from(area.width.max(1))) {
        if row < area.bottom() {
            buffer.set_stringn(area.x, row, &line, usize::from(area.width), style);
        }
        row += 1;
    }
    row
}

/// The same, further lines beneath the words of the first.
fn write_hanging(theme: &Theme, text: &str, style: Style, area: Rect, y: u16, buffer: &mut Buffer) -> u16 {
    let lines = hanging(&theme.text(text), usize::from(area.width));
    for (line, row) in lines.iter().zip(y..area.bottom()) {
        buffer.set_stringn(area.x, row, line, usize::from(area.width), style);
    }
    y + lines.len() as u16
}

/// A prediction with the reader's answer, or with the number that is being typed.
pub fn predict(
    theme: &Theme,
    cell: &PredictCell,
    (answer, typed): (Option<&Answer>, Option<&str>),
    focused: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let inner = framed(theme, "Prediction", focused, area, buffer);
    let mut y = write(theme, &cell.question, theme.strong(), inner, inner.y, buffer) + 1;
    match &cell.guess {
        Guess::Choice(options) => {
            for (at, option) in options.iter().enumerate() {
                let chosen = answer == Some(&Answer::Choice(at));
                let style = if chosen { theme.accent().patch(theme.strong()) } else { Style::new() };
                let text = format!("{}{} {option}", at + 1, if chosen { "»" } else { " " });
                y = write_hanging(theme, &text, style, inner, y, buffer);
            }
        }
        Guess::Order(options) => {
            for (at, option) in options.iter().enumerate() {
                y = write_hanging(theme, &ordered(at, option, answer), Style::new(), inner, y, buffer);
            }
        }
        Guess::Number(unit) => {
            let (text, style) = match (typed, answer) {
                (Some(typed), _) => (format!("{typed}_ {unit}"), theme.accent().patch(theme.strong())),
                (None, Some(Answer::Number(number))) => {
                    (format!("{number} {unit}"), theme.accent().patch(theme.strong()))
                }
                _ => (format!("a number, in {unit}; Enter asks for it"), theme.faint()),
            };
            y = write(theme, &text, style, inner, y, buffer);
        }
    }
    if is_committed(answer, &cell.guess) {
        write(theme, &cell.explanation, Style::new(), inner, y + 1, buffer);
    }
}

pub fn quiz(theme: &Theme, cell: &QuizCell, answer: Option<&Answer>, focused: bool, area: Rect, buffer: &mut Buffer) {
    let inner = framed(theme, "Question", focused, area, buffer);
    let mut y = write(theme, &cell.question, theme.strong(), inner, inner.y, buffer) + 1;
    let chosen = if let Some(Answer::Choice(at)) = answer { cell.choices.get(*at).map(|c| (*at, c)) } else { None };
    for (at, choice) in cell.choices.iter().enumerate() {
        let mark = match chosen {
            Some((picked, choice)) if picked == at => {
                if choice.right {
                    ("+", theme.good())
                } else {
                    ("-", theme.bad())
                }
            }
            _ => (" ", Style::new()),
        };
        y = write_hanging(theme, &format!("{}{} {}", at + 1, mark.0, choice.text), mark.1, inner, y, buffer);
    }
    if let Some((_, choice)) = chosen {
        write(theme, &choice.told(), Style::new(), inner, y + 1, buffer);
    }
}
