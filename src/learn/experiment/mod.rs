//! What lessons measure: one experiment a file. Every number is computed here or cited from a data file.
//!
//! | experiment | settings | figures | findings (`A` an activation, `I` an initialisation) |
//! |---|---|---|---|
//! | `curves` | activations, from, to | values; derivatives | `curves.steepest.A`, `curves.ends.A` |
//! | `lif` | current, milliseconds | trace; rate against current | `lif.threshold`, `lif.concave`, `lif.closed-form.gap`, `lif.rms.closed-form`, `lif.rms.relu`, `lif.rms.softplus` |
//! | `active-fraction` | activations, width, images | zeros per layer; table | `sparsity.zeros.A`, `sparsity.active.A`, `sparsity.mean.A` |
//! | `gradient-depth` | activations, inits, depth, width, images | RMS per layer, one plot an initialisation; table | `gradient.ratio.A.I` |
//! | `relu-forms` | none | value and gradient; ties | `relu-forms.at-zero.FORM`, `relu-forms.tie.REDUCTION` |
//! | `built-relu` | operations | values of what was built; slopes | `built-relu.pass`, `built-relu.count`, `built-relu.nan`, `built-relu.at-zero.CHAIN` |
//! | `sparsity-figure` | none | the paper's Fig. 3; mean errors | `sparsity-figure.lowest`, `sparsity-figure.times.95`, `sparsity-figure.times.98.5` |
//! | `alexnet-figure` | target | training error by epoch | `alexnet.epochs.relu`, `alexnet.epochs.tanh`, `alexnet.ratio` |
//! | `sparsity-error` | penalties, forced, width, images, epochs | test error against zeros; relative to the best, with the paper's Fig. 3; table | `sparsity-error.W.best-zeros`, `sparsity-error.W.best-error`, `sparsity-error.W.below-ratio` (band, above, far-above), `W` being `l1`, `forced` |
//! | `dying` | rates, bias, width, images, epochs | silent units by epoch; table | `dying.dead.A.RATE`, `dying.revived.A.RATE`, `dying.error.A.RATE`; with a bias `dying.low-bias.dead.A.RATE` and so on |
//! | `tricks` | activations, tricks, width, images, epochs, learning-rate | of each activation: test error by epoch; bars of the gains; table | `tricks.error.A.T`, `tricks.gain.A.T`, `T` being `plain`, `together` or a trick's name; `tricks.sum.A`, `tricks.share.A`; `tricks.camp.A.descent`, `tricks.camp.A.new-digits` |
//! | `pretraining` | activations, labels, unlabelled, epochs, width | table beside the paper's Table 1; error by labels | `pretraining.error.A.without.LABELS`, `pretraining.error.A.with.LABELS`, `pretraining.gain.A.LABELS` |
//! | `separability` | activations, width, images, epochs | test error of linear probes; error against zeros; table | `separability.error.F`, `separability.train.F`, `separability.zeros.F`, `F` being `pixels`, `random.A`, `random.relu-80` (90, 97), `trained.A.1`, `trained.A.2` |
//! | `activation-cost` | activations, small, large, rounds | bars of ns an element, in and out of the cache; tables | `activation-cost.ns.A`, `activation-cost.times-relu.A`, `activation-cost.share.NET.A` |
//! | `linear-pieces` | width, depth, digits | units and paths of three digits; weights of their pieces; logits along a line; a plane by piece and by class | `linear-pieces.gap`, `linear-pieces.paths`, `linear-pieces.patterns`, `linear-pieces.switches`, ... |
//! | `activity` | penalties, width, images, epochs | digits by the units they wake; units by class; overlaps | `activity.W.P`, `W` being `on`, `varies`, `chance`, `ink`, `same`, `other`, `classes`, `patterns`, `never`, `P` `plain`, `l1` (`l1.PENALTY` where there are several) |
//! | `sparse-coding` | atoms, price, batches, steps | the dictionary; patches taken apart; principal components; sizes of coefficients; table | `sparse-coding.nonzero`, `sparse-coding.snr`, `sparse-coding.snr.pca`, `sparse-coding.kurtosis.sparse`, `sparse-coding.kurtosis.pca` |
//! | `ista` | atoms, prices, batches, patches | a step unit by unit; units and cost by layers; table | `ista.gap`, `ista.settled.PRICE`, `ista.agree.PRICE`, `ista.agree.rise` |
//! | `two-atoms` | atoms, patch, price, steps | both coefficients by step; their plane; table | `two-atoms.first`, `two-atoms.second`, `two-atoms.silenced` |
//! | `disentangle` | activations, width, images, epochs, digits, steer | a digit and the units that answer it; units that switch, distance and errors by shift; table | `disentangle.W.C`, `W` being `still`, `switch`, `distance`, `busy`, `together`, `C` `pixels`, `A.1`, `A.2` |
//! | `deep-training` | cases, depth, width, learning-rates | training loss and validation error by epoch; table | `deep-training.loss.A.I`, `deep-training.error.A.I`, `I` followed by `.gain-G`, `.biases` or `.centred` where a case has them |
//! | `saturation` | activations, width, images, epochs | pre-activations after training; table | `saturation.fresh.A`, `saturation.trained.A` |

mod activation_cost;
mod active_fraction;
mod activity;
mod alexnet;
mod autoencoder;
mod bench;
mod built_relu;
mod cache;
mod curves;
mod deep_training;
mod disentangle;
mod dying;
mod gradient_depth;
mod lif;
mod linear_pieces;
mod mean_field;
mod mlp;
mod penalised;
mod pretraining;
mod reference;
mod relu_forms;
mod saturation;
mod separability;
mod sparse;
mod sparsity_error;
mod sparsity_figure;
mod summary;
mod tricks;

pub use cache::Cache;

use super::data::{DataError, Dataset};
use super::machine;
use bench::Bench;
use protocol::{Experiment, ExperimentSpec, Outcome, SpecError};
use std::sync::Arc;
use std::time::Instant;

/// What a measurement tells, and what it is told.
pub trait CellObserver {
    /// `done` from 0 to 1.
    fn progress(&mut self, done: f64, doing: &str, partial: Option<&Outcome>);
    /// Asked between steps of a measurement.
    fn should_stop(&mut self) -> bool;
    /// On how many threads a measurement may compute from now on: at least 1, at most `wanted`. Asked a few times a second
    /// while `busy` threads compute. If the answer is less than that, so many end once their part is done.
    fn cores(&mut self, _busy: usize, wanted: usize) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from).min(wanted).max(1)
    }
}

/// What measurements share.
pub struct Context<'a> {
    /// Gives MNIST, loading it at the first call.
    pub mnist: &'a dyn Fn() -> Result<Arc<Dataset>, DataError>,
    /// What earlier measurements trained.
    pub cache: &'a Cache,
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    #[error("stopped")]
    Stopped,
    #[error(transparent)]
    Spec(#[from] SpecError),
    #[error(transparent)]
    Data(#[from] DataError),
    #[error("LibTorch: {0}")]
    Torch(#[from] tch::TchError),
}

/// Measures on the calling thread; the same spec gives the same numbers on the same machine.
pub fn run(
    spec: &ExperimentSpec,
    context: &Context,
    observer: &mut dyn CellObserver,
) -> Result<Outcome, ExperimentError> {
    spec.check()?;
    machine::use_threads(1);
    let start = Instant::now();
    let mut bench = Bench::new(spec.effort, &spec.seeds, context, observer);
    let bench = &mut bench;
    bench.step(0.0, "starting")?;
    let mut outcome = match &spec.experiment {
        Experiment::Curves(settings) => curves::run(settings),
        Experiment::Lif(settings) => lif::run(settings, bench),
        Experiment::ActiveFraction(settings) => active_fraction::run(settings, bench),
        Experiment::GradientDepth(settings) => gradient_depth::run(settings, bench),
        Experiment::ReluForms(_) => relu_forms::run(),
        Experiment::BuiltRelu(settings) => built_relu::run(settings),
        Experiment::SparsityFigure(_) => Ok(sparsity_figure::run()),
        Experiment::AlexnetFigure(settings) => Ok(alexnet::run(settings)),
        Experiment::Dying(settings) => dying::run(settings, bench),
        Experiment::SparsityError(settings) => sparsity_error::run(settings, bench),
        Experiment::Tricks(settings) => tricks::run(settings, bench),
        Experiment::Pretraining(settings) => pretraining::run(settings, bench),
        Experiment::Separability(settings) => separability::run(settings, bench),
        Experiment::ActivationCost(settings) => activation_cost::run(settings, bench),
        Experiment::LinearPieces(settings) => linear_pieces::run(settings, bench),
        Experiment::DeepTraining(settings) => deep_training::run(settings, bench),
        Experiment::Saturation(settings) => saturation::run(settings, bench),
        Experiment::Disentangle(settings) => disentangle::run(settings, bench),
        Experiment::Activity(settings) => activity::run(settings, bench),
        Experiment::SparseCoding(settings) => sparse::run_coding(settings, bench),
        Experiment::Ista(settings) => sparse::run_ista(settings, bench),
        Experiment::TwoAtoms(settings) => Ok(sparse::run_two_atoms(settings)),
    }?;
    // What was kept from an earlier measurement took that one's time.
    outcome.seconds = outcome.seconds.max(start.elapsed().as_secs_f64());
    Ok(outcome)
}

#[cfg(test)]
mod tests;
