//! Draws predictions and check questions.

use crate::theme::Theme;
use crate::widgets::draw_frame;
use app::{OptionState, QuestionLine, QuestionLineKind};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// The lines of a prediction or a question, in their frame.
pub fn draw(theme: &Theme, title: &str, lines: &[QuestionLine], focused: bool, area: Rect, buffer: &mut Buffer) {
    let inner = draw_frame(theme, title, focused, area, buffer);
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
