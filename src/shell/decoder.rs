//! Decodes the bytes that a terminal sends into keys, mouse events, pastes and answers to the notebook's own queries.
//!
//! A terminal sends more than keys: answers to another program's queries, reports, sequences of extensions. A complete
//! sequence that is unknown is ignored. An incomplete one is waited for, with a timeout. So no byte can block the keyboard,
//! and Ctrl-C is recognised in every state.

use super::image_queries::{ITERM_PROGRAMS, KITTY_QUERY_KEY};
use app::{Background, CellSize, ImageProtocol, TerminalReply};
use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyEventState, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use std::time::Duration;

/// A decoded input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    /// The answer to the query for the background's colour.
    Background(Background),
    /// The answer to a query for images.
    Terminal(TerminalReply),
}

/// After this time an ESC byte that nothing follows is the key Esc.
const ESCAPE_TIMEOUT: Duration = Duration::from_millis(50);
/// How long the decoder waits for the rest of any other sequence.
const SEQUENCE_TIMEOUT: Duration = Duration::from_secs(1);
/// Longer sequences are read to their end and ignored.
const LONGEST_SEQUENCE: usize = 64;
/// How many bytes of a terminal's string are stored. Only a colour, a version and whether images are supported are of
/// interest, and these are short.
const LONGEST_STRING: usize = 128;
/// The rest of a longer paste is dropped; no field needs a megabyte.
const LONGEST_PASTE: usize = 1 << 20;
/// After a timeout within a paste, fewer bytes than this are a key: a terminal sends each key separately.
const LONGEST_KEY: usize = 12;

const ESCAPE: u8 = 0x1b;
const CONTROL_C: u8 = 0x03;
const PASTE_END: &[u8] = b"\x1b[201~";

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Ground,
    /// The first bytes of a character that has `length` bytes.
    Character {
        bytes: Vec<u8>,
        length: usize,
        modifiers: KeyModifiers,
    },
    Escape,
    /// `ESC [` and the bytes after it.
    Csi(Vec<u8>),
    /// `ESC O`; a digit may precede the key.
    Ss3,
    /// `ESC [ [`: the function keys of the Linux console.
    ConsoleFunction,
    /// `ESC [ M`: button, column and row, a byte each.
    OldMouse(Vec<u8>),
    /// `escaped` is set after an ESC, which may begin the terminator.
    String {
        kind: StringKind,
        text: Vec<u8>,
        escaped: bool,
    },
    Paste(Vec<u8>),
}

/// The kinds of strings that a terminal sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StringKind {
    Osc,
    Dcs,
    Apc,
    /// PM and SOS.
    Other,
}

#[derive(Debug)]
pub struct Decoder {
    state: State,
    /// The state at the last timeout: the rest of its sequence may still come.
    timed_out: Option<State>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { state: State::Ground, timed_out: None }
    }
}

impl Decoder {
    /// How long to wait for the rest of the current sequence before [`Decoder::time_out`] must be called. `None` outside a
    /// sequence.
    pub fn timeout(&self) -> Option<Duration> {
        match self.state {
            State::Ground => None,
            State::Escape => Some(ESCAPE_TIMEOUT),
            _ => Some(SEQUENCE_TIMEOUT),
        }
    }

    /// Ends the current sequence, as no byte has come within [`Decoder::timeout`].
    pub fn time_out(&mut self) -> Vec<Input> {
        let state = std::mem::replace(&mut self.state, State::Ground);
        let input = match &state {
            State::Escape => Some(Input::Key(KeyCode::Esc.into())),
            State::Paste(text) => pasted(text),
            _ => None,
        };
        self.timed_out = (state != State::Ground).then_some(state);
        input.into_iter().collect()
    }

    /// Decodes bytes that have arrived together.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Input> {
        if let Some(state) = self.timed_out.take().filter(|state| continues(state, bytes)) {
            self.state = match state {
                // The part before the timeout was returned then.
                State::Paste(_) => State::Paste(Vec::new()),
                state => state,
            };
        }
        let mut inputs = Vec::new();
        // A terminal sends Alt and its key together: a key that arrives separately was pressed after Esc, however soon.
        let begins =
            bytes.first().is_some_and(|byte| matches!(byte, b'[' | b'O' | b']' | b'P' | b'_' | b'^' | b'X' | b'\\'));
        if self.state == State::Escape && !begins && !bytes.is_empty() {
            inputs.extend(self.time_out());
            self.timed_out = None;
        }
        for (at, &byte) in bytes.iter().enumerate() {
            // Nothing followed the byte, so Ctrl-C was typed, even within an unfinished sequence.
            if byte == CONTROL_C && at + 1 == bytes.len() && !matches!(self.state, State::Ground | State::Escape) {
                self.state = State::Ground;
            }
            self.byte(byte, &mut inputs);
        }
        inputs
    }

    fn byte(&mut self, byte: u8, inputs: &mut Vec<Input>) {
        match std::mem::replace(&mut self.state, State::Ground) {
            State::Ground => self.first(byte, KeyModifiers::NONE, inputs),
            State::Character { mut bytes, length, modifiers } => {
                if byte & 0xc0 != 0x80 {
                    return self.byte(byte, inputs);
                }
                bytes.push(byte);
                if bytes.len() < length {
                    self.state = State::Character { bytes, length, modifiers };
                } else if let Some(c) = std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next()) {
                    inputs.extend(character(c, modifiers));
                }
            }
            State::Escape => match byte {
                ESCAPE => {
                    inputs.push(Input::Key(KeyCode::Esc.into()));
                    self.state = State::Escape;
                }
                b'[' => self.state = State::Csi(Vec::new()),
                b'O' => self.state = State::Ss3,
                b']' | b'P' | b'_' | b'^' | b'X' => {
                    let kind = match byte {
                        b']' => StringKind::Osc,
                        b'P' => StringKind::Dcs,
                        b'_' => StringKind::Apc,
                        _ => StringKind::Other,
                    };
                    self.state = State::String { kind, text: Vec::new(), escaped: false };
                }
                // The terminator of a string that has already ended.
                b'\\' => {}
                _ => self.first(byte, KeyModifiers::ALT, inputs),
            },
            State::Csi(mut text) => match byte {
                // Parameter and intermediate bytes.
                0x20..=0x3f => {
                    if text.len() < LONGEST_SEQUENCE {
                        text.push(byte);
                    }
                    self.state = State::Csi(text);
                }
                0x40..=0x7e if text.len() < LONGEST_SEQUENCE => self.csi(&text, byte, inputs),
                0x40..=0x7e => {}
                _ => self.interrupted(byte, inputs),
            },
            State::Ss3 => match byte {
                b'0'..=b'9' => self.state = State::Ss3,
                b'M' => inputs.push(Input::Key(KeyCode::Enter.into())),
                0x20..=0x7e => inputs.extend(letter_key(byte).map(|code| Input::Key(code.into()))),
                _ => self.interrupted(byte, inputs),
            },
            State::ConsoleFunction => match byte {
                b'A'..=b'E' => inputs.push(Input::Key(KeyCode::F(byte - b'A' + 1).into())),
                0x20..=0x7e => {}
                _ => self.interrupted(byte, inputs),
            },
            State::OldMouse(mut bytes) => {
                if byte < 0x20 {
                    return self.interrupted(byte, inputs);
                }
                bytes.push(byte);
                match bytes[..] {
                    [button, column, row] => {
                        let place = |byte: u8| u16::from(byte.saturating_sub(33));
                        inputs.extend(mouse(button.wrapping_sub(32).into(), place(column), place(row), false));
                    }
                    _ => self.state = State::OldMouse(bytes),
                }
            }
            State::String { kind, mut text, escaped } => match byte {
                b'\\' if escaped => inputs.extend(answer(kind, &text)),
                _ if escaped => {
                    self.state = State::Escape;
                    self.byte(byte, inputs);
                }
                ESCAPE => self.state = State::String { kind, text, escaped: true },
                0x07 if kind == StringKind::Osc => inputs.extend(answer(kind, &text)),
                // ST as one byte; after another non-ASCII byte it is part of a character.
                0x9c if text.last().is_none_or(u8::is_ascii) => inputs.extend(answer(kind, &text)),
                // CAN and SUB end every sequence.
                0x18 | 0x1a => {}
                _ => {
                    if text.len() < LONGEST_STRING {
                        text.push(byte);
                    }
                    self.state = State::String { kind, text, escaped: false };
                }
            },
            State::Paste(mut text) => {
                text.push(byte);
                if text.ends_with(PASTE_END) {
                    text.truncate(text.len() - PASTE_END.len());
                    inputs.extend(pasted(&text));
                } else {
                    if text.len() > LONGEST_PASTE + PASTE_END.len() {
                        // Keeps the last bytes, in which the terminator is searched.
                        text.drain(LONGEST_PASTE..=LONGEST_PASTE);
                    }
                    self.state = State::Paste(text);
                }
            }
        }
    }

    /// Handles a byte that can't be part of the current sequence: the sequence is dropped, and the byte is decoded anew.
    fn interrupted(&mut self, byte: u8, inputs: &mut Vec<Input>) {
        if !matches!(byte, 0x18 | 0x1a) {
            self.byte(byte, inputs);
        }
    }

    /// Decodes the first byte of an input. After an ESC, `modifiers` is Alt.
    fn first(&mut self, byte: u8, modifiers: KeyModifiers, inputs: &mut Vec<Input>) {
        let length = match byte {
            ESCAPE => {
                self.state = State::Escape;
                return;
            }
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            // With 8-bit controls a terminal sends one byte instead of ESC and a letter.
            0x9b => {
                self.state = State::Csi(Vec::new());
                return;
            }
            0x90 | 0x98 | 0x9d..=0x9f => {
                let kind = match byte {
                    0x9d => StringKind::Osc,
                    0x90 => StringKind::Dcs,
                    0x9f => StringKind::Apc,
                    _ => StringKind::Other,
                };
                self.state = State::String { kind, text: Vec::new(), escaped: false };
                return;
            }
            // Neither a character nor its first byte.
            0x80.. => return,
            _ => {
                let (code, own) = ascii(byte);
                inputs.push(Input::Key(KeyEvent::new(code, own | modifiers)));
                return;
            }
        };
        self.state = State::Character { bytes: vec![byte], length, modifiers };
    }

    /// Decodes a complete sequence after `ESC [` from its parameters and its final byte.
    fn csi(&mut self, text: &[u8], last: u8, inputs: &mut Vec<Input>) {
        match (text, last) {
            ([], b'[') => self.state = State::ConsoleFunction,
            ([], b'M') => self.state = State::OldMouse(Vec::new()),
            ([b'<', rest @ ..], b'M' | b'm') => {
                if let [Some(button), Some(column), Some(row)] = numbers(rest)[..] {
                    let place = |number: u32| number.saturating_sub(1).min(u16::MAX.into()) as u16;
                    inputs.extend(mouse(button, place(column), place(row), last == b'm'));
                }
            }
            ([b'?', rest @ ..], b'c') => {
                // xterm, ctlseqs: the attribute 4 is Sixel graphics.
                let sixel = numbers(rest).iter().skip(1).any(|attribute| *attribute == Some(4));
                inputs.push(Input::Terminal(TerminalReply::Attributes { sixel }));
            }
            (text, _) if text.iter().any(|byte| !matches!(byte, b'0'..=b'9' | b':' | b';')) => {}
            (_, b'M') => {
                if let [Some(button), Some(column), Some(row)] = numbers(text)[..] {
                    let place = |number: u32| number.saturating_sub(1).min(u16::MAX.into()) as u16;
                    inputs.extend(mouse(button.wrapping_sub(32), place(column), place(row), false));
                }
            }
            (_, b't') => {
                if let [Some(6), Some(height), Some(width)] = numbers(text)[..] {
                    inputs.extend(CellSize::new(width, height).map(TerminalReply::CellSize).map(Input::Terminal));
                }
            }
            (b"200", b'~') => self.state = State::Paste(Vec::new()),
            _ => inputs.extend(key(text, last)),
        }
    }
}

/// Whether these bytes, which have arrived together, continue a sequence that has timed out. A single byte is a key.
fn continues(state: &State, bytes: &[u8]) -> bool {
    let is_csi = |rest: &[u8]| {
        let last = rest.iter().position(|byte| !matches!(byte, 0x20..=0x3f));
        last.is_some_and(|at| matches!(rest[at], 0x40..=0x7e))
    };
    if bytes.len() < 2 {
        return false;
    }
    match state {
        State::Escape => match bytes {
            [b'[', rest @ ..] => is_csi(rest),
            [b'O', rest @ ..] => letter_key(rest[0]).is_some(),
            [b']' | b'P' | b'_', ..] => ends_string(bytes),
            _ => false,
        },
        State::Csi(_) => is_csi(bytes),
        State::String { .. } => ends_string(bytes),
        // Keys that repeat, and the mouse, come in sequences.
        State::Paste(_) => {
            let more = bytes.len() > LONGEST_KEY && bytes[0] != ESCAPE;
            more || bytes.windows(PASTE_END.len()).any(|part| part == PASTE_END)
        }
        _ => false,
    }
}

/// Whether these bytes contain the terminator of a string.
fn ends_string(bytes: &[u8]) -> bool {
    bytes.contains(&0x07) || bytes.contains(&0x9c) || bytes.windows(2).any(|pair| pair == b"\x1b\\")
}

/// Decodes a key of one byte.
fn ascii(byte: u8) -> (KeyCode, KeyModifiers) {
    let control = |c: u8| (KeyCode::Char(char::from(c)), KeyModifiers::CONTROL);
    match byte {
        b'\r' => (KeyCode::Enter, KeyModifiers::NONE),
        b'\t' => (KeyCode::Tab, KeyModifiers::NONE),
        0x7f => (KeyCode::Backspace, KeyModifiers::NONE),
        0 => control(b' '),
        0x01..=0x1a => control(byte - 1 + b'a'),
        0x1b => (KeyCode::Esc, KeyModifiers::NONE),
        0x1c..=0x1f => control(byte - 0x1c + b'4'),
        b'A'..=b'Z' => (KeyCode::Char(char::from(byte)), KeyModifiers::SHIFT),
        _ => (KeyCode::Char(char::from(byte)), KeyModifiers::NONE),
    }
}

fn character(c: char, modifiers: KeyModifiers) -> Option<Input> {
    let shift = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    (!c.is_control()).then(|| Input::Key(KeyEvent::new(KeyCode::Char(c), modifiers | shift)))
}

/// Parses numbers separated by semicolons; of numbers separated by colons only the first.
fn numbers(text: &[u8]) -> Vec<Option<u32>> {
    text.split(|byte| *byte == b';').map(|part| parts(part)[0]).collect()
}

/// Parses numbers separated by colons.
fn parts(text: &[u8]) -> Vec<Option<u32>> {
    let number = |part: &[u8]| std::str::from_utf8(part).ok()?.parse().ok();
    text.split(|byte| *byte == b':').map(number).collect()
}

/// The keys that end in a letter.
fn letter_key(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'E' => KeyCode::KeypadBegin,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P' => KeyCode::F(1),
        b'Q' => KeyCode::F(2),
        b'R' => KeyCode::F(3),
        b'S' => KeyCode::F(4),
        _ => return None,
    })
}

/// The keys that end in a tilde, by their number. Source: xterm, ctlseqs, "PC-Style Function Keys".
fn numbered_key(number: u32) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number as u8 - 10),
        17..=21 => KeyCode::F(number as u8 - 11),
        23..=26 => KeyCode::F(number as u8 - 12),
        28 | 29 => KeyCode::F(number as u8 - 13),
        31..=34 => KeyCode::F(number as u8 - 14),
        _ => return None,
    })
}

/// Decodes a key's sequence: xterm's forms with modifiers, its modifyOtherKeys, and kitty's `u`.
fn key(text: &[u8], last: u8) -> Option<Input> {
    let fields: Vec<Vec<Option<u32>>> = text.split(|byte| *byte == b';').map(parts).collect();
    let number = |field: usize, part: usize| *fields.get(field)?.get(part)?;
    let mask = number(1, 0).unwrap_or(1);
    let kind = match number(1, 1) {
        Some(2) => KeyEventKind::Repeat,
        Some(3) => KeyEventKind::Release,
        _ => KeyEventKind::Press,
    };
    let (modifiers, state) = modifiers(mask);
    let with = |code: KeyCode, modifiers: KeyModifiers| {
        Some(Input::Key(KeyEvent::new_with_kind_and_state(code, modifiers, kind, state)))
    };
    match last {
        // A report of the cursor's position looks like F3 with modifiers.
        b'R' if !text.is_empty() => None,
        b'Z' => with(KeyCode::BackTab, modifiers | KeyModifiers::SHIFT),
        b'~' if number(0, 0) == Some(27) => {
            let (code, modifiers) = coded(number(2, 0)?, None, modifiers)?;
            with(code, modifiers)
        }
        b'~' => with(numbered_key(number(0, 0)?)?, modifiers),
        // rxvt's forms with Ctrl.
        b'^' => with(numbered_key(number(0, 0)?)?, KeyModifiers::CONTROL),
        b'u' => {
            let typed = number(2, 0).or(if modifiers.contains(KeyModifiers::SHIFT) { number(0, 1) } else { None });
            let (code, modifiers) = coded(number(0, 0)?, typed, modifiers)?;
            with(code, modifiers)
        }
        _ => with(letter_key(last)?, modifiers),
    }
}

/// Source: kitty's keyboard protocol, "Modifiers".
fn modifiers(mask: u32) -> (KeyModifiers, KeyEventState) {
    let bits = mask.saturating_sub(1);
    let names = [
        KeyModifiers::SHIFT,
        KeyModifiers::ALT,
        KeyModifiers::CONTROL,
        KeyModifiers::SUPER,
        KeyModifiers::HYPER,
        KeyModifiers::META,
    ];
    let set = |bit: usize| bits >> bit & 1 == 1;
    let modifiers = names.into_iter().enumerate().filter(|(bit, _)| set(*bit)).map(|(_, modifier)| modifier).collect();
    let locks = [KeyEventState::CAPS_LOCK, KeyEventState::NUM_LOCK];
    let state = locks.into_iter().enumerate().filter(|(bit, _)| set(bit + 6)).map(|(_, lock)| lock).collect();
    (modifiers, state)
}

/// Decodes a key from its code point and, if the terminal reports it, the character that was typed.
fn coded(code: u32, typed: Option<u32>, mut modifiers: KeyModifiers) -> Option<(KeyCode, KeyModifiers)> {
    let key = match code {
        9 if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        9 => KeyCode::Tab,
        13 | 57414 => KeyCode::Enter,
        27 => KeyCode::Esc,
        8 | 127 => KeyCode::Backspace,
        // The keypad. Source: kitty's keyboard protocol, "Functional key definitions".
        57399..=57408 => KeyCode::Char(char::from_digit(code - 57399, 10)?),
        57409..=57413 => KeyCode::Char(['.', '/', '*', '-', '+'][(code - 57409) as usize]),
        57415 => KeyCode::Char('='),
        57416 => KeyCode::Char(','),
        57417 => KeyCode::Left,
        57418 => KeyCode::Right,
        57419 => KeyCode::Up,
        57420 => KeyCode::Down,
        57421 => KeyCode::PageUp,
        57422 => KeyCode::PageDown,
        57423 => KeyCode::Home,
        57424 => KeyCode::End,
        57425 => KeyCode::Insert,
        57426 => KeyCode::Delete,
        57427 => KeyCode::KeypadBegin,
        // Modifiers by themselves, media keys: the private use area.
        0xe000..=0xf8ff => return None,
        _ => {
            let c = char::from_u32(typed.unwrap_or(code)).filter(|c| !c.is_control())?;
            let c = if modifiers.contains(KeyModifiers::CONTROL) {
                c.to_ascii_lowercase()
            } else if modifiers.contains(KeyModifiers::SHIFT) && typed.is_none() {
                c.to_ascii_uppercase()
            } else {
                c
            };
            if c.is_uppercase() {
                modifiers |= KeyModifiers::SHIFT;
            }
            KeyCode::Char(c)
        }
    };
    Some((key, modifiers))
}

/// Source: xterm, ctlseqs, "Mouse Tracking".
fn mouse(code: u32, column: u16, row: u16, released: bool) -> Option<Input> {
    let button = [MouseButton::Left, MouseButton::Middle, MouseButton::Right].get((code & 3) as usize).copied();
    let kind = match (code & 0b1100_0000, code & 0b0010_0000 != 0, button) {
        (0, false, Some(button)) if released => MouseEventKind::Up(button),
        (0, false, Some(button)) => MouseEventKind::Down(button),
        (0, false, None) => MouseEventKind::Up(MouseButton::Left),
        (0, true, Some(button)) => MouseEventKind::Drag(button),
        (0, true, None) => MouseEventKind::Moved,
        (64, _, _) => match code & 3 {
            0 => MouseEventKind::ScrollUp,
            1 => MouseEventKind::ScrollDown,
            2 => MouseEventKind::ScrollLeft,
            _ => MouseEventKind::ScrollRight,
        },
        _ => return None,
    };
    let bits = [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)];
    let modifiers = bits.into_iter().filter(|(bit, _)| code & bit != 0).map(|(_, modifier)| modifier).collect();
    Some(Input::Mouse(MouseEvent { kind, column, row, modifiers }))
}

fn pasted(text: &[u8]) -> Option<Input> {
    (!text.is_empty()).then(|| Input::Paste(String::from_utf8_lossy(text).into_owned()))
}

/// Decodes the answer to a query of the notebook's, from a whole string.
fn answer(kind: StringKind, text: &[u8]) -> Option<Input> {
    let images = |protocol| Some(Input::Terminal(TerminalReply::Images(protocol)));
    match kind {
        StringKind::Osc => background(text),
        // The version, such as `iTerm2 3.5.4` or `WezTerm 20240203`.
        StringKind::Dcs => {
            let version = text.strip_prefix(b">|")?;
            let has_images = ITERM_PROGRAMS.iter().any(|name| version.starts_with(name.as_bytes()));
            if has_images { images(ImageProtocol::Iterm) } else { None }
        }
        StringKind::Apc => {
            let (keys, message) = std::str::from_utf8(text.strip_prefix(b"G")?).ok()?.split_once(';')?;
            let is_ours = keys.split(',').any(|key| key == KITTY_QUERY_KEY);
            if is_ours && message == "OK" { images(ImageProtocol::Kitty) } else { None }
        }
        StringKind::Other => None,
    }
}

/// Parses the answer to OSC 11: `11;rgb:1e1e/1e1e/1e1e` with one to four digits each, or `11;#1e1e1e`.
fn background(text: &[u8]) -> Option<Input> {
    let colour = std::str::from_utf8(text).ok()?.strip_prefix("11;")?;
    let part = |digits: &str| {
        let largest = 16_u32.checked_pow(u32::try_from(digits.len()).ok()?)?.checked_sub(1).filter(|most| *most > 0)?;
        Some(f64::from(u32::from_str_radix(digits, 16).ok()?) / f64::from(largest))
    };
    let parts: Vec<f64> = if let Some(digits) = colour.strip_prefix('#').filter(|digits| digits.is_ascii()) {
        let length = digits.len() / 3;
        (0..3).map(|at| part(digits.get(at * length..(at + 1) * length)?)).collect::<Option<_>>()?
    } else {
        let (_, parts) = colour.split_once(':').filter(|(space, _)| matches!(*space, "rgb" | "rgba"))?;
        parts.split('/').map(part).collect::<Option<_>>()?
    };
    let [red, green, blue, ..] = parts[..] else { return None };
    Some(Input::Background(Background::of_colour(red, green, blue)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds all bytes together, then times out.
    fn decode(bytes: &[u8]) -> Vec<Input> {
        let mut decoder = Decoder::default();
        let mut inputs = decoder.feed(bytes);
        inputs.extend(decoder.time_out());
        inputs
    }

    fn chord(code: KeyCode, modifiers: KeyModifiers) -> Input {
        Input::Key(KeyEvent::new(code, modifiers))
    }

    fn plain(code: KeyCode) -> Input {
        chord(code, KeyModifiers::NONE)
    }

    /// The inputs of the reader, without the terminal's answers.
    fn of_reader(inputs: Vec<Input>) -> Vec<Input> {
        inputs.into_iter().filter(|input| !matches!(input, Input::Background(_) | Input::Terminal(_))).collect()
    }

    fn ctrl_c() -> Input {
        chord(KeyCode::Char('c'), KeyModifiers::CONTROL)
    }

    /// Answers and reports that terminals send: modes, attributes, versions, colours, clipboards, images, sizes, the focus,
    /// the cursor's position.
    const NO_KEYS: [&[u8]; 32] = [
        b"\x9d10;rgb:ffff/ffff/ffff\x9c",
        b"\x9b?62;22c",
        b"\x90>|XTerm(388)\x9c",
        b"\x1b[?2026;2$y",
        b"\x1b[?997;1n",
        b"\x1b[?10n",
        b"\x1b[?1;1R",
        b"\x1b[?1;0;256S",
        b"\x1b[?62;22c",
        b"\x1b[?0u",
        b"\x1b[>41;354;0c",
        b"\x1b[>4;2m",
        b"\x1b[=1;2c",
        b"\x1b[0n",
        b"\x1b[12;40R",
        b"\x1b[8;24;80t",
        b"\x1b[4;600;800t",
        b"\x1b[2;1;1;112;112;1;0x",
        b"\x1b[I",
        b"\x1b[O",
        b"\x1b[201~",
        b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
        b"\x1b]4;1;rgb:cd/00/00\x07",
        b"\x1b]52;c;ZGVk\x07",
        b"\x1b]l1 quit 2\x1b\\",
        b"\x1bP>|WezTerm 2024\x1b\\",
        b"\x1bP1+r524742=38\x1b\\",
        b"\x1bP!|00000000\x1b\\",
        b"\x1b_Gi=31;OK\x1b\\",
        b"\x9fGi=31;EINVAL:no\x9c",
        b"\x1b[6;20;10t",
        b"\x1b[57441;2u",
    ];

    #[test]
    fn keys_of_all_kinds_are_decoded() {
        use KeyCode::{BackTab, Backspace, Char, Down, End, Enter, Esc, F, Home, Left, PageUp, Tab, Up};
        use KeyModifiers as M;
        for (bytes, expected) in [
            (&b"q"[..], plain(Char('q'))),
            (b"G", chord(Char('G'), M::SHIFT)),
            ("ü".as_bytes(), plain(Char('ü'))),
            ("中".as_bytes(), plain(Char('中'))),
            (b"\r", plain(Enter)),
            (b"\t", plain(Tab)),
            (b"\x7f", plain(Backspace)),
            (b"\x03", ctrl_c()),
            (b"\x1a", chord(Char('z'), M::CONTROL)),
            (b"\x1b", plain(Esc)),
            (b"\x1bx", chord(Char('x'), M::ALT)),
            (b"\x1b\x03", chord(Char('c'), M::ALT | M::CONTROL)),
            (b"\x1b[A", plain(Up)),
            (b"\x1bOA", plain(Up)),
            (b"\x1b[1;5B", chord(Down, M::CONTROL)),
            (b"\x1b[1;2D", chord(Left, M::SHIFT)),
            (b"\x1b[H", plain(Home)),
            (b"\x1b[4~", plain(End)),
            (b"\x1b[5~", plain(PageUp)),
            (b"\x1b[5;3~", chord(PageUp, M::ALT)),
            (b"\x1b[Z", chord(BackTab, M::SHIFT)),
            (b"\x1bOP", plain(F(1))),
            (b"\x1b[[A", plain(F(1))),
            (b"\x1b[15~", plain(F(5))),
            (b"\x1b[24~", plain(F(12))),
            // kitty's, and xterm's modifyOtherKeys.
            (b"\x1b[99;5u", ctrl_c()),
            (b"\x1b[27;5;99~", ctrl_c()),
            (b"\x1b[27u", plain(Esc)),
            (b"\x1b[13u", plain(Enter)),
            (b"\x1b[9;2u", chord(BackTab, M::SHIFT)),
            (b"\x1b[103:71;2u", chord(Char('G'), M::SHIFT)),
            (b"\x1b[103;2u", chord(Char('G'), M::SHIFT)),
            (b"\x1b[49:33;2u", chord(Char('!'), M::SHIFT)),
            (b"\x1b[47;1;47u", plain(Char('/'))),
            (b"\x1b[27;2;71~", chord(Char('G'), M::SHIFT)),
            (b"\x1b[57400u", plain(Char('1'))),
        ] {
            assert_eq!(decode(bytes), [expected], "{}", bytes.escape_ascii());
        }
        let released = decode(b"\x1b[97;1:3u");
        assert!(matches!(released[..], [Input::Key(KeyEvent { kind: KeyEventKind::Release, .. })]), "{released:?}");
    }

    #[test]
    fn esc_and_the_next_key_are_two_keys() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"\x1b"), []);
        assert_eq!(decoder.feed(b"q"), [plain(KeyCode::Esc), plain(KeyCode::Char('q'))]);
        decoder.feed(b"\x1b");
        assert_eq!(decoder.feed(b"[A"), [plain(KeyCode::Up)], "a sequence in two pieces");
    }

    #[test]
    fn mouse_events_are_decoded_at_every_coordinate() {
        use MouseEventKind::{Down, Moved, ScrollUp, Up};
        for (bytes, kind, column, row) in [
            (&b"\x1b[<0;5;3M"[..], Down(MouseButton::Left), 4, 2),
            (b"\x1b[<0;5;3m", Up(MouseButton::Left), 4, 2),
            (b"\x1b[<64;1;1M", ScrollUp, 0, 0),
            (b"\x1b[<0;0;0M", Down(MouseButton::Left), 0, 0),
            (b"\x1b[<35;99999;4294967295M", Moved, u16::MAX, u16::MAX),
            (b"\x1b[32;0;0M", Down(MouseButton::Left), 0, 0),
            (b"\x1b[M   ", Down(MouseButton::Left), 0, 0),
            (b"\x1b[M !\xff", Down(MouseButton::Left), 0, 222),
        ] {
            let Input::Mouse(event) = decode(bytes)[0] else { panic!("{}", bytes.escape_ascii()) };
            assert_eq!((event.kind, event.column, event.row), (kind, column, row), "{}", bytes.escape_ascii());
        }
        for strange in [&b"\x1b[<0;5M"[..], b"\x1b[<;;M", b"\x1b[<99999999999;1;1M", b"\x1b[<200;1;1M"] {
            assert_eq!(decode(strange), [], "{}", strange.escape_ascii());
        }
    }

    #[test]
    fn sequences_that_are_not_keys_are_ignored() {
        for answer in NO_KEYS {
            assert_eq!(of_reader(decode(answer)), [], "{}", answer.escape_ascii());
            assert_eq!(
                of_reader(decode(&[answer, b"q"].concat())),
                [plain(KeyCode::Char('q'))],
                "{}",
                answer.escape_ascii()
            );
        }
    }

    #[test]
    fn the_answer_with_the_background_is_decoded() {
        for (answer, expected) in [
            (&b"\x1b]11;rgb:1414/1919/1f1f\x1b\\"[..], Background::Dark),
            (b"\x1b]11;rgb:ffff/ffff/ffff\x07", Background::Light),
            (b"\x1b]11;rgb:fd/f6/e3\x1b\\", Background::Light),
            (b"\x1b]11;rgba:0000/2b2b/3636/ffff\x1b\\", Background::Dark),
            (b"\x1b]11;#ffffff\x07", Background::Light),
            (b"\x1b]11;#000\x07", Background::Dark),
        ] {
            assert_eq!(decode(answer), [Input::Background(expected)], "{}", answer.escape_ascii());
        }
        for strange in [
            &b"\x1b]11;?\x07"[..],
            b"\x1b]11;rgb:\x07",
            b"\x1b]11;rgb://\x07",
            b"\x1b]11;#\x07",
            b"\x1b]11;rgb:1/2/zz\x07",
        ] {
            assert_eq!(decode(strange), [], "{}", strange.escape_ascii());
        }
    }

    #[test]
    fn the_answers_about_images_are_decoded_wherever_they_are_split() {
        use TerminalReply::{Attributes, Images};
        let cell = |width, height| TerminalReply::CellSize(CellSize::new(width, height).unwrap());
        for (answer, expected) in [
            (&b"\x1b_Gi=31;OK\x1b\\"[..], Images(ImageProtocol::Kitty)),
            (b"\x1b_Gi=31,p=1;OK\x1b\\", Images(ImageProtocol::Kitty)),
            (b"\x9fGi=31;OK\x9c", Images(ImageProtocol::Kitty)),
            (b"\x1bP>|iTerm2 3.5.4\x1b\\", Images(ImageProtocol::Iterm)),
            (b"\x1bP>|WezTerm 20240203-110809-5046fc22\x1b\\", Images(ImageProtocol::Iterm)),
            (b"\x1b[?62;4;22c", Attributes { sixel: true }),
            (b"\x1b[?62;22;4c", Attributes { sixel: true }),
            (b"\x1b[?1;2c", Attributes { sixel: false }),
            // The first number is the terminal's class.
            (b"\x1b[?4c", Attributes { sixel: false }),
            (b"\x1b[?65;42;44c", Attributes { sixel: false }),
            (b"\x1b[6;20;10t", cell(10, 20)),
        ] {
            for cut in 1..=answer.len() {
                let mut decoder = Decoder::default();
                let mut inputs = decoder.feed(&answer[..cut]);
                inputs.extend(decoder.feed(&answer[cut..]));
                assert_eq!(inputs, [Input::Terminal(expected)], "{} cut at {cut}", answer.escape_ascii());
            }
        }
        for strange in [
            &b"\x1b_Gi=31;EINVAL:bad\x1b\\"[..],
            b"\x1b_Gi=32;OK\x1b\\",
            b"\x1b_Gi=31\x1b\\",
            b"\x1b_G\xff;OK\x1b\\",
            b"\x1b^Gi=31;OK\x1b\\",
            b"\x1bP>|XTerm(388)\x1b\\",
            b"\x1b[6;0;0t",
            b"\x1b[6;70000;10t",
            b"\x1b[6;20t",
            b"\x1b[4;600;800t",
        ] {
            assert_eq!(decode(strange), [], "{}", strange.escape_ascii());
        }
    }

    #[test]
    fn a_paste_is_one_input_whatever_it_contains() {
        let paste = |text: &str| Input::Paste(text.into());
        assert_eq!(decode(b"\x1b[200~a\x1b[A\x03b\x1b[201~q"), [paste("a\x1b[A\x03b"), plain(KeyCode::Char('q'))]);
        let long = "ü".repeat(20_000);
        let bytes = [b"\x1b[200~", long.as_bytes(), b"\x1b[201~"].concat();
        let mut decoder = Decoder::default();
        let inputs: Vec<Input> = bytes.chunks(1000).flat_map(|chunk| decoder.feed(chunk)).collect();
        assert_eq!(inputs, [paste(&long)]);
        let endless = [b"\x1b[200~".to_vec(), vec![b'x'; 3 * LONGEST_PASTE], b"\x1b[201~".to_vec()].concat();
        assert!(matches!(&decode(&endless)[..], [Input::Paste(text)] if text.len() < LONGEST_PASTE + 16));
    }

    /// The connection fails in the middle of a paste, or the terminal omits the terminator.
    #[test]
    fn a_paste_without_a_terminator_ends_by_the_timeout() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"\x1b[200~abc"), []);
        assert_eq!(decoder.time_out(), [Input::Paste("abc".into())]);
        assert_eq!(decoder.feed(b"q"), [plain(KeyCode::Char('q'))]);
        // A line that was stuck for a while: its rest is no key.
        let mut decoder = Decoder::default();
        decoder.feed(b"\x1b[200~abc");
        decoder.time_out();
        assert_eq!(decoder.feed(b"defghijklmnopq"), []);
        assert_eq!(decoder.feed(b"r\x1b[201~"), [Input::Paste("defghijklmnopqr".into())]);
        assert_eq!(decoder.feed(b"q"), [plain(KeyCode::Char('q'))]);
    }

    #[test]
    fn a_sequence_may_stall_at_any_byte() {
        let whole: [&[u8]; 5] = [
            b"\x1b[<35;10;5M",
            b"\x1b]11;rgb:0/0/0\x1b\\",
            b"\x1b[1;5A",
            b"\x1bP>|tmux 3.4\x1b\\",
            b"\x1b_Gi=1;OK\x1b\\",
        ];
        for bytes in whole {
            // A rest of one byte can't be told from a key.
            for cut in 1..bytes.len() - 1 {
                let mut decoder = Decoder::default();
                let mut inputs = decoder.feed(&bytes[..cut]);
                inputs.extend(decoder.time_out());
                inputs.extend(decoder.feed(&bytes[cut..]));
                inputs.extend(decoder.time_out());
                // Esc was the key for the time being.
                inputs.retain(|input| *input != plain(KeyCode::Esc));
                assert_eq!(inputs, decode(bytes), "{} cut at {cut}", bytes.escape_ascii());
            }
        }
    }

    /// Pieces of all sequences, and random bytes.
    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let known: Vec<Vec<u8>> = NO_KEYS.iter().map(|answer| answer.to_vec()).collect();
        let others = ["q", "\x1b", "\x1b[A", "\x1b[200~", "\x1b[201~", "ü", "\x1b[M", "\x1b[<0;0;0M", "\x1bO", "\x1b["];
        let others: Vec<Vec<u8>> = others.iter().map(|text| text.as_bytes().to_vec()).collect();
        let piece = prop_oneof![
            proptest::sample::select(known),
            proptest::sample::select(others),
            proptest::collection::vec(any::<u8>(), 0..20),
        ];
        proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        /// Answers are never decoded as keys, and the next key is, wherever the bytes are split.
        #[test]
        fn answers_are_not_keys_wherever_they_are_split(
            picked in proptest::collection::vec(0..NO_KEYS.len(), 1..6),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8),
        ) {
            let bytes: Vec<u8> = picked.iter().flat_map(|at| NO_KEYS[*at]).copied().chain(*b"q").collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let mut decoder = Decoder::default();
            let inputs: Vec<Input> = cuts.windows(2).flat_map(|cut| decoder.feed(&bytes[cut[0]..cut[1]])).collect();
            prop_assert_eq!(of_reader(inputs), [plain(KeyCode::Char('q'))]);
        }

        /// After any bytes with any pauses Ctrl-C is decoded at once, and any key after a timeout.
        #[test]
        fn no_input_blocks_the_keyboard(chunks in proptest::collection::vec((pieces(), any::<bool>()), 0..8)) {
            let mut decoder = Decoder::default();
            for (chunk, pause) in &chunks {
                decoder.feed(chunk);
                if *pause {
                    decoder.time_out();
                }
            }
            let mut other = Decoder { state: decoder.state.clone(), timed_out: decoder.timed_out.clone() };
            let heard = other.feed(b"\x03");
            let is_ctrl_c = |input: &Input| {
                matches!(input, Input::Key(key) if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL))
            };
            prop_assert!(heard.iter().any(is_ctrl_c), "{:?}", heard);
            if decoder.timeout().is_some() {
                decoder.time_out();
            }
            prop_assert_eq!(decoder.feed(b"q"), [plain(KeyCode::Char('q'))]);
        }

        /// Keys that arrive one by one are the same as keys that arrive together.
        #[test]
        fn keys_are_the_same_however_they_are_split(
            text in "[ -~äöü中]{1,20}",
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..5),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let mut decoder = Decoder::default();
            let inputs: Vec<Input> = cuts.windows(2).flat_map(|cut| decoder.feed(&bytes[cut[0]..cut[1]])).collect();
            prop_assert_eq!(inputs, decode(bytes));
            prop_assert_eq!(decode(bytes).len(), text.chars().count());
        }
    }
}
