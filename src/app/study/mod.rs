//! Studies: a run with its curves, the cell that trains it, and the form that edits its study.

pub(crate) mod form;
pub(crate) mod train_cell;
pub(crate) mod training_run;
