//! Reads TOML bodies so that every fault in them is found at once: an entry that is refused is removed, and the rest is
//! read again without it.

use protocol::{CellKey, id_fault, is_terminal_control};
use serde::de::{DeserializeOwned, IntoDeserializer};
use std::collections::BTreeSet;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// What an author should correct, and its byte offset in the body.
pub type BodyFault = (String, usize);

/// The most faults that are looked for in one body, as each costs another reading.
const MOST: usize = 100;

/// Entries whose text names something, so that it must not contain a line break or a tab.
const NAMES: [&str; 8] = ["id", "title", "part", "key", "lesson", "cell", "was", "of"];

/// A body with its faults.
pub struct Body<'t> {
    root: Spanned<DeTable<'t>>,
    faults: Vec<BodyFault>,
    /// Top-level keys that are missing, or whose values were refused wholly or in part. Their faults are reported
    /// already, and nothing can be said about what they would contain.
    refused: BTreeSet<String>,
    /// Entries of inner tables that were refused: the offset of their table, and their key.
    pruned: Vec<(usize, String)>,
    /// Whether it is not TOML, so that an entry may seem missing because it was misread.
    is_garbled: bool,
}

/// One step from a table or an array to its content.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Index(usize),
}

impl<'t> Body<'t> {
    /// Reads a body that must have these keys.
    pub fn parse(text: &'t str, required: &[&str]) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let line = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count();
        let mut faults: Vec<BodyFault> = Vec::new();
        for error in errors.iter().take(MOST) {
            let at = error.span().map_or(0, |span| span.start);
            // Other faults on the same line follow from the first.
            if faults.last().is_none_or(|(_, known)| line(*known) != line(at)) {
                faults.push((in_words(error.message()), at));
            }
        }
        let is_garbled = !faults.is_empty();
        let mut body = Self { root, faults, refused: BTreeSet::new(), pruned: Vec::new(), is_garbled };
        body.refuse_controls();
        for key in required.iter().filter(|key| body.place_of(key).is_none()).collect::<Vec<_>>() {
            if body.refused.insert((*key).into()) && !is_garbled {
                body.fault(format!("missing field `{key}`"), 0);
            }
        }
        body
    }

    fn table(&self) -> &DeTable<'t> {
        self.root.get_ref()
    }

    pub fn fault(&mut self, message: impl Into<String>, at: usize) {
        self.faults.push((message.into(), at));
    }

    /// Adds a fault in the value of a top-level key, or in the body itself if it has no such key.
    pub fn fault_at(&mut self, key: &str, message: impl Into<String>) {
        let at = self.place_of(key).unwrap_or(0);
        self.fault(message, at);
        self.refused.insert(key.into());
    }

    /// Byte offset of a top-level key.
    pub fn place_of(&self, key: &str) -> Option<usize> {
        self.table().keys().find(|known| known.get_ref() == key).map(|found| found.span().start)
    }

    /// The value of a top-level key.
    pub fn value_of(&self, key: &str) -> Option<&Spanned<DeValue<'t>>> {
        self.table().get(key)
    }

    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.value_of(key)?.get_ref().as_str()
    }

    /// Whether a fault of a key is reported already.
    pub fn is_refused(&self, key: &str) -> bool {
        self.refused.contains(key)
    }

    /// Refuses an empty text. A value that is no text is left for [`Body::read`] to refuse.
    pub fn refuse_empty(&mut self, key: &str) {
        if self.text_of(key).is_some_and(|text| text.trim().is_empty()) {
            self.fault_at(key, format!("`{key}` is empty"));
        }
    }

    /// Refuses a text that can't be the id of a lesson or a cell; the fault begins with `whose`.
    pub fn refuse_id(&mut self, whose: &str) {
        self.refuse_empty("id");
        if let Some(why) = self.text_of("id").and_then(id_fault) {
            self.fault_at("id", format!("{whose}`id` {why}"));
        }
    }

    /// Removes and returns the former id of a cell, which the types of cells do not contain.
    pub fn take_former_id(&mut self) -> Option<CellKey> {
        const KEY: &str = "was";
        let text = self.text_of(KEY).map(ToOwned::to_owned);
        self.value_of(KEY)?;
        let was = text.as_deref().and_then(|text| text.split_once('/'));
        let was = was.filter(|(lesson, cell)| [lesson, cell].iter().all(|id| !id.is_empty() && id_fault(id).is_none()));
        if was.is_none() && !self.is_refused(KEY) {
            self.fault_at(KEY, "`was` names the cell as it was: \"LESSON/CELL\"");
        }
        let was = was.map(|(lesson, cell)| CellKey { lesson: lesson.into(), cell: cell.into() });
        self.root.get_mut().remove(KEY);
        was
    }

    /// The top-level keys.
    pub fn keys(&self) -> Vec<String> {
        self.table().keys().map(|key| key.get_ref().to_string()).collect()
    }

    /// Removes and returns the value of a top-level key, as it would be on a command line: `0.1`, `yes`, `1,2,3`.
    pub fn take_value(&mut self, key: &str) -> Option<String> {
        let value = self.root.get_mut().remove(key)?;
        as_word(value.get_ref())
    }

    /// Reads the body as this type, without the entries that the type refuses; each refusal is a fault. `None` if the
    /// type needs one of them.
    pub fn read<T: DeserializeOwned>(&mut self) -> Option<T> {
        while self.faults.len() < MOST {
            let error = match T::deserialize(self.root.clone().into_deserializer()) {
                Ok(value) => return Some(value),
                Err(error) => error,
            };
            let at = error.span().map_or(0, |span| span.start);
            let missing = error.message().strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
            if missing.is_some_and(|key| self.is_refused(key) && self.place_of(key).is_none()) {
                return None;
            }
            // An entry that is missing from an inner table was refused and reported before.
            let is_reported =
                missing.is_some_and(|key| self.pruned.iter().any(|pruned| *pruned == (at, key.to_owned())));
            let path = locate_in(self.root.get_ref(), at);
            let is_misread = self.is_garbled && missing.is_some();
            if !is_reported && !is_misread {
                self.fault(in_words(error.message()), at);
            }
            let path = path?;
            if let Some(Step::Key(key)) = path.first() {
                self.refused.insert(key.clone());
            }
            let begins = self.root.span().start;
            self.pruned.extend(take_out_of(self.root.get_mut(), begins, &path));
        }
        None
    }

    /// Whether an entry was removed from the inner table at this offset.
    pub fn is_pruned(&self, begins: usize) -> bool {
        self.pruned.iter().any(|(table, _)| *table == begins)
    }

    /// Returns all faults.
    pub fn into_faults(self) -> Vec<BodyFault> {
        self.faults
    }

    /// Control characters can be written as escapes, which a reader of the file does not notice.
    fn refuse_controls(&mut self) {
        let mut found = Vec::new();
        // `refuse_id` reports more about ids.
        for (key, value) in self.table().iter().filter(|(key, _)| key.get_ref() != "id") {
            controls(key, value, &mut found, key.get_ref());
        }
        for (top, wrong) in found {
            self.root.get_mut().remove(top.as_str());
            self.refused.insert(top);
            self.faults.push(wrong);
        }
    }
}

/// The control characters in an entry's key and in the texts of its value, each with the entry's top-level key.
fn controls(
    key: &Spanned<std::borrow::Cow<str>>,
    value: &Spanned<DeValue>,
    found: &mut Vec<(String, BodyFault)>,
    top: &str,
) {
    let mut refuse = |message: String, at: usize| found.push((top.to_owned(), (message, at)));
    let name = key.get_ref();
    if let Some(c) = name.chars().find(|c| is_terminal_control(*c)) {
        refuse(format!("a key holds the control character {}; leave it out", code(c)), key.span().start);
    }
    match value.get_ref() {
        DeValue::String(text) => {
            let is_allowed = |c: char| matches!(c, '\n' | '\t') && !NAMES.contains(&name.as_ref());
            if let Some(c) = text.chars().find(|c| is_terminal_control(*c) && !is_allowed(*c)) {
                refuse(format!("`{name}` holds the control character {}; leave it out", code(c)), value.span().start);
            }
        }
        DeValue::Array(values) => values.iter().for_each(|value| controls(key, value, found, top)),
        DeValue::Table(table) => table.iter().for_each(|(key, value)| controls(key, value, found, top)),
        _ => {}
    }
}

/// The number of a character that can't be shown: `U+001B`.
pub fn code(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// The path from a table to the smallest entry at this offset of the body.
fn locate_in(table: &DeTable, at: usize) -> Option<Vec<Step>> {
    table.iter().find_map(|(key, value)| {
        let rest = if key.span().contains(&at) { Vec::new() } else { locate(value, at)? };
        Some(std::iter::once(Step::Key(key.get_ref().to_string())).chain(rest).collect())
    })
}

/// The same from a value; an empty path is the value itself.
fn locate(value: &Spanned<DeValue>, at: usize) -> Option<Vec<Step>> {
    let inner = match value.get_ref() {
        DeValue::Table(table) => locate_in(table, at),
        DeValue::Array(values) => values
            .iter()
            .enumerate()
            .find_map(|(index, value)| Some(std::iter::once(Step::Index(index)).chain(locate(value, at)?).collect())),
        _ => None,
    };
    // The keys of a table with a header of its own are outside of its span.
    inner.or_else(|| value.span().contains(&at).then(Vec::new))
}

/// Removes an entry from the table at this offset. Returns the offset of the entry's own table, and its key.
fn take_out_of(table: &mut DeTable, begins: usize, path: &[Step]) -> Option<(usize, String)> {
    match path {
        [Step::Key(key)] => {
            table.remove(key.as_str());
            Some((begins, key.clone()))
        }
        [Step::Key(key), rest @ ..] => take_out(table.get_mut(key.as_str())?, rest),
        _ => None,
    }
}

fn take_out(value: &mut Spanned<DeValue>, path: &[Step]) -> Option<(usize, String)> {
    let begins = value.span().start;
    match (value.get_mut(), path) {
        (DeValue::Table(table), path) => take_out_of(table, begins, path),
        (DeValue::Array(values), [Step::Index(index)]) => {
            let all = std::mem::replace(values, DeArray::new()).into_iter().enumerate();
            *values = all.filter(|(other, _)| other != index).map(|(_, value)| value).collect();
            None
        }
        (DeValue::Array(values), [Step::Index(index), rest @ ..]) => take_out(values.get_mut(*index)?, rest),
        _ => None,
    }
}

fn as_word(value: &DeValue) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Boolean(value) => Some(if *value { "yes" } else { "no" }.into()),
        DeValue::Array(values) => {
            Some(values.iter().map(|value| as_word(value.get_ref())).collect::<Option<Vec<_>>>()?.join(","))
        }
        DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}

/// The message of the TOML parser, for readers who do not know Rust's types.
pub fn in_words(message: &str) -> String {
    let words = message.trim().split_inclusive(|c: char| !c.is_ascii_alphanumeric()).map(|word| {
        let end = word.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(word.len());
        let plain = match &word[..end] {
            "u8" | "u16" | "u32" | "u64" | "usize" | "i64" => "a whole number",
            "f32" | "f64" => "a number",
            other => other,
        };
        format!("{plain}{}", &word[end..])
    });
    words.collect::<String>().replace('\n', " ")
}

/// The most choices: one for each of the keys 1 to 9.
const MAX_CHOICES: usize = 9;

/// Removes backticks, as the texts of a question are shown without markup.
pub fn strip_backticks(text: &str) -> String {
    text.replace('`', "")
}

/// Refuses choices that are empty or duplicate, or more than there are keys.
pub fn check_choices<'c>(body: &mut Body, key: &str, texts: impl Iterator<Item = &'c str>) {
    if body.is_refused(key) {
        return;
    }
    let texts: Vec<&str> = texts.collect();
    let count = texts.len();
    if count > MAX_CHOICES {
        body.fault_at(key, format!("{count} choices; the keys 1 to 9 answer, so nine are the most"));
    }
    if texts.iter().any(|text| text.trim().is_empty()) {
        body.fault_at(key, format!("one of the `{key}` is empty"));
    }
    if let Some(twice) = texts.iter().enumerate().find(|(at, text)| texts[..*at].contains(text)).map(|(_, text)| text) {
        body.fault_at(key, format!("\"{twice}\" stands twice among the `{key}`"));
    }
}
