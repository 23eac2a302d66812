//! The text form of a study, for command lines, lessons and the clipboard:
//! `[NAME:] ARM [key=value]...; ... | key=value...`, for example
//! `relu-tanh; all-tanh lr=0.05; gelu-gelu wd=1e-4 | seeds=1-5 epochs=20 images=10000`.
//!
//! A [`Draft`] is what was stated, before the preset supplies the rest. What all arms share can still be changed in it,
//! and an arm's own settings stay its own.

use super::super::Activation;
use super::{Activations, Arm, ArmId, ArmSettings, Preset, SETTINGS, Setting, SettingValue, SpecError, Study};
use std::{fmt, str::FromStr};

/// A study as far as it was stated.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub arms: Vec<DraftArm>,
    /// What all arms share, each setting once.
    pub shared: Vec<(&'static Setting, String)>,
}

#[derive(Clone, Debug)]
pub struct DraftArm {
    pub name: Option<ArmId>,
    pub activations: Activations,
    pub own: Vec<(&'static Setting, String)>,
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)
    }
}

/// The name of an arm without one, in a study where these names are taken: its activations, with `-2` and so on for
/// further arms of the same.
pub(super) fn derive_id(activations: Activations, taken: &[ArmId]) -> ArmId {
    let slug = activations.slug();
    let first = std::iter::once(slug.clone()).chain((2_u32..).map(|number| format!("{slug}-{number}")));
    // Two long parameters make a name that is too long, so the arm is numbered.
    let short = (1_u32..).map(|number| format!("arm-{number}"));
    let names = first.map_while(|name| name.parse().ok()).chain(short.map_while(|name| name.parse().ok()));
    let mut free = names.filter(|id: &ArmId| !taken.contains(id));
    free.next().unwrap_or(ArmId::RELU_TANH)
}

impl Draft {
    /// The draft of a study; printed, it parses to the same study.
    pub fn of(study: &Study) -> Self {
        let base = base(study.preset, study.network);
        let base_arm = base.first_settings().clone();
        let mut draft = Self::default();
        let mut own: Vec<Vec<(&'static Setting, String)>> = vec![Vec::new(); study.arms.len()];
        for setting in SETTINGS {
            let values: Vec<String> = study.arms.iter().map(|arm| setting.print(study, &arm.settings)).collect();
            let usual = if setting.key == "preset" || setting.key == "net" {
                let first = if setting.key == "preset" { Preset::default() } else { study.preset };
                setting.print(&Study::of(first), &base_arm)
            } else {
                setting.print(&base, &base_arm)
            };
            // The shared value of a setting is the one with which the text is shortest; the other arms state their own.
            let said = |value: &str| setting.key.len() + quoted(value).len() + 2;
            let length = |shared: &str| {
                let own: usize = values.iter().filter(|value| *value != shared).map(|value| said(value)).sum();
                own + if shared == usual { 0 } else { said(shared) }
            };
            let candidates =
                std::iter::once(&usual).chain(&values).filter(|value| setting.is_of_arms() || values.contains(value));
            let shared = candidates.min_by_key(|value| length(value)).unwrap_or(&usual).clone();
            if shared != usual {
                draft.shared.push((setting, shared.clone()));
            }
            for (own, value) in own.iter_mut().zip(values).filter(|(_, value)| *value != shared) {
                own.push((setting, value));
            }
        }
        let mut taken: Vec<ArmId> = Vec::new();
        for (arm, own) in study.arms.iter().zip(own) {
            let activations = arm.settings.activations;
            let is_derived = derive_id(activations, &taken) == arm.id;
            taken.push(arm.id);
            draft.arms.push(DraftArm { name: (!is_derived).then_some(arm.id), activations, own });
        }
        draft
    }

    /// Sets a setting for all arms, and replaces an earlier value.
    ///
    /// # Errors
    /// If there is no such setting, or no such value of it.
    pub fn share(&mut self, key: &str, value: impl Into<String>) -> Result<(), SpecError> {
        let setting = Setting::find(key).ok_or_else(|| unknown(key))?;
        self.shared.retain(|(other, _)| other.key != setting.key);
        self.shared.push((setting, value.into()));
        Ok(())
    }

    /// The value that was stated for all arms under this name.
    pub fn shared(&self, key: &str) -> Option<&str> {
        let asked = Setting::find(key)?;
        let said = self.shared.iter().rev().find(|(setting, _)| setting.key == asked.key);
        said.map(|(_, value)| value.as_str())
    }

    /// The arms alone, as text.
    pub fn arms_text(&self) -> String {
        let arms: Vec<String> = self.arms.iter().map(ToString::to_string).collect();
        arms.join("; ")
    }

    /// The study that this draft describes, with the preset's settings where it states none.
    ///
    /// # Errors
    /// The first invalid setting, with the remedy.
    pub fn study(&self) -> Result<Study, SpecError> {
        let set = |study: &mut Study, setting: &Setting, text: &str| match &setting.value {
            SettingValue::Study(value) => value.parse(study, text).map_err(|why| setting.fault(why)),
            SettingValue::Arm(_) => Ok(()),
        };
        // These two decide the defaults of the others.
        let mut first = Study::of(Preset::default());
        let of_key = |key: &str| self.shared.iter().filter(move |(setting, _)| setting.key == key).collect::<Vec<_>>();
        for (setting, text) in of_key("preset") {
            set(&mut first, setting, text)?;
        }
        let mut study = Study::of(first.preset);
        for (setting, text) in of_key("net") {
            set(&mut study, setting, text)?;
        }
        let mut study = base(study.preset, study.network);
        for (setting, text) in &self.shared {
            if setting.key != "preset" && setting.key != "net" {
                set(&mut study, setting, text)?;
            }
        }
        let mut shared = study.first_settings().clone();
        let set_arm = |settings: &mut ArmSettings, setting: &Setting, text: &str| match &setting.value {
            SettingValue::Study(_) => Ok(()),
            SettingValue::Arm(value) => value.parse(settings, text).map_err(|why| setting.fault(why)),
        };
        for (setting, text) in &self.shared {
            set_arm(&mut shared, setting, text)?;
        }
        if self.arms.is_empty() {
            for arm in &mut study.arms {
                arm.settings = ArmSettings { activations: arm.settings.activations, ..shared.clone() };
            }
        } else {
            study.arms.clear();
        }
        for arm in &self.arms {
            let taken: Vec<ArmId> = study.arm_ids().collect();
            let id = arm.name.unwrap_or_else(|| derive_id(arm.activations, &taken));
            let mut settings = ArmSettings { activations: arm.activations, ..shared.clone() };
            for (setting, text) in &arm.own {
                if !setting.is_of_arms() {
                    let why = format!(
                        "all arms share it; say {}={text} of the study, behind the `|`, and not of an arm",
                        setting.key
                    );
                    return Err(setting.fault(why));
                }
                set_arm(&mut settings, setting, text)?;
            }
            study.arms.push(Arm { id, settings });
        }
        study.check()?;
        Ok(study)
    }
}

/// The study that the preset and the network define.
fn base(preset: Preset, network: super::Network) -> Study {
    let mut base = Study::of(preset);
    if base.network != network {
        base.network = network;
        base = base.with_shared(|settings| settings.widths = network.default_widths());
        if network == super::Network::Mlp {
            base =
                base.with_arms([Activation::Relu, Activation::Tanh].map(|both| Activations { conv: both, fc: both }));
        }
    }
    base
}

fn unknown(key: &str) -> SpecError {
    let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
    SpecError::new("study", format!("unknown setting `{key}`; known are {}", known.join(", ")))
}

impl FromStr for Draft {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let fault = |why: String| SpecError::new("study", why);
        let mut parts = split(text, '|').map_err(fault)?;
        if parts.len() > 2 {
            return Err(fault("there is more than one `|`; what all arms share stands behind the first".into()));
        }
        let shared = if parts.len() == 2 { parts.pop() } else { None };
        let shared = assignments(words(shared.unwrap_or_default()).map_err(fault)?)?;
        let arms = parts.first().copied().unwrap_or_default();
        // The preset's arms take what is shared, so that it alone is a study.
        if arms.trim().is_empty() && !shared.is_empty() {
            return Ok(Self { arms: Vec::new(), shared });
        }
        Ok(Self { arms: DraftArm::parse_parts(arms, ';')?, shared })
    }
}

impl DraftArm {
    /// Parses arms separated by `;`, or by commas if none has a setting of its own: `relu-tanh,all-tanh`.
    ///
    /// # Errors
    /// The first arm that is invalid.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, SpecError> {
        let fault = |why: String| SpecError::new("arms", why);
        if split(text, '|').map_err(fault)?.len() > 1 {
            return Err(fault("what all arms share is no part of them; remove the `|` and what is behind it".into()));
        }
        Self::parse_parts(text, if text.contains([';', '=']) { ';' } else { ',' })
    }

    fn parse_parts(text: &str, separator: char) -> Result<Vec<Self>, SpecError> {
        let fault = |why: String| SpecError::new("arms", why);
        if text.trim().is_empty() {
            return Err(fault("no arm is named; take for example relu-tanh; all-tanh".into()));
        }
        let parts = split(text, separator).map_err(fault)?;
        if let Some(empty) = parts.iter().position(|part| part.trim().is_empty()) {
            let why = format!(
                "arm {} of {} is empty; remove a `{separator}`, or name an arm there, as in relu-tanh{separator} all-tanh",
                empty + 1,
                parts.len()
            );
            return Err(fault(why));
        }
        parts.into_iter().map(str::parse).collect()
    }
}

impl FromStr for DraftArm {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let fault = |why: String| SpecError::new("arms", why);
        let mut words = words(text).map_err(fault)?.into_iter();
        let mut first = words.next().unwrap_or_default();
        if first.contains('"') {
            return Err(fault(format!("`{first}`: {QUOTES}")));
        }
        let mut name = None;
        if let Some((before, behind)) = first.split_once(':') {
            name = Some(before.parse().map_err(fault)?);
            first = if behind.is_empty() { words.next().unwrap_or_default() } else { behind.into() };
        }
        if first.contains(',') && !first.contains('(') {
            return Err(fault(format!("`{first}`: a `;` parts arms, as in relu-tanh; all-tanh")));
        }
        let activations = first.parse().map_err(fault)?;
        Ok(Self { name, activations, own: assignments(words)? })
    }
}

const QUOTES: &str = "quotation marks belong round a value only, as in data=\"/my images\"";

/// Parses words of the form `key=value`, each key once.
fn assignments(words: impl IntoIterator<Item = String>) -> Result<Vec<(&'static Setting, String)>, SpecError> {
    let mut all: Vec<(&'static Setting, String)> = Vec::new();
    for word in words {
        let (setting, value) = assignment(&word)?;
        if all.iter().any(|(other, _)| other.key == setting.key) {
            return Err(SpecError::new("study", format!("{} is said twice; leave one of the two out", setting.key)));
        }
        all.push((setting, value));
    }
    Ok(all)
}

/// Parses `key=value` and removes quotes from the value.
fn assignment(word: &str) -> Result<(&'static Setting, String), SpecError> {
    let fault = |why: String| SpecError::new("study", why);
    let find = |key: &str| Setting::find(&key.to_ascii_lowercase());
    let (key, value) = word.split_once('=').unwrap_or((word, ""));
    if key.contains('"') {
        return Err(fault(format!("`{word}`: {QUOTES}")));
    }
    if key.is_empty() {
        return Err(fault(format!("`{word}` names no setting; write key=value without spaces, as in lr=0.05")));
    }
    match find(key) {
        Some(setting) if value.is_empty() => {
            Err(fault(format!("`{word}` has no value; write {}=VALUE without spaces round the `=`", setting.key)))
        }
        Some(setting) => Ok((setting, unquoted(value))),
        None if word.contains('=') => Err(unknown(key)),
        None => Err(fault(format!("`{word}` is no setting; write key=value, as in lr=0.05"))),
    }
}

/// Splits at a separator outside of quotes.
fn split(text: &str, separator: char) -> Result<Vec<&str>, String> {
    let (mut parts, mut from, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == separator && !quoted => {
                parts.push(&text[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    if quoted {
        return Err("a quotation mark is not closed".into());
    }
    parts.push(&text[from..]);
    Ok(parts)
}

/// The words of a text; a space within quotes does not separate.
fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quoted, mut escaped) = (Vec::new(), String::new(), false, false);
    for c in text.chars() {
        if c.is_whitespace() && !quoted {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        word.push(c);
    }
    if quoted {
        return Err("a quotation mark is not closed".into());
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

fn quoted(value: &str) -> String {
    let needs = |c: char| c.is_whitespace() || matches!(c, ';' | '|' | '"');
    if value.is_empty() || value.contains(needs) {
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        value.into()
    }
}

fn unquoted(value: &str) -> String {
    let (mut plain, mut inside, mut escaped) = (String::new(), false, false);
    for c in value.chars() {
        match c {
            _ if escaped => {
                escaped = false;
                plain.push(c);
            }
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            c => plain.push(c),
        }
    }
    plain
}

impl fmt::Display for DraftArm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.name {
            write!(f, "{name}: ")?;
        }
        write!(f, "{}", self.activations)?;
        self.own.iter().try_for_each(|(setting, value)| write!(f, " {}={}", setting.key, quoted(value)))
    }
}

impl fmt::Display for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arms_text())?;
        let mut between = " | ";
        for (setting, value) in &self.shared {
            write!(f, "{between}{}={}", setting.key, quoted(value))?;
            between = " ";
        }
        Ok(())
    }
}

impl FromStr for Study {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        text.parse::<Draft>()?.study()
    }
}

impl fmt::Display for Study {
    /// The text form: it parses to the same study.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Draft::of(self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Parameter;
    use super::super::{Backend, DataSource, Init, Inputs, Network, Norm, Schedule, Widths};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_says_what_it_says() {
        let text = "relu-tanh; all-tanh lr=0.05; gelu-gelu wd=1e-4 | seeds=1-5 epochs=20 images=10000";
        let study: Study = text.parse().unwrap();
        assert_eq!(study.seeds, [1, 2, 3, 4, 5]);
        assert_eq!((study.epochs, study.train_size), (20, 10_000));
        let rates: Vec<f64> = study.arms.iter().map(|arm| arm.settings.learning_rate).collect();
        assert_eq!(rates, [0.1, 0.05, 0.1]);
        assert!((study.arms[2].settings.weight_decay - 1e-4).abs() < f64::EPSILON);
        let names: Vec<String> = study.arm_ids().map(|arm| arm.to_string()).collect();
        assert_eq!(names, ["relu-tanh", "all-tanh", "gelu-gelu"]);
        assert_eq!(
            study.to_string(),
            "relu-tanh; all-tanh lr=0.05; gelu-gelu wd=0.0001 | epochs=20 seeds=1-5 images=10000"
        );
    }

    /// What most arms share is stated once, and the exceptions at their arms.
    #[test]
    fn a_study_prints_in_its_shortest_form() {
        for text in [
            "relu-tanh; all-tanh lr=0.05; gelu-gelu | lr=0.2",
            "relu-tanh; all-tanh lr=0.1; gelu-gelu; elu-elu | lr=0.2",
            "relu-tanh; all-tanh lr=0.2",
            "relu-tanh; all-tanh; gelu-gelu wd=1e-300",
            "relu-tanh lr=0.05; all-tanh lr=0.2 | epochs=20",
        ] {
            let study: Study = text.parse().unwrap();
            assert_eq!(study.to_string(), text);
        }
        let study: Study = "relu-tanh lr=0.2; all-tanh lr=0.2; gelu-gelu lr=0.2; elu-elu lr=0.3".parse().unwrap();
        assert_eq!(study.to_string(), "relu-tanh; all-tanh; gelu-gelu; elu-elu lr=0.3 | lr=0.2");
    }

    #[test]
    fn arms_are_named_in_order() {
        let names = |text: &str| {
            let study: Study = text.parse().unwrap();
            assert_eq!(study.to_string().parse::<Study>().unwrap(), study);
            study.arm_ids().map(|arm| arm.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names("relu-tanh; relu-tanh lr=0.3; relu-tanh wd=1e-3"), "relu-tanh relu-tanh-2 relu-tanh-3");
        assert_eq!(names("leaky(0.2)-tanh; leaky-tanh"), "leaky0.2-tanh leaky-tanh");
        assert_eq!(names("fast: relu-tanh; slow:relu-tanh lr=0.01"), "fast slow");
        assert_eq!(
            names("relu-tanh-2: relu-tanh lr=1; relu-tanh; relu-tanh lr=2"),
            "relu-tanh-2 relu-tanh relu-tanh-3"
        );
        assert_eq!(names("| net=mlp"), "relu-relu all-tanh");
        assert_eq!(names("| epochs=3"), "relu-tanh all-tanh");
        assert_eq!(names("| preset=tutorial"), "relu-tanh all-tanh");
    }

    #[test]
    fn what_is_said_of_all_is_taken_from_where_it_is_said() {
        let study: Study = "relu-relu; tanh-tanh widths=64 | net=mlp batch=50".parse().unwrap();
        assert_eq!(study.network, Network::Mlp);
        assert_eq!(study.arms.iter().map(|arm| arm.settings.widths.to_string()).collect::<Vec<_>>(), ["256,256", "64"]);
        let mut draft: Draft = "relu-tanh; all-tanh lr=0.05 | lr=0.2".parse().unwrap();
        draft.share("learning-rate", "0.3").unwrap();
        let rates: Vec<f64> = draft.study().unwrap().arms.iter().map(|arm| arm.settings.learning_rate).collect();
        assert_eq!(rates, [0.3, 0.05]);
        assert_eq!(draft.shared("lr"), Some("0.3"));
    }

    #[test]
    fn errors_name_the_remedy() {
        for (text, field, word) in [
            ("", "arms", "no arm is named"),
            (";", "arms", "arm 1 of 2 is empty"),
            ("|", "arms", "no arm is named"),
            ("relu-tanh;;all-tanh", "arms", "arm 2 of 3 is empty"),
            ("relu-tanh; | epochs=1", "arms", "arm 2 of 2 is empty"),
            ("; | epochs=1", "arms", "arm 1 of 2 is empty"),
            ("relu-tanh lr=0.1 learning-rate=0.2 | epochs=1", "study", "lr is said twice"),
            ("relu-tanh | epochs=1 lr=0.2 epochs=2", "study", "epochs is said twice"),
            ("\"relu-tanh\" | epochs=1", "arms", "quotation marks belong round a value only"),
            ("relu-tanh \"lr\"=1", "study", "quotation marks belong round a value only"),
            ("relu-tanh lr = 0.3", "study", "`lr` has no value; write lr=VALUE without spaces"),
            ("relu-tanh lr= 0.3", "study", "`lr=` has no value; write lr=VALUE without spaces"),
            ("relu-tanh =3", "study", "`=3` names no setting"),
            ("relu-tanh lr=1e400", "lr", "1e400 can't be; take more than 0"),
            ("relu-tanh schedule=steps(30,0.1", "schedule", "its `(` is not closed"),
            ("leaky-tanh; leaky(0.01)-tanh", "arms", "arms 1 and 2 are the same"),
            ("leaky-tanh; leaky(0.01)-tanh", "arms", "leaky stands for leaky(0.01)"),
            ("relu-tanh warmup=5 | epochs=1", "warmup", "5 is more than 1 epoch;"),
            ("relu", "arms", "relu-tanh"),
            ("relu-tanh lr", "study", "write lr=VALUE without spaces"),
            ("relu-tanh rate=1", "study", "known are preset"),
            ("relu-tanh lr=fast", "lr", "not a number"),
            ("relu-tanh lr=-1", "lr", "more than 0"),
            ("relu-tanh epochs=3", "epochs", "behind the `|`"),
            ("relu-tanh, all-tanh", "arms", "a `;` parts arms"),
            ("relu-tanh | net=mlp", "arms", "take all-tanh"),
            ("relu-tanh: all-tanh", "arms", "another name"),
            ("x: relu-tanh; x: gelu-gelu", "arms", "named twice"),
            ("relu-tanh; all-tanh; x: relu-tanh", "arms", "setting of its own"),
            ("X: relu-tanh", "arms", "lower-case"),
            ("relu-tanh | epochs=0", "epochs", "1 to 10000"),
            ("relu-tanh | seeds=5-1", "seeds", "1-5"),
            ("relu-tanh | seeds=1-65", "seeds", "1-5"),
            ("relu-tanh | seeds=1-", "seeds", "`1-` is a range without its last seed"),
            ("relu-tanh | seeds=-3", "seeds", "`-3` is a range without its first seed"),
            ("relu-tanh | widths=4,16,999999999999", "widths", "999999999999 is out of range; take 1 to"),
            ("relu-tanh | widths=4,x,2", "widths", "`x` is not a whole number"),
            ("relu-tanh | data=~/x", "data", "write the whole path"),
            ("leaky(0.2-tanh", "arms", "its `(` is not closed"),
            ("relu-tanh lr=-1e-300", "lr", "-1e-300 can't be"),
            ("relu-tanh | data=\"/a b", "study", "not closed"),
            ("relu-tanh | lr=1 | lr=2", "study", "more than one"),
            ("relu-tanh | nesterov=maybe", "nesterov", "yes nor no"),
            ("relu-tanh | init=xyz", "init", "glorot"),
            ("all-tanh | net=mlp widths=0", "widths", "1 to 4096"),
        ] {
            let error = text.parse::<Study>().unwrap_err();
            assert!(error.field == field && error.message.contains(word), "{text}: {error}");
        }
    }

    /// The names of activations and settings are recognised in any case; names of arms are also names of folders.
    #[test]
    fn capital_letters_are_read_as_small_ones() {
        let study: Study = "ReLU-Tanh LR=0.3; All-TANH".parse().unwrap();
        assert_eq!(study.to_string(), "relu-tanh lr=0.3; all-tanh");
    }

    fn activation() -> impl Strategy<Value = Activation> {
        let all: Vec<Activation> = Activation::all().collect();
        (prop::sample::select(all), 0.0..1.0_f64)
            .prop_map(|(activation, parameter)| activation.with_parameter(Parameter::new(parameter)))
    }

    fn settings() -> impl Strategy<Value = ArmSettings> {
        let inits = vec![
            Init::Xavier,
            Init::He,
            Init::Lecun,
            Init::Orthogonal,
            Init::Standard,
            Init::Normal(Parameter::new(0.03)),
            Init::CudaConvnet,
        ];
        let norms = vec![Norm::None, Norm::Local(Parameter::new(0.02))];
        let inputs = vec![Inputs::Unit, Inputs::Standardised, Inputs::MeanImage];
        let schedule = prop_oneof![
            Just(Schedule::Constant),
            Just(Schedule::Cosine),
            (1..90_u32, 0.01..1.0_f64).prop_map(|(every, f)| Schedule::Steps { every, factor: Parameter::new(f) }),
            (1..90_u32, 1..90_u32, 0.01..1.0_f64).prop_map(|(first, more, f)| {
                let after = super::super::Drops::new(&[first, first + more]).expect("ascending");
                Schedule::Drops { after, factor: Parameter::new(f) }
            }),
        ];
        let rates = (1e-6..100.0_f64, 0.0..0.99_f64, 0.0..1.0_f64, 0.0..0.9_f64);
        (
            activation(),
            activation(),
            rates,
            1..500_u32,
            schedule,
            0..3_u32,
            (
                prop::sample::select(inits),
                prop::sample::select(inputs),
                any::<bool>(),
                0..=8_u32,
                prop::sample::select(norms),
            ),
            prop::collection::vec(1..200_u32, 3),
        )
            .prop_map(
                |(
                    conv,
                    fc,
                    (learning_rate, momentum, weight_decay, dropout),
                    batch,
                    schedule,
                    warmup,
                    (init, inputs, flip, crop, norm),
                    widths,
                )| {
                    let settings = ArmSettings {
                        activations: Activations { conv, fc },
                        batch,
                        learning_rate,
                        schedule,
                        warmup,
                        momentum,
                        weight_decay,
                        dropout,
                        init,
                        inputs,
                        flip,
                        crop,
                        norm,
                        widths: Widths(widths),
                        ..ArmSettings::default()
                    };
                    ArmSettings { nesterov: momentum > 0.5, ..settings }
                },
            )
    }

    fn study() -> impl Strategy<Value = Study> {
        let named = prop::option::of("[a-z0-9][a-z0-9._-]{0,12}");
        let arms = prop::collection::vec((named, settings(), any::<bool>()), 1..4);
        let folder = prop::option::of("/[ -~]{1,20}");
        (arms, prop::collection::btree_set(0..40_u64, 1..8), 3..400_u32, 500..50_000_u32, any::<bool>(), folder)
            .prop_map(|(arms, seeds, epochs, train_size, tutorial, folder)| {
                let mut study = Study::of(if tutorial { Preset::Tutorial } else { Preset::Article });
                let first = arms[0].1.clone();
                study.arms.clear();
                for (name, settings, alike) in arms {
                    let settings = if alike {
                        ArmSettings { activations: settings.activations, ..first.clone() }
                    } else {
                        settings
                    };
                    let rate = settings.learning_rate / (1.0 + study.arms.len() as f64);
                    let settings = ArmSettings { learning_rate: rate, ..settings };
                    let taken: Vec<ArmId> = study.arm_ids().collect();
                    let name = name.and_then(|name| name.parse().ok()).filter(|name| !taken.contains(name));
                    let id = name.unwrap_or_else(|| derive_id(settings.activations, &taken));
                    study.arms.push(Arm { id, settings });
                }
                study.seeds = seeds.into_iter().collect();
                study.data = folder.map_or(DataSource::Mnist, |folder| DataSource::Folder(folder.into()));
                Study {
                    epochs,
                    train_size,
                    backend: if tutorial { Backend::Libtorch } else { Backend::Fused },
                    ..study
                }
            })
    }

    proptest! {
        #[test]
        fn every_study_parses_to_itself(study in study()) {
            study.check().unwrap();
            let text = study.to_string();
            prop_assert_eq!(&text.parse::<Study>().unwrap(), &study, "{}", text);
            let json = serde_json::to_string(&study).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Study>(&json).unwrap(), &study);
        }

        #[test]
        fn no_text_is_too_strange_to_be_refused(text in ".{0,60}") {
            let _ = text.parse::<Study>();
        }
    }
}
