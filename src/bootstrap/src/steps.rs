//! Calls of cargo: the build behind `cargo notebook`, and the checks of `cargo verify` in order.

use crate::{environment::Environment, errors::Trouble, progress::say};
use std::{
    ffi::OsString,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// One call of cargo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub name: &'static str,
    pub arguments: &'static [&'static str],
    /// rustdoc has warnings of its own, and reads this variable.
    deny_rustdoc: bool,
}

impl Step {
    const fn new(name: &'static str, arguments: &'static [&'static str]) -> Self {
        Self { name, arguments, deny_rustdoc: false }
    }
}

const FORMAT: Step = Step::new("formatting", &["fmt", "--all", "--check"]);
const LINT: Step = Step::new("lints", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
/// Reports every failure, not only the first.
const TEST: Step = Step::new("tests", &["test", "--workspace", "--no-fail-fast"]);
const DOCUMENT: Step = Step {
    name: "documentation",
    arguments: &["doc", "--workspace", "--no-deps", "--document-private-items"],
    deny_rustdoc: true,
};
/// Advisories need the network; these checks don't.
const DEPENDENCIES: Step = Step::new("dependencies", &["deny", "check", "bans", "licenses", "sources"]);

/// The steps of `cargo verify`, cheapest first.
pub fn checks(environment: &Environment) -> Vec<Step> {
    let mut steps = vec![FORMAT, LINT, TEST, DOCUMENT];
    let cargo_bin = environment.get("CARGO_HOME").map(|home| PathBuf::from(home).join("bin/cargo-deny"));
    let at_home = cargo_bin.is_some_and(|path| path.exists());
    if at_home || environment.program("cargo-deny").is_some() {
        steps.push(DEPENDENCIES);
    } else {
        say("cargo-deny is not installed: the dependencies' licences and sources are not checked");
    }
    steps
}

/// Runs the steps until one fails, and prints a summary. Returns true if all passed.
pub fn run_all(steps: &[Step], project: &Path, environment: &Environment) -> bool {
    let mut summary = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        say(&format!("\n== {} of {}: {} (cargo {})", at + 1, steps.len(), step.name, step.arguments.join(" ")));
        let start = Instant::now();
        let outcome = run(step, project, environment);
        let verdict = if outcome.is_ok() { "passed" } else { "FAILED" };
        summary.push(format!("  {:<14} {verdict:>8} {:>10}", step.name, clock(start.elapsed())));
        if let Err(trouble) = outcome {
            say(&format!("error: {trouble}"));
            break;
        }
    }
    let passed = summary.len() == steps.len() && !summary.iter().any(|line| line.contains("FAILED"));
    summary.extend(steps[summary.len()..].iter().map(|step| format!("  {:<14} {:>8}", step.name, "not run")));
    say(&format!("\n== summary\n{}", summary.join("\n")));
    passed
}

fn run(step: &Step, project: &Path, environment: &Environment) -> Result<(), Trouble> {
    let cargo = environment.cargo();
    let mut command = environment.command(&cargo);
    command.args(step.arguments).current_dir(project);
    if step.deny_rustdoc {
        let mut flags = environment.get("RUSTDOCFLAGS").map(OsString::from).unwrap_or_default();
        flags.push(" -D warnings");
        command.env("RUSTDOCFLAGS", flags);
    }
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Trouble::Cargo { what: step.name }),
        Err(source) => Err(Trouble::Start { program: cargo, source }),
    }
}

/// Builds `relu` and `relu-kernel` in release.
pub fn build(project: &Path, environment: &Environment) -> Result<(), Trouble> {
    run(&Step::new("the build", &["build", "--release", "--bins"]), project, environment)
}

/// Replaces this program by `relu`, which is beside it. Returns only with an error.
pub fn open(arguments: &[OsString], environment: &Environment) -> Trouble {
    let relu = std::env::current_exe().unwrap_or_default().with_file_name("relu");
    let source = environment.command(&relu).args(arguments).exec();
    Trouble::Start { program: relu, source }
}

/// `4:05`.
fn clock(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::tests::write_program;
    use std::fs;

    /// Runs all checks with a fake cargo that records its arguments and fails at one of them.
    fn run_with_cargo(fails_at: &str) -> (bool, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let cargo = folder.path().join("cargo");
        write_program(&cargo, "echo \"$* $RUSTDOCFLAGS\" >> \"$LOG\"\n[ \"$1\" != \"$FAILS_AT\" ]\n");
        let environment = Environment::default()
            .with("CARGO", &cargo)
            .with("LOG", folder.path().join("log"))
            .with("FAILS_AT", fails_at);
        let passed = run_all(&checks(&environment), folder.path(), &environment);
        let log = fs::read_to_string(folder.path().join("log")).unwrap();
        (passed, log.lines().map(str::to_owned).collect())
    }

    #[test]
    fn the_checks_run_in_order_and_all_must_pass() {
        let (passed, log) = run_with_cargo("");
        assert!(passed);
        let verbs: Vec<&str> = log.iter().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(verbs, ["fmt", "clippy", "test", "doc"]);
        assert!(log[3].ends_with("-D warnings"), "{log:?}");
    }

    #[test]
    fn the_first_failure_ends_it() {
        let (passed, log) = run_with_cargo("clippy");
        assert!(!passed);
        assert_eq!(log.len(), 2);
    }

    #[test]
    fn cargo_deny_runs_where_it_is_installed() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("cargo-deny");
        write_program(&program, "");
        let environment = Environment::default().with("PATH", folder.path());
        assert_eq!(checks(&environment).last(), Some(&DEPENDENCIES));
    }
}
