//! The bottom line: where the reader is, what runs, which keys matter now.

use super::Theme;
use crate::app::{App, Link};
use crate::lesson::CellBody;
use crate::protocol::RunState;
use ratatui::Frame;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

pub fn draw(app: &App, theme: &Theme, frame: &mut Frame) {
    let area = app.screen.status;
    if area.is_empty() {
        return;
    }
    let buffer = frame.buffer_mut();
    buffer.set_style(area, theme.selected());
    if let Some(message) = &app.message {
        buffer.set_stringn(area.x + 1, area.y, theme.text(message), usize::from(area.width - 2), theme.selected());
        return;
    }
    let meta = &app.document().meta;
    let left = format!(" {} {} · {}% ", meta.part, meta.title, app.view.percent());
    let right = format!(" {} ", right_side(app));
    let room = usize::from(area.width);
    let hints = hints(app);
    let style: Style = theme.selected();
    buffer.set_stringn(area.x, area.y, theme.text(&left), room, style);
    let right = theme.text(&right);
    let right_at = room.saturating_sub(right.width());
    if right_at > left.width() {
        buffer.set_stringn(area.x + right_at as u16, area.y, &right, room - right_at, style);
        let between = right_at - left.width();
        if hints.width() + 2 <= between {
            let at = left.width() + (between - hints.width()) / 2;
            buffer.set_stringn(area.x + at as u16, area.y, theme.text(&hints), between, style);
        }
    }
}

fn right_side(app: &App) -> String {
    if let Some(race) = app.running().first() {
        let doing = if race.state == RunState::Paused { "paused" } else { "training" };
        return format!("run {} {doing} {}/{} · ? help", race.run, race.epochs_done(), race.spec.epochs);
    }
    let kernel = match app.link {
        Link::Off | Link::Failed(_) => "kernel asleep",
        Link::Starting => "kernel starting",
        Link::On => "kernel ready",
    };
    format!("{kernel} · ? help")
}

/// The keys that the focused cell takes.
fn hints(app: &App) -> String {
    let Some(cell) = app.focused() else {
        return "Space page · n next · c contents".into();
    };
    match &cell.body {
        CellBody::Train(_) => match app.focused_race().map(|race| &race.state) {
            None => "Enter start · o settings",
            Some(RunState::Queued | RunState::Running) => "Space pause · s stop",
            Some(RunState::Paused) => "Space continue · s stop",
            Some(RunState::Finished) => "Enter new run · o settings",
            Some(_) => "Enter resume · o settings",
        },
        CellBody::Experiment(_) => "Enter run",
        CellBody::Predict(_) | CellBody::Quiz(_) => "1-9 answer",
    }
    .into()
}
