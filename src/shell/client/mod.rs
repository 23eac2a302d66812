//! The notebook's end of the kernel's socket.

mod ending;
mod lines;
mod start;

pub use ending::Ending;

use ending::Watch;
use lines::{Heard, Lines};
use protocol::{ErrorKind, Event, Hello, PROTOCOL_VERSION, Reply, Request, RequestBody, ServerLine, Unreadable};
use std::{
    collections::VecDeque,
    io::{self, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use store::{Home, HomeError, socket};

/// How long a kernel may take to greet before it is called silent: it needs neither the disk nor the scheduler for that.
const GREETING: Duration = Duration::from_secs(4);

/// The same where it is asked by the way, and the store has what matters.
const SHORT_GREETING: Duration = Duration::from_secs(2);

/// How long a kernel that has greeted may take over an answer: it may have to wait for a slow disk.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a kernel may take to leave: its lanes hand over their checkpoints within half a minute, then it waits for the
/// store as long as SQLite does, and takes leave of its notebooks.
pub const LEAVING: Duration = Duration::from_mins(1);

/// The same for one that is to be killed otherwise: what its lanes have, and a little.
const FORCED: Duration = Duration::from_secs(40);
/// How long a killed process may take to be gone.
const KILLED: Duration = Duration::from_secs(5);

/// A connection to the home's kernel, greeted and of the same protocol.
///
/// Use it in turn, [`Client::request`] and [`Client::next_event`], or [`Client::split`] it for two threads.
pub struct Client {
    sender: Sender,
    lines: Lines,
    /// What came while a reply was awaited.
    early: VecDeque<Message>,
    hello: Hello,
    /// How long an answer is waited for.
    patience: Duration,
}

/// What the kernel tells without being asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    Event(Event),
    /// A line that can't be read. It is worth a word, and nothing else: the connection goes on.
    Unreadable(Unreadable),
}

/// The writing half.
pub struct Sender {
    stream: UnixStream,
    next_id: u64,
    /// Of the kernel; unknown before its greeting where the lock's file does not tell it.
    pid: Option<u32>,
    watch: Arc<Watch>,
}

/// The reading half: a blocking iterator over what the kernel says, which ends with the connection. An error is a line that
/// can't be read.
pub struct Receiver {
    lines: Lines,
    early: VecDeque<Message>,
    watch: Arc<Watch>,
}

/// What went wrong between notebook and kernel, and what would help.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("relu-kernel is not at {0}; build it with `cargo build --release`, or set RELU_KERNEL to where it is")]
    Missing(PathBuf),
    #[error("{} can't be started: {why}{}", kernel.display(), of_limit(why))]
    Spawn { kernel: PathBuf, why: io::Error },
    #[error("the kernel's log {path} can't be written, so none is started: {why}")]
    Log { path: PathBuf, why: io::Error },
    #[error(
        "the kernel can't load LibTorch ({why}); `cargo notebook` fetches it, or set LD_LIBRARY_PATH to its lib folder"
    )]
    LibTorch { why: String },
    #[error("the kernel {how} as it started{tail}")]
    Died { how: Ending, tail: String },
    /// The kernel's own sentence on why it does not start, such as a damaged disk.
    #[error("the kernel does not start: {0}")]
    Start(String),
    #[error("the kernel did not get ready within {} s; its log is {}", waited.as_secs(), log.display())]
    Slow { waited: Duration, log: PathBuf },
    /// The kernel's own sentence. `ErrorKind::Protocol` means another version: see [`Client::stop_idle`].
    #[error("{message}")]
    Refused { kind: ErrorKind, message: String },
    #[error("{}", silent(*pid, *waited))]
    Silent { pid: Option<u32>, waited: Duration },
    #[error("the kernel has not left within {} s; its log is {}", waited.as_secs(), log.display())]
    Stays { pid: Option<u32>, waited: Duration, log: PathBuf },
    /// The kernel is gone; [`Client::connect_or_start`] brings it back.
    #[error("the kernel {how}; its log is {}", log.display())]
    Gone { how: Ending, log: PathBuf },
    #[error("the kernel's socket {}: {why}", path.display())]
    Socket { path: PathBuf, why: io::Error },
    /// An answer; other lines that can't be read are skipped.
    #[error("the kernel's answer can't be read: {0}; what runs goes on")]
    Unreadable(String),
}

fn of_limit(why: &io::Error) -> &'static str {
    const EMFILE: i32 = rustix::io::Errno::MFILE.raw_os_error();
    match why.raw_os_error() {
        Some(EMFILE) => "; `ulimit -n` shows the limit",
        _ if why.kind() == io::ErrorKind::WouldBlock => {
            "; no more processes can be had, and `ulimit -u` shows the limit"
        }
        _ => "",
    }
}

fn silent(pid: Option<u32>, waited: Duration) -> String {
    let (which, remedy) = match pid {
        Some(pid) => (format!(" (process {pid})"), format!("`kill -9 {pid}` ends it")),
        None => {
            (String::new(), "`pgrep -a relu-kernel` shows its number, and `kill -9` with that number ends it".into())
        }
    };
    format!("the kernel{which} has not answered for {} s; {remedy}, and nothing committed is lost", waited.as_secs())
}

impl Client {
    /// Connects to the home's kernel if one is running; `None` if none is.
    pub fn connect(home: &Home) -> Result<Option<Self>, ClientError> {
        Self::connect_with(home, GREETING, || ())
    }

    /// The same; `reached` is called when one is there, before it has answered.
    pub fn connect_telling(home: &Home, reached: impl FnOnce()) -> Result<Option<Self>, ClientError> {
        let client = Self::connect_with(home, GREETING, reached)?;
        Ok(client.map(|client| Self { patience: GREETING, ..client }))
    }

    /// The same for a question by the way: the kernel has two seconds to greet, and two for each answer.
    pub fn glance(home: &Home) -> Result<Option<Self>, ClientError> {
        Self::glance_telling(home, || ())
    }

    /// The same; `reached` is called when one is there, before it has answered.
    pub fn glance_telling(home: &Home, reached: impl FnOnce()) -> Result<Option<Self>, ClientError> {
        let client = Self::connect_with(home, SHORT_GREETING, reached)?;
        Ok(client.map(|client| Self { patience: SHORT_GREETING, ..client }))
    }

    fn connect_with(home: &Home, greeting: Duration, reached: impl FnOnce()) -> Result<Option<Self>, ClientError> {
        // Behind another user's socket may be anything.
        home.examine()?;
        let path = home.socket()?;
        let deadline = Instant::now() + greeting;
        match socket::connect(&path, deadline) {
            Ok(stream) => {
                reached();
                let left = deadline.saturating_duration_since(Instant::now());
                Self::greet(stream, home, left, greeting).map(Some)
            }
            // Somebody listens there, and accepts nobody.
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                reached();
                Err(ClientError::Silent { pid: start::lock_holder(home), waited: greeting })
            }
            // No socket, or one that a dead kernel left behind.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                Ok(None)
            }
            Err(why) => Err(ClientError::Socket { path, why }),
        }
    }

    /// Connects to the home's kernel and starts one if none is running. May take a second.
    pub fn connect_or_start(home: &Home) -> Result<Self, ClientError> {
        start::connect_or_start(home, None)
    }

    /// The same with this kernel program.
    pub fn connect_or_start_with(home: &Home, kernel: &Path) -> Result<Self, ClientError> {
        start::connect_or_start(home, Some(kernel))
    }

    /// Asks a kernel of another protocol version to leave if nothing runs in it, and waits until it has.
    /// `Refused` with `Busy` if it works; nothing to do if there is none.
    pub fn stop_idle(home: &Home) -> Result<(), ClientError> {
        home.examine()?;
        let path = home.socket()?;
        let Ok(stream) = socket::connect(&path, Instant::now() + GREETING) else { return Ok(()) };
        let mut client = Self::over(stream, home, GREETING)?;
        // A kernel of another version refuses the greeting and still understands this one request.
        let _ = client.request(RequestBody::Hello { protocol: PROTOCOL_VERSION, client: agent() });
        client.leave(false)
    }

    /// Asks the kernel to leave, with `force` even if something is going on, and waits until it has.
    pub fn leave(&mut self, force: bool) -> Result<(), ClientError> {
        self.request(RequestBody::Shutdown { force })?;
        let patience = if force { FORCED } else { LEAVING };
        if self.wait_closed(patience) {
            Ok(())
        } else {
            Err(ClientError::Stays { pid: self.sender.pid, waited: patience, log: self.sender.watch.log() })
        }
    }

    /// Kills a kernel that does not answer, or does not leave, and waits until it is gone. What it has committed stays.
    ///
    /// # Errors
    /// `refusal`, if there is no such process that is certainly a kernel, or if it can't be killed.
    pub fn kill(home: &Home, refusal: ClientError) -> Result<(), ClientError> {
        let (ClientError::Silent { pid, .. } | ClientError::Stays { pid, .. }) = refusal else { return Err(refusal) };
        let is_kernel = |pid: &u32| {
            std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim_end() == "relu-kernel")
        };
        let process = pid.filter(is_kernel).and_then(|pid| rustix::process::Pid::from_raw(pid as i32));
        let path = home.socket()?;
        let Some(process) = process else { return Err(refusal) };
        if rustix::process::kill_process(process, rustix::process::Signal::KILL).is_err() {
            return Err(refusal);
        }
        let deadline = Instant::now() + KILLED;
        while socket::is_listening(&path) {
            if Instant::now() >= deadline {
                return Err(refusal);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn over(stream: UnixStream, home: &Home, patience: Duration) -> Result<Self, ClientError> {
        let socket = |why| ClientError::Socket { path: home.folder().join("kernel.sock"), why };
        stream.set_write_timeout(Some(patience)).map_err(socket)?;
        let lines = Lines::new(stream.try_clone().map_err(socket)?);
        let sender = Sender { stream, next_id: 1, pid: None, watch: Watch::of(home).into() };
        let hello = Hello { protocol: 0, pid: 0, version: String::new(), notices: Vec::new(), interrupted: Vec::new() };
        Ok(Self { sender, lines, early: VecDeque::new(), hello, patience })
    }

    /// `greeting` is what is told of the time that was waited, of which `left` is left.
    fn greet(stream: UnixStream, home: &Home, left: Duration, greeting: Duration) -> Result<Self, ClientError> {
        let pid = listener(&stream).or_else(|| start::lock_holder(home));
        let mut client = Self::over(stream, home, left.max(Duration::from_millis(1)))?;
        client.sender.pid = pid;
        match client.request(RequestBody::Hello { protocol: PROTOCOL_VERSION, client: agent() }) {
            Ok(Reply::Hello(hello)) => {
                client.sender.pid = Some(hello.pid);
                client.hello = hello;
                client.patience = PATIENCE;
                let _ = client.sender.stream.set_write_timeout(Some(PATIENCE));
                Ok(client)
            }
            Ok(other) => Err(ClientError::Unreadable(format!("{other:?} for a greeting"))),
            Err(ClientError::Silent { pid, .. }) => Err(ClientError::Silent { pid, waited: greeting }),
            Err(error) => Err(error),
        }
    }

    /// Lets this client know that its process has started the kernel.
    fn started(self, started: ending::Started) -> Self {
        if started.pid() == self.hello.pid {
            self.sender.watch.started(started);
        }
        self
    }

    /// Who answered.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Asks and waits for the answer; events that come meanwhile are kept for [`Client::next_event`].
    ///
    /// # Errors
    /// `Refused` if the kernel refuses, so the reply is never `Reply::Refused`.
    pub fn request(&mut self, body: RequestBody) -> Result<Reply, ClientError> {
        let asked = self.sender.send(body)?;
        let deadline = Instant::now() + self.patience;
        loop {
            match self.lines.next(Some(deadline)) {
                Heard::Line(ServerLine::Event(event)) => self.early.push_back(Message::Event(event)),
                // A kernel that could not read a request's number answers under 0.
                Heard::Line(ServerLine::Reply { id, reply }) if id == asked || id == 0 => {
                    return match reply {
                        Reply::Refused { kind, message } => Err(ClientError::Refused { kind, message }),
                        reply => Ok(reply),
                    };
                }
                Heard::Line(ServerLine::Reply { .. }) => {}
                Heard::Nothing => return Err(ClientError::Silent { pid: self.sender.pid, waited: self.patience }),
                Heard::End => return Err(self.sender.gone()),
                Heard::Unreadable(line) if line.reply_to == Some(asked) => {
                    return Err(ClientError::Unreadable(line.to_string()));
                }
                Heard::Unreadable(line) => self.early.push_back(Message::Unreadable(line)),
            }
        }
    }

    /// What the kernel tells next after `RequestBody::Follow`; `None` if nothing came within `timeout`.
    pub fn next_event(&mut self, timeout: Duration) -> Result<Option<Message>, ClientError> {
        if let Some(event) = self.early.pop_front() {
            return Ok(Some(event));
        }
        let deadline = Instant::now() + timeout;
        loop {
            match self.lines.next(Some(deadline)) {
                Heard::Line(ServerLine::Event(event)) => return Ok(Some(Message::Event(event))),
                Heard::Line(ServerLine::Reply { .. }) => {}
                Heard::Nothing => return Ok(None),
                Heard::End => return Err(self.sender.gone()),
                Heard::Unreadable(line) => return Ok(Some(Message::Unreadable(line))),
            }
        }
    }

    /// Takes the events that came while answers were awaited: what was told before them can so be told from what follows.
    pub fn heard_meanwhile(&mut self) -> VecDeque<Message> {
        std::mem::take(&mut self.early)
    }

    /// The kernel program that would be started: `RELU_KERNEL`, or the one beside this program.
    pub fn program() -> Result<PathBuf, ClientError> {
        start::find()
    }

    /// Waits until the kernel has closed the connection, as after `Shutdown`; whether it did within `timeout`.
    pub fn wait_closed(&mut self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            match self.lines.next(Some(deadline)) {
                Heard::End => return true,
                Heard::Nothing => return false,
                Heard::Line(_) | Heard::Unreadable(_) => {}
            }
        }
    }

    /// One half for each of two threads.
    pub fn split(self) -> (Sender, Receiver) {
        let watch = Arc::clone(&self.sender.watch);
        (self.sender, Receiver { lines: self.lines, early: self.early, watch })
    }
}

impl Sender {
    /// Sends a request; its reply comes through the receiver under the returned number.
    pub fn send(&mut self, body: RequestBody) -> Result<u64, ClientError> {
        let id = self.next_id;
        self.next_id += 1;
        let mut line =
            serde_json::to_vec(&Request { id, body }).map_err(|error| ClientError::Unreadable(error.to_string()))?;
        line.push(b'\n');
        match self.stream.write_all(&line) {
            Ok(()) => Ok(id),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Err(ClientError::Silent { pid: self.pid, waited: PATIENCE })
            }
            Err(_) => Err(self.gone()),
        }
    }

    /// Ends the connection; the receiver's iteration ends too.
    pub fn close(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn gone(&self) -> ClientError {
        ClientError::Gone { how: self.watch.ending(), log: self.watch.log() }
    }
}

impl Receiver {
    /// How the kernel ended; call it after the last line.
    pub fn ending(&self) -> Ending {
        self.watch.ending()
    }
}

impl Iterator for Receiver {
    type Item = Result<ServerLine, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.early.pop_front() {
            Some(Message::Event(event)) => return Some(Ok(ServerLine::Event(event))),
            Some(Message::Unreadable(line)) => return Some(Err(line)),
            None => {}
        }
        match self.lines.next(None) {
            Heard::Line(line) => Some(Ok(line)),
            Heard::Nothing | Heard::End => None,
            Heard::Unreadable(line) => Some(Err(line)),
        }
    }
}

fn agent() -> String {
    format!("relu {}", env!("CARGO_PKG_VERSION"))
}

/// The process at the other end, as the system knows it: what the lock file says may be of another time.
#[cfg(target_os = "linux")]
fn listener(stream: &UnixStream) -> Option<u32> {
    let peer = rustix::net::sockopt::socket_peercred(stream).ok()?;
    u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
}

#[cfg(not(target_os = "linux"))]
fn listener(_stream: &UnixStream) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_kernel_is_named_with_a_remedy_that_ends_it_and_nothing_else() {
        let known = ClientError::Silent { pid: Some(7), waited: PATIENCE }.to_string();
        assert!(known.contains("process 7") && known.contains("`kill -9 7`"), "{known}");
        let unknown = ClientError::Silent { pid: None, waited: PATIENCE }.to_string();
        assert!(unknown.contains("pgrep -a relu-kernel") && !unknown.contains("-9 0"), "{unknown}");
    }

    #[test]
    fn a_limit_of_processes_is_named() {
        let told = |why| ClientError::Spawn { kernel: "/relu-kernel".into(), why }.to_string();
        let limited = told(io::ErrorKind::WouldBlock.into());
        assert!(limited.starts_with("/relu-kernel can't be started: ") && limited.contains("`ulimit -u`"), "{limited}");
        assert!(!told(io::ErrorKind::PermissionDenied.into()).contains("ulimit"));
    }

    /// An empty lock, or one that names nobody, names no process to kill: 0 would be the caller's own group.
    #[test]
    fn only_a_process_is_taken_for_the_lock_s_holder() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path()).unwrap();
        for (text, pid) in [("", None), ("0\n", None), ("-1\n", None), ("812\n", Some(812))] {
            std::fs::write(home.lock(), text).unwrap();
            assert_eq!(start::lock_holder(&home), pid, "{text:?}");
        }
    }
}
