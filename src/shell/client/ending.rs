//! How a kernel came to its end, as far as a client can tell: the process that started it has its exit status, and the
//! others see whether it took its socket along.

use std::{
    fmt,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Child, ExitStatus},
    sync::{Arc, Condvar, Mutex, OnceLock, PoisonError},
    thread,
    time::Duration,
};
use store::{Home, socket};

/// A connection may be closed a moment before its process has ended.
const STATUS_WITHIN: Duration = Duration::from_secs(2);
/// How long the socket of a process that is being killed may still take connections.
const DYING: Duration = Duration::from_millis(100);
const SIGKILL: i32 = 9;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In good order, or it hung up on this client alone.
    Left,
    Signal(i32),
    Exit(i32),
    /// Without taking its socket along: killed, or crashed.
    Died,
}

impl Ending {
    fn of(status: ExitStatus) -> Self {
        match (status.signal(), status.code()) {
            (Some(signal), _) => Self::Signal(signal),
            (None, Some(0)) => Self::Left,
            (None, code) => Self::Exit(code.unwrap_or(-1)),
        }
    }

    pub fn is_orderly(self) -> bool {
        self == Self::Left
    }
}

/// As the end of a sentence that begins with "the kernel".
impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MEMORY: &str = "most often because memory ran out, which `relu doctor` checks";
        match self {
            Self::Left => f.write_str("has left"),
            Self::Signal(SIGKILL) => write!(f, "was killed (signal 9), {MEMORY}"),
            Self::Signal(signal) => write!(f, "crashed (signal {signal})"),
            Self::Exit(code) => write!(f, "failed (exit status {code})"),
            Self::Died => write!(f, "died: it was killed, {MEMORY}, or it crashed"),
        }
    }
}

/// A kernel that this process has started.
#[derive(Debug)]
pub(super) struct Started {
    pid: u32,
    status: Arc<(Mutex<Option<ExitStatus>>, Condvar)>,
}

impl Started {
    /// Waits for its end on a thread: no zombie is left behind while this process lives on. Where no thread can be had,
    /// one stays, and how it ended is not known.
    pub fn watch(mut child: Child) -> Self {
        let started = Self { pid: child.id(), status: Arc::default() };
        let status = Arc::clone(&started.status);
        let _ = thread::Builder::new().name("reaper".into()).spawn(move || {
            if let Ok(ended) = child.wait() {
                *status.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
                status.1.notify_all();
            }
        });
        started
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    fn status(&self, patience: Duration) -> Option<ExitStatus> {
        let (status, ended) = &*self.status;
        let status = status.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = ended.wait_timeout_while(status, patience, |status| status.is_none());
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// What a client knows of its kernel's end.
pub(super) struct Watch {
    socket: Option<PathBuf>,
    log: PathBuf,
    /// If this process started it.
    started: OnceLock<Started>,
}

impl Watch {
    pub fn of(home: &Home) -> Self {
        Self { socket: home.socket().ok(), log: home.kernel_log(), started: OnceLock::new() }
    }

    /// Both halves of the client share this, whenever it learns that its process has started the kernel.
    pub fn started(&self, started: Started) {
        let _ = self.started.set(started);
    }

    pub fn log(&self) -> PathBuf {
        self.log.clone()
    }

    /// Call it once the connection is closed.
    pub fn ending(&self) -> Ending {
        // First: the socket of a process that is being killed takes connections for a moment longer.
        if let Some(status) = self.started.get().and_then(|started| started.status(STATUS_WITHIN)) {
            return Ending::of(status);
        }
        let is_listening = || self.socket.as_ref().is_some_and(|path| socket::is_listening(path));
        // Should it go on listening, it has hung up on this client, or the next one is there already.
        let listens = is_listening() && {
            thread::sleep(DYING);
            is_listening()
        };
        let left_behind = self.socket.as_ref().is_some_and(|path| path.exists());
        if !listens && left_behind { Ending::Died } else { Ending::Left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{os::unix::net::UnixListener, process::Command};

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path()).unwrap();
        (folder, home)
    }

    #[test]
    fn who_started_a_kernel_knows_its_signal_and_its_status() {
        let (_folder, home) = home();
        for (script, expected, word) in [
            ("kill -9 $$", Ending::Signal(9), "killed (signal 9), most often because memory ran out"),
            ("kill -11 $$", Ending::Signal(11), "crashed (signal 11)"),
            ("exit 3", Ending::Exit(3), "exit status 3"),
            ("exit 0", Ending::Left, "has left"),
        ] {
            let watch = Watch::of(&home);
            watch.started(Started::watch(Command::new("sh").args(["-c", script]).spawn().unwrap()));
            let ending = watch.ending();
            assert_eq!(ending, expected, "{script}");
            assert!(ending.to_string().contains(word), "{ending}");
        }
    }

    #[test]
    fn the_others_see_whether_it_took_its_socket_along() {
        let (_folder, home) = home();
        let socket = home.socket().unwrap();
        let watch = Watch::of(&home);
        let listener = UnixListener::bind(&socket).unwrap();
        assert_eq!(watch.ending(), Ending::Left, "it hung up on this client");
        drop(listener);
        assert_eq!(watch.ending(), Ending::Died);
        std::fs::remove_file(&socket).unwrap();
        assert_eq!(watch.ending(), Ending::Left);
    }
}
