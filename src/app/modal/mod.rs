//! What is shown over the lesson, with its state. Keys go to the topmost modal; the files beside this one handle them.

mod answer;
pub(crate) mod command;
mod dispatch;
mod headings;
pub(crate) mod palette;
mod quit;
mod runs;
mod search;
mod settings;
pub(crate) mod text_input;

use crate::App;
use crate::chart::Pane;
use crate::runs::RunsList;
use crate::screen::Screen;
use crate::study::form::StudyForm;
use crate::work::Work;
use lesson::{Answer, CONFIDENCE, Hit};
use palette::PaletteMatch;
use protocol::{CellKey, RunId, RunTag};

#[derive(Clone, Debug)]
pub enum Modal {
    Help {
        top: usize,
    },
    Settings(CellKey, Box<StudyForm>),
    Quit(QuitChoice),
    Runs(RunsList),
    /// The chart of one run, opened from the list.
    Run(RunId),
    /// The laboratory; its state is [`App::lab`](crate::App::lab).
    Lab,
    /// The inside of networks; its state is [`App::inside`](crate::App::inside).
    Inside,
    Search(Search),
    Headings(HeadingList),
    /// The contents while they have the keys; the index of the selected lesson.
    Contents(usize),
    Command(CommandLine),
    /// The running kernel has another version: its own sentence, and the offer to restart it.
    OtherVersion(String),
    /// Values of a pane are being read. The pane's viewport has the cursor.
    Values(Pane),
    /// Keys steer the experiment of this cell.
    Steer(CellKey),
    /// An answer is being typed.
    AnswerEntry(AnswerEntry),
    /// The reader's confidence in a prediction is being typed.
    Confidence(ConfidenceEntry),
    /// The faults of the lesson file that is being written, scrolled to this line.
    Faults {
        top: usize,
    },
    /// Asks before the progress in the open lesson is forgotten.
    Reset,
    /// Asks before long work starts.
    Confirm(Work),
    /// A run's name, tags or notes, or the file that it is exported to, are being typed.
    RunLine(RunLine),
}

/// What happens to active runs when the notebook quits.
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

    /// Moves by so many choices, within the list.
    pub fn step(self, by: isize) -> Self {
        let at = Self::ALL.iter().position(|&choice| choice == self).unwrap_or(0);
        Self::ALL[at.saturating_add_signed(by).min(Self::ALL.len() - 1)]
    }
}

/// A list of headings that typing filters.
#[derive(Clone, Debug, Default)]
pub struct HeadingList {
    pub query: String,
    /// Index among the headings that match.
    pub selected: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Search {
    pub query: String,
    pub hits: Vec<Hit>,
    pub selected: usize,
}

impl Search {
    /// The index of the first visible hit, and how many rows there are: the frame, the query and two blank lines take
    /// the rest.
    pub fn shown(&self, screen: &Screen) -> (usize, usize) {
        window(self.selected, screen.search().height.saturating_sub(5))
    }
}

/// The first visible row and the number of rows of a list, so that the selected row is visible.
fn window(selected: usize, rows: u16) -> (usize, usize) {
    let rows = usize::from(rows).max(1);
    (selected.saturating_sub(rows - 1), rows)
}

#[derive(Clone, Debug, Default)]
pub struct CommandLine {
    pub text: String,
    /// What was wrong with the command when Enter was pressed.
    pub error: Option<String>,
    /// The completions that Tab steps through, until something else is typed.
    pub completion: Option<Completion>,
    /// The index of the recalled command, and what had been typed before.
    pub recalled: Option<(usize, String)>,
    /// What is found for the line, best first.
    pub matches: Vec<PaletteMatch>,
    /// The match that Enter carries out; without one it is the line, as a command.
    pub selected: Option<usize>,
}

/// Rows of the command line's box above its list: the line, and what is said of it.
pub const COMMAND_HEAD: u16 = 3;

impl CommandLine {
    /// The match that is chosen before an arrow has been pressed: the best, unless the line is a command or empty.
    pub(crate) fn best_choice(&self) -> Option<usize> {
        let is_command = self.text.parse::<command::Command>().is_ok();
        (!self.text.trim().is_empty() && !is_command && !self.matches.is_empty()).then_some(0)
    }

    pub(crate) fn chosen(&self) -> Option<&PaletteMatch> {
        self.matches.get(self.selected?)
    }

    /// The index of the first visible match, and how many rows there are: the frame, the head and the keys take the rest.
    pub fn shown(&self, screen: &Screen) -> (usize, usize) {
        window(self.selected.unwrap_or(0), screen.command().height.saturating_sub(COMMAND_HEAD + 3))
    }
}

/// The completions of a command line.
#[derive(Clone, Debug)]
pub struct Completion {
    pub lines: Vec<String>,
    pub selected: usize,
}

/// A line of text about a run, or about several.
#[derive(Clone, Debug)]
pub struct RunLine {
    /// At least one; several for tags alone.
    pub runs: Vec<RunId>,
    pub purpose: RunLinePurpose,
    pub text: String,
    /// What was wrong with the text when Enter was pressed.
    pub error: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunLinePurpose {
    /// The run's name; an empty line removes it.
    Name,
    /// The tags that all of the runs have; these are what they were before.
    Tags(Vec<RunTag>),
    /// Notes on the run; an empty line removes them.
    Notes,
    /// The file that its curves are written to. The file's extension decides the format.
    Export,
}

/// What kind of answer is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    Number,
    Words,
}

/// The text of an answer that is being typed.
#[derive(Clone, Debug)]
pub struct AnswerEntry {
    pub cell: CellKey,
    pub kind: AnswerKind,
    pub text: String,
}

impl AnswerEntry {
    /// Parses the answer. A decimal comma is accepted.
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

/// The text of a confidence that is being typed.
#[derive(Clone, Debug)]
pub struct ConfidenceEntry {
    pub cell: CellKey,
    pub text: String,
    /// The text is only a suggestion, so the first digit replaces it.
    pub is_suggested: bool,
}

impl ConfidenceEntry {
    /// How much + and - change it.
    const STEP: u8 = 5;

    pub fn new(cell: CellKey) -> Self {
        Self { cell, text: "75".into(), is_suggested: true }
    }

    /// The confidence in percent, if it is in range.
    pub fn percent(&self) -> Option<u8> {
        self.text.parse().ok().filter(|percent| CONFIDENCE.contains(percent))
    }

    /// Appends a digit; a confidence has no more than two.
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

    /// Changes the confidence to the next multiple of the step, within the range.
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

impl App {
    /// The answer that is being typed in this cell.
    pub fn answer_entry_in(&self, key: &CellKey) -> Option<&AnswerEntry> {
        match self.modals.last() {
            Some(Modal::AnswerEntry(guess)) if guess.cell == *key => Some(guess),
            _ => None,
        }
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
