//! The form that edits a study, checked at every keystroke. Its fields are the arms and the settings of [`SETTINGS`],
//! as the study's text form writes them.

use protocol::{Activation, Activations, Draft, DraftArm, SETTINGS, Setting, SpecError, Study};

/// One field of the form.
#[derive(Clone, Debug)]
pub struct Field {
    pub kind: FieldKind,
    pub text: String,
}

#[derive(Clone, Copy, Debug)]
pub enum FieldKind {
    /// The arms, each with its own settings.
    Arms,
    /// A setting that all arms share.
    Setting(&'static Setting),
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.title() == other.title() && self.text == other.text
    }
}

impl Field {
    pub fn title(&self) -> &'static str {
        match self.kind {
            FieldKind::Arms => "arms",
            FieldKind::Setting(setting) => setting.title,
        }
    }

    /// What the field means, and its allowed values.
    pub fn hint(&self) -> String {
        match self.kind {
            FieldKind::Arms => {
                let names: Vec<&str> = Activation::all().map(Activation::name).collect();
                format!(
                    "activation of the convolutions, then of the rest: relu-tanh; all-tanh. An arm may have settings of its \
                     own: all-tanh lr=0.05. ↑ ↓ choose one, ← → change it: {}",
                    names.join(", ")
                )
            }
            FieldKind::Setting(setting) => setting.hint(),
        }
    }

    fn is(&self, key: &str) -> bool {
        matches!(self.kind, FieldKind::Setting(setting) if setting.key == key)
    }
}

#[derive(Clone, Debug)]
pub struct StudyForm {
    /// The defaults of this preset and network.
    base: Study,
    pub fields: Vec<Field>,
    pub selected: usize,
    /// In the field of the arms: which activation ← and → change. Each arm has two.
    pub part: usize,
    /// The texts of the fields when all of them were last valid.
    valid: Vec<String>,
    /// The study that the form describes, or what is wrong with it.
    pub spec: Result<Study, String>,
}

/// The index of the field of the arms.
const ARMS: usize = 1;
/// The field that is selected when the form opens.
const FIRST: &str = "epochs";

/// The text of a setting that all arms share. If they differ, it is the preset's, and each arm's own text overrides it.
fn shared_text(draft: &Draft, base: &Study, setting: &'static Setting) -> String {
    draft.shared(setting.key).map_or_else(|| setting.print(base, base.first_settings()), ToOwned::to_owned)
}

impl StudyForm {
    pub fn new(spec: &Study) -> Self {
        let draft = Draft::of(spec);
        let base = Self::defaults_of(&draft).unwrap_or_else(|_| Study::of(spec.preset));
        let of = |setting| Field { kind: FieldKind::Setting(setting), text: shared_text(&draft, &base, setting) };
        let mut fields: Vec<Field> = SETTINGS.iter().map(of).collect();
        fields.insert(ARMS, Field { kind: FieldKind::Arms, text: draft.arms_text() });
        let valid = fields.iter().map(|field| field.text.clone()).collect();
        let selected = fields.iter().position(|field| field.is(FIRST)).unwrap_or(0);
        Self { base, fields, selected, part: 0, valid, spec: Ok(spec.clone()) }
    }

    /// The study with this draft's preset and network, and defaults for everything else.
    fn defaults_of(draft: &Draft) -> Result<Study, SpecError> {
        let decides = |(setting, _): &&(&'static Setting, String)| matches!(setting.key, "preset" | "net");
        let bare = Draft { arms: Vec::new(), shared: draft.shared.iter().filter(decides).cloned().collect() };
        bare.study()
    }

    /// Resets the form to these settings; the selected field stays.
    pub fn reset(&mut self, spec: &Study) {
        *self = Self { selected: self.selected, ..Self::new(spec) };
    }

    /// Moves the selection by so many fields; in the field of the arms first through its activations.
    pub fn select(&mut self, by: isize) {
        let parts = self.arms().map_or(0, |arms| 2 * arms.len());
        if self.selected == ARMS
            && let Some(part) = self.part.checked_add_signed(by).filter(|part| *part < parts)
        {
            self.part = part;
            return;
        }
        let count = self.fields.len() as isize;
        self.selected = (self.selected as isize + by).rem_euclid(count) as usize;
        self.part = if by < 0 { parts.saturating_sub(1) } else { 0 };
    }

    fn arms(&self) -> Option<Vec<DraftArm>> {
        DraftArm::parse_all(&self.fields[ARMS].text).ok()
    }

    /// The text of the arms in three parts: before, at and after the activation that ← and → change.
    pub fn chosen_part(&self) -> Option<[String; 3]> {
        let arms = self.arms().filter(|_| self.selected == ARMS)?;
        let arm = arms.get(self.part / 2)?;
        let text = arm.activations.to_string();
        let (conv, fc) = text.split_once('-')?;
        let joined = |arms: &[DraftArm]| arms.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let number = self.part / 2;
        let whole = arm.to_string();
        let (name, own) = whole.split_once(&text)?;
        let between = |text: String, before: bool| match (text.is_empty(), before) {
            (true, _) => text,
            (false, true) => format!("{text}; "),
            (false, false) => format!("; {text}"),
        };
        let before = format!("{}{name}", between(joined(&arms[..number]), true));
        let behind = format!("{own}{}", between(joined(&arms[number + 1..]), false));
        Some(if self.part.is_multiple_of(2) {
            [before, conv.into(), format!("-{fc}{behind}")]
        } else {
            [format!("{before}{conv}-"), fc.into(), behind]
        })
    }

    /// Changes the selected field to the next value, or to the one before.
    pub fn step(&mut self, up: bool) {
        let field = &self.fields[self.selected];
        let stepped = match field.kind {
            FieldKind::Arms => self.next_arms(up),
            FieldKind::Setting(setting) if setting.key == "seeds" => self.next_seeds(up),
            FieldKind::Setting(setting) => setting.step(&field.text, up),
        };
        if let Some(text) = stepped {
            self.fields[self.selected].text = text;
            self.check();
        }
    }

    /// The arms with the next activation in the selected part that makes no two arms equal.
    fn next_arms(&self, up: bool) -> Option<String> {
        let mut arms = self.arms()?;
        let all: Vec<Activation> = Activation::all().collect();
        for _ in 1..all.len() {
            let Activations { conv, fc } = &mut arms.get_mut(self.part / 2)?.activations;
            let chosen = if self.part.is_multiple_of(2) { conv } else { fc };
            let at = all.iter().position(|activation| activation.name() == chosen.name())?;
            *chosen = all[(at + if up { 1 } else { all.len() - 1 }) % all.len()];
            let draft = Draft { arms: arms.clone(), shared: self.shared() };
            if draft.study().is_ok_and(|study| study.arms.len() == arms.len()) {
                return Some(draft.arms_text());
            }
        }
        None
    }

    /// The settings that the form gives to all arms.
    fn shared(&self) -> Vec<(&'static Setting, String)> {
        let of = |field: &Field| match field.kind {
            FieldKind::Arms => None,
            FieldKind::Setting(setting) => Some((setting, field.text.trim().to_owned())),
        };
        self.fields.iter().filter_map(of).collect()
    }

    /// Adds a seed, or removes the last one.
    fn next_seeds(&self, up: bool) -> Option<String> {
        let mut spec = self.spec.clone().ok()?;
        if up {
            spec.seeds.push(spec.seeds.iter().max().map_or(Some(1), |highest| highest.checked_add(1))?);
        } else if spec.seeds.len() > 1 {
            spec.seeds.pop();
        }
        Setting::find("seeds").map(|setting| setting.print(&spec, spec.first_settings()))
    }

    pub fn insert(&mut self, c: char) {
        if !c.is_control() && self.fields[self.selected].text.len() < 400 {
            self.fields[self.selected].text.push(c);
            self.check();
        }
    }

    pub fn erase(&mut self) {
        self.fields[self.selected].text.pop();
        self.check();
    }

    pub fn clear(&mut self) {
        self.fields[self.selected].text.clear();
        self.check();
    }

    /// Restores the last valid text of the invalid field, or of all fields if that is not enough. Returns what was
    /// wrong.
    pub fn make_valid(&mut self) -> Option<String> {
        let why = self.spec.clone().err()?;
        for at in 0..self.fields.len() {
            let text = std::mem::replace(&mut self.fields[at].text, self.valid[at].clone());
            self.spec = self.read();
            if self.spec.is_ok() {
                return Some(why);
            }
            self.fields[at].text = text;
        }
        for (field, valid) in self.fields.iter_mut().zip(&self.valid) {
            field.text.clone_from(valid);
        }
        self.spec = self.read();
        Some(why)
    }

    fn check(&mut self) {
        let chosen = &self.fields[self.selected];
        if chosen.is("preset") || chosen.is("net") {
            self.change_defaults();
        }
        self.spec = self.read();
        if self.spec.is_ok() {
            self.valid = self.fields.iter().map(|field| field.text.clone()).collect();
        }
    }

    /// Gives the fields that still have the old preset's or network's defaults those of the new one.
    fn change_defaults(&mut self) {
        let Ok(base) = Self::defaults_of(&Draft { arms: Vec::new(), shared: self.shared() }) else { return };
        for field in &mut self.fields {
            let text = |base: &Study| match field.kind {
                FieldKind::Arms => Draft::of(base).arms_text(),
                FieldKind::Setting(setting) => setting.print(base, base.first_settings()),
            };
            if field.text == text(&self.base) {
                field.text = text(&base);
            }
        }
        self.base = base;
    }

    fn read(&self) -> Result<Study, String> {
        let text = &self.fields[ARMS].text;
        if text.contains('|') {
            return Err(
                "arms: what all arms share stands in the rows below; remove the `|` and what is behind it".into()
            );
        }
        let arms = DraftArm::parse_all(text).map_err(|error| error.to_string())?;
        let draft = Draft { arms, shared: self.shared() };
        draft.study().map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{Backend, Preset};

    fn at(settings: &StudyForm, key: &str) -> usize {
        if key == "arms" { ARMS } else { settings.fields.iter().position(|field| field.is(key)).unwrap() }
    }

    fn typed(field: &str, text: &str) -> Result<Study, String> {
        let mut settings = StudyForm::new(&Study::of(Preset::Article));
        settings.selected = at(&settings, field);
        settings.clear();
        text.chars().for_each(|c| settings.insert(c));
        settings.spec
    }

    #[test]
    fn what_is_typed_is_checked_at_once() {
        assert_eq!(typed("epochs", "30").unwrap().epochs, 30);
        assert_eq!(typed("seeds", "1, 2,3").unwrap().seeds, [1, 2, 3]);
        let own = typed("arms", "relu-tanh; all-tanh lr=0.05").unwrap();
        assert_eq!(own.arms.iter().map(|arm| arm.settings.learning_rate).collect::<Vec<_>>(), [0.1, 0.05]);
        assert_eq!(typed("arms", "relu-tanh,all-gelu").unwrap().arms.len(), 2);
        for (field, text, word) in [
            ("arms", "relu", "unknown arm"),
            ("arms", "", "no arm is named"),
            ("arms", "relu-tanh; all-tanh | lr=0.2", "in the rows below"),
            ("epochs", "0", "epochs"),
            ("epochs", "", "whole number"),
            ("batch", "60000", "batch"),
            ("lr", "-1", "lr"),
            ("momentum", "1", "momentum"),
            ("seeds", "", "seeds"),
            ("backend", "gpu", "unknown backend"),
        ] {
            let error = typed(field, text).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_preset_and_a_network_bring_their_own_and_keep_the_readers() {
        let spec = typed("preset", "tutorial").unwrap();
        assert_eq!(spec, Study::of(Preset::Tutorial));
        let mut settings = StudyForm::new(&Study { epochs: 7, ..Study::of(Preset::Article) });
        settings.selected = at(&settings, "net");
        settings.step(true);
        let spec = settings.spec.unwrap();
        assert_eq!((spec.epochs, spec.first_settings().widths.to_string()), (7, "256,256".into()));
        assert_eq!(settings.fields[ARMS].text, "relu-relu; all-tanh");
    }

    #[test]
    fn a_form_says_the_study_that_it_was_opened_with() {
        let text = "relu-tanh; fast: relu-tanh lr=0.3; gelu-gelu | preset=tutorial momentum=0.9 seeds=1-4 images=1000";
        let spec: Study = text.parse().unwrap();
        let mut settings = StudyForm::new(&spec);
        assert_eq!(settings.read().unwrap(), spec);
        settings.selected = at(&settings, "momentum");
        settings.step(true);
        assert_eq!(settings.spec.unwrap(), spec.with_shared(|settings| settings.momentum = 0.95));
    }

    fn stepped(field: &str, keys: &[bool]) -> StudyForm {
        let mut settings = StudyForm::new(&Study::of(Preset::Article));
        settings.selected = at(&settings, field);
        for up in keys {
            settings.step(*up);
        }
        settings
    }

    #[test]
    fn values_are_stepped() {
        let spec = |field, keys: &[bool]| stepped(field, keys).spec.unwrap();
        assert_eq!([spec("epochs", &[true]).epochs, spec("epochs", &[false, false]).epochs], [200, 75]);
        let of = |field, keys: &[bool]| spec(field, keys).first_settings().clone();
        assert_eq!([of("batch", &[true]).batch, of("batch", &[false; 20]).batch], [200, 10]);
        assert_eq!((of("lr", &[true]).learning_rate, of("lr", &[false]).learning_rate), (0.2, 0.05));
        assert_eq!((of("momentum", &[true, true, true]).momentum, of("momentum", &[false]).momentum), (0.9, 0.0));
        assert_eq!(spec("seeds", &[true, true]).seeds, [1, 2, 3]);
        assert_eq!(spec("seeds", &[true, false, false]).seeds, [1], "one seed stays");
        assert_eq!([spec("images", &[false]).train_size, spec("images", &[true]).train_size], [40_000, 50_000]);
        assert_eq!(spec("preset", &[true]).preset, Preset::Tutorial);
        assert_eq!(spec("backend", &[true]).backend, Backend::Libtorch);
    }

    #[test]
    fn activations_are_cycled() {
        let names = |settings: &StudyForm| settings.fields[ARMS].text.clone();
        // The convolutions of the first arm: tanh would make it all-tanh again.
        assert_eq!(names(&stepped("arms", &[true])), "sigmoid-tanh; all-tanh");
        assert_eq!(names(&stepped("arms", &[false])), "prelu-tanh; all-tanh");
        let mut settings = stepped("arms", &[]);
        for part in [["", "relu", "-tanh; all-tanh"], ["relu-", "tanh", "; all-tanh"], ["relu-tanh; ", "all", "-tanh"]]
        {
            assert_eq!(settings.chosen_part().unwrap(), part);
            settings.select(1);
        }
        settings.step(true);
        assert_eq!(names(&settings), "relu-tanh; tanh-sigmoid");
        settings.select(1);
        assert_eq!((settings.selected, settings.chosen_part()), (ARMS + 1, None));
        settings.select(-1);
        assert_eq!((settings.selected, settings.part), (ARMS, 3));
    }

    /// Only the invalid field is restored.
    #[test]
    fn only_the_line_at_fault_is_taken_back() {
        let mut settings = stepped("epochs", &[true]);
        settings.selected = at(&settings, "lr");
        settings.clear();
        "fast".chars().for_each(|c| settings.insert(c));
        assert!(settings.make_valid().unwrap().contains("not a number"));
        let spec = settings.spec.clone().unwrap();
        assert_eq!((spec.epochs, spec.first_settings().learning_rate), (200, 0.1));
        assert_eq!(settings.make_valid(), None);
        settings.reset(&Study::of(Preset::Article));
        assert_eq!(settings.spec.unwrap(), Study::of(Preset::Article));
    }
}
