//! Networks: an [`Architecture`] describes layers; a [`Network`] is one with weights, for images of one shape, with its
//! forward pass.

mod architecture;
mod weights;

pub use architecture::{Architecture, Group, Layer, ParameterShape, Pooling, Rest, Role};
pub use weights::{WeightsError, checked, export};

use crate::activation;
use crate::data::ImageShape;
use crate::init;
use crate::observer::NamedTensor;
use crate::random::{Purpose, Random};
use protocol::{Activation, Init};
use std::collections::BTreeMap;
use std::ops::Range;
use tch::{Device, Kind, Tensor};

/// The weight of a new batch in batch normalisation's running mean and variance, and the constant that keeps the
/// variance above 0: PyTorch's defaults.
const NEW_BATCH: f64 = 0.1;
const EPSILON: f64 = 1e-5;

/// The number of maps whose mean local response normalisation divides by: that of AlexNet and of cuda-convnet's 11 %
/// network.
const LOCAL_MAPS: i64 = 5;

/// A network with its weights, which have PyTorch's shapes; those of convolutions lie channels-last in memory.
#[derive(Debug)]
pub struct Network {
    pub architecture: Architecture,
    names: Vec<String>,
    /// In the order of the names; each is a leaf that requires a gradient.
    pub parameters: Vec<Tensor>,
    /// Of each batch normalisation, in their order.
    statistics: Vec<Statistics>,
    /// Factors of the hidden layers' outputs, by the layer's name: (units), or (maps). A layer without an entry has the
    /// factor 1. They are no weights: a checkpoint does not hold them.
    gains: BTreeMap<String, Tensor>,
    /// How an activation is computed: by LibTorch's own operator, or faster.
    activate: fn(Activation, &Tensor) -> Tensor,
}

/// What a batch normalisation has seen so far.
#[derive(Debug)]
struct Statistics {
    /// The running mean and variance: (units), or (maps).
    values: [Tensor; 2],
    names: [String; 2],
}

/// The purpose of a forward pass.
pub enum Mode<'a> {
    Evaluation,
    /// Dropout draws its masks from this generator; batch normalisation uses the batch's own statistics.
    Training(&'a mut Random),
}

/// What can be observed of a layer with an activation.
#[derive(Debug)]
pub struct HiddenLayer<'a> {
    /// The name of the layer with the weights, such as `conv1`.
    pub name: &'a str,
    /// The activation's input. In a convolutional layer whose pooling comes first, it is pooled.
    pub z: Tensor,
    /// The activation's output, times the layer's gains.
    pub y: Tensor,
}

impl Network {
    /// Draws the initial weights; biases are zero. The weights depend on the seed alone, not on the activations.
    pub fn new(architecture: Architecture, images: ImageShape, classes: usize, init: Init, seed: u64) -> Self {
        let mut random = Random::new(seed, Purpose::InitialWeights);
        Self::draw(architecture, images, classes, init, &mut random)
    }

    /// The same from a given generator.
    pub fn draw(
        architecture: Architecture,
        images: ImageShape,
        classes: usize,
        init: Init,
        random: &mut Random,
    ) -> Self {
        let (mut names, mut parameters) = (Vec::<String>::new(), Vec::new());
        let mut statistics = Vec::new();
        for parameter in architecture.parameters(images, classes) {
            let size = parameter.size.as_slice();
            let full = |value: f64| Tensor::full(size, value, FLOAT);
            let values = match parameter.role {
                Role::Weight(fans) => {
                    let (units, inputs) = (size[0], size[1..].iter().product::<i64>());
                    let drawn = init::draw(init, random, [units as usize, inputs as usize], fans);
                    Tensor::from_slice(&drawn).view(size)
                }
                Role::ZeroWeight | Role::Bias => full(0.0),
                Role::Slope(start) => full(start),
                Role::Scale => {
                    let layer = parameter.name.trim_end_matches(".weight");
                    let names = Architecture::statistics_names(layer);
                    statistics.push(Statistics { values: [full(0.0), full(1.0)], names });
                    full(1.0)
                }
            };
            names.push(parameter.name);
            parameters.push(leaf(&values));
        }
        Self { architecture, names, parameters, statistics, gains: BTreeMap::new(), activate: activation::apply }
    }

    /// The network of these weights. Unlike [`new`](Self::new) and [`load`](Self::load) it draws no initial weights, which
    /// takes longer than all else where there are millions.
    pub fn of_weights(
        architecture: Architecture,
        images: ImageShape,
        classes: usize,
        weights: &[NamedTensor],
    ) -> Result<Self, WeightsError> {
        let (mut names, mut parameters, mut statistics) = (Vec::new(), Vec::new(), Vec::new());
        for ParameterShape { name, size, role } in architecture.parameters(images, classes) {
            parameters.push(leaf(&checked(weights, &name, &size)?));
            if role == Role::Scale {
                let names = Architecture::statistics_names(name.trim_end_matches(".weight"));
                let [mean, variance] = names.each_ref().map(|name| checked(weights, name, &size));
                statistics.push(Statistics { values: [mean?, variance?], names });
            }
            names.push(name);
        }
        let (gains, activate) = (BTreeMap::new(), activation::apply as fn(Activation, &Tensor) -> Tensor);
        Ok(Self { architecture, names, parameters, statistics, gains, activate })
    }

    /// Sets the weights. Nothing is changed unless every name, shape and value is valid.
    pub fn load(&mut self, weights: &[NamedTensor]) -> Result<(), WeightsError> {
        let mut parameters = Vec::with_capacity(self.parameters.len());
        for (name, parameter) in self.names.iter().zip(&self.parameters) {
            parameters.push(leaf(&checked(weights, name, &parameter.size())?));
        }
        let mut statistics = Vec::with_capacity(self.statistics.len());
        for Statistics { values: [mean, variance], names } in &self.statistics {
            let read = |at: usize, like: &Tensor| checked(weights, &names[at], &like.size());
            statistics.push(Statistics { values: [read(0, mean)?, read(1, variance)?], names: names.clone() });
        }
        (self.parameters, self.statistics) = (parameters, statistics);
        Ok(())
    }

    /// The parameters' names, in their order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The weights as plain numbers, in PyTorch's layout, and the running statistics of batch normalisations, which belong
    /// to them.
    pub fn weights(&self) -> Vec<NamedTensor> {
        let statistics = self.statistics.iter().flat_map(|Statistics { values, names }| names.iter().zip(values));
        self.names.iter().zip(&self.parameters).chain(statistics).map(|(name, tensor)| export(name, tensor)).collect()
    }

    /// A copy with weights of its own.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = |tensor: &Tensor| tensor.detach().copy();
        Self {
            architecture: self.architecture.clone(),
            names: self.names.clone(),
            parameters: self.parameters.iter().map(copy).collect(),
            statistics: self
                .statistics
                .iter()
                .map(|Statistics { values, names }| Statistics {
                    values: values.each_ref().map(copy),
                    names: names.clone(),
                })
                .collect(),
            gains: self.gains.iter().map(|(name, gains)| (name.clone(), copy(gains))).collect(),
            activate: self.activate,
        }
    }

    /// The names and widths of the layers with an activation, in their order.
    pub fn hidden_layers(&self) -> Vec<(&str, i64)> {
        let (mut found, mut last) = (Vec::new(), None);
        for layer in &self.architecture.layers {
            last = layer.name().or(last);
            if let (Layer::Activation(_), Some(name)) = (layer, last) {
                found.push((name, self.units(name)));
            }
        }
        found
    }

    /// The names and widths of all layers with weights, in their order: the hidden ones and that of the logits.
    pub fn weighted_layers(&self) -> Vec<(&str, i64)> {
        let names = self.architecture.layers.iter().filter_map(Layer::name);
        names.map(|name| (name, self.units(name))).collect()
    }

    /// The units of a layer, or its maps.
    fn units(&self, layer: &str) -> i64 {
        self.weight_and_bias(layer)[0].size()[0]
    }

    /// Multiplies the output of a hidden layer's unit, of a convolution of its map, in every forward pass from now on,
    /// and returns the factor by which it is multiplied in all. The fused kernels ignore it.
    ///
    /// # Panics
    /// If there is no such layer or unit.
    pub fn scale_unit(&mut self, layer: &str, unit: i64, factor: f64) -> f64 {
        let units = self.units(layer);
        let gains = self.gains.entry(layer.to_owned()).or_insert_with(|| Tensor::ones([units], FLOAT));
        let mut gain = gains.narrow(0, unit, 1);
        let _ = gain.g_mul_scalar_(factor);
        gain.double_value(&[0])
    }

    /// Adds to all pre-activations of a hidden layer's unit, by the bias of what stands in front of the activation: of
    /// the batch normalisation, else of the layer. A pooling between lets a constant through, as it takes maxima or means.
    ///
    /// # Panics
    /// If there is no such layer or unit.
    pub fn shift_unit(&mut self, layer: &str, unit: i64, amount: f64) {
        let layers = &self.architecture.layers;
        let behind = layers.iter().skip_while(|own| own.name() != Some(layer));
        let between = behind.take_while(|own| !matches!(own, Layer::Activation(_)));
        let normalised = between.filter_map(|own| match own {
            Layer::BatchNorm { name } => Some(name.as_str()),
            _ => None,
        });
        let bias = self.weight_and_bias(normalised.last().unwrap_or(layer))[1];
        tch::no_grad(|| {
            let _ = bias.narrow(0, unit, 1).g_add_scalar_(amount);
        });
    }

    /// The input of a layer with weights: (batch, channels, height, width), or (batch, features).
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn input_of(&self, name: &str, images: &Tensor) -> Tensor {
        let place = self.place_of(name);
        self.run(images.shallow_clone(), 0..place, Mode::Evaluation, &mut |_| {})
    }

    /// The output of a layer with weights for its input, before any pooling, normalisation and activation.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn sums_of(&self, name: &str, input: &Tensor) -> Tensor {
        let place = self.place_of(name);
        self.run(input.shallow_clone(), place..place + 1, Mode::Evaluation, &mut |_| {})
    }

    /// What the activation of a hidden layer gets for these images: (batch, units), or (batch, maps, height, width).
    pub fn preactivations(&self, name: &str, images: &Tensor) -> Tensor {
        self.run(images.shallow_clone(), 0..self.activation_of(name), Mode::Evaluation, &mut |_| {})
    }

    fn place_of(&self, name: &str) -> usize {
        let place = self.architecture.layers.iter().position(|layer| layer.name() == Some(name));
        place.unwrap_or_else(|| panic!("this network has no {name}"))
    }

    /// The factor of a unit's output; 1 of the output layer.
    pub fn gain(&self, layer: &str, unit: i64) -> f64 {
        self.gains.get(layer).map_or(1.0, |gains| gains.double_value(&[unit]))
    }

    /// Whether the parameters require gradients. A forward pass builds no graph without that.
    pub fn require_gradients(&mut self, required: bool) {
        for parameter in &mut self.parameters {
            *parameter = parameter.set_requires_grad(required);
        }
    }

    /// Computes tanh by a sigmoid from now on, which is faster and differs in the last bits.
    #[must_use]
    pub fn with_fast_activations(self) -> Self {
        Self { activate: activation::apply_fast, ..self }
    }

    /// The same network in the memory layout of the fused kernels: convolutions row-major, fc1 as (features, units).
    #[must_use]
    pub fn laid_out_for_fusion(mut self) -> Self {
        for (name, parameter) in self.names.iter().zip(&mut self.parameters) {
            let values = parameter.detach().contiguous();
            let values = if name == "fc1.weight" { values.tr().contiguous().tr() } else { values };
            *parameter = values.set_requires_grad(true);
        }
        self.with_fast_activations()
    }

    /// Logits of a batch without dropout: (batch, channels, height, width), padded, -> (batch, classes).
    pub fn logits(&self, images: &Tensor) -> Tensor {
        self.logits_in(images, Mode::Evaluation)
    }

    pub fn logits_in(&self, images: &Tensor, mode: Mode) -> Tensor {
        self.run(images.shallow_clone(), 0..self.architecture.layers.len(), mode, &mut |_| {})
    }

    /// The hidden layers of a forward pass, and the logits.
    pub fn trace(&self, images: &Tensor) -> (Vec<HiddenLayer<'_>>, Tensor) {
        let mut hidden = Vec::new();
        let all = 0..self.architecture.layers.len();
        let logits = self.run(images.shallow_clone(), all, Mode::Evaluation, &mut |layer| hidden.push(layer));
        (hidden, logits)
    }

    /// The rest of a forward pass, from a hidden layer's pre-activations to its logits.
    pub(crate) fn logits_behind(&self, name: &str, z: &Tensor, mode: Mode) -> Tensor {
        let layers = self.activation_of(name)..self.architecture.layers.len();
        self.run(z.shallow_clone(), layers, mode, &mut |_| {})
    }

    /// The rest of a forward pass, from a hidden layer's output to its logits.
    pub(crate) fn logits_after(&self, name: &str, y: &Tensor) -> Tensor {
        let layers = &self.architecture.layers;
        let behind = self.activation_of(name) + 1;
        let rest = layers.iter().skip(behind).take_while(|layer| layer.belongs_to_activation()).count();
        self.run(y.shallow_clone(), (behind + rest).min(layers.len())..layers.len(), Mode::Evaluation, &mut |_| {})
    }

    /// A hidden layer's output for these pre-activations.
    pub fn hidden_output(&self, name: &str, z: &Tensor) -> Tensor {
        let start = self.activation_of(name);
        let end = self.architecture.layers[start..].iter().skip(1).position(|layer| !layer.belongs_to_activation());
        let end = end.map_or(self.architecture.layers.len(), |length| start + 1 + length);
        self.run(z.shallow_clone(), start..end, Mode::Evaluation, &mut |_| {})
    }

    /// The place of the activation behind the layer of this name, or the end. A pooling and a normalisation may stand
    /// between the two.
    fn activation_of(&self, wanted: &str) -> usize {
        let mut behind =
            self.architecture.layers.iter().enumerate().skip_while(|(_, layer)| layer.name() != Some(wanted));
        let activation = behind.find(|(_, layer)| matches!(layer, Layer::Activation(_)));
        activation.map_or(self.architecture.layers.len(), |(place, _)| place)
    }

    /// A parameter by its name.
    ///
    /// # Panics
    /// If there is no such parameter.
    pub fn parameter(&self, name: &str) -> &Tensor {
        let place = self.names.iter().position(|known| known == name);
        &self.parameters[place.unwrap_or_else(|| panic!("this network has no {name}"))]
    }

    /// Runs a part of the layers. `see` gets every hidden layer whose activation is in that part.
    fn run<'n>(
        &'n self,
        input: Tensor,
        layers: Range<usize>,
        mut mode: Mode,
        see: &mut dyn FnMut(HiddenLayer<'n>),
    ) -> Tensor {
        let mut x = input;
        let before = &self.architecture.layers[..layers.start];
        let mut last = before.iter().rev().find_map(Layer::name).unwrap_or_default();
        let passed = before.iter().filter(|layer| matches!(layer, Layer::BatchNorm { .. })).count();
        let mut statistics = self.statistics.iter().skip(passed);
        // The layer whose activation has just been computed, until everything that belongs to it is.
        let mut activated: Option<(&str, Tensor)> = None;
        let mut rest = self.architecture.layers[layers].iter().peekable();
        while let Some(layer) = rest.next() {
            x = match layer {
                Layer::Convolution { name, padding, .. } => {
                    last = name;
                    let [w, b] = self.weight_and_bias(name);
                    x.conv2d(w, Some(b), 1, *padding, 1, 1)
                }
                // A bias before a max-pool gives the same sums as one behind it, which the tutorial has: rounding is
                // monotone, so max(x + b) = max(x) + b.
                Layer::Pool { kind, window, stride, rest } => {
                    let ceil_mode = *rest == Rest::Pooled;
                    match kind {
                        Pooling::Max => x.max_pool2d(*window, *stride, 0, 1, ceil_mode),
                        Pooling::Average => x.avg_pool2d(*window, *stride, 0, ceil_mode, true, None::<i64>),
                    }
                }
                Layer::Flatten => x.flatten(1, -1),
                Layer::Dense { name, .. } | Layer::Logits { name } => {
                    last = name;
                    let [w, b] = self.weight_and_bias(name);
                    x.linear(w, Some(b))
                }
                Layer::Activation(group) => {
                    let y = match group.activation(self.architecture.activations) {
                        Activation::Prelu(_) => x.prelu(self.parameter(&format!("{last}.slope"))),
                        phi => (self.activate)(phi, &x),
                    };
                    activated = Some((last, x));
                    y
                }
                Layer::BatchNorm { name } => {
                    let [scale, shift] = self.weight_and_bias(name);
                    let statistics = statistics.next().expect("statistics for every batch normalisation");
                    let [mean, variance] = &statistics.values;
                    let training = matches!(mode, Mode::Training(_));
                    x.batch_norm(
                        Some(scale),
                        Some(shift),
                        Some(mean),
                        Some(variance),
                        training,
                        NEW_BATCH,
                        EPSILON,
                        false,
                    )
                }
                Layer::LocalNorm { alpha } => local_response_norm(&x, *alpha),
                Layer::Dropout(share) => match &mut mode {
                    Mode::Training(random) if *share > 0.0 => &x * dropout_mask(&x, *share, random),
                    _ => x,
                },
                Layer::KeepLargest(units) => {
                    let (_, largest) = tch::no_grad(|| x.topk(*units, 1, true, false));
                    let stays = tch::no_grad(|| x.zeros_like()).scatter_value(1, &largest, 1.0);
                    // Not in place: the activation's own gradient needs its output.
                    &x * stays
                }
                Layer::Offset(offset) => &x - *offset,
                Layer::AlternateSigns => &x * alternate_signs(x.size()[1]),
            };
            if let Some((name, z)) =
                activated.take_if(|_| !rest.peek().is_some_and(|layer| layer.belongs_to_activation()))
            {
                if let Some(gains) = self.gains.get(name) {
                    // (units) -> (1, units) or (1, maps, 1, 1)
                    let shape: Vec<i64> = (0..x.dim()).map(|at| if at == 1 { -1 } else { 1 }).collect();
                    x = &x * gains.view(shape.as_slice());
                }
                see(HiddenLayer { name, z, y: x.shallow_clone() });
            }
        }
        x
    }

    fn weight_and_bias(&self, layer: &str) -> [&Tensor; 2] {
        let place = self.names.iter().position(|name| name.strip_suffix(".weight") == Some(layer));
        let place = place.expect("a layer's parameters are there");
        [&self.parameters[place], &self.parameters[place + 1]]
    }
}

const FLOAT: (Kind, Device) = (Kind::Float, Device::Cpu);

/// Local response normalisation of maps, x/(1 + alpha mean(x^2))^0.75: (batch, maps, height, width).
fn local_response_norm(x: &Tensor, alpha: f64) -> Tensor {
    let maps = x.size()[1];
    // A convolution of one pixel adds up the squares of the neighbours: one product of matrices, forward and backward.
    let reach = LOCAL_MAPS / 2;
    let share = alpha / LOCAL_MAPS as f64;
    let neighbours = (Tensor::ones([maps, maps], FLOAT).triu(-reach).tril(reach) * share).to_kind(x.kind());
    let sums = x.square().conv2d(&neighbours.view([maps, maps, 1, 1]), None::<&Tensor>, 1, 0, 1, 1);
    // d^0.75 by roots, which are much cheaper than a power.
    let root = (sums + 1.0).sqrt();
    x / (&root * root.sqrt())
}

/// 0 for the dropped units, 1/(1 - share) for the others.
fn dropout_mask(x: &Tensor, share: f64, random: &mut Random) -> Tensor {
    let (share, keep) = (share as f32, (1.0 / (1.0 - share)) as f32);
    let mask: Vec<f32> = (0..x.numel()).map(|_| if random.uniform() < share { 0.0 } else { keep }).collect();
    Tensor::from_slice(&mask).view_as(x)
}

/// +1, -1, +1, ...: (units).
fn alternate_signs(units: i64) -> Tensor {
    1.0 - Tensor::arange(units, FLOAT).remainder(2.0) * 2.0
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
    use protocol::Activations;

    const MNIST: ImageShape = ImageShape { channels: 1, height: 28, width: 28 };
    const CIFAR: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };

    fn activations(conv: Activation, fc: Activation) -> Activations {
        Activations { conv, fc }
    }

    fn lenet4(activations: Activations, seed: u64) -> Network {
        let architecture = Architecture::lenet4([4, 16, 120], activations, 0.0);
        Network::new(architecture, MNIST, 10, Init::Xavier, seed)
    }

    fn normal(size: &[i64]) -> Tensor {
        let mut random = Random::new(1, Purpose::Experiment { number: 0 });
        let values: Vec<f32> = (0..size.iter().product::<i64>()).map(|_| random.normal()).collect();
        Tensor::from_slice(&values).view(size)
    }

    #[test]
    fn arms_start_from_the_same_weights_and_seeds_do_not() {
        use Activation::{Relu, Tanh};
        let weights = |activations, seed| lenet4(activations, seed).weights();
        assert_eq!(weights(activations(Relu, Tanh), 1), weights(activations(Tanh, Tanh), 1));
        assert_ne!(weights(activations(Relu, Tanh), 1), weights(activations(Relu, Tanh), 2));
        let softmax = &weights(activations(Relu, Tanh), 1)[6];
        assert!(softmax.name == "fc2.weight" && softmax.values.iter().all(|&w| w == 0.0));
    }

    #[test]
    fn weights_survive_export_and_are_checked() {
        let tanh = activations(Activation::Tanh, Activation::Tanh);
        let mut weights = lenet4(tanh, 3).weights();
        let mut net = lenet4(tanh, 4);
        net.load(&weights).unwrap();
        assert_eq!(net.weights(), weights);
        weights[2].values[5] = f32::NAN;
        assert_eq!(net.load(&weights), Err(WeightsError::NotFinite("conv2.weight".into())));
        weights[2].values.pop();
        assert!(matches!(net.load(&weights), Err(WeightsError::Shape { name, .. }) if name == "conv2.weight"));
        weights.remove(0);
        assert_eq!(net.load(&weights), Err(WeightsError::Missing("conv1.weight".into())));
    }

    /// The layers computed by hand, for one colour image.
    #[test]
    fn the_convnet_is_its_layers_one_after_the_other() {
        let prelu = Activations { conv: Activation::PRELU, fc: Activation::Relu };
        let architecture = Architecture::convnet([3, 4, 5, 6], prelu, 0.0);
        let net = Network::new(architecture, CIFAR, 7, Init::He, 1);
        let x = normal(&[2, 3, 32, 32]);
        let convolution = |x: &Tensor, name: &str| {
            let [w, b] = ["weight", "bias"].map(|what| net.parameter(&format!("{name}.{what}")));
            x.conv2d(w, Some(b), 1, 2, 1, 1)
        };
        let prelu = |z: &Tensor| z.clamp_min(0.0) + z.clamp_max(0.0) * 0.25;
        // With a row and a column more, every window is whole. The sums of a window are divided by the pixels that it has,
        // and a value below all others is no maximum.
        let average = |y: &Tensor| {
            let sums = |y: &Tensor| y.constant_pad_nd([0, 1, 0, 1]).avg_pool2d(3, 2, 0, false, true, None::<i64>);
            sums(y) / sums(&y.ones_like())
        };
        let maximum = |y: &Tensor| {
            let least = y.min();
            (y - &least).constant_pad_nd([0, 1, 0, 1]).max_pool2d(3, 2, 0, 1, false) + least
        };
        let z1 = maximum(&convolution(&x, "conv1"));
        let z2 = convolution(&prelu(&z1), "conv2");
        let z3 = convolution(&average(&prelu(&z2)), "conv3");
        let features = average(&prelu(&z3)).reshape([2, -1]);
        let z4 = features.linear(net.parameter("fc1.weight"), Some(net.parameter("fc1.bias")));
        let logits = z4.relu().linear(net.parameter("fc2.weight"), Some(net.parameter("fc2.bias")));
        let (hidden, found) = net.trace(&x);
        let near = |a: &Tensor, b: &Tensor| (a - b).abs().max().double_value(&[]) < 1e-5;
        assert!(found.size() == [2, 7] && near(&found, &logits));
        let names: Vec<&str> = hidden.iter().map(|layer| layer.name).collect();
        assert_eq!(names, ["conv1", "conv2", "conv3", "fc1"]);
        for (layer, z) in hidden.iter().zip([z1, z2, z3, z4]) {
            assert!(near(&layer.z, &z), "{}", layer.name);
        }
        assert!(near(&hidden[2].y, &prelu(&hidden[2].z)));
    }

    #[test]
    fn a_trained_slope_has_a_gradient_of_its_own() {
        let prelu = Activations { conv: Activation::PRELU, fc: Activation::PRELU };
        let net = lenet4(prelu, 1);
        assert_eq!(net.names().len(), 11);
        assert_eq!(net.parameter("conv1.slope"), &Tensor::from_slice(&[0.25_f32]));
        let z = normal(&[5, 120]).set_requires_grad(true);
        let y = net.hidden_output("fc1", &z);
        let slope = net.parameter("fc1.slope");
        let gradient = Tensor::run_backward(&[y.sum(Kind::Float)], &[slope], false, false);
        // The sum over all inputs is below 0.
        let expected = z.clamp_max(0.0).sum(Kind::Float).double_value(&[]);
        assert!((gradient[0].double_value(&[0]) - expected).abs() < 1e-3);
    }

    #[test]
    fn dropout_silences_a_share_and_scales_the_rest() {
        let architecture = Architecture::mlp(&[4000], Activation::Linear, 0.3);
        let net = Network::new(architecture, MNIST, 10, Init::Normal(protocol::Parameter::new(0.01)), 1);
        let z = Tensor::ones([5, 4000], FLOAT);
        let draw = |seed| dropout_mask(&z, 0.3, &mut Random::new(seed, Purpose::BatchNoise { epoch: 1, batch: 2 }));
        let mask = draw(1);
        // 20,000 draws of a probability of 0.3: four standard errors are 0.013.
        let silent = mask.eq(0.0).to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
        assert!((silent - 0.3).abs() < 0.013, "{silent}");
        assert!((mask.max().double_value(&[]) - 1.0 / 0.7).abs() < 1e-6);
        assert!(draw(1).equal(&mask) && !draw(2).equal(&mask));
        let images = normal(&[2, 1, 32, 32]);
        let train = |seed| net.logits_in(&images, Mode::Training(&mut Random::new(seed, Purpose::InitialWeights)));
        assert!(train(1).equal(&train(1)) && !train(1).equal(&train(2)));
        assert!(net.logits(&images).equal(&net.logits(&images)));
    }

    /// What is measured of a layer is its activation's input and output, behind a pooling and a normalisation.
    #[test]
    fn parts_of_a_normalised_network_are_its_parts() {
        for norm in ["batch", "local"] {
            let relu = activations(Activation::Relu, Activation::Tanh);
            let mut architecture = Architecture::convnet([3, 4, 5, 6], relu, 0.0);
            architecture.normalise(norm.parse().unwrap());
            let net = Network::new(architecture, CIFAR, 7, Init::He, 1);
            let x = normal(&[8, 3, 32, 32]);
            // The statistics differ from layer to layer afterwards.
            let _ = net.logits_in(&x, Mode::Training(&mut Random::new(1, Purpose::InitialWeights)));
            let (hidden, logits) = net.trace(&x);
            assert!(net.logits(&x).equal(&logits));
            for HiddenLayer { name, z, y } in &hidden {
                assert!(net.hidden_output(name, z).equal(y), "{norm} {name}");
                assert!(net.logits_behind(name, z, Mode::Evaluation).equal(&logits), "{norm} {name}");
            }
            let copy = net.copy();
            let before = copy.weights();
            assert_eq!(before, net.weights());
            let built = Network::of_weights(net.architecture.clone(), CIFAR, 7, &before).unwrap();
            assert_eq!(built.weights(), before);
            assert!(built.logits(&x).equal(&logits), "{norm}");
            let mut loaded = net.copy();
            let _ = loaded.logits_in(&x, Mode::Training(&mut Random::new(1, Purpose::InitialWeights)));
            assert_eq!(loaded.weights() == before, norm == "local", "only batch normalisation has statistics");
            loaded.load(&before).unwrap();
            assert_eq!(loaded.weights(), before);
            assert!(loaded.logits(&x).equal(&logits));
        }
    }

    /// A gain is of the whole output, and each part of a forward pass has it once.
    #[test]
    fn a_units_output_and_its_preactivation_can_be_changed() {
        for norm in ["none", "batch", "local"] {
            let mut architecture =
                Architecture::convnet([3, 4, 5, 6], activations(Activation::Relu, Activation::Tanh), 0.0);
            architecture.normalise(norm.parse().unwrap());
            let mut net = Network::new(architecture, CIFAR, 7, Init::He, 1);
            let x = normal(&[8, 3, 32, 32]);
            let names = ["conv1", "conv2", "conv3", "fc1"];
            assert_eq!(net.hidden_layers(), names.into_iter().zip([3, 4, 5, 6]).collect::<Vec<_>>());
            assert_eq!(net.weighted_layers().last(), Some(&("fc2", 7)));
            for name in names {
                let of_unit = |net: &Network| {
                    let (hidden, _) = net.trace(&x);
                    let layer = hidden.into_iter().find(|layer| layer.name == name).unwrap();
                    assert!(net.preactivations(name, &x).equal(&layer.z));
                    [layer.z, layer.y].map(|values| values.select(1, 2).copy())
                };
                let [z, y] = of_unit(&net);
                assert!((net.scale_unit(name, 2, -3.0) + 3.0).abs() < 1e-12);
                let [same, scaled] = of_unit(&net);
                assert!(same.equal(&z) && scaled.equal(&(&y * -3.0)), "{norm} {name}");
                assert!((net.scale_unit(name, 2, 0.5) + 1.5).abs() < 1e-12 && (net.gain(name, 2) + 1.5).abs() < 1e-12);
                net.shift_unit(name, 2, 0.75);
                let [shifted, _] = of_unit(&net);
                let most = (shifted - z - 0.75).abs().max().double_value(&[]);
                assert!(most < 1e-4, "{norm} {name}: {most}");
            }
            let (hidden, logits) = net.trace(&x);
            for HiddenLayer { name, z, y } in &hidden {
                assert!(net.hidden_output(name, z).equal(y), "{norm} {name}");
                assert!(net.logits_behind(name, z, Mode::Evaluation).equal(&logits), "{norm} {name}");
                assert!(net.logits_after(name, y).equal(&logits), "{norm} {name}");
                let sums = net.sums_of(name, &net.input_of(name, &x));
                assert!(norm == "batch" || *name == "conv1" || sums.equal(z), "{norm} {name}");
            }
            assert!(net.copy().logits(&x).equal(&logits));
        }
    }

    /// `KeepLargest` comes first, then the offset, then the signs.
    #[test]
    fn outputs_of_units_can_be_transformed() {
        let mut architecture = Architecture::mlp(&[3], Activation::Relu, 0.0);
        architecture.layers.splice(3..3, [Layer::KeepLargest(2), Layer::Offset(0.5), Layer::AlternateSigns]);
        let net = Network::new(architecture, MNIST, 2, Init::He, 1);
        let z = Tensor::from_slice(&[1.0_f32, 2.0, 3.0]).view([1, 3]);
        assert_eq!(net.hidden_output("fc1", &z), Tensor::from_slice(&[-0.5_f32, -1.5, 2.5]).view([1, 3]));
        let (hidden, _) = net.trace(&normal(&[1, 1, 32, 32]));
        assert!(hidden.len() == 1 && net.hidden_output("fc1", &hidden[0].z).equal(&hidden[0].y));
    }
}
