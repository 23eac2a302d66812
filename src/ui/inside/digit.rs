//! Draws the canvas for the reader's own digit, the picture that the networks get, and what they answer.

use crate::theme::{Glyphs, Theme, pixels};
use crate::widgets::{draw_frame, progress_bar};
use app::Background;
use app::digit::{Drawing, Pen, SIDE, grid_area};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

/// The canvas in cells, each with two pixels above each other.
const COLUMNS: u16 = SIDE as u16;

/// Columns between networks.
const GAP: u16 = 2;
const NARROWEST_BAR: u16 = 4;
const WIDEST_BAR: u16 = 40;
const LONGEST_NAME: u16 = 12;
/// Columns of `100.0 %`.
const NUMBER: u16 = 7;
/// Classes of a network where there is no room for all.
const FEW: usize = 3;

/// Draws the canvas in a frame at the top left of the area, in the larger of its two sizes that fits. Returns the cells
/// of the pixels, for [`app::digit::pixel_at`]; `None` if the area is too small, which leaves it as it is.
///
/// The cursor's column and row are marked on the frame and written in its title, so that it is found without colours and
/// without reversed text too.
pub fn draw_canvas(theme: &Theme, drawing: &Drawing, area: Rect, buffer: &mut Buffer) -> Option<Rect> {
    let grid = grid_area(area)?;
    let scale = grid.width / COLUMNS;
    let (width, height) = (grid.width + 2, grid.height + 2);
    let (column, row) = drawing.cursor();
    let pen = match drawing.pen() {
        Pen::Off => "pen up",
        Pen::Draws => "drawing",
        Pen::Erases => "erasing",
    };
    let title = format!("your digit {},{} {pen}", column + 1, row + 1);
    draw_frame(theme, &title, true, Rect { width, height, ..area }, buffer);
    draw_grey(theme, drawing.pixels(), scale, grid, buffer);
    draw_cursor(theme, drawing, scale, grid, buffer);
    Some(grid)
}

/// Draws 28x28 grey values in half blocks, each pixel `scale` columns wide: the cursor is drawn into the same cells.
fn draw_grey(theme: &Theme, grey: &[u8], scale: u16, place: Rect, buffer: &mut Buffer) {
    let scale = scale.max(1);
    let pixel = |x: u16, y: u16| {
        let (x, y) = (usize::from(x / scale), usize::from(y / scale));
        [grey.get(y * usize::from(SIDE) + x).copied().unwrap_or(0); 3]
    };
    let (columns, rows) = (place.width.min(COLUMNS * scale), place.height.min(COLUMNS * scale / 2));
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        let Some(cell) = buffer.cell_mut((place.x + column, place.y + row)) else { continue };
        pixels::draw(theme, pixel(column, 2 * row), Some(pixel(column, 2 * row + 1)), cell);
    }
}

/// Marks the cursor's pixel. In the small size it is half a cell and has a colour of its own; without colours its cell
/// is reversed. In the large size it is two cells, which hold brackets.
fn draw_cursor(theme: &Theme, drawing: &Drawing, scale: u16, grid: Rect, buffer: &mut Buffer) {
    let (column, row) = drawing.cursor();
    let grey = drawing.pixels()[usize::from(row) * usize::from(SIDE) + usize::from(column)];
    let (left, top) = (grid.x + scale * u16::from(column), grid.y + scale * u16::from(row) / 2);
    let (across, down) = if theme.glyphs == Glyphs::Ascii { ("^", ">") } else { ("▴", "▸") };
    if let Some(cell) = buffer.cell_mut((grid.x - 1, top)) {
        cell.set_symbol(down);
    }
    let back = pixels::colour(theme, [grey; 3]);
    let colour = cursor_colour(theme, grey);
    for (at, bracket) in (0..scale).zip(["[", "]"]) {
        if let Some(cell) = buffer.cell_mut((left + at, grid.bottom())) {
            cell.set_symbol(across);
        }
        let Some(cell) = buffer.cell_mut((left + at, top)) else { continue };
        match (back, colour) {
            (Some(back), Some(colour)) if scale > 1 => {
                let style = Style::new().fg(colour).bg(back).add_modifier(Modifier::BOLD);
                cell.set_symbol(bracket).set_style(style);
            }
            (Some(_), Some(colour)) if row % 2 == 0 => _ = cell.set_fg(colour),
            (Some(_), Some(colour)) => _ = cell.set_bg(colour),
            _ => {
                if scale > 1 {
                    cell.set_symbol(bracket);
                }
                cell.set_style(theme.selected());
            }
        }
    }
}

/// A colour that differs from a pixel of this grey: the theme's orange on dark pixels, and its brown on light ones, with
/// a contrast of at least 3 to 1 (WCAG 2.2, 1.4.11, graphics) on all greys of the brush.
fn cursor_colour(theme: &Theme, grey: u8) -> Option<Color> {
    theme.on(if grey < 128 { Background::Dark } else { Background::Light }).arm(0).fg
}

/// Draws a picture of 28x28 pixels in 28 columns and 14 rows, with its title above. Beside the canvas in the small size,
/// its rows are level with the canvas's.
pub fn draw_seen(theme: &Theme, pixels: &[u8], title: &str, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let title = fit(theme, title, usize::from(area.width.min(COLUMNS)));
    buffer.set_stringn(area.x, area.y, title, usize::from(area.width), theme.faint());
    let place = Rect { y: area.y + 1, height: area.height - 1, ..area };
    draw_grey(theme, pixels, 1, place, buffer);
}

/// What one network answers.
#[derive(Clone, Copy, Debug)]
pub struct AnswerBars<'a> {
    pub arm: &'a str,
    /// The style of the arm.
    pub style: Style,
    /// The names of the classes.
    pub classes: &'a [String],
    /// The probability of each class; empty before the first answer.
    pub probabilities: &'a [f32],
    /// The answer is to an earlier picture.
    pub stale: bool,
    /// What stands in place of an answer.
    pub note: &'a str,
}

impl AnswerBars<'_> {
    fn name(&self, class: usize) -> String {
        self.classes.get(class).cloned().unwrap_or_else(|| class.to_string())
    }

    /// The classes from the most probable one down. Those that are not a number come last.
    fn ranking(&self) -> Vec<usize> {
        let mut ranking: Vec<usize> = (0..self.probabilities.len()).collect();
        let rank = |class: &usize| Some(self.probabilities[*class]).filter(|value| value.is_finite()).unwrap_or(-1.0);
        ranking.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
        ranking
    }
}

/// Draws the answers of networks as bars, side by side as far as the width allows, and then below each other. Where the
/// height does not allow all classes, each network has its three most probable ones, or only the first.
pub fn draw_answers(theme: &Theme, answers: &[AnswerBars], area: Rect, buffer: &mut Buffer) {
    if answers.is_empty() || area.is_empty() {
        return;
    }
    let classes = answers.iter().map(|answer| answer.probabilities.len()).max().unwrap_or(0).max(1);
    let named = answers.iter().flat_map(|answer| (0..classes).map(|class| answer.name(class)));
    let names = named.map(|name| theme.text(&name).width() as u16).max().unwrap_or(0).min(LONGEST_NAME);
    let rest = names + 1 + 1 + NUMBER;
    let across = ((area.width + GAP) / (rest + NARROWEST_BAR + GAP)).clamp(1, answers.len() as u16);
    let lines = (answers.len() as u16).div_ceil(across);
    let width = ((area.width - (GAP * (across - 1)).min(area.width)) / across).min(rest + WIDEST_BAR);
    let height_of = |shown: usize| 1 + shown as u16;
    let fits = |shown: &usize| lines * height_of(*shown) <= area.height;
    let shown = [classes, FEW.min(classes), 1].into_iter().find(fits).unwrap_or(1);
    let height = height_of(shown);
    // A row between the lines of networks if there is room, and one for the number of networks that have no room.
    let step = if lines * (height + 1) <= area.height + 1 { height + 1 } else { height };
    let seen = if fits(&shown) { answers.len() } else { usize::from((area.height - 1) / height * across) };
    for (at, answer) in (0..).zip(&answers[..seen.min(answers.len())]) {
        let place = Rect {
            x: area.x + at % across * (width + GAP),
            y: area.y + at / across * step,
            width,
            height: height_of(shown),
        };
        draw_answer(theme, answer, (names, shown), place, buffer);
    }
    if seen < answers.len() {
        let text = format!("{} more: enlarge the terminal", answers.len() - seen);
        let text = fit(theme, &text, usize::from(area.width));
        buffer.set_stringn(area.x, area.bottom() - 1, text, usize::from(area.width), theme.faint());
    }
}

/// The text in the terminal's characters, its ellipsis too if it has to be cut.
fn fit(theme: &Theme, text: &str, width: usize) -> String {
    theme.text(&app::truncate(&theme.text(text), width))
}

/// Draws one network's answer: the arm's name, and a row for each class that is shown.
fn draw_answer(theme: &Theme, answer: &AnswerBars, (names, shown): (u16, usize), place: Rect, buffer: &mut Buffer) {
    let width = usize::from(place.width);
    let suffix = theme.text(if answer.stale { " …" } else { "" });
    let arm = fit(theme, answer.arm, width.saturating_sub(suffix.width()));
    buffer.set_stringn(place.x, place.y, format!("{arm}{suffix}"), width, answer.style);
    let ranking = answer.ranking();
    let Some(largest) = ranking.first().copied() else {
        for (y, line) in
            (place.y + 1..place.bottom()).zip(textwrap::wrap(&theme.text(answer.note), app::wrap_options(width.max(1))))
        {
            buffer.set_stringn(place.x, y, line, width, theme.faint());
        }
        return;
    };
    let listed = if shown < ranking.len() { ranking[..shown].to_vec() } else { (0..ranking.len()).collect() };
    let text_style = if answer.stale { theme.faint() } else { Style::new() };
    for (y, class) in (place.y + 1..).zip(listed) {
        let style = if class == largest { text_style.add_modifier(Modifier::BOLD) } else { text_style };
        let name = fit(theme, &answer.name(class), usize::from(names));
        buffer.set_stringn(place.x, y, name, width, style);
        let value = answer.probabilities[class];
        let number = if value.is_finite() { format!("{:.1} %", 100.0 * value) } else { "-".into() };
        let bar = place.width.saturating_sub(names + 2 + NUMBER);
        if value.is_finite() && bar > 0 {
            let bar = progress_bar(theme, value.into(), usize::from(bar));
            // Without what shows the unfilled part: ten bars are read by their ends.
            let bar = bar.trim_end_matches(['░', '.']);
            buffer.set_stringn(place.x + names + 1, y, bar, width, answer.style);
        }
        let left = width.saturating_sub(number.width());
        buffer.set_stringn(place.x + left as u16, y, number, width - left, style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::{Palette, contrast, rgb};
    use app::digit::{BRUSH, PIXELS, pixel_at};

    const SMALL: Rect = Rect::new(0, 0, 80, 24);
    const LARGE: Rect = Rect::new(0, 0, 120, 40);

    fn rows(buffer: &Buffer) -> Vec<String> {
        let area = buffer.area;
        let row = |y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_string();
        (0..area.height).map(row).collect()
    }

    fn canvas(theme: Theme, drawing: &Drawing, area: Rect) -> (Option<Rect>, Buffer) {
        let mut buffer = Buffer::empty(area);
        let grid = draw_canvas(&theme, drawing, area, &mut buffer);
        (grid, buffer)
    }

    /// A line over the canvas, with the cursor at its lower end.
    fn drawn() -> Drawing {
        let mut drawing = Drawing::default();
        drawing.press_at(4, 2);
        drawing.drag_to(20, 25);
        drawing.lift();
        drawing
    }

    #[test]
    fn the_canvas_is_as_large_as_the_area_allows() {
        let theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
        let grid_in = |area| canvas(theme, &drawn(), area).0;
        assert_eq!(grid_in(SMALL), Some(Rect::new(1, 1, 28, 14)));
        assert_eq!(grid_in(LARGE), Some(Rect::new(1, 1, 56, 28)));
        assert_eq!(grid_in(Rect::new(3, 2, 30, 16)), Some(Rect::new(4, 3, 28, 14)));
        let (grid, buffer) = canvas(theme, &drawn(), Rect::new(0, 0, 29, 16));
        assert_eq!((grid, buffer), (None, Buffer::empty(Rect::new(0, 0, 29, 16))));
    }

    #[test]
    fn every_pixel_is_drawn_where_the_mouse_finds_it() {
        let theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
        let mut drawing = drawn();
        drawing.move_cursor(-100, -100);
        for area in [SMALL, LARGE] {
            let (grid, buffer) = canvas(theme, &drawing, area);
            let grid = grid.unwrap();
            for (x, y) in grid.positions().map(|at| (at.x, at.y)).skip(2) {
                let (column, row) = pixel_at(grid, x, y).unwrap();
                let grey = drawing.pixels()[usize::from(row) * 28 + usize::from(column)];
                assert_eq!(buffer[(x, y)].fg, Color::Rgb(grey, grey, grey), "{x} {y}");
            }
        }
    }

    #[test]
    fn the_cursor_has_its_own_colour_and_marks_on_the_frame() {
        for background in [Background::Dark, Background::Light] {
            let theme = Theme::new(Palette::TrueColour, Glyphs::Unicode).on(background);
            let (_, buffer) = canvas(theme, &drawn(), SMALL);
            // Column 20 and row 25: the lower half of the cell at 21, 13.
            let cell = &buffer[(21, 13)];
            assert_eq!(Some(cell.bg), cursor_colour(&theme, 255));
            assert_eq!([buffer[(0, 13)].symbol(), buffer[(21, 15)].symbol()], ["▸", "▴"]);
            assert!(rows(&buffer)[0].starts_with("┏ your digit 21,26 pen up ━"), "{}", rows(&buffer)[0]);
            let (_, buffer) = canvas(theme, &drawn(), LARGE);
            let row: String = (41..=42).map(|x| buffer[(x, 26)].symbol()).collect();
            assert_eq!((row.as_str(), buffer[(41, 26)].bg), ("[]", Color::Rgb(255, 255, 255)));
        }
        for palette in [Palette::TrueColour, Palette::Indexed] {
            for grey in [0, BRUSH.1, BRUSH.0, 255] {
                let colour = cursor_colour(&Theme::new(palette, Glyphs::Unicode), grey).and_then(rgb).unwrap();
                let contrast = contrast(colour, (grey, grey, grey));
                assert!(contrast >= 3.0, "{palette:?}, {grey}: {contrast:.2}");
            }
        }
    }

    #[test]
    fn the_canvas_is_readable_without_colours() {
        for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
            let theme = Theme::new(Palette::None, glyphs);
            let mut drawing = drawn();
            drawing.set_pen(Pen::Erases);
            drawing.move_cursor(-3, -4);
            let (_, buffer) = canvas(theme, &drawing, SMALL);
            assert!(buffer[(18, 11)].modifier.contains(Modifier::REVERSED));
            let lines = rows(&buffer);
            assert!(lines[0].contains(" your digit 18,22 erasing "), "{}", lines[0]);
            let (_, buffer) = canvas(theme, &drawing, LARGE);
            assert!(rows(&buffer)[22].contains("[]"), "{}", rows(&buffer)[22]);
        }
        let (_, buffer) = canvas(Theme::new(Palette::None, Glyphs::Ascii), &drawn(), Rect::new(0, 0, 30, 16));
        assert_eq!(
            rows(&buffer),
            [
                "+ your digit 21,26 pen up ---+",
                "|   .-.                      |",
                "|   +##+                     |",
                "|    +##+.                   |",
                "|     .*@*.                  |",
                "|      .+##+.                |",
                "|        .*@*.               |",
                "|         .+##+              |",
                "|           +##+.            |",
                "|            .*@*.           |",
                "|             .+##+.         |",
                "|               .*@*.        |",
                "|                .+##+       |",
                ">                  +##+      |",
                "|                   .-.      |",
                "+--------------------^-------+",
            ]
        );
    }

    #[test]
    fn what_the_network_gets_is_drawn_beside_the_canvas() {
        let theme = Theme::new(Palette::None, Glyphs::Ascii);
        let mut pixels = vec![0; PIXELS];
        pixels[..2].fill(255);
        pixels[28..30].fill(255);
        pixels[PIXELS - 1] = 255;
        let area = Rect::new(0, 0, 32, 15);
        let mut buffer = Buffer::empty(area);
        draw_seen(&theme, &pixels, "as the network gets it", area, &mut buffer);
        let lines = rows(&buffer);
        assert_eq!([lines[0].as_str(), &lines[1], &lines[2]], ["as the network gets it", "@@", ""]);
        assert_eq!((lines[14].len(), lines[14].ends_with('=')), (28, true), "{}", lines[14]);
        draw_seen(&theme, &pixels, "cut", Rect::new(0, 0, 3, 1), &mut buffer);
        draw_seen(&theme, &[], "nothing", Rect::new(30, 13, 2, 2), &mut buffer);
    }

    fn classes() -> Vec<String> {
        (0..10).map(|class| class.to_string()).collect()
    }

    const FIRST: [f32; 10] = [0.531, 0.0, 0.002, 0.02, 0.3, 0.1, 0.04, 0.007, 0.0, 0.0];
    const SECOND: [f32; 10] = [0.0, 0.0, 0.0, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0, 0.75];

    fn answered(theme: Theme, answers: &[AnswerBars], area: Rect) -> Buffer {
        let mut buffer = Buffer::empty(area);
        draw_answers(&theme, answers, area, &mut buffer);
        buffer
    }

    fn answer<'a>(arm: &'a str, classes: &'a [String], probabilities: &'a [f32]) -> AnswerBars<'a> {
        AnswerBars { arm, style: Style::new(), classes, probabilities, stale: false, note: "no answer yet" }
    }

    #[test]
    fn answers_stand_beside_each_other_below_each_other_or_are_cut() {
        let theme = Theme::new(Palette::None, Glyphs::Unicode);
        let classes = classes();
        let answers = [answer("ReLU", &classes, &FIRST), answer("tanh", &classes, &SECOND)];
        let beside = rows(&answered(theme, &answers, Rect::new(0, 0, 42, 11)));
        assert_eq!(
            beside[..5],
            [
                "ReLU                  tanh",
                "0 █████▎      53.1 %  0              0.0 %",
                "1              0.0 %  1              0.0 %",
                "2              0.2 %  2              0.0 %",
                "3 ▎            2.0 %  3 ██▌         25.0 %",
            ]
        );
        let below = rows(&answered(theme, &answers, Rect::new(0, 0, 20, 24)));
        assert_eq!(
            [below[0].as_str(), &below[1], &below[11], &below[12]],
            ["ReLU", "0 █████▎      53.1 %", "", "tanh"]
        );
        let few = rows(&answered(theme, &answers, Rect::new(0, 0, 20, 8)));
        assert_eq!(
            few,
            [
                "ReLU",
                "0 █████▎      53.1 %",
                "4 ███         30.0 %",
                "5 █           10.0 %",
                "tanh",
                "9 ███████▌    75.0 %",
                "3 ██▌         25.0 %",
                "0              0.0 %",
            ]
        );
        let one = rows(&answered(theme, &answers, Rect::new(0, 0, 20, 4)));
        assert_eq!(one, ["ReLU", "0 █████▎      53.1 %", "tanh", "9 ███████▌    75.0 %",]);
        let cut = rows(&answered(theme, &answers, Rect::new(0, 0, 28, 3)));
        assert_eq!(cut, ["ReLU", "0 █████████▌          53.1 %", "1 more: enlarge the terminal",]);
    }

    #[test]
    fn answers_fill_wide_areas_and_survive_small_ones() {
        let theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
        let classes = classes();
        let answers: Vec<_> = (0..9).map(|_| answer("an arm with a long name", &classes, &FIRST)).collect();
        for (width, height) in (0..40).flat_map(|width| (0..14).map(move |height| (width, height))) {
            answered(theme, &answers, Rect::new(0, 0, width, height));
        }
        // Five beside each other in 80 columns, and all ten classes of each in two lines of networks.
        let lines = rows(&answered(theme, &answers, SMALL));
        assert_eq!(lines[0].matches("an arm").count(), 5, "{}", lines[0]);
        assert_eq!(lines[12].matches("an arm").count(), 4, "{}", lines[12]);
        let lines = rows(&answered(theme, &answers[..2], LARGE));
        assert_eq!((lines[1].find('█'), lines[1].chars().filter(|c| *c == '█').count()), (Some(2), 2 * 21));
    }

    #[test]
    fn the_largest_is_bold_and_an_older_answer_faint() {
        let theme = Theme::new(Palette::None, Glyphs::Ascii);
        let classes = ["ankle boot", "bag"].map(str::to_string);
        let mut answers = [answer("ReLU", &classes, &[0.25, 0.75])];
        let area = Rect::new(0, 0, 40, 3);
        let buffer = answered(theme, &answers, area);
        assert_eq!(
            rows(&buffer),
            ["ReLU", "ankle boot #####                  25.0 %", "bag        ###############        75.0 %",]
        );
        let modifiers = |buffer: &Buffer| [buffer[(0, 1)].modifier, buffer[(0, 2)].modifier];
        assert_eq!(modifiers(&buffer), [Modifier::empty(), Modifier::BOLD]);
        answers[0].stale = true;
        let buffer = answered(theme, &answers, area);
        assert_eq!(modifiers(&buffer), [Modifier::DIM, Modifier::DIM | Modifier::BOLD]);
        assert!(rows(&buffer)[0].starts_with("ReLU ~"), "{}", rows(&buffer)[0]);
        answers[0].probabilities = &[f32::NAN, 1.0];
        assert!(rows(&answered(theme, &answers, area))[1].ends_with("  -"));
        answers[0].probabilities = &[];
        assert_eq!(rows(&answered(theme, &answers, area))[1], "no answer yet");
    }
}
