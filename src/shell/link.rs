//! The notebook's line to the kernel, on threads of its own: no answer, however late, keeps a frame waiting.

use super::client::{Client, ClientError, Receiver as Events, Sender as Requests};
use super::notebook::Incoming;
use crate::app::{Event, Link, Tag};
use crate::protocol::{RequestBody, ServerLine};
use crate::store::Home;
use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};

/// A request on its way, and whether a kernel is started for it.
pub struct Order {
    pub tag: Tag,
    pub body: RequestBody,
    pub start: bool,
}

/// Starts the thread; it first looks whether a kernel runs already.
pub fn start(home: Home, events: Sender<Incoming>) -> io::Result<Sender<Order>> {
    let (orders, received) = mpsc::channel();
    std::thread::Builder::new().name("kernel-link".into()).spawn(move || {
        let mut line = Line { home, events, open: None };
        line.open_if_running();
        line.serve(&received);
    })?;
    Ok(orders)
}

type Waiting = Arc<Mutex<HashMap<u64, Tag>>>;

struct Line {
    home: Home,
    events: Sender<Incoming>,
    open: Option<Open>,
}

struct Open {
    requests: Requests,
    waiting: Waiting,
    /// Set by the reading thread at the end of the connection.
    ended: Arc<std::sync::atomic::AtomicBool>,
}

impl Line {
    fn tell(&self, event: Event) {
        let _ = self.events.send(Incoming::Event(event));
    }

    fn open_if_running(&mut self) {
        match Client::connect(&self.home) {
            Ok(Some(client)) => self.follow(client),
            Ok(None) => self.tell(Event::Link(Link::Off)),
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&self, error: &ClientError) {
        self.tell(Event::Link(Link::Failed(error.to_string())));
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
        let ended = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (told, tags, over) = (self.events.clone(), Arc::clone(&waiting), Arc::clone(&ended));
        let reader = std::thread::Builder::new().name("kernel-events".into()).spawn(move || {
            read(events, &told, &tags);
            over.store(true, std::sync::atomic::Ordering::SeqCst);
            let _ = told.send(Incoming::Event(Event::Link(Link::Off)));
        });
        match reader {
            Ok(_) => {
                self.open = Some(Open { requests, waiting, ended });
                self.tell(Event::Link(Link::On));
            }
            Err(error) => self.tell(Event::Notice(format!("no thread for the kernel's events: {error}"))),
        }
    }

    fn serve(&mut self, orders: &Receiver<Order>) {
        for order in orders {
            if self.open.as_ref().is_some_and(|open| open.ended.load(std::sync::atomic::Ordering::SeqCst)) {
                self.open = None;
            }
            if self.open.is_none() && order.start {
                self.tell(Event::Link(Link::Starting));
                match Client::connect_or_start(&self.home) {
                    Ok(client) => self.follow(client),
                    Err(error) => {
                        self.tell(Event::Link(Link::Failed(error.to_string())));
                        self.tell(Event::Unanswered(order.tag, error.to_string()));
                        continue;
                    }
                }
            }
            let Some(open) = &mut self.open else {
                // Nothing to say it to: a place is kept at the next occasion.
                if order.tag != Tag::Plain {
                    self.tell(Event::Unanswered(order.tag, "no kernel runs".into()));
                }
                continue;
            };
            // The reply may come before `send` returns: the tag must be there first.
            let mut waiting = open.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            match open.requests.send(order.body) {
                Ok(id) => {
                    waiting.insert(id, order.tag);
                }
                Err(error) => {
                    drop(waiting);
                    self.open = None;
                    self.tell(Event::Unanswered(order.tag, error.to_string()));
                }
            }
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
