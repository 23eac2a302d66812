//! The fused layers of LeNet-4 against LibTorch's own operators, with a batch of 100 on one core.
//!
//! Before criterion's measurements it prints each kernel's time and its speed as a share of this core's peak, found
//! with sixteen independent chains of multiply-adds. The share that matters counts the multiply-adds that are executed.
//! The backward kernels visit only the winners, so they execute fewer than the definition has; the second share, by the
//! definition, says how fast a kernel would have to be that multiplies by the zeros too, and can exceed 100 %.

#![allow(clippy::inline_always)] // As the kernels themselves: one function with the instruction set.

use criterion::{Criterion, criterion_group, criterion_main};
use learn::fused::vector::{Kernel, Lanes};
use learn::fused::{Affine, Block, Buffer, Dense, InstructionSet, Order, Shape, layout};
use std::hint::black_box;
use std::time::Instant;
use tch::{Kind, Tensor};

const IMAGES: usize = 100;

/// Independent chains: more than latency (4) times pipes (2).
const CHAINS: usize = 16;
/// On instruction sets with only sixteen registers, twelve chains and two constants fit.
const FEW_CHAINS: usize = 12;

/// Only multiply-adds.
struct Peak<'a> {
    rounds: usize,
    seconds: &'a mut f64,
    per_round: &'a mut usize,
}

impl Kernel for Peak<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        // SAFETY: the caller has found `V`'s instruction set; `out` holds the widest vector.
        unsafe {
            let chains = if V::MANY_REGISTERS { CHAINS } else { FEW_CHAINS };
            *self.per_round = chains * V::WIDTH;
            let start = Instant::now();
            let sum =
                if V::MANY_REGISTERS { chain::<V, CHAINS>(self.rounds) } else { chain::<V, FEW_CHAINS>(self.rounds) };
            *self.seconds = start.elapsed().as_secs_f64();
            let mut out = [0.0; 16];
            sum.store(out.as_mut_ptr());
            black_box(out);
        }
    }
}

#[inline(always)]
unsafe fn chain<V: Lanes, const N: usize>(rounds: usize) -> V {
    // SAFETY: as in `Peak`.
    unsafe {
        let (factor, term) = (V::splat(black_box(0.5)), V::splat(black_box(1.0)));
        let mut sums = [V::zero(); N];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = sum.mul_add(factor, term);
            }
        }
        let mut total = V::zero();
        for sum in sums {
            total = total.add(sum);
        }
        total
    }
}

/// GFLOP/s of multiply-adds (two operations each) at their best.
fn peak(set: InstructionSet) -> f64 {
    let once = || {
        let (mut seconds, mut per_round) = (0.0, 0);
        set.run(Peak { rounds: 1_000_000, seconds: &mut seconds, per_round: &mut per_round });
        2e-3 * per_round as f64 / seconds
    };
    (0..9).map(|_| once()).fold(0.0, f64::max)
}

/// A block with a batch of numbers, ready to run.
struct Setting {
    name: &'static str,
    block: Block,
    groups: usize,
    x: Buffer,
    y: Buffer,
    dy: Buffer,
    dx: Buffer,
    slope: Buffer,
    weights: Vec<f32>,
    bias: Vec<f32>,
    dw: Vec<f32>,
    db: Vec<f32>,
    lanes: usize,
}

impl Setting {
    fn new(name: &'static str, set: InstructionSet, shape: Shape, order: Order) -> Self {
        let lanes = set.width();
        let groups = layout::groups(IMAGES, lanes);
        let numbers = |len: usize| (0..len).map(|i| ((i * 7919) % 1013) as f32 / 506.5 - 1.0).collect::<Vec<_>>();
        let (input, output) = (shape.input_len(), shape.output_len());
        let (mut x, mut dy) = (Buffer::default(), Buffer::default());
        layout::to_lanes(&numbers(IMAGES * input), input, Order::Grouped, lanes, x.floats(groups * input * lanes));
        layout::to_lanes(&numbers(IMAGES * output), output, order, lanes, dy.floats(groups * output * lanes));
        let (weights, bias) = (numbers(shape.weights()), numbers(shape.outputs));
        let (dw, db) = (weights.clone(), bias.clone());
        let block = Block::new(set, shape, order);
        let (y, dx, slope) = (Buffer::default(), Buffer::default(), Buffer::default());
        Self { name, block, groups, x, y, dy, dx, slope, weights, bias, dw, db, lanes }
    }

    fn forward(&mut self) {
        let shape = self.block.shape();
        let x = self.x.floats(self.groups * shape.input_len() * self.lanes);
        let y = self.y.floats(self.groups * shape.output_len() * self.lanes);
        self.block.forward(self.groups, x, &self.weights, &self.bias, y);
    }

    fn backward_weights(&mut self) {
        let shape = self.block.shape();
        let x = self.x.floats(self.groups * shape.input_len() * self.lanes);
        let dy = self.dy.floats(self.groups * shape.output_len() * self.lanes);
        self.block.backward_weights(x, dy, &mut self.dw, &mut self.db);
    }

    fn backward_input(&mut self) {
        let shape = self.block.shape();
        let dy = self.dy.floats(self.groups * shape.output_len() * self.lanes);
        let slope = self.slope.floats(self.groups * shape.input_len() * self.lanes);
        let dx = self.dx.floats(self.groups * shape.input_len() * self.lanes);
        self.block.backward_input(&self.weights, dy, slope, dx);
    }
}

/// A pass, and how many multiply-adds it executes of each hundred in the definition, as one window has 4 x 25.
type Pass = (&'static str, usize, fn(&mut Setting));

const PASSES: [Pass; 3] = [
    ("forward", 100, Setting::forward),
    // 5 x 5 taps for each of two rows.
    ("backward to weights", 50, Setting::backward_weights),
    // 6 x 6 pixels of a window's field.
    ("backward to input", 36, Setting::backward_input),
];

fn settings(set: InstructionSet) -> [Setting; 2] {
    let conv1 = Shape { inputs: 1, outputs: 4, height: 32, width: 32 };
    let conv2 = Shape { inputs: 4, outputs: 16, height: 14, width: 14 };
    [Setting::new("conv1", set, conv1, Order::Grouped), Setting::new("conv2", set, conv2, Order::Flat)]
}

/// The best of many, because disturbances only make a kernel slower.
fn seconds(mut work: impl FnMut()) -> f64 {
    let once = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..200).map(|_| once(&mut work)).fold(f64::MAX, f64::min)
}

fn report() {
    for set in InstructionSet::available() {
        let peak = peak(set);
        println!("{}: peak {peak:.0} GFLOP/s", set.name());
        let (mut all_executed, mut all_defined, mut all_seconds) = (0.0, 0.0, 0.0);
        for mut setting in settings(set) {
            setting.forward();
            for (pass, share, run) in PASSES {
                // The first block passes no gradient on, as its input is the image.
                if setting.name == "conv1" && pass == "backward to input" {
                    continue;
                }
                let defined = 2e-9 * (setting.block.shape().multiply_adds() * IMAGES) as f64;
                let executed = defined * share as f64 / 100.0;
                let seconds = seconds(|| run(&mut setting));
                print_line(&format!("{} {pass}", setting.name), executed, defined, seconds, peak);
                all_executed += executed;
                all_defined += defined;
                all_seconds += seconds;
            }
        }
        print_line("both blocks", all_executed, all_defined, all_seconds, peak);
        let flops = 2e-9 * (FEATURES * UNITS * IMAGES) as f64;
        let mut layer = FullyConnected::new(set);
        for (pass, run) in FULLY_CONNECTED {
            let seconds = seconds(|| run(&mut layer));
            print_line(&format!("fc1 {pass}"), flops, flops, seconds, peak);
        }
    }
}

/// One line: executed operations and those of the definition, in thousand millions, and their shares of the peak.
fn print_line(what: &str, executed: f64, defined: f64, seconds: f64, peak: f64) {
    let [share, as_defined] = [executed, defined].map(|operations| 100.0 * operations / seconds / peak);
    let speed = executed / seconds;
    println!(
        "  {what}: {:.0} us, {speed:.0} GFLOP/s, {share:.0} % of peak ({as_defined:.0} % by the definition)",
        seconds * 1e6
    );
}

const FEATURES: usize = 400;
const UNITS: usize = 120;

/// The first fully connected layer with a batch of numbers.
struct FullyConnected {
    layer: Dense,
    /// (features, lanes)
    s: Vec<f32>,
    ds: Vec<f32>,
    weights: Vec<f32>,
    dw: Vec<f32>,
    bias: Vec<f32>,
    /// (images, units)
    z: Vec<f32>,
}

impl FullyConnected {
    fn new(set: InstructionSet) -> Self {
        let lanes = layout::groups(IMAGES, set.width()) * set.width();
        let numbers = |len: usize| (0..len).map(|i| ((i * 7919) % 1013) as f32 / 506.5 - 1.0).collect::<Vec<_>>();
        let (s, weights) = (numbers(FEATURES * lanes), numbers(FEATURES * UNITS));
        let (ds, dw) = (s.clone(), weights.clone());
        let layer = Dense::new(set, FEATURES, UNITS);
        Self { layer, s, ds, weights, dw, bias: numbers(UNITS), z: numbers(IMAGES * UNITS) }
    }
}

type FullyConnectedPass = (&'static str, fn(&mut FullyConnected));

const FULLY_CONNECTED: [FullyConnectedPass; 3] = [
    ("forward", |f| f.layer.forward(Affine::IDENTITY, &f.s, &f.weights, &f.bias, &mut f.z)),
    ("backward to weights", |f| {
        f.layer.backward_weights(Affine::IDENTITY, &f.s, &f.z, &mut f.dw, &mut f.bias);
    }),
    ("backward to input", |f| f.layer.backward_input(Affine::IDENTITY, &f.weights, &f.z, &f.s, &mut f.ds)),
];

fn benches(criterion: &mut Criterion) {
    tch::set_num_threads(1);
    report();
    for mut setting in settings(InstructionSet::best()) {
        let shape = setting.block.shape();
        let mut group = criterion.benchmark_group(setting.name);
        group.sample_size(30);
        setting.forward();
        for (pass, _, run) in PASSES {
            group.bench_function(format!("fused {pass}"), |b| b.iter(|| run(&mut setting)));
        }
        let random = |size: [usize; 4]| Tensor::randn(size.map(|n| n as i64), (Kind::Float, tch::Device::Cpu));
        let channels_last = |t: Tensor| t.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
        let x = channels_last(random([IMAGES, shape.inputs, shape.height, shape.width])).set_requires_grad(true);
        let w = channels_last(random([shape.outputs, shape.inputs, 5, 5])).set_requires_grad(true);
        let b = random([1, 1, 1, shape.outputs]).view(-1).set_requires_grad(true);
        let forward = || x.conv2d(&w, Some(&b), 1, 0, 1, 1).max_pool2d(2, 2, 0, 1, false);
        let grad = forward().detach();
        group.bench_function("libtorch forward", |bench| {
            let _guard = tch::no_grad_guard();
            bench.iter(|| black_box(forward()));
        });
        group.bench_function("libtorch forward and backward", |bench| {
            bench.iter(|| {
                let score = (forward() * &grad).sum(Kind::Float);
                black_box(Tensor::run_backward(&[score], &[&x, &w, &b], false, false))
            });
        });
        group.finish();
    }
}

criterion_group!(kernels, benches);
criterion_main!(kernels);
