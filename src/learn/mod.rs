//! Everything that touches LibTorch. It reads like the lesson: data, model, training, evaluation, checkpoint.

mod observer;

pub use observer::{Control, Ending, Environment, NamedTensor, Observer, Snapshot};
