//! A race in numbers: where it stands, its lanes or, with many seeds, its arms, and what needs saying.

pub mod below;
pub mod beside;

use super::race::RaceView;
use super::theme::{Glyphs, Theme};
use crate::app::{ArmView, Race, Spread};
use crate::protocol::{Advance, RunState, counted, grouped};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

/// From so many seeds on an arm is told by its mean; before, every lane by itself.
const MANY_SEEDS: usize = 3;
/// Rows below the chart for what needs saying.
const FOOT: usize = 4;

/// Rows that [`below::draw`] would like to have.
pub fn rows(view: &RaceView, width: u16) -> u16 {
    let race = view.race;
    let entries = if by_arm(race) { race.spec.arms.len() } else { race.lanes.len() };
    let sentences = foot(view).iter().map(|(text, _)| height(text, width)).sum::<usize>();
    (height(&standing(race), width) + 2 + entries + sentences.clamp(2, FOOT)) as u16
}

fn height(text: &str, width: u16) -> usize {
    textwrap::wrap(text, usize::from(width.max(1))).len()
}

fn by_arm(race: &Race) -> bool {
    race.spec.seeds.len() >= MANY_SEEDS
}

fn percent(value: Option<f64>) -> String {
    value.map_or("    –".into(), |value| format!("{value:>5.2}"))
}

fn spread(value: Option<Spread>) -> String {
    value.map_or("  –".into(), |Spread { mean, deviation }| match deviation {
        Some(deviation) => format!("{mean:.2} ± {deviation:.2}"),
        None => format!("{mean:.2}"),
    })
}

/// `2:05`, `1:02:05`.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

pub fn bar(theme: &Theme, part: f64, width: usize) -> String {
    let eighths = (part.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    if theme.glyphs == Glyphs::Ascii {
        let full = eighths / 8;
        return format!("{}{}", "#".repeat(full), ".".repeat(width - full));
    }
    let (full, rest) = (eighths / 8, eighths % 8);
    let mut bar = "█".repeat(full);
    if rest > 0 {
        bar.push(['▏', '▎', '▍', '▌', '▋', '▊', '▉'][rest - 1]);
    }
    format!("{bar}{}", "░".repeat(width - bar.chars().count()))
}

/// One sentence on where the race stands.
fn standing(race: &Race) -> String {
    let advance = race.advance();
    let done = advance.so_far();
    match &race.state {
        _ if race.run.0 == 0 => String::new(),
        _ if race.resuming => format!("going on after {done}, as soon as the kernel is ready"),
        RunState::Queued => "queued: it waits for a free core".into(),
        RunState::Running if by_arm(race) => {
            let ended = race.lanes.iter().filter(|lane| lane.epochs_done() >= race.spec.epochs).count();
            format!("training, {ended} of {} at their end", counted(race.lanes.len(), "lane"))
        }
        RunState::Running => match advance {
            Advance::Together { done, of } => format!("training, epoch {} of {of}", (done + 1).min(of)),
            Advance::Apart { .. } => format!("training, {advance}"),
        },
        RunState::Paused => format!("paused after {done}; Space continues"),
        RunState::Finished => format!("finished: {}", counted(race.spec.epochs as usize, "epoch")),
        RunState::Stopped => format!("stopped after {done}; Enter resumes"),
        RunState::Interrupted => format!("interrupted after {done}; Enter resumes"),
        RunState::Failed { reason } => format!("failed: {reason}"),
    }
}

fn standing_style(theme: &Theme, race: &Race) -> Style {
    if matches!(race.state, RunState::Failed { .. }) { theme.bad() } else { theme.strong() }
}

fn times(race: &Race) -> String {
    let left = match race.state {
        RunState::Finished | RunState::Stopped | RunState::Failed { .. } => None,
        _ => race.remaining_seconds(),
    };
    let left = left.map_or(String::new(), |left| format!(" · {} to go", clock(left)));
    format!("{} elapsed{left}", clock(race.seconds()))
}

/// The settings that decide the curve.
fn facts(race: &Race) -> String {
    let spec = &race.spec;
    let momentum = if spec.momentum == 0.0 { String::new() } else { format!(", momentum {}", spec.momentum) };
    let (batch, rate, images) = (spec.batch, spec.learning_rate, grouped(spec.train_size));
    format!("batch {batch}, learning rate {rate}{momentum}, {images} images")
}

/// How it is computed, which decides the speed: asked for before it runs, said by the kernel from then on.
fn machinery(race: &Race) -> String {
    let threads = race.spec.threads;
    format!("{}, {} a lane", backend(race), counted(threads as usize, "thread"))
}

fn backend(race: &Race) -> String {
    race.backend.clone().unwrap_or_else(|| format!("{} backend", race.spec.backend))
}

#[derive(Clone, Copy)]
enum Tone {
    Bad,
    Good,
}

impl Tone {
    fn style(self, theme: &Theme) -> Style {
        match self {
            Self::Bad => theme.bad(),
            Self::Good => theme.good(),
        }
    }
}

/// What has gone wrong, what needs saying, and how the arms compare.
fn foot(view: &RaceView) -> Vec<(String, Tone)> {
    let race = view.race;
    let mut remarks: Vec<String> = race.notice.iter().cloned().collect();
    for lane in &race.lanes {
        if let Some((epoch, batch)) = lane.diverged {
            let (name, seed) = (lane.lane.arm.title(), lane.lane.seed);
            remarks.push(format!("{name} (seed {seed}) diverged at epoch {epoch}, batch {batch}"));
        }
    }
    remarks.extend(race.not_exact.iter().map(|why| format!("not exact: {why}")));
    if !view.other.is_empty() {
        remarks.push(format!("with other settings than the lesson's: {}", view.other.join(", ")));
    }
    let verdict = race.verdict().map(|sentence| (sentence, Tone::Good));
    remarks.into_iter().map(|remark| (remark, Tone::Bad)).chain(verdict).collect()
}

/// Writes what fits; an ellipsis at its end says that there is more.
fn write_foot(theme: &Theme, sentences: &[(String, Tone)], area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width.max(1));
    let lines: Vec<_> = sentences
        .iter()
        .flat_map(|(text, tone)| textwrap::wrap(text, width).into_iter().map(move |line| (line, *tone)))
        .collect();
    for (at, (line, tone)) in lines.iter().take(area.height.into()).enumerate() {
        let y = area.y + at as u16;
        buffer.set_stringn(area.x, y, theme.text(line), width, tone.style(theme));
        if at + 1 == usize::from(area.height) && at + 1 < lines.len() {
            let end = theme.text(line).width().min(width - 1) as u16;
            buffer.set_string(area.x + end, y, theme.text("…"), tone.style(theme));
        }
    }
}

/// So many of the first as fit, and a row for how many more there are.
fn fitting(count: usize, rows: u16) -> (usize, usize) {
    let rows = usize::from(rows);
    if count <= rows { (count, 0) } else { (rows.saturating_sub(1), count - rows.saturating_sub(1)) }
}

fn put_more(theme: &Theme, more: usize, what: &str, area: Rect, y: u16, buffer: &mut Buffer) -> u16 {
    if more == 0 || y >= area.bottom() {
        return y;
    }
    buffer.set_stringn(area.x, y, format!("and {more} more {what}"), usize::from(area.width), theme.faint());
    y + 1
}

fn seeds_of(arm: &ArmView) -> String {
    if arm.measured == arm.seeds {
        counted(arm.seeds, "seed")
    } else {
        format!("{} of {}", arm.measured, counted(arm.seeds, "seed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_read_as_clocks() {
        assert_eq!([5.0, 125.4, 3725.0].map(clock), ["0:05", "2:05", "1:02:05"]);
    }
}
