//! The digits that the reader has kept. Each is stored by itself, so that two notebooks on one home do not undo each other.

use super::digit::Drawing;
use serde_json::{Value, json};
use std::fmt;

/// Digits that are kept at most.
pub const MOST_OWN_DIGITS: usize = 200;

/// The word before a kept digit's key in the store.
pub(crate) const STORED: &str = "digit";
/// The key under which an earlier version stored all of them in one list.
pub(crate) const STORED_TOGETHER: &str = "digits";

/// A picture that the reader drew, and the digit that it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnDigit {
    /// Without its history.
    pub drawing: Drawing,
    /// From 0 to 9.
    pub label: u8,
    /// Digits that were kept later have a larger one.
    order: u64,
}

impl OwnDigit {
    /// The key in the store: the FNV-1a hash of what is kept (Fowler, Noll, Vo: draft-eastlake-fnv), so that it is the same
    /// in every notebook.
    pub(crate) fn key(&self) -> String {
        let text = format!("{} {}", self.drawing.to_text(), self.label);
        let hash = text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        format!("{STORED}/{hash:016x}")
    }

    pub(crate) fn to_value(&self) -> Value {
        json!({ "label": self.label, "drawing": self.drawing.to_text(), "order": self.order })
    }

    fn from_value(value: &Value) -> Option<Self> {
        Self::of(value.get("drawing")?.as_str()?, value.get("label")?, value.get("order")?.as_u64()?)
    }

    fn of(drawing: &str, label: &Value, order: u64) -> Option<Self> {
        let label = label.as_u64().and_then(|label| u8::try_from(label).ok()).filter(|label| *label <= 9)?;
        Some(Self { drawing: Drawing::from_text(drawing)?, label, order })
    }

    fn is_of(&self, drawing: &Drawing, label: u8) -> bool {
        self.label == label && self.drawing.to_text() == drawing.to_text()
    }
}

/// There is no room for another digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigitsAreFull;

impl fmt::Display for DigitsAreFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MOST_OWN_DIGITS} digits of your own are kept; forget one with n and d to keep another")
    }
}

/// The reader's own digits, in the order in which they were kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnDigits {
    digits: Vec<OwnDigit>,
}

impl OwnDigits {
    /// Keeps a drawing with its label, from 0 to 9; returns its place. What is kept already stays where it is.
    ///
    /// # Errors
    /// If there are [`MOST_OWN_DIGITS`] already.
    pub(crate) fn keep(&mut self, drawing: &Drawing, label: u8) -> Result<usize, DigitsAreFull> {
        if let Some(at) = self.digits.iter().position(|digit| digit.is_of(drawing, label)) {
            return Ok(at);
        }
        if self.digits.len() >= MOST_OWN_DIGITS {
            return Err(DigitsAreFull);
        }
        let order = self.digits.last().map_or(0, |last| last.order + 1);
        self.digits.push(OwnDigit { drawing: drawing.without_history(), label: label.min(9), order });
        Ok(self.digits.len() - 1)
    }

    /// Removes a digit by its place.
    pub(crate) fn remove(&mut self, at: usize) -> Option<OwnDigit> {
        (at < self.digits.len()).then(|| self.digits.remove(at))
    }

    /// Takes one from the store. What can't be read, and what is beyond the limit, is left out.
    pub(crate) fn load(&mut self, value: &Value) {
        if let Some(digit) = OwnDigit::from_value(value) {
            self.insert(digit);
        }
    }

    /// Takes the list of an earlier version, which had the pictures as the networks got them; returns the digits of it.
    pub(crate) fn load_together(&mut self, value: &Value) -> Vec<OwnDigit> {
        let entries = (0..).zip(value.as_array().into_iter().flatten());
        let read = |(order, entry): (u64, &Value)| {
            let pixels = entry.get("pixels")?.as_str()?;
            OwnDigit::of(&Drawing::as_drawn_text(pixels), entry.get("label")?, order)
        };
        let digits: Vec<OwnDigit> = entries.filter_map(read).take(MOST_OWN_DIGITS).collect();
        digits.iter().cloned().for_each(|digit| self.insert(digit));
        digits
    }

    fn insert(&mut self, digit: OwnDigit) {
        let is_new = !self.digits.iter().any(|known| known.is_of(&digit.drawing, digit.label));
        if is_new && self.digits.len() < MOST_OWN_DIGITS {
            let at = self.digits.partition_point(|known| known.order <= digit.order);
            self.digits.insert(at, digit);
        }
    }

    pub fn get(&self, at: usize) -> Option<&OwnDigit> {
        self.digits.get(at)
    }

    pub fn iter(&self) -> std::slice::Iter<'_, OwnDigit> {
        self.digits.iter()
    }

    pub fn len(&self) -> usize {
        self.digits.len()
    }

    pub fn is_empty(&self) -> bool {
        self.digits.is_empty()
    }
}

impl<'a> IntoIterator for &'a OwnDigits {
    type Item = &'a OwnDigit;
    type IntoIter = std::slice::Iter<'a, OwnDigit>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(column: u8) -> Drawing {
        let mut drawing = Drawing::default();
        drawing.press_at(column, 3);
        drawing.drag_to(column, 20);
        drawing.lift();
        drawing
    }

    #[test]
    fn each_digit_is_stored_by_itself_and_read_in_the_order_of_keeping() {
        let mut own = OwnDigits::default();
        let mut raw = drawn(9);
        raw.centred = false;
        assert_eq!([own.keep(&drawn(20), 4), own.keep(&raw, 9), own.keep(&drawn(2), 1)], [Ok(0), Ok(1), Ok(2)]);
        assert_eq!(own.keep(&raw, 9), Ok(1), "the same is kept once");
        let entries: Vec<(String, Value)> = own.iter().map(|digit| (digit.key(), digit.to_value())).collect();
        let mut later = OwnDigits::default();
        // The store lists them by their keys.
        for (_, value) in entries.iter().rev() {
            later.load(value);
        }
        assert_eq!(later, own);
        assert_eq!(later.get(1).unwrap().drawing.network_input(), raw.pixels());
        // Those of another notebook, kept at the same time, stand among them.
        let mut other = OwnDigits::default();
        other.keep(&drawn(13), 7).unwrap();
        later.load(&other.get(0).unwrap().to_value());
        assert_eq!(later.iter().map(|digit| digit.label).collect::<Vec<_>>(), [4, 7, 9, 1]);
        assert_eq!((later.remove(1).unwrap().label, later.remove(3)), (7, None));
        for damaged in
            [json!(null), json!({ "label": 10, "drawing": raw.to_text(), "order": 1 }), json!({ "label": 1 })]
        {
            later.load(&damaged);
        }
        assert_eq!(later, own);
    }

    #[test]
    fn the_list_of_an_earlier_version_is_read() {
        let pixels = drawn(5).as_mnist();
        let mut drawing = Drawing::default();
        drawing.set_pixels(&pixels);
        let text = drawing.to_text();
        let hex = text.split_once(' ').unwrap().0;
        let value =
            json!([{ "label": 3, "pixels": hex }, { "label": 300, "pixels": hex }, { "label": 1, "pixels": "00" }]);
        let mut own = OwnDigits::default();
        assert_eq!(own.load_together(&value).len(), 1);
        assert_eq!((own.get(0).unwrap().label, own.get(0).unwrap().drawing.network_input()), (3, pixels));
    }

    #[test]
    fn there_is_an_end_of_keeping() {
        let mut own = OwnDigits::default();
        for at in 0..MOST_OWN_DIGITS {
            let mut drawing = drawn((at % 28) as u8);
            drawing.rotate((at / 28) as i32);
            own.keep(&drawing, (at % 10) as u8).unwrap();
        }
        assert_eq!(own.keep(&drawn(1), 9), Err(DigitsAreFull));
    }
}
