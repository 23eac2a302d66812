//! Puts LibTorch into the cache folder: pip fetches the pinned wheels, we check and unpack them, one rename completes it.
//!
//! Everything before the rename happens in a `.part` folder under a file lock. An interrupted run leaves that folder
//! behind; the next one keeps its valid wheels and does the rest again.

use crate::{
    environment::Environment,
    errors::Trouble,
    manifest, place,
    platform::{Platform, Wheel},
    progress::{Meter, say},
    wheel,
};
use std::{
    fs::{self, File, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::Duration,
};

/// The complete LibTorch folder of this platform, fetched if necessary.
pub fn libtorch(platform: &Platform, environment: &Environment) -> Result<PathBuf, Trouble> {
    let cache = place::cache(environment)?;
    let folder = cache.join(platform.folder_name());
    if manifest::is_complete(&folder) {
        return Ok(folder);
    }
    fs::create_dir_all(&cache).map_err(Trouble::files("make", &cache))?;
    let _lock = lock(&cache.join(format!("{}.lock", platform.folder_name())))?;
    // Another process may have completed it while this one waited.
    if manifest::is_complete(&folder) {
        return Ok(folder);
    }
    let python = python_with_pip(environment)?;
    say(&format!("Fetching LibTorch into {} (once)", folder.display()));

    let part = cache.join(format!("{}.part", platform.folder_name()));
    let (wheels, tree) = (part.join("wheels"), part.join("tree"));
    remove(&tree)?;
    fs::create_dir_all(&wheels).map_err(Trouble::files("make", &wheels))?;
    if environment.free_space(&part).is_some_and(|free| free + held(&wheels) < platform.space()) {
        return Err(Trouble::NoSpace { folder: part, needed: Some(platform.space()) });
    }
    let mut files = Vec::new();
    for wheel in platform.wheels {
        let path = download(wheel, platform, &part, &python, environment)?;
        files.extend(wheel::unpack(wheel, &path, &tree)?);
    }
    if let Some((name, target)) = platform.link {
        let path = tree.join(name);
        std::os::unix::fs::symlink(target, &path).map_err(Trouble::files("link", &path))?;
        files.push(name.into());
    }
    manifest::seal(&tree, &files)?;

    // An incomplete folder is renamed aside first, as a rename onto a folder with files fails.
    let damaged = part.join("damaged");
    remove(&damaged)?;
    if folder.exists() {
        fs::rename(&folder, &damaged).map_err(Trouble::files("set aside", &folder))?;
    }
    fs::rename(&tree, &folder).map_err(Trouble::files("put in place", &folder))?;
    File::open(&cache).and_then(|cache| cache.sync_all()).map_err(Trouble::files("sync", &cache))?;
    remove(&part)?;
    Ok(folder)
}

/// Held until the file is dropped; the end of the process releases it.
fn lock(path: &Path) -> Result<File, Trouble> {
    let file = File::create(path).map_err(Trouble::files("open", path))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => say("Another process is fetching LibTorch; waiting for it"),
        Err(TryLockError::Error(error)) => return Err(Trouble::files("lock", path)(error)),
    }
    file.lock().map_err(Trouble::files("lock", path))?;
    Ok(file)
}

fn python_with_pip(environment: &Environment) -> Result<PathBuf, Trouble> {
    let python = environment.program("python3").ok_or(Trouble::NoPython)?;
    let mut command = environment.command(&python);
    command.args(["-m", "pip", "--version"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(python),
        Ok(_) => Err(Trouble::NoPip),
        Err(source) => Err(Trouble::Start { program: python, source }),
    }
}

/// The wheel's file, verified; kept from an earlier run if it is valid.
fn download(
    wheel: &Wheel,
    platform: &Platform,
    part: &Path,
    python: &Path,
    environment: &Environment,
) -> Result<PathBuf, Trouble> {
    let wheels = part.join("wheels");
    if let Some(path) = find(wheel, &wheels)
        && wheel::verify(wheel, &path).is_ok()
    {
        return Ok(path);
    }
    // pip unpacks its download in TMPDIR. Here it is on the right disk, and is cleaned up after an interrupted run.
    let scratch = part.join("tmp");
    remove(&scratch)?;
    fs::create_dir_all(&scratch).map_err(Trouble::files("make", &scratch))?;
    pip(wheel, platform, &wheels, &scratch, environment.command(python))?;
    remove(&scratch)?;
    let missing = || Trouble::Pip { wheel: wheel.requirement(), detail: "It ended well but left no file.".into() };
    let path = find(wheel, &wheels).ok_or_else(missing)?;
    wheel::verify(wheel, &path)?;
    Ok(path)
}

fn find(wheel: &Wheel, folder: &Path) -> Option<PathBuf> {
    let prefix = wheel.file_prefix();
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    entries.map(|entry| entry.path()).find(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(&prefix) && path.extension().is_some_and(|extension| extension == "whl")
    })
}

fn pip(
    wheel: &Wheel,
    platform: &Platform,
    wheels: &Path,
    scratch: &Path,
    mut command: std::process::Command,
) -> Result<(), Trouble> {
    command
        .args(["-m", "pip", "download", "--quiet", "--progress-bar", "off", "--disable-pip-version-check"])
        .args(["--no-cache-dir", "--no-deps", "--only-binary=:all:", "--implementation", "cp"])
        .args(["--python-version", "3.12"])
        .args(platform.tags.iter().flat_map(|tag| ["--platform", tag]))
        .arg("--dest")
        .arg(wheels)
        .arg(wheel.requirement())
        .env("TMPDIR", scratch)
        .env("PIP_REQUIRE_VIRTUALENV", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let program = PathBuf::from(command.get_program());
    let mut child = command.spawn().map_err(|source| Trouble::Start { program: program.clone(), source })?;
    let words = child.stderr.take().map(|mut pipe| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = pipe.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    });
    let mut meter = Meter::new(format!("fetching {}", wheel.requirement()), wheel.size);
    let before = held(wheels);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => meter.set(held(scratch) + held(wheels).saturating_sub(before)),
            Err(source) => return Err(Trouble::Start { program, source }),
        }
        thread::sleep(Duration::from_millis(100));
    };
    let words = words.and_then(|thread| thread.join().ok()).unwrap_or_default();
    if status.success() {
        meter.finish();
        return Ok(());
    }
    say("");
    Err(diagnose(wheel, wheels, &words))
}

/// pip's messages, classified by what the user can do.
fn diagnose(wheel: &Wheel, wheels: &Path, words: &str) -> Trouble {
    const OFFLINE: [&str; 8] = [
        "NewConnectionError",
        "ConnectTimeout",
        "ReadTimeout",
        "NameResolutionError",
        "Temporary failure in name resolution",
        "Network is unreachable",
        "ProxyError",
        "connection broken",
    ];
    if words.contains("No space left on device") || words.contains("Disk quota exceeded") {
        return Trouble::NoSpace { folder: wheels.to_owned(), needed: None };
    }
    if words.contains("No module named pip") {
        return Trouble::NoPip;
    }
    // The last lines say what stopped it; the first repeat retries.
    let lines: Vec<&str> = words.lines().filter(|line| !line.trim().is_empty()).collect();
    let detail = lines[lines.len().saturating_sub(4)..].iter().fold(String::new(), |text, line| {
        if text.is_empty() { format!("  {line}") } else { format!("{text}\n  {line}") }
    });
    let wheel = wheel.requirement();
    if OFFLINE.iter().any(|sign| words.contains(sign)) {
        Trouble::Network { wheel, detail }
    } else {
        Trouble::Pip { wheel, detail }
    }
}

/// Bytes of all files beneath a folder. Files appear and vanish while pip works; those that can't be read count as
/// nothing.
fn held(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => held(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}

fn remove(folder: &Path) -> Result<(), Trouble> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Trouble::files("delete", folder)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
