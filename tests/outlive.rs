//! A race outlives its kernel and its notebook, as the reader sees it on a terminal.

#![allow(clippy::unwrap_used)]

#[path = "common/cli.rs"]
mod cli;
#[path = "common/digits.rs"]
mod digits;
#[path = "common/notebook.rs"]
mod notebook;

use cli::TestHome;
use notebook::{Notebook, Opening, start_race};
use relu_notebook::protocol::RunSpec;

/// A race that does not end while a test looks at it, on the screen.
fn racing() -> Notebook {
    let home = TestHome::new();
    start_race(&home, RunSpec::MAX_EPOCHS);
    let mut notebook = Notebook::open(home);
    notebook.wait_for("What the article says");
    notebook.press("\t");
    notebook.wait_for("training, epoch");
    notebook
}

/// The epoch that the pane says is under way.
fn epoch(screen: &str) -> Option<u32> {
    let (_, rest) = screen.split_once("training, epoch ")?;
    rest.split_whitespace().next()?.parse().ok()
}

fn wait_for_growth(notebook: &Notebook) {
    let before = epoch(&notebook.screen()).unwrap_or(0);
    notebook.wait("the curve to grow", |screen| epoch(screen).is_some_and(|now| now > before));
}

#[test]
fn a_race_whose_kernel_was_killed_goes_on_from_its_pane_and_from_the_list() {
    let mut notebook = racing();
    wait_for_growth(&notebook);
    let first = notebook.kill_kernel();
    notebook.wait_for("interrupted after");
    // A second Enter while the kernel starts asks for nothing twice.
    notebook.press("\r\r");
    wait_for_growth(&notebook);
    let second = notebook.kill_kernel();
    assert_ne!(first, second);

    notebook.wait_for("interrupted after");
    notebook.press("r");
    notebook.wait_for("best validation error");
    notebook.press("\r");
    notebook.wait_for("Enter resumes · Esc back");
    notebook.press("\r");
    wait_for_growth(&notebook);
    let runs = notebook.home.json(&["runs", "--json"]);
    assert_eq!(runs.as_array().unwrap().len(), 1, "the same run goes on: {runs}");
    assert_eq!(runs[0]["state"], "running");
}

#[test]
fn a_race_outlives_a_killed_notebook() {
    let notebook = racing();
    wait_for_growth(&notebook);
    let kernel = notebook.kernel()["pid"].clone();
    let seen = epoch(&notebook.screen()).unwrap();
    notebook.signal("-KILL");
    let notebook = Notebook::open(notebook.into_home());
    // The reader stood at the race; the lesson opens there.
    notebook.wait("the race with its history", |screen| epoch(screen).is_some_and(|now| now >= seen));
    wait_for_growth(&notebook);
    assert_eq!(notebook.kernel()["pid"], kernel);
}

/// Another notebook started the race; this one, whose cells know nothing of it, finds it in the list.
#[test]
fn a_race_of_another_notebook_is_found_in_the_list() {
    let home = TestHome::new();
    let mut notebook = Notebook::open_as(home, &Opening { columns: 80, rows: 24, ..Opening::default() });
    notebook.wait_for("What the article says");
    start_race(&notebook.home, 3);
    notebook.press("r");
    notebook.wait_for("3/3");
    notebook.press("\r");
    notebook.wait_for("finished: 3 epochs");
}
