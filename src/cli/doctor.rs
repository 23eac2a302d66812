//! `relu doctor`: checks the installation. Each line names what is wrong and the remedy.

use super::{Outcome, say, say_json};
use serde::Serialize;
use shell::client::{Client, ClientError};
use std::io::IsTerminal;
use std::process::ExitCode;
use store::{Home, Store};

#[derive(Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    text: String,
}

pub fn doctor(as_json: bool) -> Outcome {
    let findings = examine();
    let all_ok = findings.iter().all(|finding| finding.ok);
    if as_json {
        say_json(&findings)?;
    } else {
        for finding in &findings {
            say(&format!("{:<4} {:<10} {}", if finding.ok { "ok" } else { "BAD" }, finding.check, finding.text))?;
        }
        say(if all_ok { "all is well" } else { "something is wrong; the lines marked BAD say what would help" })?;
    }
    Ok(if all_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn examine() -> Vec<Finding> {
    let mut findings =
        vec![finding("version", Ok::<_, String>(format!("relu-notebook {}", env!("CARGO_PKG_VERSION"))))];
    findings.push(finding("mnist", mnist()));
    findings.push(finding("cifar10", super::data::check_cifar10()));
    findings.push(finding("terminal", Ok::<_, String>(terminal())));
    match Home::locate().and_then(|home| home.prepare().map(|()| home)) {
        Err(error) => findings.push(finding("home", Err::<String, _>(error))),
        Ok(home) => {
            findings.push(finding("home", Ok::<_, String>(home.folder().display().to_string())));
            findings.push(finding("disk", disk(&home)));
            findings.push(finding("memory", super::memory::check()));
            findings.push(finding("store", store(&home)));
            findings.push(finding("kernel", kernel(&home)));
        }
    }
    findings
}

fn finding(check: &'static str, outcome: Result<String, impl std::fmt::Display>) -> Finding {
    match outcome {
        Ok(text) => Finding { check, ok: true, text },
        Err(error) => Finding { check, ok: false, text: error.to_string() },
    }
}

fn mnist() -> Result<String, mnist::UnpackError> {
    for file in &mnist::FILES {
        file.verify()?;
    }
    Ok("the four embedded files match their published sha256".into())
}

/// The size and the environment variables that decide how the notebook looks.
fn terminal() -> String {
    let size = match shell::frame_size() {
        Ok((columns, rows)) if std::io::stdout().is_terminal() => format!("{columns}x{rows}"),
        _ => "none here".into(),
    };
    let variables = ["TERM", "COLORTERM", "NO_COLOR", "RELU_THEME", "RELU_IMAGES", "COLORFGBG", "LC_ALL", "LANG"];
    let set = variables.iter().filter_map(|name| Some(format!("{name}={}", std::env::var(name).ok()?)));
    format!("{size}, {}", set.collect::<Vec<_>>().join(" "))
}

/// A race of 150 epochs keeps some 26 checkpoints of 200 KB for each arm; with less than this, little more can be kept.
const MIN_FREE_BYTES: u64 = 50_000_000;

fn disk(home: &Home) -> Result<String, String> {
    let free = home.free_bytes().map_err(|error| format!("its free space can't be told: {error}"))?;
    if home.takes_no_files() {
        let folder = home.folder().display();
        return Err(format!("it takes no more files for {folder}, whatever their size: remove some"));
    }
    check_space(free, home)
}

fn check_space(free: u64, home: &Home) -> Result<String, String> {
    let (megabytes, folder) = (free / 1_000_000, home.folder().display());
    if free < MIN_FREE_BYTES {
        return Err(format!(
            "only {megabytes} MB are free for {folder}; a race of 150 epochs keeps about 11 MB: free some space"
        ));
    }
    Ok(format!("{megabytes} MB free"))
}

fn store(home: &Home) -> Result<String, String> {
    if !home.database().exists() {
        return super::stored_run::lost_store(home).map_or_else(|| Ok("none yet; the first race makes it".into()), Err);
    }
    let why = |error: store::StoreError| error.to_string();
    let damage = Store::examine(home).map_err(why)?;
    if !damage.is_empty() {
        return Err(format!("{}; when a kernel starts it mends what can be mended, and says so", damage.join("; ")));
    }
    let (runs, unreadable) = Store::open_read(home).and_then(|store| store.runs_and_faults()).map_err(why)?;
    if let Some(fault) = unreadable.first() {
        return Err(fault.to_string());
    }
    Ok(format!("{} with {}", home.database().display(), protocol::format_count(runs.len(), "run")))
}

/// Asks the home's kernel, or else starts one to check that LibTorch loads. That one gets a home of its own for as long
/// as it runs: in the reader's it would resume interrupted runs, and migrate or mend the store.
fn kernel(home: &Home) -> Result<String, String> {
    let why = |error: ClientError| error.to_string();
    // A kernel may still run although its program was deleted.
    Client::program().map_err(why)?;
    if let Some(client) = Client::connect_briefly(home).map_err(why)? {
        return Ok(format!("version {}, LibTorch loads", client.hello().version));
    }
    let unwritable =
        |error| format!("there is no room for a test of it in {}: {error}", std::env::temp_dir().display());
    let folder = tempfile::Builder::new().prefix("relu-doctor-").tempdir().map_err(unwritable)?;
    let scratch = Home::at(folder.path().join("home")).map_err(|error| error.to_string())?;
    let mut client = super::with_wait_message(Client::connect_or_start, &scratch).map_err(why)?;
    let version = client.hello().version.clone();
    client.leave(true).map_err(why)?;
    Ok(format!("version {version}, LibTorch loads"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_space_is_reported_with_the_remedy() {
        let home = Home::at("/somewhere").unwrap();
        assert_eq!(check_space(MIN_FREE_BYTES, &home).unwrap(), "50 MB free");
        let why = check_space(MIN_FREE_BYTES - 1, &home).unwrap_err();
        assert!(why.contains("49 MB") && why.contains("/somewhere") && why.contains("free some space"), "{why}");
    }
}
