//! How a kernel ended, as far as a client can know. The process that started the kernel has its exit status. Others see
//! whether it removed its socket, which it does when it leaves in good order.

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

/// How long to wait for the exit status: the connection is closed a moment before the process ends.
const STATUS_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the socket of a killed process may still accept connections.
const SOCKET_CLOSE_DELAY: Duration = Duration::from_millis(100);
const SIGKILL: i32 = 9;

/// How a kernel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelExit {
    /// In good order, or it closed the connection of this client only.
    Left,
    Signal(i32),
    Exit(i32),
    /// Killed or crashed: it has not removed its socket.
    Died,
}

impl KernelExit {
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

/// The predicate of a sentence that begins with "the kernel".
impl fmt::Display for KernelExit {
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

/// A kernel that this process started.
#[derive(Debug)]
pub(super) struct StartedKernel {
    pid: u32,
    status: Arc<(Mutex<Option<ExitStatus>>, Condvar)>,
}

impl StartedKernel {
    /// Waits for the process on a thread, so that it does not stay a zombie. If no thread can be started, it does, and its
    /// exit status is not known.
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

    fn status(&self, timeout: Duration) -> Option<ExitStatus> {
        let (status, ended) = &*self.status;
        let status = status.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = ended.wait_timeout_while(status, timeout, |status| status.is_none());
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Tells how the kernel of a client ended.
pub(super) struct ExitMonitor {
    socket: Option<PathBuf>,
    log: PathBuf,
    /// Set if this process started the kernel.
    started: OnceLock<StartedKernel>,
}

impl ExitMonitor {
    pub fn of(home: &Home) -> Self {
        Self { socket: home.socket().ok(), log: home.kernel_log(), started: OnceLock::new() }
    }

    /// Records that this process started the kernel. Both halves of the client share the monitor.
    pub fn set_started(&self, started: StartedKernel) {
        let _ = self.started.set(started);
    }

    pub fn log(&self) -> PathBuf {
        self.log.clone()
    }

    /// How the kernel ended. Must be called after the connection has closed.
    pub fn exit(&self) -> KernelExit {
        // The exit status is checked first, as the socket of a killed process still accepts connections for a moment.
        if let Some(status) = self.started.get().and_then(|started| started.status(STATUS_TIMEOUT)) {
            return KernelExit::of(status);
        }
        let is_listening = || self.socket.as_ref().is_some_and(|path| socket::is_listening(path));
        // If the socket still accepts connections, the kernel has closed this client's connection only, or the next kernel
        // already runs.
        let listens = is_listening() && {
            thread::sleep(SOCKET_CLOSE_DELAY);
            is_listening()
        };
        let left_behind = self.socket.as_ref().is_some_and(|path| path.exists());
        if !listens && left_behind { KernelExit::Died } else { KernelExit::Left }
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
    fn the_process_that_started_a_kernel_knows_its_exit_status() {
        let (_folder, home) = home();
        for (script, expected, word) in [
            ("kill -9 $$", KernelExit::Signal(9), "killed (signal 9), most often because memory ran out"),
            ("kill -11 $$", KernelExit::Signal(11), "crashed (signal 11)"),
            ("exit 3", KernelExit::Exit(3), "exit status 3"),
            ("exit 0", KernelExit::Left, "has left"),
        ] {
            let monitor = ExitMonitor::of(&home);
            monitor.set_started(StartedKernel::watch(Command::new("sh").args(["-c", script]).spawn().unwrap()));
            let exit = monitor.exit();
            assert_eq!(exit, expected, "{script}");
            assert!(exit.to_string().contains(word), "{exit}");
        }
    }

    #[test]
    fn other_processes_see_whether_the_socket_was_removed() {
        let (_folder, home) = home();
        let socket = home.socket().unwrap();
        let monitor = ExitMonitor::of(&home);
        let listener = UnixListener::bind(&socket).unwrap();
        assert_eq!(monitor.exit(), KernelExit::Left, "it closed this connection only");
        drop(listener);
        assert_eq!(monitor.exit(), KernelExit::Died);
        std::fs::remove_file(&socket).unwrap();
        assert_eq!(monitor.exit(), KernelExit::Left);
    }
}
