//! Starts a kernel: finds the program, detaches it from this terminal, and waits until it reports that it is ready.

use super::{
    Client, ClientError,
    exit::{KernelExit, StartedKernel},
};
use protocol::StartLine;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use std::{
    env,
    ffi::c_int,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    os::{
        fd::AsFd,
        unix::{
            fs::OpenOptionsExt,
            process::{CommandExt, ExitStatusExt},
        },
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};
use store::{Home, open_own};

/// How long a kernel may take to start. Loading LibTorch takes a quarter of a second, on a cold and busy machine many times
/// that.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// Connects to the home's kernel, and starts one if none runs: `kernel`, or else the program that is found.
pub(super) fn connect_or_start(home: &Home, kernel: Option<&Path>) -> Result<Client, ClientError> {
    let deadline = Instant::now() + START_TIMEOUT;
    let mut started: Option<StartedKernel> = None;
    loop {
        match Client::connect(home) {
            Ok(Some(client)) => {
                return Ok(match started {
                    Some(started) => client.with_started(started),
                    None => client,
                });
            }
            // None runs, or one is just leaving.
            Ok(None) | Err(ClientError::Gone { .. }) => {}
            Err(error) => return Err(error),
        }
        home.prepare()?;
        let kernel = kernel.map_or_else(find_program, |kernel| Ok(kernel.to_owned()))?;
        let (line, child) = start(home, &kernel, deadline)?;
        match line {
            StartLine::Ready { .. } => started = Some(child),
            // Another process was faster: its kernel holds the lock and is about to open its socket. Or a kernel that is
            // leaving still holds the lock.
            StartLine::Running { .. } => {
                let soon = Instant::now() + Duration::from_secs(1);
                while !home.socket()?.exists() && Instant::now() < soon {
                    thread::sleep(Duration::from_millis(10));
                }
            }
            StartLine::Failed { reason } => return Err(ClientError::Start(reason)),
        }
        if Instant::now() >= deadline {
            return Err(ClientError::Slow { waited: START_TIMEOUT, log: home.kernel_log() });
        }
    }
}

/// Starts `relu-kernel` in a session of its own and waits for its first line.
fn start(home: &Home, kernel: &Path, deadline: Instant) -> Result<(StartLine, StartedKernel), ClientError> {
    let spawn = |why| ClientError::Spawn { kernel: kernel.to_owned(), why };
    let path = home.kernel_log();
    let log = open_own(&path, OpenOptions::new().create(true).append(true).mode(0o600));
    let log = log.map_err(|why| ClientError::Log { path, why })?;
    let before = log.metadata().map_or(0, |meta| meta.len());
    let mut command = Command::new(kernel);
    command.arg("--home").arg(home.folder()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    // The current working folder may be unmounted or deleted while the kernel runs.
    command.current_dir("/");
    // SAFETY: setsid is a single system call that touches no memory of this process; it is safe between fork and exec.
    unsafe {
        command.pre_exec(|| {
            // A hang-up of this terminal ends the processes of its session, so the kernel must never be one of them.
            let _ = rustix::process::setsid();
            Ok(())
        });
    }
    set_close_on_exec();
    let mut child = command.spawn().map_err(spawn)?;
    let line = child.stdout.take().and_then(|stdout| first_line(stdout, deadline));
    if let Some(answer) = line.as_deref().and_then(|line| serde_json::from_slice(line).ok()) {
        return Ok((answer, StartedKernel::watch(child)));
    }
    // No line: the process has ended, or its state is not known.
    let ended = if line.is_some() { wait_until(&mut child, deadline) } else { None };
    if let Some(status) = ended {
        return Err(died(status, &home.kernel_log(), before));
    }
    drop(StartedKernel::watch(child));
    Err(ClientError::Slow { waited: START_TIMEOUT, log: home.kernel_log() })
}

/// Sets close-on-exec on every descriptor but the standard ones. This process may have inherited open files that the kernel
/// must not hold as long as it trains, such as a lock, or a pipe whose reader waits for its end.
fn set_close_on_exec() {
    let Ok(open) = fs::read_dir("/dev/fd") else { return };
    // Collected first, as the listing itself has a descriptor.
    let numbers: Vec<i32> = open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|&number| number > 2) {
        close_on_exec(number);
    }
}

fn close_on_exec(descriptor: c_int) {
    const F_GETFD: c_int = 1;
    const F_SETFD: c_int = 2;
    const FD_CLOEXEC: c_int = 1;
    unsafe extern "C" {
        fn fcntl(descriptor: c_int, command: c_int, ...) -> c_int;
    }
    // SAFETY: both commands take any number, and answer EBADF where nothing is open under it: another thread may have
    // closed it, or opened another file under it since. They read and set one flag, by which a program that is started
    // is touched and nothing in this process is; each file that this process opens itself has it already.
    unsafe {
        let flags = fcntl(descriptor, F_GETFD);
        if flags >= 0 {
            fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC);
        }
    }
}

/// Reads to the end of the first line or of the stream; `None` if neither comes in time. It needs no thread, so that it works
/// where none can be started.
fn first_line(mut stdout: impl Read + AsFd, deadline: Instant) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).ok()?;
        match poll(&mut [PollFd::new(&stdout, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(_) => return Some(line),
        }
        let mut chunk = [0; 1024];
        match stdout.read(&mut chunk) {
            Ok(0) => return Some(line),
            Ok(read) => line.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Some(line),
        }
        if line.contains(&b'\n') {
            return Some(line);
        }
    }
}

fn wait_until(child: &mut Child, deadline: Instant) -> Option<io::Result<ExitStatus>> {
    loop {
        match child.try_wait() {
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(10)),
            status => return status.transpose(),
        }
    }
}

/// The error of a kernel that ended without its first line. Its log has the cause.
fn died(status: io::Result<ExitStatus>, log: &Path, before: u64) -> ClientError {
    let how = status.map_or(KernelExit::Died, |status| match (status.signal(), status.code()) {
        (Some(signal), _) => KernelExit::Signal(signal),
        (None, code) => KernelExit::Exit(code.unwrap_or_default()),
    });
    let tail = tail_of(log, before).unwrap_or_default();
    // The messages of the dynamic loaders of glibc and macOS.
    let unloaded = |line: &&str| line.contains("error while loading shared") || line.contains("Library not loaded");
    if let Some(why) = tail.lines().find(unloaded) {
        return ClientError::LibTorch { why: why.trim().to_owned() };
    }
    let tail = if tail.trim().is_empty() {
        format!("; its log {} is silent", log.display())
    } else {
        format!("; the end of its log, {}:\n{}", log.display(), tail.trim_end())
    };
    ClientError::Died { how, tail }
}

/// What was logged since the offset `before`, 2 KiB at most.
fn tail_of(log: &Path, before: u64) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    // The log was rotated meanwhile, so all of it is new.
    let from = if before > length { 0 } else { before };
    file.seek(SeekFrom::Start(from.max(length.saturating_sub(2048))))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Finds the kernel program: `RELU_KERNEL`, else `relu-kernel` beside this program or, for a test's program, one folder above.
pub(super) fn find_program() -> Result<PathBuf, ClientError> {
    if let Some(kernel) = env::var_os("RELU_KERNEL").filter(|value| !value.is_empty()) {
        let kernel = PathBuf::from(kernel);
        return fs::canonicalize(&kernel).map_err(|_| ClientError::Missing(kernel));
    }
    let this = env::current_exe().unwrap_or_else(|_| PathBuf::from("relu"));
    // The name of a program that was rebuilt while it runs ends in " (deleted)"; its folder is the same.
    let folders: Vec<_> = this.ancestors().skip(1).take(2).collect();
    let mut places = folders.iter().map(|folder| folder.join("relu-kernel"));
    let first = places.next().unwrap_or_else(|| PathBuf::from("relu-kernel"));
    if first.is_file() {
        return Ok(first);
    }
    places.find(|place| place.is_file()).ok_or(ClientError::Missing(first))
}

/// The process that last acquired the home's lock.
pub(super) fn lock_holder(home: &Home) -> Option<u32> {
    io::read_to_string(open_own(&home.lock(), OpenOptions::new().read(true)).ok()?)
        .ok()?
        .trim()
        .parse()
        .ok()
        .filter(|&pid| pid > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A program that closes its standard output without a line and keeps running.
    #[test]
    fn the_wait_for_a_kernel_that_sends_no_line_ends() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home")).unwrap();
        home.prepare().unwrap();
        let kernel = folder.path().join("relu-kernel");
        fs::write(&kernel, "#!/bin/sh\nexec sleep 4 >&-\n").unwrap();
        fs::set_permissions(&kernel, fs::Permissions::from_mode(0o700)).unwrap();
        let outcome = start(&home, &kernel, Instant::now() + Duration::from_millis(500));
        assert!(matches!(outcome, Err(ClientError::Slow { .. })), "{outcome:?}");
    }
}
