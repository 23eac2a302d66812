//! The edge: terminal guard, input thread, event loop, kernel client.

pub mod client;
