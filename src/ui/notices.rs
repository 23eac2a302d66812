//! The list of what to mend in a lesson, and the question before its progress is forgotten.

use super::modals::open;
use super::questions::write;
use super::theme::Theme;
use app::App;
use ratatui::buffer::Buffer;
use ratatui::style::Style;

pub fn faults(top: usize, app: &App, theme: &Theme, buffer: &mut Buffer) {
    let title = match app.lesson_faults.len() {
        0 => "Nothing to mend any more".into(),
        1 => "One fault to mend".into(),
        count => format!("{count} faults to mend"),
    };
    let inner = open(&title, app.screen.faults(), theme, buffer);
    let width = usize::from(inner.width);
    let lines = app.fault_lines(inner.width);
    let last = inner.bottom().saturating_sub(1);
    for (line, y) in lines.iter().skip(top).zip(inner.y..last) {
        buffer.set_stringn(inner.x, y, theme.text(line), width, Style::new());
    }
    let room = usize::from(inner.height.saturating_sub(1));
    let scroll = if lines.len() > room { "↑ ↓ scroll · any other key closes" } else { "any key closes" };
    let keys = format!("file:line:column · it follows as you save · {scroll}");
    buffer.set_stringn(inner.x, last, theme.text(&keys), width, theme.faint());
}

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
