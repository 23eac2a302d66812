//! Wraps and truncates text outside of the lessons.

use textwrap::core::Word;
use textwrap::{Options, WordSeparator, WordSplitter};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Options that wrap text to this width. Names such as `all-Tanh` are not broken.
pub fn wrap_options(columns: usize) -> Options<'static> {
    Options::new(columns.max(1))
        .word_separator(WordSeparator::Custom(whole_names))
        .word_splitter(WordSplitter::NoHyphenation)
}

/// Splits a line into words by Unicode's rules, but not after a hyphen.
fn whole_names(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut words = Vec::new();
    let (mut from, mut to) = (0, 0);
    for part in WordSeparator::UnicodeBreakProperties.find_words(line) {
        to += part.word.len() + part.whitespace.len();
        if part.whitespace.is_empty() && part.word.ends_with('-') && to < line.len() {
            continue;
        }
        words.push(Word::from(&line[from..to]));
        from = to;
    }
    Box::new(words.into_iter())
}

/// Truncates a text to this width. A text that does not fit ends with an ellipsis.
pub fn truncate(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.into();
    }
    let mut kept = String::new();
    for c in text.chars() {
        if kept.width() + c.width().unwrap_or(0) + 1 > room {
            break;
        }
        kept.push(c);
    }
    format!("{}…", kept.trim_end())
}

/// Truncates a text to as many whole words as fit. A text that does not fit ends with an ellipsis.
pub fn truncate_at_word(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.into();
    }
    let first =
        textwrap::wrap(text, wrap_options(room.saturating_sub(1).max(1))).into_iter().next().unwrap_or_default();
    truncate(&format!("{}…", first.trim_end_matches([' ', ',', ':', ';'])), room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_whole_and_long_words_are_broken_all_the_same() {
        let wrap = |text: &'static str, columns| textwrap::wrap(text, wrap_options(columns));
        assert_eq!(wrap("of all-Tanh and", 8), ["of", "all-Tanh", "and"]);
        assert_eq!(wrap("3\u{a0}% of 学习深度", 6), ["3\u{a0}% of", "学习深", "度"]);
        assert_eq!(wrap("a-long-name", 6), ["a-long", "-name"]);
        assert_eq!(wrap("ends in -", 20), ["ends in -"]);
    }

    #[test]
    fn a_cut_text_ends_with_a_whole_word() {
        assert_eq!(truncate_at_word("one two, three", 14), "one two, three");
        assert_eq!(truncate_at_word("one two, three", 13), "one two…");
        assert_eq!(truncate_at_word("incomprehensible", 6), "incom…");
        assert_eq!(truncate_at_word("one", 1), "…");
    }
}
