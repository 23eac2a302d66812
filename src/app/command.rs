//! The command line that `:` opens: a few words for what the keys do, and for what no key does.

use super::Action;
use std::str::FromStr;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// What a key does too.
    Act(Action),
    /// The lesson of this id, or the one whose title begins so.
    Open(String),
    /// One run's chart.
    Run(i64),
    /// Forgets progress and answers of the open lesson.
    Reset,
}

/// Each command as it is written, for the line's own help.
pub const COMMANDS: &str = "open LESSON, run NUMBER, runs, contents, headings, settings, search, reset, help, quit";

impl FromStr for Command {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (word, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let rest = rest.trim();
        let command = match word {
            "open" | "o" if rest.is_empty() => return Err("open which lesson? `open welcome`, for example".into()),
            "open" | "o" => return Ok(Self::Open(rest.into())),
            "run" => {
                let fault = |_| format!("run: `{rest}` is not a run's number; r lists the runs");
                return rest.parse().map(Self::Run).map_err(fault);
            }
            "runs" => Self::Act(Action::Runs),
            "headings" => Self::Act(Action::Outline),
            "contents" => Self::Act(Action::Contents),
            "settings" | "set" => Self::Act(Action::Settings),
            "search" => Self::Act(Action::Search),
            "reset" => Self::Reset,
            "help" | "h" => Self::Act(Action::Help),
            "quit" | "q" => Self::Act(Action::Quit),
            _ => return Err(format!("unknown command `{word}`; there are {COMMANDS}")),
        };
        if rest.is_empty() { Ok(command) } else { Err(format!("{word} takes nothing after it, not `{rest}`")) }
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
