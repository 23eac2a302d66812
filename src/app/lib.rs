//! The notebook's state, and how an event changes it: [`update()`] takes an [`Event`] and returns the [`Effect`]s that
//! the shell carries out. Nothing here reads, writes or draws.

mod action;
mod background;
mod banner;
mod chart;
mod copy;
mod event;
mod images;
mod inbox;
mod inside;
mod key_table;
pub mod keys;
mod lab;
mod lesson;
mod modal;
mod mouse;
mod operation;
mod runs;
mod screen;
mod study;
mod update;
mod work;
mod wrapping;

pub use background::{Background, BackgroundSource, luminance};
pub use banner::Banner;
pub use chart::{
    ARM_COLOURS, Arrangement, Axis, AxisRange, AxisRanges, AxisReach, AxisView, ChartOptions, ChartRun, ChartView,
    DrawnChart, OtherValue, Pane, PlotCursor, PointSpread, PredictionMark, Published, PublishedPoints, Readout,
    ReadoutCurve, ReadoutPoint, ReadoutText, Rgb, RunRole, SeedBand, SeriesColour, ShownChart, Smoothing, ThinSeries,
    Viewport, XQuantity, add_predictions, arm_colour, arm_slots, axis_label, cited_colour, clip_segment, has_markers,
    mark_values, measured_layers, measured_metrics, published_beside, seed_colour, series_colour, study_multiples,
    study_plot, study_readout, tick_labels,
};
pub use copy::CopiedText;
pub use event::{Effect, Event, Link, StoreQuery, Tag};
pub use images::{CellSize, ImageChoice, ImageOutput, ImageProtocol, ImageSupport, TerminalReply, UnknownImages};
pub use inbox::pending::PendingQueries;
pub use inside::answers::{Answered, Answers, Shown};
pub use inside::digit::{self, Drawing, Pen};
pub use inside::keys as inside_keys;
pub use inside::layout::{DrawnTarget, InsideLayout, InsideTarget, RANKING};
pub use inside::mistakes::{MISTAKE_DETAIL, MistakeEntry, MistakeFilter, gallery_shrink, images_across};
pub use inside::own_digits::{OwnDigit, OwnDigits};
pub use inside::surgery::Changes;
pub use inside::view_cell::ViewCellState;
pub use inside::{Inside, InsidePage, ProductPlace};
pub use keys::{Action, BINDINGS, Binding, CHART_BINDINGS, ChartAction};
pub use lab::compare::{CompareField, CompareView, ComparedArm, LabComparison};
pub use lab::keys as lab_keys;
pub use lab::layout::{LabLayout, SweepLayout, TableLayout, TableLine};
pub use lab::overlay::OverlayList;
pub use lab::run::LabOperation;
pub use lab::sweep::{SweepCursor, SweepEntry, SweepRemark, SweepRow, SweepTable};
pub use lab::table::{RowGroup, StudyTable, TableRow, TableValue, ValueOrigin};
pub use lab::{ActivationList, EditOf, Lab, LabEdit, LabPage};
pub use lesson::claims::{ClaimLine, claim_lines, finding_text, findings_for_claim};
pub use lesson::contents::{CONTENTS_TOP, ContentsRow};
pub use lesson::experiment::{ExperimentView, RunningMeasurement, Stale, head_rows, offer_lines};
pub use lesson::ledger::{ClaimFilter, VerdictTotals};
pub use lesson::pages::{ImageLayout, Page, finding_lines, pages, tabs_fit};
pub use lesson::position::{RestoreState, ReturnPosition, SavedPosition};
pub use lesson::predicted_numbers::{PREDICTED_PREFIX, PredictedNumber};
pub use lesson::predictions::{
    CURVE_ROWS, CalibrationBin, PredictionLine, PredictionRow, PredictionState, calibration, calibration_plot,
    prediction_lines,
};
pub use lesson::progress::LessonProgress;
pub use lesson::questions::{OptionState, PredictionOutcome, QuestionLine, QuestionLineKind};
pub use lesson::steer::STEER_KEYS;
pub use lesson::view::LessonView;
pub use modal::command::commands;
pub use modal::palette::{PaletteEntry, PaletteMatch, PaletteTarget};
pub use modal::{
    AnswerEntry, AnswerKind, COMMAND_HEAD, CommandLine, Completion, ConfidenceEntry, HeadingList, Modal, QuitChoice,
    RunLine, RunLinePurpose, Search,
};
pub use mouse::Drawn;
pub use operation::Operation;
pub use runs::keys as runs_keys;
pub use runs::layout::RunsLayout;
pub use runs::{RunGrouping, RunsList, RunsRead, RunsRow, name_runs};
pub use screen::Screen;
pub use study::form::{Field, StudyForm};
pub use study::training_run::{ArmView, LaneView, MeanPoint, Spread, TrainingRun};
pub use update::update;
pub use work::Work;
pub use wrapping::{truncate, truncate_at_word, truncate_distinct, wrap_options};

use ::lesson::{AnswerRecord, Cell, CellBody, Document, Glyphs, Layout, Library, Sealed};
use chart::{ChartDrag, ChartId};
use protocol::{CellKey, Estimate, ExperimentSpec, Finding, RunId, RunSummary, SettingsText, Study, Timings};
use runs::deletion::PendingDeletions;
use std::collections::{BTreeSet, HashMap};

/// Rows of a train cell without a run.
const READY: u16 = 15;

/// The state of the notebook: everything that a frame shows.
#[derive(Debug)]
pub struct App {
    pub library: Library,
    /// The characters that the terminal has.
    pub glyphs: Glyphs,
    /// Whether the terminal's background is dark or light.
    pub background: Background,
    background_source: BackgroundSource,
    /// Whether the terminal shows images with true pixels.
    pub image_support: ImageSupport,
    /// Index of the open lesson in the library.
    pub lesson: usize,
    pub view: LessonView,
    pub screen: Screen,
    /// The last is on top, and keys go to it.
    pub modals: Vec<Modal>,
    pub link: Link,
    /// The kernel has ended. While it is being killed its socket may still answer, so the link alone does not say so.
    kernel_gone: bool,
    pub restore: RestoreState,
    /// Queries that the store has not answered yet.
    pub pending_queries: PendingQueries,
    /// Every run that a cell or the list of runs has shown.
    pub training_runs: HashMap<RunId, TrainingRun>,
    /// Unreadable lines of the kernel that have been reported. Each kind is reported once.
    unreadable: Vec<String>,
    /// Notices of runs that are not in `training_runs` yet.
    pub notices: HashMap<RunId, String>,
    /// The run that a train cell shows.
    pub cell_runs: HashMap<CellKey, RunId>,
    /// The run of a train cell that is not shown: the last one with the lesson's settings if the cell shows one with
    /// the reader's, and the other way round.
    pub other_runs: HashMap<CellKey, RunId>,
    /// Train cells whose run has been requested, or why the request failed.
    pub starting: HashMap<CellKey, Result<Study, String>>,
    pub experiments: HashMap<CellKey, ExperimentView>,
    pub answers: HashMap<CellKey, AnswerRecord>,
    /// The seed that shuffles the choices of questions, different for each reader. The store keeps it.
    pub reader: u64,
    /// Unfolded sealed blocks: the numbers of the blocks, by their first cell.
    pub unfolded: HashMap<CellKey, BTreeSet<usize>>,
    /// Which claims of the ledger are shown.
    pub claim_filter: ClaimFilter,
    /// The findings of the finished runs, as the store has them.
    pub run_findings: Vec<Finding>,
    /// How long earlier work took on this machine.
    pub timings: Timings,
    /// The positions that Esc returns to, the latest last.
    pub return_positions: Vec<ReturnPosition>,
    /// How far each lesson has been read, in percent, by id.
    pub read: HashMap<String, u8>,
    /// The position in each lesson, by the lesson's id.
    pub saved_positions: HashMap<String, SavedPosition>,
    /// Without those that are deleted and can be brought back.
    pub runs: Vec<RunSummary>,
    pub runs_read: RunsRead,
    deletions: PendingDeletions,
    /// What was typed about runs last, until the kernel has taken it.
    sent_line: Option<RunLine>,
    /// The settings of runs as the list of runs shows them; made when the list first needs them.
    settings_texts: HashMap<RunId, SettingsText>,
    /// What the checkpoints of runs take on the disk, in bytes, since the list was read last.
    pub run_sizes: HashMap<RunId, u64>,
    /// Runs that are in the store and can't be decoded, each with the reason.
    pub unreadable_runs: Vec<(RunId, String)>,
    /// Why the last query for the list of runs failed.
    pub runs_fault: Option<String>,
    /// A message in the status line, until the next key.
    pub message: Option<String>,
    /// Why nothing can be stored, as long as that is so.
    pub storage_fault: Option<String>,
    /// That the kernel does not answer, as long as it does not.
    pub kernel_silent: Option<String>,
    /// The faults in the lesson file that is being written.
    pub lesson_faults: Vec<String>,
    /// The history of the command line, the latest command last.
    pub commands: Vec<String>,
    pub axis_reach: AxisReach,
    /// How the charts of panes are set up, where the reader has changed that.
    charts: HashMap<ChartId, ChartView>,
    /// Where the last frame has drawn things that can be clicked; the shell keeps it.
    pub drawn: Drawn,
    drag: Option<ChartDrag>,
    /// Settings that the reader has changed and not used, by the race's cell: the next run begins with them.
    pub drafts: HashMap<CellKey, StudyForm>,
    /// The laboratory, open or not.
    pub lab: Lab,
    /// The inside of networks, open or not.
    pub inside: Inside,
    /// The view cells that were on the screen at the reader's last key.
    wanted_views: Vec<CellKey>,
    /// Stored laboratories, by the train cell that each was opened from.
    lab_values: HashMap<Option<CellKey>, serde_json::Value>,
    /// The store says that lesson 0 was never opened.
    pub is_newcomer: bool,
    pub quit: bool,
}

impl App {
    /// Creates the notebook for a screen of this size, before the store has been read.
    pub fn new(library: Library, lesson: usize, columns: u16, rows: u16) -> Self {
        let lesson_faults = library.faults.iter().map(ToString::to_string).collect();
        let mut app = Self {
            lesson: lesson.min(library.lessons.len().saturating_sub(1)),
            library,
            glyphs: Glyphs::default(),
            background: Background::default(),
            background_source: BackgroundSource::default(),
            image_support: ImageSupport::default(),
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
            deletions: PendingDeletions::default(),
            sent_line: None,
            settings_texts: HashMap::new(),
            run_sizes: HashMap::new(),
            unreadable_runs: Vec::new(),
            runs_read: RunsRead::default(),
            runs_fault: None,
            message: None,
            storage_fault: None,
            kernel_silent: None,
            lesson_faults,
            commands: Vec::new(),
            axis_reach: AxisReach::default(),
            charts: HashMap::new(),
            drawn: Drawn::default(),
            drag: None,
            drafts: HashMap::new(),
            lab: Lab::default(),
            inside: Inside::default(),
            wanted_views: Vec::new(),
            lab_values: HashMap::new(),
            is_newcomer: false,
            quit: false,
        };
        app.resize(columns, rows);
        app
    }

    /// Sets the characters that the terminal can show.
    #[must_use]
    pub fn with_glyphs(mut self, glyphs: Glyphs) -> Self {
        self.glyphs = glyphs;
        self.resize(self.screen.whole.width, self.screen.whole.height);
        self
    }

    /// Sets the terminal's background, and how it is known.
    #[must_use]
    pub fn with_background(mut self, background: Background, source: BackgroundSource) -> Self {
        (self.background, self.background_source) = (background, source);
        self
    }

    /// Sets what is known of the terminal's images.
    #[must_use]
    pub fn with_images(mut self, support: ImageSupport) -> Self {
        self.image_support = support;
        self
    }

    /// The size of a cell in pixels, where images are shown with true pixels.
    pub fn image_cell(&self) -> Option<CellSize> {
        self.image_support.output().map(|output| output.cell)
    }

    /// Sets the reader's seed, which holds unless the store has one.
    #[must_use]
    pub fn with_reader(self, reader: u64) -> Self {
        Self { reader, ..self }
    }

    pub fn document(&self) -> &Document {
        &self.library.lessons[self.lesson]
    }

    /// Computes the layout of the screen and of the lesson.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.screen = Screen::with_banner(self.banner_rows(columns), columns, rows);
        self.lay_out();
        self.restore_position();
    }

    /// Lays the lesson out for the screen and keeps the reading position. A screen that is too small changes nothing.
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
                CellBody::View(view) => self.view_cell_height(&key, view),
            }
        };
        let document = self.document();
        let folded = |sealed: &Sealed, columns: usize| {
            self.is_folded(document, sealed)
                .then(|| sealed.folded_line(document, columns, Some(lesson::folding::UNFOLD)))
        };
        ::lesson::lay_out(document, (width, height), glyphs, heights, folded)
    }

    /// Whether a train cell has a run to show, or has requested one.
    pub(crate) fn has_run(&self, key: &CellKey) -> bool {
        self.cell_runs.contains_key(key) || matches!(self.starting.get(key), Some(Ok(_)))
    }

    pub fn key_of(&self, cell: &Cell) -> CellKey {
        CellKey { lesson: self.document().meta.id.clone(), cell: cell.id.clone() }
    }

    /// The cell that keys act on: the one in view.
    pub fn focused(&self) -> Option<&Cell> {
        self.document().cells().get(self.view.focus?).copied()
    }

    /// How long this experiment takes on this machine.
    pub fn experiment_estimate(&self, spec: &ExperimentSpec) -> Estimate {
        self.timings.experiment(spec)
    }

    /// How long a study takes to train on this machine if it has all cores.
    pub fn training_estimate(&self, spec: &Study) -> Estimate {
        self.timings.run(spec)
    }

    pub fn training_of(&self, key: &CellKey) -> Option<&TrainingRun> {
        self.training_runs.get(self.cell_runs.get(key)?)
    }

    pub fn is_measuring(&self, cell: &Cell) -> bool {
        self.experiments.get(&self.key_of(cell)).is_some_and(|view| view.running.is_some())
    }

    /// The run of the focused train cell.
    pub fn focused_training(&self) -> Option<&TrainingRun> {
        let cell = self.focused()?;
        matches!(cell.body, CellBody::Train(_)).then(|| self.training_of(&self.key_of(cell)))?
    }

    /// The lesson selected in the contents, while the contents have the keys.
    pub fn contents_choice(&self) -> Option<usize> {
        self.modals.iter().find_map(|modal| if let Modal::Contents(at) = modal { Some(*at) } else { None })
    }

    /// The runs that the kernel trains or has queued, by number.
    pub fn active_runs(&self) -> Vec<&TrainingRun> {
        let mut active: Vec<&TrainingRun> =
            self.training_runs.values().filter(|training| training.state.is_active()).collect();
        active.sort_by_key(|training| training.run);
        active
    }
}
