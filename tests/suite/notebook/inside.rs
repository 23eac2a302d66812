//! The inside of networks by scripted keys: what is asked, what the screens show, and where the keys lead. The answers are those of
//! the views themselves, for a small network with fixed weights.

use crate::common::session::Session;
use crate::common::small_network::{self, mnist};
use app::{Drawn, Effect, Event, InsidePage, InsideTarget, MistakeFilter, Modal, Pen, Shown, StoreQuery, Tag};
use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use learn::view::Subject;
use protocol::{
    ErrorKind, ImageSplit, Lane, Layer, Reply, RequestBody, RunEvent, RunId, Seen, Study, Surgery, View, ViewAnswer,
    ViewImage, ViewRequest,
};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::collections::BTreeSet;
use ui::{Glyphs, Palette, Theme};

const RUN: RunId = RunId(7);
/// Few colours, so that a snapshot can name them.
const SIXTEEN: Theme = Theme::new(Palette::Sixteen, Glyphs::Unicode);
const PLAIN: Theme = Theme::new(Palette::None, Glyphs::Ascii);
const KEPT: [u32; 3] = [1, 2, 4];

fn study() -> Study {
    "relu-tanh; all-tanh | widths=3,5,7 images=2000 val=300 seeds=1 epochs=4".parse().unwrap()
}

/// The kernel's answer to a question.
fn answer(request: &ViewRequest) -> ViewAnswer {
    let lane = Lane { arm: request.arm.unwrap(), seed: request.seed.unwrap() };
    let epoch = request.epoch.unwrap();
    // Its weights grow with the epoch.
    let snapshot = small_network::snapshot(lane, epoch, f64::from(epoch) / 4.0, 2);
    let subject = Subject::new(&snapshot, &study(), mnist(), &request.changes).unwrap();
    let seen = subject.view(&request.view, &mut || false).unwrap().unwrap();
    ViewAnswer { run: RUN, arm: lane.arm, seed: lane.seed, epoch, changes: request.changes.clone(), seen }
}

/// A session with the effects that were answered already.
struct Inside {
    session: Session,
    answered: usize,
    /// The kept epochs of each lane in the store.
    kept: fn(Lane) -> Vec<u32>,
}

impl Inside {
    fn open(columns: u16, rows: u16) -> Self {
        Self::open_with(columns, rows, |_| KEPT.to_vec())
    }

    fn open_with(columns: u16, rows: u16, kept: fn(Lane) -> Vec<u32>) -> Self {
        let mut session = Session::on("faster", columns, rows);
        session.send(Event::OpenInside(RUN));
        let mut inside = Self { session, answered: 0, kept };
        inside.session.send(Event::History(RUN, vec![RunEvent::Started { run: RUN, spec: study() }]));
        inside.settle();
        inside
    }

    /// The questions that were sent since the last call; queries of the store are answered at once.
    fn questions(&mut self) -> Vec<(u64, ViewRequest)> {
        let mut found = Vec::new();
        while self.answered < self.session.effects.len() {
            let effect = self.session.effects[self.answered].clone();
            self.answered += 1;
            match effect {
                Effect::Query(StoreQuery::KeptEpochs { run, lane }) => {
                    self.session.send(Event::KeptEpochs { run, lane, epochs: (self.kept)(lane) });
                }
                Effect::Request(Tag::View(number), RequestBody::View(request)) => found.push((number, *request)),
                _ => {}
            }
        }
        found
    }

    /// Answers every question until there is none.
    fn settle(&mut self) {
        loop {
            let questions = self.questions();
            if questions.is_empty() {
                return;
            }
            for (number, request) in questions {
                let reply = Reply::View(Box::new(answer(&request)));
                self.session.send(Event::Reply(Tag::View(number), reply));
            }
        }
    }

    fn keys(&mut self, text: &str) {
        self.session.type_text(text);
        self.settle();
    }

    fn press(&mut self, code: KeyCode) {
        self.session.press(code);
        self.settle();
    }

    fn lanes(&self) -> [Lane; 2] {
        let lanes = self.session.app.inside_lanes();
        [lanes[0].1, lanes[1].1]
    }

    fn screen(&self) -> String {
        self.session.screen(&SIXTEEN)
    }

    /// Why there is no checkpoint of a lane.
    fn absence(&self, lane: Lane) -> &'static str {
        match self.session.app.inside_shown(lane) {
            Shown::Absent(why) => why,
            other => panic!("{other:?}"),
        }
    }

    /// How many views were asked for.
    fn asked(&self) -> usize {
        self.session.asked.iter().filter(|body| matches!(body, RequestBody::View(_))).count()
    }

    fn epoch(&self) -> u32 {
        let shown = self.session.app.inside_shown(self.lanes()[0]);
        assert!(shown.is_current());
        shown.answer().unwrap().epoch
    }
}

#[test]
fn the_pages_at_the_named_sizes() {
    for (columns, rows) in [(80, 24), (120, 40)] {
        let mut inside = Inside::open(columns, rows);
        insta::assert_snapshot!(format!("inside_filters_{columns}x{rows}"), inside.session.picture(&SIXTEEN));
        for (key, name) in [
            ("2", "maps"),
            ("3", "sums"),
            ("4", "units"),
            ("5", "gradients"),
            ("6", "confusion"),
            ("7", "mistakes"),
            ("9", "wants"),
            ("0", "surgery"),
        ] {
            inside.keys(key);
            insta::assert_snapshot!(format!("inside_{name}_{columns}x{rows}"), inside.screen());
        }
    }
    let mut plain = Inside::open(80, 24);
    insta::assert_snapshot!("inside_filters_plain_80x24", plain.session.screen(&PLAIN));
    plain.keys("8 ");
    (0..6).for_each(|_| plain.press(KeyCode::Down));
    insta::assert_snapshot!("inside_digit_plain_80x24", plain.session.screen(&PLAIN));
}

#[test]
fn epochs_are_stepped_through_and_what_is_known_is_not_asked_again() {
    let mut inside = Inside::open(80, 24);
    assert_eq!((inside.session.app.inside.page, inside.epoch()), (InsidePage::Filters, 4));
    let mut seen = Vec::new();
    for key in [KeyCode::Left, KeyCode::Left, KeyCode::Left, KeyCode::Right, KeyCode::Right, KeyCode::Right] {
        inside.press(key);
        seen.push(inside.epoch());
    }
    assert_eq!(seen, [2, 1, 1, 2, 4, 4]);
    assert_eq!(inside.asked(), 2 * KEPT.len(), "three epochs of two arms");
    // A click on the timeline goes there.
    let layout = inside.session.app.inside_layout();
    let (_, x) = layout.epoch_columns(&KEPT)[1];
    let click = MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: x,
        row: layout.timeline.y,
        modifiers: KeyModifiers::NONE,
    };
    inside.session.send(Event::Mouse(click));
    inside.settle();
    assert_eq!(inside.epoch(), 2);
    inside.press(KeyCode::Home);
    assert_eq!(inside.epoch(), 1);
    inside.press(KeyCode::End);
    assert_eq!(inside.epoch(), 4);
}

/// While an answer is on its way, further keys ask nothing, and then the last place alone.
#[test]
fn a_key_that_is_held_down_leaves_no_questions_behind() {
    let mut inside = Inside::open(80, 24);
    inside.keys("2");
    (0..30).for_each(|_| inside.session.press(KeyCode::Char('n')));
    let first = inside.questions();
    let numbers = |questions: &[(u64, ViewRequest)]| -> Vec<u32> {
        let number = |request: &ViewRequest| match &request.view {
            View::Maps { image: ViewImage::Of { number, .. } } => *number,
            other => panic!("{other:?}"),
        };
        questions.iter().map(|(_, request)| number(request)).collect()
    };
    assert_eq!(numbers(&first), [1, 1]);
    for (number, request) in first {
        inside.session.send(Event::Reply(Tag::View(number), Reply::View(Box::new(answer(&request)))));
    }
    let second = inside.questions();
    assert_eq!(numbers(&second), [30, 30]);
}

#[test]
fn playing_goes_on_when_what_is_shown_has_come_and_ends_at_the_newest() {
    let mut inside = Inside::open(80, 24);
    inside.session.type_text(" ");
    assert!(inside.session.effects.iter().any(|effect| matches!(effect, Effect::Wake(_))));
    assert_eq!(inside.session.app.inside.epoch, Some(1));
    // The answer has not come yet.
    inside.session.send(Event::Woken);
    assert_eq!(inside.session.app.inside.epoch, Some(1));
    inside.settle();
    inside.session.send(Event::Woken);
    assert_eq!(inside.session.app.inside.epoch, Some(2));
    inside.settle();
    inside.session.send(Event::Woken);
    assert!(!inside.session.app.inside.is_playing);
    assert_eq!(inside.epoch(), 4);
}

#[test]
fn a_damaged_checkpoint_is_left_out_with_a_word() {
    let mut inside = Inside::open(80, 24);
    inside.session.press(KeyCode::Left);
    let questions = inside.questions();
    for (number, request) in questions {
        assert_eq!(request.epoch, Some(2));
        let message = "epoch-0002.safetensors can't be read (it ends too early); look at another epoch".into();
        inside.session.send(Event::Reply(Tag::View(number), Reply::Refused { kind: ErrorKind::Storage, message }));
    }
    let screen = inside.screen();
    assert!(screen.contains("epoch 2 is left out: epoch-0002"), "{screen}");
    inside.settle();
    assert_eq!(inside.session.app.inside_timeline(), [1, 4]);
    assert_eq!(inside.epoch(), 1);
}

/// Its file may have been restored, so it is looked at anew when the inside is opened again.
#[test]
fn a_damaged_checkpoint_is_tried_again_when_the_inside_is_opened_again() {
    let mut inside = Inside::open(80, 24);
    inside.session.press(KeyCode::Left);
    for (number, _) in inside.questions() {
        let (kind, message) = (ErrorKind::Storage, "it ends too early".into());
        inside.session.send(Event::Reply(Tag::View(number), Reply::Refused { kind, message }));
    }
    inside.settle();
    assert_eq!(inside.session.app.inside_timeline(), [1, 4]);
    inside.press(KeyCode::Esc);
    inside.session.send(Event::OpenInside(RUN));
    inside.settle();
    assert_eq!((inside.session.app.inside_timeline(), inside.epoch()), (KEPT.to_vec(), 2));
}

#[test]
fn a_question_that_failed_is_asked_again_when_the_reader_comes_back_and_not_before() {
    let mut inside = Inside::open(80, 24);
    inside.session.press(KeyCode::Left);
    for (number, request) in inside.questions() {
        assert_eq!(request.epoch, Some(2));
        let (kind, message) = (ErrorKind::BadRequest, "no checkpoint of epoch 2".into());
        inside.session.send(Event::Reply(Tag::View(number), Reply::Refused { kind, message }));
    }
    let before = inside.asked();
    for _ in 0..3 {
        inside.session.send(Event::Woken);
        inside.session.press(KeyCode::Down);
    }
    assert_eq!(inside.asked(), before);
    assert!(inside.screen().contains("no checkpoint of epoch 2"), "{}", inside.screen());
    inside.press(KeyCode::Left);
    inside.press(KeyCode::Right);
    assert_eq!(inside.epoch(), 2);
    assert!(inside.session.app.inside_shown(inside.lanes()[0]).answer().is_some());
}

#[test]
fn a_network_without_a_checkpoint_says_why() {
    let mut inside = Inside { session: Session::on("faster", 120, 40), answered: 0, kept: |_| Vec::new() };
    inside.session.send(Event::OpenInside(RUN));
    inside.session.send(Event::History(RUN, vec![RunEvent::Started { run: RUN, spec: study() }]));
    assert!(inside.screen().contains("The kept epochs are being read."), "{}", inside.screen());
    inside.settle();
    let [first, second] = inside.lanes();
    for page in "123456790".chars() {
        inside.keys(&page.to_string());
        assert_eq!(inside.absence(first), "No checkpoint yet: the first epoch is not done.");
        let screen = inside.screen();
        assert!(screen.contains("No checkpoint yet:"), "page {page}: {screen}");
        for waits in ["computes this view", "are being computed", "left out once"] {
            assert!(!screen.contains(waits), "page {page}: {screen}");
        }
    }
    inside.keys("1");
    inside.session.kernel(RunEvent::Stopped { run: RUN });
    inside.settle();
    assert!(inside.absence(first).contains("was stopped before the end of the first epoch"));
    assert!(inside.screen().contains("This network has no checkpoint"), "{}", inside.screen());
    assert_eq!(inside.asked(), 0);
    // An epoch of a network that is not on the screen: its checkpoint is found when it is.
    inside.keys("A");
    let record = protocol::EpochRecord::new(second, 1, []);
    inside.session.kernel(RunEvent::Epoch { run: RUN, record });
    inside.settle();
    inside.kept = |lane| if lane == second_lane() { vec![1] } else { Vec::new() };
    inside.keys("A");
    assert!(inside.session.app.inside_shown(second).answer().is_some());
}

fn second_lane() -> Lane {
    study().lanes()[1]
}

#[test]
fn a_network_that_diverged_does_not_hold_up_the_one_beside_it() {
    let mut inside = Inside::open_with(120, 40, |lane| if lane == second_lane() { Vec::new() } else { KEPT.to_vec() });
    let [_, second] = inside.lanes();
    inside.session.kernel(RunEvent::Diverged { run: RUN, arm: second.arm, seed: second.seed, epoch: 1, batch: 3 });
    inside.session.kernel(RunEvent::Finished { run: RUN });
    inside.settle();
    assert_eq!((inside.epoch(), inside.absence(second)), (4, "This network diverged, so it has no checkpoint."));
    inside.keys("7");
    let screen = inside.screen();
    assert!(screen.contains("all-Tanh: This network diverged"), "{screen}");
    inside.keys("1 ");
    inside.session.send(Event::Woken);
    assert_eq!(inside.session.app.inside.epoch, Some(2));
}

#[test]
fn from_a_mistake_of_one_arm_to_one_multiplication() {
    let mut inside = Inside::open(120, 40);
    inside.keys("7");
    let wrong = |inside: &Inside, lane: Lane| -> BTreeSet<u32> {
        let shown = inside.session.app.inside_view(lane, View::Mistakes { split: ImageSplit::Validation }, true);
        match &shown.answer().unwrap().seen {
            Seen::Mistakes { mistakes, .. } => mistakes.iter().map(|mistake| mistake.number).collect(),
            other => panic!("{other:?}"),
        }
    };
    let [first, second] = inside.lanes().map(|lane| wrong(&inside, lane));
    let listed = |inside: &Inside| -> BTreeSet<u32> {
        inside.session.app.mistake_entries().iter().map(|entry| entry.number).collect()
    };
    assert_eq!(listed(&inside), &first | &second);
    inside.keys("mm");
    assert_eq!(inside.session.app.inside.filter, MistakeFilter::FirstAlone);
    assert_eq!(listed(&inside), &first - &second);
    assert!(!listed(&inside).is_empty(), "the fixed weights have such images");
    let chosen = *listed(&inside).first().unwrap();
    inside.press(KeyCode::Enter);
    assert_eq!((inside.session.app.inside.page, inside.session.app.inside.image), (InsidePage::Maps, chosen));
    inside.keys("i");
    inside.press(KeyCode::Enter);
    let of = inside.session.app.inside_products().expect("products").clone();
    assert_eq!((of.layer.to_string(), of.x.len()), ("conv2".to_string(), 3 * 25));
    let products: Vec<f32> = of.x.iter().zip(&of.weights).map(|(x, w)| x * w).collect();
    let sum: f32 = products.iter().sum();
    assert!((sum + of.bias - of.z).abs() < 1e-4, "{sum} {} {}", of.bias, of.z);
    // It begins with the largest product; the arrows go to its neighbours.
    let chosen = |inside: &Inside| inside.session.app.inside.product.unwrap().product_of(&of);
    let largest = chosen(&inside);
    assert!(products.iter().all(|product| product.abs() <= products[largest].abs()));
    (0..75).for_each(|_| inside.press(KeyCode::Left));
    (0..2).for_each(|_| inside.press(KeyCode::Right));
    inside.press(KeyCode::Down);
    assert_eq!(chosen(&inside), 7);
    let screen = inside.screen();
    let line = format!("product 7 (0 to 74): {:.4} x {:.4} = {:.4}", of.x[7], of.weights[7], products[7]);
    assert!(screen.contains(&line), "{line}\n{screen}");
    insta::assert_snapshot!("inside_products_120x40", screen);
    // Esc goes back step by step, to the arm that was there.
    inside.keys("a");
    assert_eq!(inside.session.app.inside.arm, 1);
    inside.press(KeyCode::Esc);
    assert!(inside.session.app.inside.product.is_none());
    inside.press(KeyCode::Esc);
    assert_eq!((inside.session.app.inside.page, inside.session.app.inside.arm), (InsidePage::Mistakes, 0));
    inside.press(KeyCode::Esc);
    assert!(!inside.session.app.is_inside_open());
}

#[test]
fn a_digit_is_drawn_answered_and_kept() {
    let mut inside = Inside::open(80, 24);
    inside.keys("8");
    let before = inside.session.asked.len();
    inside.keys(" ");
    assert_eq!(inside.session.app.inside.drawing.pen(), Pen::Draws);
    (0..8).for_each(|_| inside.press(KeyCode::Down));
    let questions: Vec<&Box<ViewRequest>> = inside.session.asked[before..]
        .iter()
        .filter_map(|body| if let RequestBody::View(request) = body { Some(request) } else { None })
        .collect();
    let image = ViewImage::Pixels(inside.session.app.inside.drawing.as_mnist());
    assert_eq!(
        questions.last().unwrap().view,
        View::Ask { image },
        "the networks get it as MNIST's digits were prepared"
    );
    let arms: BTreeSet<_> = questions.iter().map(|request| request.arm.unwrap().to_string()).collect();
    assert_eq!(arms.len(), 2, "both arms answer");
    insta::assert_snapshot!("inside_digit_80x24", inside.session.picture(&SIXTEEN));
    // The mouse draws too.
    let grid = inside.session.app.inside_layout().digit_grid().unwrap();
    let mouse = |kind, column, row| {
        Event::Mouse(MouseEvent { kind, column: grid.x + column, row: grid.y + row, modifiers: KeyModifiers::NONE })
    };
    let ink = |inside: &Inside| inside.session.app.inside.drawing.pixels().iter().filter(|grey| **grey > 0).count();
    let drawn = ink(&inside);
    inside.session.send(mouse(MouseEventKind::Down(MouseButton::Left), 3, 2));
    inside.session.send(mouse(MouseEventKind::Drag(MouseButton::Left), 12, 2));
    inside.session.send(mouse(MouseEventKind::Up(MouseButton::Left), 12, 2));
    inside.settle();
    assert!(ink(&inside) >= drawn + 20);
    // Kept, evaluated, and remembered by the store.
    let remembered = |inside: &Inside| -> Vec<(String, serde_json::Value)> {
        let entry = |effect: &Effect| match effect {
            Effect::RequestIfOn(_, RequestBody::Remember { key, value }) if key.starts_with("digit/") => {
                Some((key.clone(), value.clone()))
            }
            _ => None,
        };
        inside.session.effects.iter().filter_map(entry).collect()
    };
    inside.keys("wx");
    assert_eq!((inside.session.app.inside.own.len(), remembered(&inside).len()), (0, 0), "x is no digit");
    inside.keys("w4");
    let own = &inside.session.app.inside.own;
    assert_eq!(own.iter().map(|digit| digit.label).collect::<Vec<_>>(), [4]);
    let screen = inside.screen();
    assert!(screen.contains("1 kept (this is number 1, a 4)"), "{screen}");
    let entries = remembered(&inside);
    let mut later = Inside::open(80, 24);
    later.session.send(Event::StoredProgress(entries.clone()));
    assert_eq!(later.session.app.inside.own, inside.session.app.inside.own);
    // It comes back where it was drawn.
    let pixels = inside.session.app.inside.drawing.pixels().to_vec();
    later.keys("8n");
    assert_eq!(later.session.app.inside.drawing.pixels(), pixels);
    later.keys("J");
    assert!(!later.screen().contains("this is number"), "what is moved is another picture");
    later.keys("nd");
    assert_eq!(remembered(&later), [(entries[0].0.clone(), serde_json::Value::Null)]);
    // It is the image of the other pages.
    inside.keys("2o");
    let pixels = inside.session.app.inside.drawing.network_input();
    let lane = inside.lanes()[0];
    assert!(inside.session.app.inside_view(lane, View::Maps { image: ViewImage::Pixels(pixels) }, true).is_current());
}

#[test]
fn a_silenced_unit_changes_error_and_answers_until_it_is_undone() {
    let mut inside = Inside::open(120, 40);
    inside.keys("0i");
    let lane = inside.lanes()[0];
    let ranked = inside.session.app.ranked_units();
    assert_eq!(ranked.len(), 5);
    assert!(ranked.windows(2).all(|pair| pair[0].1.error >= pair[1].1.error));
    // The first of the ranking is chosen by the arrows.
    inside.press(KeyCode::Down);
    inside.press(KeyCode::Up);
    let (layer, unit) = inside.session.app.inside_unit().unwrap();
    assert_eq!((layer.to_string(), unit), ("conv2".into(), ranked[0].0));
    let wrong = |inside: &Inside, with_changes| {
        let view = View::Confusion { split: ImageSplit::Validation };
        match &inside.session.app.inside_view(lane, view, with_changes).answer().unwrap().seen {
            Seen::Confusion { matrix, .. } => matrix.wrong(),
            other => panic!("{other:?}"),
        }
    };
    let before = wrong(&inside, false);
    inside.keys("x");
    let change = inside.session.app.inside.changes.of(lane.arm)[0];
    assert_eq!((change.unit, change.change), (ranked[0].0, Surgery::Scale(0.0)));
    let after = wrong(&inside, true);
    // The ranking is of as many images as there are here.
    assert!((100.0 * f64::from(after) / 300.0 - ranked[0].1.error).abs() < 1e-6, "{after} {}", ranked[0].1.error);
    assert_eq!(wrong(&inside, false), before);
    insta::assert_snapshot!("inside_silenced_120x40", inside.screen());
    // A unit that is silent for every image is revived, and the other arm stays as it is.
    inside.keys("z");
    assert!(inside.session.app.inside.changes.of(lane.arm).is_empty());
    inside.keys("v");
    assert_eq!(inside.session.app.inside.changes.of(lane.arm)[0].change, Surgery::Revive);
    assert!(inside.session.app.inside.changes.of(inside.lanes()[1].arm).is_empty());
    inside.keys("Z");
    assert!(inside.session.app.inside.changes.of(lane.arm).is_empty());
    // That is undone too, change by change.
    inside.keys("z");
    assert_eq!(inside.session.app.inside.changes.of(lane.arm)[0].change, Surgery::Revive);
    inside.keys("z");
    assert!(inside.session.app.inside.changes.of(lane.arm).is_empty());
}

/// What a key changes is on the screen first.
#[test]
fn a_unit_is_changed_only_where_it_is_seen() {
    let mut inside = Inside::open(120, 40);
    let lane = inside.lanes()[0];
    let changes = |inside: &Inside| inside.session.app.inside.changes.of(lane.arm).to_vec();
    for (page, key) in [("8", "x"), ("6", "+"), ("3", "v")] {
        inside.keys(&format!("{page}{key}"));
        assert_eq!(
            (inside.session.app.inside.page, changes(&inside)),
            (InsidePage::Surgery, Vec::new()),
            "{page}{key}"
        );
    }
    // The first of the ranking is chosen, and while there is none nothing is changed.
    inside.session.type_text("i");
    inside.session.type_text("x");
    assert_eq!(changes(&inside), []);
    inside.settle();
    let first = inside.session.app.ranked_units()[0].0;
    assert_eq!(inside.session.app.inside_unit(), Some(("conv2".parse().unwrap(), first)));
    inside.keys("++x+x");
    assert_eq!(
        changes(&inside).iter().map(ToString::to_string).collect::<Vec<_>>(),
        [format!("conv2:{first} scaled by 4")]
    );
    inside.keys("zzz");
    assert_eq!(
        changes(&inside).iter().map(ToString::to_string).collect::<Vec<_>>(),
        [format!("conv2:{first} scaled by 2")]
    );
}

#[test]
fn the_arrows_go_through_the_mistakes_by_rows() {
    let mut inside = Inside::open(80, 24);
    inside.keys("7");
    let at = |inside: &Inside| inside.session.app.inside.selected;
    inside.keys("nn");
    inside.press(KeyCode::Down);
    // 47 columns hold three images.
    assert_eq!(at(&inside), 5);
    inside.press(KeyCode::Up);
    inside.press(KeyCode::Up);
    assert_eq!(at(&inside), 2, "there is no row above the first");
    inside.keys("p");
    assert_eq!(at(&inside), 1);
    // Nothing is drawn over the line of hints.
    for rows in [22, 23, 24, 25, 26, 27, 28] {
        let mut inside = Inside::open(100, rows);
        inside.keys("7");
        let screen = inside.screen();
        let last = screen.lines().nth(usize::from(rows) - 1).unwrap();
        assert!(last.contains("Enter its maps") && !last.contains('▀'), "{screen}");
    }
}

/// Clicks where the last frame has drawn something that `is_it` accepts.
fn click(inside: &mut Inside, is_it: impl Fn(InsideTarget) -> bool) {
    let area = inside.session.app.screen.whole;
    let mut terminal = Terminal::new(TestBackend::new(area.width, area.height)).unwrap();
    let mut drawn = Drawn::default();
    terminal.draw(|frame| drawn = ui::draw_and_locate(&inside.session.app, &SIXTEEN, frame).drawn).unwrap();
    inside.session.app.drawn = drawn;
    let found = inside.session.app.drawn.targets.iter().find(|drawn| is_it(drawn.target)).copied();
    let place = found.unwrap_or_else(|| panic!("it is not drawn:\n{}", inside.screen())).place;
    let kind = MouseEventKind::Down(MouseButton::Left);
    let (column, row) = (place.right() - 1, place.bottom() - 1);
    inside.session.send(Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    inside.settle();
}

#[test]
fn a_click_chooses_and_the_next_steps_inside() {
    let mut inside = Inside::open(120, 40);
    let conv2: Layer = "conv2".parse().unwrap();
    let at = |inside: &Inside| (inside.session.app.inside.page, inside.session.app.inside_unit());
    inside.keys("7");
    let third = inside.session.app.mistake_entries()[2].number;
    click(&mut inside, |target| target == InsideTarget::Mistake(2));
    assert_eq!((at(&inside).0, inside.session.app.inside.selected), (InsidePage::Mistakes, 2));
    click(&mut inside, |target| target == InsideTarget::Mistake(2));
    assert_eq!((at(&inside).0, inside.session.app.inside.image), (InsidePage::Maps, third));
    let unit = |target| target == InsideTarget::Unit(conv2, 3);
    click(&mut inside, unit);
    assert_eq!(at(&inside), (InsidePage::Maps, Some((conv2, 3))));
    click(&mut inside, unit);
    // Its largest product is of the second input map, which is shown.
    click(&mut inside, |target| target == InsideTarget::Product(30));
    assert_eq!(inside.session.app.inside.product.unwrap().product, Some(30));
    for (page, next) in [("1", InsidePage::Wants), ("4", InsidePage::Wants), ("0", InsidePage::Maps)] {
        inside.keys(page);
        let other = |target| target == InsideTarget::Unit(conv2, 1);
        inside.session.app.inside.unit = 4;
        click(&mut inside, other);
        assert_eq!(at(&inside).1, Some((conv2, 1)), "page {page}");
        click(&mut inside, other);
        assert_eq!(at(&inside).0, next, "page {page}");
    }
    inside.keys("9");
    click(&mut inside, |target| matches!(target, InsideTarget::Image(_)));
    assert_eq!(at(&inside).0, InsidePage::Maps);
}

/// A unit of the fully connected layer has too many products for the screen: the arrows go through them by their size.
#[test]
fn the_products_of_a_long_sum_are_gone_through_by_size() {
    let mut inside = Inside::open(80, 24);
    inside.keys("2ii");
    inside.press(KeyCode::Enter);
    let of = inside.session.app.inside_products().expect("products").clone();
    assert_eq!((of.layer.to_string(), of.x.len()), ("fc1".to_string(), 125));
    for _ in 0..40 {
        inside.press(KeyCode::Down);
    }
    let ranked = of.ranked();
    assert!(ranked.windows(2).all(|pair| {
        let size = |at: usize| (of.x[at] * of.weights[at]).abs();
        size(pair[0]) >= size(pair[1])
    }));
    assert_eq!(inside.session.app.inside.product.unwrap().product, Some(ranked[40]));
    let screen = inside.screen();
    assert!(screen.contains(&format!("input {:>4}:", ranked[40])), "{screen}");
}

/// Its keys would otherwise go to the lesson beneath, where digits answer questions.
#[test]
fn the_inside_of_a_run_that_is_deleted_stays_open_until_it_is_left() {
    let mut inside = Inside::open(80, 24);
    // One Esc leaves, though a product was stepped into.
    inside.keys("2");
    inside.press(KeyCode::Enter);
    inside.session.kernel(RunEvent::Deleted { run: RUN });
    assert_eq!(inside.session.app.message.as_deref(), Some("run 7 was deleted"));
    assert!(inside.screen().contains("Run 7 was deleted; Esc leaves."), "{}", inside.screen());
    let before = inside.asked();
    for key in "1234567890 aAt".chars() {
        inside.keys(&key.to_string());
        assert!(matches!(inside.session.app.modals[..], [Modal::Inside]), "{key}");
    }
    assert_eq!(inside.asked(), before);
    assert!(inside.screen().contains("Run 7 was deleted; Esc leaves."), "{}", inside.screen());
    inside.press(KeyCode::Esc);
    assert!(inside.session.app.modals.is_empty());
    // Another run is read.
    inside.session.send(Event::OpenInside(RunId(8)));
    assert!(inside.screen().contains("The run's history is being read."), "{}", inside.screen());
    inside.session.send(Event::NoSuchRun(RunId(8)));
    assert!(inside.screen().contains("Run 8 was deleted; Esc leaves."), "{}", inside.screen());
}

#[test]
fn the_command_line_finds_what_the_inside_can_do() {
    let mut session = Session::on("faster", 120, 40);
    session.type_text(":silence unit");
    session.press(KeyCode::Enter);
    assert!(session.screen(&SIXTEEN).contains("there is no network to look into yet"));
    let mut inside = Inside::open(120, 40);
    inside.keys(":silence unit");
    inside.press(KeyCode::Enter);
    let lane = inside.lanes()[0];
    assert_eq!(inside.session.app.inside.changes.of(lane.arm).len(), 1);
    assert!(matches!(inside.session.app.modals[..], [Modal::Inside]));
}

#[test]
fn it_opens_from_the_list_of_runs_and_the_lesson_says_when_there_is_nothing() {
    let mut session = Session::on("faster", 80, 24);
    session.type_text("i");
    assert!(session.screen(&SIXTEEN).contains("there is no network to look into yet"));
    session.tab_to("race");
    session.start_race();
    session.type_text("i");
    assert!(matches!(session.app.modals.last(), Some(Modal::Inside)));
    assert_eq!(session.app.inside.run, Some(RunId(1)));
    assert!(session.screen(&SIXTEEN).contains("no kept epoch"), "{}", session.screen(&SIXTEEN));
    session.press(KeyCode::Esc);
    assert!(session.app.modals.is_empty());
}
