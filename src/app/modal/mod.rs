//! What lies over the lesson; keys go to the topmost.

mod answer;
pub(crate) mod command;
mod dispatch;
mod headings;
mod quit;
mod runs;
mod search;
mod settings;
mod text_input;

use crate::chart::Pane;
use crate::screen::Screen;
use crate::study::form::Settings;
use crate::work::Work;
use lesson::{Answer, CONFIDENCE, Hit};
use protocol::{CellKey, RunId};

#[derive(Clone, Debug)]
pub enum Modal {
    Help {
        top: usize,
    },
    Settings(CellKey, Box<Settings>),
    Quit(QuitChoice),
    Runs(RunsList),
    /// One run's chart, opened from the list.
    Run(RunId),
    Search(Search),
    Headings(HeadingList),
    /// The contents with the keys in them; the index of the chosen lesson.
    Contents(usize),
    Command(CommandLine),
    /// The kernel that runs is of another version: its own sentence, and the offer to restart it.
    OtherVersion(String),
    /// Values are being read in a pane; its viewport has the cursor.
    Values(Pane),
    /// An experiment takes the keys that steer it.
    Steer(CellKey),
    /// An answer is being typed.
    AnswerEntry(AnswerEntry),
    /// How sure the reader is of a prediction.
    Confidence(ConfidenceEntry),
    /// What to mend in the lesson that is being written, from this line on.
    Faults {
        top: usize,
    },
    /// Whether to forget what the reader did in the open lesson.
    Reset,
    /// Whether to start what takes long.
    Confirm(Work),
    /// A run's new name, or the file to export it to.
    RunLine(RunLine),
    /// Whether to delete a run.
    DeleteRun(RunId),
}

/// What becomes of the races when the notebook quits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QuitChoice {
    #[default]
    KeepRunning,
    Pause,
    Stop,
}

impl QuitChoice {
    pub const ALL: [Self; 3] = [Self::KeepRunning, Self::Pause, Self::Stop];

    pub fn title(self) -> &'static str {
        match self {
            Self::KeepRunning => "Keep it running; the curves will be here when you come back",
            Self::Pause => "Pause it; continue it whenever you like",
            Self::Stop => "Stop it; it can be resumed from its last checkpoint",
        }
    }

    /// The choice so many places on, within the list.
    pub fn step(self, by: isize) -> Self {
        let at = Self::ALL.iter().position(|&choice| choice == self).unwrap_or(0);
        Self::ALL[at.saturating_add_signed(by).min(Self::ALL.len() - 1)]
    }
}

#[derive(Clone, Debug, Default)]
pub struct RunsList {
    pub selected: usize,
}

impl RunsList {
    /// The first run shown, and how many are: a frame, a head and two lines below take the rest.
    pub fn shown(&self, screen: &Screen) -> (usize, usize) {
        window(self.selected, screen.runs().height.saturating_sub(5 + Self::detail_rows(screen)))
    }

    /// Rows beneath the list for all that is known of the chosen run, a blank one above and below; none on a small
    /// screen.
    pub fn detail_rows(screen: &Screen) -> u16 {
        if screen.runs().height < 16 { 0 } else { 6 }
    }
}

/// A list of headings that typing narrows.
#[derive(Clone, Debug, Default)]
pub struct HeadingList {
    pub query: String,
    /// Place among the headings that match.
    pub selected: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Search {
    pub query: String,
    pub hits: Vec<Hit>,
    pub selected: usize,
}

impl Search {
    /// The first hit shown, and how many are: a frame, the query and two blank lines take the rest.
    pub fn shown(&self, screen: &Screen) -> (usize, usize) {
        window(self.selected, screen.search().height.saturating_sub(5))
    }
}

/// So many rows of a list, the chosen one among them.
fn window(selected: usize, rows: u16) -> (usize, usize) {
    let rows = usize::from(rows).max(1);
    (selected.saturating_sub(rows - 1), rows)
}

#[derive(Clone, Debug, Default)]
pub struct CommandLine {
    pub text: String,
    /// What was wrong with it when Enter was pressed.
    pub error: Option<String>,
    /// What Tab chooses from, until something else is typed.
    pub completion: Option<Completion>,
    /// Which of the earlier lines is shown, and what had been typed before.
    pub recalled: Option<(usize, String)>,
}

/// The lines that a begun one can be completed to.
#[derive(Clone, Debug)]
pub struct Completion {
    pub lines: Vec<String>,
    pub selected: usize,
}

/// A line of text about a run.
#[derive(Clone, Debug)]
pub struct RunLine {
    pub run: RunId,
    pub purpose: RunLinePurpose,
    pub text: String,
    /// What was wrong with it when Enter was pressed.
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunLinePurpose {
    /// Its name; none if the line is empty.
    Name,
    /// The file that its curves are written to; how its name ends tells the format.
    Export,
}

/// What is asked for where an answer is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    Number,
    Words,
}

/// An answer on its way into a prediction or a question.
#[derive(Clone, Debug)]
pub struct AnswerEntry {
    pub cell: CellKey,
    pub kind: AnswerKind,
    pub text: String,
}

impl AnswerEntry {
    /// The answer as typed; a decimal comma will do.
    pub fn answer(&self) -> Option<Answer> {
        let text = self.text.trim();
        match self.kind {
            AnswerKind::Number => {
                let number = text.replace(',', ".").parse::<f64>().ok();
                number.filter(|number| number.is_finite()).map(Answer::Number)
            }
            AnswerKind::Words => (!text.is_empty()).then(|| Answer::Text(text.into())),
        }
    }
}

/// A confidence on its way into a prediction.
#[derive(Clone, Debug)]
pub struct ConfidenceEntry {
    pub cell: CellKey,
    pub text: String,
    /// What stands there was not typed: the first digit takes its place.
    pub is_suggested: bool,
}

impl ConfidenceEntry {
    /// By how much + and - change it.
    const STEP: u8 = 5;

    pub fn new(cell: CellKey) -> Self {
        Self { cell, text: "75".into(), is_suggested: true }
    }

    /// In percent, if it can be stated.
    pub fn percent(&self) -> Option<u8> {
        self.text.parse().ok().filter(|percent| CONFIDENCE.contains(percent))
    }

    /// Takes one more digit; no confidence has three.
    pub fn insert(&mut self, digit: char) {
        if self.is_suggested {
            self.text.clear();
        }
        self.is_suggested = false;
        if self.text.len() < 2 {
            self.text.push(digit);
        }
    }

    pub fn erase(&mut self) {
        self.is_suggested = false;
        self.text.pop();
    }

    pub fn clear(&mut self) {
        self.is_suggested = false;
        self.text.clear();
    }

    /// A step up or down, to a multiple of it and within what can be stated.
    pub fn step(&mut self, up: bool) {
        let percent = self.text.parse::<u8>().unwrap_or(0);
        let below = percent / Self::STEP * Self::STEP;
        let next = match (up, below == percent) {
            (true, _) => below + Self::STEP,
            (false, true) => below.saturating_sub(Self::STEP),
            (false, false) => below,
        };
        self.text = next.clamp(*CONFIDENCE.start(), *CONFIDENCE.end()).to_string();
        self.is_suggested = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confidence_is_typed_or_stepped() {
        let mut entry = ConfidenceEntry::new(CellKey { lesson: "l".into(), cell: "c".into() });
        assert_eq!(entry.percent(), Some(75));
        entry.insert('8');
        assert_eq!((entry.percent(), &entry.text[..]), (None, "8"));
        entry.insert('3');
        entry.insert('1');
        assert_eq!(entry.percent(), Some(83));
        entry.step(true);
        assert_eq!(entry.percent(), Some(85));
        entry.erase();
        entry.insert('2');
        entry.step(false);
        assert_eq!(entry.percent(), Some(80));
        let stepped = |entry: &mut ConfidenceEntry, up| {
            (0..20).for_each(|_| entry.step(up));
            entry.percent()
        };
        assert_eq!((stepped(&mut entry, true), stepped(&mut entry, false)), (Some(99), Some(50)));
    }
}
