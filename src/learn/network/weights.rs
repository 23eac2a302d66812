//! Weights as plain numbers, and back.

use crate::observer::NamedTensor;
use tch::Tensor;

/// Weights that do not belong to this network.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WeightsError {
    #[error("the weights lack {0}")]
    Missing(String),
    #[error("{name} has the shape {found:?}, this network needs {expected:?}")]
    Shape { name: String, found: Vec<usize>, expected: Vec<usize> },
    #[error("{0} holds a value that is not finite")]
    NotFinite(String),
}

/// A tensor's values, row-major.
pub fn export(name: &str, tensor: &Tensor) -> NamedTensor {
    let shape = tensor.size().iter().map(|&n| n as usize).collect();
    let flat = tensor.detach().contiguous().view(-1);
    let mut values = vec![0.0_f32; flat.numel()];
    let count = values.len();
    flat.copy_data(&mut values, count);
    NamedTensor { name: name.into(), shape, values }
}

/// The tensor `name` of a list, if its shape and values are valid.
pub fn checked(list: &[NamedTensor], name: &str, shape: &[i64]) -> Result<Tensor, WeightsError> {
    let tensor = list.iter().find(|t| t.name == name).ok_or_else(|| WeightsError::Missing(name.into()))?;
    let expected: Vec<usize> = shape.iter().map(|&n| n as usize).collect();
    if tensor.shape != expected || tensor.values.len() != expected.iter().product::<usize>() {
        return Err(WeightsError::Shape { name: name.into(), found: tensor.shape.clone(), expected });
    }
    if tensor.values.iter().any(|v| !v.is_finite()) {
        return Err(WeightsError::NotFinite(name.into()));
    }
    Ok(Tensor::from_slice(&tensor.values).view(shape))
}
