//! How pixels become the inputs of a network.

use serde::{Deserialize, Serialize};

/// How pixels become the inputs of a network. Means and deviations are those of the training images; the zeros around an
/// image stay zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inputs {
    /// value/255, in [0, 1].
    #[default]
    Unit,
    /// Less the mean of their colour, divided by its standard deviation.
    Standardised,
    /// Values of 0 to 255, less the mean image: the mean of each pixel and colour. As in cuda-convnet.
    MeanImage,
}
