//! What the command line finds beside typed commands: every action of the tables of keys, every lesson, run and setting, by fuzzy
//! search, each with the key that does the same.

use super::{CommandLine, Modal};
use crate::inside::keys::{INSIDE_BINDINGS, InsideAction};
use crate::key_table::KeyBinding;
use crate::keys::{Action, BINDINGS, Binding, CHART_BINDINGS, ChartAction, key_name};
use crate::lab::keys::{LAB_BINDINGS, LabAction};
use crate::lab::table::TableRow;
use crate::lesson::navigate::OpenAt;
use crate::runs::keys::{RUNS_BINDINGS, RunsAction};
use crate::{App, Effect, LabPage, Pane, RunsList, StoreQuery};
use crossterm::event::KeyModifiers;
use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;
use protocol::{RunId, SETTINGS, Setting, format_tags};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// What an entry does.
#[derive(Clone, Copy, Debug)]
pub enum PaletteTarget {
    /// A key of the lesson.
    Action(Action),
    /// A key of a chart that takes the keys.
    Chart(ChartAction),
    /// A key of the laboratory.
    Lab(LabAction),
    /// A key inside a run's networks.
    Inside(InsideAction),
    /// A key of the list of runs.
    Runs(RunsAction),
    /// Opens the lesson with this index.
    Lesson(usize),
    /// Opens a run's chart.
    Run(RunId),
    /// Goes to the row of a setting in the laboratory.
    Setting(&'static Setting),
}

/// What can be chosen.
#[derive(Clone, Debug)]
pub struct PaletteEntry {
    pub target: PaletteTarget,
    /// What is searched and shown.
    pub text: String,
    /// The keys that do the same; empty if there is none.
    pub keys: String,
}

/// An entry that a query matches.
#[derive(Clone, Debug)]
pub struct PaletteMatch {
    pub entry: PaletteEntry,
    /// The characters of its text that the query has matched, by their number.
    pub matched: BTreeSet<usize>,
}

/// What has the keys beneath the command line, by which the keys of an entry are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Context {
    Lesson,
    Chart,
    Lab,
    Inside,
    Runs,
}

/// A word of a query matches if its characters stand so close together that each scores at least this: the matcher gives 16 for a
/// character, more at the beginning of a word and behind another match, and less for gaps.
const LEAST_SCORE: i64 = 16;

/// What each character of a word adds that stands in the text as a whole: it comes before letters that are strewn over words.
const OF_WHOLE_WORD: i64 = 8;

/// How much an entry is worth whose key works where the command line was opened.
const OF_CONTEXT: i64 = 4;

impl App {
    /// Opens the command line; the list of runs is read anew for it.
    pub(crate) fn open_command_line(&mut self) -> Vec<Effect> {
        let mut line = CommandLine::default();
        self.search_palette(&mut line);
        self.modals.push(Modal::Command(line));
        vec![Effect::Query(StoreQuery::Runs)]
    }

    /// Searches again after the list of runs has changed. What was chosen stays chosen.
    pub(crate) fn refresh_palette(&mut self) {
        let Some(Modal::Command(mut line)) = self.modals.pop_if(|modal| matches!(modal, Modal::Command(_))) else {
            return;
        };
        let chosen = line.chosen().map(|chosen| chosen.entry.text.clone());
        self.search_palette(&mut line);
        if let Some(chosen) = chosen {
            line.selected = line.matches.iter().position(|found| found.entry.text == chosen);
        }
        self.modals.push(Modal::Command(line));
    }

    /// Puts the entries that match into the line, best first. A line that is no command by itself chooses the best.
    pub(crate) fn search_palette(&self, line: &mut CommandLine) {
        line.matches = matches(self.palette_entries(), &line.text);
        line.selected = line.best_choice();
    }

    fn palette_context(&self) -> Context {
        let below = self.modals.iter().rev().find(|modal| !matches!(modal, Modal::Command(_)));
        match below {
            Some(Modal::Lab) => Context::Lab,
            Some(Modal::Inside) => Context::Inside,
            Some(Modal::Runs(_)) => Context::Runs,
            Some(Modal::Values(_) | Modal::Run(_)) => Context::Chart,
            _ => Context::Lesson,
        }
    }

    /// Everything that can be found, what works without another key first.
    fn palette_entries(&self) -> Vec<(PaletteEntry, i64)> {
        let context = self.palette_context();
        let bonus = |of: Context| if of == context { OF_CONTEXT } else { 0 };
        let with_bonus = |of: Context| move |entry: PaletteEntry| (entry, bonus(of));
        let actions = BINDINGS.iter().filter_map(action_entry).map(with_bonus(Context::Lesson));
        // A chart is given the keys first, and the laboratory opened.
        let to_chart = if context == Context::Chart { "" } else { "v " };
        let charts = CHART_BINDINGS.iter().filter_map(|binding| chart_entry(binding, to_chart));
        let to_lab = if self.is_lab_open() { "" } else { "E " };
        let lab = LAB_BINDINGS.iter().filter_map(|binding| lab_entry(binding, to_lab));
        let to_inside = if self.is_inside_open() { "" } else { "i " };
        let inside = INSIDE_BINDINGS.iter().filter_map(|binding| inside_entry(binding, to_inside));
        let to_list = if context == Context::Runs { "" } else { "r " };
        let list = RUNS_BINDINGS.iter().filter_map(|binding| runs_entry(binding, to_list));
        let mut entries: Vec<(PaletteEntry, i64)> = actions
            .chain(charts.map(with_bonus(Context::Chart)))
            .chain(lab.map(with_bonus(Context::Lab)))
            .chain(inside.map(with_bonus(Context::Inside)))
            .chain(list.map(with_bonus(Context::Runs)))
            .chain(self.lesson_entries().map(|entry| (entry, 0)))
            .chain(SETTINGS.iter().map(|setting| (setting_entry(setting, to_lab.trim()), bonus(Context::Lab))))
            .chain(self.run_entries().map(|entry| (entry, 0)))
            .collect();
        entries.sort_by_key(|(_, bonus)| Reverse(*bonus));
        entries
    }

    fn lesson_entries(&self) -> impl Iterator<Item = PaletteEntry> {
        self.library.lessons.iter().enumerate().map(|(at, lesson)| {
            let number = lesson.number.map_or(String::new(), |number| format!(" {number}"));
            let text = format!("lesson{number}: {}", lesson.meta.title);
            PaletteEntry { target: PaletteTarget::Lesson(at), text, keys: "c".into() }
        })
    }

    fn run_entries(&self) -> impl Iterator<Item = PaletteEntry> {
        self.runs.iter().map(|summary| {
            let name = summary.name.as_ref().map_or(String::new(), |name| format!(" {name}"));
            let tags =
                if summary.tags.is_empty() { String::new() } else { format!(", {}", format_tags(&summary.tags)) };
            let text = format!("run {}{name}: {}{tags}, {}", summary.run, summary.state.name(), summary.spec);
            PaletteEntry { target: PaletteTarget::Run(summary.run), text, keys: "r".into() }
        })
    }

    /// Does what an entry is for.
    pub(crate) fn perform_entry(&mut self, target: PaletteTarget) -> Vec<Effect> {
        match target {
            PaletteTarget::Action(action) => {
                self.modals.clear();
                self.perform_action(action)
            }
            PaletteTarget::Chart(action) => self.perform_chart_entry(action),
            PaletteTarget::Lab(action) => {
                let mut effects = self.bring_lab_to_top();
                effects.extend(self.run_lab_action(action));
                effects
            }
            PaletteTarget::Inside(action) => {
                let mut effects = self.bring_inside_to_top();
                if self.is_inside_open() {
                    effects.extend(self.perform_inside(action));
                }
                effects
            }
            PaletteTarget::Runs(action) => {
                let (list, mut effects) = match self.modals.pop() {
                    Some(Modal::Runs(list)) => (list, Vec::new()),
                    below => {
                        self.modals.extend(below);
                        (RunsList::default(), vec![Effect::Query(StoreQuery::Runs)])
                    }
                };
                effects.extend(self.perform_runs_action(list, action));
                effects
            }
            PaletteTarget::Lesson(lesson) => self.open_lesson(lesson, OpenAt::SavedPosition),
            PaletteTarget::Run(run) => {
                self.modals.push(Modal::Run(run));
                vec![Effect::Query(StoreQuery::Run(run))]
            }
            PaletteTarget::Setting(setting) => {
                let effects = self.bring_lab_to_top();
                let is_row = |row: &TableRow| matches!(row, TableRow::Setting(of) if of.key == setting.key);
                if let Some(row) = TableRow::all().iter().position(is_row) {
                    let column = self.lab.table.column();
                    self.lab.page = LabPage::Study;
                    self.lab.table.go_to(row, column);
                }
                effects
            }
        }
    }

    /// Gives the keys to the chart that is on the screen, and does what its key does.
    fn perform_chart_entry(&mut self, action: ChartAction) -> Vec<Effect> {
        let pane = match self.modals.last() {
            Some(Modal::Values(pane)) => Some(pane.clone()),
            Some(Modal::Run(run)) => Some(Pane::Run(*run)),
            Some(Modal::Lab) => Some(Pane::Lab),
            _ => None,
        };
        let has_keys = matches!(self.modals.last(), Some(Modal::Values(_)));
        match pane {
            _ if has_keys => {}
            Some(Pane::Lab) => self.read_lab_values(),
            Some(pane) => self.read_values(Some(pane)),
            None => {
                self.modals.clear();
                self.read_values(None);
            }
        }
        match self.modals.pop_if(|modal| matches!(modal, Modal::Values(_))) {
            Some(Modal::Values(pane)) => self.perform_in_chart(&pane, action),
            // The message says why there is no chart.
            _ => Vec::new(),
        }
    }

    /// Shows the inside of networks: that which is open beneath, else that of the run in view. A message says if there is none.
    fn bring_inside_to_top(&mut self) -> Vec<Effect> {
        if let Some(at) = self.modals.iter().position(|modal| matches!(modal, Modal::Inside)) {
            self.modals.truncate(at + 1);
            return Vec::new();
        }
        self.modals.clear();
        self.perform_action(Action::Inside)
    }

    /// Shows the laboratory, which is opened if it is not.
    fn bring_lab_to_top(&mut self) -> Vec<Effect> {
        if let Some(at) = self.modals.iter().position(|modal| matches!(modal, Modal::Lab)) {
            self.modals.truncate(at + 1);
            return Vec::new();
        }
        self.modals.clear();
        self.open_lab(None)
    }
}

fn action_entry(binding: &Binding) -> Option<PaletteEntry> {
    let action = binding.action?;
    // The command line is open, and what a digit chooses depends on the cell in view.
    if binding.title.is_empty() || matches!(action, Action::Command | Action::Choose(_)) {
        return None;
    }
    Some(PaletteEntry { target: PaletteTarget::Action(action), text: binding.title.into(), keys: key_names(binding) })
}

fn chart_entry(binding: &Binding, before: &str) -> Option<PaletteEntry> {
    let Some(Action::Chart(action)) = binding.action else { return None };
    let text = format!("chart: {}", binding.title);
    let keys = format!("{before}{}", key_names(binding));
    (!binding.title.is_empty()).then_some(PaletteEntry { target: PaletteTarget::Chart(action), text, keys })
}

fn lab_entry(binding: &KeyBinding<LabAction>, before: &str) -> Option<PaletteEntry> {
    let action = binding.action?;
    let keys = binding.keys.first().map_or(String::new(), |key| key_name(*key, KeyModifiers::NONE));
    let text = format!("laboratory: {}", binding.title);
    let keys = format!("{before}{keys}");
    (!binding.title.is_empty()).then_some(PaletteEntry { target: PaletteTarget::Lab(action), text, keys })
}

fn inside_entry(binding: &KeyBinding<InsideAction>, before: &str) -> Option<PaletteEntry> {
    let action = binding.action?;
    let keys = binding.keys.first().map_or(String::new(), |key| key_name(*key, KeyModifiers::NONE));
    let text = format!("inside: {}", binding.title);
    let keys = format!("{before}{keys}");
    (!binding.title.is_empty()).then_some(PaletteEntry { target: PaletteTarget::Inside(action), text, keys })
}

fn runs_entry(binding: &KeyBinding<RunsAction>, before: &str) -> Option<PaletteEntry> {
    let action = binding.action?;
    let keys = binding.keys.first().map_or(String::new(), |key| key_name(*key, KeyModifiers::NONE));
    let text = format!("runs: {}", binding.title);
    let keys = format!("{before}{keys}");
    (!binding.title.is_empty()).then_some(PaletteEntry { target: PaletteTarget::Runs(action), text, keys })
}

fn setting_entry(setting: &'static Setting, keys: &str) -> PaletteEntry {
    let text = format!("setting {}: {}", setting.key, setting.title);
    PaletteEntry { target: PaletteTarget::Setting(setting), text, keys: keys.into() }
}

fn key_names(binding: &Binding) -> String {
    binding.keys.first().map_or(String::new(), |(code, modifiers)| key_name(*code, *modifiers))
}

/// The entries that a query matches, best first; all of them, in their order, for an empty query. Each word has to match, in any
/// order. Of entries that match equally well the shortest comes first.
fn matches(entries: Vec<(PaletteEntry, i64)>, query: &str) -> Vec<PaletteMatch> {
    let matcher = SkimMatcherV2::default().ignore_case();
    let words: Vec<&str> = query.split_whitespace().collect();
    let found = entries.into_iter().filter_map(|(entry, bonus)| {
        let (mut score, mut matched) = (bonus, BTreeSet::new());
        for word in &words {
            let (of_word, indices) = matcher.fuzzy_indices(&entry.text, word)?;
            if of_word < LEAST_SCORE * word.chars().count() as i64 {
                return None;
            }
            let is_whole = entry.text.to_lowercase().contains(&word.to_lowercase());
            score += of_word + if is_whole { OF_WHOLE_WORD * word.chars().count() as i64 } else { 0 };
            matched.extend(indices);
        }
        Some((score, PaletteMatch { entry, matched }))
    });
    let mut found: Vec<(i64, PaletteMatch)> = found.collect();
    if !words.is_empty() {
        found.sort_by_key(|(score, found)| (Reverse(*score), found.entry.text.chars().count()));
    }
    found.into_iter().map(|(_, found)| found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[&str], query: &str) -> Vec<String> {
        let entry = |text: &&str| {
            (PaletteEntry { target: PaletteTarget::Action(Action::Help), text: (*text).into(), keys: String::new() }, 0)
        };
        matches(texts.iter().map(entry).collect(), query).into_iter().map(|found| found.entry.text).collect()
    }

    #[test]
    fn words_match_in_any_order_and_letters_may_be_left_out() {
        let texts =
            ["next lesson", "previous lesson", "chart: next metric of a training run", "setting lr: learning rate"];
        assert_eq!(found(&texts, "lesson next"), ["next lesson"]);
        assert_eq!(found(&texts, "lrate"), ["setting lr: learning rate"]);
        assert_eq!(found(&texts, "nxt mtrc"), ["chart: next metric of a training run"]);
        assert_eq!(found(&texts, ""), texts);
        let texts = ["stop the race or the experiment in view", "setting lr: learning rate"];
        assert_eq!(found(&texts, "rate"), ["setting lr: learning rate", "stop the race or the experiment in view"]);
    }

    /// Any three letters stand somewhere in a long sentence, one after the other.
    #[test]
    fn letters_that_are_strewn_over_a_sentence_are_no_match() {
        let texts = ["stop the race or the experiment in view", "an experiment: quick or full; a race: the laboratory"];
        assert_eq!(found(&texts, "fly"), Vec::<String>::new());
        assert_eq!(found(&texts, "spv"), Vec::<String>::new());
    }
}
