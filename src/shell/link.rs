//! The notebook's line to the kernel, on threads of its own: no answer, however late, keeps a frame waiting.

use super::client::{Client, ClientError, Receiver as Events, Sender as Requests};
use super::input::spawn;
use super::notebook::Incoming;
use crate::app::{self, Event, Tag};
use crate::protocol::{RequestBody, ServerLine};
use crate::store::{self, Home};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Places that no kernel takes are written together, once the reader has scrolled on for so long.
const GATHER: Duration = Duration::from_secs(1);
/// How long the notebook waits, as it leaves, for its last requests to go out.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// A request on its way, and whether a kernel is started for it.
pub struct Order {
    pub tag: Tag,
    pub body: RequestBody,
    pub start: bool,
}

/// The event loop's end of the line.
pub struct Link {
    orders: Sender<Order>,
    /// Says nothing; it closes when the thread has ended.
    ended: Receiver<()>,
}

impl Link {
    /// Starts the thread; it first looks whether a kernel runs already.
    pub fn start(home: Home, events: Sender<Incoming>) -> io::Result<Self> {
        let (orders, received) = mpsc::channel();
        let (alive, ended) = mpsc::channel();
        let told = events.clone();
        spawn("kernel-link", &told, move || {
            let _alive: Sender<()> = alive;
            let mut line = Line { home, events, open: None, kept: BTreeMap::new() };
            line.open_if_running();
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

type Waiting = Arc<Mutex<HashMap<u64, Tag>>>;

struct Line {
    home: Home,
    events: Sender<Incoming>,
    open: Option<Open>,
    /// The newest place under each key, while no kernel runs to keep it.
    kept: BTreeMap<String, Value>,
}

struct Open {
    requests: Requests,
    waiting: Waiting,
    /// Set by the reading thread at the end of the connection, before it tells what got no answer.
    ended: Arc<AtomicBool>,
}

impl Line {
    fn tell(&self, event: Event) {
        let _ = self.events.send(Incoming::Event(event));
    }

    fn open_if_running(&mut self) {
        match Client::connect(&self.home) {
            Ok(Some(client)) => self.follow(client),
            Ok(None) => self.tell(Event::Link(app::Link::Off)),
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&self, error: &ClientError) {
        self.tell(Event::Link(app::Link::Failed(error.to_string())));
        self.tell(Event::Notice(error.to_string()));
    }

    /// From here on every event reaches the notebook; what came before stands in the store.
    fn follow(&mut self, mut client: Client) {
        if let Err(error) = client.request(RequestBody::Follow) {
            self.failed(&error);
            return;
        }
        let (requests, events) = client.split();
        let waiting = Waiting::default();
        let ended = Arc::new(AtomicBool::new(false));
        let (told, tags, over) = (self.events.clone(), Arc::clone(&waiting), Arc::clone(&ended));
        let reader = spawn("kernel-events", &self.events, move || {
            read(events, &told, &tags);
            over.store(true, Ordering::SeqCst);
            for (_, tag) in tags.lock().unwrap_or_else(PoisonError::into_inner).drain() {
                let _ = told.send(Incoming::Event(Event::Unanswered(tag, GONE.into())));
            }
            let _ = told.send(Incoming::Event(Event::Link(app::Link::Off)));
        });
        match reader {
            Ok(()) => {
                self.open = Some(Open { requests, waiting, ended });
                self.tell(Event::Link(app::Link::On));
            }
            Err(error) => self.tell(Event::Notice(format!("no thread for the kernel's events: {error}"))),
        }
    }

    /// Until the notebook leaves.
    fn serve(&mut self, orders: &Receiver<Order>) {
        loop {
            let order = if self.kept.is_empty() {
                orders.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                orders.recv_timeout(GATHER)
            };
            match order {
                Ok(order) => self.carry_out(order),
                Err(RecvTimeoutError::Timeout) => self.keep(),
                Err(RecvTimeoutError::Disconnected) => return self.keep(),
            }
        }
    }

    fn carry_out(&mut self, order: Order) {
        if self.open.as_ref().is_some_and(|open| open.ended.load(Ordering::SeqCst)) {
            self.open = None;
        }
        if self.open.is_none() && order.start {
            self.keep();
            self.tell(Event::Link(app::Link::Starting));
            match Client::connect_or_start(&self.home) {
                Ok(client) => self.follow(client),
                Err(error) => {
                    self.tell(Event::Link(app::Link::Failed(error.to_string())));
                    self.tell(Event::Unanswered(order.tag, error.to_string()));
                    return;
                }
            }
        }
        let Some(open) = &mut self.open else {
            match order.body {
                RequestBody::Remember { key, value } => {
                    self.kept.insert(key, value);
                }
                _ => self.tell(Event::Unanswered(order.tag, "no kernel runs".into())),
            }
            return;
        };
        // The reply may come before `send` returns: the tag must be there first.
        let mut waiting = open.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = match open.requests.send(order.body) {
            // The reading thread has told of all that waited; this one came too late for it.
            Ok(_) if open.ended.load(Ordering::SeqCst) => Some((order.tag, GONE.to_string())),
            Ok(id) => {
                waiting.insert(id, order.tag);
                None
            }
            Err(error) => Some((order.tag, error.to_string())),
        };
        drop(waiting);
        if let Some((tag, why)) = lost {
            self.open = None;
            self.tell(Event::Unanswered(tag, why));
        }
    }

    /// Writes the kept places; where the home can't be written, reading goes on without.
    fn keep(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        if kept.is_empty() {
            return;
        }
        if let Err(error) = store::keep_places(&self.home, &kept) {
            tracing::warn!("the place in the lesson can't be kept: {error}");
        }
    }
}

fn read(lines: Events, events: &Sender<Incoming>, waiting: &Waiting) {
    for line in lines {
        let Ok(line) = line else { return };
        let event = match line {
            ServerLine::Event(event) => Event::Kernel(event),
            ServerLine::Reply { id, reply } => {
                let tag = waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                Event::Reply(tag.unwrap_or(Tag::Plain), reply)
            }
        };
        if events.send(Incoming::Event(event)).is_err() {
            return;
        }
    }
}
