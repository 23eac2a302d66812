//! How a learning rate changes while a network trains.

use super::super::{Parameter, format_real};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The factor of the learning rate for a step, by its position in training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Schedule {
    #[default]
    Constant,
    /// From the full rate down to 0 after the last step.
    Linear,
    /// Half a cosine, from the full rate down to 0 after the last step (Loshchilov and Hutter 2017, without restarts).
    Cosine,
    /// Multiplied by the factor after every so many epochs.
    Steps { every: u32, factor: Parameter },
    /// Multiplied by the factor after each of these epochs.
    Drops { after: Drops, factor: Parameter },
}

/// The epochs after which a rate drops: one to [`Drops::MOST`], ascending, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drops {
    /// Zeros behind the last.
    epochs: [u32; Self::MOST],
}

impl Drops {
    pub const MOST: usize = 6;

    /// `None` if there is none, if there are too many, or if they do not ascend from 1.
    pub fn new(after: &[u32]) -> Option<Self> {
        let ascend = after.windows(2).all(|pair| pair[0] < pair[1]);
        let mut epochs = [0; Self::MOST];
        epochs.get_mut(..after.len())?.copy_from_slice(after);
        let is_sound = ascend && epochs[0] >= 1 && after.last().is_some_and(|last| *last <= 10_000);
        is_sound.then_some(Self { epochs })
    }

    fn epochs(&self) -> impl Iterator<Item = u32> + '_ {
        self.epochs.iter().copied().take_while(|epoch| *epoch > 0)
    }
}

/// The position of a step in a lane's training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepPlace {
    /// Steps done in earlier epochs and in this one.
    pub step: u64,
    /// Steps per epoch.
    pub steps_per_epoch: u32,
    pub epochs: u32,
}

impl Schedule {
    /// The factor of this step's learning rate. In the first `warmup` epochs it rises linearly from one step's share to
    /// 1 (Goyal et al. 2017); the schedule runs over all epochs.
    pub fn factor(self, warmup: u32, place: StepPlace) -> f64 {
        let StepPlace { step, steps_per_epoch, epochs } = place;
        let warm = u64::from(warmup) * u64::from(steps_per_epoch);
        let rising = if step < warm { (step + 1) as f64 / warm as f64 } else { 1.0 };
        let all = (u64::from(epochs) * u64::from(steps_per_epoch)).max(1) as f64;
        let done = (step as f64 / all).min(1.0);
        let falling = match self {
            Self::Constant => 1.0,
            Self::Linear => 1.0 - done,
            Self::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
            Self::Steps { every, factor } => {
                let epoch = step / u64::from(steps_per_epoch.max(1));
                factor.value().powi((epoch / u64::from(every.max(1))) as i32)
            }
            Self::Drops { after, factor } => {
                let passed = step / u64::from(steps_per_epoch.max(1));
                factor.value().powi(after.epochs().filter(|epoch| u64::from(*epoch) <= passed).count() as i32)
            }
        };
        rising * falling
    }
}

impl fmt::Display for Schedule {
    /// `constant`, `linear`, `cosine`, `steps(30,0.1)`, `drops(100,120,0.1)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant => f.pad("constant"),
            Self::Linear => f.pad("linear"),
            Self::Cosine => f.pad("cosine"),
            Self::Steps { every, factor } => f.pad(&format!("steps({every},{})", format_real(factor.value()))),
            Self::Drops { after, factor } => {
                let epochs: Vec<String> = after.epochs().map(|epoch| epoch.to_string()).collect();
                f.pad(&format!("drops({},{})", epochs.join(","), format_real(factor.value())))
            }
        }
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let factor_of = |text: &str| {
            let factor = text.trim().parse::<f64>().ok()?;
            (factor > 0.0 && factor <= 1.0).then(|| Parameter::new(factor))
        };
        let steps = |inner: &str| {
            let (every, factor) = inner.strip_suffix(')')?.split_once(',')?;
            let (every, factor) = (every.trim().parse().ok()?, factor_of(factor)?);
            (1..=10_000).contains(&every).then_some(Self::Steps { every, factor })
        };
        let drops = |inner: &str| {
            let (epochs, factor) = inner.strip_suffix(')')?.rsplit_once(',')?;
            let epochs: Option<Vec<u32>> = epochs.split(',').map(|epoch| epoch.trim().parse().ok()).collect();
            Some(Self::Drops { after: Drops::new(&epochs?)?, factor: factor_of(factor)? })
        };
        if let Some(inner) = text.strip_prefix("drops(") {
            let most = Drops::MOST;
            return drops(inner).ok_or_else(|| {
                format!(
                    "`{text}` can't be; take 1 to {most} ascending epochs and then a factor of more than 0, at most 1, as in \
                     drops(100,120,0.1)"
                )
            });
        }
        match (text, text.strip_prefix("steps(")) {
            ("constant", _) => Ok(Self::Constant),
            ("linear", _) => Ok(Self::Linear),
            ("cosine", _) => Ok(Self::Cosine),
            (_, Some(inner)) if !inner.ends_with(')') => {
                Err(format!("`{text}`: its `(` is not closed; write it as in steps(30,0.1)"))
            }
            (_, Some(inner)) => steps(inner).ok_or_else(|| {
                format!(
                    "`{text}` can't be; take 1 to 10000 epochs and a factor of more than 0, at most 1, as in steps(30,0.1)"
                )
            }),
            (_, None) => Err(format!(
                "unknown schedule `{text}`; known are constant, linear, cosine, steps(30,0.1), which multiplies \
                 the rate by 0.1 every 30 epochs, and drops(100,120,0.1), which does so after epochs 100 and 120"
            )),
        }
    }
}

crate::stored_as_text::stored_as_text!(Schedule);

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(text: &str, warmup: u32, step: u64) -> f64 {
        let schedule: Schedule = text.parse().unwrap();
        assert_eq!(schedule.to_string(), text);
        schedule.factor(warmup, StepPlace { step, steps_per_epoch: 10, epochs: 4 })
    }

    #[test]
    fn factors_follow_the_formulas() {
        for (text, warmup, step, expected) in [
            ("constant", 0, 39, 1.0),
            ("constant", 2, 0, 0.05),
            ("constant", 2, 9, 0.5),
            ("constant", 2, 20, 1.0),
            ("linear", 0, 0, 1.0),
            ("linear", 0, 30, 0.25),
            ("cosine", 0, 20, 0.5),
            ("cosine", 0, 40, 0.0),
            ("steps(2,0.1)", 0, 19, 1.0),
            ("steps(2,0.1)", 0, 20, 0.1),
            ("linear", 1, 4, 0.5 * 0.9),
            ("drops(1,3,0.1)", 0, 9, 1.0),
            ("drops(1,3,0.1)", 0, 10, 0.1),
            ("drops(1,3,0.1)", 0, 29, 0.1),
            ("drops(1,3,0.1)", 0, 30, 0.01),
            ("drops(2,0.5)", 1, 4, 0.5),
        ] {
            let found = factor(text, warmup, step);
            assert!((found - expected).abs() < 1e-12, "{text} warmup {warmup} step {step}: {found}");
        }
    }

    #[test]
    fn an_unknown_schedule_is_named_with_the_remedy() {
        for (text, word) in [
            ("steps", "unknown schedule"),
            ("exponential", "unknown schedule"),
            ("steps(0,0.1)", "1 to 10000 epochs"),
            ("steps(3,2)", "at most 1"),
            ("steps(3,nan)", "at most 1"),
            ("steps(30,0.1", "not closed"),
        ] {
            let error = text.parse::<Schedule>().unwrap_err();
            assert!(error.contains(&format!("`{text}`")) && error.contains(word), "{error}");
            assert!(error.contains("steps(30,0.1)"), "{error}");
        }
        for text in
            ["drops(0.1)", "drops(0,0.1)", "drops(3,2,0.1)", "drops(3,2)", "drops(1,2,3,4,5,6,7,0.1)", "drops(3,0.1"]
        {
            let error = text.parse::<Schedule>().unwrap_err();
            assert!(error.contains(&format!("`{text}`")) && error.contains("drops(100,120,0.1)"), "{error}");
        }
    }
}
