//! The events that reach the notebook, and the effects that it asks of the shell.

use crate::background::Background;
use crate::copy::CopiedText;
use crate::images::TerminalReply;
use crossterm::event::{KeyEvent, MouseEvent};
use lesson::{HighlightedCode, Parsed};
use protocol::{self, CellKey, Layer, Metric, Reply, RequestBody, RunEvent, RunId, RunSummary, SettingsText};
use serde_json::Value;
use std::time::Duration;

/// The connection to the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// No kernel runs; one is started when it is needed.
    Off,
    /// The socket is open and the kernel has not answered yet.
    Connecting,
    Starting,
    On,
    /// No kernel can be started or reached; the reason is a whole sentence.
    Failed(String),
}

/// What a request is for, so that its reply can be assigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    /// Starts the run of a train cell.
    Training(CellKey),
    /// Start the study of the laboratory.
    Lab,
    Cell(CellKey),
    Run(RunId),
    /// Deletes a run for good that has left the list already.
    Delete(RunId),
    /// A question to a network, by the number of its question.
    View(u64),
    /// The reply changes nothing.
    Untracked,
}

/// What the shell reads from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreQuery {
    /// The validation images that a lane got wrong after an epoch.
    WrongImages { run: RunId, lane: protocol::Lane, epoch: u32 },
    /// The history of a run.
    Run(RunId),
    /// The list of runs.
    Runs,
    /// What a run's checkpoints take on the disk.
    RunSize(RunId),
    /// The epochs of a lane that have checkpoints.
    KeptEpochs { run: RunId, lane: protocol::Lane },
    /// The findings of the finished runs, and how long runs took.
    RunFindings,
    /// The reader's progress, and the outcomes of cells.
    Progress,
}

/// Everything that can happen.
#[derive(Clone, Debug)]
pub enum Event {
    /// The notebook opens: at the position where the reader left off, or at a chosen lesson.
    Opened {
        restore: bool,
    },
    /// The notebook opens inside the networks of a run.
    OpenInside(RunId),
    /// The notebook opens in the laboratory: on this study, or as it was left; with these runs beside each other.
    OpenLab {
        study: Option<Box<protocol::Study>>,
        runs: Vec<RunId>,
    },
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    Resize(u16, u16),
    /// The terminal's reply to the query for its background.
    Background(Background),
    /// The terminal's reply to one of the queries for images.
    Terminal(TerminalReply),
    Link(Link),
    Reply(Tag, Reply),
    /// A request that got no reply, and why.
    Unanswered(Tag, String),
    Kernel(protocol::Event),
    /// A line of the kernel that can't be decoded.
    Unreadable(protocol::Unreadable),
    /// The history of a run, as the store has it.
    History(RunId, Vec<RunEvent>),
    /// The store has no run of this number.
    NoSuchRun(RunId),
    /// The validation images that a lane got wrong after an epoch; of a run without stored answers none.
    WrongImages {
        run: RunId,
        lane: protocol::Lane,
        epoch: u32,
        images: protocol::ImageSet,
    },
    /// A query that failed, and why.
    QueryFailed(StoreQuery, String),
    /// All runs, newest first.
    Runs(Vec<RunSummary>),
    /// The first page of the runs, while all of them are read.
    NewestRuns(Vec<RunSummary>),
    /// The settings of listed runs as text. They never change, so each run's come once.
    SettingsTexts(Vec<(RunId, SettingsText)>),
    /// What a run's checkpoints take on the disk.
    RunSize {
        run: RunId,
        bytes: u64,
    },
    /// The epochs of a lane that have checkpoints, ascending.
    KeptEpochs {
        run: RunId,
        lane: protocol::Lane,
        epochs: Vec<u32>,
    },
    /// The time of an [`Effect::Wake`] has passed.
    Woken,
    /// The runs that can't be decoded, and why. Comes before [`Event::Runs`].
    UnreadableRuns(Vec<(RunId, String)>),
    /// The reader's progress: keys and values of `Remember`.
    StoredProgress(Vec<(String, Value)>),
    /// The outcomes of cells, as the store has them.
    Outcomes(Vec<protocol::CellRecord>),
    /// The findings of the finished runs.
    RunFindings(Vec<protocol::Finding>),
    /// How long the epochs of earlier runs took, the newest first.
    RunTimings(Vec<protocol::RunTiming>),
    /// A lesson's file or one of its images has changed: the lesson as it is now, or why it can't be read.
    LessonFile {
        file: String,
        lesson: Result<Box<Parsed>, String>,
    },
    /// A lesson's code with its colours, by language and text.
    Highlighted {
        lesson: String,
        code: Vec<((String, String), HighlightedCode)>,
    },
    /// A message for the reader, for example that the store can't be read.
    Notice(String),
    /// Why nothing can be stored; `None` when storing works again.
    StorageFault(Option<String>),
    /// The disk is full.
    DiskFull,
    /// That the kernel does not answer, as a whole sentence; `None` when it answers again.
    KernelSilent(Option<String>),
    /// The running kernel has another version than this notebook; the kernel's own sentence.
    OtherVersion(String),
    /// SIGTERM or the like: quit now. Runs continue.
    Shutdown,
}

/// What the shell does for the notebook.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Sends a request to the kernel and starts a kernel if none runs.
    Request(Tag, RequestBody),
    /// Sends a request if a kernel runs; otherwise the reply is `Unanswered`.
    RequestIfOn(Tag, RequestBody),
    /// Writes a run's curves to a new file. The result comes as a notice.
    Export {
        run: RunId,
        path: String,
        /// What the run's pane shows, and so does a chart; `None` if the pane was not looked at.
        shown: Option<(Metric, Option<Layer>)>,
    },
    /// Copies a text to the terminal's clipboard and to a file. The result comes as a notice.
    Copy(CopiedText),
    /// Reads from the store. The result comes as an event.
    Query(StoreQuery),
    /// Comes back as [`Event::Woken`] after this time.
    Wake(Duration),
    /// Asks an idle kernel of another version to shut down, and starts one of this version.
    RestartKernel,
    /// Highlights a lesson's code, given by language and text.
    Highlight {
        lesson: String,
        code: Vec<(String, String)>,
    },
    /// Suspends the process, as Ctrl-Z does.
    Suspend,
    Redraw,
}

impl Effect {
    /// Asks a running kernel to store a value of the reader's progress under this key. `Null` removes it.
    pub(crate) fn remember(key: String, value: Value) -> Self {
        Self::RequestIfOn(Tag::Untracked, RequestBody::Remember { key, value })
    }
}
