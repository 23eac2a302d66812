//! Metrics of each hidden layer after an epoch, measured on a fixed small sample so that they cost little. They do not
//! affect the training.

use crate::activation;
use crate::data::{Preprocessing, Split};
use crate::network::Network;
use protocol::{Activation, Layer, LayerKind, Measurement, Metric, Parameter};
use tch::{Kind, Tensor};

/// The sample: this many of the first validation images.
const SAMPLE: i64 = 100;

/// Below this slope an activation counts as flat, as it passes so little of a gradient.
pub const FLAT: f64 = 0.01;

/// Zeros, dead units, saturated outputs and the RMS of the outputs of each layer with an activation, and the RMS of the
/// gradient of the sample's loss with respect to its weights.
pub fn measure_layers(net: &Network, validation: &Split, preprocessing: &Preprocessing) -> Vec<Measurement> {
    let pick: Vec<i64> = (0..SAMPLE.min(validation.len())).collect();
    let labels = validation.labels.narrow(0, 0, pick.len() as i64);
    let (hidden, logits) = net.trace(&validation.inputs(&pick, net.architecture.padding, preprocessing));
    let loss = logits.cross_entropy_for_logits(&labels);
    let weights: Vec<&Tensor> = hidden.iter().map(|layer| net.parameter(&format!("{}.weight", layer.name))).collect();
    let gradients = Tensor::run_backward(&[&loss], &weights, false, false);
    let _guard = tch::no_grad_guard();
    let mut measured = Vec::new();
    for (layer, gradient) in hidden.iter().zip(&gradients) {
        let Ok(name) = layer.name.parse::<Layer>() else { continue };
        let zeros = layer.y.eq(0.0);
        // (images, units, ...) -> (units): a feature map counts as a unit.
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
        let slope = activation::slope(activation_of(net, name), &layer.z, &layer.y);
        push(Metric::Saturated, 100.0 * mean(&slope.abs().lt(FLAT)));
    }
    measured
}

/// The activation of a hidden layer; one with a trained parameter, as it is now.
pub fn activation_of(net: &Network, layer: Layer) -> Activation {
    let activations = net.architecture.activations;
    let activation = match layer.kind {
        LayerKind::Conv => activations.conv,
        LayerKind::Fc => activations.fc,
    };
    if activation.is_trained() {
        let slope = net.parameter(&format!("{layer}.slope")).double_value(&[0]);
        return activation.with_parameter(Parameter::new(slope));
    }
    activation
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

    /// Two units of which one can't be active, in plain arithmetic.
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
        let measured: Measurements = measure_layers(&net, &validation, &Preprocessing::Unit).into_iter().collect();
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
        // The softmax layer starts from zeros and passes no gradient, so none reaches conv1.
        assert_eq!(measured.of_layer(conv1, Metric::GradientRms), Some(0.0));
        assert_eq!(measured.layers().len(), 3);
    }

    /// tanh' = 1 - y^2 is below 0.01 from |y| = 0.99499 on; a rectifier is flat where it is 0; a trained slope counts
    /// with its present value.
    #[test]
    fn outputs_are_saturated_where_the_slope_is_gone() {
        let data = Dataset::load(&DataSource::Mnist).unwrap();
        let validation = data.validation(200);
        let saturated = |fc: Activation, change: &dyn Fn(&Network)| {
            let architecture = Architecture::lenet4([2, 3, 50], Activations { conv: Activation::Relu, fc }, 0.0);
            let net = Network::new(architecture, data.shape(), 10, Init::Xavier, 1);
            tch::no_grad(|| change(&net));
            let measured: Measurements = measure_layers(&net, &validation, &Preprocessing::Unit).into_iter().collect();
            let [conv1, fc1] = ["conv1", "fc1"].map(|name| name.parse().unwrap());
            let of = |layer| measured.of_layer(layer, Metric::Saturated).unwrap();
            assert_eq!(Some(of(conv1)), measured.of_layer(conv1, Metric::Zeros));
            let pick: Vec<i64> = (0..100).collect();
            let y = &net.trace(&validation.images(&pick, net.architecture.padding)).0[2].y;
            (of(fc1), y.detach())
        };
        let widen = |net: &Network| drop(net.parameter("fc1.weight").shallow_clone().g_mul_scalar_(20.0));
        let (share, y) = saturated(Activation::Tanh, &widen);
        assert!((20.0..100.0).contains(&share), "{share}");
        assert!((share - 100.0 * mean(&y.abs().gt(0.994_987_4))).abs() < 0.1, "{share}");
        let flatten = |net: &Network| drop(net.parameter("fc1.slope").shallow_clone().fill_(0.001));
        let (share, y) = saturated(Activation::PRELU, &flatten);
        assert!((share - 100.0 * mean(&y.le(0.0))).abs() < 1e-9 && share > 10.0, "{share}");
        assert!(saturated(Activation::PRELU, &|_| {}).0 < 1e-9);
    }
}
