//! Who is connected, and what they are told: every client has a bounded queue of lines that its own thread empties.

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

/// Past this length progress is left out.
const CROWDED: usize = 32;
/// Past this length the client is cut off; it reads the store when it comes back.
const OVERFLOW: usize = 4096;

/// The lines that wait for one client.
pub(crate) struct Outbox {
    stream: Arc<UnixStream>,
    queue: Mutex<Queue>,
    filled: Condvar,
    /// Whether its client has said anything yet.
    has_spoken: AtomicBool,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Arc<[u8]>>,
    closed: bool,
    /// The writer's thread is at its end.
    ended: bool,
}

impl Outbox {
    pub fn new(stream: Arc<UnixStream>) -> Self {
        Self { stream, queue: Mutex::default(), filled: Condvar::new(), has_spoken: AtomicBool::new(false) }
    }

    pub fn has_spoken(&self) {
        self.has_spoken.store(true, Ordering::Relaxed);
    }

    /// Never waits. A line that may be left out is, while many wait.
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

    /// Waits for lines and takes all that are there; `None` once closed and empty.
    pub fn take(&self) -> Option<Vec<Arc<[u8]>>> {
        let mut queue = lock(&self.queue);
        while queue.lines.is_empty() && !queue.closed {
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        (!queue.lines.is_empty()).then(|| queue.lines.drain(..).collect())
    }

    /// Cuts the connection; lines that wait are dropped.
    pub fn close(&self) {
        let mut queue = lock(&self.queue);
        queue.closed = true;
        queue.lines.clear();
        let _ = self.stream.shutdown(Shutdown::Both);
        self.filled.notify_all();
    }

    /// The writer's last word.
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

    /// Lets the writer send what waits, then end.
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

/// What a run may complain of, the most pressing first. Each stands until it is taken back by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Complaint {
    /// The store is not where it was, and nothing can be stored.
    Store,
    /// The run's state can't be stored.
    State,
    /// This lane can't write, or can't read what it is to go on from.
    Waits(Lane),
    /// This lane's checkpoint was damaged or missing; no later success mends it.
    Damaged(Lane),
    /// The store was taken away, and put back.
    Restored,
    /// Views and cells have the cores of all its lanes.
    Parked,
}

/// The first complaint of each run.
fn firsts(notices: &BTreeMap<(RunId, Complaint), String>) -> BTreeMap<RunId, String> {
    // Of equal keys the last one stays.
    notices.iter().rev().map(|(&(run, _), text)| (run, text.clone())).collect()
}

/// Every connection, and those that follow.
#[derive(Default)]
pub(crate) struct Hub {
    clients: Mutex<Vec<Arc<Outbox>>>,
    followers: Mutex<Vec<Arc<Outbox>>>,
    /// What there is to complain of; a run shows the first.
    notices: Mutex<BTreeMap<(RunId, Complaint), String>>,
}

impl Hub {
    pub fn clients(&self) -> u32 {
        lock(&self.clients).len() as u32
    }

    /// Returns how many there are now.
    pub fn join(&self, outbox: &Arc<Outbox>) -> u32 {
        let mut clients = lock(&self.clients);
        clients.push(Arc::clone(outbox));
        clients.len() as u32
    }

    /// Makes room for this client by hanging up on the one who has been silent for longest; whether there was one.
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

    /// Sends what waits for each client and ends its connection, as far as they read within this time.
    pub fn disconnect_all(&self, patience: Duration) {
        let clients = std::mem::take(&mut *lock(&self.clients));
        for outbox in &clients {
            outbox.finish();
        }
        let deadline = Instant::now() + patience;
        for outbox in &clients {
            outbox.wait_for_end(deadline);
        }
    }

    /// From here on this client is told of everything, beginning with the notices that stand.
    pub fn follow(&self, outbox: &Arc<Outbox>) {
        let notices = lock(&self.notices);
        let mut followers = lock(&self.followers);
        if followers.iter().any(|other| Arc::ptr_eq(other, outbox)) {
            return;
        }
        followers.push(Arc::clone(outbox));
        for (run, text) in firsts(&notices) {
            outbox.send(&ServerLine::Event(Event::Run(RunEvent::Notice { run, text: Some(text) })));
        }
    }

    /// What each run complains of.
    pub fn notices(&self) -> Vec<(RunId, String)> {
        firsts(&lock(&self.notices)).into_iter().collect()
    }

    /// Tells every follower; never waits for one.
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

    /// Sets or takes back a complaint, and tells of a change.
    pub fn notice(&self, run: RunId, of: Complaint, text: Option<String>) {
        let mut notices = lock(&self.notices);
        let before = firsts(&notices).remove(&run);
        match text {
            Some(text) => notices.insert((run, of), text),
            None => notices.remove(&(run, of)),
        };
        let after = firsts(&notices).remove(&run);
        if before != after {
            tracing::warn!(%run, notice = after.as_deref().unwrap_or("none"));
            self.publish(&Event::Run(RunEvent::Notice { run, text: after }));
        }
    }

    /// The run is over: nobody complains any more.
    pub fn forget_notices(&self, run: RunId) {
        let all: Vec<_> = lock(&self.notices).keys().filter(|(of, _)| *of == run).map(|(_, of)| *of).collect();
        for complaint in all {
            self.notice(run, complaint, None);
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
