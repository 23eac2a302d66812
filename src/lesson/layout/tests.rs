use super::super::parse;
use super::*;

fn screen(markdown: &str, width: u16) -> Vec<String> {
    let head = "+++\nid = \"x\"\ntitle = \"T\"\npart = \"I\"\nsummary = \"s\"\nminutes = 3\n+++\n";
    let (document, faults) = parse("x.md", &format!("{head}{markdown}"));
    assert_eq!(faults, []);
    let layout = lay_out(&document, (width, 24), Glyphs::Unicode, |_| 2, |_, _| None);
    assert_eq!(layout.faults, []);
    let text = |line: &Line| match line {
        Line::Text(spans) => spans.iter().map(|s| s.text.as_str()).collect::<String>().trim_end().to_string(),
        Line::Picture { picture, row, .. } => format!("<picture {picture} row {row}>"),
        Line::Cell { cell, row } => format!("<cell {cell} row {row}>"),
    };
    // Below the title and the line after it.
    let shown: Vec<String> = layout.lines.iter().map(text).collect();
    shown.into_iter().skip_while(|line| !line.is_empty()).skip(1).collect()
}

#[test]
fn prose_wraps_and_keeps_its_words() {
    let lines = screen("One **two** three *four* five $x^2$ six seven.", 16);
    assert_eq!(lines, ["One two three", "four five x² six", "seven."]);
}

#[test]
fn chinese_wraps_between_characters() {
    assert_eq!(screen("稀疏性**激活**函数。", 8), ["稀疏性激", "活函数。"]);
}

#[test]
fn lists_quotes_and_formulas_are_indented() {
    let lines = screen("1. one two three\n2. four\n\n> quoted\n\n$$\\frac{a}{b}$$", 12);
    assert_eq!(lines, ["1. one two", "   three", "2. four", "", "▏ quoted", "", "  a", "  ─", "  b"], "{lines:#?}");
}

#[test]
fn a_bar_continues_between_paragraphs() {
    let lines = screen("> one\n>\n> two\n\nthree\n\n> [!NOTE] Mind\n> four\n>\n> five\n\nsix", 20);
    let expected = ["▏ one", "▏", "▏ two", "", "three", "", "▏ Mind", "▏ four", "▏", "▏ five", "", "six"];
    assert_eq!(lines, expected, "{lines:#?}");
}

#[test]
fn headings_are_typeset_and_a_wide_table_says_that_it_is_there() {
    assert_eq!(screen("## Why $x^2$ and `f`\n\nSo.", 20), ["Why x² and f", "", "So."]);
    let (document, _) = parse("x.md", "| alpha | beta | gamma |\n|---|---|---|\n| 1 | 2 | 3 |\n");
    let layout = lay_out(&document, (9, 24), Glyphs::Unicode, |_| 1, |_, _| None);
    assert!(layout.lines.iter().any(|line| line.contains("columns:")), "{:?}", layout.lines);
    assert_eq!(layout.faults.len(), 1);
}

#[test]
fn a_formula_that_is_too_wide_is_shown_as_text() {
    let goes_on = screen("$$a = b + c + d$$", 11);
    assert_eq!(goes_on, ["  a = b + c", "      + d"]);
    let (document, _) = parse("x.md", "$$\\frac{abcdefghij + klm}{2}$$\n");
    let layout = lay_out(&document, (12, 24), Glyphs::Unicode, |_| 1, |_, _| None);
    assert!(layout.lines.iter().any(|line| line.contains("klm)/2")), "{:?}", layout.lines);
    assert_eq!(layout.faults.len(), 1);
}

#[test]
fn cells_reserve_their_rows() {
    let cell = "```quiz\nid = \"q\"\nquestion = \"?\"\nchoices = [{text = \"a\", right = true, because = \"r\"}, {text = \"b\", because = \"w\"}]\n```";
    assert_eq!(screen(&format!("a\n\n{cell}\n\nb"), 20), ["a", "", "<cell 0 row 0>", "<cell 0 row 1>", "", "b"]);
}

#[test]
fn a_picture_stands_above_its_caption_and_fits_the_page() {
    let (mut document, _) = parse("x.md", "> ![one two three four](a.png)\n\n- ![](b.png)\n");
    document.pictures = [("a.png", (300, 200)), ("b.png", (2, 3))]
        .map(|(path, (width, height))| {
            let pixels = vec![[0; 3]; (width * height) as usize];
            (path.to_string(), Ok(Picture { width, height, pixels }.into()))
        })
        .into();
    let layout = lay_out(&document, (16, 5), Glyphs::Unicode, |_| 1, |_, _| None);
    let shown = layout.pictures.iter().map(|picture| (picture.width, picture.height));
    // Three rows have space for six pixels.
    assert_eq!(shown.collect::<Vec<_>>(), [(9, 6), (4, 6)]);
    let text = |spans: &[Span]| spans.iter().map(|span| span.text.as_str()).collect::<String>();
    let lines = layout.lines.iter().skip(layout.wholes[0].0).map(|line| match line {
        Line::Text(spans) => text(spans),
        Line::Picture { before, picture, row } => format!("{}<{picture}, {row}>", text(before)),
        Line::Cell { .. } => unreachable!(),
    });
    let expected = [
        "▏   <0, 0>",
        "▏   <0, 1>",
        "▏   <0, 2>",
        "▏   one two",
        "▏   three four",
        "",
        "•   <1, 0>",
        "    <1, 1>",
        "    <1, 2>",
    ];
    assert_eq!(lines.take(9).collect::<Vec<_>>(), expected);
    assert_eq!(layout.wholes[0].1, 5);
}
