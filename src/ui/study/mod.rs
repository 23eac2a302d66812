//! A study's training on the screen: the chart of a run, and its numbers.

pub mod results;
pub mod train_cell;
