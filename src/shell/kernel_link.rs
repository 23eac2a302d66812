//! The notebook's connection to the kernel, on threads of its own, so that no frame waits for an answer.

use super::client::{Client, ClientError, Receiver as KernelReceiver, Sender as KernelSender};
use super::thread::{Incoming, spawn};
use super::unsaved_progress::UnsavedProgress;
use app::{self, Event, Tag};
use protocol::{self, ErrorKind, Reply, RequestBody, RunEvent, RunId, RunState, ServerLine};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use store::{self, Home, Store, StoreError, UnfinishedJob};

/// How often, while no command comes, unsaved progress is written and a kernel that another notebook started is looked for.
const TICK: Duration = Duration::from_secs(1);
/// Ticks between two attempts to connect to a kernel that does not greet: each attempt blocks other commands for two
/// seconds.
const SILENT_RETRY_TICKS: u32 = 5;
/// An answer that takes longer is reported as late. A kernel that sends nothing for so long while it trains or computes a
/// view is asked for its status.
const LATE_AFTER: Duration = Duration::from_secs(5);
/// How long a notebook that quits waits until its last requests are sent.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(300);
/// The same if a run is to be deleted, for which a kernel may have to be started.
const DELETE_TIMEOUT: Duration = Duration::from_secs(10);

/// A command to the link's thread.
#[allow(clippy::large_enum_variant)] // One at a time, and most are requests.
pub enum Command {
    /// Send a request; `start` says whether to start a kernel for it.
    Request { tag: Tag, body: RequestBody, start: bool },
    /// Ask an idle kernel of another version to leave, and start one of this version.
    Restart,
    /// The connection has ended. Sent by its reading thread.
    Disconnected,
    /// Start a kernel if the store has jobs that it would go on with. Sent after the first frame.
    ResumeJobs,
    /// A run has begun to train: watch whether the kernel falls silent. Sent by the reading thread.
    WatchForSilence,
}

/// The event loop's handle of the link's thread.
pub struct KernelLink {
    /// The only strong reference: the thread ends when it is dropped.
    commands: Arc<Sender<Command>>,
    /// Receives no message; it closes when the thread has ended.
    finished: Receiver<()>,
    /// A run is to be deleted.
    deletes: Cell<bool>,
}

impl KernelLink {
    /// Starts the thread. It first connects to a kernel that runs already.
    pub fn start(home: Home, events: Sender<Incoming>) -> io::Result<Self> {
        let (commands, received) = mpsc::channel();
        let commands = Arc::new(commands);
        let (alive, finished) = mpsc::channel();
        let (panics, weak_commands) = (events.clone(), Arc::downgrade(&commands));
        spawn("kernel-link", &panics, move || {
            let _alive: Sender<()> = alive;
            let mut link = LinkThread {
                home,
                events,
                commands: weak_commands,
                connection: None,
                connects: true,
                ticks_to_retry: 0,
                is_silent: false,
                failure: None,
                shared: Shared::default(),
            };
            link.check_home();
            link.send(Event::Link(app::Link::Off));
            link.connect_if_running();
            link.run(&received);
        })?;
        Ok(Self { commands, finished, deletes: Cell::new(false) })
    }

    pub fn send(&self, command: Command) {
        if matches!(command, Command::Request { body: RequestBody::Delete { .. }, .. }) {
            self.deletes.set(true);
        }
        // The thread lives as long as the event loop. If it has panicked, the event loop is notified.
        let _ = self.commands.send(command);
    }

    /// Waits until the last commands are carried out: a pause on quitting, the position in the lesson.
    pub fn close(self) {
        drop(self.commands);
        let timeout = if self.deletes.get() { DELETE_TIMEOUT } else { CLOSE_TIMEOUT };
        let _ = self.finished.recv_timeout(timeout);
    }
}

/// The error of a request that the kernel has not answered before it left.
const KERNEL_LEFT: &str = "the kernel left before it answered";

/// The state that the link's thread and the connection's reading thread share.
#[derive(Default)]
struct State {
    /// The tags of requests without a reply yet, by the request's number.
    tags: HashMap<u64, Tag>,
    progress: UnsavedProgress,
    /// An error of writing the store is shown to the reader.
    shows_write_error: bool,
    replies: PendingReplies,
}

/// Which replies are awaited, and since when.
#[derive(Default)]
struct PendingReplies {
    /// When each request was sent, by its number. The kernel answers these at once.
    sent: BTreeMap<u64, Instant>,
    /// The same of views, which the kernel may compute for a long time.
    views: BTreeMap<u64, Instant>,
    /// When the last line was received.
    last_line: Option<Instant>,
    /// The runs that train, as far as this connection has received.
    training: HashSet<RunId>,
    /// The status was requested once: otherwise a kernel that falls silent before its first event would not be watched.
    status_requested: bool,
    /// The reader sees that the kernel does not answer.
    shows_silence: bool,
}

impl PendingReplies {
    fn insert(&mut self, id: u64) {
        self.sent.insert(id, Instant::now());
    }

    fn insert_view(&mut self, id: u64) {
        self.views.insert(id, Instant::now());
    }

    fn remove(&mut self, id: u64) {
        self.sent.remove(&id);
        self.views.remove(&id);
    }

    fn apply_event(&mut self, event: &protocol::Event) {
        let protocol::Event::Run(event) = event else { return };
        if event.ends_run() || matches!(event, RunEvent::Paused { .. } | RunEvent::Queued { .. }) {
            self.training.remove(&event.run());
        } else if matches!(event, RunEvent::Progress { .. } | RunEvent::Epoch { .. }) {
            self.training.insert(event.run());
        }
    }

    /// Whether a reply is late. A view never is: whether the kernel still answers is found out by requesting its status.
    fn is_late(&self) -> bool {
        self.sent.values().any(is_overdue)
    }

    /// Whether to request the status of a kernel that has sent nothing for [`LATE_AFTER`] while it trains or computes a
    /// view. Silence alone is no fault: an evaluation or a view may take a minute without an event.
    fn should_request_status(&self) -> bool {
        let silent = self.last_line.as_ref().is_none_or(is_overdue);
        let is_working = !self.training.is_empty() || self.views.values().any(is_overdue);
        self.sent.is_empty() && (!self.status_requested || (silent && is_working))
    }

    fn apply_reply(&mut self, reply: &Reply) {
        if let Reply::Status(status) = reply {
            let trains = status.runs.iter().filter(|run| run.state == RunState::Running);
            self.training = trains.map(|run| run.run).collect();
        }
    }
}

/// Whether this is [`LATE_AFTER`] ago or longer.
fn is_overdue(since: &Instant) -> bool {
    since.elapsed() >= LATE_AFTER
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<State>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports that the kernel does not answer, or that it answers again, if that has changed. Both threads call this;
    /// one lock covers the check and the report, so an outdated report never follows a newer one.
    fn report_silence(&self, pid: u32, events: &Sender<Incoming>) {
        let replies = &mut self.lock().replies;
        let late = replies.is_late();
        if std::mem::replace(&mut replies.shows_silence, late) != late {
            let message = late.then(|| ClientError::Silent { pid: Some(pid), waited: LATE_AFTER }.to_string());
            let _ = events.send(Incoming::Event(Event::KernelSilent(message)));
        }
    }

    /// Reports why the store can't be written, or that it can be written again.
    fn report_write_error(&self, error: Option<String>, events: &Sender<Incoming>) {
        let before = std::mem::replace(&mut self.lock().shows_write_error, error.is_some());
        if before || error.is_some() {
            let _ = events.send(Incoming::Event(Event::StorageFault(error)));
        }
    }
}

struct LinkThread {
    home: Home,
    events: Sender<Incoming>,
    /// Lets a connection's reading thread send commands to this thread.
    commands: Weak<Sender<Command>>,
    connection: Option<Connection>,
    /// Whether to connect to a kernel that is found: not while one of another version runs.
    connects: bool,
    /// Ticks until the next attempt to connect.
    ticks_to_retry: u32,
    /// The last kernel that was found did not greet.
    is_silent: bool,
    /// The last error of connecting that the reader was shown.
    failure: Option<String>,
    shared: Shared,
}

struct Connection {
    requests: KernelSender,
    /// The kernel's process.
    pid: u32,
    /// Set by the reading thread at the end of the connection, before it reports the requests without a reply.
    ended: Arc<AtomicBool>,
    /// Receives no message; it closes when the reading thread has sent its last event.
    finished: Receiver<()>,
}

impl LinkThread {
    fn send(&self, event: Event) {
        let _ = self.events.send(Incoming::Event(event));
    }

    /// Reports a home that can't be written. The notebook works without, but stores nothing, which the reader should know from
    /// the beginning.
    fn check_home(&self) {
        self.shared.report_write_error(self.home.prepare().err().map(|error| error.to_string()), &self.events);
    }

    /// Connects to a kernel if one runs, such as one that another notebook has started.
    fn connect_if_running(&mut self) {
        if self.connection.is_some() || !self.connects {
            return;
        }
        if self.ticks_to_retry > 0 {
            self.ticks_to_retry -= 1;
            return;
        }
        let mut connected = false;
        let on_connect = || {
            // An earlier error stays on the screen until the kernel has answered.
            if self.failure.is_none() {
                connected = true;
                self.send(Event::Link(app::Link::Connecting));
            }
        };
        // A kernel that was silent gets a shorter timeout.
        let found = if self.is_silent {
            Client::connect_briefly_with_callback(&self.home, on_connect)
        } else {
            Client::connect_with_callback(&self.home, on_connect)
        };
        if self.is_silent && !matches!(found, Err(ClientError::Silent { .. })) {
            self.is_silent = false;
            self.send(Event::KernelSilent(None));
        }
        match found {
            Ok(Some(client)) => self.follow(client),
            // None runs, or it is just leaving.
            Ok(None) | Err(ClientError::Gone { .. }) => {
                if self.failure.take().is_some() || connected {
                    self.send(Event::Link(app::Link::Off));
                }
            }
            Err(error) => {
                // Attempts are repeated; each error is reported once.
                if let ClientError::Silent { .. } = error {
                    self.handle_silence(&error);
                } else if self.failure.as_ref() != Some(&error.to_string()) {
                    self.report_failure(&error);
                    self.send(Event::Notice(error.to_string()));
                }
            }
        }
    }

    /// Reports a kernel that does not answer. The next attempt to connect comes after [`SILENT_RETRY_TICKS`].
    fn handle_silence(&mut self, error: &ClientError) {
        self.ticks_to_retry = SILENT_RETRY_TICKS;
        if !std::mem::replace(&mut self.is_silent, true) {
            self.report_failure(error);
            self.send(Event::KernelSilent(Some(error.to_string())));
        }
    }

    fn report_failure(&mut self, error: &ClientError) {
        self.failure = Some(error.to_string());
        self.send(Event::Link(app::Link::Failed(error.to_string())));
        if let ClientError::Refused { kind: ErrorKind::Protocol, message } = error {
            self.connects = false;
            self.send(Event::OtherVersion(message.clone()));
        }
    }

    /// Forwards the kernel's events from now on. Earlier ones are in the store.
    fn follow(&mut self, mut client: Client) {
        match client.request(RequestBody::Follow) {
            Ok(_) => {}
            Err(error @ ClientError::Silent { .. }) => return self.handle_silence(&error),
            Err(error) => return self.report_failure(&error),
        }
        let (notices, pid) = (client.hello().notices.clone(), client.hello().pid);
        self.shared.lock().replies = PendingReplies::default();
        let (requests, lines) = client.split();
        let ended = Arc::new(AtomicBool::new(false));
        let (alive, finished) = mpsc::channel();
        let (events, shared, over) = (self.events.clone(), self.shared.clone(), Arc::clone(&ended));
        let commands = self.commands.clone();
        let mut lines = lines;
        let reader = spawn("kernel-events", &self.events, move || {
            let _alive: Sender<()> = alive;
            let on_training = || {
                if let Some(commands) = commands.upgrade() {
                    let _ = commands.send(Command::WatchForSilence);
                }
            };
            forward_lines(&mut lines, pid, &events, &shared, on_training);
            let exit = lines.exit();
            over.store(true, Ordering::SeqCst);
            // No reply is awaited any more.
            shared.lock().replies.sent.clear();
            shared.report_silence(pid, &events);
            let mut state = shared.lock();
            state.replies = PendingReplies::default();
            state.progress.reset_sent();
            for (_, tag) in state.tags.drain() {
                let _ = events.send(Incoming::Event(Event::Unanswered(tag, KERNEL_LEFT.into())));
            }
            let _ = events.send(Incoming::Event(Event::Link(app::Link::Off)));
            if !exit.is_orderly() {
                let _ = events.send(Incoming::Event(Event::Notice(format!("The kernel {exit}."))));
            }
            if let Some(commands) = commands.upgrade() {
                let _ = commands.send(Command::Disconnected);
            }
        });
        match reader {
            Ok(()) => {
                self.connection = Some(Connection { requests, pid, ended, finished });
                (self.connects, self.failure) = (true, None);
                self.send(Event::Link(app::Link::On));
                for notice in notices {
                    self.send(Event::Notice(notice));
                }
                self.send_progress();
            }
            Err(error) => self.send(Event::Notice(format!("no thread for the kernel's events: {error}"))),
        }
    }

    /// Closes the connection and waits until its reading thread has sent all events. Otherwise the event of this connection's
    /// end could come after the next connection's beginning.
    fn disconnect(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.requests.close();
            let _ = connection.finished.recv();
        }
    }

    /// Carries out commands until the notebook quits.
    fn run(&mut self, commands: &Receiver<Command>) {
        loop {
            // An idle link needs no ticks.
            let command = if self.is_idle() {
                commands.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                commands.recv_timeout(TICK)
            };
            match command {
                Ok(Command::Request { tag, body, start }) => self.send_request(tag, body, start),
                Ok(Command::Restart) => self.restart(),
                Ok(Command::Disconnected) => {
                    self.disconnect_if_ended();
                    // A kernel that leaves in good order removes its socket. It was asked to leave, so it is not replaced.
                    if self.home.socket().is_ok_and(|socket| socket.exists()) {
                        self.resume_unfinished_jobs();
                    }
                }
                Ok(Command::ResumeJobs) => self.resume_unfinished_jobs(),
                Ok(Command::WatchForSilence) => {}
                Err(RecvTimeoutError::Timeout) => {
                    self.disconnect_if_ended();
                    self.connect_if_running();
                    self.save_progress();
                }
                Err(RecvTimeoutError::Disconnected) => return self.save_progress(),
            }
            self.watch_for_silence();
        }
    }

    /// Reports a late reply, and requests the status of a kernel that works and has fallen silent.
    fn watch_for_silence(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        self.shared.report_silence(connection.pid, &self.events);
        // Locked before the request is sent: the reply may come before `send` returns.
        let replies = &mut self.shared.lock().replies;
        if replies.should_request_status()
            && let Ok(id) = connection.requests.send(RequestBody::Status)
        {
            replies.insert(id);
            replies.status_requested = true;
        }
    }

    /// Whether there is nothing to do before the next command.
    fn is_idle(&self) -> bool {
        let state = self.shared.lock();
        let replies = &state.replies;
        let is_pending = !replies.sent.is_empty() || !replies.views.is_empty();
        let is_watched = !replies.status_requested || is_pending || !replies.training.is_empty();
        self.connection.is_some() && !is_watched && !state.shows_write_error && state.progress.unsent().is_empty()
    }

    fn disconnect_if_ended(&mut self) {
        if self.connection.as_ref().is_some_and(|connection| connection.ended.load(Ordering::SeqCst)) {
            self.disconnect();
        }
    }

    fn send_request(&mut self, tag: Tag, body: RequestBody, start: bool) {
        self.disconnect_if_ended();
        let body = match body {
            RequestBody::Remember { key, value } => {
                self.shared.lock().progress.insert(key, value);
                return self.send_progress();
            }
            body => body,
        };
        if self.connection.is_none() && start {
            self.save_progress();
            self.send(Event::Link(app::Link::Starting));
            match Client::connect_or_start(&self.home) {
                Ok(client) => self.follow(client),
                Err(error) => {
                    self.report_failure(&error);
                    self.send(Event::Unanswered(tag, error.to_string()));
                    return;
                }
            }
        }
        let Some(connection) = &mut self.connection else {
            self.send(Event::Unanswered(tag, "no kernel runs".into()));
            return;
        };
        let is_view = matches!(body, RequestBody::View(_));
        // Locked before the request is sent: the reply may come before `send` returns.
        let mut state = self.shared.lock();
        let lost = match connection.requests.send(body) {
            // The reading thread has already reported the requests without a reply, this one not among them.
            Ok(_) if connection.ended.load(Ordering::SeqCst) => Some((tag, KERNEL_LEFT.to_string())),
            Ok(id) => {
                if is_view {
                    state.replies.insert_view(id);
                } else {
                    state.replies.insert(id);
                }
                state.tags.insert(id, tag);
                None
            }
            Err(error) => Some((tag, error.to_string())),
        };
        drop(state);
        if let Some((tag, why)) = lost {
            self.disconnect();
            self.send(Event::Unanswered(tag, why));
        }
    }

    /// Starts a kernel if none runs and the store has jobs that it goes on with by itself. A job during which two kernels died
    /// waits for the reader, so that it does not kill one kernel after another.
    fn resume_unfinished_jobs(&mut self) {
        if self.connection.is_some() || !self.connects || self.is_silent {
            return;
        }
        let jobs = Store::open_read(&self.home).and_then(|store| store.unfinished_jobs()).unwrap_or_default();
        if jobs.iter().all(UnfinishedJob::waits_for_reader) {
            return;
        }
        self.save_progress();
        self.send(Event::Link(app::Link::Starting));
        match Client::connect_or_start(&self.home) {
            Ok(client) => self.follow(client),
            Err(error) => {
                self.report_failure(&error);
                self.send(Event::Notice(error.to_string()));
            }
        }
    }

    fn restart(&mut self) {
        let started = Client::stop_idle(&self.home).and_then(|()| {
            self.send(Event::Link(app::Link::Starting));
            Client::connect_or_start(&self.home)
        });
        match started {
            Ok(client) => self.follow(client),
            Err(error) => {
                self.report_failure(&error);
                self.send(Event::Notice(error.to_string()));
            }
        }
    }

    /// Sends unsent progress to the kernel if one runs. Otherwise it is written at the next tick.
    fn send_progress(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        let mut state = self.shared.lock();
        for (key, value) in state.progress.unsent() {
            match connection.requests.send(RequestBody::Remember { key: key.clone(), value }) {
                Ok(id) => {
                    state.replies.insert(id);
                    state.progress.mark_sent(&key, id);
                }
                Err(_) => break,
            }
        }
        if connection.ended.load(Ordering::SeqCst) {
            state.progress.reset_sent();
        }
    }

    /// Writes unsaved progress to the store's file if no kernel runs. If that fails, it is kept, and the error is reported.
    fn save_progress(&mut self) {
        self.disconnect_if_ended();
        if self.connection.is_some() {
            return self.send_progress();
        }
        let (progress, shows_write_error) = {
            let state = self.shared.lock();
            (state.progress.unsent(), state.shows_write_error)
        };
        match (progress.is_empty(), shows_write_error) {
            (true, false) => return,
            (true, true) => return self.check_home(),
            _ => {}
        }
        let written = store::save_progress(&self.home, &progress);
        if written.is_ok() {
            self.shared.lock().progress.remove_saved(&progress);
        }
        if matches!(written, Err(StoreError::Full)) {
            self.send(Event::DiskFull);
        }
        self.shared.report_write_error(written.err().map(|error| error.to_string()), &self.events);
    }
}

/// Forwards the kernel's lines to the event loop until the connection ends. Calls `on_training` when a run begins to train
/// while no other does.
fn forward_lines(
    lines: &mut KernelReceiver,
    pid: u32,
    events: &Sender<Incoming>,
    shared: &Shared,
    on_training: impl Fn(),
) {
    for line in lines {
        let begins = {
            let replies = &mut shared.lock().replies;
            let was_idle = replies.training.is_empty();
            replies.last_line = Some(Instant::now());
            match &line {
                Ok(ServerLine::Event(event)) => replies.apply_event(event),
                Ok(ServerLine::Reply { id, reply }) => {
                    replies.remove(*id);
                    replies.apply_reply(reply);
                }
                Err(line) => line.reply_to.into_iter().for_each(|id| replies.remove(id)),
            }
            was_idle && !replies.training.is_empty()
        };
        if begins {
            on_training();
        }
        shared.report_silence(pid, events);
        let line = match line {
            Ok(line) => line,
            Err(line) => {
                if let Some(tag) = line.reply_to.and_then(|id| shared.lock().tags.remove(&id)) {
                    let _ = events.send(Incoming::Event(Event::Unanswered(tag, line.to_string())));
                }
                if events.send(Incoming::Event(Event::Unreadable(line))).is_err() {
                    return;
                }
                continue;
            }
        };
        let event = match line {
            ServerLine::Event(event) => Event::Kernel(event),
            ServerLine::Reply { id, reply } => {
                let mut state = shared.lock();
                let stored = match &reply {
                    Reply::Refused { message, .. } => state.progress.reject(id).then(|| Some(message.clone())),
                    _ => state.progress.confirm(id).then_some(None),
                };
                let tag = state.tags.remove(&id).unwrap_or(Tag::Untracked);
                drop(state);
                if matches!(reply, Reply::Refused { kind: ErrorKind::DiskFull, .. }) {
                    let _ = events.send(Incoming::Event(Event::DiskFull));
                }
                if let Some(error) = stored {
                    shared.report_write_error(error, events);
                    continue;
                }
                Event::Reply(tag, reply)
            }
        };
        if events.send(Incoming::Event(event)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_kernel_is_reported_once_and_withdrawn_once() {
        let (sender, receiver) = mpsc::channel();
        let shared = Shared::default();
        let reported = || match receiver.try_recv() {
            Ok(Incoming::Event(Event::KernelSilent(message))) => Some(message.is_some()),
            _ => None,
        };
        shared.report_silence(7, &sender);
        assert_eq!(reported(), None);
        let long_ago = Instant::now().checked_sub(LATE_AFTER).expect("the clock began earlier");
        shared.lock().replies.sent.insert(1, long_ago);
        shared.report_silence(7, &sender);
        shared.report_silence(7, &sender);
        assert_eq!((reported(), reported()), (Some(true), None));
        // Whichever thread calls last, the report is withdrawn once nothing is awaited.
        shared.lock().replies.remove(1);
        shared.report_silence(7, &sender);
        shared.report_silence(7, &sender);
        assert_eq!((reported(), reported()), (Some(false), None));
    }

    #[test]
    fn a_view_that_takes_long_is_late_only_if_the_status_is_not_answered_either() {
        let long_ago = Instant::now().checked_sub(LATE_AFTER).expect("the clock began earlier");
        let mut replies =
            PendingReplies { status_requested: true, last_line: Some(long_ago), ..PendingReplies::default() };
        replies.insert_view(1);
        assert!(!replies.should_request_status(), "it has only just been sent");
        replies.views.insert(1, long_ago);
        assert!(!replies.is_late() && replies.should_request_status());
        // The status was requested and is not answered.
        replies.sent.insert(2, long_ago);
        assert!(replies.is_late() && !replies.should_request_status());
        // It is answered while the view is still computed.
        replies.remove(2);
        replies.last_line = Some(Instant::now());
        assert!(!replies.is_late() && !replies.should_request_status());
        replies.last_line = Some(long_ago);
        assert!(replies.should_request_status(), "it is requested again later");
        replies.remove(1);
        assert!(!replies.is_late() && !replies.should_request_status());
    }
}
