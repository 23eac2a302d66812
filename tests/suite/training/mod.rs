//! What LibTorch and the fused kernels compute.

mod cells;
mod exact;
mod fused;
mod networks;
mod views;
