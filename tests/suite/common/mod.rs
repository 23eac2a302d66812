//! What several tests use.

pub mod cli;
pub mod digits;
pub mod direct;
pub mod disk;
pub mod kernel;
pub mod notebook;
pub mod session;
pub mod small_network;
pub mod store;
