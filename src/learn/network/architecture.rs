//! Networks as lists of layers, and the shapes that follow from them for images of one form.

use crate::data::{ImageShape, Padding};
use crate::init::{Fans, WeightKind};
use protocol::{Activation, Activations, Norm};

/// Layers that share the choice of an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The convolutional layers.
    Conv,
    /// The hidden fully connected layers.
    Fc,
}

impl Group {
    /// The activation of this group's layers.
    pub fn activation(self, activations: Activations) -> Activation {
        match self {
            Self::Conv => activations.conv,
            Self::Fc => activations.fc,
        }
    }
}

/// How a pooling layer reduces a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    Max,
    /// Of the pixels that are in the maps, where a window reaches over their edge.
    Average,
}

/// What becomes of rows and columns at the end that do not fill a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    Dropped,
    /// They are a smaller window (`ceil_mode` in PyTorch).
    Pooled,
}

impl Rest {
    /// The side of maps after pooling.
    fn pooled(self, side: i64, window: i64, stride: i64) -> i64 {
        match self {
            Self::Dropped => (side - window) / stride + 1,
            // A window must begin within the maps.
            Self::Pooled => ((side - window + stride - 1).div_euclid(stride) + 1).min((side - 1) / stride + 1),
        }
    }
}

/// One layer. Layers with a name have parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// A square kernel with stride 1, with zeros around the maps.
    Convolution {
        name: String,
        maps: i64,
        kernel: i64,
        padding: i64,
    },
    Pool {
        kind: Pooling,
        window: i64,
        stride: i64,
        rest: Rest,
    },
    /// The activation of the layer with parameters before it.
    Activation(Group),
    /// Flattens maps to one row of numbers, channel by channel.
    Flatten,
    Dense {
        name: String,
        units: i64,
    },
    /// The last layer: as many units as there are classes.
    Logits {
        name: String,
    },
    /// In training, this share of the units is zeroed and the others are scaled up (Srivastava et al. 2014; the scaling
    /// is done in training, as in PyTorch).
    Dropout(f64),
    /// Batch normalisation of units or maps (Ioffe and Szegedy 2015), with a trained scale and shift.
    BatchNorm {
        name: String,
    },
    /// Local response normalisation across five maps (Krizhevsky, Sutskever, Hinton 2012): each value is divided by
    /// (1 + alpha mean(y^2))^0.75, with the mean over the values of the same place in its map and two on each side. Maps
    /// that are not there count as zeros, as in PyTorch.
    LocalNorm {
        alpha: f64,
    },
    /// Only this many units of an image are kept, the largest; the others become 0.
    KeepLargest(i64),
    /// Subtracted from every unit.
    Offset(f64),
    /// Every second unit is negated (Glorot et al. 2011, to centre a rectifier's code).
    AlternateSigns,
}

impl Layer {
    /// The name, of a layer that may have an activation.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Convolution { name, .. } | Self::Dense { name, .. } | Self::Logits { name } => Some(name),
            _ => None,
        }
    }

    /// Whether it only changes the output of an activation.
    pub fn belongs_to_activation(&self) -> bool {
        matches!(self, Self::KeepLargest(_) | Self::Offset(_) | Self::AlternateSigns)
    }
}

/// A network without weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    pub layers: Vec<Layer>,
    pub activations: Activations,
    /// Zeros around the images.
    pub padding: Padding,
    /// Whether initial weights are drawn as in the Theano LeNet tutorial (deeplearning.net): the fan-out of a
    /// convolution is divided by the size of the pooling window behind it, and the softmax layer starts from zeros.
    pub tutorial_init: bool,
}

/// The role of a parameter in its layer, which decides its initial value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// Drawn at random.
    Weight(Fans),
    /// Zero.
    ZeroWeight,
    /// Zero.
    Bias,
    /// The initial slope of a `PReLU` (He et al. 2015).
    Slope(f64),
    /// One: the scale of batch normalisation.
    Scale,
}

/// A parameter before it has values.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterShape {
    /// The name in PyTorch's form, such as `conv1.weight`.
    pub name: String,
    pub size: Vec<i64>,
    pub role: Role,
}

impl Architecture {
    /// LeNet-4 (`LeCun`, Bottou, Bengio, Haffner 1998, III-C.8) in the form of the Theano tutorial: convolution, max-pool,
    /// activation, twice; a fully connected layer; logits. With 4, 16 and 120 units and full connections it has 51,050
    /// parameters and reaches about 1.2 % validation error on MNIST after 150 epochs.
    pub fn lenet4([conv1, conv2, fc1]: [u32; 3], activations: Activations, dropout: f64) -> Self {
        let mut layers = Vec::new();
        for (number, maps) in [(1, conv1), (2, conv2)] {
            let name = format!("conv{number}");
            layers.push(Layer::Convolution { name, maps: maps.into(), kernel: 5, padding: 0 });
            layers.push(Layer::Pool { kind: Pooling::Max, window: 2, stride: 2, rest: Rest::Dropped });
            layers.push(Layer::Activation(Group::Conv));
        }
        layers.push(Layer::Flatten);
        push_dense(&mut layers, &[fc1], dropout);
        Self { layers, activations, padding: Padding::STANDARD, tutorial_init: true }
    }

    /// Fully connected hidden layers of these widths.
    pub fn mlp(widths: &[u32], activation: Activation, dropout: f64) -> Self {
        let mut layers = vec![Layer::Flatten];
        push_dense(&mut layers, widths, dropout);
        let activations = Activations { conv: activation, fc: activation };
        Self { layers, activations, padding: Padding::STANDARD, tutorial_init: false }
    }

    /// The network of Krizhevsky's cuda-convnet for CIFAR-10 that trains in 80 seconds (`layers-80sec.cfg`): three
    /// convolutions, the first followed by a max-pool before its activation and the others by average pooling after it;
    /// a fully connected layer; logits. With 32, 32, 64 and 64 units and images of 32x32 colour pixels it has 145,578
    /// parameters.
    pub fn convnet([conv1, conv2, conv3, fc1]: [u32; 4], activations: Activations, dropout: f64) -> Self {
        let convolution = |number: u32, maps: u32| Layer::Convolution {
            name: format!("conv{number}"),
            maps: maps.into(),
            kernel: 5,
            padding: 2,
        };
        let pool = |kind| Layer::Pool { kind, window: 3, stride: 2, rest: Rest::Pooled };
        let activation = || Layer::Activation(Group::Conv);
        let mut layers = vec![
            convolution(1, conv1),
            pool(Pooling::Max),
            activation(),
            convolution(2, conv2),
            activation(),
            pool(Pooling::Average),
            convolution(3, conv3),
            activation(),
            pool(Pooling::Average),
            Layer::Flatten,
        ];
        push_dense(&mut layers, &[fc1], dropout);
        // Its poolings leave a pixel of the smallest images.
        Self { layers, activations, padding: Padding::NONE, tutorial_init: false }
    }

    /// Inserts a layer that changes the output of every activation, behind layers that do so already.
    pub fn insert_behind_activations(&mut self, layer: &Layer) {
        let mut layers = Vec::with_capacity(2 * self.layers.len());
        let mut rest = self.layers.drain(..).peekable();
        let mut in_activation = false;
        while let Some(next) = rest.next() {
            in_activation = matches!(next, Layer::Activation(_)) || in_activation && next.belongs_to_activation();
            layers.push(next);
            if in_activation && !rest.peek().is_some_and(Layer::belongs_to_activation) {
                layers.push(layer.clone());
            }
        }
        drop(rest);
        self.layers = layers;
    }

    /// Inserts the layers of a study's setting.
    pub fn normalise(&mut self, norm: Norm) {
        match norm {
            Norm::None => {}
            Norm::Batch => self.insert_batch_norms(),
            Norm::Local(alpha) => self.insert_local_norms(alpha.value()),
        }
    }

    /// Inserts a local response normalisation in front of every convolution but the first, that is behind the pooling, as
    /// in cuda-convnet's 18 % network (`layers-18pct.cfg`).
    fn insert_local_norms(&mut self, alpha: f64) {
        let mut is_first = true;
        let normalised = self.layers.drain(..).flat_map(|layer| {
            let is_later = matches!(layer, Layer::Convolution { .. }) && !std::mem::take(&mut is_first);
            let norm = is_later.then_some(Layer::LocalNorm { alpha });
            norm.into_iter().chain([layer])
        });
        self.layers = normalised.collect();
    }

    /// Whether a layer of it normalises.
    pub fn is_normalised(&self) -> bool {
        self.layers.iter().any(|layer| matches!(layer, Layer::BatchNorm { .. } | Layer::LocalNorm { .. }))
    }

    /// Inserts a batch normalisation in front of every activation. Behind a pooling it normalises what the activation
    /// gets, and is computed for fewer pixels.
    pub fn insert_batch_norms(&mut self) {
        let mut number = 0;
        let normalised = self.layers.drain(..).flat_map(|layer| {
            let norm = matches!(layer, Layer::Activation(_)).then(|| {
                number += 1;
                Layer::BatchNorm { name: format!("bn{number}") }
            });
            norm.into_iter().chain([layer])
        });
        self.layers = normalised.collect();
    }

    /// The widths of LeNet-4, if the network is one.
    pub fn lenet4_widths(&self) -> Option<[i64; 3]> {
        let block = |layers: &[Layer]| match layers {
            [
                Layer::Convolution { maps, kernel: 5, padding: 0, .. },
                Layer::Pool { kind: Pooling::Max, window: 2, stride: 2, rest: Rest::Dropped },
                Layer::Activation(Group::Conv),
            ] => Some(*maps),
            _ => None,
        };
        let (convolutions, rest) = self.layers.split_at_checked(6)?;
        match rest {
            [
                Layer::Flatten,
                Layer::Dense { units, .. },
                Layer::Activation(Group::Fc),
                Layer::Dropout(_),
                Layer::Logits { .. },
            ] => Some([block(&convolutions[..3])?, block(&convolutions[3..])?, *units]),
            _ => None,
        }
    }

    /// The widths of cuda-convnet's network, if the network is it.
    pub fn convnet_widths(&self) -> Option<[i64; 4]> {
        let Layer::Convolution { maps: conv1, .. } = self.layers.first()? else { return None };
        let [conv2, conv3] = [3, 6].map(|at| match self.layers.get(at) {
            Some(Layer::Convolution { maps, .. }) => Some(*maps),
            _ => None,
        });
        let Some(Layer::Dense { units, .. }) = self.layers.get(10) else { return None };
        let Some(Layer::Dropout(share)) = self.layers.get(12) else { return None };
        let widths = [*conv1, conv2?, conv3?, *units];
        let same = Self::convnet(widths.map(|width| width as u32), self.activations, *share);
        (*self == same).then_some(widths)
    }

    /// The parameters' names, which do not depend on the images.
    pub fn names(&self) -> Vec<String> {
        // Any image size works that leaves a pixel after every pooling.
        let any = ImageShape { channels: 1, height: 64, width: 64 };
        self.parameters(any, 2).into_iter().map(|parameter| parameter.name).collect()
    }

    /// The names of everything that a checkpoint holds: the parameters, then the running statistics of each batch
    /// normalisation.
    pub fn stored_names(&self) -> Vec<String> {
        let layers = self.layers.iter().filter_map(|layer| match layer {
            Layer::BatchNorm { name } => Some(name),
            _ => None,
        });
        let statistics = layers.flat_map(|name| Self::statistics_names(name));
        self.names().into_iter().chain(statistics).collect()
    }

    /// The names of a batch normalisation's running mean and variance, which are PyTorch's.
    pub fn statistics_names(layer: &str) -> [String; 2] {
        ["mean", "var"].map(|what| format!("{layer}.running_{what}"))
    }

    /// The parameters for images of this shape, unpadded, and so many classes.
    pub fn parameters(&self, images: ImageShape, classes: usize) -> Vec<ParameterShape> {
        let mut found: Vec<ParameterShape> = Vec::new();
        let mut push = |layer: &str, what: &str, size: Vec<i64>, role: Role| {
            found.push(ParameterShape { name: format!("{layer}.{what}"), size, role });
        };
        let dense = |inputs: i64, outputs: i64| Fans {
            inputs: inputs as f64,
            outputs: outputs as f64,
            kind: WeightKind::Dense,
        };
        let padded = self.padding.padded(images);
        let mut maps = [padded.channels, padded.height, padded.width].map(|size| size as i64);
        // The last layer with parameters.
        let mut last = "";
        for (at, layer) in self.layers.iter().enumerate() {
            match layer {
                Layer::Convolution { name, maps: outputs, kernel, padding } => {
                    let [inputs, height, width] = maps;
                    let window = (kernel * kernel) as f64;
                    let pooled = if self.tutorial_init { self.window_behind(at) } else { 1.0 };
                    let kind = if last.is_empty() { WeightKind::FirstConvolution } else { WeightKind::Convolution };
                    let role = Role::Weight(Fans {
                        inputs: inputs as f64 * window,
                        outputs: *outputs as f64 * window / pooled,
                        kind,
                    });
                    push(name, "weight", vec![*outputs, inputs, *kernel, *kernel], role);
                    push(name, "bias", vec![*outputs], Role::Bias);
                    let side = |side: i64| side + 2 * padding - kernel + 1;
                    maps = [*outputs, side(height), side(width)];
                    last = name;
                }
                Layer::Pool { window, stride, rest, .. } => {
                    let side = |side: i64| rest.pooled(side, *window, *stride);
                    maps = [maps[0], side(maps[1]), side(maps[2])];
                }
                Layer::Flatten => maps = [maps.iter().product(), 1, 1],
                Layer::Dense { name, units } => {
                    let role = Role::Weight(dense(maps[0], *units));
                    push(name, "weight", vec![*units, maps[0]], role);
                    push(name, "bias", vec![*units], Role::Bias);
                    maps = [*units, 1, 1];
                    last = name;
                }
                Layer::Logits { name } => {
                    let units = classes as i64;
                    let role = if self.tutorial_init { Role::ZeroWeight } else { Role::Weight(dense(maps[0], units)) };
                    push(name, "weight", vec![units, maps[0]], role);
                    push(name, "bias", vec![units], Role::Bias);
                }
                Layer::Activation(group) => {
                    if let Activation::Prelu(start) = group.activation(self.activations) {
                        push(last, "slope", vec![1], Role::Slope(start.value()));
                    }
                }
                Layer::BatchNorm { name } => {
                    push(name, "weight", vec![maps[0]], Role::Scale);
                    push(name, "bias", vec![maps[0]], Role::Bias);
                }
                Layer::Dropout(_)
                | Layer::LocalNorm { .. }
                | Layer::KeepLargest(_)
                | Layer::Offset(_)
                | Layer::AlternateSigns => {}
            }
        }
        found
    }

    /// Pixels in the window of a pooling layer directly behind a layer; 1 if there is none.
    fn window_behind(&self, at: usize) -> f64 {
        match self.layers.get(at + 1) {
            Some(Layer::Pool { window, .. }) => (window * window) as f64,
            _ => 1.0,
        }
    }
}

/// Hidden fully connected layers with their activations and dropout, then the logits.
fn push_dense(layers: &mut Vec<Layer>, widths: &[u32], dropout: f64) {
    for (number, &units) in (1..).zip(widths) {
        layers.push(Layer::Dense { name: format!("fc{number}"), units: units.into() });
        layers.push(Layer::Activation(Group::Fc));
        layers.push(Layer::Dropout(dropout));
    }
    layers.push(Layer::Logits { name: format!("fc{}", widths.len() + 1) });
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELU: Activations = Activations { conv: Activation::Relu, fc: Activation::Relu };

    fn grey(side: usize) -> ImageShape {
        ImageShape { channels: 1, height: side, width: side }
    }

    fn count(parameters: &[ParameterShape]) -> i64 {
        parameters.iter().map(|parameter| parameter.size.iter().product::<i64>()).sum()
    }

    #[test]
    fn parameters_are_counted_as_in_the_papers() {
        let lenet4 = Architecture::lenet4([4, 16, 120], RELU, 0.0);
        assert_eq!(count(&lenet4.parameters(grey(28), 10)), 51_050);
        assert_eq!(lenet4.lenet4_widths(), Some([4, 16, 120]));
        // 32 -> 16 -> 8 -> 4.
        let convnet = Architecture::convnet([32, 32, 64, 64], RELU, 0.0);
        let cifar = ImageShape { channels: 3, height: 32, width: 32 };
        assert_eq!(count(&convnet.parameters(cifar, 10)), 145_578);
        assert_eq!((convnet.lenet4_widths(), convnet.convnet_widths()), (None, Some([32, 32, 64, 64])));
        let mut other = convnet.clone();
        other.insert_behind_activations(&Layer::Offset(0.5));
        assert_eq!((other.convnet_widths(), lenet4.convnet_widths()), (None, None));
        let mlp = Architecture::mlp(&[300, 100], RELU.fc, 0.0);
        assert_eq!(count(&mlp.parameters(grey(28), 10)), 1025 * 300 + 301 * 100 + 101 * 10);
    }

    #[test]
    fn every_size_of_image_leaves_something_to_the_last_layer() {
        let widths = |architecture: &Architecture, images| -> i64 {
            let parameters = architecture.parameters(images, 2);
            parameters.iter().find(|parameter| parameter.name == "fc1.weight").unwrap().size[1]
        };
        let (lenet4, convnet) =
            (Architecture::lenet4([1, 1, 1], RELU, 0.0), Architecture::convnet([1, 1, 1, 1], RELU, 0.0));
        for side in 8..=64 {
            assert!(widths(&lenet4, grey(side)) >= 1 && widths(&convnet, grey(side)) >= 1, "{side}");
        }
        let wide = ImageShape { channels: 3, height: 8, width: 64 };
        assert_eq!(widths(&lenet4, wide), 14);
    }

    /// As PyTorch computes them (`pooling_output_shape`).
    #[test]
    fn a_rest_is_pooled_or_dropped() {
        let sides = |rest: Rest| [3, 4, 5, 8, 9, 16, 32].map(|side| rest.pooled(side, 3, 2));
        assert_eq!(sides(Rest::Pooled), [1, 2, 2, 4, 4, 8, 16]);
        assert_eq!(sides(Rest::Dropped), [1, 1, 2, 3, 4, 7, 15]);
        assert_eq!((Rest::Pooled.pooled(2, 3, 2), Rest::Pooled.pooled(4, 1, 3)), (1, 2));
    }

    #[test]
    fn normalisations_stand_where_they_should() {
        let kinds = |mut architecture: Architecture, norm: &str| {
            architecture.normalise(norm.parse().unwrap());
            let letter = |layer: &Layer| match layer {
                Layer::Convolution { .. } => 'c',
                Layer::Pool { .. } => 'p',
                Layer::Activation(_) => 'a',
                Layer::Dense { .. } => 'd',
                Layer::Logits { .. } => 'l',
                Layer::BatchNorm { .. } => 'B',
                Layer::LocalNorm { .. } => 'L',
                _ => '-',
            };
            architecture.layers.iter().map(letter).filter(|letter| *letter != '-').collect::<String>()
        };
        let (lenet4, convnet) =
            (Architecture::lenet4([1, 1, 1], RELU, 0.0), Architecture::convnet([1, 1, 1, 1], RELU, 0.0));
        assert_eq!(kinds(lenet4.clone(), "none"), "cpacpadal");
        assert_eq!(kinds(lenet4.clone(), "batch"), "cpBacpBadBal");
        assert_eq!(kinds(lenet4, "local"), "cpaLcpadal");
        assert_eq!(kinds(convnet.clone(), "batch"), "cpBacBapcBapdBal");
        assert_eq!(kinds(convnet, "local"), "cpaLcapLcapdal");
        let mut mlp = Architecture::mlp(&[3], RELU.fc, 0.0);
        mlp.normalise(Norm::Batch);
        let names = mlp.stored_names().join(" ");
        let parameters = "fc1.weight fc1.bias bn1.weight bn1.bias fc2.weight fc2.bias";
        assert_eq!(names, format!("{parameters} bn1.running_mean bn1.running_var"));
    }

    #[test]
    fn names_are_in_the_order_of_the_layers() {
        let activations = Activations { conv: Activation::PRELU, ..RELU };
        let names = Architecture::lenet4([1, 1, 1], activations, 0.0).names().join(" ");
        let conv = "conv1.weight conv1.bias conv1.slope conv2.weight conv2.bias conv2.slope";
        assert_eq!(names, format!("{conv} fc1.weight fc1.bias fc2.weight fc2.bias"));
        assert!(Architecture::mlp(&[2; 10], Activation::PRELU, 0.0).names().contains(&"fc10.slope".into()));
    }
}
