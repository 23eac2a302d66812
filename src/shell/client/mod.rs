//! The client of the kernel's socket.

mod exit;
mod line_reader;
mod start;

pub use exit::KernelExit;

use exit::ExitMonitor;
use line_reader::{LineReader, ReadLine};
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

/// How long a kernel may take to greet. It needs neither the disk nor the scheduler for that.
const GREETING_TIMEOUT: Duration = Duration::from_secs(4);

/// How long a kernel may take to greet, and for each answer, where the caller can do without it.
const SHORT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a kernel that has greeted may take for an answer: it may have to wait for a slow disk.
const REPLY_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a kernel may take to leave: its lanes write their checkpoints within half a minute, then it waits for the store
/// as long as SQLite does, and notifies its notebooks.
pub const LEAVE_TIMEOUT: Duration = Duration::from_mins(1);

/// How long a kernel that would be killed otherwise may take to leave: the time of its lanes, and a little more.
const FORCED_LEAVE_TIMEOUT: Duration = Duration::from_secs(40);
/// How long a killed process may take to end.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to the home's kernel, which has greeted and speaks the same protocol.
///
/// Either call [`Client::request`] and [`Client::next_event`], or [`Client::split`] it for two threads.
pub struct Client {
    sender: Sender,
    lines: LineReader,
    /// What was received while a reply was awaited.
    buffered: VecDeque<Message>,
    hello: Hello,
    /// How long to wait for an answer.
    reply_timeout: Duration,
}

/// What the kernel sends unrequested.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    Event(Event),
    /// A line that can't be parsed. The connection goes on.
    Unreadable(Unreadable),
}

/// The writing half.
pub struct Sender {
    stream: UnixStream,
    next_id: u64,
    /// The kernel's process. Unknown before its greeting if the lock's file does not have it.
    pid: Option<u32>,
    exit_monitor: Arc<ExitMonitor>,
}

/// The reading half: a blocking iterator over the kernel's lines, which ends with the connection. An error is a line that
/// can't be parsed.
pub struct Receiver {
    lines: LineReader,
    buffered: VecDeque<Message>,
    exit_monitor: Arc<ExitMonitor>,
}

/// What went wrong between client and kernel, and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("relu-kernel is not at {0}; build it with `cargo build --release`, or set RELU_KERNEL to where it is")]
    Missing(PathBuf),
    #[error("{} can't be started: {why}{}", kernel.display(), limit_hint(why))]
    Spawn { kernel: PathBuf, why: io::Error },
    #[error("the kernel's log {path} can't be written, so none is started: {why}")]
    Log { path: PathBuf, why: io::Error },
    #[error(
        "the kernel can't load LibTorch ({why}); `cargo notebook` fetches it, or set LD_LIBRARY_PATH to its lib folder"
    )]
    LibTorch { why: String },
    #[error("the kernel {how} as it started{tail}")]
    Died { how: KernelExit, tail: String },
    /// Why the kernel does not start, in its own words.
    #[error("the kernel does not start: {0}")]
    Start(String),
    #[error("the kernel did not get ready within {} s; its log is {}", waited.as_secs(), log.display())]
    Slow { waited: Duration, log: PathBuf },
    /// The kernel's message. `ErrorKind::Protocol` means another version: see [`Client::stop_idle`].
    #[error("{message}")]
    Refused { kind: ErrorKind, message: String },
    #[error("{}", silence_message(*pid, *waited))]
    Silent { pid: Option<u32>, waited: Duration },
    #[error("the kernel has not left within {} s; its log is {}", waited.as_secs(), log.display())]
    Stays { pid: Option<u32>, waited: Duration, log: PathBuf },
    /// The kernel has ended; [`Client::connect_or_start`] starts it again.
    #[error("the kernel {how}; its log is {}", log.display())]
    Gone { how: KernelExit, log: PathBuf },
    #[error("the kernel's socket {}: {why}", path.display())]
    Socket { path: PathBuf, why: io::Error },
    /// An answer that can't be parsed; other such lines are skipped.
    #[error("the kernel's answer can't be read: {0}; what runs goes on")]
    Unreadable(String),
}

fn limit_hint(why: &io::Error) -> &'static str {
    const EMFILE: i32 = rustix::io::Errno::MFILE.raw_os_error();
    match why.raw_os_error() {
        Some(EMFILE) => "; `ulimit -n` shows the limit",
        _ if why.kind() == io::ErrorKind::WouldBlock => {
            "; no more processes can be had, and `ulimit -u` shows the limit"
        }
        _ => "",
    }
}

fn silence_message(pid: Option<u32>, waited: Duration) -> String {
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
        Self::connect_with(home, GREETING_TIMEOUT, || ())
    }

    /// As [`Client::connect`]; calls `reached` when the socket is connected, before the kernel has answered.
    pub fn connect_with_callback(home: &Home, reached: impl FnOnce()) -> Result<Option<Self>, ClientError> {
        let client = Self::connect_with(home, GREETING_TIMEOUT, reached)?;
        Ok(client.map(|client| Self { reply_timeout: GREETING_TIMEOUT, ..client }))
    }

    /// As [`Client::connect`], with two seconds for the greeting and for each answer.
    pub fn connect_briefly(home: &Home) -> Result<Option<Self>, ClientError> {
        Self::connect_briefly_with_callback(home, || ())
    }

    /// As [`Client::connect_briefly`]; calls `reached` when the socket is connected, before the kernel has answered.
    pub fn connect_briefly_with_callback(home: &Home, reached: impl FnOnce()) -> Result<Option<Self>, ClientError> {
        let client = Self::connect_with(home, SHORT_TIMEOUT, reached)?;
        Ok(client.map(|client| Self { reply_timeout: SHORT_TIMEOUT, ..client }))
    }

    fn connect_with(home: &Home, greeting: Duration, reached: impl FnOnce()) -> Result<Option<Self>, ClientError> {
        // The socket of another user is not trusted.
        home.examine()?;
        let path = home.socket()?;
        let deadline = Instant::now() + greeting;
        match socket::connect(&path, deadline) {
            Ok(stream) => {
                reached();
                let left = deadline.saturating_duration_since(Instant::now());
                Self::greet(stream, home, left, greeting).map(Some)
            }
            // A process listens and does not accept connections.
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

    /// As [`Client::connect_or_start`], with this kernel program.
    pub fn connect_or_start_with(home: &Home, kernel: &Path) -> Result<Self, ClientError> {
        start::connect_or_start(home, Some(kernel))
    }

    /// Asks a kernel of another protocol version to leave if it is idle, and waits until it has. Does nothing if no kernel
    /// runs.
    ///
    /// # Errors
    /// `Refused` with `Busy` if it is not idle.
    pub fn stop_idle(home: &Home) -> Result<(), ClientError> {
        home.examine()?;
        let path = home.socket()?;
        let Ok(stream) = socket::connect(&path, Instant::now() + GREETING_TIMEOUT) else { return Ok(()) };
        let mut client = Self::from_stream(stream, home, GREETING_TIMEOUT)?;
        // A kernel of another version refuses the greeting, but accepts the shutdown request.
        let _ = client.request(RequestBody::Hello { protocol: PROTOCOL_VERSION, client: agent() });
        client.leave(false)
    }

    /// Asks the kernel to leave, with `force` even if it is busy, and waits until it has.
    pub fn leave(&mut self, force: bool) -> Result<(), ClientError> {
        self.request(RequestBody::Shutdown { force })?;
        let timeout = if force { FORCED_LEAVE_TIMEOUT } else { LEAVE_TIMEOUT };
        if self.wait_closed(timeout) {
            Ok(())
        } else {
            Err(ClientError::Stays { pid: self.sender.pid, waited: timeout, log: self.sender.exit_monitor.log() })
        }
    }

    /// Waits until the process of a kernel that has left is gone: LibTorch takes a moment to give its memory back. Not for
    /// ever, as nothing depends on it.
    pub fn wait_for_exit(&self) {
        let Some(pid) = self.sender.pid else { return };
        // A process that has ended and was not waited for yet is in state Z.
        let runs = || {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
            stat.is_ok_and(|stat| stat.contains("(relu-kernel)") && !stat.contains(") Z"))
        };
        let deadline = Instant::now() + KILL_TIMEOUT;
        while runs() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills a kernel that does not answer or does not leave, and waits until it has ended. What it has committed is kept.
    ///
    /// # Errors
    /// `refusal` if its process is not certainly a kernel, or can't be killed.
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
        let deadline = Instant::now() + KILL_TIMEOUT;
        while socket::is_listening(&path) {
            if Instant::now() >= deadline {
                return Err(refusal);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn from_stream(stream: UnixStream, home: &Home, reply_timeout: Duration) -> Result<Self, ClientError> {
        let socket = |why| ClientError::Socket { path: home.folder().join("kernel.sock"), why };
        stream.set_write_timeout(Some(reply_timeout)).map_err(socket)?;
        let lines = LineReader::new(stream.try_clone().map_err(socket)?);
        let sender = Sender { stream, next_id: 1, pid: None, exit_monitor: ExitMonitor::of(home).into() };
        let hello = Hello { protocol: 0, pid: 0, version: String::new(), notices: Vec::new(), interrupted: Vec::new() };
        Ok(Self { sender, lines, buffered: VecDeque::new(), hello, reply_timeout })
    }

    /// Greets the kernel. `greeting` is the whole timeout, which an error names; `left` is the rest of it.
    fn greet(stream: UnixStream, home: &Home, left: Duration, greeting: Duration) -> Result<Self, ClientError> {
        let pid = peer_pid(&stream).or_else(|| start::lock_holder(home));
        let mut client = Self::from_stream(stream, home, left.max(Duration::from_millis(1)))?;
        client.sender.pid = pid;
        match client.request(RequestBody::Hello { protocol: PROTOCOL_VERSION, client: agent() }) {
            Ok(Reply::Hello(hello)) => {
                client.sender.pid = Some(hello.pid);
                client.hello = hello;
                client.reply_timeout = REPLY_TIMEOUT;
                let _ = client.sender.stream.set_write_timeout(Some(REPLY_TIMEOUT));
                Ok(client)
            }
            Ok(other) => Err(ClientError::Unreadable(format!("{other:?} for a greeting"))),
            Err(ClientError::Silent { pid, .. }) => Err(ClientError::Silent { pid, waited: greeting }),
            Err(error) => Err(error),
        }
    }

    /// Records that this process started the kernel.
    fn with_started(self, started: exit::StartedKernel) -> Self {
        if started.pid() == self.hello.pid {
            self.sender.exit_monitor.set_started(started);
        }
        self
    }

    /// The kernel's greeting.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Sends a request and waits for the reply. Events that come meanwhile are buffered for [`Client::next_event`].
    ///
    /// # Errors
    /// `Refused` if the kernel refuses, so the reply is never `Reply::Refused`.
    pub fn request(&mut self, body: RequestBody) -> Result<Reply, ClientError> {
        self.request_within(self.reply_timeout, body)
    }

    /// The same of a request that is answered once it has been computed.
    pub fn request_within(&mut self, timeout: Duration, body: RequestBody) -> Result<Reply, ClientError> {
        let asked = self.sender.send(body)?;
        let deadline = Instant::now() + timeout;
        loop {
            match self.lines.next(Some(deadline)) {
                ReadLine::Line(ServerLine::Event(event)) => self.buffered.push_back(Message::Event(event)),
                // The kernel answers with the number 0 if it could not parse the request's number.
                ReadLine::Line(ServerLine::Reply { id, reply }) if id == asked || id == 0 => {
                    return match reply {
                        Reply::Refused { kind, message } => Err(ClientError::Refused { kind, message }),
                        reply => Ok(reply),
                    };
                }
                ReadLine::Line(ServerLine::Reply { .. }) => {}
                ReadLine::TimedOut => {
                    return Err(ClientError::Silent { pid: self.sender.pid, waited: timeout });
                }
                ReadLine::Closed => return Err(self.sender.gone()),
                ReadLine::Unreadable(line) if line.reply_to == Some(asked) => {
                    return Err(ClientError::Unreadable(line.to_string()));
                }
                ReadLine::Unreadable(line) => self.buffered.push_back(Message::Unreadable(line)),
            }
        }
    }

    /// The next event or line after `RequestBody::Follow`; `None` if nothing came within `timeout`.
    pub fn next_event(&mut self, timeout: Duration) -> Result<Option<Message>, ClientError> {
        if let Some(event) = self.buffered.pop_front() {
            return Ok(Some(event));
        }
        let deadline = Instant::now() + timeout;
        loop {
            match self.lines.next(Some(deadline)) {
                ReadLine::Line(ServerLine::Event(event)) => return Ok(Some(Message::Event(event))),
                ReadLine::Line(ServerLine::Reply { .. }) => {}
                ReadLine::TimedOut => return Ok(None),
                ReadLine::Closed => return Err(self.sender.gone()),
                ReadLine::Unreadable(line) => return Ok(Some(Message::Unreadable(line))),
            }
        }
    }

    /// Takes the events that came while replies were awaited, so that the caller can tell them from later ones.
    pub fn take_buffered(&mut self) -> VecDeque<Message> {
        std::mem::take(&mut self.buffered)
    }

    /// The kernel program that would be started: `RELU_KERNEL`, or the one beside this program.
    pub fn program() -> Result<PathBuf, ClientError> {
        start::find_program()
    }

    /// Waits until the kernel has closed the connection, as after `Shutdown`. Returns whether it did within `timeout`.
    pub fn wait_closed(&mut self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            match self.lines.next(Some(deadline)) {
                ReadLine::Closed => return true,
                ReadLine::TimedOut => return false,
                ReadLine::Line(_) | ReadLine::Unreadable(_) => {}
            }
        }
    }

    /// Splits the client into halves for two threads.
    pub fn split(self) -> (Sender, Receiver) {
        let exit_monitor = Arc::clone(&self.sender.exit_monitor);
        (self.sender, Receiver { lines: self.lines, buffered: self.buffered, exit_monitor })
    }
}

impl Sender {
    /// Sends a request and returns its number, which the reply carries.
    pub fn send(&mut self, body: RequestBody) -> Result<u64, ClientError> {
        let id = self.next_id;
        self.next_id += 1;
        let mut line =
            serde_json::to_vec(&Request { id, body }).map_err(|error| ClientError::Unreadable(error.to_string()))?;
        line.push(b'\n');
        match self.stream.write_all(&line) {
            Ok(()) => Ok(id),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Err(ClientError::Silent { pid: self.pid, waited: REPLY_TIMEOUT })
            }
            Err(_) => Err(self.gone()),
        }
    }

    /// Ends the connection; the receiver's iteration ends too.
    pub fn close(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn gone(&self) -> ClientError {
        ClientError::Gone { how: self.exit_monitor.exit(), log: self.exit_monitor.log() }
    }
}

impl Receiver {
    /// How the kernel ended. Must be called after the last line.
    pub fn exit(&self) -> KernelExit {
        self.exit_monitor.exit()
    }
}

impl Iterator for Receiver {
    type Item = Result<ServerLine, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.buffered.pop_front() {
            Some(Message::Event(event)) => return Some(Ok(ServerLine::Event(event))),
            Some(Message::Unreadable(line)) => return Some(Err(line)),
            None => {}
        }
        match self.lines.next(None) {
            ReadLine::Line(line) => Some(Ok(line)),
            ReadLine::TimedOut | ReadLine::Closed => None,
            ReadLine::Unreadable(line) => Some(Err(line)),
        }
    }
}

fn agent() -> String {
    format!("relu {}", env!("CARGO_PKG_VERSION"))
}

/// The process at the other end, from the socket's credentials: the lock file may name an earlier process.
#[cfg(target_os = "linux")]
fn peer_pid(stream: &UnixStream) -> Option<u32> {
    let peer = rustix::net::sockopt::socket_peercred(stream).ok()?;
    u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
}

#[cfg(not(target_os = "linux"))]
fn peer_pid(_stream: &UnixStream) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_for_a_silent_kernel_ends_this_kernel_only() {
        let known = ClientError::Silent { pid: Some(7), waited: REPLY_TIMEOUT }.to_string();
        assert!(known.contains("process 7") && known.contains("`kill -9 7`"), "{known}");
        let unknown = ClientError::Silent { pid: None, waited: REPLY_TIMEOUT }.to_string();
        assert!(unknown.contains("pgrep -a relu-kernel") && !unknown.contains("-9 0"), "{unknown}");
    }

    #[test]
    fn an_error_names_the_limit_of_processes() {
        let message = |why| ClientError::Spawn { kernel: "/relu-kernel".into(), why }.to_string();
        let limited = message(io::ErrorKind::WouldBlock.into());
        assert!(limited.starts_with("/relu-kernel can't be started: ") && limited.contains("`ulimit -u`"), "{limited}");
        assert!(!message(io::ErrorKind::PermissionDenied.into()).contains("ulimit"));
    }

    /// An empty lock file, or one with a number that is not positive, names no process: `kill 0` would kill the caller's own
    /// group.
    #[test]
    fn only_a_positive_number_is_read_as_the_lock_holder() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path()).unwrap();
        for (text, pid) in [("", None), ("0\n", None), ("-1\n", None), ("812\n", Some(812))] {
            std::fs::write(home.lock(), text).unwrap();
            assert_eq!(start::lock_holder(&home), pid, "{text:?}");
        }
    }
}
