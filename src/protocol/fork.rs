//! A run that goes on from an epoch of another one, with settings changed.

use super::{ArmId, RunId, SETTINGS, Setting, SettingValue, SpecError, SteeredSetting, Steering, Study};
use serde::{Deserialize, Serialize};

/// Where a run was forked: it has the history of its parent up to this epoch, and its checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    pub parent: RunId,
    pub epoch: u32,
}

impl Fork {
    /// As the rest of a sentence on the run.
    pub fn sentence(self) -> String {
        format!("is forked from run {} at epoch {}", self.parent, self.epoch)
    }
}

/// The study of a fork: of the parent's arms those that are named, or all, with these settings from `epoch` on.
///
/// # Errors
/// If there is no such arm or setting, or it can't change in mid-run; with the reason.
pub fn forked_study(
    parent: &Study,
    arms: &[ArmId],
    epoch: u32,
    changes: &[(String, String)],
) -> Result<Study, SpecError> {
    let mut study = parent.clone();
    let arms: Vec<ArmId> = arms.iter().map(|arm| parent.find_arm(*arm).unwrap_or(*arm)).collect();
    if let Some(unknown) = arms.iter().find(|arm| parent.settings(**arm).is_none()) {
        let known: Vec<String> = parent.arm_ids().map(|arm| arm.to_string()).collect();
        let message = format!("there is no {unknown}; there are {}", known.join(", "));
        return Err(SpecError { field: "arms", message });
    }
    if !arms.is_empty() {
        study.arms.retain(|arm| arms.contains(&arm.id));
    }
    for (at, (key, text)) in changes.iter().enumerate() {
        let setting = changeable(key)?;
        let fault = |message| SpecError { field: setting.key, message };
        let is_same =
            |(other, _): &(String, String)| Setting::find(other).is_some_and(|other| other.key == setting.key);
        if changes[..at].iter().any(is_same) {
            return Err(fault("it is named twice; name each setting once".into()));
        }
        match &setting.value {
            SettingValue::Study(value) => value.parse(&mut study, text).map_err(fault)?,
            SettingValue::Arm(value) => {
                for arm in &mut study.arms {
                    value.parse(&mut arm.settings, text).map_err(fault)?;
                }
            }
        }
    }
    if epoch == 0 {
        let message = "no checkpoint is kept of the initial weights; `relu train` begins a run with other settings";
        return Err(SpecError { field: "epoch", message: message.into() });
    }
    if study.epochs <= epoch {
        let message = format!("nothing follows epoch {epoch}; take an earlier one, or epochs= more than {epoch}");
        return Err(SpecError { field: "epochs", message });
    }
    study.check()?;
    Ok(study)
}

fn changeable(key: &str) -> Result<&'static Setting, SpecError> {
    let Some(setting) = Setting::find(key) else {
        let known: Vec<&str> =
            SETTINGS.iter().filter(|setting| setting.fixed.is_none()).map(|setting| setting.key).collect();
        let message = format!("unknown setting `{key}`; a fork may change {}", known.join(", "));
        return Err(SpecError { field: "fork", message });
    };
    match setting.fixed {
        Some(why) => Err(SpecError { field: setting.key, message: format!("it can't change in mid-run: {why}") }),
        None => Ok(setting),
    }
}

/// How a fork is steered: as its parent was, so that a fork that changes nothing has the parent's numbers. Where the fork
/// sets the learning rate itself, the parent's later steerings do not hold, and its earlier ones end with the fork.
pub fn forked_steerings(parent: &[Steering], study: &Study, epoch: u32, changes: &[(String, String)]) -> Vec<Steering> {
    let sets_rate = changes.iter().any(|(key, _)| SteeredSetting::of_key(key).is_some());
    let of_study = parent.iter().filter(|steering| study.settings(steering.arm).is_some());
    let mut steerings: Vec<Steering> =
        of_study.filter(|steering| !sets_rate || steering.epoch <= epoch).cloned().collect();
    if sets_rate {
        let is_steered = |arm: &ArmId| steerings.iter().any(|steering| steering.arm == *arm);
        let ends: Vec<Steering> = study
            .arms
            .iter()
            .filter(|arm| is_steered(&arm.id))
            .map(|arm| Steering {
                arm: arm.id,
                epoch: epoch + 1,
                setting: SteeredSetting::LearningRate,
                value: arm.settings.learning_rate,
                passed: Vec::new(),
            })
            .collect();
        steerings.extend(ends);
    }
    steerings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fork(text: &str, arms: &[&str], epoch: u32, changes: &[(&str, &str)]) -> Result<String, String> {
        let parent: Study = text.parse().unwrap();
        let arms: Vec<ArmId> = arms.iter().map(|arm| arm.parse().unwrap()).collect();
        let changes: Vec<_> = changes.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        forked_study(&parent, &arms, epoch, &changes).map(|study| study.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_may_change_in_mid_run_does() {
        let two = "relu-tanh; all-tanh lr=0.05 | epochs=9";
        assert_eq!(fork(two, &[], 4, &[]).unwrap(), two);
        assert_eq!(fork(two, &["all-tanh"], 4, &[("wd", "0.001")]).unwrap(), "all-tanh lr=0.05 wd=0.001 | epochs=9");
        let longer = fork(two, &[], 9, &[("epochs", "12"), ("lr", "0.2")]).unwrap();
        assert_eq!(longer, "relu-tanh; all-tanh | epochs=12 lr=0.2");
    }

    #[test]
    fn what_may_not_is_refused_with_the_reason() {
        for (arms, epoch, changes, word) in [
            (&[][..], 4, &[("widths", "1,2,3")][..], "widths: it can't change in mid-run: the weights have its shapes"),
            (&[], 4, &[("seeds", "9")], "in mid-run"),
            (&[], 4, &[("speed", "9")], "a fork may change epochs, batch, lr"),
            (&[], 4, &[("lr", "0.1"), ("learning-rate", "0.2")], "named twice"),
            (&[], 4, &[("lr", "-1")], "more than 0"),
            (&[], 9, &[], "epochs= more than 9"),
            (&[], 0, &[], "relu train"),
            (&["gelu-gelu"], 4, &[], "there are relu-tanh, all-tanh"),
        ] {
            let error = fork("relu-tanh; all-tanh | epochs=9", arms, epoch, changes).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_rate_of_its_own_ends_what_the_parent_was_steered_by() {
        let study: Study = "relu-tanh; all-tanh | epochs=9 lr=0.2".parse().unwrap();
        let of =
            |arm, epoch, value| Steering { arm, epoch, setting: SteeredSetting::LearningRate, value, passed: vec![] };
        let parent = [of(ArmId::RELU_TANH, 3, 0.3), of(ArmId::RELU_TANH, 6, 0.6), of(ArmId::ALL_TANH, 7, 0.7)];
        assert_eq!(forked_steerings(&parent, &study, 4, &[("wd".into(), "0".into())]), parent);
        let own = [("learning-rate".into(), "0.2".into())];
        let expected = [of(ArmId::RELU_TANH, 3, 0.3), of(ArmId::RELU_TANH, 5, 0.2)];
        assert_eq!(forked_steerings(&parent, &study, 4, &own), expected);
    }
}
