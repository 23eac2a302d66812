//! LibTorch's tensors as slices of floats.

use tch::{Device, Kind, Tensor};

pub const FLOAT: (Kind, Device) = (Kind::Float, Device::Cpu);

/// A tensor's values in place.
pub fn floats(tensor: &Tensor) -> &[f32] {
    assert!(tensor.is_contiguous() && tensor.kind() == Kind::Float && tensor.device() == Device::Cpu);
    // SAFETY: contiguous floats in main memory, `numel` of them, which live as long as the tensor. Nobody writes them
    // meanwhile, as a lane's tensors are used by its own thread only.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast(), tensor.numel()) }
}

/// The same for writing. Autograd must not see it, as these are leaves of its graph.
pub fn floats_mut(tensor: &mut Tensor) -> &mut [f32] {
    assert!(tensor.is_contiguous() && tensor.kind() == Kind::Float && tensor.device() == Device::Cpu);
    // SAFETY: as in `floats`; a fused network owns the tensors that it writes, and no other slice of them is alive.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), tensor.numel()) }
}
