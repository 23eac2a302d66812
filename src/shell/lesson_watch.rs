//! Watches a lesson file of the reader's own and its images for changes.

use super::lesson_file::{self, image_path};
use super::thread::{Incoming, spawn};
use app::Event;
use lesson::{Parsed, Pictures};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// How often the files are checked.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The state of a file. It differs after every way of saving: in place, or by renaming a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamp {
    Missing,
    Present { seconds: i64, nanoseconds: i64, size: u64, inode: u64 },
}

impl Stamp {
    fn of(file: &Path) -> Self {
        fs::metadata(file).map_or(Self::Missing, |data| Self::Present {
            seconds: data.mtime(),
            nanoseconds: data.mtime_nsec(),
            size: data.size(),
            inode: data.ino(),
        })
    }
}

/// Starts the thread that sends every new state of an opened lesson.
pub fn start(events: &Sender<Incoming>, opened: WatchedLesson) -> io::Result<()> {
    let sender = events.clone();
    spawn("lesson-file", events, move || {
        let mut watch = Watch::new(opened);
        loop {
            if let Some(lesson) = watch.poll() {
                let event = Event::LessonFile { file: watch.current.file.clone(), lesson: lesson.map(Box::new) };
                if sender.send(Incoming::Event(event)).is_err() {
                    return;
                }
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    })
}

/// The state of a lesson's file that the notebook shows, as far as is needed to see a change.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchedLesson {
    file: String,
    /// The hash of its text and faults, or why it can't be read.
    state: Result<u64, String>,
    images: Pictures,
}

impl WatchedLesson {
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
    current: WatchedLesson,
    /// The lesson's file and its images at the last poll.
    seen: Vec<Stamp>,
    /// Those that `current` was read from.
    loaded: Vec<Stamp>,
}

impl Watch {
    fn new(opened: WatchedLesson) -> Self {
        Self { current: opened, seen: Vec::new(), loaded: Vec::new() }
    }

    fn stamps(&self) -> Vec<Stamp> {
        let file = &self.current.file;
        let mut images: Vec<&String> = self.current.images.keys().collect();
        images.sort();
        let images = images.into_iter().map(|image| Stamp::of(&image_path(file, image)));
        std::iter::once(Stamp::of(Path::new(file))).chain(images).collect()
    }

    /// Returns the lesson, or why it can't be read, if that has changed. A changed file is read at the next poll, if it is
    /// the same then: editors empty a file, write it and rename it in steps.
    fn poll(&mut self) -> Option<Result<Parsed, String>> {
        let stamps = self.stamps();
        let settled = self.seen == stamps;
        self.seen = stamps;
        if !settled || self.loaded == self.seen {
            return None;
        }
        let lesson = lesson_file::read(&self.current.file).map_err(|error| error.to_string());
        if self.stamps() != self.seen {
            return None;
        }
        self.loaded.clone_from(&self.seen);
        let new = match &lesson {
            Ok(lesson) => WatchedLesson::of(lesson),
            // The images stay watched until the file can be read again.
            Err(why) => WatchedLesson { state: Err(why.clone()), ..self.current.clone() },
        };
        if self.current == new {
            return None;
        }
        self.current = new;
        Some(lesson)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lesson::PictureError;

    #[test]
    fn every_way_of_saving_is_reported_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let file = at("lesson.md").display().to_string();
        let write = |name: &str, text: &str| fs::write(at(name), text).unwrap();
        write("lesson.md", "one");
        let mut watch = Watch::new(WatchedLesson::of(&lesson_file::read(&file).unwrap()));
        let mut changes = || {
            let polls = (0..5).filter_map(|_| watch.poll());
            polls.map(|lesson| lesson.map(|(document, _)| document.text)).collect::<Vec<_>>()
        };
        assert!(changes().is_empty(), "nothing has changed");
        write("lesson.md", "two, in place");
        assert_eq!(changes(), [Ok("two, in place".to_string())]);
        assert!(changes().is_empty());
        write("new", "three, renamed");
        fs::rename(at("new"), at("lesson.md")).unwrap();
        assert_eq!(changes(), [Ok("three, renamed".to_string())]);
        fs::remove_file(at("lesson.md")).unwrap();
        assert!(matches!(&changes()[..], [Err(why)] if why.contains("lesson.md can't be read")));
        write("lesson.md", "back");
        assert_eq!(changes(), [Ok("back".to_string())]);
        fs::write(at("lesson.md"), b"caf\xe9").unwrap();
        assert_eq!(changes(), [Ok("caf\u{fffd}".to_string())]);
    }

    #[test]
    fn a_changed_image_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("lesson.md"), "![a](a.png)\n\n![b](b.png)").unwrap();
        let mut watch =
            Watch::new(WatchedLesson::of(&lesson_file::read(&at("lesson.md").display().to_string()).unwrap()));
        let mut changes = || {
            let polls = (0..5).filter_map(|_| watch.poll().map(Result::unwrap));
            polls.map(|(document, _)| document.pictures["b.png"].clone().unwrap_err()).collect::<Vec<_>>()
        };
        assert!(changes().is_empty(), "nothing has changed");
        fs::write(at("b.png"), "text").unwrap();
        assert_eq!(changes(), [PictureError::NoPng]);
        assert!(changes().is_empty());
        fs::remove_file(at("b.png")).unwrap();
        fs::create_dir(at("b.png")).unwrap();
        assert_eq!(changes(), [PictureError::Missing]);
    }
}
