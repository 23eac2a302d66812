//! A convolution of 5x5 with two zeros around its maps, so that they keep their size: forward, and backward for its input
//! and its weights, by [`super::winograd`].
//!
//! Maps lie as `[group][channel][y][x][lane]`. A pass takes some tiles at a time: it transforms their pixels for each
//! channel, multiplies point by point (64 matrix products, channels by channels), and transforms the products back. The
//! numbers in between stay in the second-level cache.
//!
//! The gradient of the input is the same convolution with the weights turned by 180 degrees and inputs and outputs
//! exchanged.

use super::buffer::Buffer;
use super::shape::TAPS;
use super::vector::{InstructionSet, Kernel, Lanes};
use super::winograd::{
    Data, Gradients, OUT, Outputs, POINTS, SIDE, Square, TapGradients, Taps, from_points, to_points,
};
use std::ops::Range;

/// Zeros around the maps.
const PADDING: usize = 2;
/// Taps along a side.
const TAP_SIDE: usize = 5;
/// Floats of all points of some tiles and channels that a pass holds at a time: 256 KB, half of a small second-level cache.
const SPACE: usize = 64 << 10;
/// Tiles whose products are summed in registers before they are added to a sum in memory.
const TERMS: usize = 16;
/// Added to the distance between points: distances of a large power of two would share a few lines of the cache.
const SKEW: usize = 16;

/// Maps in front of and behind a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maps {
    pub inputs: usize,
    pub outputs: usize,
    pub height: usize,
    pub width: usize,
}

impl Maps {
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Numbers per image in the input.
    pub fn input_len(&self) -> usize {
        self.inputs * self.pixels()
    }

    /// Numbers per image in the output.
    pub fn output_len(&self) -> usize {
        self.outputs * self.pixels()
    }

    /// Pairs of an output and an input channel.
    fn pairs(&self) -> usize {
        self.outputs * self.inputs
    }

    /// Weights, in LibTorch's order `[output][input][5][5]`.
    pub fn weights(&self) -> usize {
        self.pairs() * TAPS
    }

    /// With inputs and outputs exchanged.
    fn reversed(&self) -> Self {
        Self { inputs: self.outputs, outputs: self.inputs, ..*self }
    }

    /// Tiles of an image; those at the end may reach over the edge.
    fn tiles(&self) -> usize {
        self.height.div_ceil(OUT) * self.width.div_ceil(OUT)
    }

    /// The row and the column of a tile's first output.
    fn corner(&self, tile: usize) -> (usize, usize) {
        let across = self.width.div_ceil(OUT);
        (tile / across * OUT, tile % across * OUT)
    }

    /// The distance between the points of all pairs of channels.
    fn weight_step(&self) -> usize {
        self.pairs().next_multiple_of(16) + SKEW
    }

    /// Tiles that a pass takes at a time.
    fn tiles_at_once(&self, lanes: usize) -> usize {
        let most = SPACE / (POINTS * lanes * (self.inputs + self.outputs));
        most.clamp(1, self.tiles())
    }
}

/// A convolution with its workspace.
pub struct Convolution {
    set: InstructionSet,
    maps: Maps,
    /// The weights' points, `[point][output][input]`, for the forward pass.
    weights: Buffer,
    /// The turned weights' points, `[point][input][output]`.
    turned: Buffer,
    space: Buffer,
    /// A row of zeros.
    zeros: Buffer,
    /// A vector for each point and pair of channels, in the order of [`each_tile`], and for each output for the bias.
    sums: Buffer,
    bias_sums: Buffer,
    /// Whether nothing is in the sums yet.
    is_fresh: bool,
}

impl Convolution {
    pub fn new(set: InstructionSet, maps: Maps) -> Self {
        assert!(maps.weights() > 0 && maps.pixels() > 0, "a convolution without channels or pixels: {maps:?}");
        let [weights, turned, space, sums, bias_sums]: [Buffer; 5] = Default::default();
        let zeros = Buffer::zeros(maps.width * set.width());
        Self { set, maps, weights, turned, space, zeros, sums, bias_sums, is_fresh: true }
    }

    pub fn maps(&self) -> Maps {
        self.maps
    }

    /// Takes the weights of the passes that follow.
    ///
    /// # Panics
    /// If the length does not match [`Maps`], as in all passes.
    pub fn set_weights(&mut self, weights: &[f32]) {
        let points = self.weights.floats(POINTS * self.maps.weight_step());
        self.set.run(WeightPoints { maps: self.maps, is_turned: false, weights, points });
    }

    /// `out = conv(x, weights) + bias` for `groups` vectors of images.
    pub fn forward(&mut self, groups: usize, x: &[f32], bias: &[f32], out: &mut [f32]) {
        self.convolve(false, groups, x, Finish::Bias(bias), out);
    }

    /// The gradient of the input, times `slope` if there is one, which has the same layout. `weights` are those of the
    /// forward pass.
    pub fn backward_input(
        &mut self,
        weights: &[f32],
        groups: usize,
        grad: &[f32],
        slope: Option<&[f32]>,
        dx: &mut [f32],
    ) {
        let points = self.turned.floats(POINTS * self.maps.weight_step());
        self.set.run(WeightPoints { maps: self.maps, is_turned: true, weights, points });
        self.convolve(true, groups, grad, slope.map_or(Finish::Nothing, Finish::Slope), dx);
    }

    fn convolve(&mut self, is_turned: bool, groups: usize, x: &[f32], finish: Finish, out: &mut [f32]) {
        let Self { set, maps, .. } = *self;
        let lanes = set.width();
        let (maps, weights) = if is_turned { (maps.reversed(), &mut self.turned) } else { (maps, &mut self.weights) };
        let weights = weights.floats(POINTS * maps.weight_step());
        let tiles = maps.tiles_at_once(lanes);
        let space = self.space.floats(POINTS * (tiles * (maps.inputs + maps.outputs) * lanes + 2 * SKEW));
        let zeros = self.zeros.floats(maps.width * lanes);
        set.run(Convolve { maps, groups, x, weights, finish, space, zeros, out });
    }

    /// Adds these images' part of the gradients of weights and bias. `grad` must be zero in lanes without an image.
    pub fn add_gradients(&mut self, groups: usize, x: &[f32], grad: &[f32]) {
        let Self { set, maps, is_fresh, .. } = *self;
        let lanes = set.width();
        let space = self.space.floats(POINTS * (TERMS * (maps.inputs + maps.outputs) * lanes + 2 * SKEW));
        let zeros = self.zeros.floats(maps.width * lanes);
        let sums = self.sums.floats(POINTS * maps.pairs() * lanes);
        let bias_sums = self.bias_sums.floats(maps.outputs * lanes);
        set.run(AddGradients { maps, groups, x, grad, space, zeros, sums, bias_sums, is_fresh });
        self.is_fresh &= groups == 0;
    }

    /// The gradients that were added up, which begin again from zero.
    pub fn take_gradients(&mut self, weights: &mut [f32], bias: &mut [f32]) {
        let Self { set, maps, .. } = *self;
        assert!(!self.is_fresh, "no gradients were added");
        let sums = self.sums.floats(POINTS * maps.pairs() * set.width());
        let bias_sums = self.bias_sums.floats(maps.outputs * set.width());
        let space = self.space.floats(POINTS * maps.weight_step());
        set.run(SumUp { maps, sums, bias_sums, space, weights, bias });
        self.is_fresh = true;
    }
}

/// The points of all weights: `[point][output][input]`, or of the turned ones `[point][input][output]`.
struct WeightPoints<'a> {
    maps: Maps,
    is_turned: bool,
    weights: &'a [f32],
    points: &'a mut [f32],
}

impl Kernel for WeightPoints<'_> {
    /// A vector holds the same tap of neighbouring pairs.
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Self { maps, is_turned, weights, points } = self;
        let step = maps.weight_step();
        assert_eq!(weights.len(), maps.weights());
        assert_eq!(points.len(), POINTS * step);
        for first in (0..maps.pairs()).step_by(V::WIDTH) {
            let mut taps = [[0.0_f32; 16]; TAPS];
            for (lane, pair) in (first..maps.pairs()).take(V::WIDTH).enumerate() {
                let (from, flip) = if is_turned {
                    ((pair % maps.outputs * maps.inputs + pair / maps.outputs) * TAPS, TAPS - 1)
                } else {
                    (pair * TAPS, 0)
                };
                for (tap, weight) in weights[from..from + TAPS].iter().enumerate() {
                    taps[tap.abs_diff(flip)][lane] = *weight;
                }
            }
            // SAFETY: each array of taps holds a vector, and `step` is at least the number of pairs, rounded up to a
            // vector.
            unsafe {
                let mut vectors = [[V::zero(); TAP_SIDE]; TAP_SIDE];
                for (vector, tap) in vectors.iter_mut().flatten().zip(&taps) {
                    *vector = V::load(tap.as_ptr());
                }
                let rows = vectors.each_ref().map(|row| row.as_ptr().cast());
                let square = Square { rows, left: 0, width: TAP_SIDE };
                to_points::<V, Taps, TAP_SIDE>(&square, points.as_mut_ptr().add(first), step);
            }
        }
    }
}

/// What happens to an output before it is stored.
#[derive(Clone, Copy)]
enum Finish<'a> {
    Nothing,
    /// Adds a number for each channel.
    Bias(&'a [f32]),
    /// Multiplies by numbers in the output's layout.
    Slope(&'a [f32]),
}

struct Convolve<'a> {
    maps: Maps,
    groups: usize,
    x: &'a [f32],
    weights: &'a [f32],
    finish: Finish<'a>,
    space: &'a mut [f32],
    zeros: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Convolve<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Self { maps, groups, x, weights, finish, space, zeros, out } = self;
        let Maps { inputs, outputs, .. } = maps;
        let at_once = maps.tiles_at_once(V::WIDTH);
        assert_eq!(x.len(), groups * maps.input_len() * V::WIDTH);
        assert_eq!(out.len(), groups * maps.output_len() * V::WIDTH);
        assert_eq!(weights.len(), POINTS * maps.weight_step());
        assert_eq!(space.len(), POINTS * (at_once * (inputs + outputs) * V::WIDTH + 2 * SKEW));
        assert_eq!(zeros.len(), maps.width * V::WIDTH);
        match finish {
            Finish::Nothing => {}
            Finish::Bias(bias) => assert_eq!(bias.len(), outputs),
            Finish::Slope(slope) => assert_eq!(slope.len(), out.len()),
        }
        let steps = [inputs, outputs].map(|channels| at_once * channels * V::WIDTH + SKEW);
        let (data, products) = space.split_at_mut(POINTS * steps[0]);
        for group in 0..groups {
            // SAFETY: the asserted lengths hold every group, channel and tile.
            unsafe {
                let x = x.as_ptr().add(group * maps.input_len() * V::WIDTH);
                for first in (0..maps.tiles()).step_by(at_once) {
                    let tiles = at_once.min(maps.tiles() - first);
                    for input in 0..inputs {
                        for at in 0..tiles {
                            let square = pixels::<V>(&maps, x.add(input * maps.pixels() * V::WIDTH), zeros, first + at);
                            let points = data.as_mut_ptr().add((input * tiles + at) * V::WIDTH);
                            to_points::<V, Data, SIDE>(&square, points, steps[0]);
                        }
                    }
                    for point in 0..POINTS {
                        Product {
                            weights: weights.as_ptr().add(point * maps.weight_step()),
                            data: data.as_ptr().add(point * steps[0]),
                            out: products.as_mut_ptr().add(point * steps[1]),
                            rows: outputs,
                            terms: inputs,
                            columns: tiles,
                        }
                        .run::<V>();
                    }
                    for output in 0..outputs {
                        for at in 0..tiles {
                            let points = products.as_ptr().add((output * tiles + at) * V::WIDTH);
                            let square = from_points::<V, Outputs, OUT>(points, steps[1]);
                            let start = (group * outputs + output) * maps.pixels() * V::WIDTH;
                            store::<V>(&maps, &square, first + at, (output, start), finish, out.as_mut_ptr());
                        }
                    }
                }
            }
        }
    }
}

/// The 8x8 pixels that a tile reads.
#[inline(always)]
unsafe fn pixels<V: Lanes>(maps: &Maps, x: *const f32, zeros: &[f32], tile: usize) -> Square<SIDE> {
    let (top, left) = maps.corner(tile);
    let mut rows = [zeros.as_ptr(); SIDE];
    for (r, row) in rows.iter_mut().enumerate() {
        let y = (top + r).wrapping_sub(PADDING);
        if y < maps.height {
            // SAFETY: the channel has this row.
            *row = unsafe { x.add(y * maps.width * V::WIDTH) };
        }
    }
    Square { rows, left: left as isize - PADDING as isize, width: maps.width }
}

/// Stores a tile's outputs, as far as they lie in the maps.
#[inline(always)]
unsafe fn store<V: Lanes>(
    maps: &Maps,
    square: &[[V; OUT]; OUT],
    tile: usize,
    (output, start): (usize, usize),
    finish: Finish,
    out: *mut f32,
) {
    let (top, left) = maps.corner(tile);
    let (height, width) = (OUT.min(maps.height - top), OUT.min(maps.width - left));
    // SAFETY: the caller has compared the sizes; the tile's pixels are cut off at the edge.
    unsafe {
        let bias = match finish {
            Finish::Bias(bias) => V::splat(bias[output]),
            Finish::Nothing | Finish::Slope(_) => V::zero(),
        };
        for r in 0..OUT {
            for c in 0..OUT {
                if r < height && c < width {
                    let at = start + ((top + r) * maps.width + left + c) * V::WIDTH;
                    let value = match finish {
                        Finish::Nothing => square[r][c],
                        Finish::Bias(_) => square[r][c].add(bias),
                        Finish::Slope(slope) => square[r][c].mul(V::load(slope.as_ptr().add(at))),
                    };
                    value.store(out.add(at));
                }
            }
        }
    }
}

/// `out[row][column] = sum over terms of weights[row][term] * data[term][column]`, where a column is a vector.
struct Product {
    weights: *const f32,
    data: *const f32,
    out: *mut f32,
    rows: usize,
    terms: usize,
    columns: usize,
}

impl Product {
    /// # Safety
    /// As for [`Lanes`]; the pointers are valid for these sizes.
    #[inline(always)]
    unsafe fn run<V: Lanes>(&self) {
        let mut column = 0;
        while column < self.columns {
            let left = self.columns - column;
            // SAFETY: each strip ends within the columns.
            unsafe {
                column += if V::MANY_REGISTERS && left >= 6 {
                    self.strip::<V, 4, 6>(column)
                } else if V::MANY_REGISTERS && left >= 4 {
                    self.strip::<V, 4, 4>(column)
                } else if left >= 3 && left != 4 {
                    self.strip::<V, 4, 3>(column)
                } else if left >= 2 {
                    self.strip::<V, 6, 2>(column)
                } else {
                    self.strip::<V, 8, 1>(column)
                };
            }
        }
    }

    /// `N` columns of all rows, `R` rows at a time. Returns `N`.
    #[inline(always)]
    unsafe fn strip<V: Lanes, const R: usize, const N: usize>(&self, column: usize) -> usize {
        let mut row = 0;
        while row < self.rows {
            // SAFETY: `R` rows from here exist, or two, or one.
            unsafe {
                row += if self.rows - row >= R {
                    self.tile::<V, R, N>(row, column)
                } else if self.rows - row >= 2 {
                    self.tile::<V, 2, N>(row, column)
                } else {
                    self.tile::<V, 1, N>(row, column)
                };
            }
        }
        N
    }

    // The compiler unrolls plain counted loops into registers, but not an iterator.
    #[inline(always)]
    unsafe fn tile<V: Lanes, const R: usize, const N: usize>(&self, row: usize, column: usize) -> usize {
        // SAFETY: as in `strip`.
        unsafe {
            let mut sums = [[V::zero(); N]; R];
            let weights = self.weights.add(row * self.terms);
            let mut data = self.data.add(column * V::WIDTH);
            for term in 0..self.terms {
                let mut beside = [V::zero(); N];
                for n in 0..N {
                    beside[n] = V::load(data.add(n * V::WIDTH));
                }
                for r in 0..R {
                    let weight = V::splat(*weights.add(r * self.terms + term));
                    for n in 0..N {
                        sums[r][n] = beside[n].mul_add(weight, sums[r][n]);
                    }
                }
                data = data.wrapping_add(self.columns * V::WIDTH);
            }
            for r in 0..R {
                for n in 0..N {
                    sums[r][n].store(self.out.add(((row + r) * self.columns + column + n) * V::WIDTH));
                }
            }
        }
        R
    }
}

struct AddGradients<'a> {
    maps: Maps,
    groups: usize,
    x: &'a [f32],
    grad: &'a [f32],
    space: &'a mut [f32],
    zeros: &'a [f32],
    /// For each point in the order of [`each_tile`].
    sums: &'a mut [f32],
    /// `[output][lane]`
    bias_sums: &'a mut [f32],
    is_fresh: bool,
}

impl Kernel for AddGradients<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Self { maps, groups, x, grad, space, zeros, sums, bias_sums, is_fresh } = self;
        let Maps { inputs, outputs, .. } = maps;
        assert_eq!(x.len(), groups * maps.input_len() * V::WIDTH);
        assert_eq!(grad.len(), groups * maps.output_len() * V::WIDTH);
        assert_eq!(space.len(), POINTS * (TERMS * (inputs + outputs) * V::WIDTH + 2 * SKEW));
        assert_eq!(zeros.len(), maps.width * V::WIDTH);
        assert_eq!(sums.len(), POINTS * maps.pairs() * V::WIDTH);
        assert_eq!(bias_sums.len(), outputs * V::WIDTH);
        let steps = [inputs, outputs].map(|channels| TERMS * channels * V::WIDTH + SKEW);
        let (data, gradients) = space.split_at_mut(POINTS * steps[0]);
        if is_fresh {
            bias_sums.fill(0.0);
        }
        let all = groups * maps.tiles();
        for first in (0..all).step_by(TERMS) {
            let terms = TERMS.min(all - first);
            // SAFETY: the asserted lengths hold every group, channel and tile.
            unsafe {
                let place = |at: usize| ((first + at) / maps.tiles(), (first + at) % maps.tiles());
                for input in 0..inputs {
                    for at in 0..terms {
                        let (group, tile) = place(at);
                        let x = x.as_ptr().add((group * inputs + input) * maps.pixels() * V::WIDTH);
                        let points = data.as_mut_ptr().add((input * terms + at) * V::WIDTH);
                        to_points::<V, Data, SIDE>(&pixels::<V>(&maps, x, zeros, tile), points, steps[0]);
                    }
                }
                for output in 0..outputs {
                    for at in 0..terms {
                        let (group, tile) = place(at);
                        let grad = grad.as_ptr().add((group * outputs + output) * maps.pixels() * V::WIDTH);
                        let points = gradients.as_mut_ptr().add((output * terms + at) * V::WIDTH);
                        let square = outputs_of::<V>(&maps, grad, zeros, tile);
                        to_points::<V, Gradients, OUT>(&square, points, steps[1]);
                        add_pixels::<V>(&square, bias_sums.as_mut_ptr().add(output * V::WIDTH));
                    }
                }
                for point in 0..POINTS {
                    Correlation {
                        gradients: gradients.as_ptr().add(point * steps[1]),
                        data: data.as_ptr().add(point * steps[0]),
                        sums: sums.as_mut_ptr().add(point * maps.pairs() * V::WIDTH),
                        maps,
                        terms,
                        is_fresh: is_fresh && first == 0,
                    }
                    .run::<V>();
                }
            }
        }
    }
}

/// The 4x4 gradients of a tile's outputs.
#[inline(always)]
unsafe fn outputs_of<V: Lanes>(maps: &Maps, grad: *const f32, zeros: &[f32], tile: usize) -> Square<OUT> {
    let (top, left) = maps.corner(tile);
    let mut rows = [zeros.as_ptr(); OUT];
    for (r, row) in rows.iter_mut().enumerate() {
        if top + r < maps.height {
            // SAFETY: the channel has this row.
            *row = unsafe { grad.add((top + r) * maps.width * V::WIDTH) };
        }
    }
    Square { rows, left: left as isize, width: maps.width }
}

/// Adds a tile's gradients to a vector.
#[inline(always)]
unsafe fn add_pixels<V: Lanes>(square: &Square<OUT>, sum: *mut f32) {
    let left = square.left as usize;
    // SAFETY: the columns exist, and rows that do not are zeros.
    unsafe {
        let mut total = V::load(sum);
        for row in square.rows {
            for x in left..(left + OUT).min(square.width) {
                total = total.add(V::load(row.add(x * V::WIDTH)));
            }
        }
        total.store(sum);
    }
}

/// `sums[output, input] += sum over terms of gradients[output][term] * data[input][term]`, all of them vectors.
struct Correlation {
    gradients: *const f32,
    data: *const f32,
    sums: *mut f32,
    maps: Maps,
    terms: usize,
    /// Whether the sums begin here.
    is_fresh: bool,
}

impl Correlation {
    /// # Safety
    /// As for [`Lanes`]; the pointers are valid for these sizes.
    #[inline(always)]
    unsafe fn run<V: Lanes>(&self) {
        let mut sums = self.sums;
        // SAFETY: each tile ends within the outputs and inputs, and they are as many pairs as there are sums.
        unsafe {
            each_tile::<V>(&self.maps, |rows, columns| {
                let (output, input) = (rows.start, columns.start);
                match (rows.len(), columns.len()) {
                    (4, 6) => self.tile::<V, 4, 6>(output, input, sums),
                    (4, 3) => self.tile::<V, 4, 3>(output, input, sums),
                    (4, 2) => self.tile::<V, 4, 2>(output, input, sums),
                    (4, 1) => self.tile::<V, 4, 1>(output, input, sums),
                    (1, 6) => self.tile::<V, 1, 6>(output, input, sums),
                    (1, 3) => self.tile::<V, 1, 3>(output, input, sums),
                    (1, 2) => self.tile::<V, 1, 2>(output, input, sums),
                    _ => self.tile::<V, 1, 1>(output, input, sums),
                }
                sums = sums.add(rows.len() * columns.len() * V::WIDTH);
            });
        }
    }

    // The compiler unrolls plain counted loops into registers, but not an iterator.
    #[inline(always)]
    unsafe fn tile<V: Lanes, const R: usize, const N: usize>(&self, output: usize, input: usize, to: *mut f32) {
        let row = self.terms * V::WIDTH;
        // SAFETY: as in `run`.
        unsafe {
            let (gradients, data) = (self.gradients.add(output * row), self.data.add(input * row));
            let mut sums = [[V::zero(); N]; R];
            for term in 0..self.terms {
                let mut beside = [V::zero(); N];
                for n in 0..N {
                    beside[n] = V::load(data.add(n * row + term * V::WIDTH));
                }
                for r in 0..R {
                    let gradient = V::load(gradients.add(r * row + term * V::WIDTH));
                    for n in 0..N {
                        sums[r][n] = beside[n].mul_add(gradient, sums[r][n]);
                    }
                }
            }
            for r in 0..R {
                for n in 0..N {
                    let at = to.add((r * N + n) * V::WIDTH);
                    let sum = if self.is_fresh { sums[r][n] } else { V::load(at).add(sums[r][n]) };
                    sum.store(at);
                }
            }
        }
    }
}

/// Calls back with the outputs and the inputs of each tile of sums, in the order in which they lie in memory: each line of
/// the cache is then visited once.
#[inline(always)]
fn each_tile<V: Lanes>(maps: &Maps, mut see: impl FnMut(Range<usize>, Range<usize>)) {
    let mut input = 0;
    while input < maps.inputs {
        let columns = match maps.inputs - input {
            6.. if V::MANY_REGISTERS => 6,
            4 => 2,
            left => left.min(3),
        };
        let mut output = 0;
        while output < maps.outputs {
            let rows = if maps.outputs - output >= 4 { 4 } else { 1 };
            see(output..output + rows, input..input + columns);
            output += rows;
        }
        input += columns;
    }
}

/// The gradients of weights and bias from their sums.
struct SumUp<'a> {
    maps: Maps,
    sums: &'a [f32],
    bias_sums: &'a [f32],
    space: &'a mut [f32],
    weights: &'a mut [f32],
    bias: &'a mut [f32],
}

impl Kernel for SumUp<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Self { maps, sums, bias_sums, space, weights, bias } = self;
        let (pairs, step) = (maps.pairs(), maps.weight_step());
        assert_eq!(sums.len(), POINTS * pairs * V::WIDTH);
        assert_eq!(bias_sums.len(), bias.len() * V::WIDTH);
        assert_eq!((space.len(), weights.len(), bias.len()), (POINTS * step, maps.weights(), maps.outputs));
        for (sums, totals) in sums.chunks_exact(pairs * V::WIDTH).zip(space.chunks_exact_mut(step)) {
            let mut vectors = sums.chunks_exact(V::WIDTH);
            each_tile::<V>(&maps, |outputs, inputs| {
                for pair in outputs.flat_map(|output| inputs.clone().map(move |input| output * maps.inputs + input)) {
                    totals[pair] = vectors.next().map_or(0.0, add_lanes);
                }
            });
        }
        for (vector, total) in bias_sums.chunks_exact(V::WIDTH).zip(&mut *bias) {
            *total = add_lanes(vector);
        }
        for first in (0..pairs).step_by(V::WIDTH) {
            let mut taps = [[0.0_f32; 16]; TAPS];
            // SAFETY: `step` is at least the number of pairs, rounded up to a vector; each array of taps holds a vector.
            unsafe {
                let square = from_points::<V, TapGradients, TAP_SIDE>(space.as_ptr().add(first), step);
                for (vector, tap) in square.iter().flatten().zip(&mut taps) {
                    vector.store(tap.as_mut_ptr());
                }
            }
            let pairs = weights[first * TAPS..].chunks_exact_mut(TAPS).take(V::WIDTH);
            for (lane, pair) in pairs.enumerate() {
                for (weight, tap) in pair.iter_mut().zip(&taps) {
                    *weight = tap[lane];
                }
            }
        }
    }
}

/// The sum of a vector's lanes, by halves, in a fixed order.
#[inline(always)]
fn add_lanes(vector: &[f32]) -> f32 {
    let mut sums = [0.0; 16];
    sums[..vector.len()].copy_from_slice(vector);
    let mut half = vector.len() / 2;
    while half > 0 {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
        half /= 2;
    }
    sums[0]
}
