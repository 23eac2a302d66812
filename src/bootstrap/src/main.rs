//! `cargo notebook` and `cargo verify`: fetches LibTorch once, links it at `target/libtorch`, then calls cargo.
//!
//! A package of its own, because nothing that needs LibTorch can be built before it has run.

mod environment;
mod errors;
mod platform;

mod manifest;
mod progress;
mod wheel;

mod fetch;
mod place;
mod steps;

use environment::Environment;
use errors::Trouble;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

const USAGE: &str = "Usage: cargo notebook [ARGUMENTS OF relu]\n       cargo verify";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<OsString> = arguments.collect();
    let outcome = match command.to_str() {
        Some("notebook") => notebook(&rest),
        Some("verify") if rest.is_empty() => verify(),
        _ => {
            progress::say(USAGE);
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(code) => code,
        Err(trouble) => {
            progress::say(&format!("error: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

/// Builds both binaries and replaces itself by `relu`. Returns only if that failed.
fn notebook(arguments: &[OsString]) -> Result<ExitCode, Trouble> {
    let environment = prepare()?;
    steps::build(&project(), &environment)?;
    Err(steps::open(arguments, &environment))
}

fn verify() -> Result<ExitCode, Trouble> {
    let environment = prepare()?;
    let project = project();
    let passed = steps::run_all(&steps::checks(&environment), &project, &environment);
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// After it, plain cargo commands work. Returns the environment for cargo.
fn prepare() -> Result<Environment, Trouble> {
    let environment = Environment::of_process();
    environment.compiler()?;
    let link = project().join("target/libtorch");
    let Some(theirs) = place::own_libtorch(&link, &environment) else {
        let platform = platform::current()?;
        let folder = fetch::libtorch(platform, &environment)?;
        place::link(&link, &folder)?;
        return Ok(environment.for_cargo(true));
    };
    place::check_own(&theirs, &environment)?;
    Ok(environment.for_cargo(false))
}

/// The checkout's root, two folders above this package.
fn project() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_owned()
}
