//! A real `relu-kernel` in its own home, and ways to wait for it. Never by sleeping: a wait has a limit, after which it
//! prints the end of the kernel's log.

use protocol::{
    EpochRecord, ErrorKind, Event, Lane, Metric, Preset, Reply, RequestBody, RunEvent, RunId, RunState, StartLine,
    Study,
};
use shell::client::{Client, ClientError, Message};
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};
use store::{Home, Store};
use tempfile::TempDir;

pub const PATIENCE: Duration = Duration::from_mins(1);

pub fn home() -> (TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path().join("home")).unwrap();
    (folder, home)
}

/// Ten batches per epoch.
pub fn tiny(epochs: u32) -> Study {
    Study { epochs, train_size: 500, val_size: 500, ..Study::of(Preset::Article) }
        .with_shared(|settings| settings.batch = 50)
}

/// A study that does not end during a test.
pub fn endless() -> Study {
    tiny(Study::MAX_EPOCHS)
}

pub struct Kernel {
    pub child: Child,
    pub home: Home,
    pub line: StartLine,
}

/// The kernel of this build, or the one that `RELU_KERNEL` names.
pub fn program() -> PathBuf {
    std::env::var_os("RELU_KERNEL").map_or_else(|| env!("CARGO_BIN_EXE_relu-kernel").into(), PathBuf::from)
}

pub fn command(home: &Home) -> Command {
    let mut command = Command::new(program());
    command.arg("--home").arg(home.folder());
    command
}

impl Kernel {
    pub fn start(home: &Home) -> Self {
        Self::start_with(home, &[])
    }

    pub fn start_with(home: &Home, arguments: &[&str]) -> Self {
        let mut command = command(home);
        command.args(arguments);
        Self::spawn(home, command)
    }

    /// Runs this command, which becomes a kernel, and waits for the kernel's start line.
    pub fn spawn(home: &Home, mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let line = serde_json::from_str(&line).unwrap_or_else(|error| panic!("`{line}`: {error}\n{}", log(home)));
        Self { child, home: home.clone(), line }
    }

    pub fn connect(&self) -> Client {
        connect(&self.home)
    }

    /// Kills the kernel with SIGKILL and waits for its end.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    pub fn wait(&mut self) -> ExitStatus {
        let Self { child, home, .. } = self;
        until(home, "the kernel to end", || child.try_wait().unwrap())
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn connect(home: &Home) -> Client {
    match Client::connect(home) {
        Ok(Some(client)) => client,
        Ok(None) => panic!("no kernel\n{}", log(home)),
        Err(error) => panic!("{error}\n{}", log(home)),
    }
}

pub fn follow(home: &Home) -> Client {
    let mut client = connect(home);
    assert_eq!(client.request(RequestBody::Follow).unwrap(), Reply::Done);
    client
}

pub fn train(client: &mut Client, spec: &Study) -> RunId {
    match client.request(RequestBody::Train { spec: spec.clone(), name: None }).unwrap() {
        Reply::Started { run } => run,
        other => panic!("{other:?}"),
    }
}

/// The end of the kernel's log.
pub fn log(home: &Home) -> String {
    let text = fs::read_to_string(home.kernel_log()).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    format!("--- the end of kernel.log\n{}", lines[lines.len().saturating_sub(30)..].join("\n"))
}

/// Waits until `look` returns something.
pub fn until<T>(home: &Home, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}\n{}", log(home));
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// The first event that `pick` accepts; `Err` if the kernel has ended.
pub fn try_event<T>(
    client: &mut Client,
    home: &Home,
    what: &str,
    mut pick: impl FnMut(RunEvent) -> Option<T>,
) -> Result<T, ClientError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(Message::Event(Event::Run(event))) = client.next_event(Duration::from_secs(1))?
            && let Some(found) = pick(event)
        {
            return Ok(found);
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}\n{}", log(home));
    }
}

pub fn event<T>(client: &mut Client, home: &Home, what: &str, pick: impl FnMut(RunEvent) -> Option<T>) -> T {
    try_event(client, home, what, pick).unwrap_or_else(|error| panic!("{what}: {error}\n{}", log(home)))
}

/// The event that ends the run's training.
pub fn end(client: &mut Client, home: &Home, run: RunId) -> RunEvent {
    event(client, home, "the end of the run", |event| (event.run() == run && event.ends_run()).then_some(event))
}

/// All numbers of a run: for each lane the losses and errors by epoch, and a sha256 of the last epoch's tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    pub epochs: BTreeMap<(Lane, u32), [u64; 3]>,
    pub weights: BTreeMap<Lane, String>,
}

pub fn bits(record: &EpochRecord) -> [u64; 3] {
    [Metric::TrainLoss, Metric::ValError, Metric::TestError].map(|metric| record.get(metric).unwrap().to_bits())
}

pub fn numbers(home: &Home, run: RunId) -> Numbers {
    let store = Store::open_read(home).unwrap();
    let epochs: BTreeMap<_, _> =
        store.epochs(run).unwrap().iter().map(|record| ((record.lane(), record.epoch), bits(record))).collect();
    let spec = store.run(run).unwrap().spec;
    let last = |lane: Lane| home.checkpoint(run, lane, spec.epochs);
    let weights = spec.lanes().into_iter().map(|lane| (lane, tensors(&last(lane)))).collect();
    Numbers { epochs, weights }
}

/// sha256 over names and bytes of a checkpoint's tensors. The times in its metadata are left out.
pub fn tensors(file: &Path) -> String {
    let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut names = tensors.names();
    names.sort_unstable();
    let all: Vec<u8> =
        names.iter().flat_map(|name| [name.as_bytes(), tensors.tensor(name).unwrap().data()].concat()).collect();
    store::files::sha256(&all)
}

pub fn refused(result: Result<Reply, ClientError>) -> (ErrorKind, String) {
    match result {
        Err(ClientError::Refused { kind, message }) => (kind, message),
        other => panic!("{other:?}"),
    }
}

pub fn state(home: &Home, run: RunId) -> RunState {
    Store::open_read(home).unwrap().run(run).unwrap().state
}
