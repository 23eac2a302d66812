//! Training: one loop (`descent`) for every network, and a lane of a run with it (`lane`).

mod descent;
mod lane;
mod layer_metrics;
mod settings;

pub use descent::{BatchPlace, Descent, EpochEnd, Objective, are_finite, step};
pub(crate) use lane::LaneNetwork;
pub use lane::{TrainError, train, train_lane};
pub(crate) use layer_metrics::{FLAT, activation_of};
pub use settings::{LaneSettings, RatePlace};
