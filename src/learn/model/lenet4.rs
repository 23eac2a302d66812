//! LeNet-4 (`LeCun`, Bottou, Bengio, Haffner 1998, III-C.8) in the form of the Theano tutorial: convolution, max-pool,
//! bias, activation, twice; a fully connected layer; ten logits. With 4, 16 and 120 units and full connections it has
//! 51,050 parameters and reaches about 1.2 % validation error on MNIST after 150 epochs.

use crate::activation;
use crate::data::Padding;
use crate::init::glorot_uniform;
use crate::observer::NamedTensor;
use crate::random::{Purpose, Random};
use protocol::{Arm, Widths};
use tch::{Kind, Tensor};

/// The parameters' names, in the order of every list of them here.
pub const PARAMETERS: [&str; 8] =
    ["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"];

/// Two rows of zeros on every side, as `LeCun` had it; and enough of them for two convolutions with their pooling.
pub const PADDING: Padding = Padding { border: 2, least_side: 16 };

/// Kernel side of both convolutions.
const KERNEL: i64 = 5;
/// Side of conv2's pooled maps: 32 -> 28 -> 14 -> 10 -> 5.
const FINAL_SIDE: i64 = 5;

/// Weights that don't belong to this network.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WeightsError {
    #[error("the weights lack {0}")]
    Missing(&'static str),
    #[error("{name} has the shape {found:?}, this network needs {expected:?}")]
    Shape { name: &'static str, found: Vec<usize>, expected: Vec<usize> },
    #[error("{0} holds a value that is not finite")]
    NotFinite(&'static str),
}

/// The network of one lane. Weights have PyTorch's shapes; convolutions lie channels-last in memory.
#[derive(Debug)]
pub struct LeNet4 {
    pub arm: Arm,
    pub widths: Widths,
    /// In the order of [`PARAMETERS`]; each a leaf that requires a gradient.
    pub parameters: [Tensor; 8],
}

/// The shapes of the parameters, in the order of [`PARAMETERS`].
pub fn shapes(widths: Widths) -> [Vec<i64>; 8] {
    let (c1, c2, f1) = (i64::from(widths.conv1), i64::from(widths.conv2), i64::from(widths.fc1));
    [
        vec![c1, 1, KERNEL, KERNEL],
        vec![c1],
        vec![c2, c1, KERNEL, KERNEL],
        vec![c2],
        vec![f1, c2 * FINAL_SIDE * FINAL_SIDE],
        vec![f1],
        vec![10, f1],
        vec![10],
    ]
}

impl LeNet4 {
    /// Draws the initial weights: Glorot-uniform, biases and the softmax layer zero, as the tutorial has it. A
    /// convolution's fan-out is divided by its pooling window, 4. The weights depend on the seed alone, not on the arm.
    pub fn new(arm: Arm, widths: Widths, seed: u64) -> Self {
        let mut random = Random::new(seed, Purpose::InitialWeights);
        let window = (KERNEL * KERNEL) as f64;
        let (c1, c2, f1) = (f64::from(widths.conv1), f64::from(widths.conv2), f64::from(widths.fc1));
        let fans = [
            Some((window, c1 * window / 4.0)),
            None,
            Some((c1 * window, c2 * window / 4.0)),
            None,
            Some((c2 * (FINAL_SIDE * FINAL_SIDE) as f64, f1)),
            None,
            None,
            None,
        ];
        let mut draw = |shape: &[i64], fans: Option<(f64, f64)>| {
            let count = shape.iter().product::<i64>() as usize;
            let values = match fans {
                Some((fan_in, fan_out)) => glorot_uniform(&mut random, fan_in, fan_out, count),
                None => vec![0.0; count],
            };
            leaf(&Tensor::from_slice(&values).view(shape))
        };
        let [a, b, c, d, e, f, g, h] = shapes(widths);
        let parameters = [
            draw(&a, fans[0]),
            draw(&b, fans[1]),
            draw(&c, fans[2]),
            draw(&d, fans[3]),
            draw(&e, fans[4]),
            draw(&f, fans[5]),
            draw(&g, fans[6]),
            draw(&h, fans[7]),
        ];
        Self { arm, widths, parameters }
    }

    /// Takes weights from outside; nothing is built unless every name, shape and value is right.
    pub fn from_weights(arm: Arm, widths: Widths, weights: &[NamedTensor]) -> Result<Self, WeightsError> {
        let mut parameters = Vec::with_capacity(8);
        for (name, shape) in PARAMETERS.into_iter().zip(shapes(widths)) {
            parameters.push(leaf(&checked(weights, name, name, &shape)?));
        }
        let parameters = parameters.try_into().map_err(|_| WeightsError::Missing("conv1.weight"))?;
        Ok(Self { arm, widths, parameters })
    }

    /// Logits of a batch.
    ///
    /// `images`: (batch, 1, 32, 32) -> (batch, 10).
    pub fn logits(&self, images: &Tensor) -> Tensor {
        let [w1, b1, w2, b2, ..] = &self.parameters;
        let h = self.block(images, w1, b1); // (batch, conv1, 14, 14)
        let h = self.block(&h, w2, b2); // (batch, conv2, 5, 5)
        self.head(&h.flatten(1, -1)) // (batch, 10)
    }

    /// The fully connected end: (batch, conv2 * 25) -> (batch, 10).
    pub fn head(&self, features: &Tensor) -> Tensor {
        let [.., w3, b3, w4, b4] = &self.parameters;
        let hidden = activation::apply(self.arm.fc, &features.linear(w3, Some(b3))); // (batch, fc1)
        hidden.linear(w4, Some(b4)) // (batch, 10)
    }

    /// Convolution, max-pool, activation. A bias before the pooling gives the very sums of one behind it, as rounding
    /// is monotone: max(x + b) = max(x) + b.
    fn block(&self, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Tensor {
        let z = x.conv2d(weight, Some(bias), 1, 0, 1, 1).max_pool2d(2, 2, 0, 1, false);
        activation::apply(self.arm.conv, &z)
    }

    /// The same network as the fused form reads it: convolutions row-major in memory, fc1 as (features, units).
    #[must_use]
    pub fn laid_out_for_fusion(self) -> Self {
        let mut parameters = self.parameters.map(|p| p.detach().contiguous());
        parameters[4] = parameters[4].tr().contiguous().tr();
        Self { parameters: parameters.map(|p| p.set_requires_grad(true)), ..self }
    }

    /// The weights as plain numbers, in PyTorch's layout.
    pub fn weights(&self) -> Vec<NamedTensor> {
        PARAMETERS.iter().zip(&self.parameters).map(|(name, tensor)| export(name, tensor)).collect()
    }
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

/// The tensor `name` of a list, if its shape and values are right; errors call it `what`.
pub fn checked(list: &[NamedTensor], name: &str, what: &'static str, shape: &[i64]) -> Result<Tensor, WeightsError> {
    let tensor = list.iter().find(|t| t.name == name).ok_or(WeightsError::Missing(what))?;
    let expected: Vec<usize> = shape.iter().map(|&n| n as usize).collect();
    if tensor.shape != expected || tensor.values.len() != expected.iter().product::<usize>() {
        return Err(WeightsError::Shape { name: what, found: tensor.shape.clone(), expected });
    }
    if tensor.values.iter().any(|v| !v.is_finite()) {
        return Err(WeightsError::NotFinite(what));
    }
    Ok(Tensor::from_slice(&tensor.values).view(shape))
}

/// A leaf that requires a gradient; of four dimensions, it lies channels-last.
fn leaf(values: &Tensor) -> Tensor {
    let values = if values.dim() == 4 {
        values.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
    } else {
        values.contiguous()
    };
    debug_assert_eq!(values.kind(), Kind::Float);
    values.detach().set_requires_grad(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lenet4_has_51050_parameters_and_ten_logits() {
        let net = LeNet4::new(Arm::RELU_TANH, Widths::LENET4, 1);
        assert_eq!(net.parameters.iter().map(Tensor::numel).sum::<usize>(), 51_050);
        let images = Tensor::zeros([3, 1, 32, 32], (Kind::Float, tch::Device::Cpu));
        assert_eq!(net.logits(&images).size(), [3, 10]);
    }

    #[test]
    fn arms_start_from_the_same_weights_and_seeds_do_not() {
        let weights = |arm, seed| LeNet4::new(arm, Widths::LENET4, seed).weights();
        assert_eq!(weights(Arm::RELU_TANH, 1), weights(Arm::ALL_TANH, 1));
        assert_ne!(weights(Arm::RELU_TANH, 1), weights(Arm::RELU_TANH, 2));
    }

    #[test]
    fn weights_survive_export_and_are_checked() {
        let net = LeNet4::new(Arm::ALL_TANH, Widths::LENET4, 3);
        let mut weights = net.weights();
        let again = LeNet4::from_weights(net.arm, net.widths, &weights).unwrap();
        assert_eq!(again.weights(), weights);
        weights[2].values[5] = f32::NAN;
        let error = LeNet4::from_weights(net.arm, net.widths, &weights).unwrap_err();
        assert_eq!(error, WeightsError::NotFinite("conv2.weight"));
        weights[2].values.pop();
        assert!(matches!(
            LeNet4::from_weights(net.arm, net.widths, &weights),
            Err(WeightsError::Shape { name: "conv2.weight", .. })
        ));
        weights.remove(0);
        assert_eq!(
            LeNet4::from_weights(net.arm, net.widths, &weights).unwrap_err(),
            WeightsError::Missing("conv1.weight")
        );
    }
}
