//! What a reader writes on a run beside its name: tags, by which runs are found again, and notes.

use super::{is_bidi_control, stored_as_text::stored_as_text};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A word on a run. Runs that belong together have it in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunTag(String);

stored_as_text!(RunTag);

impl RunTag {
    /// In characters.
    pub const LONGEST: usize = 40;
    /// How many a run may have.
    pub const MOST: usize = 20;

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads tags with spaces or commas between them; each is in the list once.
    ///
    /// # Errors
    /// What is wrong with the first that is none.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        Self::parse_list_with(text, &[])
    }

    /// The same where the runs have these tags already. Earlier versions took `=`, `|` and `;` in a tag, so those stay;
    /// a new one holds none of them.
    ///
    /// # Errors
    /// What is wrong with the first that is none.
    pub fn parse_new(text: &str, known: &[Self]) -> Result<Vec<Self>, String> {
        let tags = Self::parse_list_with(text, known)?;
        let is_setting = |tag: &&Self| !known.contains(tag) && tag.0.contains(['=', '|', ';']);
        match tags.iter().find(is_setting) {
            Some(tag) => Err(format!(
                "a tag holds no `=`, `|` or `;`, which `{tag}` does: it looks like a setting, and settings are found \
                 without a tag, by the filter"
            )),
            None => Ok(tags),
        }
    }

    fn parse_list_with(text: &str, known: &[Self]) -> Result<Vec<Self>, String> {
        let mut tags = Vec::new();
        for word in text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()) {
            let known = known.iter().find(|tag| tag.0 == word.trim_start_matches('#')).cloned();
            let tag = known.map_or_else(|| word.parse(), Ok)?;
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Ok(tags)
    }
}

impl fmt::Display for RunTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for RunTag {
    type Err = String;

    /// A `#` in front, as lists show a tag, is not part of it.
    fn from_str(text: &str) -> Result<Self, String> {
        let word = text.trim_start_matches('#');
        if word.is_empty() {
            return Err("a tag is a word; this one is empty".into());
        }
        if word.chars().any(|c| c.is_control() || is_bidi_control(c)) {
            return Err("a tag can't hold control characters".into());
        }
        if word.contains(|c: char| c.is_whitespace() || c == ',') {
            return Err(format!("a tag is one word without spaces and commas, not `{}`", cut(word)));
        }
        let length = word.chars().count();
        if length > Self::LONGEST {
            return Err(format!("a tag may have {} characters, not {length}", Self::LONGEST));
        }
        Ok(Self(word.to_owned()))
    }
}

/// The beginning of a word that an error quotes.
fn cut(word: &str) -> String {
    let mut shown: String = word.chars().take(RunTag::LONGEST).collect();
    if shown.len() < word.len() {
        shown.push('…');
    }
    shown
}

/// The longest name of a run, in characters: one line of a list.
pub const LONGEST_NAME: usize = 100;

/// The longest notes on a run, in characters.
pub const LONGEST_NOTES: usize = 2000;

/// Tags as lists show them: `#wide #slow`.
pub fn format_tags(tags: &[RunTag]) -> String {
    tags.iter().map(|tag| format!("#{tag}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_one_short_word() {
        for tag in ["wide", "lr=0.1", "\u{6570}", "-x", "#wide", "##wide"] {
            let parsed: RunTag = tag.parse().unwrap();
            assert_eq!(parsed.as_str(), tag.trim_start_matches('#'));
            let json = serde_json::to_string(&parsed).unwrap();
            assert_eq!(serde_json::from_str::<RunTag>(&json).unwrap(), parsed);
        }
        for tag in ["", "#", "a b", "a,b", "a\u{a0}b", "a\nb", "a\u{202e}b", &"x".repeat(RunTag::LONGEST + 1)] {
            assert!(tag.parse::<RunTag>().is_err(), "{tag:?}");
        }
        assert!(serde_json::from_str::<RunTag>(r#""a b""#).is_err());
        let why = format!("a {}", "x".repeat(10_000)).parse::<RunTag>().unwrap_err();
        assert!(why.chars().count() < 200, "{why}");
    }

    #[test]
    fn a_list_has_each_tag_once() {
        let tags = RunTag::parse_list(" wide, #slow wide ").unwrap();
        assert_eq!(format_tags(&tags), "#wide #slow");
        assert!(RunTag::parse_list("wide #").is_err());
        assert_eq!(RunTag::parse_list(" "), Ok(Vec::new()));
        assert_eq!(format_tags(&RunTag::parse_list("a\nb\u{a0}c").unwrap()), "#a #b #c");
        // A study that was pasted by mistake makes no tags; a tag that an earlier version took can stay.
        let why = RunTag::parse_new("gelu-gelu | lr=0.1", &[]).unwrap_err();
        assert!(why.contains("`|`") && why.contains("filter"), "{why}");
        let old: RunTag = "lr=0.1".parse().unwrap();
        assert_eq!(RunTag::parse_new("#lr=0.1 new", std::slice::from_ref(&old)).unwrap()[0], old);
        assert!(RunTag::parse_new("lr=0.2", &[old]).is_err());
    }
}
