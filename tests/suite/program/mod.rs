//! The real programs, on real pseudo-terminals where that matters.

mod cli;
mod copying;
mod crashes;
mod failures;
mod follow;
mod frozen;
mod kernel_start;
mod notebook_start;
mod pty;
mod unreadable;
mod views;
