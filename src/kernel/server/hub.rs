//! The connected clients and the events sent to them. Every client has a bounded queue of lines, which its own thread
//! empties.

use crate::{Kernel, lock};
use protocol::{CellEvent, Event, Lane, RunEvent, RunId, ServerLine};
use std::{
    collections::{BTreeMap, VecDeque},
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// A longer queue takes no more progress lines.
const CROWDED: usize = 32;
/// A client with a longer queue is disconnected. It reads the store when it connects again.
const OVERFLOW: usize = 4096;

/// The lines queued for one client.
pub(crate) struct Outbox {
    stream: Arc<UnixStream>,
    queue: Mutex<Queue>,
    filled: Condvar,
    /// Whether the client has sent anything yet.
    has_spoken: AtomicBool,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Arc<[u8]>>,
    closed: bool,
    /// Whether the writing thread has ended.
    ended: bool,
}

impl Outbox {
    pub fn new(stream: Arc<UnixStream>) -> Self {
        Self { stream, queue: Mutex::default(), filled: Condvar::new(), has_spoken: AtomicBool::new(false) }
    }

    pub fn has_spoken(&self) {
        self.has_spoken.store(true, Ordering::Relaxed);
    }

    /// Queues a line without waiting. A line that may be dropped is dropped if the queue is long.
    pub fn push(&self, line: &Arc<[u8]>, may_be_left_out: bool) {
        let mut queue = lock(&self.queue);
        if queue.closed || (may_be_left_out && queue.lines.len() >= CROWDED) {
            return;
        }
        if queue.lines.len() >= OVERFLOW {
            drop(queue);
            tracing::info!("a client that does not read is cut off");
            self.close();
            return;
        }
        queue.lines.push_back(Arc::clone(line));
        self.filled.notify_all();
    }

    pub fn send(&self, line: &ServerLine) {
        if let Some(line) = encoded(line) {
            self.push(&line, false);
        }
    }

    /// Waits for lines and takes all that are queued. `None` once the queue is closed and empty.
    pub fn take(&self) -> Option<Vec<Arc<[u8]>>> {
        let mut queue = lock(&self.queue);
        while queue.lines.is_empty() && !queue.closed {
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        (!queue.lines.is_empty()).then(|| queue.lines.drain(..).collect())
    }

    /// Closes the connection and drops the queued lines.
    pub fn close(&self) {
        let mut queue = lock(&self.queue);
        queue.closed = true;
        queue.lines.clear();
        let _ = self.stream.shutdown(Shutdown::Both);
        self.filled.notify_all();
    }

    /// Marks the writing thread as ended.
    pub fn end(&self) {
        self.close();
        lock(&self.queue).ended = true;
        self.filled.notify_all();
    }

    fn wait_for_end(&self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        let queue = lock(&self.queue);
        let _ = self.filled.wait_timeout_while(queue, left, |queue| !queue.ended).map_err(PoisonError::into_inner);
    }

    /// Lets the writing thread send the queued lines, then end.
    pub fn finish(&self) {
        lock(&self.queue).closed = true;
        self.filled.notify_all();
    }
}

fn encoded(line: &ServerLine) -> Option<Arc<[u8]>> {
    match serde_json::to_vec(line) {
        Ok(mut bytes) => {
            bytes.push(b'\n');
            Some(bytes.into())
        }
        Err(error) => {
            tracing::error!("a line can't be written as JSON: {error}");
            None
        }
    }
}

/// The kinds of notices about a run, the most urgent first. Each stays until it is withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NoticeKind {
    /// The store's files are not at their paths, so nothing can be stored.
    Store,
    /// The run's state can't be stored.
    State,
    /// This lane can't write, or can't read the checkpoint that it goes on from.
    Waits(Lane),
    /// This lane's checkpoint was damaged or missing. It stays until the run is over, as no later success repairs it.
    Damaged(Lane),
    /// The store was removed, and has been put back.
    Restored,
    /// Views and cells use the cores of all its lanes.
    Parked,
}

/// What the reader of a run should know.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Notice {
    text: String,
    /// The run waits for space on the disk.
    disk_full: bool,
}

fn event_of(run: RunId, notice: Option<Notice>) -> Event {
    let disk_full = notice.as_ref().is_some_and(|notice| notice.disk_full);
    Event::Run(RunEvent::Notice { run, text: notice.map(|notice| notice.text), disk_full })
}

/// The most urgent notice of each run.
fn firsts(notices: &BTreeMap<(RunId, NoticeKind), Notice>) -> BTreeMap<RunId, Notice> {
    // Later entries replace earlier ones with the same key, so the first in order is collected last.
    notices.iter().rev().map(|(&(run, _), notice)| (run, notice.clone())).collect()
}

/// Every connection, and those that follow the events.
#[derive(Default)]
pub(crate) struct Hub {
    clients: Mutex<Vec<Arc<Outbox>>>,
    followers: Mutex<Vec<Arc<Outbox>>>,
    /// The notices about each run. A run shows the most urgent one.
    notices: Mutex<BTreeMap<(RunId, NoticeKind), Notice>>,
}

impl Hub {
    pub fn clients(&self) -> u32 {
        lock(&self.clients).len() as u32
    }

    /// Returns how many connections there are now.
    pub fn join(&self, outbox: &Arc<Outbox>) -> u32 {
        let mut clients = lock(&self.clients);
        clients.push(Arc::clone(outbox));
        clients.len() as u32
    }

    /// Disconnects the client that has sent nothing for longest, to make room for this one. Returns whether there was
    /// one.
    pub fn make_room_for(&self, outbox: &Arc<Outbox>) -> bool {
        let mut clients = lock(&self.clients);
        let is_silent = |other: &Arc<Outbox>| !Arc::ptr_eq(other, outbox) && !other.has_spoken.load(Ordering::Relaxed);
        let Some(at) = clients.iter().position(is_silent) else { return false };
        clients.remove(at).close();
        true
    }

    pub fn leave(&self, outbox: &Arc<Outbox>) {
        lock(&self.followers).retain(|other| !Arc::ptr_eq(other, outbox));
        lock(&self.clients).retain(|other| !Arc::ptr_eq(other, outbox));
    }

    /// Sends each client's queued lines and closes its connection, waiting at most this long.
    pub fn disconnect_all(&self, timeout: Duration) {
        let clients = std::mem::take(&mut *lock(&self.clients));
        for outbox in &clients {
            outbox.finish();
        }
        let deadline = Instant::now() + timeout;
        for outbox in &clients {
            outbox.wait_for_end(deadline);
        }
    }

    /// Sends this client all events from now on, beginning with the current notices.
    pub fn follow(&self, outbox: &Arc<Outbox>) {
        let notices = lock(&self.notices);
        let mut followers = lock(&self.followers);
        if followers.iter().any(|other| Arc::ptr_eq(other, outbox)) {
            return;
        }
        followers.push(Arc::clone(outbox));
        for (run, notice) in firsts(&notices) {
            outbox.send(&ServerLine::Event(event_of(run, Some(notice))));
        }
    }

    /// The current notice of each run.
    pub fn notices(&self) -> Vec<(RunId, String)> {
        firsts(&lock(&self.notices)).into_iter().map(|(run, notice)| (run, notice.text)).collect()
    }

    /// Queues an event for every follower, without waiting for any.
    pub fn publish(&self, event: &Event) {
        let may_be_left_out =
            matches!(event, Event::Run(RunEvent::Progress { .. }) | Event::Cell(CellEvent::Progress { .. }));
        let followers = lock(&self.followers);
        if followers.is_empty() {
            return;
        }
        if let Some(line) = encoded(&ServerLine::Event(event.clone())) {
            for outbox in followers.iter() {
                outbox.push(&line, may_be_left_out);
            }
        }
    }

    /// Sets or withdraws a notice, and announces the run's most urgent notice if that has changed.
    pub fn set_notice(&self, run: RunId, kind: NoticeKind, text: Option<String>) {
        self.replace_notice(run, kind, text.map(|text| Notice { text, disk_full: false }));
    }

    /// Sets a notice about a file that can't be written; `disk_full` says whether space would help.
    pub fn set_disk_notice(&self, run: RunId, kind: NoticeKind, text: String, disk_full: bool) {
        self.replace_notice(run, kind, Some(Notice { text, disk_full }));
    }

    fn replace_notice(&self, run: RunId, kind: NoticeKind, notice: Option<Notice>) {
        let mut notices = lock(&self.notices);
        let before = firsts(&notices).remove(&run);
        match notice {
            Some(notice) => notices.insert((run, kind), notice),
            None => notices.remove(&(run, kind)),
        };
        let after = firsts(&notices).remove(&run);
        if before != after {
            tracing::warn!(%run, notice = after.as_ref().map_or("none", |notice| notice.text.as_str()));
            self.publish(&event_of(run, after));
        }
    }

    /// Removes all notices of a run that is over.
    pub fn forget_notices(&self, run: RunId) {
        let all: Vec<_> = lock(&self.notices).keys().filter(|(of, _)| *of == run).map(|(_, of)| *of).collect();
        for kind in all {
            self.set_notice(run, kind, None);
        }
    }
}

impl Kernel {
    /// Sends a run's event to every follower. Called after the event has been committed.
    pub(crate) fn announce(&self, event: RunEvent) {
        if !matches!(event, RunEvent::Progress { .. } | RunEvent::Epoch { .. } | RunEvent::Elapsed { .. }) {
            tracing::info!(?event);
        }
        self.hub.publish(&Event::Run(event));
    }
}
