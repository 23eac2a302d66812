//! Turns the cells that have changed into as few bytes as possible: the line to the terminal may be slow.

use super::frame_output::FrameOutput;
use super::terminal_size::frame_size;
use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr;

/// A ratatui backend that writes ANSI sequences and never queries the terminal.
pub struct AnsiBackend(pub FrameOutput);

/// The colours and modifiers of the characters that follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Attributes {
    fore: Color,
    back: Color,
    modifier: Modifier,
}

/// Each modifier with the SGR parameters that set and reset it. One parameter resets both bold and dim.
const MODIFIERS: [(Modifier, u8, u8); 7] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::CROSSED_OUT, 9, 29),
];
/// The modifiers that a space shows beside its background.
const VISIBLE_ON_SPACES: Modifier = Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT);

impl Attributes {
    /// The attributes that this cell needs. Those that a space does not show stay as they are.
    fn of(cell: &Cell, before: Self) -> Self {
        let own = Self { fore: cell.fg, back: cell.bg, modifier: cell.modifier };
        let seen = (own.modifier | before.modifier) & VISIBLE_ON_SPACES;
        if cell.symbol() == " " && seen.is_empty() { Self { back: cell.bg, ..before } } else { own }
    }

    /// The parameters of the shortest SGR sequence from these attributes to the others.
    fn change(self, to: Self) -> Vec<String> {
        let mut whole = vec![String::new()];
        to.add_to(Self::default(), &mut whole);
        let mut change = Vec::new();
        let mut kept = self;
        let gone = self.modifier - to.modifier;
        for (modifier, _, off) in MODIFIERS.into_iter().filter(|(modifier, ..)| gone.contains(*modifier)) {
            if kept.modifier.contains(modifier) {
                change.push(off.to_string());
                let both = MODIFIERS.into_iter().filter(|(.., other)| *other == off);
                both.for_each(|(modifier, ..)| kept.modifier -= modifier);
            }
        }
        to.add_to(kept, &mut change);
        let length = |parameters: &[String]| parameters.iter().map(|text| text.len() + 1).sum::<usize>();
        if length(&whole) < length(&change) { whole } else { change }
    }

    /// Appends the parameters that set what the other attributes lack. They reset no modifier.
    fn add_to(self, other: Self, parameters: &mut Vec<String>) {
        let new = self.modifier - other.modifier;
        let new = MODIFIERS.into_iter().filter(|(modifier, ..)| new.contains(*modifier));
        parameters.extend(new.map(|(_, on, _)| on.to_string()));
        for (colour, was, base) in [(self.fore, other.fore, 30), (self.back, other.back, 40)] {
            if colour != was {
                parameters.push(parameter(colour, base));
            }
        }
    }
}

/// The SGR parameter of a colour. The base of foreground colours is 30, of background colours 40.
fn parameter(colour: Color, base: u8) -> String {
    let basic = match colour {
        Color::Reset => 9,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 60,
        Color::LightRed => 61,
        Color::LightGreen => 62,
        Color::LightYellow => 63,
        Color::LightBlue => 64,
        Color::LightMagenta => 65,
        Color::LightCyan => 66,
        Color::White => 67,
        Color::Indexed(index) => return format!("{};5;{index}", base + 8),
        Color::Rgb(red, green, blue) => return format!("{};2;{red};{green};{blue}", base + 8),
    };
    (base + basic).to_string()
}

impl Backend for AnsiBackend {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let out = &mut self.0;
        let (mut attributes, mut row, mut next) = (Attributes::default(), None, None);
        for (x, y, cell) in content {
            // Within a row the column is given absolutely: where a terminal draws a character wider than expected, the rest of
            // the row is still in its place.
            match (row == Some(y), x) {
                (true, x) if next == Some(x) => {}
                (true, x) => write!(out, "\x1b[{}G", u32::from(x) + 1)?,
                (false, 0) => write!(out, "\x1b[{}H", u32::from(y) + 1)?,
                (false, x) => write!(out, "\x1b[{};{}H", u32::from(y) + 1, u32::from(x) + 1)?,
            }
            let wanted = Attributes::of(cell, attributes);
            let change = attributes.change(wanted);
            if attributes != wanted {
                write!(out, "\x1b[{}m", change.join(";"))?;
            }
            (attributes, row) = (wanted, Some(y));
            out.write_all(cell.symbol().as_bytes())?;
            next = (cell.symbol().width() == 1).then(|| x.saturating_add(1));
        }
        if attributes != Attributes::default() {
            out.write_all(b"\x1b[m")?;
        }
        Ok(())
    }

    /// Does nothing: the cursor is hidden as long as the notebook has the terminal.
    fn hide_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let Position { x, y } = position.into();
        write!(self.0, "\x1b[{};{}H", u32::from(y) + 1, u32::from(x) + 1)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.0.write_all(b"\x1b[m\x1b[2J")
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.0.write_all(match region {
            ClearType::All => b"\x1b[2J",
            ClearType::AfterCursor => b"\x1b[0J",
            ClearType::BeforeCursor => b"\x1b[1J",
            ClearType::CurrentLine => b"\x1b[2K",
            ClearType::UntilNewLine => b"\x1b[0K",
        })
    }

    fn size(&self) -> io::Result<Size> {
        frame_size().map(Size::from)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size()?, pixels: Size::ZERO })
    }

    /// Does nothing: the frame is not complete yet.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    const AREA: Rect = Rect::new(0, 0, 12, 3);

    /// The bytes that turn the first buffer into the second.
    fn bytes(before: &Buffer, after: &Buffer) -> Vec<u8> {
        let out = FrameOutput::default();
        AnsiBackend(out.clone()).draw(before.diff(after).into_iter()).unwrap();
        out.take()
    }

    /// The visible part of a cell.
    type Shown = (String, vt100::Color, vt100::Color, [bool; 5]);

    fn shown(terminal: &vt100::Parser) -> Vec<Shown> {
        let cell = |row, column| {
            let cell = terminal.screen().cell(row, column).unwrap();
            let text = if cell.has_contents() { cell.contents().to_string() } else { " ".into() };
            let flags = [cell.bold(), cell.dim(), cell.italic(), cell.underline(), cell.inverse()];
            let blank = text == " " && !flags[3] && !flags[4];
            let unseen = |flags: [bool; 5]| if blank { [false; 5] } else { flags };
            (text, if blank { vt100::Color::Default } else { cell.fgcolor() }, cell.bgcolor(), unseen(flags))
        };
        (0..AREA.height)
            .flat_map(|row| (0..AREA.width).map(move |column| (row, column)))
            .map(|(r, c)| cell(r, c))
            .collect()
    }

    fn buffers() -> impl Strategy<Value = Buffer> {
        let colour = prop_oneof![
            Just(Color::Reset),
            Just(Color::Red),
            Just(Color::LightBlue),
            any::<u8>().prop_map(Color::Indexed),
            any::<[u8; 3]>().prop_map(Color::from),
        ];
        // Terminals differ in what they show for bold and dim together.
        let weight = proptest::sample::select(vec![Modifier::BOLD, Modifier::DIM, Modifier::empty()]);
        let modifier =
            proptest::sample::subsequence(vec![Modifier::ITALIC, Modifier::UNDERLINED, Modifier::REVERSED], 0..3);
        let style = (colour.clone(), colour, weight, modifier);
        let piece = (0..AREA.width, 0..AREA.height, "[ a-cé]{1,4}", style);
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| {
            let mut buffer = Buffer::empty(AREA);
            for (x, y, text, (fore, back, weight, modifiers)) in pieces {
                let modifiers = modifiers.into_iter().fold(weight, |all, modifier| all | modifier);
                let style = Style::new().fg(fore).bg(back).remove_modifier(Modifier::all());
                buffer.set_string(x, y, text, style.add_modifier(modifiers));
            }
            buffer
        })
    }

    proptest! {
        /// The terminal shows the same as if the new buffer had been drawn cell by cell on an empty screen.
        #[test]
        fn the_terminal_shows_the_new_frame(before in buffers(), after in buffers()) {
            let mut terminal = vt100::Parser::new(AREA.height, AREA.width, 0);
            terminal.process(&bytes(&Buffer::empty(AREA), &before));
            terminal.process(&bytes(&before, &after));
            let mut plain = vt100::Parser::new(AREA.height, AREA.width, 0);
            for (x, y, cell) in Buffer::empty(AREA).diff(&after) {
                plain.process(format!("\x1b[m\x1b[{};{}H", y + 1, x + 1).as_bytes());
                let attributes = Attributes { fore: cell.fg, back: cell.bg, modifier: cell.modifier };
                let mut parameters = vec!["0".to_string()];
                attributes.add_to(Attributes::default(), &mut parameters);
                plain.process(format!("\x1b[{}m{}", parameters.join(";"), cell.symbol()).as_bytes());
            }
            prop_assert_eq!(shown(&terminal), shown(&plain));
        }
    }

    /// Terminals differ in the width of some characters.
    #[test]
    fn the_cursor_is_positioned_anew_after_a_wide_character() {
        let mut after = Buffer::empty(AREA);
        after.set_string(0, 0, "a中b", Style::new());
        let text = String::from_utf8(bytes(&Buffer::empty(AREA), &after)).unwrap();
        assert_eq!(text, "\x1b[1Ha中\x1b[4Gb");
    }

    #[test]
    fn a_small_change_needs_few_bytes() {
        let mut before = Buffer::empty(AREA);
        before.set_string(0, 1, "epoch 17", Style::new().fg(Color::Rgb(1, 2, 3)));
        let mut after = before.clone();
        assert_eq!(bytes(&before, &after), b"");
        after.set_string(7, 1, "8", Style::new().fg(Color::Rgb(1, 2, 3)));
        assert_eq!(bytes(&before, &after), b"\x1b[2;8H\x1b[38;2;1;2;3m8\x1b[m");
        let mut empty = after.clone();
        empty.set_string(0, 1, "        ", Style::new().fg(Color::Red));
        assert_eq!(bytes(&after, &empty).len(), "\x1b[2H".len() + 8, "spaces need no colour");
    }
}
