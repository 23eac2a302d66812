//! LeNet-4 with its two convolutions fused; everything between and behind them is LibTorch's, on the same memory.
//!
//! ```text
//!   pixels ─layout─▶ x ─block 1─▶ y1 ═activation═▶ a1 ─block 2─▶ y2 ═activation, fc1, activation, fc2, loss═▶ loss
//!                                  ◀═══ autograd ═══  ◀─ block 2 ─  ◀════════════ autograd ════════════════════
//! ```
//!
//! A double line is LibTorch's graph, a single one ours. y1 and y2 are leaves of the graph: autograd brings the loss's
//! gradient to y2, block 2 carries it to its weights and to a1, autograd brings it on to y1, block 1 to its weights.

use super::{Block, Buffer, InstructionSet, Order, Shape, layout};
use crate::learn::activation;
use crate::learn::model::LeNet4;
use crate::protocol::Widths;
use tch::{Device, Kind, Tensor};

/// Pixels a side as the network sees them.
const SIDE: usize = 32;

/// The fused blocks of one lane, with all the memory that a step of theirs needs.
pub struct FusedLeNet4 {
    set: InstructionSet,
    blocks: [Block; 2],
    /// One for each size of batch that has occurred: full, last, evaluation.
    spaces: Vec<Space>,
    /// Of the last forward pass, until its backward pass.
    pass: Option<Pass>,
    /// Of conv1's weight and bias and conv2's, in the parameters' shapes; overwritten by every backward pass.
    gradients: [Tensor; 4],
}

/// A batch's memory, for so many vectors of images.
struct Space {
    groups: usize,
    /// `[group][32][32][lane]`
    x: Buffer,
    /// `[group][conv1][14][14][lane]`, a leaf.
    y1: Tensor,
    /// (conv2 * 25, images), a leaf.
    y2: Tensor,
    /// The gradient by a1, like y1.
    grad_a1: Tensor,
}

struct Pass {
    space: usize,
    a1: Tensor,
}

impl FusedLeNet4 {
    pub fn new(widths: Widths) -> Self {
        Self::with(InstructionSet::best(), widths)
    }

    /// With these vector instructions.
    pub fn with(set: InstructionSet, widths: Widths) -> Self {
        let (c1, c2) = (widths.conv1 as usize, widths.conv2 as usize);
        let first = Shape { inputs: 1, outputs: c1, height: SIDE, width: SIDE };
        let second = Shape { inputs: c1, outputs: c2, height: first.pooled_height(), width: first.pooled_width() };
        let zeros = |size: &[usize]| Tensor::zeros(size.iter().map(|&n| n as i64).collect::<Vec<_>>(), FLOAT);
        Self {
            set,
            blocks: [Block::new(set, first, Order::Grouped), Block::new(set, second, Order::Flat)],
            spaces: Vec::new(),
            pass: None,
            gradients: [zeros(&[c1, 1, 5, 5]), zeros(&[c1]), zeros(&[c2, c1, 5, 5]), zeros(&[c2])],
        }
    }

    pub fn instruction_set(&self) -> InstructionSet {
        self.set
    }

    /// Logits of the picked images.
    ///
    /// `digits`: 28x28 bytes an image; -> (picked, 10). The network's convolutions must lie row-major in memory.
    pub fn logits(&mut self, net: &LeNet4, digits: &[u8], pick: &[i64]) -> Tensor {
        let groups = layout::groups(pick.len(), self.set.width());
        let at = self.space(groups);
        let space = &mut self.spaces[at];
        let [first, second] = &mut self.blocks;
        let [w1, b1, w2, b2, ..] = &net.parameters;
        let x = space.x.floats(groups * first.shape().input_len() * self.set.width());
        layout::digits_to_lanes(self.set, digits, pick, x);
        first.forward(groups, x, floats(w1), floats(b1), floats_mut(&mut space.y1));
        let a1 = activation::apply_fast(net.arm.conv, &space.y1);
        second.forward(groups, floats(&a1), floats(w2), floats(b2), floats_mut(&mut space.y2));
        let a2 = activation::apply_fast(net.arm.conv, &space.y2); // (conv2 * 25, lanes)
        self.pass = Some(Pass { space: at, a1 });
        net.head(&a2.tr()).narrow(0, 0, pick.len() as i64)
    }

    /// Gradients of a loss over the last [`FusedLeNet4::logits`], in the order of the network's parameters.
    ///
    /// # Panics
    /// Without logits since the last call.
    pub fn gradients(&mut self, net: &LeNet4, loss: &Tensor) -> [Tensor; 8] {
        let Pass { space, a1 } = self.pass.take().expect("gradients follow logits");
        let Space { groups, x, y1, y2, grad_a1 } = &mut self.spaces[space];
        let [first, second] = &mut self.blocks;
        let [dw1, db1, dw2, db2] = &mut self.gradients;
        let [_, _, w2, _, w3, b3, w4, b4] = &net.parameters;
        let behind = Tensor::run_backward(&[loss], &[w3, b3, w4, b4, &*y2], false, false);
        let [dw3, db3, dw4, db4, grad_y2] = <[Tensor; 5]>::try_from(behind).expect("one gradient an input");
        let grad_y2 = grad_y2.contiguous();

        second.backward_weights(floats(&a1), floats(&grad_y2), floats_mut(dw2), floats_mut(db2));
        second.backward_input(floats(w2), floats(&grad_y2), floats_mut(grad_a1));

        // d(a1 . g)/d(a1) is g: so autograd goes on from a1 with a gradient of ours.
        let onward = Tensor::run_backward(&[a1.view(-1).dot(&grad_a1.view(-1))], &[&*y1], false, false);
        let grad_y1 = onward[0].contiguous();
        let x = x.floats(*groups * first.shape().input_len() * self.set.width());
        first.backward_weights(x, floats(&grad_y1), floats_mut(dw1), floats_mut(db1));

        let [dw1, db1, dw2, db2] = self.gradients.each_ref().map(Tensor::shallow_clone);
        [dw1, db1, dw2, db2, dw3, db3, dw4, db4]
    }

    /// The memory for so many vectors of images; allocated once.
    fn space(&mut self, groups: usize) -> usize {
        if let Some(at) = self.spaces.iter().position(|space| space.groups == groups) {
            return at;
        }
        let lanes = (groups * self.set.width()) as i64;
        let [first, second] = self.blocks.each_ref().map(|block| block.shape().output_len() as i64);
        let leaf = |size: &[i64]| Tensor::zeros(size, FLOAT).set_requires_grad(true);
        self.spaces.push(Space {
            groups,
            x: Buffer::default(),
            y1: leaf(&[first * lanes]),
            y2: leaf(&[second, lanes]),
            grad_a1: Tensor::zeros([first * lanes], FLOAT),
        });
        self.spaces.len() - 1
    }
}

const FLOAT: (Kind, Device) = (Kind::Float, Device::Cpu);

/// A tensor's numbers where they lie.
fn floats(tensor: &Tensor) -> &[f32] {
    assert!(tensor.is_contiguous() && tensor.kind() == Kind::Float && tensor.device() == Device::Cpu);
    // SAFETY: contiguous floats in main memory, `numel` of them, which live as long as the tensor; nobody writes them
    // meanwhile, as a lane's tensors are used by its own thread only.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast(), tensor.numel()) }
}

/// The same, to write. Autograd does not see it, which is the point: to the graph these are leaves.
fn floats_mut(tensor: &mut Tensor) -> &mut [f32] {
    assert!(tensor.is_contiguous() && tensor.kind() == Kind::Float && tensor.device() == Device::Cpu);
    // SAFETY: as in `floats`; `FusedLeNet4` owns the tensors that it writes, and no other slice of them is alive.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), tensor.numel()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::random::{Purpose, Random};
    use crate::protocol::{Activation, Arm};

    fn images(digits: &[u8]) -> Tensor {
        let images = Tensor::from_slice(digits).view([-1, 1, 28, 28]).to_kind(Kind::Float).divide_scalar(255.0);
        images.constant_pad_nd([2, 2, 2, 2])
    }

    /// Logits and gradients of every activation and odd widths, full and partial batches in turn, against LibTorch's own
    /// network in float64.
    #[test]
    fn a_step_is_libtorchs_step() {
        let widths = Widths { conv1: 3, conv2: 7, fc1: 11 };
        let mut random = Random::new(1, Purpose::Experiment { number: 0 });
        let digits: Vec<u8> = (0..40 * 784).map(|_| random.below(256).saturating_sub(100) as u8).collect();
        let labels = Tensor::from_slice(&(0..40).map(|i| i % 10).collect::<Vec<i64>>());
        for set in InstructionSet::available() {
            for conv in Activation::ALL {
                let net = LeNet4::new(Arm { conv, fc: Activation::Tanh }, widths, 1).row_major();
                let mut parameters = net.parameters.each_ref().map(Tensor::shallow_clone);
                // The softmax layer starts from zeros, which let no gradient through.
                let _ = tch::no_grad(|| parameters[6].uniform_(-0.3, 0.3));
                let mut oracle = LeNet4::new(net.arm, widths, 1);
                oracle.parameters =
                    net.parameters.each_ref().map(|p| p.detach().to_kind(Kind::Double).set_requires_grad(true));
                let mut fused = FusedLeNet4::with(set, widths);
                for pick in [&[3, 1, 4, 15, 9, 26, 5, 35, 8, 9, 7, 9, 32, 38, 4, 6, 26][..], &[1], &[0, 39, 2, 3]] {
                    let labels = labels.index_select(0, &Tensor::from_slice(pick));
                    let logits = fused.logits(&net, &digits, pick);
                    let gradients = fused.gradients(&net, &logits.cross_entropy_for_logits(&labels));
                    let x = images(&digits).index_select(0, &Tensor::from_slice(pick)).to_kind(Kind::Double);
                    let expected = oracle.logits(&x);
                    let loss = expected.cross_entropy_for_logits(&labels);
                    let oracles = Tensor::run_backward(&[loss], &oracle.parameters.each_ref(), false, false);
                    let found = gradients.iter().chain([&logits]);
                    for (at, (found, expected)) in found.zip(oracles.iter().chain([&expected])).enumerate() {
                        let error = (found - expected).abs().max().double_value(&[]);
                        let size = expected.abs().max().double_value(&[]);
                        assert!(error <= 1e-5 * size, "{conv}, {}, tensor {at}: {error} of {size}", set.name());
                    }
                }
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
