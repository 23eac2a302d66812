//! The question before a lesson's progress is forgotten.

use super::modals::open;
use super::questions::write;
use super::theme::Theme;
use crate::app::App;
use ratatui::buffer::Buffer;
use ratatui::style::Style;

pub fn reset(app: &App, theme: &Theme, buffer: &mut Buffer) {
    let inner = open("Forget this lesson?", app.screen.middle(72, 10), theme, buffer);
    let text = format!(
        "“{}”: the notebook will forget {}. This can't be undone.",
        app.document().meta.title,
        app.to_forget().join(" and ")
    );
    let y = write(theme, &text, theme.strong(), inner, inner.y, buffer);
    write(theme, "Its runs and measurements stay.", Style::new(), inner, y + 1, buffer);
    let last = inner.bottom().saturating_sub(1);
    write(theme, "Enter forgets · Esc keeps everything", theme.faint(), inner, last, buffer);
}
