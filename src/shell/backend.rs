//! From the cells that have changed to as few bytes as say so: a slow line has little room.

use super::out::Out;
use super::size;
use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr;

/// The terminal behind `out`. It is never asked anything.
pub struct AnsiBackend(pub Out);

/// How the next character will look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    fore: Color,
    back: Color,
    modifier: Modifier,
}

/// Modifiers, what switches each on, and what off. Bold and dim go off together.
const MODIFIERS: [(Modifier, u8, u8); 7] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::CROSSED_OUT, 9, 29),
];
/// A blank shows these, and its background.
const SEEN_ON_BLANKS: Modifier = Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT);

impl Look {
    /// What this cell needs; a blank does not care for what only characters show.
    fn of(cell: &Cell, before: Self) -> Self {
        let own = Self { fore: cell.fg, back: cell.bg, modifier: cell.modifier };
        let seen = (own.modifier | before.modifier) & SEEN_ON_BLANKS;
        if cell.symbol() == " " && seen.is_empty() { Self { back: cell.bg, ..before } } else { own }
    }

    /// The parameters of the shortest sequence from the one look to the other.
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

    /// What this look has and the other has not, modifiers to be switched off apart.
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

/// A colour of the text, whose base is 30, or behind it, 40.
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
        let (mut look, mut row, mut next) = (Look::default(), None, None);
        for (x, y, cell) in content {
            // A place in the same row is told by its column: where a terminal draws a character wider than we think, the
            // rest of the row stands right.
            match (row == Some(y), x) {
                (true, x) if next == Some(x) => {}
                (true, x) => write!(out, "\x1b[{}G", u32::from(x) + 1)?,
                (false, 0) => write!(out, "\x1b[{}H", u32::from(y) + 1)?,
                (false, x) => write!(out, "\x1b[{};{}H", u32::from(y) + 1, u32::from(x) + 1)?,
            }
            let wanted = Look::of(cell, look);
            let change = look.change(wanted);
            if look != wanted {
                write!(out, "\x1b[{}m", change.join(";"))?;
            }
            (look, row) = (wanted, Some(y));
            out.write_all(cell.symbol().as_bytes())?;
            next = (cell.symbol().width() == 1).then(|| x.saturating_add(1));
        }
        if look != Look::default() {
            out.write_all(b"\x1b[m")?;
        }
        Ok(())
    }

    /// It is hidden as long as the notebook has the terminal.
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
        size::drawn().map(Size::from)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size()?, pixels: Size::ZERO })
    }

    /// The frame is not whole yet.
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

    /// The bytes that make the second of the first.
    fn bytes(before: &Buffer, after: &Buffer) -> Vec<u8> {
        let out = Out::default();
        AnsiBackend(out.clone()).draw(before.diff(after).into_iter()).unwrap();
        out.take()
    }

    /// What a terminal shows of a cell.
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
        // Terminals do not agree on what is both bold and dim.
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
        /// Whatever stood there: the terminal shows the same as if it had been drawn on an empty screen, cell by cell.
        #[test]
        fn the_terminal_shows_the_new_frame(before in buffers(), after in buffers()) {
            let mut terminal = vt100::Parser::new(AREA.height, AREA.width, 0);
            terminal.process(&bytes(&Buffer::empty(AREA), &before));
            terminal.process(&bytes(&before, &after));
            let mut plain = vt100::Parser::new(AREA.height, AREA.width, 0);
            for (x, y, cell) in Buffer::empty(AREA).diff(&after) {
                plain.process(format!("\x1b[m\x1b[{};{}H", y + 1, x + 1).as_bytes());
                let look = Look { fore: cell.fg, back: cell.bg, modifier: cell.modifier };
                let mut parameters = vec!["0".to_string()];
                look.add_to(Look::default(), &mut parameters);
                plain.process(format!("\x1b[{}m{}", parameters.join(";"), cell.symbol()).as_bytes());
            }
            prop_assert_eq!(shown(&terminal), shown(&plain));
        }
    }

    /// Terminals do not agree on how wide some characters are.
    #[test]
    fn behind_a_wide_character_the_place_is_told_anew() {
        let mut after = Buffer::empty(AREA);
        after.set_string(0, 0, "a中b", Style::new());
        let text = String::from_utf8(bytes(&Buffer::empty(AREA), &after)).unwrap();
        assert_eq!(text, "\x1b[1Ha中\x1b[4Gb");
    }

    #[test]
    fn a_small_change_takes_few_bytes() {
        let mut before = Buffer::empty(AREA);
        before.set_string(0, 1, "epoch 17", Style::new().fg(Color::Rgb(1, 2, 3)));
        let mut after = before.clone();
        assert_eq!(bytes(&before, &after), b"");
        after.set_string(7, 1, "8", Style::new().fg(Color::Rgb(1, 2, 3)));
        assert_eq!(bytes(&before, &after), b"\x1b[2;8H\x1b[38;2;1;2;3m8\x1b[m");
        let mut empty = after.clone();
        empty.set_string(0, 1, "        ", Style::new().fg(Color::Red));
        assert_eq!(bytes(&after, &empty).len(), "\x1b[2H".len() + 8, "blanks need no colour");
    }
}
