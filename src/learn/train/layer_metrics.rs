//! What is measured of each hidden layer after an epoch, on a fixed small sample, so that it costs little; nothing of it
//! reaches the training.

use crate::data::Split;
use crate::network::Network;
use protocol::{Layer, Measurement, Metric};
use tch::{Kind, Tensor};

/// The first so many validation images.
const SAMPLE: i64 = 100;

/// Zeros, dead units and the size of the outputs of each layer with an activation, and the size of the gradient of the
/// sample's loss by its weights.
pub fn measure_layers(net: &Network, validation: &Split) -> Vec<Measurement> {
    let pick: Vec<i64> = (0..SAMPLE.min(validation.len())).collect();
    let labels = validation.labels.narrow(0, 0, pick.len() as i64);
    let (hidden, logits) = net.trace(&validation.images(&pick, net.architecture.padding));
    let loss = logits.cross_entropy_for_logits(&labels);
    let weights: Vec<&Tensor> = hidden.iter().map(|layer| net.parameter(&format!("{}.weight", layer.name))).collect();
    let gradients = Tensor::run_backward(&[&loss], &weights, false, false);
    let _guard = tch::no_grad_guard();
    let mut measured = Vec::new();
    for (layer, gradient) in hidden.iter().zip(&gradients) {
        let Ok(name) = layer.name.parse::<Layer>() else { continue };
        let zeros = layer.y.eq(0.0);
        // (images, units, ...) -> (units): a feature map is a unit.
        let units = zeros.transpose(0, 1).flatten(1, -1);
        let mut push = |metric, value: f64| {
            if value.is_finite() {
                measured.push(Measurement { metric, layer: Some(name), value });
            }
        };
        push(Metric::Zeros, 100.0 * mean(&zeros));
        push(Metric::DeadUnits, 100.0 * mean(&units.all_dim(1, false)));
        push(Metric::ActivationRms, mean(&layer.y.square()).sqrt());
        push(Metric::GradientRms, mean(&gradient.square()).sqrt());
    }
    measured
}

fn mean(values: &Tensor) -> f64 {
    values.mean(Kind::Double).double_value(&[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dataset;
    use crate::network::Architecture;
    use protocol::{Activation, Activations, DataSource, Init, Measurements};

    /// Two units of which one can't fire, on plain arithmetic.
    #[test]
    fn a_layer_is_measured_as_its_numbers_say() {
        let data = Dataset::load(&DataSource::Mnist).unwrap();
        let validation = data.validation(200);
        let relu = Activation::Relu;
        let architecture = Architecture::lenet4([2, 3, 5], Activations { conv: relu, fc: relu }, 0.0);
        let net = Network::new(architecture, data.shape(), 10, Init::Xavier, 1);
        // A bias far below 0 keeps the second map of conv1 at 0.
        let bias = net.parameter("conv1.bias");
        tch::no_grad(|| bias.shallow_clone().copy_(&Tensor::from_slice(&[0.0_f32, -100.0])));
        let measured: Measurements = measure_layers(&net, &validation).into_iter().collect();
        let conv1: Layer = "conv1".parse().unwrap();
        assert_eq!(measured.of_layer(conv1, Metric::DeadUnits), Some(50.0));
        let zeros = measured.of_layer(conv1, Metric::Zeros).unwrap();
        assert!((50.0..100.0).contains(&zeros), "{zeros}");
        let pick: Vec<i64> = (0..100).collect();
        let y = &net.trace(&validation.images(&pick, net.architecture.padding)).0[0].y;
        let mut values = vec![0.0_f32; y.numel()];
        y.detach().contiguous().view(-1).copy_data(&mut values, y.numel());
        let square = values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / values.len() as f64;
        let share = 100.0 * values.iter().filter(|v| **v == 0.0).count() as f64 / values.len() as f64;
        assert!(
            (measured.of_layer(conv1, Metric::ActivationRms).unwrap() - square.sqrt()).abs() < 1e-6 * square.sqrt()
        );
        assert!((zeros - share).abs() < 1e-9);
        // The softmax layer starts from zeros and lets no gradient through; nothing reaches conv1.
        assert_eq!(measured.of_layer(conv1, Metric::GradientRms), Some(0.0));
        assert_eq!(measured.layers().len(), 3);
    }
}
