//! Networks that answer what the reader draws.

pub mod digit;
