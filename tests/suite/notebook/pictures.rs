//! Image files in a lesson of the reader's own, from the PNG to the screen.

use app::App;
use lesson::{Library, PictureError, parse};
use ratatui::buffer::Buffer;
use ratatui::style::Color;
use ratatui::{Terminal, backend::TestBackend};
use std::fs;
use std::process::{Command, Stdio};
use ui::{self, Glyphs, Palette, Theme};

const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
const PLAIN: Theme = Theme::new(Palette::None, Glyphs::Ascii);

const LESSON: &str = r#"+++
id = "own"
title = "Mine"
part = "0"
summary = "One."
minutes = 1
+++
A small one stands in a list, a large one takes the height of the screen:

- ![A *disc*, lit](small.png)

![Rings that grow fainter](large.png)

![Not there](none.png)
"#;

/// A PNG whose pixels are red and green by their distance from the middle.
fn png(size: u32, red: impl Fn(f64) -> f64) -> Vec<u8> {
    let distance = |x: u32, y: u32| {
        let away = |at: u32| 2.0 * (f64::from(at) + 0.5) / f64::from(size) - 1.0;
        away(x).hypot(away(y))
    };
    let pixels = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
    let samples: Vec<u8> = pixels
        .flat_map(|(x, y)| {
            let value = red(distance(x, y)).clamp(0.0, 1.0) * 255.0;
            [value as u8, (value / 2.0) as u8, 0]
        })
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size, size);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&samples).unwrap();
    bytes
}

fn small() -> Vec<u8> {
    png(9, |distance| 1.2 - distance)
}

fn large() -> Vec<u8> {
    png(300, |distance| f64::midpoint(1.0, (20.0 * distance).cos()) - distance / 3.0)
}

fn app(columns: u16, rows: u16, theme: &Theme) -> App {
    let (mut document, faults) = parse("own.md", LESSON);
    assert_eq!(faults, []);
    document.load_pictures(|path| match path {
        "small.png" => Ok(small()),
        "large.png" => Ok(large()),
        _ => Err(PictureError::Missing),
    });
    let library = Library { lessons: vec![document], faults: Vec::new() };
    App::new(library, 0, columns, rows).with_glyphs(theme.glyphs)
}

fn drawn(app: &App, theme: &Theme) -> Buffer {
    let whole = app.screen.whole;
    let mut terminal = Terminal::new(TestBackend::new(whole.width, whole.height)).unwrap();
    terminal.draw(|frame| ui::draw(app, theme, frame)).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..buffer.area.height).map(|y| row(y).trim_end().to_string() + "\n").collect()
}

#[test]
fn pictures_are_drawn_with_what_there_is() {
    for (name, theme) in [("rich", RICH), ("plain", PLAIN)] {
        for (columns, rows) in [(80, 24), (120, 40)] {
            let mut app = app(columns, rows, &theme);
            let first = text(&drawn(&app, &theme));
            app.view.scroll_to(usize::MAX);
            let last = text(&drawn(&app, &theme));
            insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), format!("{first}\n{last}"));
            assert!(theme.glyphs == Glyphs::Unicode || first.is_ascii() && last.is_ascii());
        }
    }
}

/// The pixels at the corner, red above and blue below: a cell has both.
#[test]
fn a_half_block_has_two_pixels() {
    let (mut document, _) = parse("own.md", LESSON);
    document.load_pictures(|_| {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 76, 2);
        encoder.set_color(png::ColorType::Rgb);
        let samples = [[250, 0, 0].repeat(76), [0, 0, 250].repeat(76)].concat();
        encoder.write_header().unwrap().write_image_data(&samples).unwrap();
        Ok(bytes)
    });
    let library = Library { lessons: vec![document], faults: Vec::new() };
    let app = App::new(library, 0, 80, 24);
    let corner = |palette| {
        let buffer = drawn(&app, &Theme::new(palette, Glyphs::Unicode));
        // After a list's bullet and an indent.
        let cell = &buffer[(app.screen.text.x + 4, app.view.layout.wholes[0].0 as u16)];
        (cell.symbol().to_string(), cell.fg, cell.bg)
    };
    let block = || "▀".to_string();
    assert_eq!(corner(Palette::TrueColour), (block(), Color::Rgb(250, 0, 0), Color::Rgb(0, 0, 250)));
    assert_eq!(corner(Palette::Indexed), (block(), Color::Indexed(196), Color::Indexed(21)));
    assert_eq!(corner(Palette::Sixteen), (block(), Color::DarkGray, Color::Black));
    assert_eq!(corner(Palette::None), (".".into(), Color::Reset, Color::Reset));
}

#[test]
fn what_a_picture_shows_is_searched() {
    let library = app(80, 24, &RICH).library;
    let found = library.search("fainter", |_, _| false);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text, "Rings that grow fainter");
}

/// Read from its own folder, wherever the command is given.
#[test]
fn images_are_read_beside_the_lesson() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.md");
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(&file, LESSON.replace("(large", "(sub/large")).unwrap();
    fs::write(folder.path().join("small.png"), &small()[..60]).unwrap();
    fs::write(folder.path().join("sub/large.png"), large()).unwrap();
    let relu = |command: &str| {
        let mut relu = Command::new(env!("CARGO_BIN_EXE_relu"));
        relu.arg(command).arg(&file).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        String::from_utf8(relu.output().unwrap().stdout).unwrap()
    };
    let faults = relu("check");
    let faults: Vec<&str> = faults.lines().map(|line| line.rsplit_once("own.md:").unwrap().1).collect();
    assert!(faults[0].starts_with("10:3: the image `small.png`: it is damaged: "), "{faults:?}");
    assert_eq!(faults[1..], ["14:1: the image `none.png`: there is no such file beside the lesson"]);
    let text = relu("open");
    assert!(text.contains("\n  [image]\n  Rings that grow fainter\n"), "{text}");
    assert!(text.contains("A disc, lit") && text.contains("(The image none.png: there is no such file"), "{text}");
}
