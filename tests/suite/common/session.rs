//! A session controlled by scripted keys.

use app::{App, Effect, Event, Modal, Tag, update};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use lesson::Library;
use protocol::{
    self, ArmId, CellKey, CellRecord, EpochRecord, ExperimentSpec, Lane, Metric, Outcome, Preset, Reply, RequestBody,
    RunEvent, RunId, RunState, Study,
};
use ratatui::style::{Color, Modifier};
use ratatui::{Terminal, backend::TestBackend};
use ui::{self, Theme};
use unicode_width::UnicodeWidthStr;

/// A notebook without a terminal: keys go in, effects are recorded.
pub struct Session {
    pub app: App,
    /// The requests to the kernel, without those that store the position.
    pub asked: Vec<RequestBody>,
    pub effects: Vec<Effect>,
}

impl Session {
    /// The lesson with the training cell on 100x30, with the cell focused.
    pub fn open() -> Self {
        let library = Library::english();
        let lesson = library.find("faster").unwrap();
        let mut session = Self::with(App::new(library, lesson, 100, 30));
        session.tab_to("race");
        session
    }

    pub fn with(app: App) -> Self {
        Self { app, asked: Vec::new(), effects: Vec::new() }
    }

    /// A shipped lesson at its head.
    pub fn on(lesson: &str, columns: u16, rows: u16) -> Self {
        let library = Library::english();
        let lesson = library.find(lesson).unwrap();
        Self::with(App::new(library, lesson, columns, rows))
    }

    /// Presses Tab until this cell is focused.
    pub fn tab_to(&mut self, cell: &str) {
        let document = self.app.document();
        // A press may show the rest of a cell that the screen cuts off, and folded blocks are stops on the way.
        for _ in 0..=2 * document.cells().len() + document.sealed().len() {
            if self.app.focused().is_some_and(|focused| focused.id == cell) {
                return;
            }
            self.press(KeyCode::Tab);
        }
        panic!("there is no cell `{cell}`");
    }

    /// Whether the focused cell is completely on the screen.
    pub fn sees_whole_cell(&self) -> bool {
        let view = &self.app.view;
        let (line, height) = view.layout.cells[view.focus.unwrap()];
        view.top <= line && line + usize::from(height) <= view.top + view.height
    }

    /// The screen as text.
    pub fn screen(&self, theme: &Theme) -> String {
        let whole = self.app.screen.whole;
        let mut terminal = Terminal::new(TestBackend::new(whole.width, whole.height)).unwrap();
        terminal.draw(|frame| ui::draw(&self.app, theme, frame)).unwrap();
        let text = terminal.backend().to_string();
        // TestBackend quotes its lines.
        text.lines().map(|line| line.trim_matches('"').trim_end().to_string() + "\n").collect()
    }

    /// The screen as text, followed by its colours and attributes: see [`picture`].
    pub fn picture(&self, theme: &Theme) -> String {
        picture(&self.app, theme)
    }

    pub fn send(&mut self, event: Event) {
        for effect in update(&mut self.app, event) {
            if let Effect::Request(_, body) | Effect::RequestIfOn(_, body) = &effect
                && !matches!(body, RequestBody::Remember { .. })
            {
                self.asked.push(body.clone());
            }
            self.effects.push(effect);
        }
    }

    /// The store was read, and contains this outcome.
    pub fn store_outcome(&mut self, cell: CellKey, spec: ExperimentSpec, outcome: Outcome) {
        let finished = 1_795_661_487;
        self.send(Event::Outcomes(vec![CellRecord { cell, spec, outcome, finished }]));
    }

    pub fn press(&mut self, code: KeyCode) {
        self.send(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    pub fn type_text(&mut self, text: &str) {
        text.chars().for_each(|c| self.press(KeyCode::Char(c)));
    }

    pub fn kernel(&mut self, event: RunEvent) {
        self.send(Event::Kernel(protocol::Event::Run(event)));
    }

    /// Presses Enter, and confirms if a confirmation is needed.
    pub fn enter(&mut self) {
        self.press(KeyCode::Enter);
        if matches!(self.app.modals.last(), Some(Modal::Confirm(_))) {
            self.press(KeyCode::Char('y'));
        }
    }

    /// Presses Enter, and delivers the kernel's answer.
    pub fn start_race(&mut self) {
        self.enter();
        let key = CellKey { lesson: "faster".into(), cell: "race".into() };
        self.send(Event::Reply(Tag::Training(key), Reply::Started { run: RunId(1) }));
        self.kernel(RunEvent::Started { run: RunId(1), spec: Study::of(Preset::Article) });
    }

    /// An epoch of the first run.
    pub fn epoch(&mut self, arm: ArmId, epoch: u32, val_error: f64) {
        let record = EpochRecord::new(
            Lane { arm, seed: 1 },
            epoch,
            [
                (Metric::TrainLoss, 0.1),
                (Metric::ValError, val_error),
                (Metric::TestError, val_error),
                (Metric::Seconds, 1.0),
                (Metric::ImagesPerSecond, 50_000.0),
            ],
        );
        self.kernel(RunEvent::Epoch { run: RunId(1), record });
    }

    pub fn state(&self) -> &RunState {
        &self.app.focused_training().unwrap().state
    }
}

/// The screen as text; then for each row with colours or attributes one letter per cell, and a legend of the letters. A
/// changed colour changes only the legend.
pub fn picture(app: &App, theme: &Theme) -> String {
    let whole = app.screen.whole;
    let mut terminal = Terminal::new(TestBackend::new(whole.width, whole.height)).unwrap();
    terminal.draw(|frame| ui::draw(app, theme, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let (mut text, mut looks, mut known) = (String::new(), String::new(), Vec::new());
    for y in 0..whole.height {
        let (mut line, mut look, mut covered) = (String::new(), String::new(), 0);
        for x in 0..whole.width {
            let cell = &buffer[(x, y)];
            // A wide character occupies two cells.
            if covered == 0 {
                line.push_str(cell.symbol());
                covered = UnicodeWidthStr::width(cell.symbol()).max(1);
            }
            covered -= 1;
            let style = look_of(cell);
            look.push(if style.is_empty() {
                ' '
            } else {
                let at = known.iter().position(|other| *other == style).unwrap_or_else(|| {
                    known.push(style);
                    known.len() - 1
                });
                b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[at] as char
            });
        }
        text.push_str(line.trim_end());
        text.push('\n');
        if !look.trim_end().is_empty() {
            looks.extend([&format!("{y:>2} "), look.trim_end(), "\n"]);
        }
    }
    let letters = ('a'..='z').chain('A'..='Z').zip(known).map(|(letter, style)| format!("{letter}: {style}\n"));
    format!("{text}looks:\n{looks}{}", letters.collect::<String>())
}

fn look_of(cell: &ratatui::buffer::Cell) -> String {
    let mut parts = Vec::new();
    // The foreground colour of a blank is invisible.
    if cell.fg != Color::Reset && !cell.symbol().trim().is_empty() {
        parts.push(cell.fg.to_string());
    }
    if cell.bg != Color::Reset {
        parts.push(format!("on {}", cell.bg));
    }
    if !cell.modifier.is_empty() && (!cell.symbol().trim().is_empty() || cell.modifier.contains(Modifier::REVERSED)) {
        parts.push(format!("{:?}", cell.modifier).to_lowercase());
    }
    parts.join(" ")
}
