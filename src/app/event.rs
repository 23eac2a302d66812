//! What happens to the notebook, and what it asks of the shell.

use crate::background::Background;
use crossterm::event::{KeyEvent, MouseEvent};
use lesson::{HighlightedCode, Parsed};
use protocol::{self, CellKey, Reply, RequestBody, RunEvent, RunId, RunSummary};
use serde_json::Value;

/// The line to the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// No kernel runs; one is started when it is needed.
    Off,
    /// One is there and has not answered yet.
    Connecting,
    Starting,
    On,
    /// It can't be had: a whole sentence.
    Failed(String),
}

/// What a request was for, so that its reply finds its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    /// Start the race of a train cell.
    Training(CellKey),
    Cell(CellKey),
    Run(RunId),
    /// Nothing waits for the answer.
    Untracked,
}

/// What can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreQuery {
    /// A run's history.
    Run(RunId),
    /// The list of runs.
    Runs,
    /// What the finished races found, and how long runs took.
    RunFindings,
    /// What the reader left behind, and the outcomes of cells.
    Progress,
}

/// Everything that can happen.
#[derive(Clone, Debug)]
pub enum Event {
    /// The notebook opens: where the reader left off, or at a lesson that was chosen.
    Opened {
        restore: bool,
    },
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    Resize(u16, u16),
    /// What the terminal answers when it is asked for its background.
    Background(Background),
    Link(Link),
    Reply(Tag, Reply),
    /// A request that got no reply, and why.
    Unanswered(Tag, String),
    Kernel(protocol::Event),
    /// A line of the kernel that can't be read.
    Unreadable(protocol::Unreadable),
    /// A run's history, as the store has it.
    History(RunId, Vec<RunEvent>),
    /// The store has no run of this number.
    NoSuchRun(RunId),
    /// What could not be read, and why.
    QueryFailed(StoreQuery, String),
    Runs(Vec<RunSummary>),
    /// The runs of the list that can't be read back, and why; comes before [`Event::Runs`].
    UnreadableRuns(Vec<(RunId, String)>),
    /// What the reader left behind: keys and values of `Remember`.
    StoredProgress(Vec<(String, Value)>),
    /// Outcomes of cells, as the store has them.
    Outcomes(Vec<protocol::CellRecord>),
    /// What the finished races found.
    RunFindings(Vec<protocol::Finding>),
    /// How long the epochs of earlier runs took, the newest first.
    RunTimings(Vec<protocol::RunTiming>),
    /// A lesson's file or one of its images has changed: what it is now, or why it can't be read.
    LessonFile {
        file: String,
        lesson: Result<Box<Parsed>, String>,
    },
    /// A lesson's code, highlighted: language, text and what became of it.
    Highlighted {
        lesson: String,
        code: Vec<((String, String), HighlightedCode)>,
    },
    /// Something that the reader should know, such as a store that can't be read.
    Notice(String),
    /// What keeps everything new from being kept, or that nothing does any more.
    StorageFault(Option<String>),
    /// The kernel does not answer: a whole sentence; or it does again.
    KernelSilent(Option<String>),
    /// The kernel that runs is of another version than this notebook: its own sentence.
    OtherVersion(String),
    /// SIGTERM and its like: leave now, the run goes on.
    Shutdown,
}

/// What the shell does for the notebook.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask the kernel, starting one if none runs.
    Request(Tag, RequestBody),
    /// Ask the kernel if one runs; otherwise the reply is `Unanswered`.
    RequestIfOn(Tag, RequestBody),
    /// Write a run's curves to a file that is not there yet; the answer is a notice.
    Export {
        run: RunId,
        path: String,
    },
    /// Read from the store; the answer is an event.
    Query(StoreQuery),
    /// Ask an idle kernel of another version to leave, and start one of this version.
    RestartKernel,
    /// Highlight a lesson's code, given by language and text.
    Highlight {
        lesson: String,
        code: Vec<(String, String)>,
    },
    /// Stop the process as Ctrl-Z does.
    Suspend,
    Redraw,
}

impl Effect {
    /// Asks a running kernel to store a value of the reader's progress under this key. `Null` removes it.
    pub(crate) fn remember(key: String, value: Value) -> Self {
        Self::RequestIfOn(Tag::Untracked, RequestBody::Remember { key, value })
    }
}
