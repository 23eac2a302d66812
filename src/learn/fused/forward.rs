//! Forward pass: convolves, pools, and stores only the result.
//!
//! Four output channels by the four positions of a pooling window are sixteen sums, all in registers. A tap of the
//! kernel costs four loads of pixels, four of weights and sixteen multiply-adds. Nothing is written before the maximum
//! is known, so the convolution's output, four times as large as the result, never exists in memory.

use super::shape::{KERNEL, Order, Shape, TAPS, Winner};
use super::vector::{Kernel, Lanes};

/// `out = maxpool(conv(x, weights) + bias)`, and which of the four positions won.
pub struct Forward<'a> {
    pub shape: Shape,
    pub groups: usize,
    /// `[group][input][y][x][lane]`
    pub x: &'a [f32],
    /// `[output][input][5][5]`
    pub weights: &'a [f32],
    pub bias: &'a [f32],
    /// In `order`.
    pub out: &'a mut [f32],
    pub order: Order,
    /// `[group][output][y][x]`
    pub winners: &'a mut [Winner],
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Self { shape, groups, x, weights, bias, out, order, winners } = self;
        assert!(shape.fits());
        assert_eq!(x.len(), groups * shape.input_len() * V::WIDTH);
        assert_eq!(weights.len(), shape.weights());
        assert_eq!(bias.len(), shape.outputs);
        assert_eq!(out.len(), groups * shape.output_len() * V::WIDTH);
        assert_eq!(winners.len(), groups * shape.output_len());
        let strides = order.strides(shape.output_len(), groups, V::WIDTH);
        for group in 0..groups {
            // SAFETY: the asserted lengths hold `groups` groups, and each channel block stays below `outputs`.
            unsafe {
                let x = x.as_ptr().add(group * shape.input_len() * V::WIDTH);
                let mut channel = 0;
                while channel < shape.outputs {
                    let here = Channels {
                        x,
                        weights: weights.as_ptr().add(channel * shape.inputs * TAPS),
                        bias: bias.as_ptr().add(channel),
                        out: out.as_mut_ptr().add(group * strides.group + channel * shape.pooled() * strides.pixel),
                        pixel: strides.pixel,
                        winners: winners.as_mut_ptr().add(group * shape.output_len() + channel * shape.pooled()),
                    };
                    let left = shape.outputs - channel;
                    // Sixteen registers hold the sums of two channels, the pixels and a weight, but not the sums of
                    // four.
                    channel += if V::MANY_REGISTERS && left >= 4 {
                        here.convolve_and_pool::<V, 4>(&shape)
                    } else if left >= 2 {
                        here.convolve_and_pool::<V, 2>(&shape)
                    } else {
                        here.convolve_and_pool::<V, 1>(&shape)
                    };
                }
            }
        }
    }
}

/// The input of a group, and the first of some output channels.
struct Channels {
    x: *const f32,
    weights: *const f32,
    bias: *const f32,
    out: *mut f32,
    /// The distance between two output pixels, in floats.
    pixel: usize,
    winners: *mut Winner,
}

impl Channels {
    /// Computes `C` output channels of a group. Returns `C`.
    #[inline(always)]
    unsafe fn convolve_and_pool<V: Lanes, const C: usize>(&self, shape: &Shape) -> usize {
        let row = shape.width * V::WIDTH;
        for py in 0..shape.pooled_height() {
            for px in 0..shape.pooled_width() {
                let at = py * shape.pooled_width() + px;
                // SAFETY: the window's field, rows 2py to 2py+5 and columns 2px to 2px+5, lies within the input, and
                // the caller has `C` channels of weights, output and winners.
                unsafe {
                    let field = self.x.add(2 * py * row + 2 * px * V::WIDTH);
                    let sums = self.window::<V, C>(shape, field, row);
                    for (c, four) in sums.iter().enumerate() {
                        let (greatest, winner) = greatest(four);
                        let at = c * shape.pooled() + at;
                        greatest.store(self.out.add(at * self.pixel));
                        self.winners.add(at).write(winner);
                    }
                }
            }
        }
        C
    }

    /// The four sums of a pooling window, for `C` channels. They begin with the bias, so that equal sums round equally.
    #[inline(always)]
    unsafe fn window<V: Lanes, const C: usize>(&self, shape: &Shape, field: *const f32, row: usize) -> [[V; 4]; C] {
        // SAFETY: as in `convolve_and_pool`.
        unsafe {
            let mut sums = [[V::zero(); 4]; C];
            for (c, four) in sums.iter_mut().enumerate() {
                *four = [V::splat(*self.bias.add(c)); 4];
            }
            for input in 0..shape.inputs {
                let x = field.add(input * shape.pixels() * V::WIDTH);
                let weights = self.weights.add(input * TAPS);
                for ky in 0..KERNEL {
                    let (upper, lower) = (x.add(ky * row), x.add((ky + 1) * row));
                    for kx in 0..KERNEL {
                        let (left, right) = (kx * V::WIDTH, (kx + 1) * V::WIDTH);
                        let pixels = [
                            V::load(upper.add(left)),
                            V::load(upper.add(right)),
                            V::load(lower.add(left)),
                            V::load(lower.add(right)),
                        ];
                        for (c, four) in sums.iter_mut().enumerate() {
                            let weight = V::splat(*weights.add(c * shape.inputs * TAPS + ky * KERNEL + kx));
                            for (sum, pixel) in four.iter_mut().zip(pixels) {
                                *sum = pixel.mul_add(weight, *sum);
                            }
                        }
                    }
                }
            }
            sums
        }
    }
}

/// The maximum of a window: of each row, then of both. The first of equals wins, and a NaN is kept, as in LibTorch.
#[inline(always)]
unsafe fn greatest<V: Lanes>(four: &[V; 4]) -> (V, Winner) {
    // SAFETY: the caller runs inside `V`'s instruction set.
    unsafe {
        let (upper, lower) = (four[1].beats(four[0]), four[3].beats(four[2]));
        let above = four[0].replace(upper, four[1]);
        let below = four[2].replace(lower, four[3]);
        let row = below.beats(above);
        let best = above.replace(row, below);
        let (upper, lower, row) = (V::bits(upper), V::bits(lower), V::bits(row));
        (best, Winner { row, column: upper & !row | lower & row })
    }
}
