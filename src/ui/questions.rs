//! Predictions and check questions.

use super::Theme;
use app::{OptionState, QuestionLine, QuestionLineKind};
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
    let title = app::cut_at_word(&theme.text(title), usize::from(area.width.saturating_sub(4)));
    let block = Block::bordered().title(format!(" {title} ")).border_style(style);
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
    for line in textwrap::wrap(&theme.text(text), app::lines_of(usize::from(area.width.max(1)))) {
        if row < area.bottom() {
            buffer.set_stringn(area.x, row, &line, usize::from(area.width), style);
        }
        row += 1;
    }
    row
}

/// The lines of a prediction or a question, in their frame.
pub fn draw(theme: &Theme, title: &str, lines: &[QuestionLine], focused: bool, area: Rect, buffer: &mut Buffer) {
    let inner = framed(theme, title, focused, area, buffer);
    for (line, row) in lines.iter().zip(inner.y..inner.bottom()) {
        let style = match line.kind {
            QuestionLineKind::Question => theme.strong(),
            QuestionLineKind::Option { state: OptionState::Chosen, .. }
            | QuestionLineKind::Input { is_given: true } => theme.accent().patch(theme.strong()),
            QuestionLineKind::Option { state: OptionState::ChosenRight, .. }
            | QuestionLineKind::Feedback { right: Some(true) } => theme.good(),
            QuestionLineKind::Option { state: OptionState::ChosenWrong, .. } => theme.bad(),
            QuestionLineKind::Input { is_given: false } | QuestionLineKind::Hint => theme.faint(),
            QuestionLineKind::Feedback { right: Some(false) } => theme.middling(),
            QuestionLineKind::Option { state: OptionState::Open, .. }
            | QuestionLineKind::Feedback { right: None }
            | QuestionLineKind::Blank => Style::new(),
        };
        buffer.set_stringn(inner.x, row, theme.text(&line.text), usize::from(inner.width), style);
    }
}
