//! Draws the modals: help, the form of a study, the list of runs, the search, and questions.

mod command;
mod runs;
mod search;

use crate::image::{FrameRecord, ImageCanvas};
use crate::inside;
use crate::lab;
use crate::status::reading_keys;
use crate::study::results::Results;
use crate::study::train_cell::{self, TrainingChart};
use crate::theme::Theme;
use crate::widgets::{open_dialog, write_wrapped};
use app::{
    App, ChartRun, DrawnChart, HeadingList, Modal, Pane, QuitChoice, RunLine, RunLinePurpose, Screen, StudyForm, Work,
};
use protocol::{RunId, RunState, format_count};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

/// Draws what lies on top; returns where its charts are.
pub fn draw(modal: &Modal, app: &App, theme: &Theme, frame: &mut Frame, record: &mut FrameRecord) -> Vec<DrawnChart> {
    let screen = &app.screen;
    let buffer = frame.buffer_mut();
    match modal {
        Modal::Help { top } => help(*top, app, theme, buffer),
        Modal::Settings(_, form) => settings(form, app, theme, screen, buffer),
        Modal::Quit(choice) => quit(*choice, app, theme, screen, buffer),
        Modal::Runs(list) => runs::draw(list, app, theme, buffer),
        Modal::Run(run) => return one_run(*run, app, theme, screen, buffer),
        Modal::Search(search) => search::draw(search, app, theme, buffer),
        Modal::Headings(list) => headings(list, app, theme, screen, buffer),
        // These are drawn as part of the contents, the plot or the cell that they belong to.
        Modal::Contents(_) | Modal::Values(_) | Modal::Steer(_) | Modal::AnswerEntry(_) | Modal::Confidence(_) => {}
        Modal::Lab => return lab::draw(app, theme, buffer),
        Modal::Inside => inside::draw(app, theme, &mut ImageCanvas { buffer, record }),
        Modal::Command(line) => command::draw(line, app, theme, buffer),
        Modal::OtherVersion(sentence) => other_version(sentence, theme, screen, buffer),
        Modal::Confirm(work) => confirm(work, app, theme, screen, buffer),
        Modal::RunLine(line) => run_line(line, theme, screen, buffer),
        Modal::Faults { top } => faults(*top, app, theme, buffer),
        Modal::Reset => reset(app, theme, buffer),
    }
    Vec::new()
}

fn help(top: usize, app: &App, theme: &Theme, buffer: &mut Buffer) {
    let shown = app.help();
    let inner = open_dialog("Keys", app.screen.middle(72, shown.len() as u16 + 4), theme, buffer);
    let room = usize::from(inner.height.saturating_sub(1));
    let top = top.min(shown.len().saturating_sub(room));
    for (row, (label, text)) in shown.iter().skip(top).take(room).enumerate() {
        let y = inner.y + row as u16;
        buffer.set_stringn(inner.x, y, theme.text(label), 12, theme.accent());
        buffer.set_stringn(
            inner.x + 13,
            y,
            theme.text(text),
            usize::from(inner.width.saturating_sub(13)),
            Style::new(),
        );
    }
    let more = if shown.len() > room { "↑ ↓ scroll, any other key closes" } else { "any key closes" };
    buffer.set_stringn(
        inner.x,
        inner.bottom().saturating_sub(1),
        theme.text(more),
        usize::from(inner.width),
        theme.faint(),
    );
}

/// Rows of a text that is wrapped in a dialog of this width.
fn rows(text: &str, width: u16) -> u16 {
    textwrap::wrap(text, app::wrap_options(usize::from(width.saturating_sub(4).max(1)))).len() as u16
}

fn settings(form: &StudyForm, app: &App, theme: &Theme, screen: &Screen, buffer: &mut Buffer) {
    let width = screen.middle(72, 0).width;
    // An error is shown in full, however long.
    let error_rows = form.spec.as_ref().err().map_or(1, |why| rows(why, width));
    let hint = form.fields[form.selected].hint();
    let below = 2 + rows(&hint, width) + error_rows + rows(FORM_KEYS, width);
    let inner =
        open_dialog("A race of your own", screen.middle(72, form.fields.len() as u16 + 2 + below), theme, buffer);
    // On a low screen only the fields around the selected one are shown.
    let room = usize::from(inner.height.saturating_sub(below)).clamp(1, form.fields.len());
    let first = (form.selected + 1).saturating_sub(room.div_ceil(2)).min(form.fields.len() - room);
    for (row, (at, field)) in form.fields.iter().enumerate().skip(first).take(room).enumerate() {
        let y = inner.y + row as u16;
        let selected = at == form.selected;
        let style = if selected { theme.accent().patch(theme.strong()) } else { Style::new() };
        buffer.set_stringn(inner.x, y, format!("{:<16}", field.title()), 16, style);
        let value_style = if selected { theme.strong() } else { Style::new() };
        let pieces = match form.chosen_part().filter(|_| selected) {
            Some([before, part, behind]) => [(before, value_style), (part, theme.selected()), (behind, value_style)],
            None => [(field.text.clone(), value_style), Default::default(), Default::default()],
        };
        let mut x = inner.x + 17;
        // Of a long value the end is shown, where the reader types.
        let room = usize::from(inner.right().saturating_sub(x + 1));
        let width: usize = pieces.iter().map(|(text, _)| text.width()).sum();
        let mut hidden = width.saturating_sub(room);
        for (text, style) in pieces {
            let skipped = hidden.min(text.chars().count());
            hidden -= skipped;
            let shown: String = text.chars().skip(skipped).collect();
            x = buffer.set_stringn(x, y, theme.text(&shown), usize::from(inner.right().saturating_sub(x)), style).0;
        }
        if selected {
            buffer.set_stringn(x, y, "_", usize::from(inner.right().saturating_sub(x)), value_style);
        }
    }
    // Shows that there are fields above or below.
    let more = |y: u16, sign: &str, buffer: &mut Buffer| {
        buffer.set_stringn(inner.right().saturating_sub(1), y, theme.text(sign), 1, theme.faint());
    };
    if first > 0 {
        more(inner.y, "↑", buffer);
    }
    if first + room < form.fields.len() {
        more(inner.y + room as u16 - 1, "↓", buffer);
    }
    let mut y = inner.y + room as u16 + 1;
    y = write_wrapped(theme, &hint, theme.faint(), inner, y, buffer);
    match &form.spec {
        Ok(spec) => {
            let lanes = spec.lanes().len();
            let text = format!(
                "Enter starts {}, {} each: {} · Esc leaves",
                format_count(lanes, "lane"),
                format_count(spec.epochs as usize, "epoch"),
                app.training_estimate(spec)
            );
            y = write_wrapped(theme, &text, theme.good(), inner, y, buffer);
        }
        Err(why) => {
            y = write_wrapped(theme, why, theme.bad(), inner, y, buffer);
        }
    }
    write_wrapped(theme, FORM_KEYS, theme.faint(), inner, y, buffer);
}

const FORM_KEYS: &str =
    "↑ ↓ choose · ← → change · Ctrl-U empties · Ctrl-R the lesson's settings · Ctrl-E the laboratory";

/// This many runs are named in the question before quitting.
const NAMED: usize = 3;

fn quit(choice: QuitChoice, app: &App, theme: &Theme, screen: &Screen, buffer: &mut Buffer) {
    let running = app.active_runs();
    let names: Vec<String> = running.iter().take(NAMED).map(|training| format!("run {}", training.run)).collect();
    let more = running.len() - names.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let question = format!("What becomes of {}{more} when the notebook closes?", names.join(", "));
    let width = screen.middle(72, 0).width;
    let inner = open_dialog("A race is running", screen.middle(72, rows(&question, width) + 8), theme, buffer);
    let y = write_wrapped(theme, &question, theme.strong(), inner, inner.y, buffer);
    for (at, option) in QuitChoice::ALL.into_iter().enumerate() {
        if y + 1 + at as u16 >= inner.bottom() {
            break;
        }
        let style = if option == choice { theme.selected() } else { Style::new() };
        let mark = if option == choice { "> " } else { "  " };
        buffer.set_stringn(
            inner.x,
            y + 1 + at as u16,
            theme.text(&format!("{mark}{}", option.title())),
            usize::from(inner.width),
            style,
        );
    }
    write_wrapped(
        theme,
        "↑ ↓ choose · Enter quits · Esc stays",
        theme.faint(),
        inner,
        inner.bottom().saturating_sub(1),
        buffer,
    );
}

fn one_run(run: RunId, app: &App, theme: &Theme, screen: &Screen, buffer: &mut Buffer) -> Vec<DrawnChart> {
    let inner = open_dialog(&format!("Run {run}"), screen.middle(u16::MAX, u16::MAX), theme, buffer);
    let Some(training) = app.training_runs.get(&run) else {
        write_wrapped(theme, "Reading its history …", theme.faint(), inner, inner.y, buffer);
        return Vec::new();
    };
    let room = Rect { height: inner.height.saturating_sub(1), ..inner };
    let view = app.chart_view(&Pane::Run(run));
    let (published, predictions) = (app.published_points_of_run(&training.spec), app.prediction_marks_of_run(training));
    let runs = [ChartRun::new(training)];
    let chart = TrainingChart { runs: &runs, view: &view, published: &published, predictions: &predictions };
    let results = Results {
        training,
        slots: Vec::new(),
        beside: Vec::new(),
        changed_settings: Vec::new(),
        other_run: None,
        waiting: None,
        enter_goes_on: true,
        is_sweep: app.is_sweep(run),
    };
    let places = train_cell::draw_training(theme, &results, &chart, room, buffer);
    let reading = reading_keys(usize::from(inner.width));
    let keys = if view.viewport.cursor.is_some() {
        reading.as_str()
    } else if training.state == RunState::Paused {
        "Enter continues · s stops · v into the chart · d metric · ? keys · Esc back"
    } else if training.state.is_active() {
        "z pauses · s stops · v into the chart · d metric · ? keys · Esc back"
    } else if training.can_resume() {
        "Enter resumes · v into the chart · d metric · ? keys · Esc back"
    } else {
        "v into the chart · d metric · m points · ? keys · Esc back"
    };
    buffer.set_stringn(
        inner.x,
        inner.bottom().saturating_sub(1),
        theme.text(keys),
        usize::from(inner.width),
        theme.faint(),
    );
    places.into_iter().map(|place| DrawnChart { pane: Pane::Run(run), place }).collect()
}

fn headings(list: &HeadingList, app: &App, theme: &Theme, screen: &Screen, buffer: &mut Buffer) {
    let hits = app.matching_headings(&list.query);
    let headings = &app.view.layout.headings;
    let inner = open_dialog("Headings of this lesson", screen.middle(72, headings.len() as u16 + 6), theme, buffer);
    let width = usize::from(inner.width);
    buffer.set_stringn(inner.x, inner.y, theme.text(&format!("# {}_", list.query)), width, theme.strong());
    let room = usize::from(inner.height.saturating_sub(4)).max(1);
    let first = list.selected.saturating_sub(room - 1);
    for (row, (at, heading)) in hits.iter().enumerate().skip(first).take(room).enumerate() {
        let style = if at == list.selected { theme.selected() } else { Style::new() };
        let heading = &headings[*heading];
        let indent = "  ".repeat(usize::from(heading.level.saturating_sub(2)));
        let line = format!("{indent}{}", heading.text);
        buffer.set_stringn(inner.x, inner.y + 2 + row as u16, theme.text(&line), width, style);
    }
    if hits.is_empty() {
        write_wrapped(theme, "no heading holds these words", theme.faint(), inner, inner.y + 2, buffer);
    }
    let keys = "type to narrow · ↑ ↓ choose · Enter goes there · Esc leaves";
    buffer.set_stringn(inner.x, inner.bottom().saturating_sub(1), theme.text(keys), width, theme.faint());
}

fn other_version(sentence: &str, theme: &Theme, screen: &Screen, buffer: &mut Buffer) {
    let inner = open_dialog("A kernel of another version", screen.middle(72, 11), theme, buffer);
    let y = write_wrapped(theme, sentence, Style::new(), inner, inner.y, buffer);
    let offer_lines =
        "Until it is restarted lessons can be read and nothing can be trained. One that trains is left alone.";
    write_wrapped(theme, offer_lines, theme.strong(), inner, y + 1, buffer);
    let keys = "Enter restarts it if nothing runs in it · Esc leaves it";
    write_wrapped(theme, keys, theme.faint(), inner, inner.bottom().saturating_sub(1), buffer);
}

fn faults(top: usize, app: &App, theme: &Theme, buffer: &mut Buffer) {
    let title = match app.lesson_faults.len() {
        0 => "Nothing to mend any more".into(),
        1 => "One fault to mend".into(),
        count => format!("{count} faults to mend"),
    };
    let inner = open_dialog(&title, app.screen.faults(), theme, buffer);
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

fn reset(app: &App, theme: &Theme, buffer: &mut Buffer) {
    let inner = open_dialog("Forget this lesson?", app.screen.middle(72, 10), theme, buffer);
    let text = format!(
        "“{}”: the notebook will forget {}. This can't be undone.",
        app.document().meta.title,
        app.reset_summary().join(" and ")
    );
    let y = write_wrapped(theme, &text, theme.strong(), inner, inner.y, buffer);
    write_wrapped(theme, "Its runs and measurements stay.", Style::new(), inner, y + 1, buffer);
    let last = inner.bottom().saturating_sub(1);
    write_wrapped(theme, "Enter forgets · Esc keeps everything", theme.faint(), inner, last, buffer);
}

fn confirm(work: &Work, app: &App, theme: &Theme, screen: &Screen, buffer: &mut Buffer) {
    let (what, other) = match work {
        Work::Training(_, spec) => (train_cell::describe(spec), "o changes the settings · "),
        Work::Lab(spec) => (train_cell::describe(spec), ""),
        Work::Sweep(spec, sweep) => {
            let [cells, seeds, epochs] =
                [(sweep.cells.len(), "cell"), (spec.seeds.len(), "seed"), (spec.epochs as usize, "epoch")]
                    .map(|(count, what)| format_count(count, what));
            let halving = if sweep.halving { ", fewer for those that halving stops" } else { "" };
            let values = sweep.axes().join(", and ");
            (format!("A sweep over {values}: {cells}, {seeds} and {epochs} each{halving}."), "")
        }
        Work::Experiment(_, spec) if spec.has_full() => {
            (format!("The {} setting of this experiment.", spec.effort.name()), "e takes the other setting · ")
        }
        Work::Experiment(..) => ("This experiment.".into(), ""),
    };
    let time = format!("It takes {}.", app.estimate_of(work));
    let stays = "It goes on when you leave the notebook, and s stops it at any time.";
    let width = screen.middle(72, 0).width;
    let height = [what.as_str(), &time, stays].map(|text| rows(text, width)).iter().sum::<u16>() + 4;
    let inner = open_dialog("This takes a while", screen.middle(72, height), theme, buffer);
    let mut y = inner.y;
    for (text, style) in [(what.as_str(), theme.strong()), (&time, theme.strong()), (stays, Style::new())] {
        y = write_wrapped(theme, text, style, inner, y, buffer);
    }
    let keys = format!("y starts it · {other}Esc leaves it");
    write_wrapped(theme, &keys, theme.accent(), inner, inner.bottom().saturating_sub(1), buffer);
}

fn run_line(line: &RunLine, theme: &Theme, screen: &Screen, buffer: &mut Buffer) {
    let which = app::name_runs(&line.runs);
    let (title, hint, keys) = match line.purpose {
        RunLinePurpose::Name => (
            format!("Name of {which}"),
            "It stands beside the number; an empty one takes it away.",
            "Enter keeps it · Esc leaves",
        ),
        RunLinePurpose::Tags(_) if line.runs.len() > 1 => (
            format!("Tags of {which}"),
            "Words by which you find them again. These are the tags that all of them have; each keeps its others.",
            "Enter keeps them · Ctrl-U empties the line · Esc leaves",
        ),
        RunLinePurpose::Tags(_) => (
            format!("Tags of {which}"),
            "Words by which you find it again, with spaces between them.",
            "Enter keeps them · Ctrl-U empties the line · Esc leaves",
        ),
        RunLinePurpose::Notes => (
            format!("Notes on {which}"),
            "They stand beneath the list and in `relu runs show`; an empty line takes them away.",
            "Enter keeps them · Ctrl-U empties the line · Esc leaves",
        ),
        RunLinePurpose::Export => (
            format!("Export {which}"),
            "A new file: .csv has a row for each epoch, .json the settings too, .svg and .png are the chart, \
             .tfevents is for TensorBoard.",
            "Enter writes it · Ctrl-U empties the line · Esc leaves",
        ),
    };
    let rows = if line.purpose == RunLinePurpose::Notes { 12 } else { 8 };
    let inner = open_dialog(&title, screen.middle(72, rows), theme, buffer);
    let text = theme.text(&format!("{}_", line.text));
    let lines = textwrap::wrap(&text, app::wrap_options(usize::from(inner.width.max(1))));
    // Of a long text the end is shown, where the reader types.
    let room = usize::from(inner.height.saturating_sub(5)).max(1);
    let skip = lines.len().saturating_sub(room);
    let mut y = inner.y;
    for shown in &lines[skip..] {
        buffer.set_stringn(inner.x, y, shown, usize::from(inner.width), theme.strong());
        y += 1;
    }
    let last = inner.bottom().saturating_sub(1);
    let place = Rect { height: last.saturating_sub(inner.y), ..inner };
    match &line.error {
        Some(why) => write_wrapped(theme, why, theme.bad(), place, y + 1, buffer),
        None => write_wrapped(theme, hint, theme.faint(), place, y + 1, buffer),
    };
    write_wrapped(theme, keys, theme.faint(), inner, last, buffer);
}
