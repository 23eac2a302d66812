//! Shutdown: nothing new begins, clients that wait for the end are told of it, and new clients are not welcomed.

use super::{Bench, PATIENCE, UNTIL_STOPPED, cell};
use crate::{
    Options,
    server::{self, Registration},
};
use protocol::{ErrorKind, PROTOCOL_VERSION, Preset, Study};
use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

#[test]
fn waiting_clients_receive_the_last_cells_end() {
    let bench = Bench::new();
    let (key, spec) = cell("endless", UNTIL_STOPPED);
    bench.kernel.run_cell(key, spec).unwrap();
    let (sender, receiver) = mpsc::channel();
    let kernel = Arc::clone(&bench.kernel);
    thread::spawn(move || {
        kernel.halt_all(100 * PATIENCE);
        sender.send(()).unwrap();
    });
    receiver.recv_timeout(PATIENCE).expect("nobody told of the cell's end");
    assert!(bench.kernel.jobs().cells.is_empty());
}

#[test]
fn nothing_begins_during_a_shutdown() {
    let bench = Bench::new();
    bench.kernel.begin_shutdown(false).unwrap();
    let (key, spec) = cell("late", 1);
    assert_eq!(bench.kernel.run_cell(key, spec).unwrap_err().kind, ErrorKind::Busy);
    assert!(bench.kernel.jobs().cells.is_empty());
    assert_eq!(bench.kernel.train(Study::of(Preset::Article), None).unwrap_err().kind, ErrorKind::Busy);
}

#[test]
fn an_idle_kernel_shuts_down_unless_a_notebook_is_connected() {
    let bench = Bench::with(Options { idle: Duration::ZERO, ..Options::default() });
    bench.kernel.hub.join(&bench.outbox);
    assert!(!bench.kernel.shut_down_if_idle());
    assert!(!bench.kernel.is_shutting_down());
    bench.kernel.hub.leave(&bench.outbox);
    assert!(bench.kernel.shut_down_if_idle());
    assert!(bench.kernel.is_shutting_down());
}

/// A client that is disconnected starts the next kernel. A welcomed one would have all its requests refused.
#[test]
fn a_client_that_comes_too_late_is_disconnected() {
    let bench = Bench::new();
    bench.kernel.begin_shutdown(false).unwrap();
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    server::serve(&bench.kernel, ours).unwrap();
    let hello = format!("{{\"id\":1,\"request\":\"hello\",\"protocol\":{PROTOCOL_VERSION},\"client\":\"x\"}}\n");
    theirs.write_all(hello.as_bytes()).unwrap();
    theirs.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut heard = Vec::new();
    theirs.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, b"");
}

/// An entry is removed however its thread ends: sixty-four that remained would keep every notebook out.
#[test]
fn a_client_whose_thread_panics_is_no_longer_counted() {
    let bench = Bench::new();
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let (registration, clients) = Registration::new(&bench.kernel, ours.into());
    assert_eq!(clients, 1);
    let panicked = thread::spawn(move || {
        let _registration = registration;
        panic!("as a request might");
    });
    panicked.join().unwrap_err();
    assert_eq!(bench.kernel.hub.clients(), 0);
}
