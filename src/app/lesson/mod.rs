//! The open lesson: the reading position, and the state of its cells.

pub(crate) mod answers;
pub(crate) mod claims;
pub(crate) mod contents;
pub(crate) mod experiment;
mod experiment_cell;
pub(crate) mod folding;
pub(crate) mod ledger;
pub(crate) mod navigate;
pub(crate) mod pages;
pub(crate) mod position;
pub(crate) mod predicted_numbers;
pub(crate) mod predictions;
pub(crate) mod progress;
pub(crate) mod questions;
pub(crate) mod reload;
pub(crate) mod restore;
pub(crate) mod steer;
pub(crate) mod view;
