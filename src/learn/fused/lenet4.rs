//! LeNet-4 with our own large layers: conv1 and conv2 with their pooling, and fc1. LibTorch computes the activations
//! between them and everything behind z3, on the same memory.
//!
//! ```text
//!   x ─block 1─▶ y1 ═activation═▶ s1 ─block 2─▶ y2 ═activation═▶ s2 ─fc1─▶ z3 ═activation, fc2, loss═▶ loss
//!     ◀block 1─  y1 ◀══slope═════ s1 ◀─block 2─ y2 ◀══slope═════ s2 ◀─fc1─ z3 ◀═════════════════════
//! ```
//!
//! A double line is LibTorch's, a single one ours. z3 is a leaf of LibTorch's graph, and autograd computes the loss's
//! gradient there. No gradient passes through s2 and s1: LibTorch computes the slope of each activation at y2 and y1,
//! and the layer behind multiplies by it as it stores its result, which saves a pass over memory each. This is the
//! chain rule of an elementwise activation, as all of ours are; one that mixes elements, such as softmax, has no such
//! slope and could not be fused in this way. `a_step_is_libtorchs_step` compares all of it with LibTorch's own network.
//!
//! If an activation is a scaled form of another one (tanh z = 2 sigmoid(2z) - 1), only the other one is computed; the
//! scaling is folded into the weights in front and behind ([`super::fold`]).
//!
//! A batch need not fill its last vector. The remaining lanes hold black images, which are computed like all others and
//! have no effect: z3 has a row for each real image only, so they are not part of the loss, and fc1's backward pass
//! gives their lanes a gradient of zero, which every layer in front of it passes on as zero.

use super::fold::{fold, unfold};
use super::memory::{FLOAT, floats, floats_mut};
use super::{Affine, Block, Buffer, Dense, InstructionSet, Order, Shape, layout};
use crate::activation::{self, Factored};
use crate::network::{Mode, Network};
use tch::Tensor;

/// Pixels along a side as the network sees them.
const SIDE: usize = 32;

/// The fused layers of one lane, with all the memory that their step needs.
pub struct FusedLeNet4 {
    set: InstructionSet,
    blocks: [Block; 2],
    fc1: Dense,
    /// Weights and bias of each block with the affine parts of the activations beside it folded in: see
    /// [`super::fold`].
    folded: [[Buffer; 2]; 2],
    /// One for each batch size that has occurred: full, last, evaluation.
    spaces: Vec<Space>,
    /// The last forward pass, until its backward pass.
    pass: Option<Pass>,
    /// The gradients of weights and biases up to fc1's, in the parameters' shapes; overwritten by every backward pass.
    gradients: [Tensor; 6],
}

/// The memory for a batch.
struct Space {
    images: usize,
    /// `[group][32][32][lane]`
    x: Buffer,
    /// `[group][conv1][14][14][lane]`
    y1: Tensor,
    /// (conv2 * 25, lanes)
    y2: Tensor,
    /// (images, fc1), a leaf of the graph.
    z3: Tensor,
    /// Gradients of y1 and y2, in their layout.
    grad_y1: Buffer,
    grad_y2: Buffer,
}

struct Pass {
    space: usize,
    s1: Tensor,
    s2: Tensor,
}

impl FusedLeNet4 {
    /// For a network of these widths: feature maps of both convolutions, units of fc1.
    pub fn new(widths: [i64; 3]) -> Self {
        Self::with(InstructionSet::best(), widths)
    }

    /// With these vector instructions.
    pub fn with(set: InstructionSet, widths: [i64; 3]) -> Self {
        let [c1, c2, f1] = widths.map(|width| width as usize);
        let first = Shape { inputs: 1, outputs: c1, height: SIDE, width: SIDE };
        let second = Shape { inputs: c1, outputs: c2, height: first.pooled_height(), width: first.pooled_width() };
        let features = second.output_len();
        let zeros = |size: &[usize]| Tensor::zeros(size.iter().map(|&n| n as i64).collect::<Vec<_>>(), FLOAT);
        Self {
            set,
            blocks: [Block::new(set, first, Order::Grouped), Block::new(set, second, Order::Flat)],
            fc1: Dense::new(set, features, f1),
            folded: Default::default(),
            spaces: Vec::new(),
            pass: None,
            gradients: [
                zeros(&[c1, 1, 5, 5]),
                zeros(&[c1]),
                zeros(&[c2, c1, 5, 5]),
                zeros(&[c2]),
                zeros(&[features, f1]).tr(),
                zeros(&[f1]),
            ],
        }
    }

    pub fn instruction_set(&self) -> InstructionSet {
        self.set
    }

    /// The logits of the picked images.
    ///
    /// `digits`: 28x28 bytes an image; -> (picked, classes). The network must be LeNet-4, laid out for fusion.
    pub fn logits(&mut self, net: &Network, digits: &[u8], pick: &[i64], mode: Mode) -> Tensor {
        let at = self.space(pick.len());
        let space = &mut self.spaces[at];
        let groups = layout::groups(pick.len(), self.set.width());
        let (Factored { inner, core, .. }, behind) = around(net);
        let [first, second] = &mut self.blocks;
        let [w1, b1, w2, b2, w3, b3, _, _] = parameters(net);
        let x = space.x.floats(groups * first.shape().input_len() * self.set.width());
        layout::digits_to_lanes(self.set, digits, pick, x);

        let (w, b) = folded(&mut self.folded[0], w1, b1);
        fold(Affine::IDENTITY, inner, (floats(w1), floats(b1)), (&mut *w, &mut *b));
        first.forward(groups, x, w, b, floats_mut(&mut space.y1));
        let s1 = activation::apply(core, &space.y1);

        let (w, b) = folded(&mut self.folded[1], w2, b2);
        fold(behind, inner, (floats(w2), floats(b2)), (&mut *w, &mut *b));
        second.forward(groups, floats(&s1), w, b, floats_mut(&mut space.y2));
        let s2 = activation::apply(core, &space.y2); // (conv2 * 25, lanes)

        self.fc1.forward(behind, floats(&s2), floats(&w3.tr()), floats(b3), floats_mut(&mut space.z3));
        let logits = net.logits_behind("fc1", &space.z3, mode); // (picked, classes)
        self.pass = Some(Pass { space: at, s1, s2 });
        logits
    }

    /// The gradients of a loss over the last [`FusedLeNet4::logits`], in the order of the network's parameters.
    ///
    /// # Panics
    /// If no logits were computed since the last call.
    pub fn gradients(&mut self, net: &Network, loss: &Tensor) -> [Tensor; 8] {
        let Pass { space, s1, s2 } = self.pass.take().expect("gradients follow logits");
        let Space { images, x, y1, y2, z3, grad_y1, grad_y2 } = &mut self.spaces[space];
        let groups = layout::groups(*images, self.set.width());
        let (Factored { inner, core, .. }, behind) = around(net);
        let [first, second] = &mut self.blocks;
        let [dw1, db1, dw2, db2, dw3, db3] = &mut self.gradients;
        let [_, _, w2, b2, w3, _, w4, b4] = parameters(net);
        let behind_fc1 = Tensor::run_backward(&[loss], &[w4, b4, &*z3], false, false);
        let [dw4, db4, grad_z3] = <[Tensor; 3]>::try_from(behind_fc1).expect("one gradient a leaf");
        let grad_z3 = grad_z3.contiguous();
        let grad_z3 = floats(&grad_z3);

        self.fc1.backward_weights(behind, floats(&s2), grad_z3, floats_mut(&mut dw3.tr()), floats_mut(db3));
        let grad_y2 = grad_y2.floats(s2.numel());
        self.fc1.backward_input(behind, floats(&w3.tr()), grad_z3, floats(&activation::slope(core, y2, &s2)), grad_y2);

        second.backward_weights(floats(&s1), grad_y2, floats_mut(dw2), floats_mut(db2));
        unfold(behind, inner, floats_mut(dw2), floats_mut(db2));
        let grad_y1 = grad_y1.floats(s1.numel());
        let (w, _) = folded(&mut self.folded[1], w2, b2);
        second.backward_input(w, grad_y2, floats(&activation::slope(core, y1, &s1)), grad_y1);

        let x = x.floats(groups * first.shape().input_len() * self.set.width());
        first.backward_weights(x, grad_y1, floats_mut(dw1), floats_mut(db1));
        unfold(Affine::IDENTITY, inner, floats_mut(dw1), floats_mut(db1));

        let [dw1, db1, dw2, db2, dw3, db3] = self.gradients.each_ref().map(Tensor::shallow_clone);
        [dw1, db1, dw2, db2, dw3, db3, dw4, db4]
    }

    /// The memory for this many images, allocated once.
    fn space(&mut self, images: usize) -> usize {
        if let Some(at) = self.spaces.iter().position(|space| space.images == images) {
            return at;
        }
        let lanes = (layout::groups(images, self.set.width()) * self.set.width()) as i64;
        let [first, second] = self.blocks.each_ref().map(|block| block.shape().output_len() as i64);
        let zeros = |size: &[i64]| Tensor::zeros(size, FLOAT);
        self.spaces.push(Space {
            images,
            x: Buffer::default(),
            y1: zeros(&[first * lanes]),
            y2: zeros(&[second, lanes]),
            z3: zeros(&[images as i64, self.gradients[5].size()[0]]).set_requires_grad(true),
            grad_y1: Buffer::default(),
            grad_y2: Buffer::default(),
        });
        self.spaces.len() - 1
    }
}

/// The core of the convolutions' activation, and the input of the layers behind it in terms of that core.
///
/// # Panics
/// If the activation has a trained parameter; such a network is not fused.
fn around(net: &Network) -> (Factored, Affine) {
    let activation = net.architecture.activations.conv;
    assert!(!activation.is_trained(), "a trained activation has no fixed slope");
    let factored = activation::factored(activation);
    (factored, Affine { gain: factored.outer, shift: factored.shift })
}

/// Weights and biases of LeNet-4's four layers.
///
/// # Panics
/// If the network is another one.
fn parameters(net: &Network) -> &[Tensor; 8] {
    net.parameters.as_slice().try_into().expect("LeNet-4 has eight parameters")
}

/// A block's folded weights and bias.
fn folded<'a>([w, b]: &'a mut [Buffer; 2], weights: &Tensor, bias: &Tensor) -> (&'a mut [f32], &'a mut [f32]) {
    (w.floats(weights.numel()), b.floats(bias.numel()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::ImageShape;
    use crate::network::Architecture;
    use crate::random::{Purpose, Random};
    use protocol::{Activation, Activations, Init};
    use tch::Kind;

    fn images(digits: &[u8]) -> Tensor {
        let images = Tensor::from_slice(digits).view([-1, 1, 28, 28]).to_kind(Kind::Float).divide_scalar(255.0);
        images.constant_pad_nd([2, 2, 2, 2])
    }

    /// Logits and gradients for every activation and odd widths, and for LeNet-4's own, with full and partial batches
    /// in turn, against LibTorch's own network in float64.
    #[test]
    fn a_step_is_libtorchs_step() {
        use Activation::{Relu, Tanh};
        let every = Activation::all().filter(|activation| !activation.is_trained());
        let every: Vec<_> = every.map(|conv| ([3, 7, 11], (conv, Tanh))).collect();
        let own = [(Relu, Relu), (Relu, Tanh), (Tanh, Tanh)].map(|pair| ([4, 16, 120], pair));
        let mut random = Random::new(1, Purpose::Experiment { number: 0 });
        let digits: Vec<u8> = (0..40 * 784).map(|_| random.below(256).saturating_sub(100) as u8).collect();
        for set in InstructionSet::available() {
            for (widths, activations) in every.iter().copied().chain(own) {
                check(set, widths, activations, &digits);
            }
        }
    }

    fn lenet4(widths: [u32; 3], (conv, fc): (Activation, Activation)) -> Network {
        let activations = Activations { conv, fc };
        let images = ImageShape { channels: 1, height: 28, width: 28 };
        Network::new(Architecture::lenet4(widths, activations, 0.0), images, 10, Init::Xavier, 1)
    }

    fn check(set: InstructionSet, widths: [u32; 3], activations: (Activation, Activation), digits: &[u8]) {
        let labels = Tensor::from_slice(&(0..40).map(|i| i % 10).collect::<Vec<i64>>());
        let mut net = lenet4(widths, activations).laid_out_for_fusion();
        // The softmax layer starts from zeros, which pass no gradient.
        let mut random = crate::random::Random::new(1, crate::random::Purpose::Experiment { number: 0 });
        let drawn: Vec<f32> = (0..net.parameters[6].numel()).map(|_| random.between(-0.3, 0.3)).collect();
        let drawn = Tensor::from_slice(&drawn).view_as(&net.parameters[6]);
        tch::no_grad(|| net.parameters[6].copy_(&drawn));
        let mut oracle = lenet4(widths, activations);
        let double = |p: &Tensor| p.detach().to_kind(Kind::Double).set_requires_grad(true);
        oracle.parameters = net.parameters.iter().map(double).collect();
        let mut fused = FusedLeNet4::with(set, widths.map(i64::from));
        for pick in [&[3, 1, 4, 15, 9, 26, 5, 35, 8, 9, 7, 9, 32, 38, 4, 6, 26][..], &[1], &[0, 39, 2, 3]] {
            let labels = labels.index_select(0, &Tensor::from_slice(pick));
            let logits = fused.logits(&net, digits, pick, Mode::Evaluation);
            let gradients = fused.gradients(&net, &logits.cross_entropy_for_logits(&labels));
            let x = images(digits).index_select(0, &Tensor::from_slice(pick)).to_kind(Kind::Double);
            let expected = oracle.logits(&x);
            let loss = expected.cross_entropy_for_logits(&labels);
            let oracles = Tensor::run_backward(&[loss], &oracle.parameters, false, false);
            let found = gradients.iter().chain([&logits]);
            for (at, (found, expected)) in found.zip(oracles.iter().chain([&expected])).enumerate() {
                let error = (found - expected).abs().max().double_value(&[]);
                let size = expected.abs().max().double_value(&[]);
                // Five times the tolerance of the blocks alone: here the rounding of LibTorch's float32 layers is
                // added, which differs between processors, and a bias' gradient is a sum of hundreds of terms that
                // cancel.
                assert!(
                    error <= 5e-5 * size,
                    "{activations:?}, {widths:?}, {}, tensor {at}: {error} of {size}",
                    set.name()
                );
            }
        }
    }

    #[test]
    fn pixels_are_those_of_libtorch_to_the_last_bit() {
        let digits: Vec<u8> = (0..3 * 784).map(|i| (i % 256) as u8).collect();
        let expected: Vec<f32> = Vec::try_from(images(&digits).view(-1)).unwrap();
        for set in InstructionSet::available() {
            let mut x = Buffer::zeros(1024 * set.width());
            let x = x.floats(1024 * set.width());
            layout::digits_to_lanes(set, &digits, &[0, 1, 2], x);
            let mut found = vec![1.0; 3 * 1024];
            layout::from_lanes(x, 1024, Order::Grouped, set.width(), &mut found);
            assert!(found == expected, "{}", set.name());
        }
    }
}
