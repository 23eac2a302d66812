//! The process itself: one per home, quiet, nice, deaf to hang-ups, and gone when nobody needs it.

use super::{
    error::KernelError,
    home_lock::{Holder, HomeLock},
    home_watch::Whereabouts,
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

/// How a kernel behaves; the defaults are what readers get.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many lanes of one thread may train at once.
    pub cores: u32,
    /// Training time between two checkpoints inside an epoch.
    pub checkpoint_every: Duration,
    /// After so long with nothing to do the kernel leaves.
    pub idle: Duration,
    /// Clients at once.
    pub most_clients: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cores: thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
            // "At least every ten seconds", with time to write it.
            checkpoint_every: Duration::from_secs(8),
            idle: Duration::from_mins(10),
            most_clients: 64,
        }
    }
}

/// Lanes are given so long to hand over a checkpoint when the kernel is told to leave; a client's `LEAVE_TIMEOUT` outlasts it.
const HALT_TIMEOUT: Duration = Duration::from_secs(30);
/// What waits for clients is sent; one that does not read is left behind.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How often the kernel looks after its files while something is going on, and while nothing is.
const TICK: Duration = Duration::from_secs(1);
const REST_TICK: Duration = Duration::from_secs(5);

/// Files that the kernel has open beside its clients' connections: the store, the log, the lock and the socket, and what
/// each lane may be writing.
const FILES: u64 = 40;
const FILES_A_CORE: u64 = 2;
const FEWEST_CLIENTS: u64 = 8;
/// More are not asked for, whatever the system would allow.
const MOST_FILES: u64 = 4096;

/// Serves the home until told to leave, or idle. Prints one [`StartLine`], then nothing.
pub fn run(home: &Home, options: Options) -> Result<(), KernelError> {
    match start(home, options) {
        Ok(Some(started)) => {
            tell(&StartLine::Ready { pid: std::process::id() });
            log::take_stdout().map_err(KernelError::io("the log can't be opened"))?;
            started.serve();
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(error) => {
            tracing::error!("{error}");
            tell(&StartLine::Failed { reason: error.to_string() });
            Err(error)
        }
    }
}

/// Whoever started the kernel may be gone.
fn tell(line: &StartLine) {
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
    // First of all: a file size limit may be met with the log's first line.
    watch_signals(request_shutdown.clone()).map_err(KernelError::io("signals can't be watched"))?;
    // Nothing this process makes is for other eyes.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let _ = rustix::process::nice(5);
    let socket = home.socket()?;
    home.prepare()?;
    let lock = match HomeLock::take(home)? {
        Holder::This(lock) => lock,
        Holder::Other(pid) => {
            tell(&StartLine::Running { pid });
            return Ok(None);
        }
    };
    log::install(home).map_err(KernelError::io("the log can't be opened"))?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), pid = std::process::id(), home = %home.folder().display());
    let mut store = Store::open_with(home, &spec_of).map_err(|error| match error {
        StoreError::Full => no_room(home),
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

/// How many clients this process's limit of open files allows, which is raised as far as it can be. With too few of them
/// the kernel would start and nobody could reach it, or its checkpoints could not be written.
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

/// SQLite calls it a full disk too that a file may not grow.
fn no_room(home: &Home) -> KernelError {
    match (rustix::process::getrlimit(rustix::process::Resource::Fsize).current, home.free_bytes()) {
        (Some(limit), Ok(free)) if free > limit => KernelError::FileLimit { kilobytes: limit / 1024 },
        _ => KernelError::NoRoom(home.runs()),
    }
}

/// Makes room for the socket. We hold the lock: one that is there was left behind by a dead kernel. What else is there
/// is somebody's, and set aside.
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

/// Hang-ups and file size limits are heard and change nothing; the others make the kernel leave: a limit of processor
/// time, and what batch systems send before they kill, are among them.
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
            // This thread must not end: nobody would reach the kernel any more.
            Ok(stream) => match catch_unwind(AssertUnwindSafe(|| server::serve(kernel, stream))) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!("a client could not be served: {error}"),
                Err(panic) => tracing::error!("a client could not be served: {}", message_of(&*panic)),
            },
            Err(error) => {
                // Out of file descriptors, say: without a pause this would spin.
                tracing::warn!("no client accepted: {error}");
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

impl Started {
    /// Whoever clears folders of old files may take the socket away: nobody would find this kernel, nor get another.
    fn listen_again_if_unlinked(&self) {
        if self.socket.exists() {
            return;
        }
        match listen(&self.kernel, &self.socket) {
            Ok(()) => tracing::warn!("the socket was gone; it is there again"),
            Err(error) => tracing::warn!("the socket is gone and can't be opened again: {error}"),
        }
    }

    /// Keeps what leads others here, at the path of a home that is there.
    fn is_found_here(&mut self) -> bool {
        log::keep(&self.kernel.home);
        let held = self.lock.keep();
        if held {
            self.listen_again_if_unlinked();
        }
        held
    }

    /// A kernel at rest wakes up rarely, and in time to leave.
    fn until_next_look(&self) -> Duration {
        self.kernel
            .idle_time()
            .map_or(TICK, |idle| self.kernel.options.idle.saturating_sub(idle).clamp(TICK, REST_TICK))
    }

    fn serve(mut self) {
        let found_here = loop {
            match self.shutdown.recv_timeout(self.until_next_look()) {
                Ok(cause) => {
                    self.kernel.was_signalled.store(cause == ShutdownCause::Signal, Ordering::SeqCst);
                    break self.kernel.whereabouts() == Whereabouts::Here;
                }
                Err(RecvTimeoutError::Disconnected) => break self.kernel.whereabouts() == Whereabouts::Here,
                Err(RecvTimeoutError::Timeout) => {
                    let whereabouts = self.kernel.whereabouts();
                    match whereabouts {
                        Whereabouts::Here if !self.is_found_here() => break false,
                        Whereabouts::Removed => break false,
                        Whereabouts::Here | Whereabouts::Elsewhere => self.kernel.ensure_store(),
                    }
                    self.kernel.retry_unsaved();
                    self.kernel.report_parked_runs();
                    self.kernel.back_up_if_due();
                    if self.kernel.shut_down_if_idle() {
                        break whereabouts == Whereabouts::Here;
                    }
                }
            }
        };
        // Who comes from here on starts the next kernel, which waits for this one's lock; or has found it already.
        if found_here {
            let _ = fs::remove_file(&self.socket);
        }
        self.kernel.halt_all(HALT_TIMEOUT);
        self.kernel.retry_unsaved();
        if found_here {
            self.kernel.back_up_the_rest();
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

    /// What the README and the lessons promise.
    #[test]
    fn a_checkpoint_comes_at_least_every_ten_seconds_and_idleness_lasts_ten_minutes() {
        let options = Options::default();
        assert!(options.checkpoint_every <= Duration::from_secs(10));
        assert_eq!(options.idle, Duration::from_mins(10));
    }
}
