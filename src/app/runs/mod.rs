//! The list of runs: its filter, its groups, what is selected and marked in it, and its keys.

pub(crate) mod deletion;
pub mod keys;
pub mod layout;

use crate::modal::text_input::edit_up_to;
use crate::modal::{Modal, RunLine, RunLinePurpose};
use crate::{Action, App, Effect, StoreQuery};
use crossterm::event::{KeyCode, KeyEvent};
use keys::RunsAction;
use layout::RunsLayout;
use protocol::{RunFilter, RunId, RunTag, SETTINGS, SettingsText, steered_arms};
use ratatui::layout::Position;
use std::borrow::Cow;

/// The longest filter, in bytes.
const LONGEST_FILTER: usize = 200;

/// Which runs the store has answered with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunsRead {
    #[default]
    None,
    /// The first page of the list, while all of them are read.
    Newest,
    All,
}

/// By what the list is grouped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunGrouping {
    #[default]
    None,
    /// By the activations of the arms.
    Arms,
    /// By one of [`SETTINGS`], by its index.
    Setting(usize),
}

impl RunGrouping {
    /// The setting of this key.
    fn by(key: &str) -> Option<Self> {
        SETTINGS.iter().position(|setting| setting.key == key).map(Self::Setting)
    }

    /// As it stands in front of a value; `None` for a list without groups.
    pub fn title(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Arms => Some("arms"),
            Self::Setting(at) => SETTINGS.get(at).map(|setting| setting.title),
        }
    }

    fn value(self, settings: &SettingsText) -> &str {
        match self {
            Self::None => "",
            Self::Arms => &settings.arms,
            Self::Setting(at) => settings.values.get(at).map_or("", String::as_str),
        }
    }
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunsRow {
    /// Above the runs of a group, with their number.
    Group { title: String, runs: usize },
    /// The index of a run in [`App::runs`].
    Run(usize),
    /// The index of a run in [`App::unreadable_runs`].
    Unreadable(usize),
}

/// The state of the list.
#[derive(Clone, Debug, Default)]
pub struct RunsList {
    /// The words that every listed run matches.
    pub filter: String,
    /// The filter is being typed; the text that it had before.
    pub filter_before: Option<String>,
    pub grouping: RunGrouping,
    /// In the order in which they were marked.
    pub marked: Vec<RunId>,
    selected: Option<RunId>,
    /// The row where the selected run stood when a key was pressed last. When that run is gone, this row is selected.
    row: usize,
    /// The first row on the screen then.
    top: usize,
}

impl RunsList {
    /// Whether letters go into the filter.
    pub fn is_typing(&self) -> bool {
        self.filter_before.is_some()
    }

    /// Whether this action opens something over the list. The key of the search begins the filter here.
    pub(crate) fn admits(&self, action: Action) -> bool {
        action == Action::Command && !self.is_typing()
    }

    /// Pastes into the filter while it is typed.
    pub(crate) fn paste(&mut self, text: impl Iterator<Item = char>) {
        if self.is_typing() {
            text.for_each(|c| edit_up_to(LONGEST_FILTER, &mut self.filter, KeyCode::Char(c)));
            self.row = 0;
        }
    }

    /// The first row of so many that are shown, so that the selected one is visible, with the heading above it if there is
    /// one.
    pub fn first_shown(&self, rows: &[RunsRow], selected: usize, room: usize) -> usize {
        let heading = selected > 0 && matches!(rows.get(selected - 1), Some(RunsRow::Group { .. }));
        let highest = if heading && room > 1 { selected - 1 } else { selected };
        let lowest = (selected + 1).saturating_sub(room.max(1));
        self.top.min(rows.len().saturating_sub(room)).min(highest).max(lowest)
    }
}

impl App {
    /// The lines of the list. Runs stand in their order, the newest first, and so do groups, by their newest run.
    pub fn runs_rows(&self, list: &RunsList) -> Vec<RunsRow> {
        let runs = self.filtered_runs(list);
        let mut rows = Vec::with_capacity(runs.len());
        match list.grouping {
            RunGrouping::None => rows.extend(runs.into_iter().map(RunsRow::Run)),
            grouping => {
                let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
                let mut places = std::collections::HashMap::new();
                for at in runs {
                    let value = grouping.value(&self.settings_text(at)).to_owned();
                    let place = *places.entry(value.clone()).or_insert(groups.len());
                    if place == groups.len() {
                        groups.push((value, Vec::new()));
                    }
                    groups[place].1.push(at);
                }
                for (value, runs) in groups {
                    let title = format!("{} {value}", grouping.title().unwrap_or_default());
                    rows.push(RunsRow::Group { title, runs: runs.len() });
                    rows.extend(runs.into_iter().map(RunsRow::Run));
                }
            }
        }
        if RunFilter::of(&list.filter).is_empty() {
            rows.extend((0..self.unreadable_runs.len()).map(RunsRow::Unreadable));
        }
        rows
    }

    /// The indices of the runs that match the filter.
    fn filtered_runs(&self, list: &RunsList) -> Vec<usize> {
        let filter = RunFilter::of(&list.filter);
        let all = 0..self.runs.len();
        if filter.is_empty() {
            return all.collect();
        }
        all.filter(|&at| filter.matches(&self.runs[at], &self.settings_text(at))).collect()
    }

    /// The settings of the run at an index. They are usually there already, as the open list asks for them.
    pub fn settings_text(&self, at: usize) -> Cow<'_, SettingsText> {
        let run = &self.runs[at];
        self.settings_texts.get(&run.run).map_or_else(|| Cow::Owned(SettingsText::of(&run.spec)), Cow::Borrowed)
    }

    fn run_in_row(&self, row: &RunsRow) -> Option<RunId> {
        match row {
            RunsRow::Group { .. } => None,
            RunsRow::Run(at) => self.runs.get(*at).map(|summary| summary.run),
            RunsRow::Unreadable(at) => self.unreadable_runs.get(*at).map(|(run, _)| *run),
        }
    }

    /// The index of the selected row. A heading is never selected; `None` if there is nothing else.
    pub fn selected_row(&self, list: &RunsList, rows: &[RunsRow]) -> Option<usize> {
        let is_selected = |row: &RunsRow| self.run_in_row(row).is_some_and(|run| Some(run) == list.selected);
        let is_run = |at: &usize| !matches!(rows[*at], RunsRow::Group { .. });
        let kept = rows.iter().position(is_selected);
        kept.or_else(|| (list.row.min(rows.len())..rows.len()).find(is_run))
            .or_else(|| (0..rows.len()).rev().find(is_run))
    }

    /// The marked runs that the filter lets through, in the order in which they were marked. No key acts on a mark that
    /// the list does not show.
    pub fn marked_runs(&self, list: &RunsList) -> Vec<usize> {
        let filter = RunFilter::of(&list.filter);
        let index = |run: &RunId| self.runs.iter().position(|summary| summary.run == *run);
        let is_shown = |at: &usize| filter.is_empty() || filter.matches(&self.runs[*at], &self.settings_text(*at));
        list.marked.iter().filter_map(index).filter(is_shown).collect()
    }

    /// How many marked runs the filter hides.
    pub fn hidden_marks(&self, list: &RunsList) -> usize {
        let known = |run: &&RunId| self.runs.iter().any(|summary| summary.run == **run);
        list.marked.iter().filter(known).count() - self.marked_runs(list).len()
    }

    /// Whether a key that acts on runs has one to act on.
    pub fn has_chosen_runs(&self, list: &RunsList) -> bool {
        let rows = self.runs_rows(list);
        let selected = self.selected_row(list, &rows).map(|row| &rows[row]);
        matches!(selected, Some(RunsRow::Run(_))) || !self.marked_runs(list).is_empty()
    }

    /// What the settings of these runs differ in: the title, and the value of each. Threads and what computes a run change no
    /// number's meaning.
    pub fn settings_differences(&self, runs: &[usize]) -> Vec<(&'static str, Vec<String>)> {
        let texts: Vec<_> = runs.iter().map(|at| self.settings_text(*at)).collect();
        let of = |grouping: RunGrouping| {
            let values: Vec<String> = texts.iter().map(|text| grouping.value(text).to_owned()).collect();
            let differ = values.windows(2).any(|pair| pair[0] != pair[1]);
            grouping.title().filter(|_| differ).map(|title| (title, values))
        };
        let compared = |at: &usize| !["preset", "threads", "backend"].contains(&SETTINGS[*at].key);
        let settings = (0..SETTINGS.len()).filter(compared).map(RunGrouping::Setting);
        let steered = |at: &usize| {
            let arms = steered_arms(&self.runs[*at].spec, &self.runs[*at].steerings);
            if arms.is_empty() { "nothing".into() } else { arms.join(", ") }
        };
        let steered: Vec<String> = runs.iter().map(steered).collect();
        let is_steered = runs.iter().any(|at| !self.runs[*at].steerings.is_empty());
        let steered = is_steered.then_some(("what was steered", steered));
        std::iter::once(RunGrouping::Arms).chain(settings).filter_map(of).chain(steered).collect()
    }

    /// By what the list can be grouped: of the data, the network, the arms and every other setting those in which its runs
    /// differ. The rest would be one group.
    fn groupings(&self, list: &RunsList) -> Vec<RunGrouping> {
        let runs = self.filtered_runs(list);
        let first = [RunGrouping::by("data"), RunGrouping::by("net"), Some(RunGrouping::Arms)];
        let mut groupings = vec![RunGrouping::None];
        for grouping in first.into_iter().flatten().chain((0..SETTINGS.len()).map(RunGrouping::Setting)) {
            let differ = runs.windows(2).any(|pair| {
                grouping.value(&self.settings_text(pair[0])) != grouping.value(&self.settings_text(pair[1]))
            });
            if differ && !groupings.contains(&grouping) {
                groupings.push(grouping);
            }
        }
        groupings
    }

    /// Opens the list over what is there.
    pub(crate) fn open_runs_list(&mut self) -> Vec<Effect> {
        self.modals.push(Modal::Runs(RunsList::default()));
        vec![Effect::Query(StoreQuery::Runs)]
    }

    /// Whether the store is still being asked for the runs.
    pub fn reads_runs(&self) -> bool {
        self.pending_queries.is_pending(StoreQuery::Runs)
    }

    /// Keeps at hand what the open list shows: the settings of all runs as text, and the size of the selected one.
    pub(crate) fn update_runs_list(&mut self) -> Vec<Effect> {
        let Some(Modal::Runs(list)) = self.modals.last() else { return Vec::new() };
        // Most come from the store beside the event loop, see `Event::SettingsTexts`.
        if !list.filter.is_empty() || list.is_typing() || list.grouping != RunGrouping::None {
            let missing = self.runs.iter().filter(|summary| !self.settings_texts.contains_key(&summary.run));
            let texts: Vec<_> = missing.map(|summary| (summary.run, SettingsText::of(&summary.spec))).collect();
            self.settings_texts.extend(texts);
        }
        let rows = self.runs_rows(list);
        let selected = self.selected_row(list, &rows).and_then(|row| match rows[row] {
            RunsRow::Run(at) => Some(self.runs[at].run),
            RunsRow::Group { .. } | RunsRow::Unreadable(_) => None,
        });
        let is_asked = |run: &RunId| {
            self.run_sizes.contains_key(run) || self.pending_queries.is_pending(StoreQuery::RunSize(*run))
        };
        let size = selected.filter(|run| !is_asked(run)).map(StoreQuery::RunSize);
        size.map(Effect::Query).into_iter().collect()
    }

    /// Keys of the list.
    pub(crate) fn runs_key(&mut self, mut list: RunsList, key: KeyEvent) -> Vec<Effect> {
        // Remembers what is selected now, wherever it stands by now.
        self.move_selection(&mut list, 0);
        if list.is_typing() {
            self.type_filter(&mut list, key.code);
            self.modals.push(Modal::Runs(list));
            return Vec::new();
        }
        let Some(action) = keys::action(key) else {
            self.modals.push(Modal::Runs(list));
            return Vec::new();
        };
        self.perform_runs_action(list, action)
    }

    /// Carries out an action of the list, which is no longer among the modals, and puts it back unless it is closed.
    pub(crate) fn perform_runs_action(&mut self, mut list: RunsList, action: RunsAction) -> Vec<Effect> {
        let rows = self.runs_rows(&list);
        let selected = self.selected_row(&list, &rows).and_then(|row| match rows[row] {
            RunsRow::Run(at) => Some(at),
            RunsRow::Group { .. } | RunsRow::Unreadable(_) => None,
        });
        let mut over = None;
        let mut effects = Vec::new();
        if let Some(why) = self.why_nothing_to_act_on(&list, selected, action) {
            self.message = Some(why);
            self.modals.push(Modal::Runs(list));
            return effects;
        }
        match action {
            RunsAction::Close => return effects,
            RunsAction::Up | RunsAction::Down => {
                self.move_selection(&mut list, if action == RunsAction::Up { -1 } else { 1 });
            }
            RunsAction::PageUp | RunsAction::PageDown => {
                let page = self.runs_layout().page();
                self.move_selection(&mut list, if action == RunsAction::PageUp { -page } else { page });
            }
            RunsAction::First => self.move_selection(&mut list, isize::MIN / 2),
            RunsAction::Last => self.move_selection(&mut list, isize::MAX / 2),
            RunsAction::Open => {
                if let Some(at) = selected {
                    let run = self.runs[at].run;
                    over = Some(Modal::Run(run));
                    effects.push(Effect::Query(StoreQuery::Run(run)));
                }
            }
            RunsAction::Mark => {
                if let Some(at) = selected {
                    let run = self.runs[at].run;
                    match list.marked.iter().position(|marked| *marked == run) {
                        Some(at) => {
                            list.marked.remove(at);
                        }
                        None => list.marked.push(run),
                    }
                    self.move_selection(&mut list, 1);
                }
            }
            RunsAction::MarkAll => self.mark_all(&mut list),
            RunsAction::Overlay => return self.overlay_marked(list, selected),
            RunsAction::Filter => list.filter_before = Some(list.filter.clone()),
            RunsAction::NextGrouping | RunsAction::PreviousGrouping => {
                let groupings = self.groupings(&list);
                if groupings.len() == 1 {
                    self.message = Some("the runs in the list differ in no setting, so they are one group".into());
                }
                let at = groupings.iter().position(|grouping| *grouping == list.grouping).unwrap_or(0);
                let step = if action == RunsAction::NextGrouping { 1 } else { groupings.len() - 1 };
                list.grouping = groupings[(at + step) % groupings.len()];
                self.move_selection(&mut list, 0);
            }
            RunsAction::Name | RunsAction::Notes | RunsAction::Export | RunsAction::Tags => {
                over = self.run_line(&list, selected, action).map(Modal::RunLine);
            }
            RunsAction::Lab => {
                let at = selected.map(|at| self.runs[at].run);
                self.modals.push(Modal::Runs(list));
                return at.map_or_else(Vec::new, |run| self.open_run_in_lab(run));
            }
            RunsAction::Inside => {
                let at = selected.map(|at| self.runs[at].run);
                self.modals.push(Modal::Runs(list));
                return self.open_inside_of(at);
            }
            RunsAction::Copy => {
                let runs = self.chosen_runs(&list, selected);
                effects.extend(self.copy_runs(&runs));
            }
            RunsAction::Delete => self.delete_from_list(&mut list, selected),
            RunsAction::Undelete => self.message = Some(self.undelete(&mut list)),
            RunsAction::Help => over = Some(Modal::Help { top: 0 }),
        }
        self.modals.push(Modal::Runs(list));
        self.modals.extend(over);
        effects
    }

    /// Why an action that needs a run has none: nothing is selected, or what can't be read.
    fn why_nothing_to_act_on(&self, list: &RunsList, selected: Option<usize>, action: RunsAction) -> Option<String> {
        let of_selected = match action {
            RunsAction::Open
            | RunsAction::Mark
            | RunsAction::Name
            | RunsAction::Notes
            | RunsAction::Export
            | RunsAction::Inside
            | RunsAction::Lab => true,
            RunsAction::Overlay | RunsAction::Tags | RunsAction::Copy | RunsAction::Delete => {
                self.marked_runs(list).is_empty()
            }
            RunsAction::MarkAll => {
                return self.filtered_runs(list).is_empty().then(|| no_run_selected(list, self.runs.is_empty()));
            }
            _ => false,
        };
        if !of_selected || selected.is_some() {
            return None;
        }
        if list.selected.is_some_and(|run| self.unreadable_runs.iter().any(|(other, _)| *other == run)) {
            let run = list.selected.map(|run| run.to_string()).unwrap_or_default();
            return Some(format!("run {run} can't be read; `relu runs delete {run}` removes it"));
        }
        Some(no_run_selected(list, self.runs.is_empty()))
    }

    /// Opens the laboratory on the study of a run, with its curves; what is open stays beneath it.
    pub(crate) fn open_run_in_lab(&mut self, run: RunId) -> Vec<Effect> {
        let listed = self.runs.iter().find(|summary| summary.run == run).map(|summary| summary.spec.clone());
        let study = listed.or_else(|| self.training_runs.get(&run).map(|training| training.spec.clone()));
        let Some(study) = study else {
            self.message = Some(format!("the settings of run {run} have not been read yet"));
            return Vec::new();
        };
        let effects = self.open_lab_with(Some(&study), &[run]);
        self.lab.page = crate::LabPage::Study;
        effects
    }

    /// The rectangles of the list.
    pub fn runs_layout(&self) -> RunsLayout {
        RunsLayout::new(&self.screen)
    }

    /// Moves the selection by so many runs.
    fn move_selection(&self, list: &mut RunsList, by: isize) {
        let rows = self.runs_rows(list);
        let runs: Vec<usize> = (0..rows.len()).filter(|at| !matches!(rows[*at], RunsRow::Group { .. })).collect();
        let selected = self.selected_row(list, &rows);
        let Some(at) = runs.iter().position(|row| Some(*row) == selected) else { return };
        let row = runs[at.saturating_add_signed(by).min(runs.len() - 1)];
        (list.row, list.selected) = (row, self.run_in_row(&rows[row]));
        list.top = list.first_shown(&rows, row, usize::from(self.runs_layout().list.height));
    }

    /// Types into the filter. The arrows choose a run meanwhile.
    fn type_filter(&self, list: &mut RunsList, code: KeyCode) {
        let page = self.runs_layout().page();
        match code {
            KeyCode::Enter => list.filter_before = None,
            KeyCode::Esc => list.filter = list.filter_before.take().unwrap_or_default(),
            KeyCode::Backspace if list.filter.is_empty() => list.filter_before = None,
            KeyCode::Up => self.move_selection(list, -1),
            KeyCode::Down => self.move_selection(list, 1),
            KeyCode::PageUp => self.move_selection(list, -page),
            KeyCode::PageDown => self.move_selection(list, page),
            KeyCode::Home => self.move_selection(list, isize::MIN / 2),
            KeyCode::End => self.move_selection(list, isize::MAX / 2),
            code => {
                edit_up_to(LONGEST_FILTER, &mut list.filter, code);
                // The first that matches, unless the selected one does.
                list.row = 0;
            }
        }
        self.move_selection(list, 0);
    }

    /// Marks every listed run, or takes their marks away if all have one.
    fn mark_all(&self, list: &mut RunsList) {
        let listed: Vec<RunId> = self.filtered_runs(list).into_iter().map(|at| self.runs[at].run).collect();
        if listed.iter().all(|run| list.marked.contains(run)) {
            list.marked.retain(|run| !listed.contains(run));
        } else {
            let new: Vec<RunId> = listed.into_iter().filter(|run| !list.marked.contains(run)).collect();
            list.marked.extend(new);
        }
    }

    /// The marked runs, or the selected one if none is marked.
    fn chosen_runs(&self, list: &RunsList, selected: Option<usize>) -> Vec<usize> {
        let marked = self.marked_runs(list);
        if marked.is_empty() { selected.into_iter().collect() } else { marked }
    }

    /// Opens the marked runs in the laboratory; the list stays beneath it.
    fn overlay_marked(&mut self, list: RunsList, selected: Option<usize>) -> Vec<Effect> {
        let runs: Vec<RunId> = self.chosen_runs(&list, selected).into_iter().map(|at| self.runs[at].run).collect();
        self.modals.push(Modal::Runs(list));
        if runs.len() > crate::lab::overlay::MOST_SHOWN {
            self.message = Some(format!(
                "{} runs are marked, and {} fit into the laboratory; Space takes a mark away",
                runs.len(),
                crate::lab::overlay::MOST_SHOWN
            ));
            return Vec::new();
        }
        if runs.is_empty() {
            return Vec::new();
        }
        let effects = self.open_lab_with(None, &runs);
        self.lab.page = crate::LabPage::Chart;
        effects
    }

    /// The line that is typed about the chosen runs.
    fn run_line(&self, list: &RunsList, selected: Option<usize>, action: RunsAction) -> Option<RunLine> {
        let line = |runs: &[usize], purpose, text| {
            let runs = runs.iter().map(|at| self.runs[*at].run).collect();
            RunLine { runs, purpose, text, error: None }
        };
        if action == RunsAction::Tags {
            let runs = self.chosen_runs(list, selected);
            let (first, others) = runs.split_first()?;
            let of_all = |tag: &&RunTag| others.iter().all(|at| self.runs[*at].tags.contains(tag));
            let tags: Vec<RunTag> = self.runs[*first].tags.iter().filter(of_all).cloned().collect();
            let text = tags.iter().map(RunTag::as_str).collect::<Vec<_>>().join(" ");
            return Some(line(&runs, RunLinePurpose::Tags(tags), text));
        }
        let at = selected?;
        let summary = &self.runs[at];
        let (purpose, text) = match action {
            RunsAction::Name => (RunLinePurpose::Name, summary.name.clone().unwrap_or_default()),
            RunsAction::Notes => (RunLinePurpose::Notes, summary.notes.clone().unwrap_or_default()),
            _ => (RunLinePurpose::Export, format!("run-{}.csv", summary.run)),
        };
        Some(line(&[at], purpose, text))
    }

    /// Takes the chosen runs out of the list; `u` brings them back until the notebook quits.
    fn delete_from_list(&mut self, list: &mut RunsList, selected: Option<usize>) {
        let chosen = self.chosen_runs(list, selected);
        if let Some(active) = chosen.iter().find(|at| self.runs[**at].state.is_active()) {
            let run = self.runs[*active].run;
            self.message = Some(format!("run {run} is not at rest; Enter opens it, s stops it there"));
            return;
        }
        let runs: Vec<RunId> = chosen.into_iter().map(|at| self.runs[at].run).collect();
        let message = match runs.as_slice() {
            [] => return,
            [run] => format!("run {run} is deleted; u brings it back, until you quit"),
            runs => format!("{} are deleted; u brings them back, until you quit", name_runs(runs)),
        };
        list.marked.retain(|run| !runs.contains(run));
        // The row stays, so that the next run is selected.
        self.delete_runs(&runs);
        self.move_selection(list, 0);
        self.message = Some(message);
    }

    /// Brings back what was deleted last, and selects it. Returns what the reader is told.
    fn undelete(&mut self, list: &mut RunsList) -> String {
        let runs = self.restore_deleted();
        let gone = std::mem::take(&mut self.deletions.gone);
        let gone = match gone.as_slice() {
            [] => None,
            [run] => Some(format!("run {run} is gone for good: `relu runs delete` freed it")),
            runs => Some(format!("{} are gone for good: `relu runs delete` freed them", name_runs(runs))),
        };
        let Some(first) = runs.first() else {
            return gone.unwrap_or_else(|| "nothing has been deleted here".into());
        };
        list.selected = Some(*first);
        self.move_selection(list, 0);
        let back = match runs.as_slice() {
            [run] => format!("run {run} is back"),
            runs => format!("{} are back", name_runs(runs)),
        };
        [Some(back), gone].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// A click opens a run.
    pub(crate) fn click_in_runs(&mut self, at: Position) -> Vec<Effect> {
        let Some(Modal::Runs(mut list)) = self.modals.pop() else { return Vec::new() };
        let area = self.runs_layout().list;
        let rows = self.runs_rows(&list);
        let hit = self.selected_row(&list, &rows).filter(|_| area.contains(at)).and_then(|selected| {
            let first = list.first_shown(&rows, selected, usize::from(area.height));
            let row = first + usize::from(at.y - area.y);
            rows.get(row).and_then(|hit| self.run_in_row(hit))
        });
        let Some(run) = hit else {
            self.modals.push(Modal::Runs(list));
            return Vec::new();
        };
        (list.selected, list.filter_before) = (Some(run), None);
        self.move_selection(&mut list, 0);
        self.runs_key(list, KeyCode::Enter.into())
    }
}

/// The most runs that a sentence names one by one.
const MOST_NAMED: usize = 12;

/// `run 3`, `runs 3, 5 and 9`.
pub fn name_runs(runs: &[RunId]) -> String {
    let numbers: Vec<String> = runs.iter().take(MOST_NAMED).map(RunId::to_string).collect();
    match (numbers.as_slice(), runs.len().saturating_sub(MOST_NAMED)) {
        ([], _) => "no run".into(),
        ([run], 0) => format!("run {run}"),
        ([others @ .., last], 0) => format!("runs {} and {last}", others.join(", ")),
        (numbers, more) => format!("runs {} and {more} more", numbers.join(", ")),
    }
}

fn no_run_selected(list: &RunsList, is_empty: bool) -> String {
    if is_empty {
        "there is no run in the list yet".into()
    } else if list.filter.is_empty() {
        "no run is selected; ↑ ↓ choose one".into()
    } else {
        "no run matches the filter; / and Backspace change it".into()
    }
}
