//! A small fully connected network whose weights come from our own generator.

use crate::learn::{Split, activation, random::Random};
use crate::protocol::{Activation, Init};
use tch::{Kind, Tensor};

/// The first `count` images, unpadded: (count, 784) in [0, 1].
pub fn digits(split: &Split, count: u32) -> Tensor {
    split.images.narrow(0, 0, count.into()).narrow(2, 2, 28).narrow(3, 2, 28).reshape([-1, 784])
}

pub struct Mlp {
    /// (out, in) each; biases are zero before training.
    pub weights: Vec<Tensor>,
    pub activation: Activation,
}

impl Mlp {
    /// `sizes` from the inputs to the outputs.
    pub fn new(sizes: &[i64], activation: Activation, init: Init, random: &mut Random) -> Self {
        let weights = sizes.windows(2).map(|pair| weight(pair[0], pair[1], init, random)).collect();
        Self { weights, activation }
    }

    /// Pre-activations z of every layer, (batch, units); the last are the logits.
    pub fn forward(&self, x: &Tensor) -> Vec<Tensor> {
        let mut z: Vec<Tensor> = Vec::with_capacity(self.weights.len());
        for w in &self.weights {
            let next = match z.last() {
                None => x.matmul(&w.tr()),
                Some(z) => activation::apply(self.activation, z).matmul(&w.tr()),
            };
            z.push(next);
        }
        z
    }
}

fn weight(fan_in: i64, fan_out: i64, init: Init, random: &mut Random) -> Tensor {
    let (n, m) = (fan_in as f64, fan_out as f64);
    let count = (fan_in * fan_out) as usize;
    let mut normal = |deviation: f64| (0..count).map(|_| random.normal() * deviation as f32).collect::<Vec<f32>>();
    let values = match init {
        Init::He => normal((2.0 / n).sqrt()),
        Init::Orthogonal => {
            // Q of a Gaussian matrix, the signs of R's diagonal taken out (Mezzadri 2007).
            let tall = Tensor::from_slice(&normal(1.0)).reshape([fan_in.max(fan_out), fan_in.min(fan_out)]);
            let (q, r) = Tensor::linalg_qr(&tall, "reduced");
            let q = q * r.diagonal(0, 0, 1).sign();
            return if fan_out >= fan_in { q } else { q.tr().contiguous() };
        }
        Init::Standard | Init::Xavier => {
            let bound = if init == Init::Standard { n.recip().sqrt() } else { (6.0 / (n + m)).sqrt() } as f32;
            (0..count).map(|_| random.between(-bound, bound)).collect()
        }
    };
    Tensor::from_slice(&values).reshape([fan_out, fan_in])
}

/// The mean over all elements.
pub fn mean(x: &Tensor) -> f64 {
    x.to_kind(Kind::Double).mean(Kind::Double).double_value(&[])
}
