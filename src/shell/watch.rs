//! A lesson file of the reader's own and its images, watched while they are being made.

use super::input;
use super::lesson_file::{self, beside};
use super::notebook::Incoming;
use app::Event;
use lesson::{Parsed, Pictures};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_millis(250);

/// A file at one moment, by what changes with every way of saving: in place, or by a new file under the old name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamp {
    Missing,
    There { seconds: i64, nanoseconds: i64, size: u64, inode: u64 },
}

impl Stamp {
    fn of(file: &Path) -> Self {
        fs::metadata(file).map_or(Self::Missing, |data| Self::There {
            seconds: data.mtime(),
            nanoseconds: data.mtime_nsec(),
            size: data.size(),
            inode: data.ino(),
        })
    }
}

/// Starts the thread that tells of every new state of an opened lesson.
pub fn start(events: &Sender<Incoming>, opened: Told) -> io::Result<()> {
    let told = events.clone();
    input::spawn("lesson-file", events, move || {
        let mut watch = Watch::new(opened);
        loop {
            if let Some(lesson) = watch.look() {
                let event = Event::LessonFile { file: watch.known.file.clone(), lesson: lesson.map(Box::new) };
                if told.send(Incoming::Event(event)).is_err() {
                    return;
                }
            }
            std::thread::sleep(EVERY);
        }
    })
}

/// What the notebook was told last of a lesson's file: enough to see whether it has changed, and no second copy of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    file: String,
    /// Of its text and faults; or why it can't be read.
    state: Result<u64, String>,
    images: Pictures,
}

impl Told {
    pub fn of((document, faults): &Parsed) -> Self {
        let mut hasher = DefaultHasher::new();
        document.text.hash(&mut hasher);
        for fault in faults {
            fault.to_string().hash(&mut hasher);
        }
        let (file, images) = (document.file.clone(), document.pictures.clone());
        Self { file, state: Ok(hasher.finish()), images }
    }
}

struct Watch {
    known: Told,
    /// The lesson's file and its images at the last look.
    seen: Vec<Stamp>,
    /// Those that `known` was read from.
    taken: Vec<Stamp>,
}

impl Watch {
    fn new(opened: Told) -> Self {
        Self { known: opened, seen: Vec::new(), taken: Vec::new() }
    }

    fn stamps(&self) -> Vec<Stamp> {
        let file = &self.known.file;
        let mut images: Vec<&String> = self.known.images.keys().collect();
        images.sort();
        let images = images.into_iter().map(|image| Stamp::of(&beside(file, image)));
        std::iter::once(Stamp::of(Path::new(file))).chain(images).collect()
    }

    /// The lesson anew, or why it can't be read, if that is news. What has changed is read at the next look, if it is
    /// the same then: editors empty a file, fill it and rename it in steps.
    fn look(&mut self) -> Option<Result<Parsed, String>> {
        let stamps = self.stamps();
        let settled = self.seen == stamps;
        self.seen = stamps;
        if !settled || self.taken == self.seen {
            return None;
        }
        let lesson = lesson_file::read(&self.known.file).map_err(|error| error.to_string());
        if self.stamps() != self.seen {
            return None;
        }
        self.taken.clone_from(&self.seen);
        let told = match &lesson {
            Ok(lesson) => Told::of(lesson),
            // Its images are looked at as before, until it can be read again.
            Err(why) => Told { state: Err(why.clone()), ..self.known.clone() },
        };
        if self.known == told {
            return None;
        }
        self.known = told;
        Some(lesson)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lesson::PictureError;

    #[test]
    fn every_way_of_saving_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let file = at("lesson.md").display().to_string();
        let write = |name: &str, text: &str| fs::write(at(name), text).unwrap();
        write("lesson.md", "one");
        let mut watch = Watch::new(Told::of(&lesson_file::read(&file).unwrap()));
        let mut told = || {
            let looks = (0..5).filter_map(|_| watch.look());
            looks.map(|lesson| lesson.map(|(document, _)| document.text)).collect::<Vec<_>>()
        };
        assert!(told().is_empty(), "nothing has changed");
        write("lesson.md", "two, in place");
        assert_eq!(told(), [Ok("two, in place".to_string())]);
        assert!(told().is_empty());
        write("new", "three, renamed");
        fs::rename(at("new"), at("lesson.md")).unwrap();
        assert_eq!(told(), [Ok("three, renamed".to_string())]);
        fs::remove_file(at("lesson.md")).unwrap();
        assert!(matches!(&told()[..], [Err(why)] if why.contains("lesson.md can't be read")));
        write("lesson.md", "back");
        assert_eq!(told(), [Ok("back".to_string())]);
        fs::write(at("lesson.md"), b"caf\xe9").unwrap();
        assert_eq!(told(), [Ok("caf\u{fffd}".to_string())]);
    }

    #[test]
    fn an_image_that_is_saved_anew_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("lesson.md"), "![a](a.png)\n\n![b](b.png)").unwrap();
        let mut watch = Watch::new(Told::of(&lesson_file::read(&at("lesson.md").display().to_string()).unwrap()));
        let mut told = || {
            let looks = (0..5).filter_map(|_| watch.look().map(Result::unwrap));
            looks.map(|(document, _)| document.pictures["b.png"].clone().unwrap_err()).collect::<Vec<_>>()
        };
        assert!(told().is_empty(), "nothing has changed");
        fs::write(at("b.png"), "text").unwrap();
        assert_eq!(told(), [PictureError::NoPng]);
        assert!(told().is_empty());
        fs::remove_file(at("b.png")).unwrap();
        fs::create_dir(at("b.png")).unwrap();
        assert_eq!(told(), [PictureError::Missing]);
    }
}
