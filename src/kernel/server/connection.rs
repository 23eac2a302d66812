//! One client: a thread that reads its requests, and a thread that writes its lines.

use super::hub::Outbox;
use crate::{Kernel, jobs::message_of, lifecycle::ShutdownCause, lock};
use protocol::{ErrorKind, Hello, PROTOCOL_VERSION, Reply, Request, RequestBody, ServerLine};
use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

/// The longest request, in bytes. Most have a few hundred; a study with 64 seeds and an edited draft stay far below
/// this.
const LONGEST_LINE: usize = 1 << 20;
/// A client that reads nothing for this long is disconnected. It reads the store when it connects again.
const LONGEST_WRITE: Duration = Duration::from_secs(30);

/// Serves one client on threads of its own until it disconnects. Returns at once.
pub(crate) fn serve(kernel: &Arc<Kernel>, stream: UnixStream) -> io::Result<()> {
    // The outbox and both threads share one file descriptor.
    let stream = Arc::new(stream);
    stream.set_write_timeout(Some(LONGEST_WRITE))?;
    let (registration, clients) = Registration::new(kernel, Arc::clone(&stream));
    let outbox = Arc::clone(&registration.outbox);
    let most = kernel.options.most_clients;
    let refusal = match peer(&stream) {
        // A client that connects and sends nothing must not keep others out.
        Ok(()) if clients > most && !kernel.hub.make_room_for(&outbox) => {
            Some((ErrorKind::Busy, format!("{most} notebooks are connected already; close one")))
        }
        Ok(()) => None,
        Err(message) => Some((ErrorKind::Protocol, message)),
    };
    let writer = Writer(Arc::clone(&outbox));
    let writing = Arc::clone(&stream);
    let started = thread::Builder::new().name("client writer".into()).spawn(move || {
        while let Some(lines) = writer.0.take() {
            // The client has closed the connection, or was disconnected because it does not read.
            if (&*writing).write_all(&lines.concat()).is_err() {
                break;
            }
        }
    });
    let reader = move || {
        let Registration { kernel, outbox } = &registration;
        if let Some((kind, message)) = refusal {
            outbox.send(&ServerLine::Reply { id: 0, reply: Reply::Refused { kind, message } });
        } else {
            ClientSession { kernel, outbox, handshake: Handshake::No }.serve_requests(&stream);
        }
    };
    let started = started.and_then(|_| thread::Builder::new().name("client reader".into()).spawn(reader));
    if let Err(error) = started {
        outbox.close();
        return Err(error);
    }
    Ok(())
}

/// A client's entry in the hub. It is removed when the reading thread ends, even by a panic.
pub(crate) struct Registration {
    kernel: Arc<Kernel>,
    outbox: Arc<Outbox>,
}

impl Registration {
    /// Also returns how many clients there are now.
    pub fn new(kernel: &Arc<Kernel>, stream: Arc<UnixStream>) -> (Self, u32) {
        let outbox = Arc::new(Outbox::new(stream));
        let clients = kernel.hub.join(&outbox);
        (Self { kernel: Arc::clone(kernel), outbox }, clients)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.outbox.finish();
        self.kernel.hub.leave(&self.outbox);
    }
}

/// Marks the outbox as ended when the writing thread ends, even by a panic, so that nobody waits for it.
struct Writer(Arc<Outbox>);

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Whether the peer is this kernel's user, or root, who can do anything anyway.
#[cfg(target_os = "linux")]
fn peer(stream: &UnixStream) -> Result<(), String> {
    let peer = rustix::net::sockopt::socket_peercred(stream).map_err(|error| error.to_string())?;
    if peer.uid == rustix::process::geteuid() || peer.uid.is_root() {
        Ok(())
    } else {
        Err(format!("this kernel serves another user than {}; set RELU_HOME to a folder of yours", peer.uid.as_raw()))
    }
}

/// On other systems the socket's mode alone keeps other users out.
#[cfg(not(target_os = "linux"))]
fn peer(_stream: &UnixStream) -> Result<(), String> {
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Handshake {
    No,
    Yes,
    /// The client speaks another version of the protocol. It may still ask an idle kernel to shut down.
    OtherVersion,
}

struct ClientSession<'a> {
    kernel: &'a Arc<Kernel>,
    outbox: &'a Arc<Outbox>,
    handshake: Handshake,
}

impl ClientSession<'_> {
    fn serve_requests(&mut self, stream: &UnixStream) {
        let mut input = BufReader::new(stream);
        let mut line = Vec::new();
        loop {
            line.clear();
            match read_line(&mut input, &mut line) {
                Ok(Line::Whole) => self.answer(&line),
                Ok(Line::TooLong) => {
                    let message = format!("a request may be {LONGEST_LINE} bytes long");
                    self.refuse(0, ErrorKind::BadRequest, message);
                }
                Ok(Line::End) | Err(_) => return,
            }
        }
    }

    fn answer(&mut self, line: &[u8]) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        self.outbox.has_spoken();
        let Request { id, body } = match serde_json::from_slice(line) {
            Ok(request) => request,
            Err(error) => {
                let value: Option<serde_json::Value> = serde_json::from_slice(line).ok();
                let id = value.and_then(|value| value.get("id")?.as_u64()).unwrap_or(0);
                return self.refuse(id, ErrorKind::BadRequest, format!("this is no request: {error}"));
            }
        };
        if matches!(body, RequestBody::Hello { .. }) && self.kernel.is_shutting_down() {
            // A notebook that is disconnected waits for this kernel's end and then starts the next one.
            return self.outbox.close();
        }
        if let (Handshake::Yes, RequestBody::View(request)) = (self.handshake, &body) {
            let outbox = Arc::clone(self.outbox);
            let answer = move |reply| outbox.send(&ServerLine::Reply { id, reply });
            return self.kernel.view((**request).clone(), Box::new(answer));
        }
        let is_shutdown = matches!(body, RequestBody::Shutdown { .. });
        let reply = match (self.handshake, body) {
            (_, RequestBody::Hello { protocol, client }) => self.answer_hello(protocol, &client),
            (Handshake::Yes, RequestBody::Follow) => {
                self.kernel.hub.follow(self.outbox);
                Reply::Done
            }
            (Handshake::Yes, body) => self.handle(body),
            (Handshake::OtherVersion, RequestBody::Shutdown { force: false }) => {
                self.handle(RequestBody::Shutdown { force: false })
            }
            (Handshake::OtherVersion, _) => refused(ErrorKind::Protocol, versions_differ()),
            (Handshake::No, _) => refused(ErrorKind::Protocol, "the first request must be `hello`".into()),
        };
        let is_shutdown = is_shutdown && reply == Reply::Done;
        self.outbox.send(&ServerLine::Reply { id, reply });
        if is_shutdown {
            self.kernel.request_shutdown(ShutdownCause::Client);
        }
    }

    /// Answers a request even if the kernel's code panics, so that the client does not wait for ever and can send the
    /// next request.
    fn handle(&self, body: RequestBody) -> Reply {
        reply_or_panic(|| self.kernel.handle(body), &self.kernel.home.kernel_log())
    }

    fn answer_hello(&mut self, protocol: u32, client: &str) -> Reply {
        tracing::debug!(client, protocol, "a client");
        if protocol == PROTOCOL_VERSION {
            self.handshake = Handshake::Yes;
            Reply::Hello(Hello {
                protocol: PROTOCOL_VERSION,
                pid: std::process::id(),
                version: env!("CARGO_PKG_VERSION").into(),
                notices: lock(&self.kernel.notices).clone(),
                interrupted: lock(&self.kernel.unfinished).sentences(),
            })
        } else {
            self.handshake = Handshake::OtherVersion;
            refused(ErrorKind::Protocol, versions_differ())
        }
    }

    fn refuse(&self, id: u64, kind: ErrorKind, message: String) {
        self.outbox.send(&ServerLine::Reply { id, reply: refused(kind, message) });
    }
}

fn reply_or_panic(handle: impl FnOnce() -> Reply, log: &Path) -> Reply {
    catch_unwind(AssertUnwindSafe(handle)).unwrap_or_else(|panic| {
        let message = message_of(&*panic);
        tracing::error!("a request made the kernel panic: {message}");
        let log = log.display();
        refused(ErrorKind::Internal, format!("the kernel failed at this request ({message}); its log is {log}"))
    })
}

fn refused(kind: ErrorKind, message: String) -> Reply {
    Reply::Refused { kind, message }
}

fn versions_differ() -> String {
    format!(
        "the running kernel (process {}, version {}, protocol {PROTOCOL_VERSION}) is of another version than this \
         notebook; `relu kernel stop` ends it when nothing runs, and the next start brings the right one",
        std::process::id(),
        env!("CARGO_PKG_VERSION"),
    )
}

enum Line {
    Whole,
    /// The rest of the line was read and discarded.
    TooLong,
    End,
}

/// Reads up to the end of a line, and keeps at most [`LONGEST_LINE`] bytes.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    let mut too_long = false;
    loop {
        let chunk = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            chunk => chunk?,
        };
        if chunk.is_empty() {
            return Ok(Line::End);
        }
        let end = chunk.iter().position(|&byte| byte == b'\n');
        let length = end.map_or(chunk.len(), |at| at + 1);
        too_long |= line.len() + length > LONGEST_LINE;
        if !too_long {
            line.extend_from_slice(&chunk[..length]);
        }
        input.consume(length);
        if end.is_some() {
            return Ok(if too_long { Line::TooLong } else { Line::Whole });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_panics_is_answered() {
        let reply = reply_or_panic(|| panic!("no such luck"), Path::new("/home/logs/kernel.log"));
        let Reply::Refused { kind: ErrorKind::Internal, message } = reply else { panic!("{reply:?}") };
        assert!(message.contains("no such luck") && message.contains("/home/logs/kernel.log"), "{message}");
    }

    #[test]
    fn a_line_that_is_too_long_is_discarded_and_the_next_is_read() {
        let text = [vec![b'x'; LONGEST_LINE + 5], b"\nnext\n".to_vec(), b"cut".to_vec()].concat();
        let mut input = BufReader::with_capacity(1000, text.as_slice());
        let mut line = Vec::new();
        assert!(matches!(read_line(&mut input, &mut line).unwrap(), Line::TooLong));
        line.clear();
        assert!(matches!(read_line(&mut input, &mut line).unwrap(), Line::Whole));
        assert_eq!(line, b"next\n");
        assert!(matches!(read_line(&mut input, &mut line).unwrap(), Line::End));
    }
}
