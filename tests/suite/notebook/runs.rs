//! The list of runs by scripted keys: filter, groups, marks, names, tags, notes, and deletion with its undo.

use crate::common::session;
use crate::common::session::Session;
use app::{App, Background, BackgroundSource, Effect, Event, LabPage, Modal, RunsRow, StoreQuery, Tag, runs_keys};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use protocol::{Lane, RequestBody, RunEvent, RunId, RunState, RunSummary, RunTag, Study};
use ui::{Glyphs, Palette, Theme};

const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
const PLAIN: Theme = Theme::new(Palette::None, Glyphs::Ascii);
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

/// A finished run of four epochs.
fn summary(run: i64, text: &str) -> RunSummary {
    let spec: Study = text.parse().unwrap();
    let lanes = spec.lanes();
    let best: Vec<(Lane, f64)> =
        lanes.iter().enumerate().map(|(at, lane)| (*lane, 1.0 + 0.25 * at as f64 + 0.01 * run as f64)).collect();
    let done: Vec<(Lane, u32)> = lanes.iter().map(|lane| (*lane, 4)).collect();
    let value = serde_json::json!({
        "run": run, "name": null, "state": "finished", "spec": spec, "created": 1_795_600_000 + 3600 * run,
        "updated": 0, "elapsed": 75.0, "epochs_done": 4, "done": done, "best": best,
    });
    serde_json::from_value(value).unwrap()
}

fn named(run: RunSummary, name: &str, tags: &str) -> RunSummary {
    RunSummary { name: Some(name.into()), tags: RunTag::parse_list(tags).unwrap(), ..run }
}

/// Six runs, the newest first.
fn six() -> Vec<RunSummary> {
    vec![
        RunSummary { state: RunState::Running, ..summary(16, "relu-tanh; all-tanh | epochs=9 images=1000") },
        RunSummary {
            notes: Some("the rate that diverged in run 12, halved; the tail is still falling".into()),
            ..named(summary(15, "relu-tanh; all-tanh | epochs=4 images=1000 lr=0.05"), "half the rate", "rates keep")
        },
        named(summary(14, "gelu-gelu | epochs=4 images=1000"), "gelu alone", "gelu"),
        summary(13, "relu-tanh; all-tanh | epochs=4 images=1000 seeds=1-3"),
        RunSummary {
            state: RunState::Failed { reason: "all arms diverged".into() },
            ..named(summary(12, "relu-tanh; all-tanh | epochs=4 images=1000 lr=9"), "too fast", "rates")
        },
        RunSummary { state: RunState::Stopped, ..summary(7, "all-tanh | net=mlp epochs=4 images=1000") },
    ]
}

/// The open list of these runs.
fn list_of(runs: Vec<RunSummary>, columns: u16, rows: u16) -> Session {
    let mut session = Session::on("faster", columns, rows);
    session.press(KeyCode::Char('r'));
    session.send(Event::Runs(runs));
    session
}

fn open() -> Session {
    list_of(six(), 120, 40)
}

/// The numbers in the list, from top to bottom; a heading counts as its text.
fn listed(session: &Session) -> Vec<String> {
    let list = list(&session.app);
    let row = |row: RunsRow| match row {
        RunsRow::Group { title, runs } => format!("{title} ({runs})"),
        RunsRow::Run(at) => session.app.runs[at].run.to_string(),
        RunsRow::Unreadable(at) => session.app.unreadable_runs[at].0.to_string(),
    };
    session.app.runs_rows(list).into_iter().map(row).collect()
}

fn list(app: &App) -> &app::RunsList {
    let found = app.modals.iter().find_map(|modal| if let Modal::Runs(list) = modal { Some(list) } else { None });
    found.expect("the list is open")
}

fn selected(session: &Session) -> String {
    let rows = listed(session);
    let list = list(&session.app);
    rows[session.app.selected_row(list, &session.app.runs_rows(list)).unwrap()].clone()
}

fn control(session: &mut Session, c: char) {
    session.send(Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)));
}

#[test]
fn typing_filters_and_no_letter_acts() {
    let mut session = open();
    assert_eq!(listed(&session), ["16", "15", "14", "13", "12", "7"]);
    for (text, found) in [
        ("gelu", &["14"][..]),
        ("lr=0.05 tag:keep", &["15"]),
        ("tag:rates", &["15", "12"]),
        ("state:fin rate", &["15"]),
        ("net=mlp", &["7"]),
        ("RUNNING", &["16"]),
        ("too fast", &["12"]),
        ("dnxuog:?q", &[]),
    ] {
        session.type_text("/");
        session.type_text(text);
        assert_eq!(listed(&session), found, "{text}");
        assert!(session.screen(&RICH).contains(&format!("/ {text}_")), "{}", session.screen(&RICH));
        session.press(KeyCode::Esc);
        assert_eq!(listed(&session).len(), 6, "Esc brings back what was there");
    }
    assert!(session.asked.is_empty());
    // What is kept is narrowed further, and a paste goes into it.
    session.type_text("/rates");
    session.press(KeyCode::Enter);
    assert!(session.screen(&RICH).contains("2 of 6 runs"), "{}", session.screen(&RICH));
    session.press(KeyCode::Down);
    assert_eq!(selected(&session), "12");
    session.type_text("/");
    session.send(Event::Paste(" state:failed".into()));
    assert_eq!((listed(&session), selected(&session)), (vec!["12".to_string()], "12".into()));
    session.press(KeyCode::Esc);
    assert_eq!(listed(&session), ["15", "12"]);
    session.type_text("/");
    control(&mut session, 'u');
    session.press(KeyCode::Enter);
    assert_eq!((listed(&session).len(), selected(&session)), (6, "12".into()), "the selected run stays");
    session.type_text("/no such run");
    assert!(session.screen(&RICH).contains("No run matches"), "{}", session.screen(&RICH));
    session.press(KeyCode::Enter);
    session.press(KeyCode::Enter);
    session.type_text("dt");
    assert!(matches!(session.app.modals[..], [Modal::Runs(_)]) && session.asked.is_empty());
    session.type_text(":");
    assert!(matches!(session.app.modals.last(), Some(Modal::Command(_))));
}

#[test]
fn runs_are_grouped_by_what_differs() {
    let mut session = open();
    let mut headings = Vec::new();
    for _ in 0..12 {
        session.type_text("g");
        let by = list(&session.app).grouping.title();
        headings.push((by, listed(&session)));
        if by.is_none() {
            break;
        }
    }
    let titles: Vec<_> = headings.iter().map(|(by, _)| by.unwrap_or("none")).collect();
    assert_eq!(titles[..2], ["network", "arms"], "the data are the same in all");
    assert_eq!(titles.last(), Some(&"none"));
    for title in ["learning rate", "seeds", "epochs"] {
        assert!(titles.contains(&title), "{titles:?}");
    }
    assert!(!titles.contains(&"momentum"), "the same in all: {titles:?}");
    let rows = |title: &str| headings.iter().find(|(by, _)| *by == Some(title)).unwrap().1.clone();
    assert_eq!(rows("network"), ["network lenet4 (5)", "16", "15", "14", "13", "12", "network mlp (1)", "7"]);
    assert_eq!(rows("arms")[..4], ["arms relu-tanh; all-tanh (4)", "16", "15", "13"]);
    // The selection steps over headings, and G goes back.
    session.type_text("G");
    session.press(KeyCode::Home);
    assert_ne!(list(&session.app).grouping.title(), None);
    let first = selected(&session);
    assert_eq!(first, listed(&session)[1]);
    session.press(KeyCode::Up);
    assert_eq!(selected(&session), first);
    let screen = session.screen(&RICH);
    assert!(screen.contains("by ") && screen.contains(" · 1 run"), "{screen}");
}

#[test]
fn marked_runs_are_compared_and_shown_together() {
    let mut session = open();
    session.press(KeyCode::Down);
    session.press(KeyCode::Char(' '));
    session.press(KeyCode::Down);
    session.press(KeyCode::Char(' '));
    assert_eq!((list(&session.app).marked.clone(), selected(&session)), (vec![RunId(15), RunId(13)], "12".into()));
    let screen = session.screen(&RICH);
    for part in ["2 marked", "learning rate: 0.05 in run 15 · 0.1 in run 13", "seeds: 1 in run 15 · 1-3 in run 13"] {
        assert!(screen.contains(part), "{part}\n{screen}");
    }
    assert!(!screen.contains("momentum:"), "{screen}");
    session.type_text("o");
    assert!(session.app.is_lab_open());
    assert_eq!((session.app.lab.run, session.app.lab.overlaid.clone()), (Some(RunId(15)), vec![RunId(13)]));
    assert_eq!(session.app.lab.page, LabPage::Chart);
    for run in [15, 13] {
        assert!(session.effects.contains(&Effect::Query(StoreQuery::Run(RunId(run)))));
    }
    session.press(KeyCode::Esc);
    assert!(matches!(session.app.modals[..], [Modal::Runs(_)]), "back in the list");
    // A mark is taken away; all are marked, and the laboratory takes no more than it can show.
    session.press(KeyCode::Up);
    session.press(KeyCode::Char(' '));
    assert_eq!(list(&session.app).marked, [RunId(15)]);
    let mut session = list_of((1..=9).rev().map(|run| summary(run, "relu-tanh | epochs=4")).collect(), 80, 24);
    session.type_text("a");
    assert_eq!(list(&session.app).marked.len(), 9);
    assert!(session.screen(&RICH).contains("9 runs marked, all with the same settings"), "{}", session.screen(&RICH));
    session.type_text("o");
    assert!(!session.app.is_lab_open() && session.app.message.as_ref().unwrap().contains("8 fit"));
    session.type_text("a");
    assert!(list(&session.app).marked.is_empty());
}

#[test]
fn runs_are_named_tagged_annotated_and_exported() {
    let mut session = open();
    session.press(KeyCode::Down);
    session.type_text("n");
    control(&mut session, 'u');
    session.type_text("new: dr");
    session.press(KeyCode::Enter);
    let run = RunId(15);
    assert_eq!(session.asked, [RequestBody::Rename { run, name: Some("new: dr".into()) }]);
    assert!(matches!(session.app.modals[..], [Modal::Runs(_)]), "back in the list");
    session.kernel(RunEvent::Renamed { run, name: Some("new: dr".into()) });
    assert!(session.effects.contains(&Effect::Query(StoreQuery::Runs)), "which is read anew");
    assert!(session.screen(&RICH).contains("new: dr"));

    // The line has the tags that there are; what is typed is added, what is removed is taken away.
    session.type_text("t");
    assert!(session.screen(&RICH).contains("rates keep_"), "{}", session.screen(&RICH));
    (0..4).for_each(|_| session.press(KeyCode::Backspace));
    session.type_text("wide, #slow");
    session.press(KeyCode::Enter);
    let tags = |text: &str| RunTag::parse_list(text).unwrap();
    assert_eq!(session.asked[1], RequestBody::Tag { run, add: tags("wide slow"), remove: tags("keep") });
    session.kernel(RunEvent::Tagged { run, tags: tags("rates wide slow") });
    assert!(session.screen(&RICH).contains("#rates #wide #slow"), "{}", session.screen(&RICH));
    session.type_text("t ");
    session.type_text(&"x".repeat(41));
    session.press(KeyCode::Enter);
    assert!(session.screen(&RICH).contains("a tag may have 40 characters"), "{}", session.screen(&RICH));
    session.press(KeyCode::Esc);
    assert_eq!(session.asked.len(), 2);
    // Those of several runs: what all of them have, and each keeps its own.
    session.press(KeyCode::Char(' '));
    (0..2).for_each(|_| session.press(KeyCode::Down));
    session.press(KeyCode::Char(' '));
    session.type_text("t");
    assert!(session.screen(&RICH).contains("Tags of runs 15 and 12") && session.screen(&RICH).contains("rates_"));
    control(&mut session, 'u');
    session.type_text("old slow");
    session.press(KeyCode::Enter);
    let both = [(15, "old"), (12, "old slow")];
    let both = both.map(|(run, add)| RequestBody::Tag { run: RunId(run), add: tags(add), remove: tags("rates") });
    assert_eq!(session.asked[2..], both);

    session.press(KeyCode::Home);
    session.press(KeyCode::Down);
    session.type_text("N");
    assert!(session.screen(&RICH).contains("falling_"), "{}", session.screen(&RICH));
    control(&mut session, 'u');
    session.press(KeyCode::Enter);
    assert_eq!(session.asked.last(), Some(&RequestBody::Note { run, notes: None }));
    session.kernel(RunEvent::Noted { run, notes: Some("two words".into()) });
    assert!(session.screen(&RICH).contains("Notes: two words"), "{}", session.screen(&RICH));

    session.type_text("x");
    control(&mut session, 'u');
    session.send(Event::Paste("/tmp/curves.txt".into()));
    session.press(KeyCode::Enter);
    assert!(session.screen(&RICH).contains("end it in .csv, .json, .svg, .png"), "{}", session.screen(&RICH));
    (0..3).for_each(|_| session.press(KeyCode::Backspace));
    session.type_text("svg");
    session.press(KeyCode::Enter);
    let export = Effect::Export { run, path: "/tmp/curves.svg".into(), shown: None };
    assert!(session.effects.contains(&export));
    // A refusal is shown.
    session.send(Event::Unanswered(Tag::Run(run), "run 15 is being deleted".into()));
    assert_eq!(session.app.message.as_deref(), Some("run 15 is being deleted"));
}

/// A key acts on no run that the filter hides, and says on which it acted.
#[test]
fn marks_that_the_filter_hides_are_left_alone() {
    let mut session = open();
    session.press(KeyCode::Down);
    (0..3).for_each(|_| session.press(KeyCode::Char(' ')));
    assert_eq!(list(&session.app).marked, [RunId(15), RunId(14), RunId(13)]);
    session.type_text("/gelu");
    session.press(KeyCode::Enter);
    let screen = session.screen(&RICH);
    assert!(screen.contains("1 marked · 2 marked that the filter hides"), "{screen}");
    session.type_text("y");
    let copied = session.effects.iter().rev().find_map(|effect| match effect {
        Effect::Copy(copied) => Some(copied.what.clone()),
        _ => None,
    });
    assert_eq!(copied.as_deref(), Some("the study of run 14"));
    session.type_text("d");
    assert_eq!(session.app.message.as_deref(), Some("run 14 is deleted; u brings it back, until you quit"));
    // Now nothing matches, and each key says so.
    for key in "dytxoaeNn ".chars() {
        session.app.message = None;
        session.press(KeyCode::Char(key));
        assert!(session.app.message.as_ref().unwrap().contains("no run matches the filter"), "{key}");
    }
    assert!(!session.screen(&RICH).contains("d deletes"), "{}", session.screen(&RICH));
    session.type_text("u/");
    control(&mut session, 'u');
    session.press(KeyCode::Enter);
    session.press(KeyCode::Home);
    session.type_text("y");
    let copied = session.effects.iter().rev().find_map(|effect| match effect {
        Effect::Copy(copied) => Some(copied.clone()),
        _ => None,
    });
    let copied = copied.unwrap();
    assert_eq!(copied.what, "the studies of runs 15 and 13");
    assert!(copied.text.starts_with("15\thalf the rate\trelu-tanh; all-tanh |") && copied.text.lines().count() == 2);
    session.type_text("d");
    assert_eq!(session.app.message.as_deref(), Some("runs 15 and 13 are deleted; u brings them back, until you quit"));
}

#[test]
fn a_pasted_text_is_one_line_and_what_is_too_long_is_said() {
    let mut session = open();
    session.press(KeyCode::Down);
    session.type_text("N");
    control(&mut session, 'u');
    session.send(Event::Paste("one\n\ttwo".into()));
    assert!(session.screen(&RICH).contains("one two_"), "{}", session.screen(&RICH));
    session.send(Event::Paste("x".repeat(3000)));
    assert!(session.screen(&RICH).contains("at most 2000 characters; the rest was left out"));
    control(&mut session, 'u');
    session.send(Event::Paste("kept".into()));
    // The run is deleted meanwhile: the text stays, with the reason.
    session.kernel(RunEvent::Deleted { run: RunId(15) });
    session.press(KeyCode::Enter);
    let screen = session.screen(&RICH);
    assert!(screen.contains("kept_") && screen.contains("run 15 is deleted"), "{screen}");
    assert_eq!(session.asked, []);
    session.press(KeyCode::Esc);
    // A refusal brings the line back too.
    session.type_text("N");
    session.send(Event::Paste("kept".into()));
    session.press(KeyCode::Enter);
    session.send(Event::Unanswered(Tag::Run(RunId(14)), "the disk is full".into()));
    let screen = session.screen(&RICH);
    assert!(screen.contains("kept_") && screen.contains("the disk is full"), "{screen}");
    session.press(KeyCode::Esc);
    session.type_text("t");
    control(&mut session, 'u');
    session.send(Event::Paste("gelu-gelu | lr=0.1".into()));
    session.press(KeyCode::Enter);
    assert!(session.screen(&RICH).contains("a tag holds no"), "{}", session.screen(&RICH));
}

#[test]
fn a_study_goes_into_the_laboratory() {
    let mut session = open();
    session.press(KeyCode::Down);
    session.type_text("e");
    assert!(session.app.is_lab_open());
    assert_eq!((session.app.lab.page, session.app.lab.run), (LabPage::Study, Some(RunId(15))));
    let study = session.app.lab.table.text();
    assert!(study.contains("lr=0.05"), "{study}");
    session.press(KeyCode::Esc);
    assert!(matches!(session.app.modals[..], [Modal::Runs(_)]), "back in the list");
}

fn deletions(effects: &[Effect]) -> Vec<i64> {
    let deleted = |effect: &Effect| match effect {
        Effect::Request(Tag::Delete(run), RequestBody::Delete { run: body }) if run == body => Some(run.0),
        _ => None,
    };
    effects.iter().filter_map(deleted).collect()
}

#[test]
fn a_deleted_run_comes_back_until_the_notebook_quits() {
    let mut session = open();
    session.type_text("d");
    assert!(session.app.message.as_ref().unwrap().contains("run 16 is not at rest"));
    session.press(KeyCode::Down);
    session.type_text("d");
    assert_eq!(
        (listed(&session), selected(&session)),
        (["16", "14", "13", "12", "7"].map(String::from).to_vec(), "14".into())
    );
    assert!(session.app.message.as_ref().unwrap().contains("u brings it back"));
    // The store still has it.
    session.send(Event::Runs(six()));
    assert_eq!(listed(&session).len(), 5);
    for mark in [KeyCode::Char(' '), KeyCode::Char(' ')] {
        session.press(mark);
    }
    session.type_text("d");
    assert_eq!(listed(&session), ["16", "12", "7"]);
    assert!(session.screen(&RICH).contains("3 deleted"), "{}", session.screen(&RICH));
    assert!(list(&session.app).marked.is_empty());
    session.type_text("u");
    assert_eq!((listed(&session).len(), selected(&session)), (5, "14".into()));
    session.type_text("u");
    assert_eq!((listed(&session).len(), selected(&session)), (6, "15".into()));
    session.type_text("u");
    assert!(session.app.message.as_ref().unwrap().contains("nothing has been deleted"));
    assert!(session.asked.is_empty(), "the kernel was asked for nothing");

    session.type_text("d");
    session.press(KeyCode::End);
    session.type_text("d");
    session.press(KeyCode::Esc);
    session.type_text("q");
    assert_eq!((session.app.quit, deletions(&session.effects)), (true, vec![15, 7]));
    session.send(Event::Shutdown);
    assert_eq!(deletions(&session.effects).len(), 2, "once");
}

/// What ends the notebook from outside may be an accident.
#[test]
fn a_notebook_that_is_killed_has_deleted_nothing() {
    let mut session = open();
    session.press(KeyCode::Down);
    session.type_text("d");
    session.send(Event::Shutdown);
    assert!(session.app.quit);
    assert_eq!(deletions(&session.effects), [0; 0]);
}

#[test]
fn on_a_full_disk_deleted_runs_are_deleted_for_good() {
    let full = RunEvent::Notice { run: RunId(16), text: Some("The disk is full.".into()), disk_full: true };
    let other = RunEvent::Notice { run: RunId(16), text: Some("It waits.".into()), disk_full: false };
    for event in [Event::DiskFull, Event::Kernel(protocol::Event::Run(full))] {
        let mut session = open();
        session.press(KeyCode::Down);
        session.type_text("d");
        session.kernel(other.clone());
        assert_eq!(deletions(&session.effects), [0; 0]);
        session.send(event.clone());
        assert_eq!(deletions(&session.effects), [15]);
        assert!(session.app.message.as_ref().unwrap().contains("1 run that you deleted can't be brought back"));
        session.send(event);
        session.type_text("u");
        assert!(session.app.message.as_ref().unwrap().contains("nothing has been deleted"));
        assert_eq!(deletions(&session.effects), [15]);
        // Refused: it is in the store, so it is in the list again.
        session.effects.clear();
        session.send(Event::Unanswered(Tag::Delete(RunId(15)), "run 15 is not over; stop it first".into()));
        assert!(session.effects.contains(&Effect::Query(StoreQuery::Runs)));
    }
}

/// Another notebook or the command line deletes it for good.
#[test]
fn what_is_deleted_elsewhere_does_not_come_back() {
    let mut session = open();
    session.press(KeyCode::Down);
    session.type_text("d");
    session.kernel(RunEvent::Deleted { run: RunId(15) });
    session.kernel(RunEvent::Deleted { run: RunId(13) });
    assert_eq!(listed(&session), ["16", "14", "12", "7"]);
    session.type_text("u");
    let message = session.app.message.clone().unwrap();
    assert!(message.contains("run 15 is gone for good") && !message.contains("13"), "{message}");
    session.type_text("u");
    assert!(session.app.message.as_ref().unwrap().contains("nothing has been deleted"));
}

/// The lines of a long list that are drawn, and the run that is selected among them.
#[test]
fn a_long_list_scrolls_and_shows_what_is_selected() {
    let all: Vec<RunSummary> = (1..=2000).rev().map(|run| summary(run, "relu-tanh | epochs=4")).collect();
    for (columns, rows) in SIZES.into_iter().chain([(40, 12)]) {
        let mut session = list_of(all.clone(), columns, rows);
        let height = usize::from(session.app.runs_layout().list.height);
        let shown = |session: &Session| {
            let screen = session.screen(&RICH);
            let lines = screen.lines().filter(|line| line.contains(" finished "));
            let number = |line: &str| line.split(" finished ").next()?.split_whitespace().last()?.parse::<i64>().ok();
            lines.map(|line| number(line).unwrap()).collect::<Vec<_>>()
        };
        let at_top = shown(&session);
        assert_eq!(at_top, (2001 - height as i64..=2000).rev().collect::<Vec<_>>(), "no more than are seen");
        session.press(KeyCode::PageDown);
        assert_eq!(selected(&session), (2001 - height as i64).to_string());
        assert_eq!(shown(&session), at_top, "the last of this page");
        session.press(KeyCode::PageDown);
        let second = shown(&session);
        assert_eq!((second.len(), second[0]), (height, 2001 - height as i64), "one of the last page stays");
        session.press(KeyCode::Up);
        assert_eq!(shown(&session), second, "the list moves only at its edge");
        session.press(KeyCode::End);
        assert_eq!((selected(&session), shown(&session).last()), ("1".into(), Some(&1)));
        session.press(KeyCode::PageUp);
        session.press(KeyCode::Home);
        assert_eq!(shown(&session), at_top);
        // A run that begins meanwhile moves nothing away from under the cursor.
        session.press(KeyCode::Down);
        let mut more = all.clone();
        more.insert(0, summary(2001, "relu-tanh | epochs=4"));
        session.send(Event::Runs(more));
        assert_eq!(selected(&session), "1999");
        assert!(shown(&session).contains(&1999));
    }
}

/// The list opens with its newest runs while the store reads the others.
#[test]
fn the_newest_runs_are_listed_first() {
    let all: Vec<RunSummary> = (1..=300).rev().map(|run| summary(run, "relu-tanh | epochs=4")).collect();
    let mut session = Session::on("faster", 120, 40);
    session.press(KeyCode::Char('r'));
    assert!(session.screen(&RICH).contains("Reading the list of runs"));
    session.send(Event::NewestRuns(all[..100].to_vec()));
    let screen = session.screen(&RICH);
    assert!(screen.contains("the newest 100, reading the others"), "{screen}");
    session.press(KeyCode::Down);
    assert_eq!(selected(&session), "299");
    session.send(Event::Runs(all.clone()));
    let screen = session.screen(&RICH);
    assert!(screen.contains("300 runs") && !screen.contains("newest"), "{screen}");
    assert_eq!(selected(&session), "299");
    // A page that comes late replaces no list.
    session.send(Event::NewestRuns(all[..100].to_vec()));
    assert!(session.screen(&RICH).contains("300 runs"));
}

#[test]
fn the_size_of_the_selected_run_is_asked_for_once() {
    let mut session = open();
    let sizes = |session: &Session| {
        let asked = |effect: &Effect| {
            if let Effect::Query(StoreQuery::RunSize(run)) = effect { Some(run.0) } else { None }
        };
        session.effects.iter().filter_map(asked).collect::<Vec<_>>()
    };
    assert_eq!(sizes(&session), [16]);
    session.send(Event::RunSize { run: RunId(16), bytes: 26_300_000 });
    assert!(session.screen(&RICH).contains("checkpoints 26.3 MB"), "{}", session.screen(&RICH));
    session.press(KeyCode::Down);
    session.press(KeyCode::Up);
    assert_eq!(sizes(&session), [16, 15], "no list is read for it");
}

/// On a small screen too a run is found by its name, and what is known of it begins with each of its parts.
#[test]
fn a_small_list_has_names_and_the_study() {
    let mut session = list_of(six(), 80, 24);
    let screen = session.screen(&RICH);
    for (run, name) in [(15, "half the rate"), (14, "gelu alone"), (12, "too fast")] {
        let row = screen.lines().find(|line| line.contains(&format!("  {run}  "))).unwrap();
        assert!(row.contains(name), "{row}");
    }
    // No error is cut within its number.
    assert!(screen.contains("ReLU+Tanh 1.15, … · half the rate"), "{screen}");
    session.press(KeyCode::Down);
    let screen = session.screen(&RICH);
    assert!(screen.contains("Notes: the rate that diverged") && screen.contains("Study: relu-tanh"), "{screen}");
    // Many arms: the last row says that the study goes on.
    let arms: Vec<String> = (1..=30).map(|arm| format!("gelu-gelu lr=0.{arm:03}")).collect();
    let session = list_of(vec![summary(3, &format!("{} | epochs=4 images=1000", arms.join("; ")))], 80, 24);
    let screen = session.screen(&RICH);
    let detail = session.app.runs_layout().detail;
    let last = screen.lines().nth(usize::from(detail.bottom() - 1)).unwrap();
    assert!(screen.contains("Study: gelu-gelu"), "{screen}");
    assert!(last.trim_end_matches([' ', '┃']).ends_with('…'), "{last}\n{screen}");
}

#[test]
fn help_has_the_keys_of_the_list() {
    for behind in ["", "E"] {
        let mut session = Session::on("faster", 80, 60);
        session.type_text(behind);
        session.type_text("r?");
        let screen = session.screen(&RICH);
        for binding in runs_keys::shown() {
            assert!(screen.contains(&format!("{} ", binding.help)), "{}\n{screen}", binding.help);
        }
        session.press(KeyCode::Esc);
        assert!(matches!(session.app.modals.last(), Some(Modal::Runs(_))));
    }
}

#[test]
fn a_click_opens_a_run() {
    for (columns, rows) in SIZES {
        let mut session = list_of(six(), columns, rows);
        session.type_text("gg");
        let area = session.app.runs_layout().list;
        let click = |session: &mut Session, row: u16| {
            session.send(Event::Mouse(MouseEvent {
                kind: MouseEventKind::Down(MouseButton::Left),
                column: area.x + 3,
                row: area.y + row,
                modifiers: KeyModifiers::NONE,
            }));
        };
        click(&mut session, 0);
        assert!(matches!(session.app.modals[..], [Modal::Runs(_)]), "a heading is none");
        click(&mut session, 2);
        assert!(matches!(session.app.modals[..], [Modal::Runs(_), Modal::Run(RunId(15))]));
    }
}

#[test]
fn every_size_draws() {
    for columns in [40, 59, 60, 101, 150, 300] {
        for rows in [12, 16, 24, 60] {
            for theme in [RICH, PLAIN] {
                let mut session = list_of(six(), columns, rows);
                session.screen(&theme);
                session.type_text("a");
                session.screen(&theme);
                session.type_text("ggg/rates");
                let screen = session.screen(&theme);
                assert!(screen.contains("/ rates_"), "{columns}x{rows}\n{screen}");
                session.press(KeyCode::Enter);
                for key in ['n', 't', 'N', 'x', '?'] {
                    session.press(KeyCode::Char(key));
                    session.screen(&theme);
                    session.press(KeyCode::Esc);
                }
            }
        }
    }
}

#[test]
fn screens() {
    for (columns, rows) in SIZES {
        let shot = |name: &str, app: &App, theme: &Theme| {
            insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), session::picture(app, theme));
        };
        let mut session = list_of(six(), columns, rows);
        session.press(KeyCode::Down);
        session.send(Event::RunSize { run: RunId(15), bytes: 26_300_000 });
        shot("list", &session.app, &RICH);
        session.type_text("gg");
        session.press(KeyCode::Char(' '));
        session.press(KeyCode::Down);
        session.press(KeyCode::Char(' '));
        shot("grouped", &session.app, &RICH);
        shot("ascii", &session.app, &PLAIN);
        session.type_text("/rat");
        let light = session.app.with_background(Background::Light, BackgroundSource::Chosen);
        shot("light", &light, &RICH);
        let mut session = list_of(six(), columns, rows);
        session.press(KeyCode::Down);
        session.type_text("N");
        shot("notes", &session.app, &RICH);
    }
}
