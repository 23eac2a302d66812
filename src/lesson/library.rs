//! The lessons that ship inside the program, in order.

use super::document::Document;
use super::fault::Fault;
use super::parse::{Parsed, parse};
use super::picture::PictureError;

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
        for (document, faults) in Self::shipped() {
            library.lessons.push(document);
            library.faults.extend(faults);
        }
        library
    }

    /// The lessons as shipped, each with its images.
    pub fn shipped() -> Vec<Parsed> {
        let image = |path: &str| IMAGES.iter().find(|(name, _)| *name == path).map(|(_, bytes)| bytes.to_vec());
        let read = |(file, text): &(&str, &str)| {
            let (mut document, faults) = parse(file, text);
            document.number = number_of(file);
            document.load_pictures(|path| image(path).ok_or(PictureError::Missing));
            (document, faults)
        };
        // The first frame waits for the lessons, so two threads parse them.
        let (front, back) = ENGLISH.split_at(ENGLISH.len() / 2);
        std::thread::scope(|scope| {
            let back = scope.spawn(|| back.iter().map(read).collect::<Vec<_>>());
            let mut lessons: Vec<_> = front.iter().map(read).collect();
            lessons.extend(back.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            lessons
        })
    }

    /// Index of the lesson with this id.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.lessons.iter().position(|lesson| lesson.meta.id == id)
    }

    /// Index of the lesson that a reader means: by its id, its number, the article's part, or the beginning of its
    /// title or its id.
    pub fn named(&self, name: &str) -> Option<usize> {
        let name = name.trim().to_lowercase();
        let lessons = || self.lessons.iter();
        let mut parts = lessons().enumerate().filter(|(_, lesson)| lesson.meta.part.to_lowercase() == name);
        let part = parts.next().filter(|_| parts.next().is_none()).map(|(at, _)| at);
        let number = || self.numbered(name.parse().ok()?);
        let titled = || lessons().position(|lesson| lesson.meta.title.to_lowercase().starts_with(&name));
        let begun = || lessons().position(|lesson| lesson.meta.id.starts_with(&name));
        self.find(&name).or_else(number).or(part).or_else(titled).or_else(begun).filter(|_| !name.is_empty())
    }

    /// Index of the lesson with this number.
    pub fn numbered(&self, number: u16) -> Option<usize> {
        self.lessons.iter().position(|lesson| lesson.number == Some(number))
    }

    /// Whether the lesson at this index ships inside the program; the reader's own come after these.
    pub fn ships(lesson: usize) -> bool {
        lesson < ENGLISH.len()
    }

    /// Adds a lesson of the reader's own, or replaces the one with the same id. Returns its index.
    pub fn put(&mut self, mut lesson: Document) -> usize {
        if let Some(at) = self.find(&lesson.meta.id) {
            lesson.number = self.lessons[at].number;
            self.lessons[at] = lesson;
            return at;
        }
        self.lessons.push(lesson);
        self.lessons.len() - 1
    }
}

/// The number that a shipped lesson's file name begins with: 12 of `en/12-faster-learning.md`.
fn number_of(file: &str) -> Option<u16> {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.split_once('-').and_then(|(number, _)| number.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `lessons/en/12-faster-learning.md` is lesson 12 in the contents, in links and on the command line.
    #[test]
    fn every_shipped_lesson_has_the_number_of_its_file() {
        let library = Library::english();
        for lesson in &library.lessons {
            let number = lesson.number.unwrap();
            let name = lesson.file.rsplit('/').next().unwrap();
            assert!(name.starts_with(&format!("{number:02}-")), "{number} {}", lesson.file);
            let named = library.named(&number.to_string()).unwrap();
            assert_eq!(library.lessons[named].meta.id, lesson.meta.id, "{number}");
        }
        assert!(library.lessons.is_sorted_by_key(|lesson| lesson.number));
    }

    #[test]
    fn a_lesson_has_many_names() {
        let library = Library::english();
        let id = |name: &str| library.named(name).map(|at| library.lessons[at].meta.id.clone());
        for (name, found) in [
            ("faster", "faster"),
            ("ii.2", "gradients"),
            ("10", "dead-units"),
            ("The led", "ledger"),
            ("separ", "separability"),
        ] {
            assert_eq!(id(name).as_deref(), Some(found), "{name}");
        }
        // Three lessons are of this part, none has this number.
        for name in ["origin", "18", "", "nowhere"] {
            assert_eq!(id(name), None, "{name}");
        }
    }
}
