//! The form in which a reader changes a race; every keystroke is checked.

use crate::protocol::{Arm, Backend, Preset, RunSpec};

/// One line of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub hint: &'static str,
    pub text: String,
}

#[derive(Clone, Debug)]
pub struct Settings {
    base: RunSpec,
    pub fields: Vec<Field>,
    pub selected: usize,
    /// The race as the form says, or what is wrong with it.
    pub spec: Result<RunSpec, String>,
}

impl Settings {
    pub fn new(spec: &RunSpec) -> Self {
        let join = |items: Vec<String>| items.join(",");
        let field = |name, hint, text: String| Field { name, hint, text };
        let fields = vec![
            field("preset", "article or tutorial; it sets widths, batch and epochs", spec.preset.to_string()),
            field(
                "arms",
                "activation of the convolutions, then of the rest: relu-tanh,all-tanh",
                join(spec.arms.iter().map(Arm::to_string).collect()),
            ),
            field("epochs", "passes over the training images", spec.epochs.to_string()),
            field("batch", "images a step", spec.batch.to_string()),
            field("learning rate", "of plain gradient descent", spec.learning_rate.to_string()),
            field("momentum", "from 0 up to, but not including, 1", spec.momentum.to_string()),
            field(
                "seeds",
                "1,2,3 trains every arm three times, from other initial weights",
                join(spec.seeds.iter().map(u64::to_string).collect()),
            ),
            field("training images", "how many of the 50,000, from the first on", spec.train_size.to_string()),
            field("backend", "what computes it: fused (ours, faster) or libtorch", spec.backend.to_string()),
        ];
        Self { base: spec.clone(), fields, selected: 2, spec: Ok(spec.clone()) }
    }

    pub fn step(&mut self, by: isize) {
        let count = self.fields.len() as isize;
        self.selected = (self.selected as isize + by).rem_euclid(count) as usize;
    }

    pub fn insert(&mut self, c: char) {
        if !c.is_control() && self.fields[self.selected].text.len() < 60 {
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

    fn check(&mut self) {
        // A preset that becomes valid brings its own widths, batch and epochs.
        if self.selected == 0
            && let Ok(preset) = self.fields[0].text.trim().parse::<Preset>()
            && preset != self.base.preset
        {
            let new = RunSpec::of(preset);
            self.fields[2].text = new.epochs.to_string();
            self.fields[3].text = new.batch.to_string();
            self.base = RunSpec { arms: self.base.arms.clone(), seeds: self.base.seeds.clone(), ..new };
        }
        self.spec = self.read();
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
        let list = |at: usize| text(at).split(',').map(str::trim).filter(|part| !part.is_empty());
        let seed = |part: &str| part.parse::<u64>().map_err(|_| format!("seeds: `{part}` is not a whole number"));
        let spec = RunSpec {
            preset: text(0).parse()?,
            arms: list(1).map(str::parse).collect::<Result<Vec<Arm>, _>>()?,
            epochs: number(2)?,
            batch: number(3)?,
            learning_rate: real(4)?,
            momentum: real(5)?,
            seeds: list(6).map(seed).collect::<Result<_, _>>()?,
            train_size: number(7)?,
            backend: text(8).parse::<Backend>()?,
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
}
