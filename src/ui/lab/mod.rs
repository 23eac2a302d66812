//! The laboratory on the screen: its pages' titles, the study as text and as a table, and the chart of its run.

mod activations;
mod compare;
mod overlay;
mod sweep;
mod table;

use crate::study::results::Results;
use crate::study::train_cell::{self, TrainingChart};
use crate::theme::Theme;
use crate::widgets::{draw_frame, write_wrapped};
use app::{App, ChartRun, DrawnChart, EditOf, Lab, LabEdit, LabLayout, LabOperation, Pane, TrainingRun, arm_slots};
use protocol::{RunId, Study};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};
use unicode_width::UnicodeWidthStr;

/// Draws the laboratory; returns where its chart is.
pub fn draw(app: &App, theme: &Theme, buffer: &mut Buffer) -> Vec<DrawnChart> {
    let layout = app.lab_layout();
    let whole = Rect { height: app.screen.status.y.saturating_sub(app.screen.whole.y), ..app.screen.whole };
    Clear.render(whole, buffer);
    draw_tabs(app, theme, &layout, buffer);
    if let Some(area) = layout.study {
        table::draw(app, theme, area, buffer);
    }
    let places = layout.chart.map_or_else(Vec::new, |area| draw_chart(app, theme, area, buffer));
    if let Some(area) = layout.sweep {
        sweep::draw(app, theme, area, buffer);
    }
    if let Some(area) = layout.compare {
        compare::draw(app, theme, area, buffer);
    }
    // An error in the text covers what stands below it.
    draw_text_form(app, theme, layout.text, buffer);
    if let Some(list) = &app.lab.activations {
        let body = Rect { y: layout.text.y, height: whole.height.saturating_sub(layout.text.y), ..whole };
        activations::draw_list(list, theme, body, buffer);
    }
    if let Some(list) = app.lab.overlay {
        overlay::draw_list(list, app, theme, buffer);
    }
    places.into_iter().map(|place| DrawnChart { pane: Pane::Lab, place }).collect()
}

/// The name of the laboratory, its pages, and whose study it is.
fn draw_tabs(app: &App, theme: &Theme, layout: &LabLayout, buffer: &mut Buffer) {
    let row = layout.tabs;
    buffer.set_stringn(row.x, row.y, Lab::TITLE, usize::from(row.width), theme.accent().patch(theme.strong()));
    let mut end = row.x + Lab::TITLE.width() as u16;
    for (page, area) in layout.tab_columns() {
        let is_chosen = page == app.lab.page;
        let style = if is_chosen { theme.selected() } else { theme.faint() };
        buffer.set_stringn(area.x, area.y, format!(" {} ", page.title()), usize::from(area.width), style);
        end = area.right();
    }
    let origin = app.lab.origin.as_ref().and_then(|key| {
        let lesson = &app.library.lessons[app.library.find(&key.lesson)?];
        let whose =
            if app.lab.table.study().ok() == Some(&app.lab_lesson_study()) { "the study" } else { "from the study" };
        Some(match lesson.number {
            Some(number) => format!("{whose} of lesson {number}"),
            None => format!("{whose} of “{}”", lesson.meta.title),
        })
    });
    let text = theme.text(&origin.unwrap_or_else(|| "a study of your own".into()));
    let x = row.right().saturating_sub(text.width() as u16 + 1);
    if x > end + 1 {
        buffer.set_stringn(x, row.y, &text, usize::from(row.right() - x), theme.faint());
    }
}

/// The study as a line of text; what is typed in its place, while that is edited.
fn draw_text_form(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let Rect { x, y, width, .. } = area;
    let edit = app.lab.edit.as_ref().filter(|edit| !matches!(edit.what, EditOf::Value | EditOf::Threshold));
    let label = match edit.map(|edit| edit.what) {
        Some(EditOf::Fork) => format!(" fork with {} at epoch ", app.fork_words()),
        Some(EditOf::Sweep) => " sweep ".into(),
        _ => " text ".into(),
    };
    buffer.set_stringn(x, y, " ".repeat(width.into()), usize::from(width), Style::new());
    let style = if edit.is_some() { theme.accent() } else { theme.faint() };
    let end = buffer.set_stringn(x, y, theme.text(&label), usize::from(width), style).0;
    let area = Rect { x: end, width: (x + width).saturating_sub(end + 1), ..area };
    let Some(edit) = edit else {
        let text = app::truncate(&theme.text(&app.lab.table.text()), usize::from(area.width));
        buffer.set_stringn(area.x, y, text, usize::from(area.width), Style::new());
        return;
    };
    draw_edit(edit, theme, area, buffer);
    let hint = match (&edit.fault, edit.what) {
        (Some(why), _) => (why.as_str(), theme.bad()),
        (None, EditOf::Sweep) => (SWEEP_HINT, theme.faint()),
        (None, EditOf::Fork) => ("the run stays behind as it was; Enter forks it", theme.faint()),
        (None, _) => return,
    };
    // Above whatever stands below.
    let room = Rect { x: x + 1, width: width.saturating_sub(2), y: y + 1, ..area };
    let lines = textwrap::wrap(hint.0, app::wrap_options(usize::from(room.width.max(1)))).len() as u16;
    let below = Rect { height: lines.min(4), ..room };
    Clear.render(Rect { x, width, ..below }, buffer);
    write_wrapped(theme, hint.0, hint.1, below, below.y, buffer);
}

const SWEEP_HINT: &str = "values as lr=0.01,0.03,0.1 or lr=0.001..1; several settings parted by spaces; ARM.lr=... for one arm \
                          alone; `halving` stops the worse half on the way; Enter runs it";

/// A line that is being edited: the part of it around its cursor, which stands reversed.
fn draw_edit(edit: &LabEdit, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.width).max(1);
    let before: Vec<char> = edit.text[..edit.cursor].chars().collect();
    let skipped = before.len().saturating_sub(room - 1);
    let text: String = before[skipped..].iter().collect();
    let style = if edit.fault.is_some() { theme.bad() } else { theme.strong() };
    buffer.set_stringn(area.x, area.y, " ".repeat(room), room, Style::new());
    let x = buffer.set_stringn(area.x, area.y, theme.text(&text), room, style).0;
    let mut rest = edit.text[edit.cursor..].chars();
    let at = rest.next().map_or(" ".into(), String::from);
    let left = |x: u16| usize::from(area.right().saturating_sub(x));
    let x = buffer.set_stringn(x, area.y, theme.text(&at), left(x), style.patch(theme.selected())).0;
    buffer.set_stringn(x, area.y, theme.text(rest.as_str()), left(x), style);
}

/// The chart of the run that the laboratory shows, with its progress and its numbers; returns the room of the curves.
fn draw_chart(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Vec<Rect> {
    let focused = app.lab.page == app::LabPage::Chart;
    let shown = app.lab_training();
    let waiting = match &app.lab.starting {
        Some(Ok(_)) => Some("The kernel is starting; LibTorch takes a moment to load.".to_string()),
        Some(Err(why)) => Some(format!("The run could not start: {why}")),
        None if shown.is_none() && app.lab.run.is_some() => Some("Reading its history …".to_string()),
        // Beside the table, where that stands already, it is not said twice.
        None if shown.is_none() && app.lab_layout().study.is_none() => app.lab_offer().ok(),
        None if shown.is_none() => Some("The curves of this study stand here once it runs.".to_string()),
        None => None,
    };
    let runs = app.lab_runs();
    let title = match (shown, &app.lab.starting) {
        (_, Some(_)) | (None, _) => "A run of this study".to_string(),
        (Some(training), None) if runs.len() == 1 => run_title(app, training),
        (Some(_), None) => {
            let runs: Vec<String> = runs.iter().map(|training| training.run.to_string()).collect();
            format!("Runs {}", runs.join(", "))
        }
    };
    let inner = draw_frame(theme, &title, focused, area, buffer);
    let coming;
    let (training, runs) = if let Some(training) = shown.filter(|_| app.lab.starting.is_none()) {
        (training, app.lab_chart_runs())
    } else {
        let study = match &app.lab.starting {
            Some(Ok(study)) => study.clone(),
            _ => app.lab.table.study().cloned().unwrap_or_else(|_| Study::of(protocol::Preset::Article)),
        };
        coming = TrainingRun::new(RunId(0), study);
        (&coming, vec![ChartRun::new(&coming)])
    };
    let view = app.chart_view(&Pane::Lab);
    let (published, predictions) = (app.published_points_of_run(&training.spec), app.prediction_marks_of_run(training));
    let chart = TrainingChart { runs: &runs, view: &view, published: &published, predictions: &predictions };
    let others = runs.iter().filter(|run| run.training.run != training.run);
    let slots = |run: &ChartRun| arm_slots(&runs, run.training.run).into_iter().map(|(_, slot)| slot).collect();
    let own = runs.iter().find(|run| run.training.run == training.run).map(slots).unwrap_or_default();
    let results = Results {
        training,
        slots: own,
        beside: others.map(|run| (run.training, slots(run))).collect(),
        changed_settings: Vec::new(),
        other_run: None,
        waiting: waiting.as_deref(),
        enter_goes_on: app.lab_operation() == LabOperation::GoOn(training.run),
        is_sweep: app.is_sweep(training.run),
    };
    let inner = overlay::draw_differences(app, theme, inner, buffer);
    train_cell::draw_training(theme, &results, &chart, inner, buffer)
}

/// The run's number, and in what its settings are not those of the table.
fn run_title(app: &App, training: &TrainingRun) -> String {
    let run = training.run;
    let differs = app.lab.table.study().map(|study| training.spec.other_than(study)).unwrap_or_default();
    if differs.is_empty() {
        format!("Run {run}")
    } else {
        format!("Run {run}, not as the table: {}", differs.join(", "))
    }
}
