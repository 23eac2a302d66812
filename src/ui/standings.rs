//! A race in numbers: where it stands, its lanes or, with several seeds, its arms and then its lanes, and what needs
//! saying.

use super::questions::write;
use super::race::RaceView;
use super::theme::{Glyphs, Theme};
use app::{ArmView, LaneView, Race, Spread};
use protocol::{Advance, EpochRecord, Metric, RunState, clock, counted, grouped};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

/// Rows below the chart for what needs saying.
const FOOT: usize = 5;
/// Rows that a chart keeps where the numbers below it would like more than half of the room.
const CHART: u16 = 16;

/// Rows that [`draw_below`] gets.
pub fn rows(view: &RaceView, width: u16, height: u16) -> u16 {
    let race = view.race;
    if let Some(text) = view.waiting {
        return self::height(text, width) as u16 + 1;
    }
    let lanes = if race.has_seeds() { race.lanes.len() + 1 } else { 0 };
    let entries = 1 + if race.has_seeds() { race.spec.arms.len() } else { race.lanes.len() };
    let sentences = foot(view).iter().map(|(text, _)| self::height(text, width)).sum::<usize>();
    let needed = (head(race, width).len() + 1 + entries + sentences.clamp(2, FOOT)) as u16;
    // The lanes behind the arms take what a chart of some height can spare.
    (needed + lanes as u16).min(height.saturating_sub(CHART).max(needed.min(height / 2 + 1)))
}

fn height(text: &str, width: u16) -> usize {
    textwrap::wrap(text, app::lines_of(usize::from(width.max(1)))).len()
}

fn percent(value: Option<f64>) -> String {
    value.map_or("–".into(), |value| format!("{value:.2}"))
}

fn spread(value: Option<Spread>) -> String {
    value.map_or("–".into(), |Spread { mean, deviation }| match deviation {
        Some(deviation) => format!("{mean:.2} ± {deviation:.2}"),
        None => format!("{mean:.2}"),
    })
}

/// A row of numbers: a lane, or an arm over its seeds.
struct Entry {
    /// The number of its arm.
    arm: usize,
    name: String,
    /// How many seeds an arm is told by; empty for a lane.
    seeds: String,
    /// Part of its epochs, 0 to 1.
    done: f64,
    /// The epoch of the latest values.
    epoch: String,
    loss: String,
    val: String,
    test: String,
    best: String,
    best_test: String,
    best_epoch: String,
    /// Images a second.
    speed: String,
    time: String,
}

/// `88k`, `9.4k`, `730`.
fn thousands(number: f64) -> String {
    match number {
        10_000.0.. => format!("{:.0}k", number / 1000.0),
        1000.0.. => format!("{:.1}k", number / 1000.0),
        _ => format!("{number:.0}"),
    }
}

impl Entry {
    fn of_lane(race: &Race, lane: &LaneView) -> Self {
        let (latest, best) = (lane.latest(), lane.best());
        let of = |record: Option<&EpochRecord>, metric| percent(record.and_then(|record| record.get(metric)));
        let epoch = |record: Option<&EpochRecord>| record.map_or("–".into(), |record| record.epoch.to_string());
        Self {
            arm: race.arm_number(lane),
            name: race.lane_name(lane),
            seeds: String::new(),
            done: lane.epochs_and_part() / f64::from(race.spec.epochs.max(1)),
            epoch: epoch(latest),
            loss: latest.and_then(|r| r.get(Metric::TrainLoss)).map_or("–".into(), |loss| format!("{loss:.4}")),
            val: of(latest, Metric::ValError),
            test: of(latest, Metric::TestError),
            best: of(best, Metric::ValError),
            best_test: of(best, Metric::TestError),
            best_epoch: epoch(best),
            speed: lane.images_per_second().map_or("–".into(), thousands),
            time: clock(lane.seconds()),
        }
    }

    fn of_arm(race: &Race, number: usize, arm: &ArmView) -> Self {
        let all = arm.measured == arm.seeds;
        let best_epoch = match arm.best_epochs {
            None => "–".into(),
            Some((first, last)) if first == last => first.to_string(),
            Some((first, last)) => format!("{first}-{last}"),
        };
        Self {
            arm: number,
            name: race.spec.arm_title(arm.arm),
            seeds: if all { arm.seeds.to_string() } else { format!("{} of {}", arm.measured, arm.seeds) },
            done: arm.done / f64::from(race.spec.epochs.max(1)),
            epoch: if arm.epoch == 0 { "–".into() } else { arm.epoch.to_string() },
            loss: String::new(),
            val: spread(arm.latest().map(|point| point.val)),
            test: spread(arm.latest().map(|point| point.test)),
            best: spread(arm.best),
            best_test: spread(arm.best_test),
            best_epoch,
            speed: arm.images_per_second.map_or("–".into(), thousands),
            time: clock(arm.seconds),
        }
    }

    fn lanes(race: &Race) -> Vec<Self> {
        race.lanes.iter().map(|lane| Self::of_lane(race, lane)).collect()
    }

    fn arms(race: &Race) -> Vec<Self> {
        race.by_arm().iter().enumerate().map(|(number, arm)| Self::of_arm(race, number, arm)).collect()
    }
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
        RunState::Running if race.has_seeds() => {
            let ended = race.lanes.iter().filter(|lane| lane.epochs_done() >= race.spec.epochs).count();
            format!("training, {ended} of {} done", counted(race.lanes.len(), "lane"))
        }
        RunState::Running => match advance {
            Advance::Together { done, of } => format!("training, epoch {} of {of}", (done + 1).min(of)),
            Advance::Apart { .. } => format!("training, {advance}"),
        },
        RunState::Paused => format!("paused after {done}; Enter continues"),
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

/// Where the race stands and its times, one beside the other if they have the room.
fn head(race: &Race, width: u16) -> Vec<(String, String)> {
    let (standing, times) = (standing(race), times(race));
    let mut lines: Vec<(String, String)> = textwrap::wrap(&standing, app::lines_of(usize::from(width.max(1))))
        .into_iter()
        .map(|line| (line.into(), String::new()))
        .collect();
    match lines.last_mut() {
        Some(last) if last.0.width() + times.width() + 2 <= usize::from(width) => last.1 = times,
        _ => lines.push((String::new(), times)),
    }
    lines
}

/// The settings that decide the curve.
fn facts(race: &Race) -> String {
    let spec = &race.spec;
    format!("{}, {} images", spec.settings_words(), grouped(spec.train_size))
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
            let (name, seed) = (race.spec.arm_title(lane.lane.arm), lane.lane.seed);
            remarks.push(format!("{name} (seed {seed}) diverged at epoch {epoch}, batch {batch}"));
        }
    }
    remarks.extend(race.not_exact.iter().map(|why| format!("not exact: {why}")));
    if !view.own.is_empty() {
        remarks.push(format!("with other settings than the lesson's: {}", view.own.join(", ")));
    }
    let behind = view.behind.clone().map(|behind| (behind, Tone::Good));
    let verdict = race.verdict().map(|sentence| (sentence, Tone::Good));
    remarks.into_iter().map(|remark| (remark, Tone::Bad)).chain(behind).chain(verdict).collect()
}

/// Writes what fits; an ellipsis at its end says that there is more.
fn write_foot(theme: &Theme, sentences: &[(String, Tone)], area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width.max(1));
    let lines: Vec<_> = sentences
        .iter()
        .flat_map(|(text, tone)| textwrap::wrap(text, app::lines_of(width)).into_iter().map(move |line| (line, *tone)))
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

/// A column: what stands above it, its value, and its rank, the lowest of which stay longest.
struct Column {
    head: &'static str,
    rank: u8,
    of: fn(&Entry) -> &str,
}

/// In the order in which they stand.
const COLUMNS: [Column; 10] = [
    Column { head: "seeds", rank: 4, of: |entry| &entry.seeds },
    Column { head: "epoch", rank: 5, of: |entry| &entry.epoch },
    Column { head: "val %", rank: 1, of: |entry| &entry.val },
    Column { head: "test %", rank: 6, of: |entry| &entry.test },
    Column { head: "best %", rank: 2, of: |entry| &entry.best },
    Column { head: "test@", rank: 3, of: |entry| &entry.best_test },
    Column { head: "@epoch", rank: 7, of: |entry| &entry.best_epoch },
    Column { head: "img/s", rank: 8, of: |entry| &entry.speed },
    Column { head: "time", rank: 9, of: |entry| &entry.time },
    Column { head: "loss", rank: 10, of: |entry| &entry.loss },
];
const BETWEEN: usize = 2;
const BAR: std::ops::RangeInclusive<usize> = 5..=16;

/// Draws a table of lanes or arms, the columns of least rank left out where the room ends; returns the row beneath it.
fn draw_table(theme: &Theme, entries: &[Entry], what: &str, area: Rect, buffer: &mut Buffer) -> u16 {
    if area.is_empty() {
        return area.y;
    }
    let room = usize::from(area.width);
    let name = entries.iter().map(|entry| entry.name.width()).max().unwrap_or(0) + 2;
    let width = |column: &Column| {
        let values = entries.iter().map(|entry| (column.of)(entry).width());
        values.max().filter(|widest| *widest > 0).map(|widest| widest.max(column.head.width()))
    };
    let mut ranked: Vec<&Column> = COLUMNS.iter().collect();
    ranked.sort_by_key(|column| column.rank);
    let (mut used, mut last) = (name, 0);
    for column in ranked {
        let Some(width) = width(column) else { continue };
        if used + BETWEEN + width > room {
            break;
        }
        used += BETWEEN + width;
        last = column.rank;
    }
    let left = room.saturating_sub(used + 1);
    let bar_width = if left < *BAR.start() { 0 } else { left.min(*BAR.end()) };
    let indent = if bar_width == 0 { 0 } else { bar_width + 1 };
    let row = |of: &dyn Fn(&Column) -> String| -> String {
        let columns = COLUMNS.iter().filter(|column| column.rank <= last);
        columns.filter_map(|column| Some(format!("{:1$}{2:>3$}", "", BETWEEN, of(column), width(column)?))).collect()
    };
    let head = row(&|column| column.head.into());
    let x = area.x + indent as u16;
    let room = usize::from(area.right() - x);
    buffer.set_stringn(x, area.y, theme.text(&format!("{:name$}{head}", "")), room, theme.faint());
    let (shown, more) = fitting(entries.len(), area.height - 1);
    let mut y = area.y + 1;
    for entry in entries.iter().take(shown) {
        let style = theme.arm(entry.arm);
        buffer.set_string(area.x, y, bar(theme, entry.done, bar_width), style);
        let name = format!("{:name$}", format!("{} {}", theme.marker(entry.arm), entry.name));
        let x = buffer.set_stringn(x, y, theme.text(&name), room, style).0;
        let numbers = row(&|column| (column.of)(entry).into());
        buffer.set_stringn(x, y, theme.text(&numbers), usize::from(area.right().saturating_sub(x)), style);
        y += 1;
    }
    put_more(theme, more, what, area, y, buffer)
}

/// The numbers beneath the chart: a row a lane; with several seeds a row an arm, and the lanes where they have room.
pub fn draw_below(theme: &Theme, view: &RaceView, area: Rect, buffer: &mut Buffer) {
    let race = view.race;
    if let Some(text) = view.waiting {
        write(theme, text, theme.strong(), area, area.y, buffer);
        return;
    }
    let mut y = area.y;
    for (standing, times) in head(race, area.width) {
        if y < area.bottom() {
            buffer.set_stringn(area.x, y, theme.text(&standing), usize::from(area.width), standing_style(theme, race));
            let times = theme.text(&times);
            let at = area.right().saturating_sub(times.width() as u16).max(area.x);
            buffer.set_stringn(at, y, &times, usize::from(area.width), theme.faint());
        }
        y += 1;
    }
    let (entries, what) = if race.has_seeds() { (Entry::arms(race), "arms") } else { (Entry::lanes(race), "lanes") };
    let sentences = foot(view);
    let told: usize = sentences.iter().map(|(text, _)| height(text, area.width)).sum();
    // Beneath the table's head: its rows first, one at least for what needs saying, then the settings.
    let left = usize::from(area.bottom().saturating_sub(y + 1));
    let kept = told.min(left.saturating_sub(entries.len()).max(1));
    let with_facts = left > entries.len() + kept;
    if with_facts {
        let facts = theme.text(&format!("{} · {}", facts(race), backend(race)));
        buffer.set_stringn(area.x, y, facts, usize::from(area.width), theme.faint());
        y += 1;
    }
    let bottom = area.bottom().saturating_sub(kept as u16).max(y);
    y = draw_table(theme, &entries, what, Rect { y, height: bottom - y, ..area }, buffer);
    // The head and one lane at least.
    if race.has_seeds() && bottom.saturating_sub(y) >= 3 {
        y = draw_table(theme, &Entry::lanes(race), "lanes", Rect { y, height: bottom - y, ..area }, buffer);
    }
    write_foot(theme, &sentences, Rect { y, height: area.bottom().saturating_sub(y), ..area }, buffer);
}

/// Rows of a card with the blank one beneath it, and of one without its bar.
const CARD: (u16, u16) = (6, 4);
/// Cards for more lanes than this say less than a table.
const CARDS: usize = 4;

/// The numbers to the right of the chart: a card a lane; with several seeds a card an arm, and all lanes beneath.
pub fn draw_beside(theme: &Theme, view: &RaceView, area: Rect, buffer: &mut Buffer) {
    let race = view.race;
    let mut y = area.y;
    if let Some(text) = view.waiting {
        y = write(theme, text, theme.strong(), area, y, buffer) + 1;
    } else {
        y = write(theme, &standing(race), standing_style(theme, race), area, y, buffer);
        y = write(theme, &times(race), theme.faint(), area, y, buffer) + 1;
    }
    let sentences = foot(view);
    let told: usize = sentences.iter().map(|(text, _)| height(text, area.width)).sum();
    let settings =
        if view.waiting.is_some() { machinery(race) } else { format!("{}, {}", facts(race), machinery(race)) };
    let settings_rows = height(&settings, area.width) as u16;
    let bottom = area.bottom().saturating_sub(settings_rows);
    write(theme, &settings, theme.faint(), area, bottom.max(y), buffer);
    if view.waiting.is_some() {
        return;
    }
    let room = bottom.saturating_sub(y);
    // The numbers come first; what needs saying has a third of the room at least.
    let kept = (told as u16).min(room / 3);
    let numbers = Rect { y, height: room.saturating_sub(kept), ..area };
    y = if race.has_seeds() {
        let y = cards(theme, &Entry::arms(race), "arms", numbers, buffer);
        let left = Rect { y, height: numbers.bottom().saturating_sub(y), ..area };
        // A head and a lane at least.
        if left.height >= 3 { draw_table(theme, &Entry::lanes(race), "lanes", left, buffer) + 1 } else { y }
    } else {
        let lanes = Entry::lanes(race);
        if lanes.len() <= CARDS && numbers.height >= CARD.1 * lanes.len() as u16 {
            cards(theme, &lanes, "lanes", numbers, buffer)
        } else {
            draw_table(theme, &lanes, "lanes", numbers, buffer) + 1
        }
    };
    write_foot(theme, &sentences, Rect { y, height: bottom.saturating_sub(y), ..area }, buffer);
}

/// Each entry with its bar where there is room, and its values in two rows.
fn cards(theme: &Theme, entries: &[Entry], what: &str, area: Rect, buffer: &mut Buffer) -> u16 {
    let rows = if area.height >= CARD.0 * entries.len() as u16 { CARD.0 } else { CARD.1 };
    let (shown, more) = fitting(entries.len(), area.height / rows);
    let mut y = area.y;
    for entry in entries.iter().take(shown) {
        card(theme, entry, rows == CARD.0, Rect { y, height: rows, ..area }, buffer);
        y += rows;
    }
    put_more(theme, more, what, area, y, buffer)
}

fn card(theme: &Theme, entry: &Entry, with_bar: bool, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.width);
    let right = |text: &str, y: u16, buffer: &mut Buffer| {
        let text = theme.text(text);
        let at = area.right().saturating_sub(text.width() as u16).max(area.x);
        buffer.set_stringn(at, y, &text, room, theme.faint());
    };
    let mut y = area.y;
    let name = format!("{} {}", theme.marker(entry.arm), entry.name);
    buffer.set_stringn(area.x, y, theme.text(&name), room, theme.arm(entry.arm).patch(theme.strong()));
    let spread = if entry.val.contains('±') { ", mean ± sd" } else { "" };
    let seeds = if entry.seeds.is_empty() { String::new() } else { format!("{} seeds{spread}", entry.seeds) };
    right(&seeds, y, buffer);
    y += 1;
    if with_bar {
        let each = if entry.seeds.is_empty() { "" } else { " a seed" };
        let told = format!("{} img/s · {}{each}", entry.speed, entry.time);
        let width = room.saturating_sub(told.width() + 4).min(30);
        buffer.set_string(area.x + 2, y, bar(theme, entry.done, width), theme.arm(entry.arm));
        right(&told, y, buffer);
        y += 1;
    }
    let width = [&entry.val, &entry.test, &entry.best, &entry.best_test].map(|value| value.width());
    let width = width.into_iter().max().unwrap_or(0).max(6);
    let line = |what: &str, val: &str, test: &str, epoch: &str| {
        theme.text(&format!("  {what:<7}{val:>width$}  {test:>width$}  {epoch}"))
    };
    let rows = [
        (line("", "val %", "test %", "epoch"), theme.faint()),
        (line("latest", &entry.val, &entry.test, &entry.epoch), Style::new()),
        (line("best", &entry.best, &entry.best_test, &entry.best_epoch), Style::new()),
    ];
    for ((text, style), y) in rows.iter().skip(usize::from(!with_bar)).zip(y..area.bottom()) {
        buffer.set_stringn(area.x, y, text, room, *style);
    }
}
