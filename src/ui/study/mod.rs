//! Draws the training of a study: the chart of a run, and its numbers.

pub mod results;
pub mod train_cell;
