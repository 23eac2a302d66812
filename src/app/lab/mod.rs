//! The laboratory: the reader's own study as a table, the run that it started, and its chart, over the whole screen. A
//! lesson's own study and the runs that exist stay as they are: what is edited here is a draft, which the store keeps.

mod change;
pub mod compare;
pub mod keys;
pub mod layout;
pub mod overlay;
pub mod run;
pub mod sweep;
pub mod table;

use crate::chart::next_of;
use crate::inside::keys as inside_keys;
use crate::modal::Modal;
use crate::{App, Effect, Pane, StoreQuery};
use compare::{CompareField, CompareView};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use keys::LabAction;
use layout::{LabLayout, TableLayout};
use overlay::OverlayList;
use protocol::{Activation, CellKey, Preset, RunId, Study};
use ratatui::layout::Position;
use serde_json::Value;
use sweep::SweepCursor;
use table::{StudyTable, TableRow};

/// Longest text form that is edited.
const LONGEST_TEXT: usize = 2000;
/// Rows of a page of the table.
const PAGE: isize = 8;

/// A part of the laboratory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabPage {
    #[default]
    Study,
    Chart,
    /// The cells of a sweep; not there for another run.
    Sweep,
    Compare,
}

impl LabPage {
    pub const ALL: [Self; 4] = [Self::Study, Self::Chart, Self::Sweep, Self::Compare];

    pub fn title(self) -> &'static str {
        match self {
            Self::Study => "Study",
            Self::Chart => "Chart",
            Self::Sweep => "Sweep",
            Self::Compare => "Compare",
        }
    }

    /// The page behind it, or before it.
    pub(crate) fn next(self, forward: bool, has_sweep: bool) -> Self {
        let next = next_of(&Self::ALL, self, forward);
        if next == Self::Sweep && !has_sweep { next_of(&Self::ALL, next, forward) } else { next }
    }
}

/// What is being typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditOf {
    /// The value under the cursor of the table.
    Value,
    /// The study in its text form.
    Text,
    /// The value to which epochs are counted.
    Threshold,
    /// The epoch at which the run is forked.
    Fork,
    /// The settings that are swept, with their values.
    Sweep,
}

/// A line of text on its way into the study.
#[derive(Clone, Debug)]
pub struct LabEdit {
    pub what: EditOf,
    pub text: String,
    /// Bytes before the cursor.
    pub cursor: usize,
    /// What is wrong with it as it stands.
    pub fault: Option<String>,
}

impl LabEdit {
    fn new(what: EditOf, text: String) -> Self {
        Self { what, cursor: text.len(), text, fault: None }
    }

    fn insert(&mut self, c: char) {
        if !c.is_control() && self.text.len() < LONGEST_TEXT {
            self.text.insert(self.cursor, c);
            self.cursor += c.len_utf8();
        }
    }

    /// Takes a key of a line of text.
    fn edit(&mut self, code: KeyCode) {
        let before = self.text[..self.cursor].chars().next_back().map_or(0, char::len_utf8);
        match code {
            KeyCode::Char(c) => self.insert(c),
            KeyCode::Backspace if before > 0 => {
                self.cursor -= before;
                self.text.remove(self.cursor);
            }
            KeyCode::Delete => {
                self.text.clear();
                self.cursor = 0;
            }
            KeyCode::Left => self.cursor -= before,
            KeyCode::Right => self.cursor += self.text[self.cursor..].chars().next().map_or(0, char::len_utf8),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            _ => {}
        }
    }
}

/// A list of the activations, each with its curve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivationList {
    pub selected: usize,
    /// The beginning of a name, as it was typed.
    pub typed: String,
}

impl ActivationList {
    /// Columns of one activation in the list.
    pub const TILE: u16 = 19;

    /// How many stand side by side in this width.
    pub fn columns(width: u16) -> usize {
        usize::from(width / Self::TILE).max(1)
    }
}

/// The first activation whose name begins so, else the first with it inside.
fn activation_named(all: &[Activation], typed: &str) -> Option<usize> {
    let names = || all.iter().map(|activation| activation.title().to_lowercase());
    names().position(|name| name.starts_with(typed)).or_else(|| names().position(|name| name.contains(typed)))
}

/// The state of the laboratory.
#[derive(Debug, Default)]
pub struct Lab {
    /// The lesson's cell on whose study it was opened.
    pub origin: Option<CellKey>,
    pub table: StudyTable,
    /// The reader's study, while the lesson's stands in the table.
    set_aside: Option<Study>,
    pub page: LabPage,
    /// The run that it shows.
    pub run: Option<RunId>,
    /// The study of the run that is being asked for, or why it could not begin.
    pub starting: Option<Result<Study, String>>,
    pub edit: Option<LabEdit>,
    pub activations: Option<ActivationList>,
    /// The run that is being forked.
    forked: Option<RunId>,
    /// Other runs that are shown with it.
    pub overlaid: Vec<RunId>,
    pub overlay: Option<OverlayList>,
    pub compare: CompareView,
    /// The cell of a sweep that is looked at.
    pub sweep_cursor: SweepCursor,
    /// The page on which the chart was given the keys.
    pub(crate) page_before_values: Option<LabPage>,
    /// Whether the chart has all the room on its page.
    chart_alone: bool,
    /// As the store has it.
    saved: Value,
}

impl Lab {
    pub const TITLE: &'static str = " Laboratory";

    /// Whether letters go into a text or a list.
    pub(crate) fn takes_letters(&self) -> bool {
        self.edit.is_some() || self.activations.is_some() || self.overlay.is_some()
    }

    /// As the store keeps it: what is wrong in it too, to be mended later.
    fn to_value(&self) -> Value {
        serde_json::json!({
            "study": self.table.text(),
            "set_aside": self.set_aside.as_ref().map(ToString::to_string),
            "run": self.run.map(|run| run.0),
            "threshold": self.compare.threshold,
            "overlaid": self.overlaid.iter().map(|run| run.0).collect::<Vec<_>>(),
        })
    }

    /// A laboratory as the store kept it; `None` if it can't be read any more.
    fn from_value(origin: Option<CellKey>, value: &Value) -> Option<Self> {
        let draft = value["study"].as_str()?.parse().ok()?;
        let set_aside = value["set_aside"].as_str().and_then(|text| text.parse().ok());
        Some(Self {
            origin,
            table: StudyTable::of_draft(draft),
            set_aside,
            run: value["run"].as_i64().map(RunId),
            overlaid: value["overlaid"].as_array().into_iter().flatten().filter_map(Value::as_i64).map(RunId).collect(),
            compare: CompareView::with_threshold(value["threshold"].as_f64()),
            saved: value.clone(),
            ..Self::default()
        })
    }
}

/// The store's key of a laboratory.
fn stored_key(origin: Option<&CellKey>) -> String {
    origin.map_or_else(|| "lab".into(), |key| format!("lab/{}/{}", key.lesson, key.cell))
}

impl App {
    /// The keys of what help was asked for in, each with what it does.
    pub fn help(&self) -> Vec<(&'static str, &'static str)> {
        let beneath = self.modals.iter().rev().find(|modal| !matches!(modal, Modal::Help { .. }));
        if matches!(beneath, Some(Modal::Runs(_))) {
            return crate::runs::keys::shown().map(|binding| (binding.label, binding.help)).collect();
        }
        if matches!(beneath, Some(Modal::Inside)) {
            let own = inside_keys::shown().map(|binding| (binding.label, binding.help));
            let drawing = inside_keys::shown_drawing().map(|binding| (binding.label, binding.help));
            return own.chain(drawing).collect();
        }
        let charts = crate::keys::shown_of_charts().map(|binding| (binding.label, binding.help));
        if self.is_lab_open() {
            keys::shown().map(|binding| (binding.label, binding.help)).chain(charts).collect()
        } else {
            crate::keys::shown().map(|binding| (binding.label, binding.help)).chain(charts).collect()
        }
    }

    /// The line of help with which the keys of a chart begin.
    pub(crate) fn chart_help(&self) -> usize {
        self.help().len() - crate::keys::shown_of_charts().count()
    }

    /// Whether the laboratory is on the screen.
    pub fn is_lab_open(&self) -> bool {
        self.modals.iter().any(|modal| matches!(modal, Modal::Lab))
    }

    /// Opens the laboratory on a cell's study, or on the reader's own, as it was left there.
    pub(crate) fn open_lab(&mut self, origin: Option<CellKey>) -> Vec<Effect> {
        if self.lab.origin != origin || self.lab.saved.is_null() {
            let kept = self.lab_values.get(&origin).and_then(|value| Lab::from_value(origin.clone(), value));
            self.lab = kept.unwrap_or_else(|| self.new_lab(origin));
            self.fit_lab_chart();
            // What was only looked at is not kept.
            self.lab.saved = self.lab.to_value();
        }
        self.show_lab()
    }

    /// Opens the reader's own: on this study, or as it was left; with these runs beside each other.
    pub(crate) fn open_lab_with(&mut self, study: Option<&Study>, runs: &[RunId]) -> Vec<Effect> {
        let mut effects = self.open_lab(None);
        if let Some(study) = study {
            self.lab.table.set_study(study);
            self.lab.set_aside = None;
        }
        if let Some((first, others)) = runs.split_first() {
            (self.lab.run, self.lab.overlaid) = (Some(*first), others.to_vec());
            self.fit_lab_chart();
            self.lab.page = LabPage::Compare;
            effects = self.show_lab();
        }
        effects.extend(self.save_lab());
        effects
    }

    /// Opens a cell's on this study.
    pub(crate) fn open_lab_on(&mut self, origin: CellKey, study: &Study) -> Vec<Effect> {
        let mut effects = self.open_lab(Some(origin));
        self.lab.table.set_study(study);
        effects.extend(self.save_lab());
        effects
    }

    fn new_lab(&self, origin: Option<CellKey>) -> Lab {
        let study = origin.as_ref().and_then(|key| self.study_of(key)).unwrap_or_else(|| Study::of(Preset::Article));
        let run = origin.as_ref().and_then(|key| self.cell_runs.get(key)).copied();
        Lab { origin, table: StudyTable::new(&study), run, ..Lab::default() }
    }

    fn show_lab(&mut self) -> Vec<Effect> {
        self.modals.retain(|modal| !matches!(modal, Modal::Lab));
        self.modals.push(Modal::Lab);
        let shown = self.lab.run.iter().chain(&self.lab.overlaid).filter(|run| !self.training_runs.contains_key(run));
        let queries = shown.map(|run| StoreQuery::Run(*run));
        std::iter::once(StoreQuery::Runs).chain(queries).map(Effect::Query).collect()
    }

    /// What the store kept of laboratories; one that is open and was not touched takes it over.
    pub(crate) fn load_lab(&mut self, origin: Option<CellKey>, value: Value) -> Vec<Effect> {
        let known = self.lab_values.entry(origin.clone()).or_insert(value).clone();
        let is_untouched = self.lab.to_value() == self.lab.saved && self.lab.saved != known;
        if self.is_lab_open()
            && self.lab.origin == origin
            && is_untouched
            && let Some(lab) = Lab::from_value(origin, &known)
        {
            self.lab = lab;
            return self.show_lab();
        }
        Vec::new()
    }

    /// Keeps the laboratory if it has changed.
    pub(crate) fn save_lab(&mut self) -> Vec<Effect> {
        let value = self.lab.to_value();
        // What the store knows is not known yet, and nothing must take its place.
        if value == self.lab.saved || self.pending_queries.is_pending(StoreQuery::Progress) {
            return Vec::new();
        }
        self.lab.saved = value.clone();
        self.lab_values.insert(self.lab.origin.clone(), value.clone());
        vec![Effect::remember(stored_key(self.lab.origin.as_ref()), value)]
    }

    /// The study that the lesson gives, or without one the article's.
    pub fn lab_lesson_study(&self) -> Study {
        let of_lesson = self.lab.origin.as_ref().and_then(|key| self.lesson_study(key));
        of_lesson.unwrap_or_else(|| Study::of(Preset::Article))
    }

    /// Where its parts stand.
    pub fn lab_layout(&self) -> LabLayout {
        LabLayout::new(
            &self.screen,
            self.lab.page,
            self.lab.table.arms().len(),
            self.shows_sweep(),
            self.lab.chart_alone,
        )
    }

    /// Keys of the laboratory; it stays on top unless it closes.
    pub(crate) fn lab_key(&mut self, key: KeyEvent) -> Vec<Effect> {
        self.modals.push(Modal::Lab);
        if let Some(edit) = self.lab.edit.take() {
            let mut effects = self.lab_edit_key(edit, key.code);
            effects.extend(self.save_lab());
            return effects;
        }
        if let Some(list) = self.lab.activations.take() {
            self.activation_list_key(list, key.code);
            return self.save_lab();
        }
        if let Some(list) = self.lab.overlay.take() {
            let mut effects = self.overlay_key(list, key.code);
            effects.extend(self.save_lab());
            return effects;
        }
        if let KeyCode::Char(c @ ('0'..='9' | '.')) = key.code {
            return self.begin_lab_edit(Some(c));
        }
        keys::action(key).map_or_else(Vec::new, |action| self.run_lab_action(action))
    }

    /// Carries an action out, and keeps what it has changed.
    pub(crate) fn run_lab_action(&mut self, action: LabAction) -> Vec<Effect> {
        let mut effects = self.perform_lab_action(action);
        if self.lab_layout().compare.is_some() {
            effects.extend(self.request_wrong_images());
        }
        effects.extend(self.save_lab());
        effects
    }

    fn perform_lab_action(&mut self, action: LabAction) -> Vec<Effect> {
        // The arrows belong to the table unless the chart alone is seen, or has been chosen.
        let on_table = self.lab.page == LabPage::Study;
        if self.lab.page == LabPage::Compare
            && let Some(effects) = self.perform_compare_action(action)
        {
            return effects;
        }
        if self.lab.page == LabPage::Sweep
            && let Some((down, right)) = match action {
                LabAction::Up => Some((-1, 0)),
                LabAction::Down => Some((1, 0)),
                LabAction::PageUp => Some((-PAGE, 0)),
                LabAction::PageDown => Some((PAGE, 0)),
                LabAction::Left => Some((0, -1)),
                LabAction::Right => Some((0, 1)),
                _ => None,
            }
        {
            self.move_sweep_cursor(down, right);
            return Vec::new();
        }
        // What changes the table acts on nothing that is not on the screen.
        if action.changes_table() && self.lab_layout().study.is_none() {
            self.message = Some("that changes the table of the study: Tab goes there".into());
            return Vec::new();
        }
        match action {
            LabAction::Up if on_table => self.lab.table.move_row(-1),
            LabAction::Down if on_table => self.lab.table.move_row(1),
            LabAction::PageUp if on_table => self.lab.table.move_row(-PAGE),
            LabAction::PageDown if on_table => self.lab.table.move_row(PAGE),
            LabAction::Left if on_table => self.lab.table.move_column(-1),
            LabAction::Right if on_table => self.lab.table.move_column(1),
            LabAction::Up
            | LabAction::Down
            | LabAction::PageUp
            | LabAction::PageDown
            | LabAction::Left
            | LabAction::Right
            | LabAction::Values => self.read_lab_values(),
            LabAction::NextPage | LabAction::PreviousPage => {
                self.lab.page = self.lab.page.next(action == LabAction::NextPage, self.shows_sweep());
            }
            LabAction::Run => return self.run_lab(),
            LabAction::SameWeights => return self.run_lab_again(),
            LabAction::NewWeights => return self.run_lab_with_new_seeds(),
            LabAction::SteerDown | LabAction::SteerUp => return self.steer_lab(action == LabAction::SteerUp),
            LabAction::Fork => self.ask_for_fork(),
            LabAction::Sweep => self.ask_for_sweep(),
            LabAction::BestCells => self.take_best_cells(),
            LabAction::Pause => return self.pause_lab(),
            LabAction::Stop => return self.stop_lab(),
            LabAction::NextValue | LabAction::PreviousValue => self.step_lab_value(action == LabAction::NextValue),
            LabAction::Edit => return self.begin_lab_edit(None),
            LabAction::ResetValue => self.reset_lab_value(),
            LabAction::AddArm => {
                self.lab.page = LabPage::Study;
                self.lab.activations = Some(ActivationList::default());
            }
            LabAction::CopyArm => {
                self.lab.page = LabPage::Study;
                self.lab.table.copy_arm();
            }
            LabAction::RemoveArm => {
                self.lab.page = LabPage::Study;
                self.message = self.lab.table.remove_arm().err().map(Into::into);
            }
            LabAction::Undo if !self.lab.table.undo() => self.message = Some("nothing is left to undo".into()),
            LabAction::Redo if !self.lab.table.redo() => self.message = Some("nothing was undone".into()),
            LabAction::Undo | LabAction::Redo => {}
            LabAction::Text => self.lab.edit = Some(LabEdit::new(EditOf::Text, self.lab.table.text())),
            LabAction::LessonSettings => self.exchange_lesson_settings(),
            LabAction::Copy => return self.copy_lab(),
            LabAction::Marks => self.show_lab_marks(),
            LabAction::ChartAlone => self.toggle_chart_alone(),
            LabAction::Overlay => return self.open_overlay_list(),
            LabAction::Runs => return self.open_runs_list(),
            LabAction::Theme => self.switch_background(),
            LabAction::Help => self.modals.push(Modal::Help { top: 0 }),
            LabAction::Close => {
                self.modals.retain(|modal| !matches!(modal, Modal::Lab));
            }
        }
        Vec::new()
    }

    /// Begins to edit the value under the cursor: with a first character in place of it, or as it stands.
    fn begin_lab_edit(&mut self, first: Option<char>) -> Vec<Effect> {
        match self.lab.page {
            LabPage::Study => {}
            LabPage::Chart | LabPage::Sweep if first.is_none() => return self.open_inside_of(self.lab.run),
            LabPage::Chart | LabPage::Sweep => {
                self.message = Some("Tab goes to the page of the study, where values are typed".into());
                return Vec::new();
            }
            LabPage::Compare => {
                let known = self.lab_threshold().map_or(String::new(), |value| value.to_string());
                self.lab.compare.field = CompareField::Threshold;
                self.lab.edit = Some(LabEdit::new(EditOf::Threshold, first.map_or(known, String::from)));
                return Vec::new();
            }
        }
        let Some(value) = self.lab.table.chosen_value() else {
            self.message = Some("this network has no convolutions".into());
            return Vec::new();
        };
        let text = first.map_or(value.text, String::from);
        let mut edit = LabEdit::new(EditOf::Value, text);
        edit.fault = self.lab.table.fault_of(&edit.text);
        self.lab.edit = Some(edit);
        Vec::new()
    }

    fn lab_edit_key(&mut self, mut edit: LabEdit, code: KeyCode) -> Vec<Effect> {
        match (code, edit.what) {
            (KeyCode::Esc, _) => return Vec::new(),
            (KeyCode::Enter | KeyCode::Tab | KeyCode::BackTab | KeyCode::Up | KeyCode::Down, EditOf::Value) => {
                match self.lab.table.set(&edit.text) {
                    Ok(()) => {
                        self.lab.table.move_row(match code {
                            KeyCode::Up => -1,
                            KeyCode::Down => 1,
                            _ => 0,
                        });
                        if code == KeyCode::Tab || code == KeyCode::BackTab {
                            self.lab.table.move_column(if code == KeyCode::Tab { 1 } else { -1 });
                        }
                        return Vec::new();
                    }
                    Err(why) => edit.fault = Some(why),
                }
            }
            (KeyCode::Enter, EditOf::Text) => match self.lab.table.set_text(&edit.text) {
                Ok(()) => return Vec::new(),
                Err(why) => edit.fault = Some(why),
            },
            (KeyCode::Enter, EditOf::Threshold) => match self.set_lab_threshold(&edit.text) {
                Ok(()) => return Vec::new(),
                Err(why) => edit.fault = Some(why),
            },
            (KeyCode::Enter, EditOf::Fork) => match self.fork_lab(&edit.text) {
                Ok(effects) => return effects,
                Err(why) => edit.fault = Some(why),
            },
            (KeyCode::Enter, EditOf::Sweep) => match self.start_sweep(&edit.text) {
                Ok(effects) => return effects,
                Err(why) => edit.fault = Some(why),
            },
            (code, _) => {
                edit.edit(code);
                edit.fault = self.fault_of_edit(&edit);
            }
        }
        self.lab.edit = Some(edit);
        Vec::new()
    }

    /// What is wrong with a text as it stands.
    fn fault_of_edit(&self, edit: &LabEdit) -> Option<String> {
        match edit.what {
            EditOf::Value => self.lab.table.fault_of(&edit.text),
            EditOf::Text => edit.text.parse::<Study>().err().map(|why| why.to_string()),
            // It is read when it is whole.
            EditOf::Threshold => None,
            EditOf::Fork => self.fault_of_fork(&edit.text),
            EditOf::Sweep => self.read_sweep(&edit.text).err(),
        }
    }

    /// What a key does on the page that compares; `None` for what it does on every page.
    fn perform_compare_action(&mut self, action: LabAction) -> Option<Vec<Effect>> {
        match action {
            LabAction::Up => self.lab.compare.field = self.lab.compare.field.step(-1),
            LabAction::Down => self.lab.compare.field = self.lab.compare.field.step(1),
            LabAction::Left | LabAction::PreviousValue => self.step_compared_arm(false),
            LabAction::Right | LabAction::NextValue => self.step_compared_arm(true),
            LabAction::ResetValue => self.lab.compare.threshold = None,
            _ => return None,
        }
        Some(Vec::new())
    }

    fn activation_list_key(&mut self, mut list: ActivationList, code: KeyCode) {
        let all: Vec<Activation> = Activation::all().collect();
        let columns = ActivationList::columns(self.screen.whole.width.saturating_sub(2)) as isize;
        let by = match code {
            KeyCode::Esc => return,
            KeyCode::Char(c) => {
                list.typed.push(c);
                list.typed = list.typed.to_lowercase();
                // A letter that leads nowhere is not kept.
                match activation_named(&all, &list.typed) {
                    Some(at) => list.selected = at,
                    None => drop(list.typed.pop()),
                }
                0
            }
            KeyCode::Backspace => {
                list.typed.pop();
                list.selected = activation_named(&all, &list.typed).unwrap_or(list.selected);
                0
            }
            KeyCode::Enter => {
                if let Some(activation) = all.get(list.selected) {
                    self.lab.table.add_arm(*activation);
                }
                return;
            }
            KeyCode::Left | KeyCode::BackTab => -1,
            KeyCode::Right | KeyCode::Tab => 1,
            KeyCode::Up => -columns,
            KeyCode::Down => columns,
            _ => 0,
        };
        if by != 0 {
            list.typed.clear();
        }
        if let Some(selected) = list.selected.checked_add_signed(by).filter(|selected| *selected < all.len()) {
            list.selected = selected;
        }
        self.lab.activations = Some(list);
    }

    fn step_lab_value(&mut self, up: bool) {
        if self.lab.page == LabPage::Study && !self.lab.table.step(up) {
            let way = if matches!(self.lab.table.row(), TableRow::Name) {
                "i edits a name"
            } else {
                "there is no further step; a value can be typed: i edits it"
            };
            self.message = Some(way.into());
        }
    }

    fn reset_lab_value(&mut self) {
        if self.lab.page == LabPage::Study && !self.lab.table.reset_value() {
            self.message = Some("this value is the default already".into());
        }
    }

    /// Puts the lesson's settings into the table, or the reader's that were there before.
    fn exchange_lesson_settings(&mut self) {
        let lesson = self.lab_lesson_study();
        let whose = if self.lab.origin.is_some() { "the lesson's settings" } else { "the article's settings" };
        let shown = self.lab.table.study().ok().cloned();
        let is_lesson = shown.as_ref() == Some(&lesson);
        match (is_lesson, self.lab.set_aside.take()) {
            (true, Some(own)) => {
                self.lab.table.set_study(&own);
                self.message = Some(format!("your settings; L: {whose}"));
            }
            (true, None) => self.message = Some(format!("these are {whose}")),
            (false, _) => {
                self.lab.set_aside = shown;
                self.lab.table.set_study(&lesson);
                self.message = Some(format!("{whose}; L: yours again"));
            }
        }
    }

    /// Puts the cursor into the chart of the run.
    pub(crate) fn read_lab_values(&mut self) {
        if self.lab_training().is_none() {
            self.message = Some("there is no curve yet; Enter runs the study".into());
            return;
        }
        self.read_values(Some(Pane::Lab));
        if matches!(self.modals.last(), Some(Modal::Values(_))) {
            self.lab.page_before_values = Some(self.lab.page);
            self.lab.page = LabPage::Chart;
        }
    }

    /// The chart, or the sweep on its page, over the whole screen, and back beside the table.
    fn toggle_chart_alone(&mut self) {
        let before = self.lab_layout();
        self.lab.chart_alone = !self.lab.chart_alone;
        if self.lab.page != LabPage::Sweep {
            self.lab.page = LabPage::Chart;
        }
        if self.lab_layout() == before {
            self.lab.chart_alone = !self.lab.chart_alone;
            self.message = Some("this screen shows one page at a time already; Tab goes to the others".into());
        }
    }

    /// A key of the laboratory while its chart has the keys; returns whether it is one. What is about the chart is done, and
    /// of a key that does nothing in a chart a sentence says what it does elsewhere.
    pub(crate) fn lab_key_in_chart(&mut self, key: KeyEvent) -> bool {
        let Some(action) = keys::action(key) else { return false };
        match action {
            LabAction::ChartAlone => {
                self.toggle_chart_alone();
                true
            }
            LabAction::Values | LabAction::Help => false,
            _ if crate::keys::chart_action(key).is_some() => false,
            _ => {
                let name = crate::keys::key_name(key.code, KeyModifiers::NONE);
                let title = keys::title(action);
                self.message = Some(format!("the chart has the keys; Esc leaves it, then {name}: {title}"));
                true
            }
        }
    }

    /// Goes back to the page on which the chart was given the keys.
    pub(crate) fn leave_lab_values(&mut self) {
        let before = self.lab.page_before_values.take();
        if self.lab.page == LabPage::Chart {
            self.lab.page = before.unwrap_or(LabPage::Chart);
        }
    }

    fn show_lab_marks(&mut self) {
        match self.lab.run {
            Some(run) => self.show_marks(Some(run)),
            None => self.message = Some("there is no chart yet; Enter runs the study".into()),
        }
    }

    /// A paste: into the text that is being edited, or a whole study in its text form.
    pub(crate) fn paste_into_lab(&mut self, text: &str) {
        // A line break parts words as a blank does.
        let plain: String = text.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if let Some(mut edit) = self.lab.edit.take() {
            plain.chars().for_each(|c| edit.insert(c));
            edit.fault = self.fault_of_edit(&edit);
            self.lab.edit = Some(edit);
        } else if !self.lab.takes_letters() {
            let mut edit = LabEdit::new(EditOf::Text, plain);
            edit.fault = edit.text.parse::<Study>().err().map(|why| why.to_string());
            self.lab.edit = Some(edit);
        }
    }

    pub(crate) fn click_in_lab(&mut self, at: Position) -> Vec<Effect> {
        if self.lab.takes_letters() {
            return Vec::new();
        }
        let layout = self.lab_layout();
        if let Some((page, _)) = layout.tab_columns().into_iter().find(|(_, area)| area.contains(at)) {
            self.lab.page = page;
        } else if let Some(area) = layout.study.filter(|area| area.contains(at)) {
            self.lab.page = LabPage::Study;
            if let Some((row, column)) = TableLayout::new(&self.lab.table, area).cell_at(at) {
                self.lab.table.go_to(row, column);
            }
        } else if layout.chart.is_some_and(|area| area.contains(at)) {
            self.lab.page = LabPage::Chart;
        } else if let Some(area) = layout.sweep.filter(|area| area.contains(at)) {
            let place = self.sweep_table().map(|table| self.sweep_layout(&table, area));
            if let Some(cursor) = place.and_then(|layout| layout.cell_at(at)) {
                self.lab.sweep_cursor = cursor;
            }
        } else if let Some(area) = layout.compare.filter(|area| area.contains(at)) {
            self.lab.page = LabPage::Compare;
            // The fields are the first rows within the frame.
            let row = usize::from(at.y.saturating_sub(area.y + 1));
            if let Some(field) = CompareField::ALL.get(row).filter(|_| at.y > area.y) {
                self.lab.compare.field = *field;
            }
        } else if layout.text.contains(at) {
            self.lab.edit = Some(LabEdit::new(EditOf::Text, self.lab.table.text()));
        }
        Vec::new()
    }
}
