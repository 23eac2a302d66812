//! cuda-convnet's network for CIFAR-10 with our own convolutions, poolings and fc1. LibTorch computes the activations
//! between them and everything behind z4, on the same memory, as in `lenet4`.
//!
//! ```text
//!   x ─conv1, max-pool─▶ y1 ═activation═▶ s1 ─conv2─▶ z2 ═activation═▶ s2 ─mean-pool─▶ p2 ─conv3─▶ z3 ═activation═▶ s3
//!   s3 ─mean-pool─▶ p3 ─fc1─▶ z4 ═activation, fc2, loss═▶ loss
//! ```
//!
//! A double line is LibTorch's, a single one ours. conv1's output is needed for one group of images at a time only: the
//! maximum knows where its gradient goes. Sums that are equal in exact arithmetic, as in an even area of an image, are
//! rounded by their place in a tile, so another pixel than LibTorch's may take a window's gradient there. The activation's
//! affine part is not folded into the weights, as in LeNet-4, because the zeros around the maps are not shifted with it.

use super::convolution::{Convolution, Maps};
use super::memory::{FLOAT, floats, floats_mut};
use super::pooling::{self, Greatest, Pooled};
use super::{Affine, Buffer, Dense, InstructionSet, Order, layout};
use crate::activation;
use crate::data::ImageShape;
use crate::network::{Mode, Network};
use protocol::Activation;
use tch::Tensor;

/// The fused layers of one lane, with all the memory that their step needs.
pub struct FusedConvnet {
    set: InstructionSet,
    images: ImageShape,
    convolutions: [Convolution; 3],
    pools: [Pooled; 3],
    fc1: Dense,
    /// conv1's output, or its gradient, for a group.
    z1: Buffer,
    /// Slopes of 1, as there is no activation between the last pooling and fc1.
    ones: Buffer,
    /// One for each batch size that has occurred: full, last, evaluation.
    spaces: Vec<Space>,
    /// The last forward pass, until its backward pass.
    pass: Option<Pass>,
    /// The gradients of weights and biases up to fc1's, in the parameters' shapes; overwritten by every backward pass.
    gradients: [Tensor; 8],
}

/// The memory for a batch.
struct Space {
    images: usize,
    /// `[group][channel][y][x][lane]`
    x: Buffer,
    greatest: Vec<Greatest>,
    y1: Tensor,
    z2: Tensor,
    p2: Buffer,
    z3: Tensor,
    /// (features, lanes)
    p3: Buffer,
    /// (images, fc1), a leaf of the graph.
    z4: Tensor,
    /// The gradients of p3, z3, p2, z2 and y1, in their layouts.
    gradients: [Buffer; 5],
}

struct Pass {
    space: usize,
    s1: Tensor,
    s2: Tensor,
    s3: Tensor,
}

impl FusedConvnet {
    /// For images of this shape and a network of these widths: feature maps of the convolutions, units of fc1.
    pub fn new(images: ImageShape, widths: [i64; 4]) -> Self {
        Self::with(InstructionSet::best(), images, widths)
    }

    /// With these vector instructions.
    pub fn with(set: InstructionSet, images: ImageShape, widths: [i64; 4]) -> Self {
        let [c1, c2, c3, f1] = widths.map(|width| width as usize);
        let (mut inputs, mut height, mut width) = (images.channels, images.height, images.width);
        let layers = [c1, c2, c3].map(|outputs| {
            let maps = Maps { inputs, outputs, height, width };
            let pool = Pooled { channels: outputs, height, width };
            (inputs, height, width) = (outputs, pool.pooled_height(), pool.pooled_width());
            (maps, pool)
        });
        let pools = layers.map(|(_, pool)| pool);
        let features = pools[2].output_len();
        let zeros = |size: &[usize]| Tensor::zeros(size.iter().map(|&n| n as i64).collect::<Vec<_>>(), FLOAT);
        let [of1, of2, of3] =
            layers.map(|(maps, _)| [zeros(&[maps.outputs, maps.inputs, 5, 5]), zeros(&[maps.outputs])]);
        let ([dw1, db1], [dw2, db2], [dw3, db3]) = (of1, of2, of3);
        Self {
            set,
            images,
            convolutions: layers.map(|(maps, _)| Convolution::new(set, maps)),
            pools,
            fc1: Dense::new(set, features, f1),
            z1: Buffer::default(),
            ones: Buffer::default(),
            spaces: Vec::new(),
            pass: None,
            gradients: [dw1, db1, dw2, db2, dw3, db3, zeros(&[features, f1]).tr(), zeros(&[f1])],
        }
    }

    pub fn instruction_set(&self) -> InstructionSet {
        self.set
    }

    /// The logits of a batch: (images, classes).
    ///
    /// `values`: `[image][height][width][channel]`. The network must be the convnet, laid out for fusion.
    pub fn logits(&mut self, net: &Network, values: &[f32], mode: Mode) -> Tensor {
        let images = values.len() / self.images.len();
        let at = self.space(images);
        let (space, lanes) = (&mut self.spaces[at], self.set.width());
        let groups = layout::groups(images, lanes);
        let [w1, b1, w2, b2, w3, b3, w4, b4, _, _] = parameters(net);
        let phi = activation_of(net);
        let [conv1, conv2, conv3] = &mut self.convolutions;
        let [max, mean2, mean3] = self.pools;

        let x = space.x.floats(groups * self.images.len() * lanes);
        layout::channels_to_lanes(values, self.images.channels, self.images.height * self.images.width, lanes, x);
        conv1.set_weights(floats(w1));
        let z1 = self.z1.floats(max.input_len() * lanes);
        let outputs = floats_mut(&mut space.y1).chunks_exact_mut(max.output_len() * lanes);
        let outputs = outputs.zip(space.greatest.chunks_exact_mut(max.output_len()));
        for (x, (y1, greatest)) in x.chunks_exact(self.images.len() * lanes).zip(outputs) {
            conv1.forward(1, x, floats(b1), z1);
            pooling::max(self.set, max, z1, y1, greatest);
        }
        let s1 = activation::apply_fast(phi, &space.y1);

        conv2.set_weights(floats(w2));
        conv2.forward(groups, floats(&s1), floats(b2), floats_mut(&mut space.z2));
        let s2 = activation::apply_fast(phi, &space.z2);
        let p2 = space.p2.floats(groups * mean2.output_len() * lanes);
        pooling::average(self.set, mean2, floats(&s2), Order::Grouped, p2);

        conv3.set_weights(floats(w3));
        conv3.forward(groups, p2, floats(b3), floats_mut(&mut space.z3));
        let s3 = activation::apply_fast(phi, &space.z3);
        let p3 = space.p3.floats(groups * mean3.output_len() * lanes);
        pooling::average(self.set, mean3, floats(&s3), Order::Flat, p3);

        self.fc1.forward(Affine::IDENTITY, p3, floats(&w4.tr()), floats(b4), floats_mut(&mut space.z4));
        let logits = net.logits_behind("fc1", &space.z4, mode); // (images, classes)
        self.pass = Some(Pass { space: at, s1, s2, s3 });
        logits
    }

    /// The gradients of a loss over the last [`FusedConvnet::logits`], in the order of the network's parameters.
    ///
    /// # Panics
    /// If no logits were computed since the last call.
    pub fn gradients(&mut self, net: &Network, loss: &Tensor) -> [Tensor; 10] {
        let Pass { space, s1, s2, s3 } = self.pass.take().expect("gradients follow logits");
        let Space { images, x, greatest, y1, z2, p2, z3, p3, z4, gradients } = &mut self.spaces[space];
        let (set, lanes) = (self.set, self.set.width());
        let groups = layout::groups(*images, lanes);
        let [_, _, w2, _, w3, _, w4, _, w5, b5] = parameters(net);
        let phi = activation_of(net);
        let [conv1, conv2, conv3] = &mut self.convolutions;
        let [max, mean2, mean3] = self.pools;
        let [grad_p3, grad_z3, grad_p2, grad_z2, grad_y1] = gradients;
        let [dw1, db1, dw2, db2, dw3, db3, dw4, db4] = &mut self.gradients;
        let behind_fc1 = Tensor::run_backward(&[loss], &[w5, b5, &*z4], false, false);
        let [dw5, db5, grad_z4] = <[Tensor; 3]>::try_from(behind_fc1).expect("one gradient a leaf");
        let grad_z4 = grad_z4.contiguous();
        let grad_z4 = floats(&grad_z4);

        let p3 = p3.floats(groups * mean3.output_len() * lanes);
        self.fc1.backward_weights(Affine::IDENTITY, p3, grad_z4, floats_mut(&mut dw4.tr()), floats_mut(db4));
        let grad_p3 = grad_p3.floats(p3.len());
        let ones = self.ones.floats(p3.len());
        ones.fill(1.0);
        self.fc1.backward_input(Affine::IDENTITY, floats(&w4.tr()), grad_z4, ones, grad_p3);

        let grad_z3 = grad_z3.floats(s3.numel());
        let slope = activation::slope(phi, z3, &s3);
        pooling::average_backward(set, mean3, grad_p3, Order::Flat, floats(&slope), grad_z3);
        let p2 = p2.floats(groups * mean2.output_len() * lanes);
        conv3.add_gradients(groups, p2, grad_z3);
        conv3.take_gradients(floats_mut(dw3), floats_mut(db3));
        let grad_p2 = grad_p2.floats(p2.len());
        conv3.backward_input(floats(w3), groups, grad_z3, None, grad_p2);

        let grad_z2 = grad_z2.floats(s2.numel());
        let slope = activation::slope(phi, z2, &s2);
        pooling::average_backward(set, mean2, grad_p2, Order::Grouped, floats(&slope), grad_z2);
        conv2.add_gradients(groups, floats(&s1), grad_z2);
        conv2.take_gradients(floats_mut(dw2), floats_mut(db2));
        let grad_y1 = grad_y1.floats(s1.numel());
        let slope = activation::slope(phi, y1, &s1);
        conv2.backward_input(floats(w2), groups, grad_z2, Some(floats(&slope)), grad_y1);

        let x = x.floats(groups * self.images.len() * lanes);
        let grad_z1 = self.z1.floats(max.input_len() * lanes);
        let pooled = grad_y1.chunks_exact(max.output_len() * lanes).zip(greatest.chunks_exact(max.output_len()));
        for (x, (grad_y1, greatest)) in x.chunks_exact(self.images.len() * lanes).zip(pooled) {
            pooling::max_backward(set, max, grad_y1, greatest, grad_z1);
            conv1.add_gradients(1, x, grad_z1);
        }
        conv1.take_gradients(floats_mut(dw1), floats_mut(db1));

        let [dw1, db1, dw2, db2, dw3, db3, dw4, db4] = self.gradients.each_ref().map(Tensor::shallow_clone);
        [dw1, db1, dw2, db2, dw3, db3, dw4, db4, dw5, db5]
    }

    /// The memory for this many images, allocated once.
    fn space(&mut self, images: usize) -> usize {
        if let Some(at) = self.spaces.iter().position(|space| space.images == images) {
            return at;
        }
        let lanes = layout::groups(images, self.set.width()) * self.set.width();
        let zeros = |len: usize| Tensor::zeros([(len * lanes) as i64], FLOAT);
        let [max, mean2, mean3] = self.pools;
        self.spaces.push(Space {
            images,
            x: Buffer::default(),
            greatest: vec![Greatest::default(); max.output_len() * lanes / self.set.width()],
            y1: zeros(max.output_len()),
            z2: zeros(mean2.input_len()),
            p2: Buffer::default(),
            z3: zeros(mean3.input_len()),
            p3: Buffer::default(),
            z4: Tensor::zeros([images as i64, self.gradients[7].size()[0]], FLOAT).set_requires_grad(true),
            gradients: Default::default(),
        });
        self.spaces.len() - 1
    }
}

/// The convolutions' activation.
///
/// # Panics
/// If it has a trained parameter; such a network is not fused.
fn activation_of(net: &Network) -> Activation {
    let activation = net.architecture.activations.conv;
    assert!(!activation.is_trained(), "a trained activation has no fixed slope");
    activation
}

/// Weights and biases of the convnet's five layers.
///
/// # Panics
/// If the network is another one.
fn parameters(net: &Network) -> &[Tensor; 10] {
    net.parameters.as_slice().try_into().expect("the convnet has ten parameters")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Architecture;
    use crate::random::{Purpose, Random};
    use protocol::{Activations, Init};
    use tch::Kind;

    fn convnet(images: ImageShape, widths: [u32; 4], activations: Activations) -> Network {
        Network::new(Architecture::convnet(widths, activations, 0.0), images, 10, Init::Xavier, 1)
    }

    /// Logits and gradients for every activation, odd sides and widths and the full network, with full and partial
    /// batches in turn, against LibTorch's own network in float64.
    #[test]
    fn a_step_is_libtorchs_step() {
        use Activation::{Relu, Tanh};
        let shape = |channels, height, width| ImageShape { channels, height, width };
        let every = Activation::all().filter(|activation| !activation.is_trained());
        let every: Vec<_> = every.map(|conv| (shape(2, 13, 10), [3, 7, 5, 11], (conv, Tanh))).collect();
        let small =
            [(8, 8), (9, 12), (17, 16)].map(|(height, width)| (shape(1, height, width), [1, 2, 9, 4], (Relu, Relu)));
        let own = [(Relu, Relu), (Tanh, Tanh)].map(|pair| (shape(3, 32, 32), [32, 32, 64, 64], pair));
        for set in InstructionSet::available() {
            for (images, widths, activations) in every.iter().copied().chain(small).chain(own) {
                check(set, images, widths, activations);
            }
        }
    }

    fn check(set: InstructionSet, images: ImageShape, widths: [u32; 4], (conv, fc): (Activation, Activation)) {
        let activations = Activations { conv, fc };
        let mut random = Random::new(1, Purpose::Experiment { number: 0 });
        let mut net = convnet(images, widths, activations).laid_out_for_fusion();
        // With a bias of zero, a rectifier whose inputs are all zero is exactly at its kink, where rounding decides.
        for bias in net.parameters.iter_mut().skip(1).step_by(2) {
            let drawn: Vec<f32> = (0..bias.numel()).map(|_| random.between(-0.1, 0.1)).collect();
            tch::no_grad(|| bias.copy_(&Tensor::from_slice(&drawn)));
        }
        let mut oracle = convnet(images, widths, activations);
        let double = |p: &Tensor| p.detach().to_kind(Kind::Double).set_requires_grad(true);
        oracle.parameters = net.parameters.iter().map(double).collect();
        let mut fused = FusedConvnet::with(set, images, widths.map(i64::from));
        for count in [17_usize, 1, 8] {
            let labels = Tensor::from_slice(&(0..count as i64).map(|i| i % 10).collect::<Vec<_>>());
            let values: Vec<f32> = (0..count * images.len()).map(|_| random.normal()).collect();
            let logits = fused.logits(&net, &values, Mode::Evaluation);
            let gradients = fused.gradients(&net, &logits.cross_entropy_for_logits(&labels));
            let [c, h, w] = [images.channels, images.height, images.width].map(|size| size as i64);
            let x = Tensor::from_slice(&values).view([count as i64, h, w, c]).permute([0, 3, 1, 2]);
            let expected = oracle.logits(&x.to_kind(Kind::Double));
            let loss = expected.cross_entropy_for_logits(&labels);
            let oracles = Tensor::run_backward(&[loss], &oracle.parameters, false, false);
            let found = gradients.iter().chain([&logits]);
            let largest = |tensor: &Tensor| tensor.abs().max().double_value(&[]);
            for (at, (found, expected)) in found.zip(oracles.iter().chain([&expected])).enumerate() {
                let error = largest(&(found - expected));
                // A bias' gradient is a sum of hundreds of terms that may cancel, so it counts beside its weights'.
                let size = oracles.get(at ^ 1).filter(|_| at < 10).map_or(0.0, largest).max(largest(expected));
                // Of the full network's hundreds of thousands of numbers some are so near a kink, or two pixels of a window
                // so nearly equal, that rounding decides which side a gradient goes.
                let tolerance = if images.channels == 3 { 5e-3 } else { 5e-5 };
                assert!(
                    error <= tolerance * size,
                    "{activations:?}, {images}, {widths:?}, {count} images, {}, tensor {at}: {error} of {size}",
                    set.name()
                );
            }
        }
    }
}
