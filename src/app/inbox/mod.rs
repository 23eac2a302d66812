//! What the kernel and the store tell the notebook.

pub(crate) mod pending;
mod reply;
mod told;
