//! The notebook's line to the kernel, on threads of its own: no answer, however late, keeps a frame waiting.

use super::client::{Client, ClientError, Receiver as Events, Sender as Requests};
use super::input::spawn;
use super::notebook::Incoming;
use super::places::Places;
use app::{self, Event, Tag};
use protocol::{self, ErrorKind, Reply, RequestBody, RunEvent, RunId, RunState, ServerLine};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use store::{self, Home, Store, UnfinishedJob};

/// With nothing ordered for so long, what waits is written, and a kernel that another notebook has started is found.
const TICK: Duration = Duration::from_secs(1);
/// Ticks between two looks at a kernel that does not greet: each keeps what else is ordered waiting for two seconds.
const REST: u32 = 5;
/// An answer that takes longer is told of; so is a kernel that is silent for so long while it trains, and for so long again
/// when it is asked why.
const LATE: Duration = Duration::from_secs(5);
/// How long the notebook waits, as it leaves, for its last requests to go out.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What the event loop wants of the kernel.
#[allow(clippy::large_enum_variant)] // One at a time, and most are requests.
pub enum Order {
    /// A request on its way, and whether a kernel is started for it.
    Request { tag: Tag, body: RequestBody, start: bool },
    /// Ask an idle kernel of another version to leave, and start one of this version.
    Restart,
    /// The connection has ended, as its reading thread says.
    Ended,
    /// Start a kernel if the store holds work that it would go on with. Given once the first frame is drawn.
    GoOn,
    /// A run trains, as the reading thread says: whether the kernel falls silent is watched from here on.
    Watch,
}

/// The event loop's end of the line.
pub struct Link {
    /// The only one that keeps the thread going.
    orders: Arc<Sender<Order>>,
    /// Says nothing; it closes when the thread has ended.
    ended: Receiver<()>,
}

impl Link {
    /// Starts the thread; it first looks whether a kernel runs already.
    pub fn start(home: Home, events: Sender<Incoming>) -> io::Result<Self> {
        let (orders, received) = mpsc::channel();
        let orders = Arc::new(orders);
        let (alive, ended) = mpsc::channel();
        let (told, wake) = (events.clone(), Arc::downgrade(&orders));
        spawn("kernel-link", &told, move || {
            let _alive: Sender<()> = alive;
            let mut line = Line {
                home,
                events,
                wake,
                open: None,
                expecting: true,
                rest: 0,
                silent: false,
                complaint: None,
                wire: Wire::default(),
            };
            line.look_at_home();
            line.tell(Event::Link(app::Link::Off));
            line.look_for_kernel();
            line.serve(&received);
        })?;
        Ok(Self { orders, ended })
    }

    pub fn order(&self, order: Order) {
        // The thread lives as long as the loop; were it gone, the loop has heard so.
        let _ = self.orders.send(order);
    }

    /// Lets what was ordered last go out: a pause asked for on quitting, the place in the lesson.
    pub fn close(self) {
        drop(self.orders);
        let _ = self.ended.recv_timeout(LAST_WORDS);
    }
}

/// What a request hears whose kernel left first.
const GONE: &str = "the kernel left before it answered";

/// What both threads of the line know.
#[derive(Default)]
struct OnTheWay {
    /// What waits for a reply, by the request's number.
    tags: HashMap<u64, Tag>,
    places: Places,
    /// The reader has been told that nothing can be kept.
    troubled: bool,
    answers: Answers,
}

/// Which answers are awaited, and since when.
#[derive(Default)]
struct Answers {
    /// When each request was sent, by its number.
    asked: BTreeMap<u64, Instant>,
    /// When a line came last.
    heard: Option<Instant>,
    /// What trains, as far as this connection has told.
    training: HashSet<RunId>,
    /// The kernel has been asked what trains: one that falls silent before its first event would not be watched.
    has_asked: bool,
    /// The reader has been told that the kernel does not answer.
    told: bool,
}

impl Answers {
    fn sent(&mut self, id: u64) {
        self.asked.insert(id, Instant::now());
    }

    fn answered(&mut self, id: u64) {
        self.asked.remove(&id);
    }

    fn heard(&mut self, event: &protocol::Event) {
        let protocol::Event::Run(event) = event else { return };
        if event.ends_run() || matches!(event, RunEvent::Paused { .. } | RunEvent::Queued { .. }) {
            self.training.remove(&event.run());
        } else if matches!(event, RunEvent::Progress { .. } | RunEvent::Epoch { .. }) {
            self.training.insert(event.run());
        }
    }

    /// Whether an answer is late.
    fn is_late(&self) -> bool {
        self.asked.values().any(|sent| sent.elapsed() >= LATE)
    }

    /// Whether a kernel that trains has been silent for so long that it should be asked whether it is there: an evaluation
    /// may take a minute, in which it tells nothing.
    fn should_be_asked(&self) -> bool {
        let silent = self.heard.is_none_or(|heard| heard.elapsed() >= LATE);
        self.asked.is_empty() && (!self.has_asked || (silent && !self.training.is_empty()))
    }

    fn told(&mut self, reply: &Reply) {
        if let Reply::Status(status) = reply {
            let trains = status.runs.iter().filter(|run| run.state == RunState::Running);
            self.training = trains.map(|run| run.run).collect();
        }
    }
}

#[derive(Clone, Default)]
struct Wire(Arc<Mutex<OnTheWay>>);

impl Wire {
    fn lock(&self) -> MutexGuard<'_, OnTheWay> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports that the kernel does not answer, or that it answers again, if that has changed. Both threads call this;
    /// one lock covers the check and the report, so an outdated report never follows a newer one.
    fn tell_of_silence(&self, pid: u32, events: &Sender<Incoming>) {
        let answers = &mut self.lock().answers;
        let late = answers.is_late();
        if std::mem::replace(&mut answers.told, late) != late {
            let message = late.then(|| ClientError::Silent { pid: Some(pid), waited: LATE }.to_string());
            let _ = events.send(Incoming::Event(Event::KernelSilent(message)));
        }
    }

    /// Says what keeps the store from being written, or that nothing does any more.
    fn trouble(&self, why: Option<String>, events: &Sender<Incoming>) {
        let before = std::mem::replace(&mut self.lock().troubled, why.is_some());
        if before || why.is_some() {
            let _ = events.send(Incoming::Event(Event::StorageFault(why)));
        }
    }
}

struct Line {
    home: Home,
    events: Sender<Incoming>,
    /// By which a connection's end wakes this thread.
    wake: Weak<Sender<Order>>,
    open: Option<Open>,
    /// A kernel may come any time; not so while one of another version is there.
    expecting: bool,
    /// Ticks until it is looked for again.
    rest: u32,
    /// The last one that was found did not greet.
    silent: bool,
    /// What the reader was told last of a kernel that can't be spoken with.
    complaint: Option<String>,
    wire: Wire,
}

struct Open {
    requests: Requests,
    /// The kernel's process.
    pid: u32,
    /// Set by the reading thread at the end of the connection, before it tells what got no answer.
    ended: Arc<AtomicBool>,
    /// Says nothing; it closes when the reading thread has told everything.
    told: Receiver<()>,
}

impl Line {
    fn tell(&self, event: Event) {
        let _ = self.events.send(Incoming::Event(event));
    }

    /// Reading works without a home that can be written; that nothing is kept should be known from the beginning.
    fn look_at_home(&self) {
        self.wire.trouble(self.home.prepare().err().map(|error| error.to_string()), &self.events);
    }

    /// Many notebooks may watch a run: one that another of them starts is watched by this one too.
    fn look_for_kernel(&mut self) {
        if self.open.is_some() || !self.expecting {
            return;
        }
        if self.rest > 0 {
            self.rest -= 1;
            return;
        }
        let mut asked = false;
        let reached = || {
            // What it was said to lack stays on the screen until it answers otherwise.
            if self.complaint.is_none() {
                asked = true;
                self.tell(Event::Link(app::Link::Connecting));
            }
        };
        // One that was silent is not waited for as long again.
        let found = if self.silent {
            Client::glance_telling(&self.home, reached)
        } else {
            Client::connect_telling(&self.home, reached)
        };
        if self.silent && !matches!(found, Err(ClientError::Silent { .. })) {
            self.silent = false;
            self.tell(Event::KernelSilent(None));
        }
        match found {
            Ok(Some(client)) => self.follow(client),
            // None runs, or it is just leaving.
            Ok(None) | Err(ClientError::Gone { .. }) => {
                if self.complaint.take().is_some() || asked {
                    self.tell(Event::Link(app::Link::Off));
                }
            }
            Err(error) => {
                // Looked for every second, told of once.
                if let ClientError::Silent { .. } = error {
                    self.is_silent(&error);
                } else if self.complaint.as_ref() != Some(&error.to_string()) {
                    self.failed(&error);
                    self.tell(Event::Notice(error.to_string()));
                }
            }
        }
    }

    /// A kernel is there and does not answer; it is looked for again after a rest.
    fn is_silent(&mut self, error: &ClientError) {
        self.rest = REST;
        if !std::mem::replace(&mut self.silent, true) {
            self.failed(error);
            self.tell(Event::KernelSilent(Some(error.to_string())));
        }
    }

    fn failed(&mut self, error: &ClientError) {
        self.complaint = Some(error.to_string());
        self.tell(Event::Link(app::Link::Failed(error.to_string())));
        if let ClientError::Refused { kind: ErrorKind::Protocol, message } = error {
            self.expecting = false;
            self.tell(Event::OtherVersion(message.clone()));
        }
    }

    /// From here on every event reaches the notebook; what came before stands in the store.
    fn follow(&mut self, mut client: Client) {
        match client.request(RequestBody::Follow) {
            Ok(_) => {}
            Err(error @ ClientError::Silent { .. }) => return self.is_silent(&error),
            Err(error) => return self.failed(&error),
        }
        let (notices, pid) = (client.hello().notices.clone(), client.hello().pid);
        self.wire.lock().answers = Answers::default();
        let (requests, lines) = client.split();
        let ended = Arc::new(AtomicBool::new(false));
        let (alive, told) = mpsc::channel();
        let (events, wire, over) = (self.events.clone(), self.wire.clone(), Arc::clone(&ended));
        let wake = self.wake.clone();
        let mut lines = lines;
        let reader = spawn("kernel-events", &self.events, move || {
            let _alive: Sender<()> = alive;
            let watch = || {
                if let Some(orders) = wake.upgrade() {
                    let _ = orders.send(Order::Watch);
                }
            };
            read(&mut lines, pid, &events, &wire, watch);
            let how = lines.ending();
            over.store(true, Ordering::SeqCst);
            // Nothing is awaited any more.
            wire.lock().answers.asked.clear();
            wire.tell_of_silence(pid, &events);
            let mut on_the_way = wire.lock();
            on_the_way.answers = Answers::default();
            on_the_way.places.come_back();
            for (_, tag) in on_the_way.tags.drain() {
                let _ = events.send(Incoming::Event(Event::Unanswered(tag, GONE.into())));
            }
            let _ = events.send(Incoming::Event(Event::Link(app::Link::Off)));
            if !how.is_orderly() {
                let _ = events.send(Incoming::Event(Event::Notice(format!("The kernel {how}."))));
            }
            if let Some(orders) = wake.upgrade() {
                let _ = orders.send(Order::Ended);
            }
        });
        match reader {
            Ok(()) => {
                self.open = Some(Open { requests, pid, ended, told });
                (self.expecting, self.complaint) = (true, None);
                self.tell(Event::Link(app::Link::On));
                for notice in notices {
                    self.tell(Event::Notice(notice));
                }
                self.send_places();
            }
            Err(error) => self.tell(Event::Notice(format!("no thread for the kernel's events: {error}"))),
        }
    }

    /// Ends a connection once all that came over it has been told: an end that is heard of after the next beginning
    /// would be taken for the end of that one.
    fn hang_up(&mut self) {
        if let Some(open) = self.open.take() {
            open.requests.close();
            let _ = open.told.recv();
        }
    }

    /// Until the notebook leaves.
    fn serve(&mut self, orders: &Receiver<Order>) {
        loop {
            // Beside a kernel with which all is well there is nothing to look at.
            let order = if self.is_at_rest() {
                orders.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                orders.recv_timeout(TICK)
            };
            match order {
                Ok(Order::Request { tag, body, start }) => self.carry_out(tag, body, start),
                Ok(Order::Restart) => self.restart(),
                Ok(Order::Ended) => {
                    self.hang_up_if_ended();
                    // A kernel that leaves in good order removes its socket; whoever ended it does not want the next one.
                    if self.home.socket().is_ok_and(|socket| socket.exists()) {
                        self.go_on_with_unfinished_work();
                    }
                }
                Ok(Order::GoOn) => self.go_on_with_unfinished_work(),
                Ok(Order::Watch) => {}
                Err(RecvTimeoutError::Timeout) => {
                    self.hang_up_if_ended();
                    self.look_for_kernel();
                    self.keep_places();
                }
                Err(RecvTimeoutError::Disconnected) => return self.keep_places(),
            }
            self.watch_for_silence();
        }
    }

    /// Says that an answer is late, and asks a kernel that has fallen silent while it trains.
    fn watch_for_silence(&mut self) {
        let Some(open) = &mut self.open else { return };
        self.wire.tell_of_silence(open.pid, &self.events);
        // Locked before it is sent: the reply may come before `send` returns.
        let answers = &mut self.wire.lock().answers;
        if answers.should_be_asked()
            && let Ok(id) = open.requests.send(RequestBody::Status)
        {
            answers.sent(id);
            answers.has_asked = true;
        }
    }

    fn is_at_rest(&self) -> bool {
        let on_the_way = self.wire.lock();
        let answers = &on_the_way.answers;
        let is_watched = !answers.has_asked || !answers.asked.is_empty() || !answers.training.is_empty();
        self.open.is_some() && !is_watched && !on_the_way.troubled && on_the_way.places.waiting().is_empty()
    }

    fn hang_up_if_ended(&mut self) {
        if self.open.as_ref().is_some_and(|open| open.ended.load(Ordering::SeqCst)) {
            self.hang_up();
        }
    }

    fn carry_out(&mut self, tag: Tag, body: RequestBody, start: bool) {
        self.hang_up_if_ended();
        let body = match body {
            RequestBody::Remember { key, value } => {
                self.wire.lock().places.put(key, value);
                return self.send_places();
            }
            body => body,
        };
        if self.open.is_none() && start {
            self.keep_places();
            self.tell(Event::Link(app::Link::Starting));
            match Client::connect_or_start(&self.home) {
                Ok(client) => self.follow(client),
                Err(error) => {
                    self.failed(&error);
                    self.tell(Event::Unanswered(tag, error.to_string()));
                    return;
                }
            }
        }
        let Some(open) = &mut self.open else {
            self.tell(Event::Unanswered(tag, "no kernel runs".into()));
            return;
        };
        // The reply may come before `send` returns: the tag must be there first.
        let mut on_the_way = self.wire.lock();
        let lost = match open.requests.send(body) {
            // The reading thread has told of all that waited; this one came too late for it.
            Ok(_) if open.ended.load(Ordering::SeqCst) => Some((tag, GONE.to_string())),
            Ok(id) => {
                on_the_way.answers.sent(id);
                on_the_way.tags.insert(id, tag);
                None
            }
            Err(error) => Some((tag, error.to_string())),
        };
        drop(on_the_way);
        if let Some((tag, why)) = lost {
            self.hang_up();
            self.tell(Event::Unanswered(tag, why));
        }
    }

    /// Starts a kernel if none is there and the store holds jobs that it goes on with by itself. One beneath which two kernels
    /// died waits for its reader, so a job that kills its kernel does not start one after the other.
    fn go_on_with_unfinished_work(&mut self) {
        if self.open.is_some() || !self.expecting || self.silent {
            return;
        }
        let jobs = Store::open_read(&self.home).and_then(|store| store.unfinished_jobs()).unwrap_or_default();
        if jobs.iter().all(UnfinishedJob::waits_for_reader) {
            return;
        }
        self.keep_places();
        self.tell(Event::Link(app::Link::Starting));
        match Client::connect_or_start(&self.home) {
            Ok(client) => self.follow(client),
            Err(error) => {
                self.failed(&error);
                self.tell(Event::Notice(error.to_string()));
            }
        }
    }

    fn restart(&mut self) {
        let started = Client::stop_idle(&self.home).and_then(|()| {
            self.tell(Event::Link(app::Link::Starting));
            Client::connect_or_start(&self.home)
        });
        match started {
            Ok(client) => self.follow(client),
            Err(error) => {
                self.failed(&error);
                self.tell(Event::Notice(error.to_string()));
            }
        }
    }

    /// Hands the places to the kernel if one runs; otherwise they wait to be written together.
    fn send_places(&mut self) {
        let Some(open) = &mut self.open else { return };
        let mut on_the_way = self.wire.lock();
        for (key, value) in on_the_way.places.waiting() {
            match open.requests.send(RequestBody::Remember { key: key.clone(), value }) {
                Ok(id) => {
                    on_the_way.answers.sent(id);
                    on_the_way.places.sent(&key, id);
                }
                Err(_) => break,
            }
        }
        if open.ended.load(Ordering::SeqCst) {
            on_the_way.places.come_back();
        }
    }

    /// Writes what waits; where the home can't be written it goes on waiting, and the reader is told.
    fn keep_places(&mut self) {
        self.hang_up_if_ended();
        if self.open.is_some() {
            return self.send_places();
        }
        let (places, troubled) = {
            let on_the_way = self.wire.lock();
            (on_the_way.places.waiting(), on_the_way.troubled)
        };
        match (places.is_empty(), troubled) {
            (true, false) => return,
            (true, true) => return self.look_at_home(),
            _ => {}
        }
        let written = store::save_places(&self.home, &places);
        if written.is_ok() {
            self.wire.lock().places.kept(&places);
        }
        self.wire.trouble(written.err().map(|error| error.to_string()), &self.events);
    }
}

/// `watch` is called when a run begins to train where none did.
fn read(lines: &mut Events, pid: u32, events: &Sender<Incoming>, wire: &Wire, watch: impl Fn()) {
    for line in lines {
        let begins = {
            let answers = &mut wire.lock().answers;
            let rested = answers.training.is_empty();
            answers.heard = Some(Instant::now());
            match &line {
                Ok(ServerLine::Event(event)) => answers.heard(event),
                Ok(ServerLine::Reply { id, reply }) => {
                    answers.answered(*id);
                    answers.told(reply);
                }
                Err(line) => line.reply_to.into_iter().for_each(|id| answers.answered(id)),
            }
            rested && !answers.training.is_empty()
        };
        if begins {
            watch();
        }
        wire.tell_of_silence(pid, events);
        let line = match line {
            Ok(line) => line,
            Err(line) => {
                if let Some(tag) = line.reply_to.and_then(|id| wire.lock().tags.remove(&id)) {
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
                let mut on_the_way = wire.lock();
                let place = match &reply {
                    Reply::Refused { message, .. } => on_the_way.places.refused(id).then(|| Some(message.clone())),
                    _ => on_the_way.places.taken(id).then_some(None),
                };
                let tag = on_the_way.tags.remove(&id).unwrap_or(Tag::Untracked);
                drop(on_the_way);
                if let Some(why) = place {
                    wire.trouble(why, events);
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
        let wire = Wire::default();
        let reported = || match receiver.try_recv() {
            Ok(Incoming::Event(Event::KernelSilent(message))) => Some(message.is_some()),
            _ => None,
        };
        wire.tell_of_silence(7, &sender);
        assert_eq!(reported(), None);
        let long_ago = Instant::now().checked_sub(LATE).expect("the clock began earlier");
        wire.lock().answers.asked.insert(1, long_ago);
        wire.tell_of_silence(7, &sender);
        wire.tell_of_silence(7, &sender);
        assert_eq!((reported(), reported()), (Some(true), None));
        // Whichever thread calls last, the report is withdrawn once nothing is awaited.
        wire.lock().answers.answered(1);
        wire.tell_of_silence(7, &sender);
        wire.tell_of_silence(7, &sender);
        assert_eq!((reported(), reported()), (Some(false), None));
    }
}
