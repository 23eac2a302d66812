//! The bottom line: where the reader is, what runs, which keys matter now.

use super::Theme;
use super::questions::write;
use crate::app::{App, Banner, Link, Modal};
use crate::lesson::{CellBody, Guess, PredictCell};
use crate::protocol::{Effort, ExperimentSpec, RunState};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::Clear;
use unicode_width::UnicodeWidthStr;

pub fn draw(app: &App, theme: &Theme, frame: &mut Frame) {
    let area = app.screen.status;
    if area.is_empty() {
        return;
    }
    let buffer = frame.buffer_mut();
    buffer.set_style(area, theme.selected());
    let meta = &app.document().meta;
    // Where all does not fit, the keys that matter now stay and the title goes.
    let hints = theme.text(&hints(app));
    let (percent, runs, kernel) = (app.view.percent(), running(app), kernel(app));
    let long = format!(" {} {} · {percent}%", meta.part, meta.title);
    let short = format!(" {} · {percent}%", meta.part);
    let right = runs.as_ref().unwrap_or(&kernel);
    let room = usize::from(area.width);
    let with_help = format!("{right} · ? help ");
    let choices = [(&long, with_help.as_str()), (&long, "? help "), (&short, with_help.as_str()), (&short, "? help ")];
    // A running race is worth more than the title.
    let order = if runs.is_some() { [0, 2, 1, 3] } else { [0, 1, 2, 3] };
    let fits = |&at: &usize| choices[at].0.width() + choices[at].1.width() + hints.width() + 4 <= room;
    let (left, right) = choices[order.into_iter().find(fits).unwrap_or(3)];
    let (left, right) = (theme.text(left), theme.text(right));
    let style = theme.selected();
    buffer.set_stringn(area.x, area.y, &left, room, style);
    let end = room.saturating_sub(right.width());
    if end > left.width() {
        buffer.set_stringn(area.x + end as u16, area.y, &right, room - end, style);
        let between = end - left.width();
        if hints.width() + 2 <= between {
            let at = left.width() + (between - hints.width()) / 2;
            buffer.set_stringn(area.x + at as u16, area.y, &hints, between, style);
        }
    }
}

/// A sentence in place of the status line, over what lies above it if it is long.
pub fn draw_message(app: &App, theme: &Theme, frame: &mut Frame) {
    let Some(message) = app.message.as_ref().filter(|_| !app.screen.status.is_empty()) else { return };
    let whole = app.screen.whole;
    let width = usize::from(whole.width.saturating_sub(2).max(1));
    let lines: Vec<_> = message.lines().flat_map(|line| textwrap::wrap(line, width)).collect();
    let height = (lines.len() as u16).min(whole.height);
    let area = Rect { y: whole.bottom() - height, height, ..whole };
    frame.render_widget(Clear, area);
    let buffer = frame.buffer_mut();
    buffer.set_style(area, theme.selected());
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        buffer.set_stringn(area.x + 1, y, theme.text(line), width, theme.selected());
    }
}

/// What stands above the status line as long as it holds.
pub fn draw_banner(app: &App, theme: &Theme, frame: &mut Frame) {
    let area = app.screen.banner;
    if let Some(banner) = app.banner().filter(|_| !area.is_empty()) {
        let style = match banner {
            Banner::Trouble(_) | Banner::Silent(_) | Banner::Faults(_) => theme.bad(),
            Banner::Welcome(_) => theme.accent().patch(theme.strong()),
        };
        let buffer = frame.buffer_mut();
        let inside = area.inner(ratatui::layout::Margin { horizontal: 1, vertical: 0 });
        write(theme, banner.text(), style, inside, inside.y, buffer);
    }
}

/// The running race in short.
fn running(app: &App) -> Option<String> {
    let race = *app.running().first()?;
    let run = race.run;
    let doing = match race.state {
        RunState::Queued => return Some(format!("run {run} queued")),
        _ if race.notice.is_some() || app.notices.contains_key(&run) => "in trouble (r tells)",
        RunState::Paused => "paused",
        _ => "training",
    };
    Some(format!("run {run} {doing} {}", race.advance().short()))
}

fn kernel(app: &App) -> String {
    match app.link {
        Link::Off => "kernel asleep",
        Link::Asked => "asking kernel",
        Link::Failed(_) => "no kernel",
        Link::Starting => "kernel starting",
        Link::On => "kernel ready",
    }
    .into()
}

/// The keys while values are being read.
pub const READING: &str = "← → points · H L further · ↑ ↓ curves · Esc back";

/// The keys that the focused cell takes; what lies on top shows its own, the contents have them here.
fn hints(app: &App) -> String {
    match app.modals.last() {
        Some(Modal::Contents(_)) => return "↑ ↓ choose · Enter open".into(),
        Some(Modal::Values(_)) => return READING.into(),
        Some(_) => return String::new(),
        None => {}
    }
    if app.view.chosen_link().is_some() {
        return "Enter follow · f next · F previous · Esc back".into();
    }
    let Some(cell) = app.focused() else {
        return "Space page · n next · c contents".into();
    };
    match &cell.body {
        CellBody::Train(_) => match app.focused_race().map(|race| &race.state) {
            None => "Enter start · o settings",
            Some(RunState::Queued | RunState::Running) => "Space pause · s stop",
            Some(RunState::Paused) => "Space continue · s stop",
            Some(RunState::Finished) => "Enter new run · o settings · v values",
            Some(_) => "Enter resume · o settings",
        },
        CellBody::Experiment(_) if app.experiment_runs(cell) => "Enter stop",
        CellBody::Experiment(_) if app.can_steer(&app.key_of(cell)) => "[ ] page · Enter steer",
        CellBody::Experiment(experiment) => {
            let key = app.key_of(cell);
            let measured = app.experiments.get(&key).is_some_and(|view| view.outcome.is_some());
            match (measured, app.wanted(&key, experiment)) {
                (false, spec) if !spec.has_full() => "Enter measure",
                (false, ExperimentSpec { effort: Effort::Quick, .. }) => "Enter measure · e full",
                (false, _) => "Enter measure · e quick",
                (true, spec) if !spec.has_full() => "[ ] page · Enter again",
                (true, ExperimentSpec { effort: Effort::Quick, .. }) => "[ ] page · Enter again · e full",
                (true, _) => "[ ] page · Enter again · e quick",
            }
        }
        CellBody::Predict(PredictCell { guess: Guess::Number(_), .. }) => "Enter answer",
        CellBody::Predict(PredictCell { guess: Guess::Order(options), .. }) => {
            return format!("1-{} one after the other · Backspace takes back", options.len());
        }
        CellBody::Predict(PredictCell { guess: Guess::Choice(choices), .. }) => {
            return format!("1-{} answer", choices.len());
        }
        CellBody::Quiz(quiz) => return format!("1-{} answer", quiz.choices.len()),
        CellBody::Claim(_) => "Enter to its measurement · Esc back",
    }
    .into()
}
