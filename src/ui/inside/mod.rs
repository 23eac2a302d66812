//! Draws networks that answer what the reader draws.

// Nothing calls it before its room is written.
#[allow(dead_code)]
pub mod digit;
