//! Draws the numbers of a run: its state, a row for each lane, or with several seeds for each arm and then for each
//! lane, and remarks.

use crate::theme::Theme;
use crate::widgets::{fit_items, progress_bar, write_wrapped};
use app::{ArmView, LaneView, Spread, TrainingRun};
use protocol::{Advance, EpochRecord, Metric, RunState, format_clock, format_count, grouped};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

/// The numbers of a run, and the remarks on it.
pub struct Results<'a> {
    pub training: &'a TrainingRun,
    /// The places of its arms in the chart, by which they have their colours; empty where they stand in their own order.
    pub slots: Vec<usize>,
    /// Runs that are shown together with it, each with the places of its arms in the chart.
    pub beside: Vec<(&'a TrainingRun, Vec<usize>)>,
    /// The settings that differ from the lesson's, in words.
    pub changed_settings: Vec<String>,
    /// The other run of the cell, and the key that shows it.
    pub other_run: Option<String>,
    /// Shown instead of the numbers before the run has started.
    pub waiting: Option<&'a str>,
    /// Whether Enter goes on with the run where it is shown.
    pub enter_goes_on: bool,
    /// Whether its arms are the cells of a sweep: the first two of them say nothing of the arms.
    pub is_sweep: bool,
}

/// Rows below the chart for remarks.
const REMARK_ROWS: usize = 5;
/// Rows that the chart keeps if the numbers below it need more than half of the area.
const CHART_ROWS: u16 = 16;

/// Rows that [`draw_below`] needs.
pub fn needed_rows(view: &Results, width: u16, height: u16) -> u16 {
    let training = view.training;
    if let Some(text) = view.waiting {
        return self::height(text, width) as u16 + 1;
    }
    let lanes = if training.has_seeds() { training.lanes.len() + 1 } else { 0 };
    let entries = 1 + view.rows().0.len();
    let sentences = remarks(view).iter().map(|(text, _)| self::height(text, width)).sum::<usize>();
    let needed = (header_lines(view, width).len() + 1 + entries + sentences.clamp(2, REMARK_ROWS)) as u16;
    // The lanes of several seeds get the rows that a high chart can spare.
    (needed + lanes as u16).min(height.saturating_sub(CHART_ROWS).max(needed.min(height / 2 + 1)))
}

fn height(text: &str, width: u16) -> usize {
    textwrap::wrap(text, app::wrap_options(usize::from(width.max(1)))).len()
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

/// A row of numbers: of a lane, or of an arm over its seeds.
struct ResultRow {
    /// The index of the arm.
    arm: usize,
    name: String,
    /// The number of seeds in an arm's means; empty for a lane.
    seeds: String,
    /// The finished part of the epochs, from 0 to 1.
    done: f64,
    /// The epoch of the latest values.
    epoch: String,
    loss: String,
    val: String,
    test: String,
    best: String,
    best_test: String,
    best_epoch: String,
    /// Images per second.
    speed: String,
    time: String,
}

/// Formats as `88k`, `9.4k`, `730`.
fn thousands(number: f64) -> String {
    match number {
        10_000.0.. => format!("{:.0}k", number / 1000.0),
        1000.0.. => format!("{:.1}k", number / 1000.0),
        _ => format!("{number:.0}"),
    }
}

impl ResultRow {
    fn from_lane(training: &TrainingRun, lane: &LaneView) -> Self {
        let (latest, best) = (lane.latest(), lane.best());
        let of = |record: Option<&EpochRecord>, metric| percent(record.and_then(|record| record.get(metric)));
        let epoch = |record: Option<&EpochRecord>| record.map_or("–".into(), |record| record.epoch.to_string());
        Self {
            arm: training.arm_number(lane),
            name: training.lane_name(lane),
            seeds: String::new(),
            done: lane.epochs_and_part() / f64::from(training.spec.epochs.max(1)),
            epoch: epoch(latest),
            loss: latest.and_then(|r| r.get(Metric::TrainLoss)).map_or("–".into(), |loss| format!("{loss:.4}")),
            val: of(latest, Metric::ValError),
            test: of(latest, Metric::TestError),
            best: of(best, Metric::ValError),
            best_test: of(best, Metric::TestError),
            best_epoch: epoch(best),
            speed: lane.images_per_second().map_or("–".into(), thousands),
            time: format_clock(lane.seconds()),
        }
    }

    fn from_arm(training: &TrainingRun, number: usize, arm: &ArmView) -> Self {
        let all = arm.measured == arm.seeds;
        let best_epoch = match arm.best_epochs {
            None => "–".into(),
            Some((first, last)) if first == last => first.to_string(),
            Some((first, last)) => format!("{first}-{last}"),
        };
        Self {
            arm: number,
            name: training.spec.arm_title(arm.arm),
            seeds: if all { arm.seeds.to_string() } else { format!("{} of {}", arm.measured, arm.seeds) },
            done: arm.done / f64::from(training.spec.epochs.max(1)),
            epoch: if arm.epoch == 0 { "–".into() } else { arm.epoch.to_string() },
            loss: String::new(),
            val: spread(arm.latest().map(|point| point.val)),
            test: spread(arm.latest().map(|point| point.test)),
            best: spread(arm.best),
            best_test: spread(arm.best_test),
            best_epoch,
            speed: arm.images_per_second.map_or("–".into(), thousands),
            time: format_clock(arm.seconds),
        }
    }

    fn lane_rows(training: &TrainingRun) -> Vec<Self> {
        training.lanes.iter().map(|lane| Self::from_lane(training, lane)).collect()
    }

    fn arm_rows(training: &TrainingRun) -> Vec<Self> {
        training.by_arm().iter().enumerate().map(|(number, arm)| Self::from_arm(training, number, arm)).collect()
    }
}

/// Rows whose arms have these places in the chart.
fn placed(rows: Vec<ResultRow>, slots: &[usize]) -> Vec<ResultRow> {
    rows.into_iter().map(|row| ResultRow { arm: slots.get(row.arm).copied().unwrap_or(row.arm), ..row }).collect()
}

impl Results<'_> {
    /// A sentence about the run itself; beside others it begins with the run's number.
    fn of_own_run(&self, sentence: String) -> String {
        if self.beside.is_empty() || sentence.is_empty() {
            sentence
        } else {
            format!("run {}: {sentence}", self.training.run)
        }
    }

    fn lane_rows(&self) -> Vec<ResultRow> {
        placed(ResultRow::lane_rows(self.training), &self.slots)
    }

    /// A row for each lane, or with several seeds for each arm; those of the runs beside it have its number before them.
    fn rows(&self) -> (Vec<ResultRow>, &'static str) {
        let rows_of = |training: &TrainingRun| {
            if training.has_seeds() { ResultRow::arm_rows(training) } else { ResultRow::lane_rows(training) }
        };
        let mut rows = placed(rows_of(self.training), &self.slots);
        if !self.beside.is_empty() {
            for row in &mut rows {
                row.name = format!("run {} {}", self.training.run, row.name);
            }
        }
        for (training, slots) in &self.beside {
            let named = |row: ResultRow| ResultRow { name: format!("run {} {}", training.run, row.name), ..row };
            rows.extend(placed(rows_of(training), slots).into_iter().map(named));
        }
        (rows, if self.training.has_seeds() { "arms" } else { "lanes" })
    }
}

/// The state of a run in one sentence, with what Enter does if it goes on with the run.
fn status_sentence(training: &TrainingRun, enter_goes_on: bool) -> String {
    let advance = training.advance();
    let enter = |does: &str| if enter_goes_on { format!("; Enter {does}") } else { String::new() };
    let done = advance.completed();
    match &training.state {
        _ if training.run.0 == 0 => String::new(),
        _ if training.resuming => format!("going on after {done}, as soon as the kernel is ready"),
        RunState::Queued => "queued: it waits for a free core".into(),
        RunState::Running if training.has_seeds() => {
            let ended = training.lanes.iter().filter(|lane| lane.epochs_done() >= training.spec.epochs).count();
            format!("training, {ended} of {} done", format_count(training.lanes.len(), "lane"))
        }
        RunState::Running => match advance {
            Advance::Together { done, of } => format!("training, epoch {} of {of}", (done + 1).min(of)),
            Advance::Apart { .. } => format!("training, {advance}"),
        },
        RunState::Paused => format!("paused after {done}{}", enter("continues")),
        RunState::Finished => format!("finished: {}", format_count(training.spec.epochs as usize, "epoch")),
        RunState::Stopped => format!("stopped after {done}{}", enter("resumes")),
        RunState::Interrupted => format!("interrupted after {done}{}", enter("resumes")),
        RunState::Failed { reason } => format!("failed: {reason}"),
    }
}

fn status_style(theme: &Theme, training: &TrainingRun) -> Style {
    if matches!(training.state, RunState::Failed { .. }) { theme.bad() } else { theme.strong() }
}

fn times(training: &TrainingRun) -> String {
    let left = match training.state {
        RunState::Finished | RunState::Stopped | RunState::Failed { .. } => None,
        _ => training.remaining_seconds(),
    };
    let left = left.map_or(String::new(), |left| format!(" · {} to go", format_clock(left)));
    format!("{} elapsed{left}", format_clock(training.seconds()))
}

/// The state of a run and its times, on one line if both fit.
fn header_lines(view: &Results, width: u16) -> Vec<(String, String)> {
    let status_sentence = view.of_own_run(status_sentence(view.training, view.enter_goes_on));
    let times = times(view.training);
    let mut lines: Vec<(String, String)> =
        textwrap::wrap(&status_sentence, app::wrap_options(usize::from(width.max(1))))
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
fn settings_text(training: &TrainingRun) -> String {
    let spec = &training.spec;
    format!("{}, {} images", spec.settings_words(), grouped(spec.train_size))
}

/// What computes the run, which decides its speed: as requested before it starts, and as the kernel reports it
/// afterwards.
fn computation_text(training: &TrainingRun) -> String {
    let threads = training.spec.threads;
    format!("{}, {} a lane", backend(training), format_count(threads as usize, "thread"))
}

fn backend(training: &TrainingRun) -> String {
    training.backend.clone().unwrap_or_else(|| format!("{} backend", training.spec.backend))
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

/// What has gone wrong, other remarks, and how the arms compare: of the run itself, also where others are beside it.
fn remarks(view: &Results) -> Vec<(String, Tone)> {
    let training = view.training;
    let mut remarks: Vec<String> = training.notice.iter().cloned().collect();
    for lane in &training.lanes {
        if let Some((epoch, batch)) = lane.diverged {
            let (name, seed) = (training.spec.arm_title(lane.lane.arm), lane.lane.seed);
            remarks.push(format!("{name} (seed {seed}) diverged at epoch {epoch}, batch {batch}"));
        }
    }
    remarks.extend(training.not_exact.iter().map(|why| format!("not exact: {why}")));
    if !view.changed_settings.is_empty() {
        remarks.push(format!("with other settings than the lesson's: {}", view.changed_settings.join(", ")));
    }
    let other_run = view.other_run.clone().map(|other_run| (other_run, Tone::Good));
    let good = |sentence| (view.of_own_run(sentence), Tone::Good);
    let verdict = if view.is_sweep { None } else { training.verdict().map(good) };
    let loading = training.is_loading.then(|| good(format!("loading {}", training.spec.data.title())));
    let remarks = remarks.into_iter().map(|remark| (view.of_own_run(remark), Tone::Bad));
    remarks.chain(loading).chain(other_run).chain(verdict).collect()
}

/// Writes the remarks that fit, with an ellipsis at the end if some are left out.
fn write_remarks(theme: &Theme, sentences: &[(String, Tone)], area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width.max(1));
    let lines: Vec<_> = sentences
        .iter()
        .flat_map(|(text, tone)| {
            textwrap::wrap(text, app::wrap_options(width)).into_iter().map(move |line| (line, *tone))
        })
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

/// How many of `count` items fit into `rows`, and how many don't; a row is reserved for saying so.
fn count_fitting(count: usize, rows: u16) -> (usize, usize) {
    let rows = usize::from(rows);
    if count <= rows { (count, 0) } else { (rows.saturating_sub(1), count - rows.saturating_sub(1)) }
}

fn write_more(theme: &Theme, more: usize, what: &str, area: Rect, y: u16, buffer: &mut Buffer) -> u16 {
    if more == 0 || y >= area.bottom() {
        return y;
    }
    buffer.set_stringn(area.x, y, format!("and {more} more {what}"), usize::from(area.width), theme.faint());
    y + 1
}

/// A column: its header, its value, and its rank. Columns of the highest rank are left out first.
struct Column {
    head: &'static str,
    rank: u8,
    of: fn(&ResultRow) -> &str,
}

/// That of the validation error.
const BEST_RANK: u8 = 1;

/// In display order.
const COLUMNS: [Column; 10] = [
    Column { head: "seeds", rank: 4, of: |entry| &entry.seeds },
    Column { head: "epoch", rank: 5, of: |entry| &entry.epoch },
    Column { head: "val %", rank: BEST_RANK, of: |entry| &entry.val },
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

/// Columns of the marker and of a name that is shortened, at least.
const SHORT_NAME: usize = 12;

/// Draws a table of lanes or arms without the columns that don't fit; returns the row beneath it. Names that leave no room
/// for the validation error stand above the numbers, or are shortened.
fn draw_table(theme: &Theme, entries: &[ResultRow], what: &str, area: Rect, buffer: &mut Buffer) -> u16 {
    if area.is_empty() {
        return area.y;
    }
    let room = usize::from(area.width);
    let width = |column: &Column| {
        let values = entries.iter().map(|entry| (column.of)(entry).width());
        values.max().filter(|widest| *widest > 0).map(|widest| widest.max(column.head.width()))
    };
    let wanted = |column: &Column| BETWEEN + width(column).unwrap_or(0);
    // Rows of different epochs or seeds are not told apart by their values alone.
    let differs = |column: &Column| {
        ["seeds", "epoch"].contains(&column.head)
            && entries.windows(2).any(|pair| (column.of)(&pair[0]) != (column.of)(&pair[1]))
    };
    let is_needed = |column: &Column| column.rank == BEST_RANK || differs(column);
    let mut ranked: Vec<&Column> = COLUMNS.iter().filter(|column| width(column).is_some()).collect();
    ranked.sort_by_key(|column| (!is_needed(column), column.rank));
    let needed: usize = ranked.iter().filter(|column| is_needed(column)).map(|column| wanted(column)).sum();
    let names: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
    let longest = names.iter().map(|name| name.width()).max().unwrap_or(0) + 2;
    let is_stacked = longest + needed > room && usize::from(area.height) > 2 * entries.len();
    let name = if is_stacked { 2 } else { longest.min(room.saturating_sub(needed).max(SHORT_NAME)) };
    let names = app::truncate_distinct(&names, if is_stacked { room.saturating_sub(2) } else { name - 2 });
    let mut used = name;
    let mut chosen: Vec<&str> = Vec::new();
    for column in ranked {
        if used + wanted(column) > room {
            break;
        }
        used += wanted(column);
        chosen.push(column.head);
    }
    let left = room.saturating_sub(used + 1);
    let bar_width = if left < *BAR.start() { 0 } else { left.min(*BAR.end()) };
    let indent = if bar_width == 0 { 0 } else { bar_width + 1 };
    let row = |of: &dyn Fn(&Column) -> String| -> String {
        let columns = COLUMNS.iter().filter(|column| chosen.contains(&column.head));
        columns.filter_map(|column| Some(format!("{:1$}{2:>3$}", "", BETWEEN, of(column), width(column)?))).collect()
    };
    let head = row(&|column| column.head.into());
    let x = area.x + indent as u16;
    let room = usize::from(area.right() - x);
    buffer.set_stringn(x, area.y, theme.text(&format!("{:name$}{head}", "")), room, theme.faint());
    let (shown, more) =
        if is_stacked { (entries.len(), 0) } else { count_fitting(entries.len(), area.height.saturating_sub(1)) };
    let mut y = area.y + 1;
    for (entry, title) in entries.iter().zip(names).take(shown) {
        let style = theme.arm(entry.arm);
        let title = theme.text(&format!("{} {title}", theme.marker(entry.arm)));
        if is_stacked {
            buffer.set_stringn(area.x, y, &title, usize::from(area.width), style);
            y += 1;
        }
        buffer.set_string(area.x, y, progress_bar(theme, entry.done, bar_width), style);
        let title = if is_stacked { "" } else { title.as_str() };
        let x = buffer.set_stringn(x, y, format!("{title:name$}"), room, style).0;
        let numbers = row(&|column| (column.of)(entry).into());
        buffer.set_stringn(x, y, theme.text(&numbers), usize::from(area.right().saturating_sub(x)), style);
        y += 1;
    }
    write_more(theme, more, what, area, y, buffer)
}

/// Draws the numbers beneath the chart: a row for each lane; with several seeds a row for each arm, then the lanes if
/// there is room.
pub fn draw_below(theme: &Theme, view: &Results, area: Rect, buffer: &mut Buffer) {
    let training = view.training;
    if let Some(text) = view.waiting {
        write_wrapped(theme, text, theme.strong(), area, area.y, buffer);
        return;
    }
    let mut y = area.y;
    for (status_sentence, times) in header_lines(view, area.width) {
        if y < area.bottom() {
            buffer.set_stringn(
                area.x,
                y,
                theme.text(&status_sentence),
                usize::from(area.width),
                status_style(theme, training),
            );
            let times = theme.text(&times);
            let at = area.right().saturating_sub(times.width() as u16).max(area.x);
            buffer.set_stringn(at, y, &times, usize::from(area.width), theme.faint());
        }
        y += 1;
    }
    let (entries, what) = view.rows();
    let sentences = remarks(view);
    let remark_rows: usize = sentences.iter().map(|(text, _)| height(text, area.width)).sum();
    // Beneath the header: the rows first, at least one row of remarks, then the settings.
    let left = usize::from(area.bottom().saturating_sub(y + 1));
    let kept = remark_rows.min(left.saturating_sub(entries.len()).max(1));
    let with_facts = left > entries.len() + kept;
    if with_facts {
        let settings = view.of_own_run(format!("{} · {}", settings_text(training), backend(training)));
        let settings = fit_items(theme, &settings, usize::from(area.width));
        buffer.set_stringn(area.x, y, settings, usize::from(area.width), theme.faint());
        y += 1;
    }
    let bottom = area.bottom().saturating_sub(kept as u16).max(y);
    y = draw_table(theme, &entries, what, Rect { y, height: bottom - y, ..area }, buffer);
    // At least the header and one lane.
    if training.has_seeds() && bottom.saturating_sub(y) >= 3 {
        y = draw_table(theme, &view.lane_rows(), "lanes", Rect { y, height: bottom - y, ..area }, buffer);
    }
    write_remarks(theme, &sentences, Rect { y, height: area.bottom().saturating_sub(y), ..area }, buffer);
}

/// Rows of a card including a blank one, with and without its progress bar.
const CARD: (u16, u16) = (6, 4);
/// More lanes than this are drawn as a table.
const CARDS: usize = 4;

/// Draws the numbers to the right of the chart: a card for each lane; with several seeds a card for each arm, and all
/// lanes beneath.
pub fn draw_beside(theme: &Theme, view: &Results, area: Rect, buffer: &mut Buffer) {
    let training = view.training;
    let mut y = area.y;
    if let Some(text) = view.waiting {
        y = write_wrapped(theme, text, theme.strong(), area, y, buffer) + 1;
    } else {
        y = write_wrapped(
            theme,
            &view.of_own_run(status_sentence(training, view.enter_goes_on)),
            status_style(theme, training),
            area,
            y,
            buffer,
        );
        y = write_wrapped(theme, &times(training), theme.faint(), area, y, buffer) + 1;
    }
    let sentences = remarks(view);
    let remark_rows: usize = sentences.iter().map(|(text, _)| height(text, area.width)).sum();
    let settings = if view.waiting.is_some() {
        computation_text(training)
    } else {
        view.of_own_run(format!("{}, {}", settings_text(training), computation_text(training)))
    };
    let settings_rows = height(&settings, area.width) as u16;
    let bottom = area.bottom().saturating_sub(settings_rows);
    write_wrapped(theme, &settings, theme.faint(), area, bottom.max(y), buffer);
    if view.waiting.is_some() {
        return;
    }
    let room = bottom.saturating_sub(y);
    // The numbers come first, but remarks get up to a third of the rows.
    let kept = (remark_rows as u16).min(room / 3);
    let numbers = Rect { y, height: room.saturating_sub(kept), ..area };
    y = if !view.beside.is_empty() {
        let (rows, what) = view.rows();
        draw_table(theme, &rows, what, numbers, buffer) + 1
    } else if training.has_seeds() {
        let y = cards(theme, &placed(ResultRow::arm_rows(training), &view.slots), "arms", numbers, buffer);
        let left = Rect { y, height: numbers.bottom().saturating_sub(y), ..area };
        // At least the header and one lane.
        if left.height >= 3 { draw_table(theme, &view.lane_rows(), "lanes", left, buffer) + 1 } else { y }
    } else {
        let lanes = view.lane_rows();
        if lanes.len() <= CARDS && numbers.height >= CARD.1 * lanes.len() as u16 {
            cards(theme, &lanes, "lanes", numbers, buffer)
        } else {
            draw_table(theme, &lanes, "lanes", numbers, buffer) + 1
        }
    };
    write_remarks(theme, &sentences, Rect { y, height: bottom.saturating_sub(y), ..area }, buffer);
}

/// Draws each row as a card: its progress bar if there is room, and its values in two rows.
fn cards(theme: &Theme, entries: &[ResultRow], what: &str, area: Rect, buffer: &mut Buffer) -> u16 {
    let rows = if area.height >= CARD.0 * entries.len() as u16 { CARD.0 } else { CARD.1 };
    let (shown, more) = count_fitting(entries.len(), area.height / rows);
    let mut y = area.y;
    for entry in entries.iter().take(shown) {
        card(theme, entry, rows == CARD.0, Rect { y, height: rows, ..area }, buffer);
        y += rows;
    }
    write_more(theme, more, what, area, y, buffer)
}

fn card(theme: &Theme, entry: &ResultRow, with_bar: bool, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.width);
    let right = |text: &str, y: u16, buffer: &mut Buffer| {
        let text = theme.text(text);
        let at = area.right().saturating_sub(text.width() as u16).max(area.x);
        buffer.set_stringn(at, y, &text, room, theme.faint());
    };
    let mut y = area.y;
    let name = format!("{} {}", theme.marker(entry.arm), entry.name);
    let spread = if entry.val.contains('±') { ", mean ± sd" } else { "" };
    let seeds = if entry.seeds.is_empty() { String::new() } else { format!("{} seeds{spread}", entry.seeds) };
    // The name comes first: without it nobody knows whose numbers these are.
    let fits = |text: &str| name.width() + 2 + text.width() <= room;
    let short = if entry.seeds.is_empty() { String::new() } else { format!("{} seeds", entry.seeds) };
    if let Some(seeds) = [seeds, short].iter().find(|text| fits(text)) {
        right(seeds, y, buffer);
    }
    let name = app::truncate(&theme.text(&name), room);
    buffer.set_stringn(area.x, y, name, room, theme.arm(entry.arm).patch(theme.strong()));
    y += 1;
    if with_bar {
        let each = if entry.seeds.is_empty() { "" } else { " a seed" };
        let remark_rows = format!("{} img/s · {}{each}", entry.speed, entry.time);
        let width = room.saturating_sub(remark_rows.width() + 4).min(30);
        buffer.set_string(area.x + 2, y, progress_bar(theme, entry.done, width), theme.arm(entry.arm));
        right(&remark_rows, y, buffer);
        y += 1;
    }
    let width = [&entry.val, &entry.test, &entry.best, &entry.best_test].map(|value| value.width());
    let width = width.into_iter().max().unwrap_or(0).max(6);
    let has_epoch = 2 + 7 + width + 2 + width + 2 + "epoch".len().max(entry.best_epoch.width()) <= room;
    // A number is shown whole or not at all: the indent goes first, then the test errors.
    let indent = if 2 + 7 + width + 2 + width <= room { "  " } else { "" };
    let has_test = 7 + width + 2 + width <= room;
    let line = |what: &str, val: &str, test: &str, epoch: &str| {
        let epoch = if has_epoch { epoch } else { "" };
        let test = if has_test { format!("  {test:>width$}  {epoch}") } else { String::new() };
        theme.text(&format!("{indent}{what:<7}{val:>width$}{test}"))
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
