//! The banner above the status line: a fault, errors in a lesson file, or a hint for a new reader.

use crate::App;

/// A banner has at most this many rows, as its sentence names a path and a remedy.
const MOST_ROWS: usize = 2;
const WELCOME: &str = "New here? Press 0: lesson 0 shows in five minutes how this notebook works.";

/// In the order of precedence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Banner {
    /// Why nothing can be stored.
    StorageFault(String),
    /// The kernel does not answer.
    KernelSilent(String),
    /// The faults of the lesson file that is being written.
    Faults(String),
    /// The hint for a new reader who has not opened lesson 0.
    Welcome(&'static str),
}

impl Banner {
    pub fn text(&self) -> &str {
        match self {
            Self::StorageFault(text) | Self::KernelSilent(text) | Self::Faults(text) => text,
            Self::Welcome(text) => text,
        }
    }
}

impl App {
    pub fn banner(&self) -> Option<Banner> {
        let trouble =
            self.storage_fault.as_ref().map(|why| Banner::StorageFault(format!("Nothing new is kept: {why}")));
        let silent = || {
            let sentence = self.kernel_silent.as_ref()?;
            Some(Banner::KernelSilent(format!("What you ask for waits: {sentence}.")))
        };
        let faults = || match self.lesson_faults.as_slice() {
            [] => None,
            [fault] => Some(Banner::Faults(fault.clone())),
            [first, ..] => Some(Banner::Faults(format!("{} faults, ! lists them. {first}", self.lesson_faults.len()))),
        };
        trouble.or_else(silent).or_else(faults).or_else(|| self.shows_welcome().then_some(Banner::Welcome(WELCOME)))
    }

    /// Whether the hint to lesson 0 is shown: until that lesson has been opened, and not to a reader who returns.
    fn shows_welcome(&self) -> bool {
        self.is_newcomer && self.document().number != Some(0) && self.library.numbered(0).is_some()
    }

    /// Lays out a lesson that was just opened. Opening lesson 0 removes the hint to it for good.
    pub(crate) fn lay_out_opened_lesson(&mut self) {
        if self.document().number == Some(0) {
            self.is_newcomer = false;
        }
        self.lay_out_banner();
    }

    pub(crate) fn banner_rows(&self, columns: u16) -> u16 {
        let width = usize::from(columns.saturating_sub(2).max(1));
        self.banner()
            .map_or(0, |banner| textwrap::wrap(banner.text(), crate::wrap_options(width)).len().min(MOST_ROWS) as u16)
    }

    /// Lays out the screen again, as the banner takes rows from the lesson.
    pub(crate) fn lay_out_banner(&mut self) {
        self.resize(self.screen.whole.width, self.screen.whole.height);
    }

    /// The faults of the lesson file, wrapped to this width.
    pub fn fault_lines(&self, width: u16) -> Vec<String> {
        let options = crate::wrap_options(usize::from(width.max(10))).subsequent_indent("  ");
        self.lesson_faults.iter().flat_map(|fault| textwrap::wrap(fault, &options)).map(Into::into).collect()
    }

    /// How far the list of faults can be scrolled down.
    pub(crate) fn last_fault_line(&self) -> usize {
        let area = self.screen.faults();
        let rows = usize::from(area.height.saturating_sub(3));
        self.fault_lines(area.width.saturating_sub(4)).len().saturating_sub(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Effect, Event, update};
    use crossterm::event::{KeyCode, KeyEvent};
    use lesson::Library;

    fn opened(entries: &[(&str, serde_json::Value)]) -> App {
        let library = Library::english();
        let training = library.find("faster").unwrap();
        let mut app = App::new(library, training, 80, 24);
        update(&mut app, Event::Opened { restore: true });
        let entries = entries.iter().map(|(key, value)| ((*key).to_string(), value.clone())).collect();
        update(&mut app, Event::StoredProgress(entries));
        app
    }

    fn press(app: &mut App, code: KeyCode) {
        update(app, Event::Key(KeyEvent::from(code)));
    }

    /// The hint stays however much is read, and goes once lesson 0 has been opened. A reader who has begun any lesson in
    /// an earlier notebook is not new.
    #[test]
    fn lesson_0_is_pointed_to_until_it_was_opened() {
        let read = ("place/faster", serde_json::json!({ "top": 0, "read": 13 }));
        assert_eq!(opened(&[read]).banner(), None);
        let mut app = opened(&[]);
        let rows = app.screen.text.height;
        for code in [KeyCode::Down, KeyCode::Tab, KeyCode::Char('n'), KeyCode::Char('p')] {
            press(&mut app, code);
            assert_eq!(app.banner(), Some(Banner::Welcome(WELCOME)), "after {code}");
        }
        press(&mut app, KeyCode::Char('0'));
        assert_eq!((app.lesson, app.banner(), app.screen.text.height), (0, None, rows + 1));
        press(&mut app, KeyCode::Esc);
        assert_eq!((app.document().meta.id.as_str(), app.banner()), ("faster", None));
    }

    /// A new home opens at lesson 0, so leaving it without scrolling counts as having seen it.
    #[test]
    fn a_reader_of_lesson_0_is_not_sent_there() {
        let mut app = App::new(Library::english(), 0, 80, 24);
        update(&mut app, Event::Opened { restore: true });
        update(&mut app, Event::StoredProgress(Vec::new()));
        assert_eq!((app.lesson, app.banner()), (0, None));
        let effects = update(&mut app, Event::Key(KeyEvent::from(KeyCode::Char('n'))));
        assert_eq!((app.lesson, app.banner()), (1, None));
        let kept = |effect: &Effect| format!("{effect:?}").contains("place/welcome");
        assert!(effects.iter().any(kept), "{effects:?}");
        update(&mut app, Event::StoredProgress(Vec::new()));
        assert_eq!(app.banner(), None);
    }
}
