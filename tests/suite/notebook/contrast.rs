//! Every screen is readable on black, on white and on Solarized's backgrounds: colours contrast with what is behind
//! them, in truecolour and in 256 colours, and the background itself is never painted.

use crate::common::session::Session;
use app::{Background, luminance};
use crossterm::event::KeyCode;
use protocol::{ArmId, RunEvent, RunId};
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use ratatui::{Terminal, backend::TestBackend};
use ui::{self, Glyphs, Palette, Theme};

type Rgb = [u8; 3];

/// WCAG 2.2, level AA.
const FOR_TEXT: f64 = 4.5;
const FOR_GRAPHICS: f64 = 3.0;

const PAGES: [(Background, [Rgb; 2]); 2] = [
    (Background::Dark, [[0, 0, 0], [0x00, 0x2b, 0x36]]),
    (Background::Light, [[0xff, 0xff, 0xff], [0xfd, 0xf6, 0xe3]]),
];

fn contrast(one: Rgb, other: Rgb) -> f64 {
    let light = |colour: Rgb| luminance(colour.map(|part| f64::from(part) / 255.0)) + 0.05;
    light(one).max(light(other)) / light(one).min(light(other))
}

/// What every terminal shows for a colour; `None` for its own. Source: xterm's 256colres.h.
fn rgb(colour: Color) -> Option<Rgb> {
    match colour {
        Color::Reset => None,
        Color::Rgb(red, green, blue) => Some([red, green, blue]),
        Color::Indexed(index @ 232..) => Some([8 + 10 * (index - 232); 3]),
        Color::Indexed(index @ 16..) => {
            Some([36, 6, 1].map(|step| [0, 95, 135, 175, 215, 255][usize::from((index - 16) / step % 6)]))
        }
        other => panic!("{other:?} is another one on every terminal"),
    }
}

/// Pictures and planes have their own colours, two per cell.
fn is_picture(cell: &Cell) -> bool {
    cell.symbol() == "▀" && cell.bg != Color::Reset
}

fn buffer(session: &Session, theme: &Theme) -> Buffer {
    let whole = session.app.screen.whole;
    let mut terminal = Terminal::new(TestBackend::new(whole.width, whole.height)).unwrap();
    terminal.draw(|frame| ui::draw(&session.app, theme, frame)).unwrap();
    terminal.backend().buffer().clone()
}

fn assert_readable(session: &mut Session, what: &str) {
    for ((background, pages), palette) in
        PAGES.into_iter().flat_map(|pages| [Palette::TrueColour, Palette::Indexed].map(|palette| (pages, palette)))
    {
        session.app.background = background;
        let buffer = buffer(session, &Theme::new(palette, Glyphs::Unicode));
        for cell in buffer.content().iter().filter(|cell| !is_picture(cell)) {
            let printed = || format!("{what}, {background:?}, {palette:?}: {cell:?}");
            assert_eq!(cell.bg, Color::Reset, "{}", printed());
            assert!(!cell.modifier.contains(Modifier::DIM), "{}", printed());
            // Reversed, it has the same contrast.
            let Some(fore) = rgb(cell.fg) else { continue };
            let is_text = cell.symbol().chars().any(char::is_alphanumeric);
            let least = if is_text { FOR_TEXT } else { FOR_GRAPHICS };
            for page in pages {
                assert!(contrast(fore, page) >= least, "{} on {page:?}: {:.2}", printed(), contrast(fore, page));
            }
        }
    }
}

#[test]
fn every_lesson_is_readable_on_every_background() {
    let lessons: Vec<String> = lesson::Library::english().lessons.iter().map(|lesson| lesson.meta.id.clone()).collect();
    for lesson in lessons {
        let mut session = Session::on(&lesson, 120, 40);
        loop {
            assert_readable(&mut session, &lesson);
            let at = session.app.view.top;
            session.press(KeyCode::PageDown);
            if session.app.view.top == at {
                break;
            }
        }
    }
}

#[test]
fn every_pane_is_readable_on_every_background() {
    let mut session = Session::open();
    assert_readable(&mut session, "a race that is ready");
    session.start_race();
    for epoch in 1..=9 {
        session.epoch(ArmId::RELU_TANH, epoch, 3.0 / f64::from(epoch));
        session.epoch(ArmId::ALL_TANH, epoch, 3.3 / f64::from(epoch));
    }
    assert_readable(&mut session, "a race");
    for (key, what) in [
        ('?', "help"),
        ('c', "contents"),
        ('r', "runs"),
        ('/', "search"),
        (':', "command"),
        ('#', "headings"),
        ('o', "settings"),
        ('v', "values"),
        ('q', "the question before quitting"),
        ('f', "a link"),
    ] {
        session.press(KeyCode::Char(key));
        if key == '/' {
            session.type_text("relu");
        }
        assert_readable(&mut session, what);
        session.press(KeyCode::Esc);
    }
    session.kernel(RunEvent::Failed { run: RunId(1), reason: "the disk is full".into() });
    assert_readable(&mut session, "a race that failed");
    session.send(app::Event::StorageFault(Some("nothing can be kept".into())));
    assert_readable(&mut session, "trouble");
    session.send(app::Event::Notice("something to know".into()));
    assert_readable(&mut session, "a message");
}
