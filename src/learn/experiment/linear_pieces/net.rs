//! A trained ReLU network as plain numbers in float64: which units are active, and the affine map that results.

use crate::experiment::mlp::{bias, layers, weight};
use crate::network::Network;
use tch::{Kind, Tensor};

/// Whether each hidden unit is active, the first layer's first.
pub type Pattern = Vec<bool>;

pub struct Layer {
    pub inputs: usize,
    /// Row-major, one row for each output.
    weights: Vec<f64>,
    pub biases: Vec<f64>,
}

impl Layer {
    /// W x, without the bias.
    pub fn apply(&self, x: &[f64]) -> Vec<f64> {
        self.weights.chunks(self.inputs).map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum()).collect()
    }

    /// W x + b.
    pub fn affine(&self, x: &[f64]) -> Vec<f64> {
        self.apply(x).into_iter().zip(&self.biases).map(|(z, b)| z + b).collect()
    }

    pub fn units(&self) -> usize {
        self.biases.len()
    }
}

/// The map x -> W x + b that a network equals on one piece.
pub struct Affine {
    pub inputs: usize,
    /// (outputs, inputs), row-major.
    pub weights: Vec<f64>,
    pub biases: Vec<f64>,
}

impl Affine {
    pub fn apply(&self, x: &[f64]) -> Vec<f64> {
        let rows = self.weights.chunks(self.inputs).zip(&self.biases);
        rows.map(|(row, b)| b + row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>()).collect()
    }
}

pub struct Net {
    /// Hidden layers, then the output layer.
    pub layers: Vec<Layer>,
}

impl Net {
    pub fn of(net: &Network) -> Result<Self, tch::TchError> {
        let numbers = |tensor: &Tensor| Vec::<f64>::try_from(tensor.detach().to_kind(Kind::Double).view(-1));
        let layer = |at: usize| {
            let w = weight(net, at);
            Ok(Layer { inputs: w.size()[1] as usize, weights: numbers(w)?, biases: numbers(bias(net, at))? })
        };
        Ok(Self { layers: (0..layers(net)).map(layer).collect::<Result<_, tch::TchError>>()? })
    }

    pub fn hidden(&self) -> &[Layer] {
        &self.layers[..self.layers.len() - 1]
    }

    /// The activation pattern of an input, and its logits.
    pub fn forward(&self, x: &[f64]) -> (Pattern, Vec<f64>) {
        let mut pattern = Pattern::new();
        let mut h = x.to_vec();
        for layer in self.hidden() {
            h = layer.affine(&h);
            pattern.extend(h.iter().map(|&z| z > 0.0));
            for z in &mut h {
                *z = z.max(0.0);
            }
        }
        (pattern, self.layers[self.layers.len() - 1].affine(&h))
    }

    /// The product of the layers with the rows of inactive units set to zero, which is what the network computes for
    /// every input with this pattern (Pascanu, Montufar and Bengio 2013, section 2).
    pub fn affine(&self, pattern: &[bool]) -> Affine {
        let inputs = self.layers[0].inputs;
        // The columns of the map so far: the images of each input's unit vector, and of zero.
        let mut columns: Vec<Vec<f64>> = Vec::new();
        let mut offset = vec![0.0; inputs];
        let mut on = pattern.iter();
        for (at, layer) in self.layers.iter().enumerate() {
            let mask: Vec<f64> = if at + 1 == self.layers.len() {
                vec![1.0; layer.units()]
            } else {
                on.by_ref().take(layer.units()).map(|&on| f64::from(u8::from(on))).collect()
            };
            let masked = |z: Vec<f64>| z.into_iter().zip(&mask).map(|(z, on)| z * on).collect::<Vec<f64>>();
            columns = if at == 0 {
                let column = |input: usize| layer.weights.iter().skip(input).step_by(inputs).copied().collect();
                (0..inputs).map(|input| masked(column(input))).collect()
            } else {
                columns.iter().map(|column| masked(layer.apply(column))).collect()
            };
            offset = masked(layer.affine(&offset));
        }
        let weights = (0..offset.len()).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
        Affine { inputs, weights, biases: offset }
    }

    /// The share of all paths from an input to a logit that lead through active units only.
    pub fn paths_on(&self, pattern: &[bool]) -> f64 {
        self.on(pattern).iter().zip(self.hidden()).map(|(on, layer)| *on as f64 / layer.units() as f64).product()
    }

    /// The number of active units in each hidden layer.
    pub fn on(&self, pattern: &[bool]) -> Vec<usize> {
        let mut units = pattern.iter();
        let count = |layer: &Layer| units.by_ref().take(layer.units()).filter(|on| **on).count();
        self.hidden().iter().map(count).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::experiment::mlp::mlp;
    use crate::random::{Purpose, Random};
    use protocol::{Activation, Init};

    pub fn random_mlp(sizes: &[i64]) -> Network {
        let mut random = Random::new(3, Purpose::InitialWeights);
        let net = mlp(sizes, Activation::Relu, Init::He, &mut random);
        for layer in 0..layers(&net) {
            let mut bias = bias(&net, layer).shallow_clone();
            let values: Vec<f32> = (0..bias.size()[0]).map(|_| 0.3 * random.normal()).collect();
            bias.copy_(&Tensor::from_slice(&values));
        }
        net
    }

    pub fn random_input(number: u32, count: usize) -> Vec<f64> {
        let mut random = Random::new(3, Purpose::Experiment { number });
        (0..count).map(|_| f64::from(random.normal())).collect()
    }

    /// The map of a piece against autograd in float64: its weights are the Jacobian, its value the logits.
    #[test]
    fn the_affine_map_is_the_jacobian() {
        let mlp = random_mlp(&[9, 7, 6, 4]);
        let net = Net::of(&mlp).unwrap();
        let input = random_input(1, 9);
        let (pattern, logits) = net.forward(&input);
        assert_eq!(pattern.len(), 13);
        let map = net.affine(&pattern);
        let x = Tensor::from_slice(&input).reshape([1, 9]).set_requires_grad(true);
        let mut h = x.shallow_clone();
        for at in 0..3 {
            let [w, b] = [weight(&mlp, at), bias(&mlp, at)].map(|parameter| parameter.to_kind(Kind::Double));
            let z = h.linear(&w, Some(&b));
            h = if at == 2 { z } else { z.relu() };
        }
        for (row, (logit, applied)) in logits.iter().zip(map.apply(&input)).enumerate() {
            let out = h.get(0).get(row as i64);
            assert!((logit - out.double_value(&[])).abs() < 1e-12 && (logit - applied).abs() < 1e-12);
            let gradient = Tensor::run_backward(&[out], &[&x], true, false);
            let gradient = Vec::<f64>::try_from(gradient[0].view(-1)).unwrap();
            let weights = &map.weights[row * 9..][..9];
            assert!(gradient.iter().zip(weights).all(|(g, w)| (g - w).abs() < 1e-12), "{gradient:?} {weights:?}");
        }
    }

    #[test]
    fn paths_are_counted_layer_by_layer() {
        let net = Net::of(&random_mlp(&[2, 4, 2, 3])).unwrap();
        let pattern = [true, false, true, true, true, false];
        assert_eq!(net.on(&pattern), [3, 1]);
        assert!((net.paths_on(&pattern) - 0.375).abs() < 1e-12);
    }
}
