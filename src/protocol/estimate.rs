//! Estimates how long work takes on this machine: from what earlier work took here, else from defaults.

use super::{ArmSettings, Backend, ExperimentSpec, Inputs, Network, Norm, Study, format_estimate};
use std::mem::discriminant;
use std::{collections::HashSet, fmt};

/// How long something is expected to take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub seconds: f64,
    pub basis: Basis,
}

/// What an estimate is based on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Earlier times on this machine.
    ThisMachine,
    /// Times of the machine on which the defaults were measured, because this one has not done anything like it yet.
    Default,
}

impl fmt::Display for Estimate {
    /// `about 40 seconds here`, or `about 40 seconds, estimated`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = format_estimate(self.seconds);
        match self.basis {
            Basis::ThisMachine => write!(f, "{seconds} here"),
            Basis::Default => write!(f, "{seconds}, estimated"),
        }
    }
}

/// The mean time of one lane's epoch in a run, with its evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct RunTiming {
    pub spec: Study,
    pub epoch_seconds: f64,
}

/// What earlier work took on this machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Timings {
    pub cores: u32,
    /// What was measured, and how long it took; the newest last.
    experiments: Vec<(ExperimentSpec, f64)>,
    /// The newest first.
    pub runs: Vec<RunTiming>,
}

impl Default for Timings {
    /// Without earlier work, on the two cores for which the defaults hold.
    fn default() -> Self {
        Self { cores: DEFAULT_CORES, experiments: Vec::new(), runs: Vec::new() }
    }
}

/// The number of cores for which [`super::Settings::seconds`] is given.
const DEFAULT_CORES: u32 = 2;
/// Shorter measurements say how long starting takes, not how fast the machine is.
const MIN_SECONDS: f64 = 0.5;
/// Seconds of a lane's epoch at LeNet-4's widths, with 50,000 images in training and 20,000 evaluated, with the fused
/// layers.
const LENET4_EPOCH: f64 = 0.6;
/// The factor by which LibTorch's own operators are slower.
const LIBTORCH: f64 = 5.0;
/// Test images that are evaluated after each epoch.
const TEST_IMAGES: f64 = 10_000.0;

impl Timings {
    /// Without earlier work, on a machine with so many cores.
    pub fn on(cores: u32) -> Self {
        Self { cores, ..Self::default() }
    }

    /// Records how long a measurement took. Of the same settings the newest counts.
    pub fn record_experiment(&mut self, spec: &ExperimentSpec, seconds: f64) {
        if seconds.is_finite() && seconds > 0.0 {
            self.experiments.retain(|(known, _)| !same_work(known, spec));
            self.experiments.push((spec.clone(), seconds));
        }
    }

    /// How long an experiment takes: the time that it took before; else the default, corrected by the ratio that the
    /// same experiment had with other settings, or by the median ratio of all experiments. The default counts as one of
    /// these, so that one measurement on a machine that was busy does not multiply all other times.
    pub fn experiment(&self, spec: &ExperimentSpec) -> Estimate {
        let learned = |seconds| Estimate { seconds, basis: Basis::ThisMachine };
        if let Some((_, seconds)) = self.experiments.iter().rev().find(|(known, _)| same_work(known, spec)) {
            return learned(*seconds);
        }
        let kind = discriminant(&spec.experiment);
        let telling = |known: &ExperimentSpec| known.seconds() >= MIN_SECONDS;
        let factors = |same: bool| {
            let known = self.experiments.iter().filter(move |(known, _)| telling(known));
            let known = known.filter(move |(known, _)| !same || discriminant(&known.experiment) == kind);
            known.map(|(known, seconds)| seconds / known.seconds()).collect::<Vec<f64>>()
        };
        let default = spec.seconds();
        if let Some(factor) = factors(true).last().copied().or_else(|| median_with_default(factors(false)))
            && telling(spec)
        {
            return learned(default * factor);
        }
        let fewer = f64::from(DEFAULT_CORES) / f64::from(self.cores.clamp(1, DEFAULT_CORES));
        Estimate { seconds: default * fewer, basis: Basis::Default }
    }

    /// How long a run takes with all cores to itself: from the epochs of the newest runs with the same widths, batch and
    /// backend, else of the newest with the same backend, in proportion to the multiply-adds. Of the newest three the
    /// fastest counts: the others had to share the cores.
    pub fn run(&self, spec: &Study) -> Estimate {
        let alike = |timing: &&RunTiming| engine(&timing.spec) == engine(spec) && timing.spec.threads == spec.threads;
        let shape = |spec: &Study| {
            let of = |settings: &ArmSettings| (settings.widths.clone(), settings.batch);
            (spec.network, spec.arms.iter().map(|arm| of(&arm.settings)).collect::<HashSet<_>>())
        };
        let same = |timing: &&RunTiming| shape(&timing.spec) == shape(spec) && alike(timing);
        let epoch = |timing: &RunTiming| timing.epoch_seconds * work(spec) / work(&timing.spec);
        let fastest = |known: &mut dyn Iterator<Item = &RunTiming>| known.take(3).map(epoch).min_by(f64::total_cmp);
        let known =
            fastest(&mut self.runs.iter().filter(same)).or_else(|| fastest(&mut self.runs.iter().filter(alike)));
        let (epoch, basis) = if let Some(epoch) = known {
            (epoch, Basis::ThisMachine)
        } else {
            let slower = if engine(spec) == Backend::Fused { 1.0 } else { LIBTORCH };
            let article = Study::of(super::Preset::Article);
            (slower * LENET4_EPOCH * work(spec) / work(&article), Basis::Default)
        };
        let cores = self.cores.max(1);
        let at_once = cores / spec.threads.clamp(1, cores);
        let rounds = (spec.arms.len() * spec.seeds.len()).div_ceil(at_once as usize);
        Estimate { seconds: epoch * f64::from(spec.epochs) * rounds as f64, basis }
    }
}

/// Whether both take the same time. Steering does not change it.
fn same_work(one: &ExperimentSpec, other: &ExperimentSpec) -> bool {
    one.effort == other.effort && one.has_same_findings(other)
}

/// Which backend computes it. LibTorch takes over with several threads per lane, with normalisation, with an activation
/// that is trained and, of LeNet-4, with inputs other than pixels from 0 to 1; and it computes every multilayer perceptron.
fn engine(spec: &Study) -> Backend {
    let fits = |ArmSettings { activations, norm, inputs, .. }: &ArmSettings| {
        let is_plain = *norm == Norm::None && !activations.conv.is_trained() && !activations.fc.is_trained();
        is_plain
            && match spec.network {
                Network::Lenet4 => *inputs == Inputs::Unit,
                Network::Convnet => true,
                Network::Mlp => false,
            }
    };
    let is_fused = spec.threads == 1 && spec.arms.iter().all(|arm| fits(&arm.settings));
    if is_fused { spec.backend } else { Backend::Libtorch }
}

/// Multiply-adds of one lane's epoch, the mean over the arms. An image in training counts three times: forward, and
/// backward to weights and input.
fn work(spec: &Study) -> f64 {
    let of = |settings: &ArmSettings| spec.network.multiply_adds(&settings.widths);
    let image = spec.arms.iter().map(|arm| of(&arm.settings)).sum::<f64>() / spec.arms.len().max(1) as f64;
    image * (3.0 * f64::from(spec.train_size) + f64::from(spec.val_size) + TEST_IMAGES)
}

/// The median of these ratios and of 1, which is the default's; of two in the middle their geometric mean. `None` without
/// ratios.
fn median_with_default(mut ratios: Vec<f64>) -> Option<f64> {
    if ratios.is_empty() {
        return None;
    }
    ratios.push(1.0);
    ratios.sort_by(f64::total_cmp);
    let (low, high) = (ratios[(ratios.len() - 1) / 2], ratios[ratios.len() / 2]);
    Some((low * high).sqrt())
}

#[cfg(test)]
mod tests {
    use super::super::{ConvStart, Dying, Effort, Experiment, Preset, Tricks};
    use super::*;

    fn spec(experiment: Experiment, effort: Effort) -> ExperimentSpec {
        ExperimentSpec { experiment, effort, seeds: vec![1] }
    }

    fn near(estimate: Estimate, seconds: f64, basis: Basis) {
        assert!((estimate.seconds - seconds).abs() < 1e-6 * seconds && estimate.basis == basis, "{estimate:?}");
    }

    #[test]
    fn an_experiment_takes_what_it_took_or_what_its_kind_did() {
        let (dying, tricks) = (Experiment::Dying(Dying::default()), Experiment::Tricks(Tricks::default()));
        let (quick, full) = (spec(tricks.clone(), Effort::Quick), spec(tricks, Effort::Full));
        let other = spec(dying, Effort::Quick);
        let mut timings = Timings::default();
        near(timings.experiment(&quick), quick.seconds(), Basis::Default);
        assert!(timings.experiment(&quick).to_string().ends_with(", estimated"));
        // Half the cores, so twice the time.
        near(Timings::on(1).experiment(&quick), 2.0 * quick.seconds(), Basis::Default);
        timings.record_experiment(&quick, 3.0 * quick.seconds());
        near(timings.experiment(&quick), 3.0 * quick.seconds(), Basis::ThisMachine);
        near(timings.experiment(&full), 3.0 * full.seconds(), Basis::ThisMachine);
        // One measurement beside the default: the machine may have been busy.
        near(timings.experiment(&other), 3.0_f64.sqrt() * other.seconds(), Basis::ThisMachine);
        let mut busy = timings.clone();
        busy.record_experiment(&spec(Experiment::Dying(Dying::default()), Effort::Full), 300.0 * 3600.0);
        let third = spec(Experiment::ConvStart(ConvStart::default()), Effort::Quick);
        assert!(busy.experiment(&third).seconds <= 3.1 * third.seconds(), "{:?}", busy.experiment(&third));
        timings.record_experiment(&quick, 72.0);
        near(timings.experiment(&quick), 72.0, Basis::ThisMachine);
        assert_eq!(timings.experiment(&quick).to_string(), "about 1 minute here");
        // A time of zero is ignored.
        timings.record_experiment(&quick, f64::NAN);
        near(timings.experiment(&quick), 72.0, Basis::ThisMachine);
    }

    #[test]
    fn a_race_takes_what_its_lanes_epochs_do_on_the_cores_there_are() {
        let article = Study::of(Preset::Article);
        let mut timings = Timings::default();
        near(timings.run(&article), 150.0 * LENET4_EPOCH, Basis::Default);
        timings.runs = vec![RunTiming { spec: article.clone(), epoch_seconds: 1.5 }];
        near(timings.run(&article), 225.0, Basis::ThisMachine);
        // Five seeds of two arms on two cores: five rounds; on four cores three.
        let seeds = Study { seeds: vec![1, 2, 3, 4, 5], epochs: 10, ..article.clone() };
        near(timings.run(&seeds), 75.0, Basis::ThisMachine);
        near(Timings { cores: 4, ..timings.clone() }.run(&seeds), 45.0, Basis::ThisMachine);
        // Fewer images take less, in proportion to what is trained and evaluated.
        let few = Study { train_size: 10_000, ..article.clone() };
        near(timings.run(&few), 225.0 * 50.0 / 170.0, Basis::ThisMachine);
        // One of the last three had the cores to itself.
        let slow = |epoch_seconds: f64| RunTiming { spec: article.clone(), epoch_seconds };
        timings.runs = vec![slow(90.0), slow(60.0), slow(1.5), slow(0.1)];
        near(timings.run(&article), 225.0, Basis::ThisMachine);
        let convnet = Study::of(Preset::CifarGlorot);
        assert_eq!(timings.run(&convnet).basis, Basis::ThisMachine, "its kernels are fused too");
        // No earlier run was computed by LibTorch here.
        let norm = "all-relu; all-tanh | preset=cifar-glorot norm=batch".parse().unwrap();
        assert_eq!(timings.run(&norm).basis, Basis::Default);
        let libtorch = Study { backend: Backend::Libtorch, ..article };
        assert_eq!(timings.run(&libtorch).basis, Basis::Default);
        assert_eq!(timings.run(&Study { threads: 2, ..seeds }).basis, Basis::Default);
    }
}
