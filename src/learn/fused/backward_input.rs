//! Backward pass for the input: `dx[i][y][x] = sum of w[o][i][ky][kx] * dy[o][y-ky][x-kx]` over output channels and
//! taps.
//!
//! A pooled window's gradient goes to one of four positions, which shifts the 5x5 kernel by a row, a column, both or
//! neither within the window's 6x6 field. So a window contributes to a pixel of that field its gradient times *one of
//! four weights*, selected in each lane by the winner. This is a permutation of four floats, which runs beside the
//! multiply-adds. For 2x2 pixels that is 9 windows x 4 permutations and 4 multiply-adds instead of 100 multiply-adds.
//!
//! ```text
//!   the field of window (py, px):                 the 5x5 kernel in it, by the winner's place:
//!   3 x 3 blocks of 2 x 2 pixels                  upper left           lower right
//!
//!          px   px+1  px+2
//!     py   . . │ . . │ . .                       k k k k k .          . . . . . .
//!          . . │ . . │ . .                       k k k k k .          . k k k k k
//!         ─────┼─────┼─────                      k k k k k .          . k k k k k
//!   py+1   . . │ . . │ . .                       k k k k k .          . k k k k k
//!          . . │ . . │ . .                       k k k k k .          . k k k k k
//!         ─────┼─────┼─────                      . . . . . .          . k k k k k
//!   py+2   . . │ . . │ . .
//!          . . │ . . │ . .
//! ```
//!
//! The loops run over the pixels: block `(by, bx)` of 2x2 pixels, rows 2by and 2by+1, is in the fields of the windows
//! `by-2..=by`, `bx-2..=bx`, as far as these exist. So a pixel's sum stays in a register until it is complete.
//!
//! Each window is visited nine times, once for each block that it reaches. The winners' masks are converted to the
//! permutation's indices only once, before: the conversion takes half as long as the sixteen multiply-adds of a visit.
//!
//! Before a sum is stored it is multiplied by the slope of the activation in front, as the chain rule says. The result
//! is the gradient of that activation's input.

use super::shape::{KERNEL, Order, REACH, Shape, TAPS, Winner};
use super::vector::{Kernel, Lanes};
use std::ops::Range;

/// Floats of [`spread`] for a pair of channels: 3x3 windows, 2x2 pixels, 4 places of the winner.
const SPREAD: usize = REACH * REACH * 16;

/// Output channels between two visits of a pixel. Each block of pixels reads their tables again: for four input
/// channels 8 x 4 x 144 floats, 18 KB, which stay in the first-level cache (32 KB or more).
const AT_ONCE: usize = 8;

/// The gradient of the loss with respect to the block's input.
pub struct BackwardInput<'a> {
    pub shape: Shape,
    pub groups: usize,
    /// From [`spread`].
    pub spread: &'a [f32],
    /// The gradient of the block's output, in `order`.
    pub grad: &'a [f32],
    pub order: Order,
    /// `[group][output][y][x]`
    pub winners: &'a [Winner],
    /// Workspace: [`BackwardInput::choices`] floats, aligned to a cache line.
    pub choices: &'a mut [f32],
    /// The slope of the activation in front, in the layout of `dx`.
    pub slope: &'a [f32],
    /// `[group][input][y][x][lane]`
    pub dx: &'a mut [f32],
}

impl BackwardInput<'_> {
    /// The number of floats that [`spread`] fills.
    pub fn room(shape: &Shape) -> usize {
        shape.inputs * shape.outputs * SPREAD
    }

    /// The number of choices at a time; each is as wide as a float.
    pub fn choices(shape: &Shape, lanes: usize) -> usize {
        AT_ONCE.min(shape.outputs) * shape.pooled() * lanes
    }
}

/// The tap that reaches a pixel, if any: for a window `(dy, dx)` windows above and to the left of the pixel's own, for
/// the pixel `(qy, qx)` of four, and for the winner `(ay, ax)`.
const TAP: [Option<u8>; SPREAD] = {
    let mut taps = [None; SPREAD];
    let mut at = 0;
    while at < SPREAD {
        let (window, pixel, place) = (at / 16, at / 4 % 4, at % 4);
        let y = (2 * (window / REACH) + pixel / 2) as isize - (place / 2) as isize;
        let x = (2 * (window % REACH) + pixel % 2) as isize - (place % 2) as isize;
        if 0 <= y && y < KERNEL as isize && 0 <= x && x < KERNEL as isize {
            taps[at] = Some((y as usize * KERNEL + x as usize) as u8);
        }
        at += 1;
    }
    taps
};

/// Spreads the weights into tables of four, `[output][input][3x3 windows][2x2 pixels][2x2 places of the winner]`.
pub fn spread(weights: &[f32], tables: &mut [f32]) {
    assert_eq!(weights.len() / TAPS * SPREAD, tables.len());
    for (weights, tables) in weights.chunks_exact(TAPS).zip(tables.chunks_exact_mut(SPREAD)) {
        for (entry, tap) in tables.iter_mut().zip(TAP) {
            *entry = tap.map_or(0.0, |tap| weights[usize::from(tap)]);
        }
    }
}

impl Kernel for BackwardInput<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Self { shape, groups, spread, grad, order, winners, choices, slope, dx } = self;
        assert!(shape.fits());
        assert_eq!(spread.len(), BackwardInput::room(&shape));
        assert_eq!(grad.len(), groups * shape.output_len() * V::WIDTH);
        assert_eq!(winners.len(), groups * shape.output_len());
        assert_eq!(dx.len(), groups * shape.input_len() * V::WIDTH);
        assert_eq!(slope.len(), dx.len());
        assert_eq!(choices.len(), BackwardInput::choices(&shape, V::WIDTH));
        const { assert!(size_of::<V::Choice>() == size_of::<V>()) };
        let choices = choices.as_mut_ptr().cast::<V::Choice>();
        assert!(choices.is_aligned());
        let strides = order.strides(shape.output_len(), groups, V::WIDTH);
        // An odd last row or column is in no window.
        if shape.height % 2 == 1 || shape.width % 2 == 1 {
            dx.fill(0.0);
        }
        for group in 0..groups {
            for from in (0..shape.outputs).step_by(AT_ONCE) {
                let outputs = from..(from + AT_ONCE).min(shape.outputs);
                let first = group * shape.output_len() + from * shape.pooled();
                let winners = &winners[first..][..outputs.len() * shape.pooled()];
                // SAFETY: the asserted lengths hold every group and its outputs, and the choices of as many windows as
                // there are winners here; each block stays below `inputs`.
                unsafe {
                    for (at, winner) in winners.iter().enumerate() {
                        choices.add(at).write(V::choice(V::mask(winner.row), V::mask(winner.column)));
                    }
                    let mut input = 0;
                    while input < shape.inputs {
                        let first = (group * shape.inputs + input) * shape.pixels() * V::WIDTH;
                        let here = Channels::<V> {
                            spread: spread.as_ptr().add((from * shape.inputs + input) * SPREAD),
                            grad: grad.as_ptr().add(group * strides.group + from * shape.pooled() * strides.pixel),
                            pixel: strides.pixel,
                            choices,
                            slope: slope.as_ptr().add(first),
                            dx: dx.as_mut_ptr().add(first),
                        };
                        let left = shape.inputs - input;
                        input += if V::MANY_REGISTERS && left >= 4 {
                            here.gather::<4>(&shape, outputs.clone())
                        } else if left >= 2 {
                            here.gather::<2>(&shape, outputs.clone())
                        } else {
                            here.gather::<1>(&shape, outputs.clone())
                        };
                    }
                }
            }
        }
    }
}

/// Some output channels of a group, and the first of some input channels.
struct Channels<V: Lanes> {
    spread: *const f32,
    grad: *const f32,
    /// The distance between two gradients, in floats.
    pixel: usize,
    /// `[output][y][x]`
    choices: *const V::Choice,
    slope: *const f32,
    dx: *mut f32,
}

impl<V: Lanes> Channels<V> {
    /// What the `outputs` contribute to `C` input channels; returns `C`.
    #[inline(always)]
    unsafe fn gather<const C: usize>(&self, shape: &Shape, outputs: Range<usize>) -> usize {
        let (tall, wide) = (shape.pooled_height() + REACH - 1, shape.pooled_width() + REACH - 1);
        let row = shape.width * V::WIDTH;
        let mut around = [Window::default(); REACH * REACH];
        for by in 0..tall {
            for bx in 0..wide {
                let windows = windows(shape, by, bx, &mut around);
                // SAFETY: `2 * tall` and `2 * wide` are at most the input's sides, and the caller has `C` channels.
                unsafe {
                    let pixels = 2 * by * row + 2 * bx * V::WIDTH;
                    let (slope, dx) = (self.slope.add(pixels), self.dx.add(pixels));
                    let places = [0, V::WIDTH, row, row + V::WIDTH];
                    let mut sums = [[V::zero(); 4]; C];
                    if outputs.start > 0 {
                        for (c, four) in sums.iter_mut().enumerate() {
                            for (sum, place) in four.iter_mut().zip(places) {
                                *sum = V::load(dx.add(c * shape.pixels() * V::WIDTH + place));
                            }
                        }
                    }
                    for output in 0..outputs.len() {
                        let tables = self.spread.add(output * shape.inputs * SPREAD);
                        for window in windows {
                            let at = output * shape.pooled() + window.at;
                            self.add_window(at, tables.add(window.table), &mut sums);
                        }
                    }
                    for (c, four) in sums.iter().enumerate() {
                        for (sum, place) in four.iter().zip(places) {
                            let at = c * shape.pixels() * V::WIDTH + place;
                            let last = outputs.end == shape.outputs;
                            let done = if last { sum.mul(V::load(slope.add(at))) } else { *sum };
                            done.store(dx.add(at));
                        }
                    }
                }
            }
        }
        C
    }

    /// What one window gives to 2x2 pixels of `C` input channels.
    #[inline(always)]
    unsafe fn add_window<const C: usize>(&self, at: usize, tables: *const f32, sums: &mut [[V; 4]; C]) {
        // SAFETY: the window lies within the output, and its tables within those of the pair of channels.
        unsafe {
            let choice = *self.choices.add(at);
            let grad = V::load(self.grad.add(at * self.pixel));
            for (c, four) in sums.iter_mut().enumerate() {
                let tables = tables.add(c * SPREAD);
                four[0] = V::pick::<0>(tables, choice).mul_add(grad, four[0]);
                four[1] = V::pick::<1>(tables, choice).mul_add(grad, four[1]);
                four[2] = V::pick::<2>(tables, choice).mul_add(grad, four[2]);
                four[3] = V::pick::<3>(tables, choice).mul_add(grad, four[3]);
            }
        }
    }
}

/// A window that reaches some pixels: its position in its channel, and its tables in those of a pair.
#[derive(Clone, Copy, Default)]
struct Window {
    at: usize,
    table: usize,
}

/// The windows that reach block `(by, bx)` of 2x2 pixels (see the picture above): nine inside, fewer at the edge, in the order of the output.
#[inline(always)]
fn windows<'a>(shape: &Shape, by: usize, bx: usize, around: &'a mut [Window; REACH * REACH]) -> &'a [Window] {
    let mut found = 0;
    for py in by.saturating_sub(REACH - 1)..(by + 1).min(shape.pooled_height()) {
        for px in bx.saturating_sub(REACH - 1)..(bx + 1).min(shape.pooled_width()) {
            let table = ((by - py) * REACH + (bx - px)) * 16;
            around[found] = Window { at: py * shape.pooled_width() + px, table };
            found += 1;
        }
    }
    &around[..found]
}
