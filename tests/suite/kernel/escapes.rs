//! No control character from outside reaches the terminal. Each channel contains some, and neither the commands' output
//! nor a screen may contain one.

use crate::common::cli::TestHome;
use crate::common::session::Session;
use app::{Event, Tag};
use protocol::{
    self, ArmId, CellEvent, CellKey, CellRecord, Effort, Figure, Finding, Lane, Outcome, Preset, RunEvent, RunId,
    RunState, Study, is_terminal_control,
};
use ratatui::{Terminal, backend::TestBackend};
use serde_json::Value;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use store::{Home, Store, now};
use ui::{self, Glyphs, Palette, Theme};

/// Sets a title, switches colours by C1, reverses the order of letters, deletes.
const HOSTILE: &str = "ev\u{1b}]0;gone\u{7}\u{9b}31m\u{202e}il\u{7f}";

fn is_clean(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\n' | '\t') || !is_terminal_control(c))
}

/// Runs a command and returns both of its streams, which must be clean.
fn output(home: &TestHome, folder: &Path, arguments: &[&str]) -> (String, String) {
    let mut command = home.bare(arguments);
    let output = command.env("RELU_HOME", folder).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(is_clean(&out), "{arguments:?}: {out:?}");
    assert!(is_clean(&err), "{arguments:?}: {err:?}");
    (out, err)
}

/// A home with a hostile name, and all text that a store can contain.
struct Planted {
    home: TestHome,
    folder: PathBuf,
}

impl Planted {
    fn new() -> Self {
        let home = TestHome::new();
        let folder = home.path(HOSTILE);
        let store_home = Home::at(&folder).unwrap();
        store_home.prepare().unwrap();
        let mut store = Store::open(&store_home).unwrap();
        let spec = Study { epochs: 1, train_size: 100, val_size: 100, ..Study::of(Preset::Article) };
        let run = store.create_run(&spec, Some(HOSTILE)).unwrap();
        store.set_state(run, &RunState::Failed { reason: HOSTILE.into() }).unwrap();
        store.set_not_exact(run, HOSTILE).unwrap();
        store.set_backend(run, HOSTILE).unwrap();
        store.commit_cell(&record()).unwrap();
        Self { home, folder }
    }

    fn output(&self, arguments: &[&str]) -> (String, String) {
        output(&self.home, &self.folder, arguments)
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        let _ = self.home.bare(&["kernel", "stop", "--force"]).env("RELU_HOME", &self.folder).output();
    }
}

/// The outcome of a shipped cell with every text hostile.
fn record() -> CellRecord {
    let cell = CellKey { lesson: "sigmoid".into(), cell: "curves".into() };
    let spec = serde_json::from_str(r#"{"experiment":"curves","effort":"quick","seeds":[1]}"#).unwrap();
    CellRecord { cell, spec, outcome: outcome(), finished: now() }
}

fn outcome() -> Outcome {
    let finding = |key: &str| Finding { key: key.into(), text: HOSTILE.into(), ..finding() };
    let findings = ["curves.steepest.sigmoid", "curves.steepest.tanh"].map(finding).to_vec();
    Outcome { figures: vec![table()], findings, seconds: 1.0 }
}

fn finding() -> Finding {
    let json = r#"{"key":"k","text":"t","value":0.25,"spread":null,"seeds":[1]}"#;
    serde_json::from_str(json).unwrap()
}

fn table() -> Figure {
    let table = protocol::Table {
        title: HOSTILE.into(),
        columns: vec![HOSTILE.into(), "b".into()],
        rows: vec![vec![HOSTILE.into(), HOSTILE.into()]],
        sources: vec![protocol::Source::Cited(HOSTILE.into()), protocol::Source::Measured],
        places: Vec::new(),
    };
    Figure::Table(table)
}

#[test]
fn what_a_store_holds_is_printed_without_control_characters() {
    let planted = Planted::new();
    let seen =
        |(out, err): (String, String)| assert!((out + &err).contains("ev\\u{1b}]0;gone"), "it is not told at all");
    seen(planted.output(&["runs"]));
    seen(planted.output(&["runs", "show", "1"]));
    seen(planted.output(&["ledger"]));
    for arguments in [
        &["runs", "export", "1"][..],
        &["runs", "export", "1", "--format", "svg"],
        &["kernel", "status"],
        &["measure", "sigmoid/curves"],
        &["doctor"],
        &["resume", "1"],
        &["stop", "1"],
        &["runs", "rename", "1", HOSTILE],
        &["kernel", "stop"],
        &["kernel", "stop", "--json"],
    ] {
        planted.output(arguments);
    }
    // JSON escapes them, so the output has the same text as the store.
    let (runs, _) = planted.output(&["runs", "--json"]);
    let runs: Value = serde_json::from_str(&runs).unwrap();
    assert_eq!(runs[0]["name"], HOSTILE);
    let (shown, _) = planted.output(&["runs", "show", "1", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()["summary"]["not_exact"], HOSTILE);
    let (exported, _) = planted.output(&["runs", "export", "1", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&exported).unwrap()["summary"]["name"], HOSTILE);
    planted.output(&["ledger", "--json"]);
    planted.output(&["doctor", "--json"]);
}

#[test]
fn arguments_paths_and_the_environment_are_printed_without_control_characters() {
    let home = TestHome::new();
    let folder = home.folder();
    let path = home.path(HOSTILE).display().to_string();
    let lesson = format!("{HOSTILE}.md");
    for arguments in [
        &[HOSTILE][..],
        &["runs", HOSTILE],
        &["runs", "show", HOSTILE],
        &["open", HOSTILE],
        &["open", &lesson],
        &["check", &lesson],
        &["check", &path],
        &["measure", HOSTILE],
        &["train", "--arms", HOSTILE],
        &["train", "--preset", HOSTILE],
        &["train", "--seeds", HOSTILE],
        &["train", "--data", &path],
        &["completions", HOSTILE],
        &["resume", HOSTILE],
        &["lessons", "new", &format!("{path}/x")],
    ] {
        let (out, err) = output(&home, &folder, arguments);
        // clap's own messages omit whatever follows an escape.
        assert!((out + &err).contains("ev"), "{arguments:?} names what is wrong");
    }
    // Bytes that are not valid text.
    let raw = OsString::from_vec(b"\x9b31m\x1b[2J\xff.md".to_vec());
    let output_of = home.bare(&["check"]).arg(&raw).output().unwrap();
    assert!(is_clean(&String::from_utf8(output_of.stderr).unwrap()));
    // The environment.
    for variable in ["TERM", "LANG", "RELU_KERNEL", "RELU_HOME"] {
        for value in [HOSTILE.to_owned(), path.clone()] {
            let output = home.bare(&["doctor"]).env(variable, &value).output().unwrap();
            let printed = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
            assert!(is_clean(&printed) && printed.contains("ev\\u{1b}"), "{variable}={value:?}: {printed:?}");
        }
    }
    let kernel = std::process::Command::new(env!("CARGO_BIN_EXE_relu-kernel")).args(["--home", HOSTILE]).output();
    let printed = String::from_utf8(kernel.unwrap().stderr).unwrap();
    assert!(is_clean(&printed) && printed.contains("ev\\u{1b}"), "{printed:?}");
}

#[test]
fn a_data_folder_is_named_without_control_characters() {
    let home = TestHome::new();
    let data = home.path(HOSTILE);
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join(format!("{HOSTILE}.idx")), "").unwrap();
    let (_, err) = output(&home, &home.folder(), &["train", "--data", &data.display().to_string()]);
    assert_eq!(err.matches("ev\\u{1b}]0;gone").count(), 2, "the folder and what is in it: {err}");
}

/// A checkpoint's claim about itself is shown if it is wrong.
#[test]
fn a_checkpoint_is_named_without_control_characters() {
    let planted = Planted::new();
    let home = Home::at(&planted.folder).unwrap();
    let folder = home.lane(RunId(1), Lane { arm: ArmId::RELU_TANH, seed: 1 });
    std::fs::create_dir_all(&folder).unwrap();
    let header = serde_json::json!({ "__metadata__": {
        "format": HOSTILE, "spec": HOSTILE, "arm": HOSTILE, "seed": HOSTILE, "epoch": HOSTILE, "digest": HOSTILE,
    }});
    let header = header.to_string();
    let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
    std::fs::write(folder.join("state.safetensors"), &file).unwrap();
    std::fs::write(folder.join("state.previous.safetensors"), &header).unwrap();
    planted.output(&["resume", "1", "--detach"]);
    planted.output(&["stop", "1"]);
    planted.output(&["runs", "show", "1"]);
    planted.output(&["doctor"]);
}

const HEAD: &str = "+++\nid = \"x\"\ntitle = \"T\"\npart = \"I\"\nsummary = \"s\"\nminutes = 3\n+++\n";

/// Lessons that hold control characters as they stand, as TOML's escapes and as Markdown's entities.
fn lessons() -> Vec<String> {
    let spelled = |each: fn(u32) -> String| HOSTILE.chars().map(|c| each(c.into())).collect::<Vec<_>>().concat();
    let toml = spelled(|c| format!("\\u{c:04x}"));
    let entities = spelled(|c| format!("&#{c};"));
    let mut lessons = Vec::new();
    for text in [HOSTILE, &*toml, &*entities] {
        for body in [
            format!("# {text}\n\n{text} *{text}* `{text}` $x$ [{text}](lesson:{text}) [a](ref:{text}) [^{text}]\n"),
            format!("[{text}](https://example.org/{text})\n\n[b](cell:{text})\n\n[c](#{text})\n\n[d]({text})\n"),
            format!("![{text}]({text}.png)\n\n> [!NOTE] {text}\n> {text}\n\n| {text} |\n|---|\n| {text} |\n"),
            format!("```{text}\n{text}\n```\n\n<b>{text}</b>\n\n$${text}\\nothing$$\n\n[^{text}]: {text}\n"),
            format!("```quiz\nid = \"{text}\"\nquestion = \"{text}\"\n\"{text}\" = 1\n```\n"),
            format!("```experiment\nid = \"r\"\ntitle = \"{text}\"\nexperiment = \"{text}\"\n```\n"),
            format!("```train\nid = \"r\"\ntitle = \"t\"\narms = [\"{text}\"]\n```\n"),
            format!("```claim\nid = \"c\"\nsays = \"{text}\"\nlesson = \"{text}\"\ncell = \"{text}\"\n```\n"),
        ] {
            lessons.push(format!("{HEAD}{body}"));
        }
        lessons.push(HEAD.replace("\"x\"", &format!("\"{text}\"")));
        lessons.push(HEAD.replace("\"T\"", &format!("\"{text}\"")));
        lessons.push(HEAD.replace("minutes", &format!("\"{text}\" = 1\nminutes")));
    }
    lessons
}

#[test]
fn a_lesson_is_checked_and_printed_without_control_characters() {
    let home = TestHome::new();
    let file = home.path(&format!("{HOSTILE}.md"));
    for lesson in lessons() {
        std::fs::write(&file, &lesson).unwrap();
        for command in ["check", "open"] {
            output(&home, &home.folder(), &[command, &file.display().to_string()]);
        }
    }
    let (out, _) = output(&home, &home.folder(), &["check", &file.display().to_string()]);
    assert!(out.lines().all(|line| line.contains(".md:")), "a fault is one line: {out}");
}

const THEMES: [Theme; 2] = [Theme::new(Palette::TrueColour, Glyphs::Unicode), Theme::new(Palette::None, Glyphs::Ascii)];

/// Draws the session and examines every cell.
fn drawn(session: &Session) {
    for theme in &THEMES {
        let whole = session.app.screen.whole;
        let mut terminal = Terminal::new(TestBackend::new(whole.width, whole.height)).unwrap();
        terminal.draw(|frame| ui::draw(&session.app, theme, frame)).unwrap();
        for cell in terminal.backend().buffer().content() {
            assert!(cell.symbol().chars().all(|c| !is_terminal_control(c)), "{:?}", cell.symbol());
        }
    }
}

#[test]
fn no_screen_holds_control_characters() {
    let mut session = Session::open();
    session.start_race();
    session.kernel(RunEvent::Notice { run: RunId(1), text: Some(HOSTILE.into()), disk_full: false });
    session.kernel(RunEvent::NotExact { run: RunId(1), why: HOSTILE.into() });
    session.kernel(RunEvent::Backend { run: RunId(1), name: HOSTILE.into() });
    session.kernel(RunEvent::Renamed { run: RunId(1), name: Some(HOSTILE.into()) });
    drawn(&session);
    session.kernel(RunEvent::Failed { run: RunId(1), reason: HOSTILE.into() });
    drawn(&session);
    session.send(Event::StorageFault(Some(HOSTILE.into())));
    session.send(Event::Notice(HOSTILE.into()));
    drawn(&session);
    session.send(Event::OtherVersion(HOSTILE.into()));
    session.send(Event::Unanswered(Tag::Untracked, HOSTILE.into()));
    drawn(&session);

    let mut session = Session::on("sigmoid", 100, 30);
    session.tab_to("curves");
    let CellRecord { cell, spec, .. } = record();
    session
        .send(Event::Kernel(protocol::Event::Cell(CellEvent::Failed { cell: cell.clone(), reason: HOSTILE.into() })));
    drawn(&session);
    session.store_outcome(cell, protocol::ExperimentSpec { effort: Effort::Quick, ..spec }, outcome());
    drawn(&session);

    for lesson in lessons() {
        let (document, _) = lesson::parse(HOSTILE, &lesson);
        let mut library = lesson::Library::english();
        library.faults = lesson::check(&[(document.clone(), Vec::new())], &library.lessons);
        let at = library.put(document);
        let mut session = Session::with(app::App::new(library, at, 80, 24));
        drawn(&session);
        session.type_text("!");
        drawn(&session);
    }
}
