//! A resume that can't guarantee the bits of an uninterrupted run says so and why, at once and in every later listing.

use crate::common::digits;
use crate::common::kernel as common;
use crate::common::kernel::{Kernel, end, event, follow, home, train};
use protocol::{DataSource, RequestBody, RunEvent, Study};
use std::{fs, path::Path};
use store::{Home, Store};

/// Pauses a run in one kernel, resumes it in another, and returns the difference that the second reports.
fn difference(change: impl FnOnce(&Path, &Home), environment: Option<(&str, &str)>) -> String {
    let data = tempfile::tempdir().unwrap();
    digits::write(data.path());
    let source = DataSource::Folder(data.path().to_owned());
    let spec = Study { train_size: 490, val_size: 100, data: source, ..common::tiny(4) };
    let (_folder, home) = home();
    let kernel = Kernel::start(&home);
    let mut client = follow(&home);
    let run = train(&mut client, &spec);
    event(&mut client, &home, "an epoch", |event| matches!(event, RunEvent::Epoch { .. }).then_some(()));
    client.request(RequestBody::Pause { run }).unwrap();
    event(&mut client, &home, "the pause", |event| matches!(event, RunEvent::Paused { .. }).then_some(()));
    kernel.kill();
    change(data.path(), &home);
    let mut command = common::command(&home);
    command.envs(environment);
    let _kernel = Kernel::spawn(&home, command);
    let mut client = follow(&home);
    client.request(RequestBody::Resume { run }).unwrap();
    let why = event(&mut client, &home, "the warning", |event| match event {
        RunEvent::NotExact { why, .. } => Some(why),
        _ => None,
    });
    end(&mut client, &home, run);
    let store = Store::open_read(&home).unwrap();
    assert_eq!(store.run(run).unwrap().not_exact.as_deref(), Some(why.as_str()));
    assert!(store.history(run).unwrap().contains(&RunEvent::NotExact { run, why: why.clone() }));
    why
}

#[test]
fn changed_data_under_the_same_name_is_reported() {
    let change = |data: &Path, _: &Home| {
        let images = data.join("train-images-idx3-ubyte");
        let mut bytes = fs::read(&images).unwrap();
        bytes[100] ^= 0xff;
        fs::write(&images, bytes).unwrap();
    };
    let why = difference(change, None);
    assert!(why.starts_with("data was"), "{why}");
}

/// As on another machine.
#[cfg(target_arch = "x86_64")]
#[test]
fn another_vector_width_is_reported() {
    let why = difference(|_, _| {}, Some(("ATEN_CPU_CAPABILITY", "default")));
    assert!(why.starts_with("vector width was") && why.contains("is scalar"), "{why}");
}

/// As in a store of an older version, whose rows had no checksum: the checkpoint has the settings that it was made
/// with.
#[test]
fn changed_settings_in_the_store_are_reported() {
    let change = |_: &Path, home: &Home| {
        let raw = rusqlite::Connection::open(home.database()).unwrap();
        let sql = "UPDATE runs SET spec = json_set(spec, '$.learning_rate', 0.25), sum = NULL";
        assert_eq!(raw.execute(sql, []).unwrap(), 1);
    };
    let why = difference(change, None);
    assert_eq!(why, "the settings are not those of the checkpoint: learning rate was 0.1, is 0.25");
}
