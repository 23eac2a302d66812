//! Sparse coding: a few columns of a learned dictionary for each patch of a picture, and what it has to do with
//! rectifiers.

mod coding;
mod dictionary;
mod ista;
mod patches;
mod two_atoms;

pub use coding::run as run_coding;
pub use ista::run as run_ista;
pub use two_atoms::run as run_two_atoms;
