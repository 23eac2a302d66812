//! Draws the notebook: `&App` to a frame. Nothing here changes state.

mod chart;
mod figure;
pub mod image;
mod inside;
mod lab;
mod lesson;
mod modal;
mod status;
mod study;
mod theme;
mod widgets;

pub use theme::{Glyphs, Palette, Theme};

use app::{App, Banner, Drawn, DrawnChart};
use image::{FrameRecord, PlacedImage};
use protocol::is_terminal_control;
use ratatui::{Frame, buffer::Buffer, layout::Rect, text::Line};

/// Draws the whole screen.
pub fn draw(app: &App, theme: &Theme, frame: &mut Frame) {
    draw_and_locate(app, theme, frame);
}

/// What a frame holds beside its cells.
#[derive(Debug, Default)]
pub struct DrawnFrame {
    /// Where things are that the mouse is held against.
    pub drawn: Drawn,
    /// The images to show with true pixels.
    pub images: Vec<PlacedImage>,
}

/// The same; returns where the charts, the images and what can be clicked are.
pub fn draw_and_locate(app: &App, theme: &Theme, frame: &mut Frame) -> DrawnFrame {
    let theme = &theme.on(app.background).with_images(app.image_cell());
    let mut record = FrameRecord::default();
    let charts = draw_parts(app, theme, frame, &mut record);
    let (images, targets) = record.finish(theme, frame.buffer_mut());
    remove_control_characters(frame.buffer_mut());
    DrawnFrame { drawn: Drawn { charts, targets }, images }
}

/// Removes control characters from every cell. Lesson text, names and messages from outside may hold characters that a
/// terminal obeys. ratatui drops C0 and C1 only on some ways into its buffer, and bidi controls on none.
fn remove_control_characters(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let symbol = cell.symbol();
        if symbol.contains(is_terminal_control) {
            let kept: String = symbol.chars().filter(|c| !is_terminal_control(*c)).collect();
            cell.set_symbol(if kept.is_empty() { " " } else { &kept });
        }
    }
}

fn draw_parts(app: &App, theme: &Theme, frame: &mut Frame, record: &mut FrameRecord) -> Vec<DrawnChart> {
    let area = frame.area();
    // During a resize the frame may be smaller than the screen that the layout was made for.
    if app.screen.is_too_small() || area.width < app.screen.whole.width || area.height < app.screen.whole.height {
        too_small(app, area, frame);
        return Vec::new();
    }
    let mut charts = lesson::draw(app, theme, frame, record);
    if app.screen.contents_beside || app.contents_choice().is_some() {
        lesson::contents::draw(app, theme, frame);
    }
    status::draw(app, theme, frame);
    status::draw_banner(app, theme, frame);
    for modal in &app.modals {
        charts.extend(modal::draw(modal, app, theme, frame, record));
    }
    // A fault stays visible above every modal.
    if matches!(app.banner(), Some(Banner::StorageFault(_) | Banner::KernelSilent(_))) {
        status::draw_banner(app, theme, frame);
    }
    status::draw_message(app, theme, frame);
    charts
}

fn too_small(app: &App, area: Rect, frame: &mut Frame) {
    if area.is_empty() {
        return;
    }
    let message = app.message.as_ref().map_or(String::new(), |message| format!("\n{message}"));
    let text = format!("relu-notebook needs 40x12; this terminal is {}x{}. q quits.{message}", area.width, area.height);
    let width = usize::from(area.width);
    let lines: Vec<_> = text.lines().flat_map(|line| textwrap::wrap(line, app::wrap_options(width))).collect();
    for (row, line) in lines.iter().take(usize::from(area.height)).enumerate() {
        frame.render_widget(Line::raw(line.to_string()), Rect::new(area.x, area.y + row as u16, area.width, 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_holds_what_a_terminal_obeys() {
        let mut buffer = Buffer::with_lines(["a中 b"]);
        for (x, symbol) in [(0, "a\u{202e}"), (3, "\u{9b}"), (4, "\u{1b}b\u{301}")] {
            buffer[(x, 0)].set_symbol(symbol);
        }
        remove_control_characters(&mut buffer);
        assert_eq!(buffer, Buffer::with_lines(["a中 b\u{301}"]));
    }
}
