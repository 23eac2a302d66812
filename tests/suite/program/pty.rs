//! The real notebook on a real pseudo-terminal: how it opens, and that every way to end it restores the terminal.

use crate::common::cli;
use crate::common::cli::TestHome;
use crate::common::notebook;
use crate::common::notebook::{Notebook, Opening, until};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};

/// A text of the first screen.
const FIRST: &str = "One article, measured";
/// A text of the first screen of the next lesson.
const SECOND: &str = "Lesson 1 · ";

fn open(columns: u16, rows: u16) -> Notebook {
    let notebook = Notebook::open_as(TestHome::new(), &Opening { columns, rows, ..Opening::default() });
    notebook.wait_for(FIRST);
    notebook
}

fn own_lesson(text: &str) -> String {
    format!("+++\nid = \"mine\"\ntitle = \"Mine\"\npart = \"0\"\nsummary = \"s\"\nminutes = 1\n+++\n\n{text}\n")
}

/// Whether the process has ended and its exit status was not read yet.
fn is_zombie(pid: u32) -> bool {
    cli::text(format!("/proc/{pid}/stat").as_ref()).rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'))
}

#[test]
fn a_fresh_home_opens_lesson_0_and_quits() {
    for (columns, rows) in [(80, 24), (120, 40)] {
        let mut notebook = open(columns, rows);
        assert!(notebook.screen().contains("Lesson 0 · 5 minutes"), "{}", notebook.screen());
        assert!(!notebook.screen().contains("New here?"), "it points to where the reader is");
        notebook.press("q");
        assert_eq!(notebook.wait_gone(), 0);
        notebook.assert_terminal_as_before();
    }
}

#[test]
fn every_signal_that_ends_it_leaves_the_terminal_as_it_was() {
    // Including the signals of batch systems and limits.
    for name in ["-TERM", "-INT", "-HUP", "-QUIT", "-USR1", "-USR2", "-XCPU", "-ALRM", "-PWR"] {
        let mut notebook = open(80, 24);
        notebook.signal(name);
        assert_eq!(notebook.wait_gone(), 0, "{name}");
        notebook.assert_terminal_as_before();
    }
    let mut notebook = open(80, 24);
    notebook.press("\u{3}");
    assert_eq!(notebook.wait_gone(), 0, "Ctrl-C");
    notebook.assert_terminal_as_before();
}

#[test]
fn a_closed_terminal_ends_the_notebook() {
    let mut notebook = open(80, 24);
    notebook.hang_up();
    assert_eq!(notebook.wait_gone(), 0);
}

/// Whether the process's terminal has no room, or a write to it is blocked.
fn takes_nothing(pid: u32) -> bool {
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK;
    let terminal = rustix::fs::open(format!("/proc/{pid}/fd/1"), flags, Mode::empty()).unwrap();
    let mut room = [PollFd::new(&terminal, PollFlags::OUT)];
    poll(&mut room, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 0
}

/// The terminal reads nothing more, and the thread that draws blocks in its write.
#[test]
fn a_blocked_terminal_does_not_prevent_quitting() {
    let mut notebook = open(200, 50);
    notebook.while_nobody_reads(|pid, keys| {
        until("the write to hang", || {
            // Ctrl-L redraws everything.
            keys.write_all(b"\x0c").unwrap();
            takes_nothing(pid)
        });
        notebook::kill("-TERM", &pid.to_string());
        until("its end", || is_zombie(pid));
    });
    assert_eq!(notebook.wait_gone(), 0);
    notebook.assert_settings_as_before();
}

#[test]
fn a_panic_in_any_thread_leaves_the_terminal_as_it_was_and_a_report() {
    // One of the threads lives only while a kernel runs, one needs code to highlight, one a lesson of the reader's own.
    let home = TestHome::new();
    notebook::start_race(&home, 1);
    std::fs::write(home.path("mine.md"), own_lesson("```rust\nlet x = 1;\n```")).unwrap();
    let mut home = Some(home);
    for thread in [
        "main",
        "input",
        "signals",
        "kernel-link",
        "kernel-events",
        "store-reader",
        "findings-reader",
        "highlighter",
        "lesson-file",
    ] {
        let file = home.as_ref().unwrap().path("mine.md");
        let own = ["highlighter", "lesson-file"].contains(&thread);
        let what = if own { file.to_str().unwrap() } else { "faster" };
        let script = Some(r#"exec "$RELU" open "$LESSON""#);
        let environment = [("RELU_DRILL", thread), ("LESSON", what)];
        let opening = Opening { environment: &environment, script, ..Opening::default() };
        let mut notebook = Notebook::open_as(home.take().unwrap(), &opening);
        let status = notebook.wait_gone();
        assert_eq!(status, if thread == "main" { 101 } else { 1 }, "{thread}");
        notebook.assert_terminal_as_before();
        notebook.wait_for(if thread == "main" { "this is a drill" } else { "report is in" });
        assert!(notebook.screen().contains(thread), "{}", notebook.screen());
        let report = cli::text(&notebook.home.folder().join("logs/relu-reports.log"));
        assert!(report.contains(&format!("RELU_DRILL asks the {thread} thread")), "{report}");
        // The error that ended the notebook is recorded too.
        assert!(thread == "main" || report.contains(&format!("the notebook's {thread} thread failed")), "{report}");
        home = Some(notebook.into_home());
    }
}

/// Ctrl-Z under a shell with job control, what another program may do to the terminal meanwhile, and `fg`.
#[test]
fn ctrl_z_and_fg_work_as_in_other_programs() {
    let script = r#"set -m; "$RELU"; echo "stopped: $?"; stty -a | grep -o -- '-\?\<icanon\>\|-\?\<echo\>'
        stty cols 90; read line; fg; echo "ended: $?""#;
    for stop in ["\u{1a}", "-TSTP"] {
        let mut notebook = Notebook::open_as(TestHome::new(), &Opening { script: Some(script), ..Opening::default() });
        notebook.wait_for(FIRST);
        if stop == "-TSTP" {
            // The shell leads the session; the notebook is its only child.
            let children = format!("/proc/{0}/task/{0}/children", notebook.pid());
            notebook::kill(stop, cli::text(children.as_ref()).trim());
        } else {
            notebook.press(stop);
        }
        notebook.wait_for("stopped: ");
        notebook.wait("a terminal in its usual modes", |screen| {
            screen.lines().any(|line| line == "icanon") && screen.lines().any(|line| line == "echo")
        });
        assert!(!notebook.screen().contains(FIRST), "the alternate screen is still there");
        notebook.press("\r");
        notebook.wait_for(FIRST);
        notebook.press("?");
        notebook.wait_for("key closes");
        notebook.press("xq");
        notebook.wait_for("ended: 0");
        notebook.wait_gone();
        notebook.assert_terminal_as_before();
    }
}

/// Ended as a shell ends a stopped job: continued in the background, where the terminal belongs to the shell.
#[test]
fn a_stopped_notebook_can_be_terminated() {
    // A shell's `wait` returns at once for a job that is still stopped, with 128 plus the signal.
    let script = r#"set -m; "$RELU"; stopped=$?; kill -TERM %1; kill -CONT %1
        end=$stopped; while [ $end = $stopped ]; do wait %1; end=$?; done; echo "ended: $end""#;
    let mut notebook = Notebook::open_as(TestHome::new(), &Opening { script: Some(script), ..Opening::default() });
    notebook.wait_for(FIRST);
    notebook.press("\u{1a}");
    notebook.wait_for("ended: 0");
    notebook.wait_gone();
    notebook.assert_terminal_as_before();
}

/// Stopped and continued by a signal that can't be caught: whatever happened to the terminal, everything is redrawn.
#[test]
fn everything_is_redrawn_after_a_continue() {
    let mut notebook = open(80, 24);
    notebook.signal("-STOP");
    notebook.scribble();
    notebook.signal("-CONT");
    notebook.wait_for(FIRST);
    // The first process of a session has no shell that could continue it, so Ctrl-Z must not stop it.
    notebook.press("\u{1a}");
    notebook.wait_for("no shell here could bring the notebook back");
    notebook.press("q");
    assert_eq!(notebook.wait_gone(), 0);
    notebook.assert_terminal_as_before();
}

#[test]
fn it_survives_every_resize() {
    let mut notebook = open(80, 24);
    notebook.resize(30, 8);
    notebook.wait_for("needs 40x12");
    notebook.resize(1, 1);
    notebook.resize(200, 50);
    notebook.wait_for("Vanishing gradients");
    notebook.resize(80, 24);
    notebook.wait("the lesson alone", |screen| screen.contains(FIRST) && !screen.contains("Vanishing gradients"));
    notebook.press("?");
    notebook.wait_for("any other key closes");
    notebook.press("xq");
    assert_eq!(notebook.wait_gone(), 0);
}

/// Extreme sizes, including zero.
#[test]
fn it_survives_every_size_that_a_terminal_may_claim() {
    let mut notebook = open(80, 24);
    for (columns, rows) in [(32767, 32767), (65535, 1), (1, 65535), (0, 0), (0, 24), (1, 1), (41, 12)] {
        let (_, frames) = notebook.traffic();
        notebook.claim_size(columns, rows);
        // Drawn before the next resize.
        notebook.wait_for_frames(frames + 1);
    }
    notebook.resize(80, 24);
    notebook.press("\u{c}");
    notebook.wait_for(FIRST);
    notebook.press("q");
    assert_eq!(notebook.wait_gone(), 0);
    let mut notebook = Notebook::open_as(
        TestHome::new(),
        &Opening { script: Some(r#"stty cols 32767 rows 32767; exec "$RELU""#), ..Opening::default() },
    );
    notebook.wait_for_frames(1);
    notebook.press("\u{3}");
    assert_eq!(notebook.wait_gone(), 0);
}

/// Answers to queries and reports of terminals: none of them is a key, and none delays the next key.
#[test]
fn terminal_reports_are_no_keys() {
    let mut notebook = open(80, 24);
    // A page with a question, which any digit would answer.
    let page = |screen: &str| {
        let stands = screen.lines().last().is_some_and(|line| line.contains("0 Welcome"));
        stands && screen.contains("parameters, sees 10,000") && !screen.contains('»')
    };
    notebook.press("\t");
    notebook.wait("the first question", page);
    for report in [
        "\u{1b}[?2026;2$y",
        "\u{1b}[?997;1n",
        "\u{1b}[?1;1R",
        "\u{1b}[>41;354;0c",
        "\u{1b}]52;c;ZGVk\u{7}",
        "\u{1b}]11;rgb:1414/1919/1f1f\u{1b}\\",
        "\u{1b}P>|WezTerm 2024\u{1b}\\",
        "\u{1b}_Gi=31;OK\u{1b}\\",
        "\u{1b}[<0;0;0M\u{1b}[<35;0;0M",
    ] {
        notebook.press(report);
        notebook.press("?");
        notebook.wait_for("any other key closes");
        notebook.press("x");
        notebook.wait(report, |screen| page(screen) && !screen.contains("key closes"));
    }
    notebook.press("\u{3}");
    assert_eq!(notebook.wait_gone(), 0);
}

/// More bytes at once than any buffer holds, after a resize; pastes and strings that never end.
#[test]
fn ctrl_c_works_after_any_input() {
    let burst = "x".repeat(4000);
    let paste = format!("\u{1b}[200~{}\u{1b}[201~", "words ".repeat(4000));
    for (keys, seen) in [
        (format!("/{burst}"), "xxxx"),
        (format!("/{paste}"), "words words"),
        ("/\u{1b}[200~an endless paste".into(), "Search all lessons"),
        ("/\u{1b}]0;an endless string".into(), "Search all lessons"),
        ("/\u{1b}[1;2".into(), "Search all lessons"),
    ] {
        let mut notebook = open(80, 24);
        notebook.resize(100, 30);
        notebook.press(&keys);
        notebook.wait_for(seen);
        notebook.press("\u{3}");
        assert_eq!(notebook.wait_gone(), 0);
        notebook.assert_terminal_as_before();
    }
}

/// The keyboard works again by itself, and the pasted text is there.
#[test]
fn an_unterminated_paste_is_accepted_after_a_moment() {
    let mut notebook = open(80, 24);
    notebook.press("/\u{1b}[200~sigmo");
    notebook.wait_for("/ sigmo_");
    notebook.press("i");
    notebook.wait_for("/ sigmoi_");
    notebook.press("\u{3}");
    assert_eq!(notebook.wait_gone(), 0);
}

fn open_with(environment: &[(&str, &str)]) -> Notebook {
    let opening = Opening { columns: 80, rows: 24, environment, ..Opening::default() };
    let notebook = Notebook::open_as(TestHome::new(), &opening);
    notebook.wait_for(FIRST);
    notebook
}

/// Decided by the environment, by the terminal's answer however late, or by a key; the background is never painted.
#[test]
fn colours_follow_the_background() {
    // The title's, of 256 colours.
    let (dark, light, question) = ("38;5;111m", "38;5;25m", "]11;?");
    for environment in [[("COLORFGBG", "0;15")], [("RELU_THEME", "light")]] {
        let notebook = open_with(&environment);
        notebook.wait_for_sequence(light);
        assert!(notebook.sequences().iter().all(|sequence| !sequence.contains(dark) && !sequence.contains("48;")));
    }
    let mut notebook = open_with(&[]);
    notebook.wait_for_sequence(dark);
    notebook.wait_for_sequence(question);
    notebook.press("\u{1b}]11;rgb:fdfd/f6f6/e3e3\u{1b}\\");
    notebook.wait_for_sequence(light);
    notebook.press("T");
    notebook.wait_for("colours for a dark background");
    // The reader's choice is not changed.
    notebook.press("\u{1b}]11;rgb:fdfd/f6f6/e3e3\u{1b}\\T");
    notebook.wait_for("colours for a light background");
    notebook.press("\u{3}");
    assert_eq!(notebook.wait_gone(), 0);
    for wrong in [["--theme", "pink"], ["--images", "oil"]] {
        let refused = notebook.home.bare(&wrong).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}");
    }
}

/// The queries for images follow the first frame, and their answers are no keys. Nothing is shown here as an image.
#[test]
fn the_terminal_is_asked_for_images_unless_the_reader_wants_blocks() {
    let mut notebook = open_with(&[]);
    notebook.wait_for_sequence("\u{1b}_Gi=31,");
    notebook.wait_for_sequence("\u{1b}[16t\u{1b}[c");
    notebook.press("\u{1b}_Gi=31;OK\u{1b}\\\u{1b}P>|kitty(0.40.0)\u{1b}\\\u{1b}[6;20;10t\u{1b}[?62;c/");
    notebook.wait_for("/ _");
    notebook.press("\u{3}");
    assert_eq!(notebook.wait_gone(), 0);
    for environment in [[("RELU_IMAGES", "blocks")], [("NO_COLOR", "1")]] {
        let mut notebook = open_with(&environment);
        notebook.press("/");
        notebook.wait_for("/ _");
        assert!(notebook.sequences().iter().all(|sequence| sequence != "16t"), "{environment:?}");
        notebook.press("\u{3}");
        assert_eq!(notebook.wait_gone(), 0);
    }
}

#[test]
fn a_run_started_from_the_settings_is_there_after_reopening() {
    let mut notebook = open(100, 40);
    notebook.press("\t\t");
    notebook.wait_for("Enter start");
    // Epochs 2; five fields further down, 500 training images.
    notebook.press("o");
    notebook.wait_for("A race of your own");
    notebook.press("\u{15}2\t\t\t\t\t\u{15}500\r");
    notebook.wait_for("finished: 2 epochs");
    notebook.press("q");
    assert_eq!(notebook.wait_gone(), 0);
    let runs = notebook.home.json(&["runs", "--json"]);
    assert_eq!(runs[0]["state"], "finished");
    assert_eq!(runs[0]["spec"]["train_size"], 500);
}

/// A deleted run is in the store until the notebook quits, even if no kernel runs then.
#[test]
fn a_deleted_run_is_gone_once_the_notebook_has_quit() {
    let mut home = Some(TestHome::new());
    for seed in ["1", "2"] {
        let tiny = ["--epochs", "1", "--train-size", "500", "--val-size", "100", "--seeds", seed];
        home.as_ref().unwrap().run(&[&["train"], &tiny[..]].concat()).success();
    }
    for quits in [false, true] {
        home.as_ref().unwrap().run(&["kernel", "stop"]).success();
        let mut notebook = Notebook::open(home.take().unwrap());
        notebook.wait_for(FIRST);
        notebook.press("r");
        notebook.wait_for("2 runs");
        notebook.press("d");
        notebook.wait_for("run 2 is deleted");
        let listed = |notebook: &Notebook| notebook.home.json(&["runs", "--json"]).as_array().unwrap().len();
        assert_eq!(listed(&notebook), 2, "u could bring it back");
        if quits {
            notebook.press("qq");
            assert_eq!(notebook.wait_gone(), 0);
            notebook.home.until("one run", |run| run["run"] == 1);
            until("the deletion", || listed(&notebook) == 1);
            until("its checkpoints to go", || !notebook.home.folder().join("runs/2").exists());
        } else {
            notebook.signal("-KILL");
            notebook.wait_gone();
            assert_eq!(listed(&notebook), 2);
        }
        home = Some(notebook.into_home());
    }
}

#[test]
fn it_opens_where_the_reader_left_off() {
    let mut notebook = open(80, 24);
    notebook.press("n");
    notebook.wait_for(SECOND);
    notebook.press("q");
    assert_eq!(notebook.wait_gone(), 0);
    let notebook = Notebook::open(notebook.into_home());
    notebook.wait_for(SECOND);
}

/// With an editor that saves in place, and one that replaces the file, as many do.
#[test]
fn a_lesson_is_read_again_whenever_it_is_saved() {
    let home = TestHome::new();
    let file = home.path("mine.md");
    std::fs::write(&file, own_lesson("The first words.")).unwrap();
    let environment = [("LESSON", file.to_str().unwrap())];
    let script = Some(r#"exec "$RELU" open "$LESSON""#);
    let opening = Opening { columns: 80, rows: 24, environment: &environment, script };
    let mut notebook = Notebook::open_as(home, &opening);
    notebook.wait_for("The first words.");
    std::fs::write(&file, own_lesson("Saved in place.")).unwrap();
    notebook.wait_for("Saved in place.");
    let other = notebook.home.path("mine.md~");
    std::fs::write(&other, own_lesson("```dance\n```")).unwrap();
    std::fs::rename(&other, &file).unwrap();
    notebook.wait_for("mine.md:9:1: unknown cell `dance`");
    assert!(notebook.screen().contains("Saved in place."), "the last good lesson stays");
    std::fs::write(&file, own_lesson("Mended.")).unwrap();
    notebook.wait("the mended lesson", |screen| screen.contains("Mended.") && !screen.contains("dance"));
    notebook.press("q");
    assert_eq!(notebook.wait_gone(), 0);
}
