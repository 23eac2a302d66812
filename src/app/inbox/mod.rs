//! Events from the kernel and the store.

mod kernel;
pub(crate) mod pending;
mod store;
