//! What the kernel and the store tell the notebook.

mod kernel;
pub(crate) mod pending;
mod store;
