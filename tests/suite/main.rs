//! Every test that crosses rooms, in one program: each program of its own would link LibTorch anew.

#![allow(clippy::unwrap_used)]

mod common;
mod kernel;
mod notebook;
mod program;
mod training;
