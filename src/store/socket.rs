//! Connects to the kernel's socket. A stopped kernel accepts no connection, and once its backlog is full a plain
//! `connect` waits for ever.

use rustix::{
    io::{Errno, FdFlags, fcntl_setfd, ioctl_fionbio},
    net::{AddressFamily, SocketAddrUnix, SocketType, socket},
};
use std::{
    io,
    os::unix::net::UnixStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// How often to try again at a full backlog.
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// Connects to the socket at this path.
///
/// # Errors
/// `TimedOut` if a kernel listens there and accepts no connection until the deadline; else the system's error.
pub fn connect(path: &Path, deadline: Instant) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(path)?;
    loop {
        let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
        fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
        ioctl_fionbio(&socket, true)?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) => {
                ioctl_fionbio(&socket, false)?;
                return Ok(socket.into());
            }
            // The backlog is full.
            Err(Errno::AGAIN) if Instant::now() >= deadline => return Err(io::ErrorKind::TimedOut.into()),
            Err(Errno::AGAIN) => thread::sleep(RETRY_AFTER),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether a process listens at this path, however long it takes to accept.
pub fn is_listening(path: &Path) -> bool {
    match connect(path, Instant::now()) {
        Ok(_) => true,
        Err(error) => error.kind() == io::ErrorKind::TimedOut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_backlog_is_no_reason_to_wait_and_a_dead_socket_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        assert!(!is_listening(&path), "nothing is there");
        // The standard library's backlog may be longer than the number of files that a process may open.
        let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        rustix::net::listen(&listener, 1).unwrap();
        // It never accepts, so the backlog becomes full sooner or later.
        let mut waiting = Vec::new();
        let full = loop {
            match connect(&path, Instant::now()) {
                Ok(stream) => waiting.push(stream),
                Err(error) => break error,
            }
            assert!(waiting.len() < 100, "the backlog is never full");
        };
        if cfg!(target_os = "linux") {
            assert_eq!(full.kind(), io::ErrorKind::TimedOut);
            assert!(is_listening(&path));
        }
        drop(listener);
        assert!(!is_listening(&path), "its file is still there");
    }
}
