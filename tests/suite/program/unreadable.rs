//! What the notebook shows of runs and stores that can't be read. It never claims that there is nothing.

use crate::common::cli::TestHome;
use crate::common::notebook::Notebook;
use crate::common::session::Session;
use app::{Event, StoreQuery};
use crossterm::event::KeyCode;
use protocol::{Preset, RunId, RunState, RunSummary, Study};
use std::fs;
use store::{Home, Store};
use ui::Theme;

const NOTHING: &str = "Nothing has been trained here yet";

fn summary(run: i64) -> RunSummary {
    let name = Some("whole".to_string());
    let (epochs_done, done, best) = (0, Vec::new(), Vec::new());
    let (state, spec) = (RunState::Stopped, Study::of(Preset::Article));
    RunSummary {
        run: RunId(run),
        name,
        state,
        spec,
        tags: Vec::new(),
        notes: None,
        not_exact: None,
        fork: None,
        steerings: Vec::new(),
        sweep: None,
        created: 0,
        updated: 0,
        elapsed: 75.0,
        epochs_done,
        done,
        best,
        ends: Vec::new(),
    }
}

#[test]
fn a_run_that_can_not_be_read_is_in_the_list() {
    let theme = Theme::detect(|_| None);
    let mut session = Session::open();
    session.press(KeyCode::Char('r'));
    session.send(Event::UnreadableRuns(vec![(RunId(3), "a row does not match its checksum".into())]));
    session.send(Event::Runs(Vec::new()));
    let screen = session.screen(&theme);
    assert!(!screen.contains(NOTHING), "{screen}");
    let line = screen.lines().find(|line| line.contains("unreadable")).unwrap();
    assert!(line.contains(" 3 ") && line.contains("a row does not match its checksum"), "{screen}");
    session.send(Event::Runs(vec![summary(4)]));
    session.press(KeyCode::Down);
    let screen = session.screen(&theme);
    assert!(screen.contains("whole") && screen.contains("Run 3 can't be read back"), "{screen}");
    session.press(KeyCode::Enter);
    assert!(session.screen(&theme).contains("unreadable"), "there is nothing to open");
}

#[test]
fn a_list_that_can_not_be_read_says_why() {
    let theme = Theme::detect(|_| None);
    let mut session = Session::open();
    session.press(KeyCode::Char('r'));
    session.send(Event::QueryFailed(StoreQuery::Runs, "the store is of another world".into()));
    let screen = session.screen(&theme);
    assert!(screen.contains("The list of runs can't be read: the store is of another world."), "{screen}");
    session.send(Event::Runs(Vec::new()));
    assert!(session.screen(&theme).contains(NOTHING));
}

/// The file is not changed either.
#[test]
fn a_store_of_a_newer_version_or_garbage_is_named_on_opening() {
    type Damage = fn(&Home);
    let damages: [(&str, Damage); 2] = [
        ("written by a newer relu-notebook", |home| {
            rusqlite::Connection::open(home.database()).unwrap().pragma_update(None, "user_version", 1000).unwrap();
        }),
        ("the store is damaged", |home| fs::write(home.database(), "no store ".repeat(900)).unwrap()),
    ];
    for (printed, damage) in damages {
        let home = TestHome::new();
        let at = Home::at(home.folder()).unwrap();
        Store::open(&at).unwrap().fold_log().unwrap();
        damage(&at);
        let before = fs::read(at.database()).unwrap();
        let mut notebook = Notebook::open(home);
        notebook.wait_for(printed);
        notebook.press("r");
        notebook.wait_for("The list of runs can't be read");
        assert!(!notebook.screen().contains(NOTHING));
        notebook.press("q");
        notebook.wait("the list to close", |screen| !screen.contains("The list of runs"));
        notebook.press("q");
        assert_eq!(notebook.wait_gone(), 0);
        assert!(fs::read(at.database()).unwrap() == before, "{printed}");
    }
}

/// Left by root in a home that it did not own.
#[test]
fn a_store_of_another_user_is_named_with_its_owner() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = TestHome::new();
    let at = Home::at(home.folder()).unwrap();
    drop(Store::open(&at).unwrap());
    std::os::unix::fs::chown(at.database(), Some(65534), None).unwrap();
    for arguments in [&["runs"][..], &["ledger"], &["train", "--epochs", "1"], &["kernel", "status"]] {
        let (code, printed) = home.refusal(arguments);
        assert!(
            code == 1 && printed.contains("notebook.db belongs to nobody; `chown -R root "),
            "{arguments:?}: {printed}"
        );
        assert!(printed.contains("RELU_HOME") && !printed.contains("disk gives an error"), "{printed}");
    }
    let printed = home.run(&["doctor"]).failure().get_output().stdout.clone();
    assert!(String::from_utf8_lossy(&printed).contains("belongs to nobody"));
    std::os::unix::fs::chown(at.database(), Some(0), None).unwrap();
    fs::remove_file(at.database()).unwrap();
    fs::create_dir(at.database()).unwrap();
    let (_, printed) = home.refusal(&["runs"]);
    assert!(printed.contains("notebook.db is a folder where a file belongs; move it away"), "{printed}");
}
