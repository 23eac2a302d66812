//! What lies over the lesson: help, settings, the question before quitting, runs, search.

use super::notices;
use super::questions::{framed, write};
use super::race::{self, RaceView};
use super::runs;
use super::search;
use super::status::READING;
use super::theme::Theme;
use crate::app::{App, COMMANDS, CommandLine, Guessing, Modal, Outline, Pane, QuitChoice, Screen, Settings, keys};
use crate::protocol::RunId;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

pub fn draw(modal: &Modal, app: &App, theme: &Theme, frame: &mut Frame) {
    let screen = &app.screen;
    let buffer = frame.buffer_mut();
    match modal {
        Modal::Help { top } => help(*top, theme, screen, buffer),
        Modal::Settings(_, form) => settings(form, theme, screen, buffer),
        Modal::Quit(choice) => quit(*choice, app, theme, screen, buffer),
        Modal::Runs(list) => runs::draw(list, app, theme, buffer),
        Modal::Run(run) => one_run(*run, app, theme, screen, buffer),
        Modal::Search(search) => search::draw(search, app, theme, buffer),
        Modal::Outline(list) => outline(list, app, theme, screen, buffer),
        // Drawn where the contents, the plots and the steered cell always stand.
        Modal::Contents(_) | Modal::Values(_) | Modal::Steer(_) => {}
        Modal::Command(line) => command(line, theme, screen, buffer),
        Modal::OtherVersion(sentence) => other_version(sentence, theme, screen, buffer),
        Modal::Guess(guess) => number(guess, theme, screen, buffer),
        Modal::Faults { top } => notices::faults(*top, app, theme, buffer),
        Modal::Reset => notices::reset(app, theme, buffer),
    }
}

/// Clears a box; returns what is inside.
pub fn open(title: &str, area: Rect, theme: &Theme, buffer: &mut Buffer) -> Rect {
    Clear.render(area, buffer);
    framed(theme, title, true, area, buffer)
}

fn help(top: usize, theme: &Theme, screen: &Screen, buffer: &mut Buffer) {
    let shown: Vec<_> = keys::shown().collect();
    let inner = open("Keys", screen.middle(72, shown.len() as u16 + 4), theme, buffer);
    let room = usize::from(inner.height.saturating_sub(1));
    let top = top.min(shown.len().saturating_sub(room));
    for (row, binding) in shown.iter().skip(top).take(room).enumerate() {
        let y = inner.y + row as u16;
        buffer.set_stringn(inner.x, y, theme.text(binding.label), 12, theme.accent());
        buffer.set_stringn(
            inner.x + 13,
            y,
            theme.text(binding.help),
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

/// Rows that a text takes in a box of this width.
fn rows(text: &str, width: u16) -> u16 {
    textwrap::wrap(text, usize::from(width.saturating_sub(4).max(1))).len() as u16
}

fn settings(form: &Settings, theme: &Theme, screen: &Screen, buffer: &mut Buffer) {
    let width = screen.middle(72, 0).width;
    // What is wrong stands whole, however long.
    let told = form.spec.as_ref().err().map_or(1, |why| rows(why, width));
    let hint = form.fields[form.selected].hint;
    let height = form.fields.len() as u16 + 4 + rows(hint, width) + told;
    let inner = open("A race of your own", screen.middle(72, height), theme, buffer);
    for (at, field) in form.fields.iter().enumerate() {
        let y = inner.y + at as u16;
        let selected = at == form.selected;
        let style = if selected { theme.accent().patch(theme.strong()) } else { Style::new() };
        buffer.set_stringn(inner.x, y, format!("{:<16}", field.name), 16, style);
        let cursor = if selected { "_" } else { "" };
        let value = format!("{}{cursor}", field.text);
        let value_style = if selected { theme.strong() } else { Style::new() };
        buffer.set_stringn(inner.x + 17, y, &value, usize::from(inner.width.saturating_sub(17)), value_style);
    }
    let mut y = inner.y + form.fields.len() as u16 + 1;
    y = write(theme, hint, theme.faint(), inner, y, buffer);
    match &form.spec {
        Ok(spec) => {
            let lanes = spec.lanes().len();
            let text = format!(
                "Enter starts {lanes} {} of {} epochs · Esc leaves",
                if lanes == 1 { "lane" } else { "lanes" },
                spec.epochs
            );
            write(theme, &text, theme.good(), inner, y + 1, buffer);
        }
        Err(why) => {
            write(theme, why, theme.bad(), inner, y + 1, buffer);
        }
    }
}

/// So many runs are named in the question before quitting.
const NAMED: usize = 3;

fn quit(choice: QuitChoice, app: &App, theme: &Theme, screen: &Screen, buffer: &mut Buffer) {
    let running = app.running();
    let names: Vec<String> = running.iter().take(NAMED).map(|race| format!("run {}", race.run)).collect();
    let more = running.len() - names.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let question = format!("What becomes of {}{more} when the notebook closes?", names.join(", "));
    let width = screen.middle(72, 0).width;
    let inner = open("A race is running", screen.middle(72, rows(&question, width) + 8), theme, buffer);
    let y = write(theme, &question, theme.strong(), inner, inner.y, buffer);
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
    write(
        theme,
        "↑ ↓ choose · Enter quits · Esc stays",
        theme.faint(),
        inner,
        inner.bottom().saturating_sub(1),
        buffer,
    );
}

fn one_run(run: RunId, app: &App, theme: &Theme, screen: &Screen, buffer: &mut Buffer) {
    let inner = open(&format!("Run {run}"), screen.middle(u16::MAX, u16::MAX), theme, buffer);
    let Some(race) = app.races.get(&run) else {
        write(theme, "Reading its history …", theme.faint(), inner, inner.y, buffer);
        return;
    };
    let chart = Rect { height: inner.height.saturating_sub(1), ..inner };
    let cursor = app.cursor().filter(|cursor| cursor.on == Pane::Run(run));
    let view = RaceView { race, marks: app.article_marks(), other: Vec::new(), waiting: None, cursor };
    race::draw_race(theme, &view, chart, buffer);
    let keys = if cursor.is_some() {
        READING
    } else if race.state.is_active() {
        "Space pauses, continues · s stops · v values · Esc back"
    } else if race.state.can_resume() {
        "Enter resumes · v values · Esc back"
    } else {
        "v values · Esc back"
    };
    buffer.set_stringn(
        inner.x,
        inner.bottom().saturating_sub(1),
        theme.text(keys),
        usize::from(inner.width),
        theme.faint(),
    );
}

fn outline(list: &Outline, app: &App, theme: &Theme, screen: &Screen, buffer: &mut Buffer) {
    let hits = app.headings_like(&list.query);
    let headings = &app.view.layout.headings;
    let inner = open("Headings of this lesson", screen.middle(72, headings.len() as u16 + 6), theme, buffer);
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
        write(theme, "no heading holds these words", theme.faint(), inner, inner.y + 2, buffer);
    }
    let keys = "type to narrow · ↑ ↓ choose · Enter goes there · Esc leaves";
    buffer.set_stringn(inner.x, inner.bottom().saturating_sub(1), theme.text(keys), width, theme.faint());
}

fn other_version(sentence: &str, theme: &Theme, screen: &Screen, buffer: &mut Buffer) {
    let inner = open("A kernel of another version", screen.middle(72, 11), theme, buffer);
    let y = write(theme, sentence, Style::new(), inner, inner.y, buffer);
    let offer = "Until it is restarted lessons can be read and nothing can be trained. One that trains is left alone.";
    write(theme, offer, theme.strong(), inner, y + 1, buffer);
    let keys = "Enter restarts it if nothing runs in it · Esc leaves it";
    write(theme, keys, theme.faint(), inner, inner.bottom().saturating_sub(1), buffer);
}

fn command(line: &CommandLine, theme: &Theme, screen: &Screen, buffer: &mut Buffer) {
    let inner = open("Command", screen.middle(72, 6), theme, buffer);
    let y = write(theme, &format!(": {}_", line.text), theme.strong(), inner, inner.y, buffer);
    match &line.error {
        Some(why) => write(theme, why, theme.bad(), inner, y + 1, buffer),
        None => write(theme, COMMANDS, theme.faint(), inner, y + 1, buffer),
    };
}

fn number(guess: &Guessing, theme: &Theme, screen: &Screen, buffer: &mut Buffer) {
    let inner = open("Your prediction", screen.middle(50, 5), theme, buffer);
    let y = write(theme, &format!("{}_ {}", guess.text, guess.unit), theme.strong(), inner, inner.y, buffer);
    let (text, style) = match guess.number() {
        Some(_) => ("Enter keeps it · Esc leaves", theme.good()),
        None if guess.text.is_empty() => ("a number, then Enter · Esc leaves", theme.faint()),
        None => ("this is not a number yet", theme.bad()),
    };
    write(theme, text, style, inner, y + 1, buffer);
}
