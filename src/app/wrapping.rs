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

/// Truncates texts to this width so that they can still be told apart: cut at the end where that is enough, else in front
/// of the words in which they differ, else in the middle.
pub fn truncate_distinct(texts: &[String], room: usize) -> Vec<String> {
    let cut_at_end: Vec<String> = texts.iter().map(|text| truncate(text, room)).collect();
    if has_distinct_cuts(texts, &cut_at_end) {
        return cut_at_end;
    }
    // Only those that are alike are cut in another way.
    let is_alike = |at: usize| {
        let mut others = cut_at_end.iter().zip(texts).enumerate().filter(|(other, _)| *other != at);
        others.any(|(_, (cut, text))| *cut == cut_at_end[at] && *text != texts[at])
    };
    let cut_with = |cut: &dyn Fn(&str) -> String| -> Vec<String> {
        let one = |(at, text): (usize, &String)| {
            if is_alike(at) && text.width() > room { cut(text) } else { cut_at_end[at].clone() }
        };
        texts.iter().enumerate().map(one).collect()
    };
    let before_difference = cut_with(&|text| cut_before_difference(text, texts, room));
    let ends = [room / 2, room / 3, room * 2 / 3, room.saturating_sub(2)];
    let in_the_middle = ends.into_iter().map(|end| cut_with(&|text| cut_in_the_middle(text, end, room)));
    let mut cuts = std::iter::once(before_difference).chain(in_the_middle);
    cuts.find(|cuts| has_distinct_cuts(texts, cuts)).unwrap_or_else(|| cut_at_end.clone())
}

/// Whether texts that differ have cuts that do.
fn has_distinct_cuts(texts: &[String], cuts: &[String]) -> bool {
    let pairs = || texts.iter().zip(cuts);
    pairs().enumerate().all(|(at, (text, cut))| pairs().skip(at + 1).all(|(other, of)| of != cut || other == text))
}

/// An ellipsis, and the words from the first one on in which a text differs from another that begins like it; with as many
/// of the words before as there is room for.
fn cut_before_difference(text: &str, texts: &[String], room: usize) -> String {
    let common = |other: &String| {
        text.char_indices()
            .zip(other.chars())
            .take_while(|((_, a), b)| a == b)
            .last()
            .map_or(0, |((at, c), _)| at + c.len_utf8())
    };
    let differing = texts.iter().filter(|other| other.as_str() != text).map(common).max().unwrap_or(0);
    // A text that goes on where another ends differs from the next word on.
    let differing = differing + usize::from(text[differing..].starts_with(' '));
    let words = text.char_indices().filter(|(_, c)| *c == ' ').map(|(at, _)| at + 1).filter(|at| *at <= differing);
    let words: Vec<usize> = words.collect();
    let fits = |at: &&usize| text[**at..].width() < room;
    match words.iter().find(fits).or(words.last()) {
        Some(start) => truncate(&format!("…{}", &text[*start..]), room),
        None => truncate(text, room),
    }
}

/// The beginning and so many columns of the end, with an ellipsis between them.
fn cut_in_the_middle(text: &str, end: usize, room: usize) -> String {
    let mut tail = String::new();
    for c in text.chars().rev() {
        if tail.width() + c.width().unwrap_or(0) > end {
            break;
        }
        tail.insert(0, c);
    }
    let room = room.saturating_sub(tail.width() + 1);
    let mut head = String::new();
    for c in text.chars() {
        if head.width() + c.width().unwrap_or(0) > room {
            break;
        }
        head.push(c);
    }
    format!("{}…{}", head.trim_end(), tail.trim_start())
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
    fn cut_texts_can_still_be_told_apart() {
        let cut = |texts: &[&str], room| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_string()).collect();
            truncate_distinct(&texts, room)
        };
        assert_eq!(cut(&["all-ReLU", "all-Tanh"], 9), ["all-ReLU", "all-Tanh"]);
        assert_eq!(cut(&["all-ReLU lr 0.1", "all-Tanh lr 0.1"], 9), ["all-ReLU…", "all-Tanh…"]);
        assert_eq!(cut(&["all-ReLU lr 0.1", "all-ReLU lr 0.2"], 9), ["…lr 0.1", "…lr 0.2"]);
        assert_eq!(cut(&["all-ReLU lr 0.1", "all-ReLU lr 0.2", "all-Tanh"], 8), ["…lr 0.1", "…lr 0.2", "all-Tanh"]);
        assert_eq!(cut(&["ReLU+Tanh", "ReLU+Tanh lr 0.2"], 8), ["ReLU+Ta…", "…lr 0.2"]);
        let both = ["all-ReLU lr 0.1", "all-ReLU lr 0.2", "all-Tanh lr 0.1", "all-Tanh lr 0.2"];
        assert_eq!(cut(&both, 9), ["all-R…0.1", "all-R…0.2", "all-T…0.1", "all-T…0.2"]);
        assert_eq!(cut(&["same as the other", "same as the other"], 9), ["same as…", "same as…"]);
    }

    #[test]
    fn a_cut_text_ends_with_a_whole_word() {
        assert_eq!(truncate_at_word("one two, three", 14), "one two, three");
        assert_eq!(truncate_at_word("one two, three", 13), "one two…");
        assert_eq!(truncate_at_word("incomprehensible", 6), "incom…");
        assert_eq!(truncate_at_word("one", 1), "…");
    }
}
