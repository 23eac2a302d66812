//! The process itself: one per home, with low priority, immune to hang-ups, and ended when it has been idle.

use super::{
    error::KernelError,
    home_lock::{Holder, HomeLock},
    home_watch::HomeLocation,
    log, recovery,
    shutdown::ShutdownCause,
};
use crate::{
    Kernel,
    jobs::{libtorch, message_of, spec_of},
    server,
};
use protocol::{StartLine, escape_json};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ},
    iterator::Signals,
};
use std::{
    fs,
    io::{self, Write},
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixListener,
    },
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};
use store::{Home, Store, StoreError, files};

/// How a kernel behaves. Users run it with the defaults.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many lanes of one thread may train at once.
    pub cores: u32,
    /// Training time between two checkpoints inside an epoch.
    pub checkpoint_every: Duration,
    /// The kernel ends after it has been idle for this long.
    pub idle: Duration,
    /// The most clients at once.
    pub most_clients: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cores: thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
            // The README promises "at least every ten seconds"; this leaves time to write it.
            checkpoint_every: Duration::from_secs(8),
            idle: Duration::from_mins(10),
            most_clients: 64,
        }
    }
}

/// How long a shutdown waits for the lanes' checkpoints. A client's `LEAVE_TIMEOUT` is longer.
const HALT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a shutdown waits for clients to read their queued lines.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How often the kernel checks its files while something runs, and while nothing does.
const TICK: Duration = Duration::from_secs(1);
const IDLE_TICK: Duration = Duration::from_secs(5);

/// Files that the kernel has open besides its clients' connections: the store, the log, the lock and the socket, and
/// the one that each lane may be writing.
const FILES: u64 = 40;
const FILES_A_CORE: u64 = 2;
const FEWEST_CLIENTS: u64 = 8;
/// The most that are requested, whatever limit the system allows.
const MOST_FILES: u64 = 4096;

/// Serves the home until it is told to shut down, or has been idle. Prints one [`StartLine`], then nothing.
pub fn run(home: &Home, options: Options) -> Result<(), KernelError> {
    match start(home, options) {
        Ok(Some(started)) => {
            print_start_line(&StartLine::Ready { pid: std::process::id() });
            log::redirect_stdout().map_err(KernelError::io("the log can't be opened"))?;
            started.serve();
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(error) => {
            tracing::error!("{error}");
            print_start_line(&StartLine::Failed { reason: error.to_string() });
            Err(error)
        }
    }
}

/// Prints the start line. An error is ignored, as the program that started the kernel may have ended.
fn print_start_line(line: &StartLine) {
    if let Ok(line) = serde_json::to_string(line) {
        let mut out = io::stdout();
        let _ = writeln!(out, "{}", escape_json(&line)).and_then(|()| out.flush());
    }
}

struct Started {
    kernel: Arc<Kernel>,
    socket: PathBuf,
    shutdown: mpsc::Receiver<ShutdownCause>,
    lock: HomeLock,
}

/// `None` if another kernel holds this home.
fn start(home: &Home, options: Options) -> Result<Option<Started>, KernelError> {
    let (request_shutdown, shutdown) = mpsc::channel();
    let options = Options { most_clients: most_clients(options)?, ..options };
    // Done first, because a file size limit may be reached by the log's first line.
    watch_signals(request_shutdown.clone()).map_err(KernelError::io("signals can't be watched"))?;
    // No file of this process can be read by other users.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let _ = rustix::process::nice(5);
    let socket = home.socket()?;
    home.prepare()?;
    let lock = match HomeLock::take(home)? {
        Holder::This(lock) => lock,
        Holder::Other(pid) => {
            print_start_line(&StartLine::Running { pid });
            return Ok(None);
        }
    };
    log::install(home).map_err(KernelError::io("the log can't be opened"))?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), pid = std::process::id(), home = %home.folder().display());
    let mut store = Store::open_with(home, &spec_of).map_err(|error| match error {
        StoreError::Full => disk_full_error(home),
        error => error.into(),
    })?;
    for notice in store.notices() {
        tracing::warn!("{notice}");
    }
    let unmarked = recovery::mark_interrupted(&mut store)?;

    clear(&socket).map_err(KernelError::io(format!("{} is in the way", socket.display())))?;
    let kernel = Arc::new(Kernel::new(home.clone(), options, store, libtorch(), request_shutdown));
    kernel.defer_interruption(unmarked);
    listen(&kernel, &socket).map_err(KernelError::io(format!("the socket {} can't be opened", socket.display())))?;
    kernel.resume_unfinished(&mut kernel.jobs(), None);
    Ok(Some(Started { kernel, socket, shutdown, lock }))
}

/// How many clients this process's limit of open files allows. The limit is raised as far as it can be. Errors if it is
/// too low: the kernel would start, but nobody could connect or its checkpoints could not be written.
fn most_clients(options: Options) -> Result<u32, KernelError> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(MOST_FILES, |maximum| maximum.min(MOST_FILES));
    let mut files = limit.current.unwrap_or(MOST_FILES);
    if files < wanted && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit }).is_ok() {
        files = wanted;
    }
    let own = FILES + FILES_A_CORE * u64::from(options.cores);
    if files < own + FEWEST_CLIENTS {
        return Err(KernelError::FewFiles { files, needed: own + FEWEST_CLIENTS });
    }
    Ok(options.most_clients.min((files - own).min(u64::from(u32::MAX)) as u32))
}

/// SQLite reports a file that may not grow as a full disk, too.
fn disk_full_error(home: &Home) -> KernelError {
    match (rustix::process::getrlimit(rustix::process::Resource::Fsize).current, home.free_bytes()) {
        (Some(limit), Ok(free)) if free > limit => KernelError::FileLimit { kilobytes: limit / 1024 },
        _ => KernelError::NoRoom(home.runs()),
    }
}

/// Makes room for the socket. We hold the lock, so a socket that exists was left by a dead kernel. Anything else is
/// somebody's and is renamed aside.
fn clear(socket: &Path) -> io::Result<()> {
    match socket.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(meta) if meta.file_type().is_socket() => fs::remove_file(socket),
        Ok(_) => {
            let aside = files::set_aside(socket)?;
            tracing::warn!("what was in the socket's place is now {}", aside.display());
            Ok(())
        }
    }
}

fn listen(kernel: &Arc<Kernel>, socket: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(socket)?;
    fs::set_permissions(socket, fs::Permissions::from_mode(0o600))?;
    let kernel = Arc::clone(kernel);
    thread::Builder::new().name("accept".into()).spawn(move || accept(&kernel, &listener))?;
    Ok(())
}

/// Hang-ups and file size limits are ignored. The other signals shut the kernel down; they include a limit of processor
/// time and what batch systems send before they kill.
fn watch_signals(shutdown: Sender<ShutdownCause>) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGXFSZ, SIGINT, SIGTERM, SIGXCPU, SIGUSR1, SIGUSR2])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if !matches!(signal, SIGHUP | SIGXFSZ) {
                tracing::info!(signal, "told to leave");
                let _ = shutdown.send(ShutdownCause::Signal);
            }
        }
    })?;
    Ok(())
}

fn accept(kernel: &Arc<Kernel>, listener: &UnixListener) {
    for stream in listener.incoming() {
        match stream {
            // If this thread ended, nobody could connect any more.
            Ok(stream) => match catch_unwind(AssertUnwindSafe(|| server::serve(kernel, stream))) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!("a client could not be served: {error}"),
                Err(panic) => tracing::error!("a client could not be served: {}", message_of(&*panic)),
            },
            Err(error) => {
                // For instance out of file descriptors: without a pause this would use a whole core.
                tracing::warn!("no client accepted: {error}");
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

impl Started {
    /// A program that clears old files may remove the socket: nobody could connect to this kernel, nor start another.
    fn listen_again_if_unlinked(&self) {
        if self.socket.exists() {
            return;
        }
        match listen(&self.kernel, &self.socket) {
            Ok(()) => tracing::warn!("the socket was gone; it is there again"),
            Err(error) => tracing::warn!("the socket is gone and can't be opened again: {error}"),
        }
    }

    /// Restores the lock, the log and the socket if they were removed from a home that still exists.
    fn ensure_reachable(&mut self) -> bool {
        log::rotate_or_reopen(&self.kernel.home);
        let held = self.lock.ensure_locked();
        if held {
            self.listen_again_if_unlinked();
        }
        held
    }

    /// An idle kernel wakes up rarely, and in time to shut down.
    fn time_until_check(&self) -> Duration {
        self.kernel
            .idle_time()
            .map_or(TICK, |idle| self.kernel.options.idle.saturating_sub(idle).clamp(TICK, IDLE_TICK))
    }

    fn serve(mut self) {
        let reachable = loop {
            match self.shutdown.recv_timeout(self.time_until_check()) {
                Ok(cause) => {
                    self.kernel.was_signalled.store(cause == ShutdownCause::Signal, Ordering::SeqCst);
                    break self.kernel.locate_home() == HomeLocation::Here;
                }
                Err(RecvTimeoutError::Disconnected) => break self.kernel.locate_home() == HomeLocation::Here,
                Err(RecvTimeoutError::Timeout) => {
                    let locate_home = self.kernel.locate_home();
                    match locate_home {
                        HomeLocation::Here if !self.ensure_reachable() => break false,
                        HomeLocation::Removed => break false,
                        HomeLocation::Here | HomeLocation::Elsewhere => self.kernel.ensure_store(),
                    }
                    self.kernel.retry_unsaved();
                    self.kernel.report_parked_runs();
                    self.kernel.back_up_if_due();
                    if self.kernel.shut_down_if_idle() {
                        break locate_home == HomeLocation::Here;
                    }
                }
            }
        };
        // A client that comes later starts the next kernel, which waits for this one's lock or has found it already.
        if reachable {
            let _ = fs::remove_file(&self.socket);
        }
        self.kernel.halt_all(HALT_TIMEOUT);
        self.kernel.retry_unsaved();
        if reachable {
            self.kernel.back_up_at_shutdown();
        }
        if let Err(error) = self.kernel.store().fold_log() {
            tracing::warn!("the store's log stays beside it: {error}");
        }
        self.kernel.hub.disconnect_all(DISCONNECT_TIMEOUT);
        tracing::info!("left");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These values are promised in the README and the lessons.
    #[test]
    fn a_checkpoint_comes_at_least_every_ten_seconds_and_idleness_lasts_ten_minutes() {
        let options = Options::default();
        assert!(options.checkpoint_every <= Duration::from_secs(10));
        assert_eq!(options.idle, Duration::from_mins(10));
    }
}
