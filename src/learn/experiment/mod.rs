//! What lessons measure: one experiment a file. Every number is computed here or cited from a data file.
//!
//! An experiment is a file of the same name in `protocol`, with its settings, figures and findings, and a file here, whose
//! `run` measures. Nothing lists them by hand.

mod autoencoder;
mod bench;
mod cache;
mod mean_field;
mod mlp;
mod penalised;
mod reference;
mod sparse;
mod summary;

macro_rules! declare {
    ($(($module:ident $name:ident),)*) => {
        $(
            // Every experiment has the same signature, also one that can't fail.
            #[allow(clippy::unnecessary_wraps)]
            mod $module;
        )*

        fn measure(experiment: &Experiment, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
            match experiment {
                $(Experiment::$name(settings) => $module::run(settings, bench),)*
            }
        }
    };
}
protocol::each_experiment!(declare);

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
    let mut outcome = measure(&spec.experiment, bench)?;
    // What was kept from an earlier measurement took that one's time.
    outcome.seconds = outcome.seconds.max(start.elapsed().as_secs_f64());
    Ok(outcome)
}

#[cfg(test)]
mod tests;
