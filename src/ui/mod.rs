//! Drawing only: `&App` becomes a frame. Nothing here changes state.

mod axes;
mod bars;
mod claim;
mod contents;
mod curves;
mod document;
mod experiment;
mod foot;
mod images;
mod legend;
mod markers;
mod modals;
mod notices;
mod pixels;
mod plot;
mod questions;
mod race;
mod regions;
mod runs;
mod search;
mod standings;
mod status;
mod table;
mod theme;
mod ticks;
mod units;

pub use theme::{Glyphs, Palette, Theme};

use crate::app::App;
use ratatui::{Frame, layout::Rect, text::Line};

/// Draws the whole screen.
pub fn draw(app: &App, theme: &Theme, frame: &mut Frame) {
    let area = frame.area();
    // A resize may be under way: nothing is drawn outside of what the frame really has.
    if app.screen.is_too_small() || area.width < app.screen.whole.width || area.height < app.screen.whole.height {
        too_small(app, area, frame);
        return;
    }
    let theme = &theme.on(app.background);
    document::draw(app, theme, frame);
    if app.screen.contents_beside || app.contents_choice().is_some() {
        contents::draw(app, theme, frame);
    }
    status::draw(app, theme, frame);
    status::draw_banner(app, theme, frame);
    for modal in &app.modals {
        modals::draw(modal, app, theme, frame);
    }
    status::draw_message(app, theme, frame);
}

fn too_small(app: &App, area: Rect, frame: &mut Frame) {
    if area.is_empty() {
        return;
    }
    let told = app.message.as_ref().map_or(String::new(), |message| format!("\n{message}"));
    let text = format!("relu-notebook needs 40x12; this terminal is {}x{}. q quits.{told}", area.width, area.height);
    let width = usize::from(area.width);
    let lines: Vec<_> = text.lines().flat_map(|line| textwrap::wrap(line, width)).collect();
    for (row, line) in lines.iter().take(usize::from(area.height)).enumerate() {
        frame.render_widget(Line::raw(line.to_string()), Rect::new(area.x, area.y + row as u16, area.width, 1));
    }
}
