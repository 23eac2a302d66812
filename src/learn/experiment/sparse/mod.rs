//! What the experiments on sparse coding share: a few columns of a learned dictionary for each patch of a picture.

pub mod dictionary;
pub mod patches;
