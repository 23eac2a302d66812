//! The notebook's state, and how an event changes it: [`update()`] takes an [`Event`] and returns the [`Effect`]s that
//! the shell carries out. Nothing here reads, writes or draws.

mod action;
mod background;
mod banner;
mod chart;
mod event;
mod inbox;
pub mod keys;
mod lesson;
mod modal;
mod mouse;
mod operation;
mod screen;
mod study;
mod update;
mod work;
mod wrapping;

pub use background::{Background, BackgroundSource, luminance};
pub use banner::Banner;
pub use chart::{
    ARM_COLOURS, Arrangement, Axis, AxisRange, AxisRanges, AxisReach, AxisView, ChartOptions, ChartRun, ChartView,
    DrawnChart, Pane, PlotCursor, PointSpread, PredictionMark, Published, PublishedPoints, Readout, ReadoutCurve,
    ReadoutPoint, Rgb, RunRole, SeedBand, SeriesColour, SettingChange, ShownChart, Smoothing, ThinSeries, Viewport,
    XQuantity, add_predictions, arm_colour, article_points, axis_label, cited_colour, clip_segment, has_markers,
    mark_values, measured_layers, measured_metrics, seed_colour, series_colour, study_multiples, study_plot,
    study_readout, tick_labels,
};
pub use event::{Effect, Event, Link, StoreQuery, Tag};
pub use inbox::pending::PendingQueries;
pub use keys::{Action, BINDINGS, Binding, CHART_BINDINGS, ChartAction};
pub use lesson::claims::{ClaimLine, claim_lines, finding_text, findings_for_claim};
pub use lesson::contents::{CONTENTS_TOP, ContentsRow};
pub use lesson::experiment::{ExperimentView, RunningMeasurement, Stale, head_rows, offer_lines};
pub use lesson::ledger::{ClaimFilter, VerdictTotals};
pub use lesson::navigate::{ReturnPosition, SavedPosition};
pub use lesson::pages::{ImageLayout, Page, finding_lines, pages, tabs_fit};
pub use lesson::predicted_numbers::{PREDICTED_PREFIX, PredictedNumber};
pub use lesson::predictions::{
    CURVE_ROWS, CalibrationBin, PredictionLine, PredictionRow, PredictionState, calibration, calibration_plot,
    prediction_lines,
};
pub use lesson::progress::LessonProgress;
pub use lesson::questions::{OptionState, PredictionOutcome, QuestionLine, QuestionLineKind};
pub use lesson::restore::RestoreState;
pub use lesson::steer::STEER_KEYS;
pub use lesson::view::LessonView;
pub use modal::command::commands;
pub use modal::{
    AnswerEntry, AnswerKind, CommandLine, Completion, ConfidenceEntry, HeadingList, Modal, QuitChoice, RunLine,
    RunLinePurpose, RunsList, Search,
};
pub use operation::Operation;
pub use screen::Screen;
pub use study::form::{Field, Settings};
pub use study::training_run::{ArmView, LaneView, MeanPoint, Spread, TrainingRun};
pub use update::update;
pub use work::Work;
pub use wrapping::{truncate, truncate_at_word, wrap_options};

use ::lesson::{AnswerRecord, Cell, CellBody, Document, Glyphs, Layout, Library, Sealed};
use chart::{ChartDrag, ChartId};
use protocol::{CellKey, Estimate, ExperimentSpec, Finding, RunId, RunSummary, Study, Timings};
use std::collections::{BTreeSet, HashMap};

/// Rows of a race's cell that has no run yet.
const READY: u16 = 15;

/// Everything that a frame shows.
#[derive(Debug)]
pub struct App {
    pub library: Library,
    /// The characters that the terminal has.
    pub glyphs: Glyphs,
    /// The terminal's page.
    pub background: Background,
    background_source: BackgroundSource,
    /// Index of the open lesson in the library.
    pub lesson: usize,
    pub view: LessonView,
    pub screen: Screen,
    /// The topmost is last; keys go to it.
    pub modals: Vec<Modal>,
    pub link: Link,
    /// A kernel was there and has gone. One that is being killed may still be found alive by whoever asks its socket.
    kernel_gone: bool,
    pub restore: RestoreState,
    /// What the shell has not answered yet.
    pub pending_queries: PendingQueries,
    /// Every race that a cell or the runs list has shown.
    pub training_runs: HashMap<RunId, TrainingRun>,
    /// What was said of lines of the kernel that can't be read: each is said once.
    unreadable: Vec<String>,
    /// What runs complain of that are not among the races yet.
    pub notices: HashMap<RunId, String>,
    /// The run that a train cell shows.
    pub cell_runs: HashMap<CellKey, RunId>,
    /// The run that it keeps behind: the last with the lesson's settings, where one with the reader's is shown, or the
    /// other way round.
    pub other_runs: HashMap<CellKey, RunId>,
    /// Train cells whose run is being asked for, and what went wrong when it was.
    pub starting: HashMap<CellKey, Result<Study, String>>,
    pub experiments: HashMap<CellKey, ExperimentView>,
    pub answers: HashMap<CellKey, AnswerRecord>,
    /// By which each reader sees the choices of questions in an order of their own; kept in the store.
    pub reader: u64,
    /// Sealed blocks that were unfolded, by their first cell: the number of each.
    pub unfolded: HashMap<CellKey, BTreeSet<usize>>,
    /// Which claims of the ledger are shown.
    pub claim_filter: ClaimFilter,
    /// What the finished races found, as the store has them.
    pub run_findings: Vec<Finding>,
    /// How long earlier work took on this machine.
    pub timings: Timings,
    /// Where the reader came from, the last place last.
    pub return_positions: Vec<ReturnPosition>,
    /// How far each lesson has been read, in percent, by id.
    pub read: HashMap<String, u8>,
    /// Where each lesson was left, by id.
    pub saved_positions: HashMap<String, SavedPosition>,
    pub runs: Vec<RunSummary>,
    /// The store has them and can't read them back; with the reason of each.
    pub unreadable_runs: Vec<(RunId, String)>,
    /// Why the list of runs could not be read when it was asked for last.
    pub runs_fault: Option<String>,
    /// A sentence in the status line, until the next key.
    pub message: Option<String>,
    /// What keeps everything new from being kept; it stays on the screen as long as it lasts.
    pub storage_fault: Option<String>,
    /// That the kernel does not answer, as long as it does not.
    pub kernel_silent: Option<String>,
    /// What to mend in the lesson that is being written.
    pub lesson_faults: Vec<String>,
    /// Lines that the command line has carried out or refused, the last one last.
    pub commands: Vec<String>,
    pub axis_reach: AxisReach,
    /// How the charts of panes are set up, where the reader has changed that.
    charts: HashMap<ChartId, ChartView>,
    /// Where the last frame has drawn charts; the shell keeps it.
    pub drawn_charts: Vec<DrawnChart>,
    drag: Option<ChartDrag>,
    /// Settings that the reader has changed and not used, by the race's cell: the next run begins with them.
    pub drafts: HashMap<CellKey, Settings>,
    /// Lesson 0 was never opened here, as the store tells.
    pub is_newcomer: bool,
    pub quit: bool,
}

impl App {
    /// The notebook at this size, before the store has been read.
    pub fn new(library: Library, lesson: usize, columns: u16, rows: u16) -> Self {
        let lesson_faults = library.faults.iter().map(ToString::to_string).collect();
        let mut app = Self {
            lesson: lesson.min(library.lessons.len().saturating_sub(1)),
            library,
            glyphs: Glyphs::default(),
            background: Background::default(),
            background_source: BackgroundSource::default(),
            view: LessonView::default(),
            screen: Screen::default(),
            modals: Vec::new(),
            link: Link::Off,
            kernel_gone: false,
            restore: RestoreState::default(),
            pending_queries: PendingQueries::default(),
            training_runs: HashMap::new(),
            unreadable: Vec::new(),
            notices: HashMap::new(),
            cell_runs: HashMap::new(),
            other_runs: HashMap::new(),
            starting: HashMap::new(),
            experiments: HashMap::new(),
            answers: HashMap::new(),
            reader: 0,
            unfolded: HashMap::new(),
            claim_filter: ClaimFilter::default(),
            run_findings: Vec::new(),
            timings: Timings::default(),
            return_positions: Vec::new(),
            read: HashMap::new(),
            saved_positions: HashMap::new(),
            runs: Vec::new(),
            unreadable_runs: Vec::new(),
            runs_fault: None,
            message: None,
            storage_fault: None,
            kernel_silent: None,
            lesson_faults,
            commands: Vec::new(),
            axis_reach: AxisReach::default(),
            charts: HashMap::new(),
            drawn_charts: Vec::new(),
            drag: None,
            drafts: HashMap::new(),
            is_newcomer: false,
            quit: false,
        };
        app.resize(columns, rows);
        app
    }

    /// The same for a terminal with these characters.
    #[must_use]
    pub fn with_glyphs(mut self, glyphs: Glyphs) -> Self {
        self.glyphs = glyphs;
        self.resize(self.screen.whole.width, self.screen.whole.height);
        self
    }

    /// The same on this page.
    #[must_use]
    pub fn with_background(mut self, background: Background, source: BackgroundSource) -> Self {
        (self.background, self.background_source) = (background, source);
        self
    }

    /// The same for this reader, if the store knows of none.
    #[must_use]
    pub fn with_reader(self, reader: u64) -> Self {
        Self { reader, ..self }
    }

    pub fn document(&self) -> &Document {
        &self.library.lessons[self.lesson]
    }

    /// Lays the screen and the lesson out anew.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.screen = Screen::with_banner(self.banner_rows(columns), columns, rows);
        self.lay_out();
        self.restore_position();
    }

    /// Lays the lesson out for the screen, keeping the place; a screen too small for it keeps it for the next one.
    pub fn lay_out(&mut self) {
        if self.screen.is_too_small() {
            return;
        }
        self.update_verdict_totals();
        let layout = self.layout();
        self.view.set_layout(layout, self.screen.text.height);
        self.view.panes = self.panes();
        self.view.folds = self.folds();
    }

    fn layout(&self) -> Layout {
        let (width, height) = (self.screen.text.width, self.screen.text.height);
        let glyphs = self.glyphs;
        let lesson = self.library.lessons[self.lesson].meta.id.clone();
        let heights = |cell: &Cell| {
            let key = CellKey { lesson: lesson.clone(), cell: cell.id.clone() };
            match &cell.body {
                CellBody::Experiment(experiment) => self.experiment_height(&key, experiment, width),
                CellBody::Claim(claim) if !self.shows_claim(claim) => 0,
                CellBody::Claim(claim) => {
                    claim_lines(claim, &self.findings_of(claim), width.saturating_sub(4)).len() as u16 + 2
                }
                CellBody::Train(_) if !self.has_run(&key) => READY.min(lesson::questions::pane_height(height)),
                CellBody::Train(_) => lesson::questions::pane_height(height),
                CellBody::Predict(_) | CellBody::Quiz(_) => self.question_height(&key, &cell.body, width),
                CellBody::Predictions(_) => self.predictions_height(width),
            }
        };
        let document = self.document();
        let folded = |sealed: &Sealed, columns: usize| {
            self.is_folded(document, sealed)
                .then(|| sealed.folded_line(document, columns, Some(lesson::folding::UNFOLD)))
        };
        ::lesson::lay_out(document, (width, height), glyphs, heights, folded)
    }

    /// Whether a race's cell has a run to show, or is about to.
    pub(crate) fn has_run(&self, key: &CellKey) -> bool {
        self.cell_runs.contains_key(key) || matches!(self.starting.get(key), Some(Ok(_)))
    }

    pub fn key_of(&self, cell: &Cell) -> CellKey {
        CellKey { lesson: self.document().meta.id.clone(), cell: cell.id.clone() }
    }

    /// The cell that keys go to: the one in view.
    pub fn focused(&self) -> Option<&Cell> {
        self.document().cells().get(self.view.focus?).copied()
    }

    /// How long this experiment takes here, to be told before it is started.
    pub fn experiment_estimate(&self, spec: &ExperimentSpec) -> Estimate {
        self.timings.experiment(spec)
    }

    /// The same of a race that has all cores to itself.
    pub fn training_estimate(&self, spec: &Study) -> Estimate {
        self.timings.race(spec)
    }

    pub fn training_of(&self, key: &CellKey) -> Option<&TrainingRun> {
        self.training_runs.get(self.cell_runs.get(key)?)
    }

    pub fn experiment_runs(&self, cell: &Cell) -> bool {
        self.experiments.get(&self.key_of(cell)).is_some_and(|view| view.running.is_some())
    }

    /// The race of the focused train cell.
    pub fn focused_training(&self) -> Option<&TrainingRun> {
        let cell = self.focused()?;
        matches!(cell.body, CellBody::Train(_)).then(|| self.training_of(&self.key_of(cell)))?
    }

    /// The lesson chosen in the contents while they have the keys.
    pub fn contents_choice(&self) -> Option<usize> {
        self.modals.iter().find_map(|modal| if let Modal::Contents(at) = modal { Some(*at) } else { None })
    }

    /// Runs that the kernel works on, in the order of their numbers.
    pub fn running(&self) -> Vec<&TrainingRun> {
        let mut active: Vec<&TrainingRun> =
            self.training_runs.values().filter(|training| training.state.is_active()).collect();
        active.sort_by_key(|training| training.run);
        active
    }
}
