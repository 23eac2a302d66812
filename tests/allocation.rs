//! No allocation in the steady state: after its first batch no fused layer allocates, and a whole step of training
//! allocates as much at its two-hundredth batch as at its tenth.
//!
//! Rust's allocations on the training thread are counted, by this test program's global allocator. LibTorch's tensors
//! come from its own allocator and are not counted. `tch` itself makes a short list of handles for each call of
//! autograd, so the whole step may allocate, but always the same few lists.

#![allow(clippy::unwrap_used)]

use learn::data::Preprocessing;
use learn::fused::{Affine, Block, Buffer, Dense, InstructionSet, Order, Shape, fold, layout};
use learn::network::Mode;
use learn::optim::{Sgd, SgdSettings};
use learn::train::LaneSettings;
use learn::{Dataset, Engine, machine};
use protocol::{ArmId, DataSource, Lane, Preset, Study};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tch::Tensor;

/// The system's allocator, which counts this thread's allocations.
struct Counting;

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator unchanged; the counter is a plain thread-local number, and
// `const` initialised, so that reading it allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.with(|asked| asked.set(asked.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ASKED.with(|asked| asked.set(asked.get() + 1));
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ASKED.with(Cell::get);
    work();
    ASKED.with(Cell::get) - before
}

/// The fused layers of LeNet-4 with a batch's memory: our whole part of a step.
struct Layers {
    set: InstructionSet,
    blocks: [Block; 2],
    fc1: Dense,
    parameters: [Vec<f32>; 6],
    gradients: [Vec<f32>; 6],
    folded: [Vec<f32>; 2],
    /// x, y1, y2, and the gradients of the last two.
    buffers: [Buffer; 5],
    z: Vec<f32>,
}

const IMAGES: usize = 100;
const UNITS: usize = 120;

impl Layers {
    fn new(set: InstructionSet) -> Self {
        let conv1 = Shape { inputs: 1, outputs: 4, height: 32, width: 32 };
        let conv2 = Shape { inputs: 4, outputs: 16, height: 14, width: 14 };
        let features = conv2.output_len();
        let sizes = [conv1.weights(), 4, conv2.weights(), 16, features * UNITS, UNITS];
        let numbers = |count: usize| (0..count).map(|i| ((i * 7919) % 1013) as f32 / 506.5 - 1.0).collect::<Vec<_>>();
        Self {
            set,
            blocks: [Block::new(set, conv1, Order::Grouped), Block::new(set, conv2, Order::Flat)],
            fc1: Dense::new(set, features, UNITS),
            parameters: sizes.map(numbers),
            gradients: sizes.map(|count| vec![0.0; count]),
            folded: [conv2.weights(), 16].map(|count| vec![0.0; count]),
            buffers: Default::default(),
            z: vec![0.0; IMAGES * UNITS],
        }
    }

    /// Forward and backward through all three layers, without the activations in between, which are LibTorch's part.
    fn step(&mut self, digits: &[u8], pick: &[i64]) {
        let Self { set, blocks: [first, second], fc1, parameters, gradients, folded, buffers, z } = self;
        let groups = layout::groups(pick.len(), set.width());
        let lanes = groups * set.width();
        let (pixels, ones, twos) =
            (lanes * 1024, lanes * first.shape().output_len(), lanes * second.shape().output_len());
        let [x, y1, y2, grad_y1, grad_y2] = buffers;
        let (x, y1, y2) = (x.floats(pixels), y1.floats(ones), y2.floats(twos));
        let (grad_y1, grad_y2) = (grad_y1.floats(ones), grad_y2.floats(twos));
        let [w1, b1, w2, b2, w3, b3] = parameters;
        let [dw1, db1, dw2, db2, dw3, db3] = gradients;
        let [w, b] = folded;
        let input = Affine { gain: 2.0, shift: -1.0 };
        let z = &mut z[..pick.len() * UNITS];

        layout::digits_to_lanes(*set, digits, pick, x);
        first.forward(groups, x, w1, b1, y1);
        fold::fold(input, 2.0, (w2, b2), (w, b));
        second.forward(groups, y1, w, b, y2);
        fc1.forward(input, y2, w3, b3, z);
        fc1.backward_weights(input, y2, z, dw3, db3);
        fc1.backward_input(input, w3, z, y2, grad_y2);
        second.backward_weights(y1, grad_y2, dw2, db2);
        fold::unfold(input, 2.0, dw2, db2);
        second.backward_input(w, grad_y2, y1, grad_y1);
        first.backward_weights(x, grad_y1, dw1, db1);
    }
}

#[test]
fn after_its_first_batch_no_layer_allocates() {
    let digits: Vec<u8> = (0..200 * 784).map(|i| (i % 251) as u8).collect();
    let pick: Vec<i64> = (0..IMAGES as i64).collect();
    for set in InstructionSet::available() {
        let mut layers = Layers::new(set);
        assert!(allocations(|| layers.step(&digits, &pick)) > 0, "the counter does not count");
        let asked = allocations(|| {
            for _ in 0..20 {
                layers.step(&digits, &pick);
                // The last batch of an epoch is smaller.
                layers.step(&digits, &pick[..37]);
            }
        });
        assert_eq!(asked, 0, "{}", set.name());
    }
}

/// As in `learn::train_lane`, with momentum, so that everything that a step may store is there.
#[test]
fn a_step_asks_for_as_much_at_the_end_as_at_the_beginning() {
    machine::use_threads(1);
    let data = Dataset::load(&DataSource::Mnist).unwrap();
    let spec = Study::of(Preset::Article);
    let split = data.train(spec.train_size);
    for arm in [ArmId::RELU_TANH, ArmId::ALL_TANH] {
        let net = LaneSettings::new(&spec, Lane { arm, seed: 1 }).unwrap().network(data.shape(), 10, 1);
        let mut engine = Engine::new(net, data.shape(), Preprocessing::Unit, spec.backend, spec.threads);
        assert!(engine.name().starts_with("fused"));
        let mut descent = Sgd::new(SgdSettings { momentum: 0.9, ..SgdSettings::default() }, engine.net.names());
        let mut step = |pick: &[i64]| {
            allocations(|| {
                let labels = split.labels.index_select(0, &Tensor::from_slice(pick));
                let loss = engine.logits(&split, pick, Mode::Evaluation).cross_entropy_for_logits(&labels);
                assert!(loss.double_value(&[]).is_finite());
                let gradients = engine.gradients(&loss);
                descent.step(&mut engine.net.parameters, &gradients, 0.1);
            })
        };
        let asked: Vec<usize> = (0..200)
            .map(|batch| {
                // Now and then a smaller batch, as at the end of an epoch. Few images suffice, as the count does not
                // depend on them.
                let pick: Vec<i64> = (0..20).map(|image| batch * 200 + image).collect();
                step(&pick[..if batch % 9 == 5 { 7 } else { 20 }])
            })
            .collect();
        assert!(asked[0] > asked[9], "the counter does not count");
        assert!(asked[9..].iter().all(|&asked_here| asked_here == asked[9]), "{arm}: {asked:?}");
    }
}
