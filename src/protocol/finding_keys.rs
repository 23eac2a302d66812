//! The keys under which each experiment's findings stand: a claim that asks for another would stay untried for ever.

use super::Experiment;

/// The keys of a race.
pub const RACE: &[&str] = &["race.best-by.*", "race.ratio"];

impl Experiment {
    /// Every key that it may find; `*` stands for an activation, a rate, a number of labels and the like.
    pub fn finding_keys(&self) -> &'static [&'static str] {
        match self {
            Self::Curves(_) => &["curves.steepest.*", "curves.ends.*"],
            Self::Lif(_) => &[
                "lif.threshold",
                "lif.concave",
                "lif.closed-form.gap",
                "lif.rms.closed-form",
                "lif.rms.relu",
                "lif.rms.softplus",
                "lif.rms.sigmoid",
                "lif.still-rising",
            ],
            Self::ActiveFraction(_) => &["sparsity.zeros.*", "sparsity.active.*", "sparsity.mean.*"],
            Self::GradientDepth(_) => &["gradient.ratio.*"],
            Self::ReluForms(_) => &["relu-forms.at-zero.*", "relu-forms.tie.*"],
            Self::BuiltRelu(_) => &["built-relu.pass", "built-relu.count", "built-relu.nan", "built-relu.at-zero.*"],
            Self::SparsityFigure(_) => &["sparsity-figure.lowest", "sparsity-figure.times.*"],
            Self::AlexnetFigure(_) => &["alexnet.epochs.*", "alexnet.ratio"],
            Self::Pretraining(_) => {
                &["pretraining.error.*.without.*", "pretraining.error.*.with.*", "pretraining.gain.*"]
            }
            Self::Separability(_) => &["separability.error.*", "separability.train.*", "separability.zeros.*"],
            Self::Tricks(_) => &["tricks.error.*", "tricks.gain.*", "tricks.sum.*", "tricks.share.*", "tricks.camp.*"],
            Self::SparsityError(_) => &[
                "sparsity-error.*.best-zeros",
                "sparsity-error.*.best-error",
                "sparsity-error.*.below-ratio",
                "sparsity-error.*.band-ratio",
                "sparsity-error.*.above-ratio",
                "sparsity-error.*.far-above-ratio",
            ],
            Self::Dying(dying) if dying.bias == 0.0 => &["dying.dead.*", "dying.revived.*", "dying.error.*"],
            Self::Dying(_) => &["dying.low-bias.dead.*", "dying.low-bias.revived.*", "dying.low-bias.error.*"],
            Self::ActivationCost(_) => &[
                "activation-cost.ns.*",
                "activation-cost.times-relu.*",
                "activation-cost.share.*",
                "activation-cost.step.*",
            ],
            Self::LinearPieces(_) => &[
                "linear-pieces.gap",
                "linear-pieces.error",
                "linear-pieces.active",
                "linear-pieces.paths",
                "linear-pieces.patterns",
                "linear-pieces.alone",
                "linear-pieces.switches",
                "linear-pieces.plane",
            ],
            Self::DeepTraining(_) => &["deep-training.loss.*", "deep-training.error.*", "deep-training.learning"],
            Self::Saturation(_) => &["saturation.fresh.*", "saturation.trained.*"],
            Self::Disentangle(_) => &[
                "disentangle.still.*",
                "disentangle.switch.*",
                "disentangle.distance.*",
                "disentangle.busy.*",
                "disentangle.together.*",
            ],
            Self::Activity(_) => &[
                "activity.on.*",
                "activity.varies.*",
                "activity.chance.*",
                "activity.ink.*",
                "activity.same.*",
                "activity.other.*",
                "activity.classes.*",
                "activity.patterns.*",
                "activity.never.*",
            ],
            Self::SparseCoding(_) => &[
                "sparse-coding.nonzero",
                "sparse-coding.snr",
                "sparse-coding.snr.pca",
                "sparse-coding.kurtosis.sparse",
                "sparse-coding.kurtosis.pca",
            ],
            Self::TwoAtoms(_) => &["two-atoms.first", "two-atoms.second", "two-atoms.silenced"],
            Self::Ista(_) => &["ista.gap", "ista.settled.*", "ista.agree.*"],
        }
    }
}

/// Whether one of these patterns takes a key.
pub fn finds(patterns: &[&str], key: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, key))
}

fn matches(pattern: &str, key: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == key,
        Some((before, behind)) => key.strip_prefix(before).is_some_and(|rest| {
            (1..=rest.len()).any(|end| rest.is_char_boundary(end) && matches(behind, &rest[end..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_their_keys_alone() {
        let patterns = ["dying.dead.*", "pretraining.error.*.with.*", "lif.threshold"];
        for key in ["dying.dead.relu.0.2", "pretraining.error.relu.with.100", "lif.threshold"] {
            assert!(finds(&patterns, key), "{key}");
        }
        for key in ["dying.ded.relu.0.2", "dying.dead.", "pretraining.error.relu.without.100", "lif.thresholds", ""] {
            assert!(!finds(&patterns, key), "{key}");
        }
    }
}
