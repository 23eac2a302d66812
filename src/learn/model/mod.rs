//! The networks of the course.

mod lenet4;

pub use lenet4::{LeNet4, PADDING, PARAMETERS, WeightsError, checked, export};
