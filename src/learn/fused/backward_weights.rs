//! Backward pass for the weights: `dw[o][i][ky][kx] = sum of dy[o][y][x] * x[i][y+ky][x+kx]` over positions and images.
//!
//! The maximum passes a window's gradient to one of its four positions, so three quarters of `dy` are zeros, at
//! different positions in each lane. Instead of multiplying by zeros, the pixel is selected by the winning column (a
//! blend, which runs beside the multiply-adds) and the gradient is split by the winning row: 30 blends and 50
//! multiply-adds instead of 100. Splitting by row, instead of blending rows as well, leaves registers for all 25 sums.

use super::shape::{KERNEL, Order, Shape, TAPS, Winner};
use super::vector::{Kernel, Lanes};

/// The gradients of weights and bias, summed over the batch.
pub struct BackwardWeights<'a> {
    pub shape: Shape,
    pub groups: usize,
    /// `[group][input][y][x][lane]`
    pub x: &'a [f32],
    /// The gradient of the block's output, in `order`; zero in lanes without an image.
    pub grad: &'a [f32],
    pub order: Order,
    /// `[group][output][y][x]`
    pub winners: &'a [Winner],
    /// Space for one sum per lane: [`BackwardWeights::room`] floats.
    pub sums: &'a mut [f32],
    /// `[output][input][5][5]`
    pub weights: &'a mut [f32],
    pub bias: &'a mut [f32],
}

impl BackwardWeights<'_> {
    pub fn room(shape: &Shape, lanes: usize) -> usize {
        (shape.weights() + shape.outputs) * lanes
    }
}

impl Kernel for BackwardWeights<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Self { shape, groups, x, grad, order, winners, sums, weights, bias } = self;
        assert!(shape.fits());
        assert_eq!(x.len(), groups * shape.input_len() * V::WIDTH);
        assert_eq!(grad.len(), groups * shape.output_len() * V::WIDTH);
        assert_eq!(winners.len(), groups * shape.output_len());
        assert_eq!(sums.len(), BackwardWeights::room(&shape, V::WIDTH));
        assert_eq!(weights.len(), shape.weights());
        assert_eq!(bias.len(), shape.outputs);
        let strides = order.strides(shape.output_len(), groups, V::WIDTH);
        let (weight_sums, bias_sums) = sums.split_at_mut(shape.weights() * V::WIDTH);
        weight_sums.fill(0.0);
        bias_sums.fill(0.0);
        for group in 0..groups {
            for input in 0..shape.inputs {
                for output in 0..shape.outputs {
                    // SAFETY: the asserted lengths hold every group, input and output channel.
                    unsafe {
                        let pair = Pair {
                            x: x.as_ptr().add((group * shape.inputs + input) * shape.pixels() * V::WIDTH),
                            grad: grad.as_ptr().add(group * strides.group + output * shape.pooled() * strides.pixel),
                            pixel: strides.pixel,
                            winners: winners.as_ptr().add((group * shape.outputs + output) * shape.pooled()),
                            sums: weight_sums.as_mut_ptr().add((output * shape.inputs + input) * TAPS * V::WIDTH),
                        };
                        if V::MANY_REGISTERS {
                            pair.correlate::<V, KERNEL>(&shape, 0);
                        } else {
                            pair.correlate::<V, 2>(&shape, 0);
                            pair.correlate::<V, 2>(&shape, 2);
                            pair.correlate::<V, 1>(&shape, 4);
                        }
                        if input == 0 {
                            pair.add_up::<V>(&shape, bias_sums.as_mut_ptr().add(output * V::WIDTH));
                        }
                    }
                }
            }
        }
        across_lanes::<V>(weight_sums, weights);
        across_lanes::<V>(bias_sums, bias);
    }
}

/// One input channel and one output channel of a group.
struct Pair {
    x: *const f32,
    grad: *const f32,
    /// The distance between two gradients, in floats.
    pixel: usize,
    winners: *const Winner,
    /// `[5][5][lane]`
    sums: *mut f32,
}

impl Pair {
    /// Adds this group's part for `R` rows of the kernel, beginning with `first`.
    // The compiler unrolls plain counted loops into registers, but not an inclusive range or an iterator.
    #[allow(clippy::range_plus_one)]
    #[inline(always)]
    unsafe fn correlate<V: Lanes, const R: usize>(&self, shape: &Shape, first: usize) {
        let row = shape.width * V::WIDTH;
        // SAFETY: the field of a pooled window, rows 2py to 2py+5 and columns 2px to 2px+5, lies within the input, and
        // `first + R` is at most 5.
        unsafe {
            let mut sums = [[V::zero(); KERNEL]; R];
            // Masks are loaded one window ahead, because they take long to reach their registers and everything else
            // waits for them.
            let mut next = self.sides::<V>(0);
            for py in 0..shape.pooled_height() {
                for px in 0..shape.pooled_width() {
                    let at = py * shape.pooled_width() + px;
                    let [above, below, right] = next;
                    next = self.sides::<V>((at + 1).min(shape.pooled() - 1));
                    let grad = V::load(self.grad.add(at * self.pixel));
                    let (upper, lower) = (grad.part(above), grad.part(below));
                    let field = self.x.add((2 * py + first) * row + 2 * px * V::WIDTH);
                    // Row y of the field belongs to kernel row y if the winner is in the upper row, and to y - 1 if it
                    // is in the lower, hence two sums.
                    for y in 0..R + 1 {
                        let x = field.add(y * row);
                        for kx in 0..KERNEL {
                            let here = V::load(x.add(kx * V::WIDTH));
                            let pixel = here.replace(right, V::load(x.add((kx + 1) * V::WIDTH)));
                            if y < R {
                                sums[y][kx] = pixel.mul_add_part(upper, sums[y][kx]);
                            }
                            if y > 0 {
                                sums[y - 1][kx] = pixel.mul_add_part(lower, sums[y - 1][kx]);
                            }
                        }
                    }
                }
            }
            for (y, sums) in sums.iter().enumerate() {
                for (x, sum) in sums.iter().enumerate() {
                    let total = self.sums.add(((first + y) * KERNEL + x) * V::WIDTH);
                    V::load(total).add(*sum).store(total);
                }
            }
        }
    }

    /// The lanes whose winner is in the upper row, in the lower row, in the right column.
    #[inline(always)]
    unsafe fn sides<V: Lanes>(&self, window: usize) -> [V::Mask; 3] {
        // SAFETY: the caller has the window.
        unsafe {
            let Winner { row, column } = *self.winners.add(window);
            [V::mask(!row), V::mask(row), V::mask(column)]
        }
    }

    /// Adds the gradients themselves, for the bias.
    #[inline(always)]
    unsafe fn add_up<V: Lanes>(&self, shape: &Shape, total: *mut f32) {
        // SAFETY: `pooled` gradients lie `pixel` apart, and `total` is a vector.
        unsafe {
            let mut sum = V::zero();
            for at in 0..shape.pooled() {
                sum = sum.add(V::load(self.grad.add(at * self.pixel)));
            }
            V::load(total).add(sum).store(total);
        }
    }
}

/// Adds the lanes of each sum, by halves, in a fixed order.
#[inline(always)]
fn across_lanes<V: Lanes>(sums: &[f32], totals: &mut [f32]) {
    for (lanes, total) in sums.chunks_exact(V::WIDTH).zip(totals) {
        let mut sums = [0.0; 16];
        sums[..V::WIDTH].copy_from_slice(lanes);
        for half in [8, 4, 2, 1] {
            for i in 0..half {
                sums[i] += sums[i + half];
            }
        }
        *total = sums[0];
    }
}
