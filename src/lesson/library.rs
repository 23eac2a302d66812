//! The lessons that ship inside the program, in order.

use super::document::{Document, Fault};
use super::parse::parse;

include!(concat!(env!("OUT_DIR"), "/lessons.rs"));

/// Every lesson, parsed once.
#[derive(Debug, Default)]
pub struct Library {
    pub lessons: Vec<Document>,
    pub faults: Vec<Fault>,
}

impl Library {
    /// The lessons in English.
    pub fn english() -> Self {
        let mut library = Self::default();
        for (file, text) in ENGLISH {
            let (document, faults) = parse(file, text);
            library.lessons.push(document);
            library.faults.extend(faults);
        }
        library
    }

    /// Files and texts, as shipped.
    pub fn sources() -> &'static [(&'static str, &'static str)] {
        ENGLISH
    }

    /// Index of the lesson with this id.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.lessons.iter().position(|lesson| lesson.meta.id == id)
    }

    /// Whether the lesson at this index ships inside the program; the reader's own come behind these.
    pub fn ships(lesson: usize) -> bool {
        lesson < ENGLISH.len()
    }

    /// Adds a lesson of the reader's own, or puts it in the place of the one whose id it has; returns its index.
    pub fn put(&mut self, lesson: Document) -> usize {
        if let Some(at) = self.find(&lesson.meta.id) {
            self.lessons[at] = lesson;
            return at;
        }
        self.lessons.push(lesson);
        self.lessons.len() - 1
    }
}
