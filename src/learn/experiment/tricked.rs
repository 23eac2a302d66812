//! A network's forward pass with dropout and batch normalisation, and digits that move.

use super::mlp::Mlp;
use crate::{random::Purpose, random::Random};
use protocol::Trick;
use tch::{Device, Kind, Tensor};

/// Share of the hidden outputs that dropout silences.
const DROPPED: f32 = 0.25;
/// Weight of a new batch in the running mean and variance, and what keeps the variance from 0 (PyTorch's defaults).
const NEW: f64 = 0.1;
const EPSILON: f64 = 1e-5;
/// Pixels that a digit moves at most, in each direction.
const REACH: i64 = 2;

pub struct Tricked {
    tricks: Vec<Trick>,
    pub random: Random,
    norms: Vec<Norm>,
}

/// Batch normalisation of one hidden layer.
struct Norm {
    scale: Tensor,
    shift: Tensor,
    mean: Tensor,
    variance: Tensor,
}

impl Tricked {
    pub fn new(tricks: &[Trick], width: i64, seed: u64) -> Self {
        let full = |value: f64| Tensor::full([width], value, (Kind::Float, Device::Cpu));
        let norm = || Norm {
            scale: full(1.0).set_requires_grad(true),
            shift: full(0.0).set_requires_grad(true),
            mean: full(0.0),
            variance: full(1.0),
        };
        let norms = if tricks.contains(&Trick::BatchNorm) { vec![norm(), norm()] } else { Vec::new() };
        Self { tricks: tricks.to_vec(), random: Random::new(seed, Purpose::Noise { epoch: 0 }), norms }
    }

    pub fn has(&self, trick: Trick) -> bool {
        self.tricks.contains(&trick)
    }

    /// What is trained beside the network's weights.
    pub fn parameters(&self) -> Vec<Tensor> {
        self.norms.iter().flat_map(|norm| [norm.scale.shallow_clone(), norm.shift.shallow_clone()]).collect()
    }

    /// Logits, (batch, 10). While `training`, dropout drops and the statistics are the batch's own.
    pub fn forward(&mut self, net: &Mlp, x: &Tensor, training: bool) -> Tensor {
        let mut h = x.shallow_clone();
        let layers = net.weights.len();
        for (layer, (w, b)) in net.weights.iter().zip(&net.biases).enumerate() {
            let mut z = h.linear(w, Some(b));
            if layer + 1 == layers {
                return z;
            }
            if let Some(norm) = self.norms.get(layer) {
                let (scale, shift) = (Some(&norm.scale), Some(&norm.shift));
                z = z.batch_norm(scale, shift, Some(&norm.mean), Some(&norm.variance), training, NEW, EPSILON, false);
            }
            h = net.output(&z);
            if training && self.has(Trick::Dropout) {
                let keep = 1.0 / (1.0 - DROPPED);
                let count = h.numel();
                let mask: Vec<f32> =
                    (0..count).map(|_| if self.random.uniform() < DROPPED { 0.0 } else { keep }).collect();
                h = &h * Tensor::from_slice(&mask).reshape(h.size());
            }
        }
        h
    }
}

/// Every image of (batch, 784) moved by up to two pixels in each direction, zeros where nothing was.
pub fn moved(x: &Tensor, random: &mut Random) -> Tensor {
    let padded = x.reshape([-1, 28, 28]).constant_pad_nd([REACH; 4]);
    let reach = 2 * REACH as u32 + 1;
    let images: Vec<Tensor> = (0..x.size()[0])
        .map(|at| {
            let (down, right) = (i64::from(random.below(reach)), i64::from(random.below(reach)));
            padded.get(at).narrow(0, down, 28).narrow(1, right, 28)
        })
        .collect();
    Tensor::stack(&images, 0).reshape([-1, 784])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_digit_keeps_its_ink() {
        let mut image = vec![0.0_f32; 784];
        image[14 * 28 + 14] = 1.0;
        let x = Tensor::from_slice(&image).reshape([1, 784]);
        let mut random = Random::new(1, Purpose::Noise { epoch: 1 });
        let mut places = Vec::new();
        for _ in 0..50 {
            let moved = moved(&x, &mut random);
            assert!((moved.sum(Kind::Float).double_value(&[]) - 1.0).abs() < 1e-6);
            let at = moved.argmax(1, false).int64_value(&[0]);
            assert!((at / 28 - 14).abs() <= 2 && (at % 28 - 14).abs() <= 2);
            places.push(at);
        }
        places.sort_unstable();
        places.dedup();
        assert!(places.len() > 10);
    }
}
