//! Networks: an [`Architecture`] is a description of layers; a [`Network`] is one with weights, for images of one shape.

mod architecture;
#[allow(clippy::module_inception)] // The folder's idea is the file's.
mod network;
mod weights;

pub use architecture::{Architecture, Group, Layer, ParameterShape, Pooling, Role};
pub use network::{HiddenLayer, Mode, Network};
pub use weights::{WeightsError, checked, export};
