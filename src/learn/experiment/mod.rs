//! The measurements of the lessons, one experiment per file. Every number is computed here or cited from a data file.
//!
//! An experiment is a file here, whose `run` measures, and a file of the same name in `protocol`, with its settings and
//! the keys of its findings. Nothing lists them by hand.

mod autoencoder;
mod bench;
mod cache;
mod gains;
mod mean_field;
mod mlp;
mod penalised;
mod reference;
mod sparse;
mod steepness;
mod study_lane;
mod summary;

macro_rules! declare {
    ($(($module:ident $name:ident),)*) => {
        $(
            // Every experiment has the same signature, including one that can't fail.
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
use protocol::{DataSource, Experiment, ExperimentSpec, Outcome, SpecError};
use std::sync::Arc;
use std::time::Instant;

/// Receives the progress of a measurement, and tells it when to stop and how many threads it may use.
pub trait CellObserver {
    /// `done` from 0 to 1.
    fn progress(&mut self, done: f64, doing: &str, partial: Option<&Outcome>);
    /// Called between steps of a measurement.
    fn should_stop(&mut self) -> bool;
    /// The number of threads on which a measurement may compute from now on: at least 1, at most `wanted`. Called a few
    /// times a second while `busy` threads compute. If the result is less than that, so many threads end once their
    /// part is done.
    fn cores(&mut self, _busy: usize, wanted: usize) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from).min(wanted).max(1)
    }
}

/// What measurements share.
pub struct Context<'a> {
    /// Returns a data set, and loads it at the first call.
    pub data: &'a dyn Fn(&DataSource) -> Result<Arc<Dataset>, DataError>,
    /// What earlier measurements have trained.
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

/// Measures on the calling thread. The same spec gives the same numbers on the same machine.
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
    // A cached part of the outcome took the time of the earlier measurement.
    outcome.seconds = outcome.seconds.max(start.elapsed().as_secs_f64());
    Ok(outcome)
}

#[cfg(test)]
mod tests;
