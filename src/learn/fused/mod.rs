//! Layers of our own, with images side by side in vectors: LeNet-4's convolutions with their max-pooling as one block, and
//! the convnet's.
//!
//! LeNet's convolutions have 1, 4 and 16 channels. A library that puts channels (or a row's pixels) side by side in a
//! vector register leaves most of it empty here, writes the whole convolution to memory, reads it back to discard three
//! quarters, and in the backward pass multiplies by those three quarters of zeros. This block does the opposite:
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
//! - The backward pass visits winners only: it selects the pixel ([`backward_weights`]) or the weight
//!   ([`backward_input`]) that belongs to each lane's winner instead of multiplying by zero.
//! - Elementwise operations (the activation) do not depend on the order, so LibTorch computes them on the same memory.
//!   It computes their slopes too, and their affine parts are folded into the weights beside them ([`fold`]).
//! - The large fully connected layer reads the lanes in their layout ([`dense`]).
//! - Sums have one fixed order: the same numbers give the same bits.
//!
//! Ties go to the first of a window and NaN is kept, as in LibTorch, with which the tests compare.
//!
//! Read on in this order: [`shape`] (sizes and layouts), [`vector`] (one name for each vector instruction),
//! [`forward`], [`backward_weights`], [`backward_input`], [`fold`], [`dense`] with [`product`], and `lenet4`, which
//! puts them together. Measure it with `cargo bench --bench kernels`.
//!
//! The convnet has many channels, of whose sums most are needed, and windows that overlap. There a block would save
//! little, and fewer multiplications save much: [`winograd`] (the arithmetic), [`convolution`], [`pooling`], and
//! `convnet`, which puts them together. Measure it with `cargo bench --bench peer -- --net cifar`.

// All parts of a kernel must be inlined into the one function that has the instruction set; see `vector`.
#![allow(clippy::inline_always)]
// Loops count the places of a window or the lanes of a vector, which several arrays share.
#![allow(clippy::needless_range_loop)]

pub mod backward_input;
pub mod backward_weights;
pub mod block;
mod buffer;
mod convnet;
pub mod convolution;
pub mod dense;
pub mod fold;
pub mod forward;
pub mod layout;
mod lenet4;
mod memory;
pub mod pooling;
pub mod product;
pub mod shape;
pub mod vector;
pub mod winograd;

#[cfg(test)]
mod case;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod tests;

pub use block::Block;
pub use buffer::Buffer;
pub use convnet::FusedConvnet;
pub use dense::Dense;
pub use fold::Affine;
pub use lenet4::FusedLeNet4;
pub use shape::{Order, Shape, Winner};
pub use vector::InstructionSet;
