//! View cells: what they ask, what they show, and where they lead.

use crate::common::session::Session;
use crate::common::small_network::{self, mnist};
use app::{App, Effect, Event, InsidePage, Modal, StoreQuery, Tag};
use crossterm::event::KeyCode;
use learn::view::Subject;
use lesson::{Library, parse};
use protocol::{
    ArmId, Lane, LayerFilters, Preset, Reply, RequestBody, RunEvent, RunId, Seen, Study, View, ViewAnswer, ViewRequest,
};
use ui::{Glyphs, Palette, Theme};

const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
/// Few colours, so that a snapshot can name them.
const SIXTEEN: Theme = Theme::new(Palette::Sixteen, Glyphs::Unicode);
const RUN: RunId = RunId(7);
const ARMS: [ArmId; 2] = [ArmId::RELU_TANH, ArmId::ALL_TANH];

const LESSON: &str = "+++\nid = \"own\"\ntitle = \"Own\"\npart = \"I\"\nsummary = \"s\"\nminutes = 1\n+++\n\n\
    A view follows.\n\n\
    ```view\nid = \"filters\"\ntitle = \"Filters of both networks\"\nof = \"faster/race\"\nshow = \"filters\"\n\
    caption = \"Each tile is a filter.\"\n```\n";

/// A lesson with a view of lesson 12's race, at its head.
fn lesson(columns: u16, rows: u16) -> Session {
    lesson_of(LESSON, columns, rows)
}

fn lesson_of(text: &str, columns: u16, rows: u16) -> Session {
    let mut library = Library::english();
    let (document, faults) = parse("own.md", text);
    assert_eq!(faults, []);
    let at = library.put(document);
    Session::with(App::new(library, at, columns, rows))
}

/// The same after the race has trained.
fn trained(columns: u16, rows: u16) -> Session {
    trained_with(LESSON, columns, rows)
}

fn trained_with(text: &str, columns: u16, rows: u16) -> Session {
    let mut session = lesson_of(text, columns, rows);
    session.send(Event::StoredProgress(vec![("cell-run/faster/race".into(), RUN.0.into())]));
    session.kernel(RunEvent::Started { run: RUN, spec: Study::of(Preset::Article) });
    session.send(Event::History(RUN, Vec::new()));
    session
}

fn lane(arm: ArmId) -> Lane {
    Lane { arm, seed: 1 }
}

fn keep(session: &mut Session, epochs: &[u32]) {
    for arm in ARMS {
        session.send(Event::KeptEpochs { run: RUN, lane: lane(arm), epochs: epochs.to_vec() });
    }
}

/// The questions so far, each with its number.
fn asked(session: &Session) -> Vec<(u64, ViewRequest)> {
    let question = |effect: &Effect| match effect {
        Effect::Request(Tag::View(number), RequestBody::View(request)) => Some((*number, (**request).clone())),
        _ => None,
    };
    session.effects.iter().filter_map(question).collect()
}

fn answer(session: &mut Session, (number, request): &(u64, ViewRequest)) {
    let layer = LayerFilters {
        layer: "conv1".parse().unwrap(),
        maps: 4,
        inputs: 1,
        side: 5,
        weights: (0..100).map(|at| (at % 7) as f32 / 3.0 - 1.0).collect(),
        biases: vec![0.0; 4],
    };
    let answer = ViewAnswer {
        run: RUN,
        arm: request.arm.unwrap(),
        seed: request.seed.unwrap(),
        epoch: request.epoch.unwrap(),
        changes: Vec::new(),
        seen: Seen::Filters { layers: vec![layer] },
    };
    session.send(Event::Reply(Tag::View(*number), Reply::View(Box::new(answer))));
}

#[test]
fn a_view_without_a_run_leads_to_its_race() {
    let mut session = lesson(80, 24);
    session.tab_to("filters");
    let screen = session.screen(&RICH);
    assert!(screen.contains("Your own networks stand here once they have been trained"), "{screen}");
    assert_eq!(session.app.hints()[0], "Enter to the race");
    session.press(KeyCode::Char('i'));
    assert!(!session.app.is_inside_open() && session.app.message.is_some());
    session.press(KeyCode::Enter);
    assert_eq!(session.app.document().meta.id, "faster");
    assert_eq!(session.app.focused().map(|cell| cell.id.as_str()), Some("race"));
    session.press(KeyCode::Esc);
    assert_eq!(session.app.document().meta.id, "own");
    assert_eq!(session.asked, []);
}

#[test]
fn a_view_asks_only_after_a_key_with_it_on_the_screen() {
    let mut session = trained(120, 40);
    assert!(session.app.view.sees_cell(0), "it is on the screen when the lesson opens");
    keep(&mut session, &[1, 2, 4]);
    assert_eq!(asked(&session), []);
    let screen = session.screen(&RICH);
    assert!(screen.contains("The next key that you press here"), "{screen}");
    session.press(KeyCode::Tab);
    let questions = asked(&session);
    let expected = |arm| ViewRequest {
        run: RUN,
        arm: Some(arm),
        seed: Some(1),
        epoch: Some(4),
        changes: Vec::new(),
        view: View::Filters,
    };
    let requests: Vec<ViewRequest> = questions.iter().map(|(_, request)| request.clone()).collect();
    assert_eq!(requests, ARMS.map(expected));
    session.press(KeyCode::Down);
    assert_eq!(asked(&session).len(), 2, "nothing is asked twice");
    for question in &questions {
        answer(&mut session, question);
    }
    assert_eq!(asked(&session).len(), 2);
    let screen = session.screen(&RICH);
    assert!(screen.contains("epoch 4") && screen.contains("conv1: 4 of 5x5"), "{screen}");
    assert!(screen.contains("Each tile is a filter."), "{screen}");
}

#[test]
fn a_view_leads_inside_its_run_and_shares_the_answers() {
    for (columns, rows) in [(80, 24), (120, 40), (200, 50)] {
        for key in [KeyCode::Enter, KeyCode::Char('i')] {
            let mut session = trained(columns, rows);
            session.tab_to("filters");
            keep(&mut session, &[1, 2]);
            for question in asked(&session) {
                answer(&mut session, &question);
            }
            assert_eq!(session.app.hints()[0], "Enter look inside");
            session.press(key);
            assert!(matches!(session.app.modals[..], [Modal::Inside]));
            assert_eq!((session.app.inside.run, session.app.inside.page), (Some(RUN), InsidePage::Filters));
            keep(&mut session, &[1, 2]);
            assert_eq!(asked(&session).len(), 2, "both places have the same answers");
            let screen = session.screen(&RICH);
            assert!(screen.contains("conv1: 4 of 5x5") && screen.contains("2/2, newest"), "{screen}");
            session.press(KeyCode::Esc);
            assert!(session.app.modals.is_empty());
        }
    }
}

#[test]
fn a_view_follows_its_run_once_that_is_at_rest() {
    let mut session = trained(120, 40);
    session.tab_to("filters");
    keep(&mut session, &[1]);
    for question in asked(&session) {
        answer(&mut session, &question);
    }
    let kept = |session: &Session| {
        let is_query = |effect: &&Effect| matches!(effect, Effect::Query(StoreQuery::KeptEpochs { .. }));
        session.effects.iter().filter(is_query).count()
    };
    let before = kept(&session);
    for epoch in 2..=5 {
        let record = protocol::EpochRecord::new(lane(ArmId::RELU_TANH), epoch, []);
        session.kernel(RunEvent::Epoch { run: RUN, record });
    }
    assert_eq!(kept(&session), before, "a view an epoch would slow the training down");
    session.kernel(RunEvent::Finished { run: RUN });
    assert_eq!(kept(&session), before + 2);
    keep(&mut session, &[1, 5]);
    let epochs: Vec<Option<u32>> = asked(&session).iter().map(|(_, request)| request.epoch).collect();
    assert_eq!(epochs, [Some(1), Some(1), Some(5), Some(5)]);
    let screen = session.screen(&RICH);
    assert!(screen.contains("epoch 1"), "the earlier one stays until it has come: {screen}");
}

#[test]
fn a_view_of_a_run_without_an_epoch_says_so() {
    let mut session = trained(80, 24);
    session.tab_to("filters");
    keep(&mut session, &[]);
    let screen = session.screen(&RICH);
    assert!(screen.contains("come to the end of an epoch yet"), "{screen}");
    assert_eq!(session.app.hints()[0], "Enter to the race");
    assert_eq!(asked(&session), []);
}

/// An answer of the network of fixed weights.
fn answer_with_numbers(session: &mut Session, (number, request): &(u64, ViewRequest)) {
    let lane = Lane { arm: request.arm.unwrap(), seed: 1 };
    let study = "relu-tanh; all-tanh | widths=3,5,7 images=2000 val=300 seeds=1 epochs=4".parse().unwrap();
    let subject = Subject::new(&small_network::snapshot(lane, 4, 1.0, 2), &study, mnist(), &[]).unwrap();
    let seen = subject.view(&request.view, &mut || false).unwrap().unwrap();
    let answer = ViewAnswer { run: RUN, arm: lane.arm, seed: 1, epoch: 4, changes: Vec::new(), seen };
    session.send(Event::Reply(Tag::View(*number), Reply::View(Box::new(answer))));
}

#[test]
fn the_answer_to_an_image_and_one_of_its_sums_stand_in_a_lesson() {
    let head = LESSON.split_once("```view").unwrap().0;
    let cell = |show: &str| format!("{head}```view\nid = \"v\"\ntitle = \"V\"\nof = \"faster/race\"\n{show}\n```\n");
    let ask = cell("show = \"ask\"\nimage = 17");
    let products = cell(
        "show = \"products\"\nimage = 17\nlayer = \"conv1\"\nunit = 1\nrow = 10\ncolumn = 14\narms = [\"all-tanh\"]",
    );
    for (name, text, columns, rows) in
        [("ask_80x24", &ask, 80, 24), ("ask_120x40", &ask, 120, 40), ("products_80x24", &products, 80, 24)]
    {
        let mut session = trained_with(text, columns, rows);
        session.tab_to("v");
        keep(&mut session, &[4]);
        for question in asked(&session) {
            answer_with_numbers(&mut session, &question);
        }
        insta::assert_snapshot!(format!("view_{name}"), session.picture(&SIXTEEN));
        session.press(KeyCode::Enter);
        assert_eq!((session.app.inside.page, session.app.inside.image), (InsidePage::Maps, 17));
        let place = session.app.inside.product.map(|place| (place.row, place.column));
        assert_eq!(place, name.starts_with("products").then_some((10, 14)));
    }
}
