//! Lessons and cells that had another id: what the store has under the former id is found under the present one.

use super::document::Document;
use super::library::Library;
use protocol::{CellKey, CellRecord};
use std::collections::{HashMap, HashSet};

/// Every former id in a set of lessons, with the present one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renames {
    lessons: HashMap<String, String>,
    cells: HashMap<CellKey, CellKey>,
}

impl Library {
    pub fn renames(&self) -> Renames {
        Renames::of(&self.lessons)
    }
}

impl Renames {
    pub fn of(lessons: &[Document]) -> Self {
        let mut renames = Self::default();
        for document in lessons {
            for was in &document.meta.was {
                renames.lessons.insert(was.clone(), document.meta.id.clone());
            }
            for cell in document.cells() {
                let key = CellKey { lesson: document.meta.id.clone(), cell: cell.id.clone() };
                renames.cells.extend(cell.was.clone().map(|was| (was, key)));
            }
        }
        renames
    }

    /// The present id of a lesson, if it differs.
    pub fn lesson(&self, id: &str) -> Option<&str> {
        self.lessons.get(id).map(String::as_str)
    }

    /// The present id of a cell, if it differs. A cell of a lesson that was renamed keeps its own id.
    pub fn cell(&self, key: &CellKey) -> Option<CellKey> {
        let renamed = || Some(CellKey { lesson: self.lesson(&key.lesson)?.into(), cell: key.cell.clone() });
        self.cells.get(key).cloned().or_else(renamed)
    }

    /// The present form of a key of the store, `WORD/LESSON` or `WORD/LESSON/CELL`, if it differs.
    fn stored_key(&self, key: &str) -> Option<String> {
        match key.split('/').collect::<Vec<_>>().as_slice() {
            [word, lesson] => self.lesson(lesson).map(|lesson| format!("{word}/{lesson}")),
            [word, lesson, cell] => {
                let key = self.cell(&CellKey { lesson: (*lesson).into(), cell: (*cell).into() })?;
                Some(format!("{word}/{}/{}", key.lesson, key.cell))
            }
            _ => None,
        }
    }

    /// The values of a store, each under its present key. A value that already has that key is newer and stays.
    pub fn entries<T>(&self, entries: Vec<(String, T)>) -> Vec<(String, T)> {
        let own: HashSet<String> = entries.iter().map(|(key, _)| key.clone()).collect();
        let renamed = entries.into_iter().filter_map(|(key, value)| match self.stored_key(&key) {
            Some(now) => (!own.contains(&now)).then_some((now, value)),
            None => Some((key, value)),
        });
        renamed.collect()
    }

    /// The outcomes of a store in the same way.
    pub fn outcomes(&self, records: Vec<CellRecord>) -> Vec<CellRecord> {
        let own: HashSet<CellKey> = records.iter().map(|record| record.cell.clone()).collect();
        let renamed = records.into_iter().filter_map(|record| match self.cell(&record.cell) {
            Some(now) => (!own.contains(&now)).then_some(CellRecord { cell: now, ..record }),
            None => Some(record),
        });
        renamed.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, parse};
    use super::*;

    fn lesson(id: &str, head: &str, cells: &[(&str, &str)]) -> (Document, Vec<super::super::Fault>) {
        let cell = |(id, was): &(&str, &str)| {
            format!("```plot\nid = \"{id}\"\n{was}\ntitle = \"t\"\nexperiment = \"curves\"\n```\n\n")
        };
        let cells: String = cells.iter().map(cell).collect();
        let text = format!(
            "+++\nid = \"{id}\"\ntitle = \"T\"\npart = \"I\"\nsummary = \"s\"\nminutes = 3\n{head}+++\n\n{cells}"
        );
        parse(&format!("{id}.md"), &text)
    }

    fn key(lesson: &str, cell: &str) -> CellKey {
        CellKey { lesson: lesson.into(), cell: cell.into() }
    }

    #[test]
    fn values_under_a_former_id_are_found_under_the_new_one() {
        let first = lesson("first", "was = [\"old\", \"older\"]\n", &[("a", "")]);
        let second = lesson("second", "", &[("b", "was = \"old/z\""), ("c", "")]);
        assert_eq!((&first.1, &second.1), (&vec![], &vec![]));
        let renames = Renames::of(&[first.0, second.0]);
        let entries = |all: &[(&str, i32)]| {
            let all = all.iter().map(|(key, value)| ((*key).to_string(), *value)).collect();
            renames.entries(all)
        };
        let found = entries(&[
            ("place/old", 1),
            ("answer/older/a", 2),
            ("cell-run/old/z", 3),
            ("answer/second/c", 4),
            ("last-lesson", 5),
        ]);
        let expected = [
            ("place/first", 1),
            ("answer/first/a", 2),
            ("cell-run/second/b", 3),
            ("answer/second/c", 4),
            ("last-lesson", 5),
        ];
        assert_eq!(found, expected.map(|(key, value)| (key.to_string(), value)));
        // What was answered since then stays.
        let both = entries(&[("answer/old/z", 1), ("answer/second/b", 2)]);
        assert_eq!(both, [("answer/second/b".to_string(), 2)]);
        assert_eq!(renames.cell(&key("old", "z")), Some(key("second", "b")));
        assert_eq!(renames.cell(&key("second", "b")), None);
        assert_eq!(renames.lesson("older"), Some("first"));
    }

    #[test]
    fn cells_of_the_lesson_that_was_split_are_found_in_the_new_one() {
        let renames = Library::english().renames();
        for cell in ["used", "coding", "survivor", "plane", "agreement", "ista", "bias"] {
            assert_eq!(renames.cell(&key("distributed", cell)), Some(key("sparse-coding", cell)));
        }
        assert_eq!((renames.cell(&key("distributed", "activity")), renames.lesson("distributed")), (None, None));
    }

    #[test]
    fn an_old_id_belongs_to_one_and_is_gone() {
        let faults = |lessons: &[(Document, Vec<super::super::Fault>)]| {
            check(lessons, &[]).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let twice = [
            lesson("first", "was = [\"old\"]\n", &[("a", "was = \"old/z\"")]),
            lesson("second", "was = [\"old\"]\n", &[("b", "was = \"old/z\"")]),
        ];
        assert_eq!(
            faults(&twice),
            [
                "second.md:1:1: the lesson `first` was `old` already; an id has one successor",
                "second.md:10:1: the cell `first/a` was `old/z` already; an id has one successor",
            ]
        );
        let living = [
            lesson("first", "was = [\"second\"]\n", &[("a", "was = \"second/b\"")]),
            lesson("second", "", &[("b", "")]),
        ];
        assert_eq!(
            faults(&living),
            [
                "first.md:1:1: `second` can't be an old id: there is such a lesson",
                "first.md:10:1: `second/b` can't be an old id: there is such a cell",
            ]
        );
        for was in ["was = \"old\"", "was = \"old/z/a\"", "was = \"/z\"", "was = 3", "was = \"a\\u0007/z\""] {
            let found = faults(&[lesson("first", "", &[("a", was)])]);
            assert!(
                found.len() == 1 && found[0].starts_with("first.md:11:") && found[0].contains(": plot: `was` "),
                "{was}: {found:?}"
            );
        }
    }
}
