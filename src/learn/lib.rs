//! Everything that uses LibTorch, in the order of the lessons: data, network, training, evaluation, checkpoint.

pub mod activation;
pub mod data;
mod engine;
mod evaluate;
pub mod experiment;
pub mod fused;
pub mod init;
pub mod machine;
pub mod network;
mod observer;
pub mod optim;
pub mod random;
pub mod train;
pub mod view;

pub mod checkpoint;

pub use data::{DataError, Dataset, Split};
pub use engine::Engine;
pub use evaluate::{Evaluation, evaluate};
pub use observer::{Control, Ending, Environment, NamedTensor, Observer, Snapshot};
pub use train::{TrainError, train_lane};
