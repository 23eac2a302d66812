//! The kernel's socket: one JSON object per line. Requests have a number, replies have the same number, events have
//! none.

use super::{
    ArmId, ExperimentSpec, Fork, Outcome, RunEvent, RunId, RunSummary, RunTag, SETTINGS, SteeredSetting, Steering,
    Study, Sweep, ViewAnswer, ViewRequest,
};
use serde::{Deserialize, Serialize};

/// Grows with every change of what crosses the socket, but for a new setting, which counts by itself.
const MESSAGES: u32 = 10;

/// The version that notebook and kernel must share. It includes the settings, because a kernel that does not know a
/// setting would train without it.
pub const PROTOCOL_VERSION: u32 = 100 * MESSAGES + SETTINGS.len() as u32;

/// A line from a notebook or a headless command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub id: u64,
    #[serde(flatten)]
    pub body: RequestBody,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum RequestBody {
    /// The first line of every connection.
    Hello {
        protocol: u32,
        client: String,
    },
    /// Creates a run and starts it, or queues it while the cores are taken. Answered by `Started`.
    Train {
        spec: Study,
        name: Option<String>,
    },
    /// The same with a study whose arms are the cells of this sweep. Its lanes come after all others.
    Sweep {
        spec: Study,
        sweep: Sweep,
        name: Option<String>,
    },
    Pause {
        run: RunId,
    },
    Continue {
        run: RunId,
    },
    Stop {
        run: RunId,
    },
    /// Resumes a paused, stopped, interrupted or failed run from its last checkpoint.
    Resume {
        run: RunId,
    },
    /// Creates a run that goes on from an epoch of another one, with settings changed. No arms named are all. Answered by
    /// `Started`.
    Fork {
        #[serde(flatten)]
        fork: Fork,
        arms: Vec<ArmId>,
        /// Keys and values, as in the text form of a study.
        changes: Vec<(String, String)>,
        name: Option<String>,
    },
    /// Changes a setting of an arm from the next epoch on. Answered by `Steered`.
    Steer {
        run: RunId,
        arm: ArmId,
        setting: SteeredSetting,
        value: f64,
    },
    Rename {
        run: RunId,
        name: Option<String>,
    },
    /// Gives a run tags, and takes others away. A tag in both lists is taken away.
    Tag {
        run: RunId,
        #[serde(default)]
        add: Vec<RunTag>,
        #[serde(default)]
        remove: Vec<RunTag>,
    },
    /// Writes a run's notes anew; `None` removes them.
    Note {
        run: RunId,
        notes: Option<String>,
    },
    /// Deletes a run that is not active, with its checkpoints.
    Delete {
        run: RunId,
    },
    /// Sends this connection all events of runs and cells from now on. Earlier events are in the store.
    Follow,
    /// Runs a lesson's cell. Its last outcome is stored under the key.
    RunCell {
        cell: CellKey,
        spec: ExperimentSpec,
    },
    StopCell {
        cell: CellKey,
    },
    /// Stores the reader's position, answers and settings.
    Remember {
        key: String,
        value: serde_json::Value,
    },
    /// Looks into a trained network. Answered by `View`, when it has been computed: later requests may be answered before.
    View(Box<ViewRequest>),
    Status,
    /// Shuts the kernel down if nothing runs; with `force` in any case, after everything is committed.
    Shutdown {
        force: bool,
    },
}

/// A lesson's id and the cell's id within it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CellKey {
    pub lesson: String,
    pub cell: String,
}

/// A line from the kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ServerLine {
    Reply {
        id: u64,
        #[serde(flatten)]
        reply: Reply,
    },
    Event(Event),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    Hello(Hello),
    Started {
        run: RunId,
    },
    /// With the epoch from which the change holds.
    Steered(Steering),
    Done,
    Status(KernelStatus),
    View(Box<ViewAnswer>),
    /// What can't be done, why, and the remedy: a whole sentence.
    Refused {
        kind: ErrorKind,
        message: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// Notebook and kernel speak different protocols.
    Protocol,
    BadRequest,
    BadSpec,
    NoSuchRun,
    /// The run's state does not allow it.
    State,
    /// A run that is to be resumed is going on already.
    Active,
    Busy,
    /// The disk is full.
    DiskFull,
    /// Anything else that keeps the store or the checkpoints from being read or written.
    Storage,
    Internal,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub protocol: u32,
    pub pid: u32,
    /// The package's version and build.
    pub version: String,
    /// What the reader should know about how it started, such as that a damaged store was renamed aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// A sentence for each job that the previous kernel left unfinished and that waits for its reader. A notebook shows
    /// the runs themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interrupted: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelStatus {
    pub pid: u32,
    pub version: String,
    pub uptime_seconds: f64,
    pub rss_bytes: u64,
    /// Notebooks and commands attached.
    pub clients: u32,
    /// The active runs: queued, running, paused.
    pub runs: Vec<RunSummary>,
    /// The current notices about them, such as a full disk.
    #[serde(default)]
    pub notices: Vec<(RunId, String)>,
}

/// The one line that a kernel prints on its standard output, about how its start went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kernel", rename_all = "snake_case")]
pub enum StartLine {
    Ready {
        pid: u32,
    },
    /// Another kernel holds this home.
    Running {
        pid: u32,
    },
    Failed {
        reason: String,
    },
}

/// An event for every connection that follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Event {
    Run(RunEvent),
    Cell(CellEvent),
}

/// What happens to a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cell_event", rename_all = "snake_case")]
pub enum CellEvent {
    Started {
        cell: CellKey,
        spec: ExperimentSpec,
    },
    /// `done` goes from 0 to 1, and `doing` says briefly what is being done. `partial` has the figures so far, if they
    /// are worth showing.
    Progress {
        cell: CellKey,
        done: f64,
        doing: String,
        seconds: f64,
        partial: Option<Outcome>,
    },
    Finished {
        cell: CellKey,
        outcome: Outcome,
    },
    Stopped {
        cell: CellKey,
    },
    Failed {
        cell: CellKey,
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::super::{ArmId, EpochRecord, Lane, Metric, Preset, Progress};
    use super::*;

    fn round_trip<T: Serialize + for<'de> Deserialize<'de> + PartialEq + std::fmt::Debug>(value: &T) -> String {
        let line = serde_json::to_string(value).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(&serde_json::from_str::<T>(&line).unwrap(), value, "{line}");
        line
    }

    #[test]
    fn requests_are_one_line_each() {
        let spec = Study::of(Preset::Article);
        round_trip(&Request { id: 1, body: RequestBody::Hello { protocol: 1, client: "relu".into() } });
        round_trip(&Request { id: 2, body: RequestBody::Train { spec, name: None } });
        let line = round_trip(&Request { id: 3, body: RequestBody::Pause { run: RunId(7) } });
        assert_eq!(line, r#"{"id":3,"request":"pause","run":7}"#);
    }

    #[test]
    fn an_epoch_reads_as_the_contract_says() {
        let measured = [
            (Metric::TestError, 2.0),
            (Metric::ValError, 1.91),
            (Metric::TrainLoss, 0.1),
            (Metric::ImagesPerSecond, 33_333.0),
            (Metric::Seconds, 1.5),
            (Metric::TrainError, 2.5),
        ];
        let record = EpochRecord::new(Lane { arm: ArmId::RELU_TANH, seed: 1 }, 3, measured);
        let event = Event::Run(RunEvent::Epoch { run: RunId(4), record });
        let line = round_trip(&ServerLine::Event(event));
        assert!(line.starts_with(r#"{"event":"epoch","run":4,"arm":"relu-tanh","seed":1,"epoch":3,"#), "{line}");
        let keys = r#""train_loss":0.1,"val_error":1.91,"test_error":2.0,"seconds":1.5,"images_per_second":33333.0,"train_error":2.5}"#;
        assert!(line.ends_with(keys), "{line}");
    }

    #[test]
    fn replies_and_events_are_distinguished() {
        round_trip(&ServerLine::Reply { id: 9, reply: Reply::Done });
        round_trip(&ServerLine::Reply { id: 9, reply: Reply::Started { run: RunId(1) } });
        let refused = Reply::Refused { kind: ErrorKind::NoSuchRun, message: "no run 9".into() };
        round_trip(&ServerLine::Reply { id: 9, reply: refused });
        let progress = Progress {
            arm: ArmId::ALL_TANH,
            seed: 2,
            epoch: 1,
            batch: 10,
            batches: 500,
            images_per_second: 1.0,
            seconds: 2.0,
        };
        round_trip(&ServerLine::Event(Event::Run(RunEvent::Progress { run: RunId(1), progress })));
        let cell = CellKey { lesson: "faster".into(), cell: "race".into() };
        round_trip(&ServerLine::Event(Event::Cell(CellEvent::Stopped { cell })));
    }
}
