//! A lesson file of the reader's own, watched while it is being written.

use super::input;
use super::notebook::Incoming;
use crate::app::Event;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// How often the file is looked at.
const EVERY: Duration = Duration::from_millis(250);

/// A lesson's file, and its text when the notebook opened it.
#[derive(Clone, Debug)]
pub struct Watched {
    pub file: String,
    pub text: String,
}

/// The file at one moment, by what changes with every way of saving: in place, or by a new file under the old name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stamp {
    /// Not looked at yet.
    #[default]
    Unknown,
    Missing,
    There {
        seconds: i64,
        nanoseconds: i64,
        size: u64,
        inode: u64,
    },
}

impl Stamp {
    fn of(file: &str) -> Self {
        fs::metadata(file).map_or(Self::Missing, |data| Self::There {
            seconds: data.mtime(),
            nanoseconds: data.mtime_nsec(),
            size: data.size(),
            inode: data.ino(),
        })
    }
}

/// Starts the thread that tells of every new text.
pub fn start(events: &Sender<Incoming>, watched: Watched) -> io::Result<()> {
    let told = events.clone();
    input::spawn("lesson-file", events, move || {
        let mut watch = Watch::new(watched);
        loop {
            if let Some(text) = watch.look() {
                let event = Event::LessonFile { file: watch.file.clone(), text };
                if told.send(Incoming::Event(event)).is_err() {
                    return;
                }
            }
            std::thread::sleep(EVERY);
        }
    })
}

struct Watch {
    file: String,
    /// What the notebook was told last.
    known: Result<String, String>,
    /// The file at the last look.
    seen: Stamp,
    /// The file whose text is `known`.
    taken: Stamp,
}

impl Watch {
    fn new(watched: Watched) -> Self {
        Self { file: watched.file, known: Ok(watched.text), seen: Stamp::Unknown, taken: Stamp::Unknown }
    }

    /// The new text, or why there is none, if that is news. A file that has changed is read at the next look, if it
    /// is the same then: editors empty it, fill it and rename it in steps.
    fn look(&mut self) -> Option<Result<String, String>> {
        let stamp = Stamp::of(&self.file);
        let settled = std::mem::replace(&mut self.seen, stamp) == stamp;
        if !settled || self.taken == stamp {
            return None;
        }
        let text = fs::read_to_string(&self.file).map_err(|error| format!("{} can't be read: {error}", self.file));
        if Stamp::of(&self.file) != stamp {
            return None;
        }
        self.taken = stamp;
        if self.known == text {
            return None;
        }
        self.known.clone_from(&text);
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_saving_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let file = at("lesson.md").display().to_string();
        let write = |name: &str, text: &str| fs::write(at(name), text).unwrap();
        write("lesson.md", "one");
        let mut watch = Watch::new(Watched { file, text: "one".into() });
        let mut told = || (0..3).filter_map(|_| watch.look()).collect::<Vec<_>>();
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
        fs::write(at("lesson.md"), b"\xff\xfe").unwrap();
        assert!(matches!(&told()[..], [Err(why)] if why.contains("UTF-8")));
    }
}
