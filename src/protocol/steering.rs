//! A setting that is changed while a run trains.

use super::{ArmId, ArmSettings, Fork, Lane, RunId, Setting, SettingValue, SpecError, Study, format_real};
use serde::{Deserialize, Serialize};

/// A setting that can be steered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SteeredSetting {
    /// The base rate. The schedule's shape goes on from it: its factor of each step multiplies the new base.
    #[serde(rename = "lr")]
    LearningRate,
}

impl SteeredSetting {
    pub fn key(self) -> &'static str {
        match self {
            Self::LearningRate => "lr",
        }
    }

    pub fn of_key(key: &str) -> Option<Self> {
        let setting = Setting::find(key)?;
        (setting.key == "lr").then_some(Self::LearningRate)
    }

    pub fn title(self) -> &'static str {
        Setting::find(self.key()).map_or(self.key(), |setting| setting.title)
    }

    /// Reads `lr=0.03`.
    ///
    /// # Errors
    /// If it is another setting, or no value of this one.
    pub fn parse(text: &str) -> Result<(Self, f64), SpecError> {
        let fault = |message: String| SpecError { field: "steer", message };
        let (key, value) =
            text.split_once('=').ok_or_else(|| fault(format!("`{text}` is no setting; write lr=0.03")))?;
        let steered = Self::of_key(key).ok_or_else(|| {
            fault(format!(
                "`{key}` can't be steered; lr can, and `relu fork` changes other settings in a run of its own"
            ))
        })?;
        Ok((steered, steered.checked(value)?))
    }

    /// A value of this setting from its text, if it is in the setting's range.
    pub fn checked(self, text: &str) -> Result<f64, SpecError> {
        let mut scratch = ArmSettings::default();
        let fault = |message| SpecError { field: self.key(), message };
        if let Some(Setting { value: SettingValue::Arm(value), .. }) = Setting::find(self.key()) {
            value.parse(&mut scratch, text.trim()).map_err(fault)?;
        }
        Ok(match self {
            Self::LearningRate => scratch.learning_rate,
        })
    }
}

/// A setting of an arm takes this value from the beginning of an epoch on.
///
/// It holds for every lane of the arm that has not begun this epoch yet, those that wait for a core among them. Together
/// with the study it decides a run's numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Steering {
    pub arm: ArmId,
    /// The first epoch with the new value, counted from 1.
    pub epoch: u32,
    pub setting: SteeredSetting,
    pub value: f64,
    /// Seeds whose lanes had begun this epoch before, and keep what they had.
    pub passed: Vec<u64>,
}

impl Steering {
    pub fn holds_for(&self, lane: Lane) -> bool {
        self.arm == lane.arm && !self.passed.contains(&lane.seed)
    }

    /// As one sentence. The study has the arms' titles.
    pub fn sentence(&self, study: &Study) -> String {
        let Self { arm, epoch, setting, value, passed } = self;
        let seeds: Vec<String> = passed.iter().map(u64::to_string).collect();
        let past = match seeds.as_slice() {
            [] => String::new(),
            [seed] => format!("; seed {seed} had begun that epoch before and keeps what it had"),
            seeds => format!("; seeds {} had begun that epoch before and keep what they had", seeds.join(", ")),
        };
        let value = format_real(*value);
        format!("{} from epoch {epoch} on: {} {value}{past}", study.arm_title(*arm), setting.title())
    }
}

/// The steerings that still decide a rate: not one that a later one replaced for all its lanes before it took effect.
pub fn effective_steerings(steerings: &[Steering]) -> impl Iterator<Item = &Steering> {
    steerings.iter().enumerate().filter_map(move |(at, steering)| {
        let replaces = |later: &Steering| {
            (later.arm, later.setting) == (steering.arm, steering.setting)
                && later.epoch <= steering.epoch
                && later.passed.iter().all(|seed| steering.passed.contains(seed))
        };
        (!steerings[at + 1..].iter().any(replaces)).then_some(steering)
    })
}

/// The steerings of an arm in one phrase, such as `learning rate 0.2 from epoch 5, 0.5 from epoch 9 (not seed 1)`;
/// `None` if it was not steered.
pub fn describe_steerings(steerings: &[Steering], arm: ArmId) -> Option<String> {
    let of_arm: Vec<&Steering> = effective_steerings(steerings).filter(|steering| steering.arm == arm).collect();
    let phrase = |steering: &&Steering| {
        let seeds: Vec<String> = steering.passed.iter().map(u64::to_string).collect();
        let not = match seeds.len() {
            0 => String::new(),
            1 => format!(" (not seed {})", seeds[0]),
            _ => format!(" (not seeds {})", seeds.join(", ")),
        };
        format!("{} from epoch {}{not}", format_real(steering.value), steering.epoch)
    };
    let title = of_arm.first()?.setting.title();
    Some(format!("{title} {}", of_arm.iter().map(phrase).collect::<Vec<_>>().join(", ")))
}

/// How each steered arm of a run was steered: `all-Tanh: learning rate 0.2 from epoch 5`.
pub fn steered_arms(study: &Study, steerings: &[Steering]) -> Vec<String> {
    let of_arm = |arm| Some(format!("{}: {}", study.arm_title(arm), describe_steerings(steerings, arm)?));
    study.arm_ids().filter_map(of_arm).collect()
}

/// What decided an arm's numbers besides the settings of its study, a sentence each: how it was steered, and the run that
/// its first epochs are of.
pub fn arm_history(run: RunId, study: &Study, arm: ArmId, steerings: &[Steering], fork: Option<Fork>) -> Vec<String> {
    let title = study.arm_title(arm);
    let steered = describe_steerings(steerings, arm).map(|phrase| {
        let is_mixed = steerings.iter().any(|steering| steering.arm == arm && !steering.passed.is_empty());
        let mixed = if is_mixed { "; its seeds had different rates, and a mean mixes them" } else { "" };
        format!("{title} of run {run} was steered: {phrase}{mixed}.")
    });
    let forked = fork.map(|Fork { parent, epoch }| {
        let epochs = if epoch == 1 { "epoch 1".into() } else { format!("epochs 1 to {epoch}") };
        format!("{title} of run {run} has {epochs} of run {parent}, with the settings of then.")
    });
    steered.into_iter().chain(forked).collect()
}

/// The base learning rate of a lane in an epoch: that of the last in the list of the steerings that hold for the lane and
/// have begun by this epoch, or the study's. The list is in the order of the commands: what was asked for last holds from
/// its epoch on, also beyond the epoch of an earlier command that a lane has not come to, or has gone back behind.
pub fn steered_rate(steerings: &[Steering], lane: Lane, epoch: u32, base: f64) -> f64 {
    let holds = |steering: &&Steering| steering.holds_for(lane) && steering.epoch <= epoch;
    steerings.iter().rev().find(holds).map_or(base, |steering| steering.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arms_history_names_every_steering_and_the_parent() {
        let of = |arm, epoch, value, passed: &[u64]| Steering {
            arm,
            epoch,
            setting: SteeredSetting::LearningRate,
            value,
            passed: passed.to_vec(),
        };
        let (relu, tanh) = (ArmId::RELU_TANH, ArmId::ALL_TANH);
        let steerings = [of(relu, 5, 0.2, &[]), of(tanh, 6, 0.3, &[]), of(relu, 9, 0.5, &[1, 2])];
        let study: Study = "relu-tanh; all-tanh".parse().unwrap();
        let history = |arm, fork| arm_history(RunId(8), &study, arm, &steerings, fork);
        assert_eq!(
            steered_arms(&study, &steerings),
            [
                "ReLU+Tanh: learning rate 0.2 from epoch 5, 0.5 from epoch 9 (not seeds 1, 2)",
                "all-Tanh: learning rate 0.3 from epoch 6"
            ]
        );
        assert_eq!(
            history(relu, None),
            [
                "ReLU+Tanh of run 8 was steered: learning rate 0.2 from epoch 5, 0.5 from epoch 9 (not seeds 1, 2); its seeds had \
              different rates, and a mean mixes them."
            ]
        );
        assert_eq!(
            history(tanh, Some(Fork { parent: RunId(5), epoch: 2 })),
            [
                "all-Tanh of run 8 was steered: learning rate 0.3 from epoch 6.",
                "all-Tanh of run 8 has epochs 1 to 2 of run 5, with the settings of then."
            ]
        );
        assert_eq!(arm_history(RunId(8), &study, relu, &[], None), Vec::<String>::new());
    }

    #[test]
    fn a_steering_that_was_replaced_is_not_told() {
        let of = |arm, epoch, value, passed: &[u64]| Steering {
            arm,
            epoch,
            setting: SteeredSetting::LearningRate,
            value,
            passed: passed.to_vec(),
        };
        let (relu, tanh) = (ArmId::RELU_TANH, ArmId::ALL_TANH);
        let steerings = [of(relu, 5, 0.2, &[]), of(relu, 5, 0.5, &[]), of(tanh, 5, 0.3, &[]), of(tanh, 5, 0.4, &[1])];
        assert_eq!(describe_steerings(&steerings, relu).unwrap(), "learning rate 0.5 from epoch 5");
        // Seed 1 keeps the first.
        let kept = "learning rate 0.3 from epoch 5, 0.4 from epoch 5 (not seed 1)";
        assert_eq!(describe_steerings(&steerings, tanh).unwrap(), kept);
    }

    #[test]
    fn the_last_steering_up_to_an_epoch_counts_for_the_lanes_that_it_holds_for() {
        let of = |epoch, value, passed: &[u64]| Steering {
            arm: ArmId::RELU_TANH,
            epoch,
            setting: SteeredSetting::LearningRate,
            value,
            passed: passed.to_vec(),
        };
        let steerings = [of(3, 0.3, &[1]), of(5, 0.5, &[]), of(5, 0.6, &[2]), of(9, 0.9, &[])];
        let rates = |arm, seed| -> Vec<f64> {
            [2, 3, 4, 5, 8, 9].map(|epoch| steered_rate(&steerings, Lane { arm, seed }, epoch, 0.1)).into()
        };
        assert_eq!(rates(ArmId::RELU_TANH, 1), [0.1, 0.1, 0.1, 0.6, 0.6, 0.9]);
        assert_eq!(rates(ArmId::RELU_TANH, 2), [0.1, 0.3, 0.3, 0.5, 0.5, 0.9]);
        assert_eq!(rates(ArmId::ALL_TANH, 1), [0.1; 6]);
        // A kernel that was killed goes back to a checkpoint, so the later command may have the earlier epoch.
        let steerings = [of(4, 0.0001, &[]), of(3, 0.5, &[2])];
        let rates = |seed| -> Vec<f64> {
            let lane = Lane { arm: ArmId::RELU_TANH, seed };
            (2..=5).map(|epoch| steered_rate(&steerings, lane, epoch, 0.1)).collect()
        };
        assert_eq!(rates(1), [0.1, 0.5, 0.5, 0.5]);
        assert_eq!(rates(2), [0.1, 0.1, 0.0001, 0.0001]);
    }

    #[test]
    fn what_can_not_be_steered_is_refused_with_the_remedy() {
        assert_eq!(SteeredSetting::parse("learning-rate=0.03").unwrap(), (SteeredSetting::LearningRate, 0.03));
        for (text, word) in
            [("0.03", "write lr=0.03"), ("wd=0.1", "relu fork"), ("lr=0", "more than 0"), ("lr=x", "number")]
        {
            let error = SteeredSetting::parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
