//! Convolution and max-pooling as one block, with images side by side.
//!
//! LeNet's convolutions have 1, 4 and 16 channels. A library that puts channels (or a row's pixels) side by side in a
//! vector register leaves most of it empty here, writes the whole convolution to memory, reads it back to throw three
//! quarters away, and in the backward pass multiplies by those three quarters of zeros. This block turns it round:
//!
//! ```text
//!   one vector = one pixel of 16 images               one pooling window = 4 vectors = 64 windows
//!
//!   channel 0, y 0, x 0 │ img0 img1 img2 … img15 │        a │ b        max(a, b, c, d), and in two bits
//!                   x 1 │ img0 img1 img2 … img15 │       ───┼───       a lane who won: all that the
//!                   x 2 │ img0 img1 img2 … img15 │        c │ d        backward pass has to know
//!                    ⋮
//! ```
//!
//! - Every instruction works on full vectors, whatever the channel counts, without a shuffle ([`vector`]).
//! - Four output channels of a window are sixteen sums in registers; only the maximum is ever stored ([`forward`]).
//! - The backward pass visits winners only: it picks the pixel ([`backward_weights`]) or the weight
//!   ([`backward_input`]) that belongs to each lane's winner instead of multiplying by zero.
//! - Elementwise work (the activation) does not care for the order, so it stays LibTorch's, on the same memory; its
//!   slope comes from LibTorch too, its affine part goes into the weights beside it ([`fold`]).
//! - The large fully connected layer reads the lanes as they lie ([`dense`]).
//! - Sums run in one fixed order: the same numbers give the same bits.
//!
//! Ties go to the first of a window and NaN is never lost, as in LibTorch, which is the oracle of the tests.
//!
//! Read on in this order: [`shape`] (sizes and where numbers lie), [`vector`] (one name for each vector instruction),
//! [`forward`], [`backward_weights`], [`backward_input`], [`fold`], [`dense`] with [`product`], and at last `lenet4`, which
//! puts them together. Then measure it: `cargo bench --bench kernels`.

// A kernel's parts must all melt into the one function that has the instruction set; see `vector`.
#![allow(clippy::inline_always)]

pub mod backward_input;
pub mod backward_weights;
pub mod block;
mod buffer;
pub mod dense;
pub mod fold;
pub mod forward;
pub mod layout;
mod lenet4;
pub mod product;
pub mod shape;
pub mod vector;

#[cfg(test)]
mod case;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod tests;

pub use block::Block;
pub use buffer::Buffer;
pub use dense::Dense;
pub use fold::Affine;
pub use lenet4::FusedLeNet4;
pub use shape::{Order, Shape, Winner};
pub use vector::InstructionSet;
