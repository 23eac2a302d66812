//! relu-notebook: one article about the ReLU, every claim of it measured live on LibTorch.
//!
//! The rooms, in reading order; `ARCHITECTURE.md` tells who may use whom.

pub mod mnist;
pub mod protocol;

pub mod lesson;

pub mod learn;
pub mod store;

pub mod kernel;

pub mod app;
pub mod shell;
pub mod ui;

pub mod cli;
