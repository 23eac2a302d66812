//! The status line at the bottom, and the banner and messages above it.

use crate::theme::Theme;
use crate::widgets::write_wrapped;
use app::{AnswerKind, App, Banner, Inside, Lab, Link, Modal};
use protocol::RunState;
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
    let style = theme.selected();
    buffer.set_style(area, style);
    let room = usize::from(area.width);
    let line = status_line(app, room);
    let (left, right) = (theme.text(&line.left), theme.text(&line.right));
    let hints = theme.text(&line.hints);
    buffer.set_stringn(area.x, area.y, &left, room, style);
    let end = room.saturating_sub(right.width());
    if end > left.width() {
        buffer.set_stringn(area.x + end as u16, area.y, &right, room - end, style);
        let between = end - left.width();
        let at = left.width() + between.saturating_sub(hints.width()) / 2;
        buffer.set_stringn(area.x + at as u16, area.y, &hints, end - at, style);
    }
}

struct StatusLine {
    left: String,
    hints: String,
    right: String,
}

/// Chooses what fits. What the next key does has the highest priority: the title is left out before it, then everything
/// else.
fn status_line(app: &App, room: usize) -> StatusLine {
    let document = app.document();
    let (percent, runs, kernel) = (app.view.percent(), running(app), kernel(app));
    let number = document.number.map_or(String::new(), |number| format!(" {number}"));
    let (long, short) = if app.is_inside_open() {
        (Inside::TITLE.to_string(), Inside::TITLE.to_string())
    } else if app.is_lab_open() {
        (Lab::TITLE.to_string(), Lab::TITLE.to_string())
    } else {
        (format!("{number} {} · {percent}%", document.meta.title), format!("{number} {percent}%"))
    };
    let right = runs.as_ref().unwrap_or(&kernel);
    let with_help = format!("{right} · ? help ");
    let sides = [(&long, with_help.as_str()), (&long, "? help "), (&short, with_help.as_str()), (&short, "? help ")];
    // A run in progress is more important than the title.
    let order = if runs.is_some() { [0, 2, 1, 3] } else { [0, 1, 2, 3] };
    let hints = hints(app);
    let joined = |count: usize| hints[..count].join(" · ");
    let fits = |left: &str, right: &str, hints: &str| left.width() + right.width() + hints.width() + 4 <= room;
    // The most important hints, then as many more as fit between the shortest sides.
    let few = hints.len().min(FEW_HINTS);
    let side = order.map(|at| sides[at]).into_iter().find(|(left, right)| fits(left, right, &joined(few)));
    if let Some((left, right)) = side {
        let count = (few..=hints.len()).rev().find(|&count| fits(left, right, &joined(count))).unwrap_or(few);
        return StatusLine { left: left.clone(), hints: joined(count), right: right.to_string() };
    }
    for (left, right) in [(short.as_str(), "? help "), (" ", "? "), ("", "")] {
        let count = (1..=hints.len()).rev().find(|&count| fits(left, right, &joined(count)));
        if let Some(count) = count {
            return StatusLine { left: left.into(), hints: joined(count), right: right.into() };
        }
    }
    match hints.first() {
        Some(first) => StatusLine { left: String::new(), hints: first.clone(), right: String::new() },
        None => StatusLine { left: short, hints: String::new(), right: "? help ".into() },
    }
}

/// This many hints are more important than the title.
const FEW_HINTS: usize = 3;

/// Draws the message over the status line, and over the lines above it if it is long.
pub fn draw_message(app: &App, theme: &Theme, frame: &mut Frame) {
    let Some(message) = app.message.as_ref().filter(|_| !app.screen.status.is_empty()) else { return };
    let whole = app.screen.whole;
    let width = usize::from(whole.width.saturating_sub(2).max(1));
    let lines: Vec<_> = message.lines().flat_map(|line| textwrap::wrap(line, app::wrap_options(width))).collect();
    let height = (lines.len() as u16).min(whole.height);
    let area = Rect { y: whole.bottom() - height, height, ..whole };
    frame.render_widget(Clear, area);
    let buffer = frame.buffer_mut();
    buffer.set_style(area, theme.selected());
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        buffer.set_stringn(area.x + 1, y, theme.text(line), width, theme.selected());
    }
}

/// Draws the banner above the status line.
pub fn draw_banner(app: &App, theme: &Theme, frame: &mut Frame) {
    let area = app.screen.banner;
    if let Some(banner) = app.banner().filter(|_| !area.is_empty()) {
        frame.render_widget(Clear, area);
        let style = match banner {
            Banner::StorageFault(_) | Banner::KernelSilent(_) | Banner::Faults(_) => theme.bad(),
            Banner::Welcome(_) => theme.accent().patch(theme.strong()),
        };
        let buffer = frame.buffer_mut();
        let inside = area.inner(ratatui::layout::Margin { horizontal: 1, vertical: 0 });
        write_wrapped(theme, banner.text(), style, inside, inside.y, buffer);
    }
}

/// The run in progress in a few words.
fn running(app: &App) -> Option<String> {
    let training = *app.active_runs().first()?;
    let run = training.run;
    let doing = match training.state {
        RunState::Queued => return Some(format!("run {run} queued")),
        _ if training.notice.is_some() || app.notices.contains_key(&run) => "in trouble (r tells)",
        RunState::Paused => "paused",
        _ if training.is_loading => return Some(format!("run {run} loading {}", training.spec.data.title())),
        _ => "training",
    };
    Some(format!("run {run} {doing} {}", training.advance().short()))
}

fn kernel(app: &App) -> String {
    match app.link {
        Link::Off => "kernel asleep",
        Link::Connecting => "asking kernel",
        Link::Failed(_) => "no kernel",
        Link::Starting => "kernel starting",
        Link::On if app.experiments.values().any(|view| view.running.is_some()) => "measuring",
        Link::On => "kernel ready",
    }
    .into()
}

/// The keys of a chart that takes them, the most telling first.
const READING: [&str; 9] =
    ["← → ↑ ↓ read", "? keys", "Esc back", "d metric", "+ - zoom", "f fit", "c compare", "w smooth", "Space hide"];

/// As many of them as so many columns take.
pub fn reading_keys(room: usize) -> String {
    let joined = |count: usize| READING[..count].join(" · ");
    (1..=READING.len()).rev().map(joined).find(|keys| keys.width() <= room).unwrap_or_default()
}

/// The hints for the keys that matter now. Most modals show their own keys; for the others they are here.
fn hints(app: &App) -> Vec<String> {
    let words = |text: &str| vec![text.to_string()];
    match app.modals.last() {
        Some(Modal::Contents(_)) => words("↑ ↓ choose · Enter open · Esc back"),
        Some(Modal::Values(_)) => READING.map(String::from).to_vec(),
        Some(Modal::AnswerEntry(guess)) => match (guess.answer(), guess.kind) {
            (Some(_), _) => words("Enter keeps it · Esc leaves"),
            (None, AnswerKind::Words) => words("type your answer · Esc leaves"),
            (None, AnswerKind::Number) if guess.text.is_empty() => words("type a number · Esc leaves"),
            (None, AnswerKind::Number) => words("not a number yet · Esc leaves"),
        },
        Some(Modal::Confidence(entry)) if entry.percent().is_none() => words("50 to 99 % · Esc leaves it out"),
        Some(Modal::Confidence(_)) => words("Enter keeps it · + - change it · Esc leaves it out"),
        Some(Modal::Lab) => app.lab_hints(),
        Some(Modal::Inside) => app.inside_hints(),
        Some(_) => Vec::new(),
        None => app.hints(),
    }
}
