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
        let mut tags = Vec::new();
        for word in text.split([' ', '\t', ',']).filter(|word| !word.is_empty()) {
            let tag: Self = word.parse()?;
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
            return Err(format!("a tag is one word without spaces and commas, not `{word}`"));
        }
        let length = word.chars().count();
        if length > Self::LONGEST {
            return Err(format!("a tag may have {} characters, not {length}", Self::LONGEST));
        }
        Ok(Self(word.to_owned()))
    }
}

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
    }

    #[test]
    fn a_list_has_each_tag_once() {
        let tags = RunTag::parse_list(" wide, #slow wide ").unwrap();
        assert_eq!(format_tags(&tags), "#wide #slow");
        assert!(RunTag::parse_list("wide #").is_err());
        assert_eq!(RunTag::parse_list(" "), Ok(Vec::new()));
    }
}
