//! The study as a table: arms are columns, behind a first one of what all arms share; settings are rows. What is edited is
//! a [`Draft`], so an arm says only what is its own.

use protocol::{Activation, Activations, Draft, DraftArm, Network, Preset, SETTINGS, Setting, SettingValue, Study};
use std::sync::LazyLock;

/// Edits that can be undone, at most.
const MOST_UNDONE: usize = 200;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub enum TableRow {
    /// The arm's name.
    Name,
    /// The activation of the convolutions.
    Conv,
    /// The activation of the hidden fully connected layers.
    Fc,
    Setting(&'static Setting),
}

/// Under which heading a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowGroup {
    Arms,
    Training,
    Network,
    Run,
}

impl RowGroup {
    pub fn title(self) -> &'static str {
        match self {
            Self::Arms => "arms",
            Self::Training => "training",
            Self::Network => "network",
            Self::Run => "run",
        }
    }
}

impl TableRow {
    /// Every row, those of a group together.
    pub fn all() -> &'static [Self] {
        static ROWS: LazyLock<Vec<TableRow>> = LazyLock::new(|| {
            let mut rows = vec![TableRow::Name, TableRow::Conv, TableRow::Fc];
            rows.extend(SETTINGS.iter().map(TableRow::Setting));
            rows.sort_by_key(|row| row.group());
            rows
        });
        &ROWS
    }

    pub fn group(self) -> RowGroup {
        match self {
            Self::Name | Self::Conv | Self::Fc => RowGroup::Arms,
            Self::Setting(setting) if matches!(setting.key, "net" | "widths" | "init" | "inputs") => RowGroup::Network,
            Self::Setting(setting) if setting.is_of_arms() => RowGroup::Training,
            Self::Setting(_) => RowGroup::Run,
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Conv => "convolutions",
            Self::Fc => "hidden layers",
            Self::Setting(setting) => setting.title,
        }
    }

    fn has_shared(self) -> bool {
        matches!(self, Self::Setting(_))
    }

    fn has_arms(self) -> bool {
        match self {
            Self::Name | Self::Conv | Self::Fc => true,
            Self::Setting(setting) => setting.is_of_arms(),
        }
    }

    fn is(self, key: &str) -> bool {
        matches!(self, Self::Setting(setting) if setting.key == key)
    }
}

/// Whose a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueOrigin {
    /// The preset's, the network's, or a name that follows from the activations.
    Default,
    /// Of all arms, in the column of an arm.
    Inherited,
    /// Said here.
    Own,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableValue {
    pub text: String,
    pub origin: ValueOrigin,
}

/// The draft, where the cursor stands, and what can be undone.
#[derive(Clone, Debug)]
pub struct StudyTable {
    draft: Draft,
    /// What a study with this preset and network says of everything else.
    base: Study,
    /// The study that the draft says, or what is wrong with it.
    study: Result<Study, String>,
    row: usize,
    /// 0 is what all arms share. A row without this column takes the nearest that it has.
    column: usize,
    undo: Vec<Draft>,
    redo: Vec<Draft>,
}

impl Default for StudyTable {
    fn default() -> Self {
        Self::new(&Study::of(Preset::default()))
    }
}

impl StudyTable {
    pub fn new(study: &Study) -> Self {
        let draft = Draft::of(study);
        let base = base_of(&draft).unwrap_or_else(|| Study::of(study.preset));
        let row = TableRow::all().iter().position(|row| row.is("lr")).unwrap_or(0);
        Self { draft, base, study: Ok(study.clone()), row, column: 0, undo: Vec::new(), redo: Vec::new() }
    }

    /// The table of what a text says, sound or not.
    pub fn of_draft(draft: Draft) -> Self {
        let mut table = Self::default();
        if draft.arms.is_empty() {
            if let Ok(study) = draft.study() {
                table.draft = Draft::of(&study);
            }
        } else {
            table.draft = draft;
        }
        table.read();
        table
    }

    /// The study, or what is wrong with it: a whole sentence.
    pub fn study(&self) -> Result<&Study, &str> {
        self.study.as_ref().map_err(String::as_str)
    }

    /// The text form of what stands in the table, sound or not.
    pub fn text(&self) -> String {
        self.draft.to_string()
    }

    /// The arms as the table has them.
    pub fn arms(&self) -> &[DraftArm] {
        &self.draft.arms
    }

    /// What an arm is called at the head of its column.
    pub fn arm_title(&self, at: usize) -> String {
        let of_study = self.study.as_ref().ok().and_then(|study| Some(study.arm_title(study.arms.get(at)?.id)));
        let named = || match self.draft.arms.get(at) {
            Some(DraftArm { name: Some(name), .. }) => name.to_string(),
            Some(arm) => arm.activations.title(),
            None => String::new(),
        };
        of_study.unwrap_or_else(named)
    }

    pub fn row(&self) -> TableRow {
        TableRow::all()[self.row.min(TableRow::all().len() - 1)]
    }

    pub fn row_number(&self) -> usize {
        self.row
    }

    /// The column of the cursor in its row.
    pub fn column(&self) -> usize {
        let row = self.row();
        let first = usize::from(!row.has_shared());
        let last = if row.has_arms() { self.draft.arms.len() } else { 0 };
        self.column.clamp(first.min(last), last)
    }

    /// The arm in whose column the cursor stands.
    pub fn chosen_arm(&self) -> Option<usize> {
        // In a row without a cell of all arms the cursor is shown in the first arm's.
        let column = if self.row().has_arms() { self.column() } else { self.column };
        column.min(self.draft.arms.len()).checked_sub(1)
    }

    pub fn move_row(&mut self, by: isize) {
        self.row = self.row.saturating_add_signed(by).min(TableRow::all().len() - 1);
    }

    pub fn move_column(&mut self, by: isize) {
        let row = self.row();
        if row.has_arms() {
            let first = usize::from(!row.has_shared());
            self.column = self.column().saturating_add_signed(by).clamp(first, self.draft.arms.len());
        }
    }

    /// Puts the cursor there; a column that the row does not have takes the nearest.
    pub fn go_to(&mut self, row: usize, column: usize) {
        self.row = row.min(TableRow::all().len() - 1);
        self.column = column.min(self.draft.arms.len());
    }

    /// The setting as all arms have it where no arm says its own.
    fn shared_text(&self, setting: &'static Setting) -> String {
        self.draft
            .shared(setting.key)
            .map_or_else(|| setting.print(&self.base, self.base.first_settings()), ToOwned::to_owned)
    }

    /// What stands in a cell; `None` where the table has none.
    pub fn value(&self, row: TableRow, column: usize) -> Option<TableValue> {
        let value = |text: String, origin| Some(TableValue { text, origin });
        let Some(at) = column.checked_sub(1) else {
            let TableRow::Setting(setting) = row else { return None };
            let is_own = self.draft.shared(setting.key).is_some();
            return value(self.shared_text(setting), if is_own { ValueOrigin::Own } else { ValueOrigin::Default });
        };
        let arm = self.draft.arms.get(at)?;
        match row {
            TableRow::Name => {
                let id = || Some(self.study.as_ref().ok()?.arms.get(at)?.id.to_string());
                match arm.name {
                    Some(name) => value(name.to_string(), ValueOrigin::Own),
                    None => value(id().unwrap_or_else(|| arm.activations.slug()), ValueOrigin::Default),
                }
            }
            TableRow::Conv if self.base.network == Network::Mlp => None,
            TableRow::Conv => value(arm.activations.conv.to_string(), ValueOrigin::Own),
            TableRow::Fc => value(arm.activations.fc.to_string(), ValueOrigin::Own),
            TableRow::Setting(setting) if !setting.is_of_arms() => None,
            TableRow::Setting(setting) => match own_text(arm, setting) {
                Some(text) => value(text.to_owned(), ValueOrigin::Own),
                None => value(self.shared_text(setting), ValueOrigin::Inherited),
            },
        }
    }

    /// What stands in the cell of the cursor.
    pub fn chosen_value(&self) -> Option<TableValue> {
        self.value(self.row(), self.column())
    }

    /// Whether the arms have different values of this row.
    pub fn differs(&self, row: TableRow) -> bool {
        let mut texts = (1..=self.draft.arms.len()).filter_map(|column| self.value(row, column));
        let first = texts.next();
        !matches!(row, TableRow::Name)
            && texts.any(|other| first.as_ref().is_some_and(|first| first.text != other.text))
    }

    /// What is wrong with a text in the cell of the cursor, if anything is: by itself, or beside all others.
    pub fn fault_of(&self, text: &str) -> Option<String> {
        match self.with_value(text) {
            Err(why) => Some(why),
            Ok(draft) => draft.study().err().map(|why| why.to_string()),
        }
    }

    /// Puts a text into the cell of the cursor.
    ///
    /// # Errors
    /// If it can't stand there, whatever else the table says.
    pub fn set(&mut self, text: &str) -> Result<(), String> {
        let draft = self.with_value(text)?;
        self.change(draft);
        Ok(())
    }

    /// The draft with a text in the cell of the cursor; an empty one resets it.
    fn with_value(&self, text: &str) -> Result<Draft, String> {
        let (row, text, mut draft) = (self.row(), text.trim(), self.draft.clone());
        let is_mlp = self.base.network == Network::Mlp;
        let Some(at) = self.column().checked_sub(1) else {
            let TableRow::Setting(setting) = row else { return Err("each arm has its own".into()) };
            draft.shared.retain(|(other, _)| other.key != setting.key);
            if !text.is_empty() {
                let canonical = canonical(setting, text, &self.base)?;
                if canonical != setting.print(&self.base, self.base.first_settings()) || is_base(setting) {
                    insert_in_order(&mut draft.shared, setting, canonical);
                }
            }
            if is_base(setting) {
                self.change_base(&mut draft);
            }
            return Ok(draft);
        };
        let Some(arm) = draft.arms.get_mut(at) else { return Err("there is no such arm".into()) };
        match row {
            TableRow::Name => arm.name = if text.is_empty() { None } else { Some(text.parse()?) },
            TableRow::Conv | TableRow::Fc => {
                let activation: Activation = text.parse()?;
                if matches!(row, TableRow::Conv) || is_mlp {
                    arm.activations.conv = activation;
                }
                if matches!(row, TableRow::Fc) || is_mlp {
                    arm.activations.fc = activation;
                }
            }
            TableRow::Setting(setting) => {
                arm.own.retain(|(other, _)| other.key != setting.key);
                if !text.is_empty() {
                    let canonical = canonical(setting, text, &self.base)?;
                    if canonical != self.shared_text(setting) {
                        insert_in_order(&mut arm.own, setting, canonical);
                    }
                }
            }
        }
        Ok(draft)
    }

    /// Another preset or network brings its own arms where they were untouched, and its own widths.
    fn change_base(&self, draft: &mut Draft) {
        let Some(base) = base_of(draft) else { return };
        // The network's and the preset's own values need no word.
        draft.shared.retain(|(setting, text)| match setting.key {
            "preset" => *text != Preset::default().to_string(),
            "net" => *text != Study::of(base.preset).network.to_string(),
            _ => true,
        });
        if base.network != self.base.network {
            draft.shared.retain(|(setting, _)| setting.key != "widths");
            draft.arms.iter_mut().for_each(|arm| arm.own.retain(|(setting, _)| setting.key != "widths"));
        }
        if draft.arms_text() == Draft::of(&self.base).arms_text() {
            draft.arms = Draft::of(&base).arms;
        } else if base.network == Network::Mlp {
            // It has no convolutions.
            for arm in &mut draft.arms {
                arm.activations = Activations { fc: arm.activations.conv, ..arm.activations };
            }
        }
    }

    /// The next value of the cell of the cursor, or the one before; whether there is one.
    pub fn step(&mut self, up: bool) -> bool {
        let Some(value) = self.chosen_value() else { return false };
        let stepped = match self.row() {
            TableRow::Name => None,
            TableRow::Conv | TableRow::Fc => step_activation(&value.text, up),
            TableRow::Setting(setting) if setting.key == "seeds" => {
                self.study.as_ref().ok().and_then(|study| step_seeds(study, up))
            }
            TableRow::Setting(setting) => setting.step(&value.text, up),
        };
        stepped.is_some_and(|text| text != value.text && self.set(&text).is_ok())
    }

    /// Takes the cell of the cursor back: to what all arms share, or to the default. Whether there was anything to take
    /// back.
    pub fn reset_value(&mut self) -> bool {
        let is_own = self.chosen_value().is_some_and(|value| value.origin == ValueOrigin::Own);
        is_own && !matches!(self.row(), TableRow::Conv | TableRow::Fc) && self.set("").is_ok()
    }

    /// Adds an arm with this activation in all its layers, and puts the cursor into its column.
    pub fn add_arm(&mut self, activation: Activation) {
        let activations = Activations { conv: activation, fc: activation };
        let mut draft = self.draft.clone();
        draft.arms.push(DraftArm { name: None, activations, own: Vec::new() });
        self.change(draft);
        self.column = self.draft.arms.len();
    }

    /// Copies the arm of the cursor, or the last; the cursor goes to the copy.
    pub fn copy_arm(&mut self) {
        let at = self.chosen_arm().unwrap_or(self.draft.arms.len().saturating_sub(1));
        let Some(arm) = self.draft.arms.get(at) else { return };
        let copy = DraftArm { name: None, ..arm.clone() };
        let mut draft = self.draft.clone();
        draft.arms.insert(at + 1, copy);
        self.change(draft);
        self.column = at + 2;
    }

    /// Removes the arm of the cursor; the last one stays.
    ///
    /// # Errors
    /// Why it can't be removed.
    pub fn remove_arm(&mut self) -> Result<(), &'static str> {
        let at = self.chosen_arm().ok_or("the cursor is in no arm's column; → goes there, then d removes the arm")?;
        if self.draft.arms.len() < 2 {
            return Err("a study has one arm at least");
        }
        let mut draft = self.draft.clone();
        draft.arms.remove(at);
        self.change(draft);
        self.column = self.column.min(self.draft.arms.len());
        Ok(())
    }

    /// Replaces all of it by what a text says.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn set_text(&mut self, text: &str) -> Result<(), String> {
        let study: Study = text.parse().map_err(|why: protocol::SpecError| why.to_string())?;
        self.set_study(&study);
        Ok(())
    }

    pub fn set_study(&mut self, study: &Study) {
        self.change(Draft::of(study));
    }

    pub fn undo(&mut self) -> bool {
        let Some(draft) = self.undo.pop() else { return false };
        self.redo.push(std::mem::replace(&mut self.draft, draft));
        self.read();
        true
    }

    pub fn redo(&mut self) -> bool {
        let Some(draft) = self.redo.pop() else { return false };
        self.undo.push(std::mem::replace(&mut self.draft, draft));
        self.read();
        true
    }

    fn change(&mut self, draft: Draft) {
        if draft.to_string() == self.draft.to_string() {
            return;
        }
        self.undo.push(std::mem::replace(&mut self.draft, draft));
        if self.undo.len() > MOST_UNDONE {
            self.undo.remove(0);
        }
        self.redo.clear();
        self.read();
    }

    fn read(&mut self) {
        if let Some(base) = base_of(&self.draft) {
            self.base = base;
        }
        self.study = self.draft.study().map_err(|why| why.to_string());
        self.column = self.column.min(self.draft.arms.len());
    }
}

/// Whether a setting decides what the others begin from.
fn is_base(setting: &Setting) -> bool {
    matches!(setting.key, "preset" | "net")
}

/// The study that says nothing but this draft's preset and network.
fn base_of(draft: &Draft) -> Option<Study> {
    let shared = draft.shared.iter().filter(|(setting, _)| is_base(setting)).cloned().collect();
    Draft { arms: Vec::new(), shared }.study().ok()
}

fn own_text<'a>(arm: &'a DraftArm, setting: &Setting) -> Option<&'a str> {
    arm.own.iter().rev().find(|(other, _)| other.key == setting.key).map(|(_, text)| text.as_str())
}

/// A setting's text as it prints, if it can be that.
fn canonical(setting: &Setting, text: &str, base: &Study) -> Result<String, String> {
    match &setting.value {
        SettingValue::Study(value) => {
            let mut study = base.clone();
            value.parse(&mut study, text)?;
            Ok(value.print(&study))
        }
        SettingValue::Arm(value) => {
            let mut settings = base.first_settings().clone();
            value.parse(&mut settings, text)?;
            Ok(value.print(&settings))
        }
    }
}

/// Inserts where the text form has it.
fn insert_in_order(values: &mut Vec<(&'static Setting, String)>, setting: &'static Setting, text: String) {
    let place = |setting: &Setting| SETTINGS.iter().position(|other| other.key == setting.key);
    let at = values.iter().position(|(other, _)| place(other) > place(setting)).unwrap_or(values.len());
    values.insert(at, (setting, text));
}

/// The activation behind this one in the list, or the one before it; each with its own default parameter.
fn step_activation(text: &str, up: bool) -> Option<String> {
    let all: Vec<Activation> = Activation::all().collect();
    let chosen: Activation = text.parse().ok()?;
    let at = all.iter().position(|activation| activation.name() == chosen.name())?;
    Some(all[(at + if up { 1 } else { all.len() - 1 }) % all.len()].to_string())
}

/// A seed more, or the last one less.
pub(crate) fn step_seeds(study: &Study, up: bool) -> Option<String> {
    let mut seeds = study.seeds.clone();
    if up {
        seeds.push(seeds.iter().max().map_or(Some(1), |highest| highest.checked_add(1))?);
    } else if seeds.len() > 1 {
        seeds.pop();
    }
    seeds_text(&Study { seeds, ..study.clone() })
}

/// The seeds of a study as the text form has them.
pub(crate) fn seeds_text(study: &Study) -> Option<String> {
    Setting::find("seeds").map(|setting| setting.print(study, study.first_settings()))
}
