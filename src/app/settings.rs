//! The form in which a reader changes a race; every keystroke is checked.

use protocol::{Activation, Arm, Backend, Preset, RunSpec};

/// One line of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    /// What it means, and what it may be.
    pub hint: &'static str,
    pub text: String,
}

// The lines, in their order.
const PRESET: usize = 0;
const ARMS: usize = 1;
const EPOCHS: usize = 2;
const BATCH: usize = 3;
const RATE: usize = 4;
const MOMENTUM: usize = 5;
const SEEDS: usize = 6;
const IMAGES: usize = 7;
const BACKEND: usize = 8;

// What ← and → step through.
const EPOCH_STEPS: &[f64] = &[
    1., 2., 3., 5., 8., 10., 12., 15., 20., 30., 50., 75., 100., 150., 200., 300., 500., 1000., 2000., 5000., 10_000.,
];
const BATCH_STEPS: &[f64] = &[10., 20., 50., 100., 200., 500., 1000., 2000., 5000.];
const RATE_STEPS: &[f64] = &[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];
const MOMENTUM_STEPS: &[f64] = &[0.0, 0.5, 0.8, 0.9, 0.95, 0.99];
const IMAGE_STEPS: &[f64] = &[500., 1000., 2000., 5000., 10_000., 20_000., 30_000., 40_000., 50_000.];

#[derive(Clone, Debug)]
pub struct Settings {
    base: RunSpec,
    pub fields: Vec<Field>,
    pub selected: usize,
    /// In the line of the arms: which activation ← and → change, two of each arm.
    pub part: usize,
    /// The texts when all of them were last valid.
    valid: Vec<String>,
    /// The race as the form says, or what is wrong with it.
    pub spec: Result<RunSpec, String>,
}

fn join<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

impl Settings {
    pub fn new(spec: &RunSpec) -> Self {
        let field = |name, hint, text: String| Field { name, hint, text };
        let fields = vec![
            field("preset", "article or tutorial; it sets widths, batch and epochs", spec.preset.to_string()),
            field(
                "arms",
                "activation of the convolutions, then of the rest: relu-tanh,all-tanh. ↑ ↓ choose one, ← → change it: relu, tanh, sigmoid, softplus, leaky, elu, gelu, silu, linear",
                join(&spec.arms),
            ),
            field("epochs", "passes over the training images, 1 to 10,000", spec.epochs.to_string()),
            field("batch", "images a step, 1 up to all training images", spec.batch.to_string()),
            field(
                "learning rate",
                "length of a step of gradient descent, more than 0, at most 100",
                spec.learning_rate.to_string(),
            ),
            field(
                "momentum",
                "share of the last step that the next one keeps, from 0 up to, but not including, 1",
                spec.momentum.to_string(),
            ),
            field(
                "seeds",
                "1,2,3 trains every arm three times, from other initial weights; arms times seeds 1 to 64",
                join(&spec.seeds),
            ),
            field(
                "training images",
                "how many of the 50,000, from the first on; 1 to 50,000",
                spec.train_size.to_string(),
            ),
            field("backend", "what computes it: fused (ours, faster) or libtorch", spec.backend.to_string()),
        ];
        let valid = fields.iter().map(|field| field.text.clone()).collect();
        Self { base: spec.clone(), fields, selected: EPOCHS, part: 0, valid, spec: Ok(spec.clone()) }
    }

    /// Back to these settings, the lesson's; the chosen line stays.
    pub fn reset(&mut self, spec: &RunSpec) {
        *self = Self { selected: self.selected, ..Self::new(spec) };
    }

    /// So many lines on; within the line of the arms first through its activations.
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

    fn arms(&self) -> Option<Vec<Arm>> {
        let parts = self.fields[ARMS].text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| part.parse().ok()).collect()
    }

    /// The text of the arms before, in and behind the activation that ← and → change.
    pub fn chosen_part(&self) -> Option<[String; 3]> {
        let arms = self.arms().filter(|_| self.selected == ARMS)?;
        let arm = self.part / 2;
        let text = arms.get(arm)?.to_string();
        let (conv, fc) = text.split_once('-')?;
        let named = |arms: &[Arm]| arms.iter().map(ToString::to_string).collect::<Vec<_>>();
        let before = [named(&arms[..arm]), vec![String::new()]].concat().join(",");
        let behind = [vec![String::new()], named(&arms[arm + 1..])].concat().join(",");
        Some(if self.part.is_multiple_of(2) {
            [before, conv.into(), format!("-{fc}{behind}")]
        } else {
            [format!("{before}{conv}-"), fc.into(), behind]
        })
    }

    /// → and ←: the next value of the chosen line, or the one before.
    pub fn step(&mut self, up: bool) {
        let stepped = match self.selected {
            PRESET => Some(if self.fields[PRESET].text.trim() == "article" { "tutorial" } else { "article" }.into()),
            BACKEND => Some(if self.fields[BACKEND].text.trim() == "fused" { "libtorch" } else { "fused" }.into()),
            ARMS => self.next_arms(up),
            SEEDS => self.next_seeds(up),
            EPOCHS => self.next_number(EPOCH_STEPS, up),
            BATCH => self.next_number(BATCH_STEPS, up),
            RATE => self.next_number(RATE_STEPS, up),
            MOMENTUM => self.next_number(MOMENTUM_STEPS, up),
            IMAGES => self.next_number(IMAGE_STEPS, up),
            _ => None,
        };
        if let Some(text) = stepped {
            self.fields[self.selected].text = text;
            self.check();
        }
    }

    /// The next of these steps behind the number that stands there; the first where none stands.
    fn next_number(&self, steps: &[f64], up: bool) -> Option<String> {
        let Ok(now) = self.fields[self.selected].text.trim().replace(['_', ' '], "").parse::<f64>() else {
            return steps.first().map(f64::to_string);
        };
        let next =
            if up { steps.iter().find(|step| **step > now) } else { steps.iter().rev().find(|step| **step < now) };
        next.map(f64::to_string)
    }

    /// The arms with another activation in the chosen part, the next that makes no arm a second time.
    fn next_arms(&self, up: bool) -> Option<String> {
        let arms = self.arms()?;
        let (number, is_conv) = (self.part / 2, self.part.is_multiple_of(2));
        let arm = *arms.get(number)?;
        let now = if is_conv { arm.conv } else { arm.fc };
        let at = Activation::ALL.iter().position(|activation| *activation == now)?;
        let count = Activation::ALL.len();
        let with = |activation| if is_conv { Arm { conv: activation, ..arm } } else { Arm { fc: activation, ..arm } };
        let all = (1..count).map(|by| Activation::ALL[(at + if up { by } else { count - by }) % count]).map(with);
        let mut changed = arms.clone();
        changed[number] = all.into_iter().find(|new| !arms.contains(new))?;
        Some(join(&changed))
    }

    /// A seed more, or the last one less.
    fn next_seeds(&self, up: bool) -> Option<String> {
        let mut seeds = self.seeds().ok()?;
        if up {
            seeds.push(seeds.iter().max().map_or(Some(1), |highest| highest.checked_add(1))?);
        } else if seeds.len() > 1 {
            seeds.pop();
        }
        Some(join(&seeds))
    }

    pub fn insert(&mut self, c: char) {
        if !c.is_control() && self.fields[self.selected].text.len() < 120 {
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

    /// Takes back what can't be: the line at fault as it last was, or if that is not enough all of them. Returns what was
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
        // A preset that becomes valid brings its own widths, batch and epochs.
        if self.selected == PRESET
            && let Ok(preset) = self.fields[PRESET].text.trim().parse::<Preset>()
            && preset != self.base.preset
        {
            let new = RunSpec::of(preset);
            self.fields[EPOCHS].text = new.epochs.to_string();
            self.fields[BATCH].text = new.batch.to_string();
            self.base = RunSpec { arms: self.base.arms.clone(), seeds: self.base.seeds.clone(), ..new };
        }
        self.spec = self.read();
        if self.spec.is_ok() {
            self.valid = self.fields.iter().map(|field| field.text.clone()).collect();
        }
    }

    fn list(&self, at: usize) -> impl Iterator<Item = &str> {
        self.fields[at].text.split(',').map(str::trim).filter(|part| !part.is_empty())
    }

    fn seeds(&self) -> Result<Vec<u64>, String> {
        let seed = |part: &str| part.parse::<u64>().map_err(|_| format!("seeds: `{part}` is not a whole number"));
        self.list(SEEDS).map(seed).collect()
    }

    fn read(&self) -> Result<RunSpec, String> {
        let text = |at: usize| self.fields[at].text.trim();
        let number = |at: usize| {
            text(at)
                .replace(['_', ' '], "")
                .parse::<u32>()
                .map_err(|_| format!("{}: `{}` is not a whole number", self.fields[at].name, text(at)))
        };
        let real = |at: usize| {
            let fault = |_| format!("{}: `{}` is not a number", self.fields[at].name, text(at));
            text(at).parse::<f64>().map_err(fault)
        };
        let spec = RunSpec {
            preset: text(PRESET).parse()?,
            arms: self.list(ARMS).map(str::parse).collect::<Result<Vec<Arm>, _>>()?,
            epochs: number(EPOCHS)?,
            batch: number(BATCH)?,
            learning_rate: real(RATE)?,
            momentum: real(MOMENTUM)?,
            seeds: self.seeds()?,
            train_size: number(IMAGES)?,
            backend: text(BACKEND).parse::<Backend>()?,
            ..self.base.clone()
        };
        spec.check().map_err(|error| error.to_string())?;
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(field: usize, text: &str) -> Result<RunSpec, String> {
        let mut settings = Settings::new(&RunSpec::of(Preset::Article));
        settings.selected = field;
        settings.clear();
        text.chars().for_each(|c| settings.insert(c));
        settings.spec
    }

    #[test]
    fn what_is_typed_is_checked_at_once() {
        assert_eq!(typed(2, "30").unwrap().epochs, 30);
        assert_eq!(typed(6, "1, 2,3").unwrap().seeds, [1, 2, 3]);
        for (field, text, word) in [
            (1, "relu", "unknown arm"),
            (2, "0", "epochs"),
            (2, "", "whole number"),
            (3, "60000", "batch"),
            (4, "-1", "lr"),
            (5, "1", "momentum"),
            (6, "", "seeds"),
            (8, "gpu", "unknown backend"),
        ] {
            let error = typed(field, text).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_preset_brings_its_widths() {
        let spec = typed(0, "tutorial").unwrap();
        assert_eq!((spec.widths, spec.batch), (RunSpec::of(Preset::Tutorial).widths, 500));
    }

    fn stepped(field: usize, keys: &[bool]) -> Settings {
        let mut settings = Settings::new(&RunSpec::of(Preset::Article));
        settings.selected = field;
        for up in keys {
            settings.step(*up);
        }
        settings
    }

    #[test]
    fn values_are_stepped() {
        let spec = |field, keys: &[bool]| stepped(field, keys).spec.unwrap();
        assert_eq!([spec(EPOCHS, &[true]).epochs, spec(EPOCHS, &[false, false]).epochs], [200, 75]);
        assert_eq!([spec(BATCH, &[true]).batch, spec(BATCH, &[false; 20]).batch], [200, 10]);
        assert_eq!((spec(RATE, &[true]).learning_rate, spec(RATE, &[false]).learning_rate), (0.2, 0.05));
        assert_eq!((spec(MOMENTUM, &[true, true, true]).momentum, spec(MOMENTUM, &[false]).momentum), (0.9, 0.0));
        assert_eq!(spec(SEEDS, &[true, true]).seeds, [1, 2, 3]);
        assert_eq!(spec(SEEDS, &[true, false, false]).seeds, [1], "one seed stays");
        assert_eq!([spec(IMAGES, &[false]).train_size, spec(IMAGES, &[true]).train_size], [40_000, 50_000]);
        assert_eq!(spec(PRESET, &[true]).preset, Preset::Tutorial);
        assert_eq!(spec(BACKEND, &[true]).backend, Backend::Libtorch);
    }

    #[test]
    fn activations_are_cycled_and_no_arm_twice() {
        let names = |settings: &Settings| settings.fields[ARMS].text.clone();
        // The convolutions of the first arm: tanh would make it all-tanh again.
        assert_eq!(names(&stepped(ARMS, &[true])), "sigmoid-tanh,all-tanh");
        assert_eq!(names(&stepped(ARMS, &[false])), "linear-tanh,all-tanh");
        let mut settings = stepped(ARMS, &[]);
        for part in [["", "relu", "-tanh,all-tanh"], ["relu-", "tanh", ",all-tanh"], ["relu-tanh,", "all", "-tanh"]] {
            assert_eq!(settings.chosen_part().unwrap(), part);
            settings.select(1);
        }
        settings.step(true);
        assert_eq!(names(&settings), "relu-tanh,tanh-sigmoid");
        settings.select(1);
        assert_eq!((settings.selected, settings.chosen_part()), (EPOCHS, None));
        settings.select(-1);
        assert_eq!((settings.selected, settings.part), (ARMS, 3));
    }

    /// What can't be is taken back, and nothing beside it.
    #[test]
    fn only_the_line_at_fault_is_taken_back() {
        let mut settings = stepped(EPOCHS, &[true]);
        settings.selected = RATE;
        settings.clear();
        "fast".chars().for_each(|c| settings.insert(c));
        assert!(settings.make_valid().unwrap().contains("not a number"));
        let spec = settings.spec.clone().unwrap();
        assert_eq!((spec.epochs, spec.learning_rate), (200, 0.1));
        assert_eq!(settings.make_valid(), None);
        settings.reset(&RunSpec::of(Preset::Article));
        assert_eq!(settings.spec.unwrap(), RunSpec::of(Preset::Article));
    }
}
