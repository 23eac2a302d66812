//! The command line that `:` opens. Some commands do what a key does, others have no key.

use super::text_input::edit;
use super::{CommandLine, Completion, Modal};
use crate::keys::Action;
use crate::lesson::navigate::OpenAt;
use crate::{App, Effect, StoreQuery};
use crossterm::event::KeyCode;
use protocol::RunId;
use std::str::FromStr;

/// A parsed command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// An action that a key has too.
    Act(Action),
    /// Opens the lesson with this id, or the one whose title begins with the text.
    Open(String),
    /// Shows the chart of a run.
    Run(i64),
    /// Forgets the progress and the answers of the open lesson.
    Reset,
}

/// The argument of a command.
#[derive(Clone, Copy)]
enum Argument {
    None(Action),
    Reset,
    Lesson,
    Run,
}

/// Every command: its name, its short name, its argument.
const COMMANDS: [(&str, &str, Argument); 11] = [
    ("open", "o", Argument::Lesson),
    ("run", "run", Argument::Run),
    ("runs", "runs", Argument::None(Action::Runs)),
    ("lab", "lab", Argument::None(Action::Lab)),
    ("contents", "contents", Argument::None(Action::Contents)),
    ("headings", "headings", Argument::None(Action::Headings)),
    ("settings", "set", Argument::None(Action::Settings)),
    ("search", "search", Argument::None(Action::Search)),
    ("reset", "reset", Argument::Reset),
    ("help", "h", Argument::None(Action::Help)),
    ("quit", "q", Argument::None(Action::Quit)),
];

/// The list of commands that the command line shows.
pub fn commands() -> String {
    let written = COMMANDS.map(|(word, _, argument)| match argument {
        Argument::Lesson => format!("{word} LESSON"),
        Argument::Run => format!("{word} NUMBER"),
        Argument::None(_) | Argument::Reset => word.to_string(),
    });
    written.join(", ")
}

/// How many matches a page is.
const PAGE: usize = 10;

/// Chooses a match further down.
fn select(line: &mut CommandLine, by: usize) {
    let last = line.matches.len().checked_sub(1);
    let next = line.selected.map_or(by - 1, |at| at + by);
    line.selected = last.map(|last| next.min(last));
}

fn find(word: &str) -> Option<(&'static str, Argument)> {
    let named = |(long, short, _): &&(&str, &str, Argument)| word == *long || word == *short;
    COMMANDS.iter().find(named).map(|&(long, _, argument)| (long, argument))
}

impl FromStr for Command {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (word, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let rest = rest.trim();
        let Some((_, argument)) = find(word) else {
            return Err(format!("unknown command `{word}`; there are {}", commands()));
        };
        let command = match argument {
            Argument::Lesson if rest.is_empty() => return Err("open which lesson? `open 12`, for example".into()),
            Argument::Lesson => return Ok(Self::Open(rest.into())),
            Argument::Run => {
                let fault = |_| format!("run: `{rest}` is not a run's number; r lists the runs");
                return rest.parse().map(Self::Run).map_err(fault);
            }
            Argument::Reset => Self::Reset,
            Argument::None(action) => Self::Act(action),
        };
        if rest.is_empty() { Ok(command) } else { Err(format!("{word} takes nothing after it, not `{rest}`")) }
    }
}

impl App {
    pub(crate) fn command_key(&mut self, mut line: CommandLine, code: KeyCode) -> Vec<Effect> {
        match code {
            KeyCode::Enter if line.chosen().is_some() => return self.perform_chosen(&line),
            KeyCode::Enter if line.text.trim().is_empty() => return Vec::new(),
            KeyCode::Enter => {
                let text = line.text.trim().to_string();
                let command = text.parse();
                self.keep_command(text);
                match command.and_then(|command| self.command(command)) {
                    Ok(effects) => return effects,
                    Err(why) => {
                        (line.error, line.completion, line.recalled) = (Some(why), None, None);
                    }
                }
            }
            // Backspace in an empty line closes it, as in an editor.
            KeyCode::Backspace if line.text.is_empty() => return Vec::new(),
            KeyCode::Tab | KeyCode::BackTab => self.complete(&mut line, code == KeyCode::Tab),
            // Earlier lines lie above the line, and what is found beneath it.
            KeyCode::Up if line.recalled.is_some() || line.selected == line.best_choice() => {
                self.recall(&mut line, -1);
            }
            KeyCode::Up => match line.selected {
                Some(at) => line.selected = at.checked_sub(1),
                None => self.recall(&mut line, -1),
            },
            KeyCode::Down if line.recalled.is_some() => self.recall(&mut line, 1),
            KeyCode::Down | KeyCode::PageDown => select(&mut line, if code == KeyCode::Down { 1 } else { PAGE }),
            KeyCode::PageUp => line.selected = line.selected.map(|at| at.saturating_sub(PAGE)),
            code => {
                edit(&mut line.text, code);
                line = CommandLine { text: line.text, ..CommandLine::default() };
                self.search_palette(&mut line);
            }
        }
        self.modals.push(Modal::Command(line));
        Vec::new()
    }

    /// Carries out the match that was chosen. Its words go into the history, where they find it again.
    fn perform_chosen(&mut self, line: &CommandLine) -> Vec<Effect> {
        let Some(chosen) = line.chosen() else { return Vec::new() };
        self.keep_command(chosen.entry.text.clone());
        self.perform_entry(chosen.entry.target)
    }

    fn keep_command(&mut self, text: String) {
        if self.commands.last() != Some(&text) {
            self.commands.push(text);
        }
    }

    /// Replaces the line by its next completion: of a command, else by the words of what is chosen.
    fn complete(&self, line: &mut CommandLine, forward: bool) {
        line.error = None;
        let completion = if let Some(Completion { lines, selected }) = line.completion.take() {
            let step = if forward { 1 } else { lines.len() - 1 };
            let selected = (selected + step) % lines.len();
            Completion { lines, selected }
        } else {
            let lines = self.completions(&line.text);
            if lines.is_empty() {
                match line.chosen().or(line.matches.first()).map(|found| found.entry.text.clone()) {
                    Some(text) => line.text = text,
                    None => line.error = Some("nothing begins like this".into()),
                }
                self.search_palette(line);
                return;
            }
            let selected = if forward { 0 } else { lines.len() - 1 };
            Completion { lines, selected }
        };
        line.text.clone_from(&completion.lines[completion.selected]);
        self.search_palette(line);
        // A single completion is final, so the next Tab completes the argument.
        line.completion = Some(completion).filter(|completion| completion.lines.len() > 1);
    }

    /// Recalls an earlier or a later command; after the last one comes what was typed before.
    fn recall(&self, line: &mut CommandLine, by: isize) {
        let count = self.commands.len();
        let (at, typed) = line.recalled.take().unwrap_or_else(|| (count, line.text.clone()));
        let at = at.saturating_add_signed(by).min(count);
        let text = self.commands.get(at).unwrap_or(&typed).clone();
        *line = CommandLine { text, ..CommandLine::default() };
        self.search_palette(line);
        // The line behind the last one is that which is being typed: beneath it is what is found.
        line.recalled = (at < count).then_some((at, typed));
    }

    fn command(&mut self, command: Command) -> Result<Vec<Effect>, String> {
        match command {
            Command::Act(action) => {
                self.modals.clear();
                Ok(self.perform_action(action))
            }
            Command::Open(name) => match self.library.named(&name) {
                Some(lesson) => Ok(self.open_lesson(lesson, OpenAt::SavedPosition)),
                None => Err(format!("there is no lesson `{name}`; c lists them, and their parts will do")),
            },
            Command::Run(number) => {
                let run = RunId(number);
                if !self.training_runs.contains_key(&run) && !self.runs.iter().any(|summary| summary.run == run) {
                    return Err(format!("there is no run {number}; r lists the runs"));
                }
                self.modals.push(Modal::Run(run));
                Ok(vec![Effect::Query(StoreQuery::Run(run))])
            }
            Command::Reset => {
                if self.reset_summary().is_empty() {
                    return Err("nothing to forget: this lesson was not read and nothing answered in it".into());
                }
                self.modals.clear();
                self.modals.push(Modal::Reset);
                Ok(Vec::new())
            }
        }
    }

    /// The completions of a line, in the order in which Tab offers them.
    pub(crate) fn completions(&self, line: &str) -> Vec<String> {
        let line = line.trim_start();
        let Some((word, rest)) = line.split_once(char::is_whitespace) else {
            let begun = COMMANDS.iter().filter(|(word, ..)| word.starts_with(line));
            return begun
                .map(|(word, _, argument)| match argument {
                    Argument::Lesson | Argument::Run => format!("{word} "),
                    Argument::None(_) | Argument::Reset => (*word).to_string(),
                })
                .collect();
        };
        let rest = rest.trim().to_lowercase();
        match find(word) {
            Some((word, Argument::Lesson)) => {
                let lessons = self.library.lessons.iter().filter(|lesson| {
                    let number = lesson.number.map(|number| number.to_string()).unwrap_or_default();
                    let (id, title) = (&lesson.meta.id, lesson.meta.title.to_lowercase());
                    (!rest.is_empty() && number.starts_with(&rest)) || id.starts_with(&rest) || title.contains(&rest)
                });
                lessons.map(|lesson| format!("{word} {}", lesson.meta.id)).collect()
            }
            Some((word, Argument::Run)) => {
                let numbers = self.runs.iter().map(|summary| summary.run.to_string());
                numbers.filter(|number| number.starts_with(&rest)).map(|number| format!("{word} {number}")).collect()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_and_faults_named() {
        let read = |line: &str| line.parse::<Command>();
        assert_eq!(read(" open  faster "), Ok(Command::Open("faster".into())));
        assert_eq!(read("run 12"), Ok(Command::Run(12)));
        assert_eq!(read("q"), Ok(Command::Act(Action::Quit)));
        for (line, word) in
            [("open", "which lesson"), ("run x", "`x`"), ("fly", "unknown command `fly`"), ("reset all", "`all`")]
        {
            assert!(read(line).unwrap_err().contains(word), "{line}");
        }
    }
}
