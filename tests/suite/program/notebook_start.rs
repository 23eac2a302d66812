//! The real notebook on terminals and homes of every kind: where it opens, and what it does without colours, without a
//! keyboard, with a locked store or a disk with a limit.

use crate::common::cli::TestHome;
use crate::common::digits;
use crate::common::notebook;
use crate::common::notebook::{Notebook, Opening};
use serde_json::json;
use std::fs::File;
use std::process::{Command, Stdio};
use store::{Home, Store, save_progress};

/// A text of the first screen.
const FIRST: &str = "One article, measured";
/// A text of the first screen of the next lesson.
const SECOND: &str = "Lesson 1 · ";

fn at(home: &TestHome) -> Home {
    Home::at(home.folder()).unwrap()
}

/// Scrolls through the lesson; returns the first line of the screen.
fn scrolled(notebook: &mut Notebook) -> String {
    notebook.press("jjjjjjjjjjj");
    let top = |screen: &str| screen.lines().next().unwrap().to_string();
    notebook.wait("eleven lines further", |screen| top(screen).contains("pre-training, that it learns"));
    top(&notebook.screen())
}

#[test]
fn it_opens_at_the_same_line() {
    let opening = Opening { columns: 80, rows: 24, ..Opening::default() };
    let mut notebook = Notebook::open_as(TestHome::new(), &opening);
    notebook.wait_for(FIRST);
    let top = scrolled(&mut notebook);
    notebook.press("q");
    assert_eq!(notebook.wait_gone(), 0);
    let notebook = Notebook::open_as(notebook.into_home(), &opening);
    notebook.wait("the same line", |screen| screen.starts_with(&top));
}

/// Without a kernel a position is stored within about a second, in case the notebook is not quit.
#[test]
fn it_opens_at_the_line_of_a_killed_notebook() {
    let opening = Opening { columns: 80, rows: 24, ..Opening::default() };
    let mut notebook = Notebook::open_as(TestHome::new(), &opening);
    notebook.wait_for(FIRST);
    let top = scrolled(&mut notebook);
    let home = at(&notebook.home);
    let kept = || Store::open_read(&home).and_then(|store| store.recall("place/welcome")).unwrap();
    // Eleven lines down is the third line of the second paragraph.
    notebook::until("the place to be kept", || {
        kept().is_some_and(|place| place["spot"]["row"] == 2 && place["spot"]["line"] != 0)
    });
    notebook.signal("-KILL");
    let notebook = Notebook::open_as(notebook.into_home(), &opening);
    notebook.wait("the same line", |screen| screen.starts_with(&top));
}

/// Locked like a commit on a network home, which has no write-ahead log: no frame and no key waits.
#[test]
fn a_locked_store_delays_no_frame() {
    let home = TestHome::new();
    save_progress(&at(&home), [(&"last-lesson".to_string(), &json!("sigmoid"))]).unwrap();
    let lock = rusqlite::Connection::open(at(&home).database()).unwrap();
    lock.execute_batch("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE").unwrap();
    let mut notebook = Notebook::open(home);
    notebook.wait_for(FIRST);
    lock.execute_batch("COMMIT").unwrap();
    notebook.wait_for(SECOND);
    notebook.press("q");
    assert_eq!(notebook.wait_gone(), 0);
}

/// The lock of a process that creates a new store and hangs.
#[test]
fn lessons_are_usable_while_the_store_stays_locked() {
    let home = TestHome::new();
    std::fs::create_dir(home.folder()).unwrap();
    let lock = File::open(home.folder()).unwrap();
    lock.lock().unwrap();
    let mut notebook = Notebook::open(home);
    notebook.wait_for(FIRST);
    notebook.press("n");
    notebook.wait_for(SECOND);
    notebook.press("r");
    // Empty, or unreadable once the store has been waited for in vain.
    notebook.wait_for("┏ Runs");
    notebook.press("q");
    notebook.wait("the list to close", |screen| !screen.contains("┏ Runs"));
    notebook.press("q");
    assert_eq!(notebook.wait_gone(), 0);
    notebook.assert_terminal_as_before();
}

/// A write beyond the limit raises a signal that would end the process with a core dump.
#[test]
fn a_file_size_limit_is_reported_like_a_full_disk() {
    let script = Some(r#"ulimit -f 0; exec "$RELU""#);
    let mut notebook = Notebook::open_as(TestHome::new(), &Opening { script, ..Opening::default() });
    notebook.wait_for(FIRST);
    notebook.press("n");
    notebook.wait_for(SECOND);
    notebook.wait_for("Nothing new is kept");
    notebook.press("q");
    assert_eq!(notebook.wait_gone(), 0);
    notebook.assert_terminal_as_before();
}

#[test]
fn no_colour_is_sent_to_a_terminal_without_colours() {
    let mut notebook =
        Notebook::open_as(TestHome::new(), &Opening { environment: &[("NO_COLOR", "1")], ..Opening::default() });
    notebook.wait_for(FIRST);
    notebook.press("\t\t");
    notebook.wait_for("Enter start");
    let colours = notebook.sequences().into_iter().filter(|code| {
        code.ends_with('m')
            && code.split([';', 'm']).any(|part| matches!(part.parse(), Ok(30..=37 | 40..=47 | 90..=107)))
    });
    assert_eq!(colours.collect::<Vec<_>>(), Vec::<String>::new());
    notebook.press("q");
    assert_eq!(notebook.wait_gone(), 0);
}

#[test]
fn no_unicode_is_sent_to_a_terminal_without_unicode() {
    let environment = [("LANG", "C"), ("LC_ALL", "C")];
    let mut notebook = Notebook::open_as(TestHome::new(), &Opening { environment: &environment, ..Opening::default() });
    notebook.wait_for(FIRST);
    for (keys, text) in [("\t\t", "Enter start"), ("?", "scroll"), ("x:open ledger\r", "The ledger")] {
        notebook.press(keys);
        notebook.wait_for(text);
        assert!(notebook.screen().is_ascii(), "{}", notebook.screen());
    }
    notebook.press("q");
    assert_eq!(notebook.wait_gone(), 0);
}

#[test]
fn a_dumb_terminal_gets_the_lesson_as_text() {
    let mut notebook =
        Notebook::open_as(TestHome::new(), &Opening { environment: &[("TERM", "dumb")], ..Opening::default() });
    assert_eq!(notebook.wait_gone(), 0);
    notebook.wait_for("This is no terminal that can show the notebook");
    assert_eq!(notebook.sequences(), Vec::<String>::new());
}

/// Without a keyboard, or with a closed one, the lesson is printed and the program ends.
#[test]
fn without_a_keyboard_the_lesson_is_printed() {
    for script in [r#""$RELU" < /dev/null"#, r#""$RELU" <&-"#, r#""$RELU" | cat"#] {
        let mut notebook = Notebook::open_as(TestHome::new(), &Opening { script: Some(script), ..Opening::default() });
        assert_eq!(notebook.wait_gone(), 0, "{script}");
        notebook.wait_for("This is no terminal that can show the notebook");
        notebook.assert_terminal_as_before();
    }
    let home = TestHome::new();
    let mut relu = Command::new(env!("CARGO_BIN_EXE_relu"));
    relu.env("RELU_HOME", home.folder()).stdin(Stdio::null());
    let output = relu.output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("This is no terminal"));
}

/// The laboratory from the command line: a study runs on the real kernel, and stands there in the next notebook with its
/// run.
#[test]
fn a_laboratory_keeps_its_study_and_its_run() {
    let home = TestHome::new();
    let data = home.path("digits");
    digits::write(&data);
    let study = format!("all-gelu | epochs=2 images=300 val=100 data={}", data.display());
    let script = format!("exec \"$RELU\" lab '{study}'");
    let opening = Opening { columns: 120, rows: 40, script: Some(&script), ..Opening::default() };
    let mut notebook = Notebook::open_as(home, &opening);
    notebook.wait_for("Enter runs 1 lane, 2 epochs each");
    notebook.press("\r");
    notebook.wait_for("finished: 2 epochs");
    notebook.wait_for("is finished: n runs");
    notebook.press("\x1b");
    notebook.wait_for(FIRST);
    notebook.press("q");
    assert_eq!(notebook.wait_gone(), 0);
    let script = "exec \"$RELU\" lab";
    let opening = Opening { columns: 120, rows: 40, script: Some(script), ..Opening::default() };
    let notebook = Notebook::open_as(notebook.into_home(), &opening);
    notebook.wait_for("gelu-gelu");
    notebook.wait_for("Run 1");
    notebook.wait_for("finished: 2 epochs");
}

#[test]
fn a_laboratory_needs_a_sound_study_and_a_terminal() {
    let home = TestHome::new();
    let (code, told) = home.refusal(&["lab", "relu-tanh | epoch=3"]);
    assert!(code == 2 && told.contains("unknown setting `epoch`"), "{told}");
    let (code, told) = home.refusal(&["lab"]);
    assert!(code == 1 && told.contains("needs a terminal") && told.contains("relu train"), "{told}");
}
