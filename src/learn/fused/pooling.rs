//! Pooling of 3x3 windows, two pixels apart, as cuda-convnet has it: rows and columns at the end that do not fill a window
//! are a smaller one.
//!
//! Maps lie as `[group][channel][y][x][lane]`; the output of an average may have either [`Order`]. The windows overlap,
//! so a pixel may take the gradients of four of them.

use super::shape::Order;
use super::vector::{InstructionSet, Kernel, Lanes};
use std::ops::Range;

const WINDOW: usize = 3;
const STRIDE: usize = 2;

/// The share of each pixel in the mean of so many; a division would take longer than the rest.
const SHARES: [f32; WINDOW * WINDOW + 1] = {
    let mut shares = [0.0; WINDOW * WINDOW + 1];
    let mut pixels = 1;
    while pixels < shares.len() {
        shares[pixels] = 1.0 / pixels as f32;
        pixels += 1;
    }
    shares
};

/// Which pixel of a window was the greatest, for every lane: bit `i` of the pixel's number for lane `i`.
pub type Greatest = [u16; WINDOW * WINDOW];

/// The maps in front of a pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooled {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
}

impl Pooled {
    /// The side of maps after pooling; `Rest::Pooled` of the network's architecture.
    fn side(side: usize) -> usize {
        side.saturating_sub(WINDOW).div_ceil(STRIDE) + 1
    }

    pub fn pooled_height(&self) -> usize {
        Self::side(self.height)
    }

    pub fn pooled_width(&self) -> usize {
        Self::side(self.width)
    }

    /// A pixel of a window, which has nine of them, if the maps have it.
    #[inline(always)]
    fn pixel(&self, py: usize, px: usize, place: usize) -> Option<usize> {
        let (y, x) = (py * STRIDE + place / WINDOW, px * STRIDE + place % WINDOW);
        (y < self.height && x < self.width).then_some(y * self.width + x)
    }

    /// Numbers per image in the input.
    pub fn input_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Windows of a channel.
    fn windows(&self) -> usize {
        self.pooled_height() * self.pooled_width()
    }

    /// Numbers per image in the output.
    pub fn output_len(&self) -> usize {
        self.channels * self.windows()
    }
}

/// The pixels of a window along a side.
fn pixels(window: usize, side: usize) -> Range<usize> {
    window * STRIDE..(window * STRIDE + WINDOW).min(side)
}

/// The windows that a pixel is in, along a side.
fn windows(pixel: usize, windows: usize) -> Range<usize> {
    pixel.saturating_sub(WINDOW - 1).div_ceil(STRIDE)..(pixel / STRIDE + 1).min(windows)
}

/// `out = max of each window of x`, and which pixel it is. The first of equals wins, and a NaN is kept, as in LibTorch.
///
/// # Panics
/// If a length does not fit, as in all of these functions.
pub fn max(set: InstructionSet, maps: Pooled, x: &[f32], out: &mut [f32], greatest: &mut [Greatest]) {
    set.run(Max { maps, x, out, greatest });
}

/// The gradient of the input of [`max`].
pub fn max_backward(set: InstructionSet, maps: Pooled, grad: &[f32], greatest: &[Greatest], dx: &mut [f32]) {
    set.run(MaxBackward { maps, grad, greatest, dx });
}

/// `out = mean of each window of x`; `out` is in `order`.
pub fn average(set: InstructionSet, maps: Pooled, x: &[f32], order: Order, out: &mut [f32]) {
    set.run(Average { maps, x, order, out });
}

/// The gradient of the input of [`average`], times `slope`, which has the input's layout; `grad` is in `order`.
pub fn average_backward(set: InstructionSet, maps: Pooled, grad: &[f32], order: Order, slope: &[f32], dx: &mut [f32]) {
    set.run(AverageBackward { maps, grad, order, slope, dx });
}

struct Max<'a> {
    maps: Pooled,
    x: &'a [f32],
    out: &'a mut [f32],
    greatest: &'a mut [Greatest],
}

impl Kernel for Max<'_> {
    // The compiler unrolls plain counted loops into registers, but not an iterator.
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Self { maps, x, out, greatest } = self;
        assert_eq!(out.len(), greatest.len() * V::WIDTH);
        assert_eq!(x.len() / maps.input_len(), out.len() / maps.output_len());
        let channels = x.chunks_exact(maps.height * maps.width * V::WIDTH);
        let outputs = out.chunks_exact_mut(maps.windows() * V::WIDTH).zip(greatest.chunks_exact_mut(maps.windows()));
        for (x, (out, greatest)) in channels.zip(outputs) {
            for py in 0..maps.pooled_height() {
                for px in 0..maps.pooled_width() {
                    let at = py * maps.pooled_width() + px;
                    // SAFETY: the pixels lie in the channel, and the window in the output's.
                    unsafe {
                        let x = x.as_ptr();
                        let mut best = V::load(x.add((py * STRIDE * maps.width + px * STRIDE) * V::WIDTH));
                        let mut beats = Greatest::default();
                        for place in 1..WINDOW * WINDOW {
                            if let Some(at) = maps.pixel(py, px, place) {
                                let pixel = V::load(x.add(at * V::WIDTH));
                                let mask = pixel.beats(best);
                                best = best.replace(mask, pixel);
                                beats[place] = V::bits(mask);
                            }
                        }
                        best.store(out.as_mut_ptr().add(at * V::WIDTH));
                        // The last that beat the ones before it.
                        let mut later = 0;
                        for beats in beats.iter_mut().skip(1).rev() {
                            *beats &= !later;
                            later |= *beats;
                        }
                        beats[0] = !later;
                        greatest[at] = beats;
                    }
                }
            }
        }
    }
}

struct MaxBackward<'a> {
    maps: Pooled,
    grad: &'a [f32],
    greatest: &'a [Greatest],
    dx: &'a mut [f32],
}

impl Kernel for MaxBackward<'_> {
    // The compiler unrolls plain counted loops into registers, but not an iterator.
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Self { maps, grad, greatest, dx } = self;
        assert_eq!(grad.len(), greatest.len() * V::WIDTH);
        assert_eq!(dx.len() / maps.input_len(), grad.len() / maps.output_len());
        dx.fill(0.0);
        let channels = dx.chunks_exact_mut(maps.height * maps.width * V::WIDTH);
        let outputs = grad.chunks_exact(maps.windows() * V::WIDTH).zip(greatest.chunks_exact(maps.windows()));
        for (dx, (grad, greatest)) in channels.zip(outputs) {
            for py in 0..maps.pooled_height() {
                for px in 0..maps.pooled_width() {
                    let at = py * maps.pooled_width() + px;
                    // SAFETY: the pixels lie in the channel, and the window in the output's.
                    unsafe {
                        let (grad, one) = (V::load(grad.as_ptr().add(at * V::WIDTH)), V::splat(1.0));
                        for place in 0..WINDOW * WINDOW {
                            if let Some(pixel) = maps.pixel(py, px, place) {
                                let dx = dx.as_mut_ptr().add(pixel * V::WIDTH);
                                let part = grad.part(V::mask(greatest[at][place]));
                                one.mul_add_part(part, V::load(dx)).store(dx);
                            }
                        }
                    }
                }
            }
        }
    }
}

struct Average<'a> {
    maps: Pooled,
    x: &'a [f32],
    order: Order,
    out: &'a mut [f32],
}

impl Kernel for Average<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Self { maps, x, order, out } = self;
        let groups = x.len() / (maps.input_len() * V::WIDTH);
        assert_eq!(x.len(), groups * maps.input_len() * V::WIDTH);
        assert_eq!(out.len(), groups * maps.output_len() * V::WIDTH);
        let strides = order.strides(maps.output_len(), groups, V::WIDTH);
        for (number, x) in x.chunks_exact(maps.height * maps.width * V::WIDTH).enumerate() {
            let (group, channel) = (number / maps.channels, number % maps.channels);
            for py in 0..maps.pooled_height() {
                for px in 0..maps.pooled_width() {
                    let at = channel * maps.windows() + py * maps.pooled_width() + px;
                    let share = SHARES[pixels(py, maps.height).len() * pixels(px, maps.width).len()];
                    // SAFETY: the pixels lie in the channel, and the window in the output's.
                    unsafe {
                        let mut sum = V::zero();
                        for place in 0..WINDOW * WINDOW {
                            if let Some(pixel) = maps.pixel(py, px, place) {
                                sum = sum.add(V::load(x.as_ptr().add(pixel * V::WIDTH)));
                            }
                        }
                        sum.mul(V::splat(share))
                            .store(out.as_mut_ptr().add(group * strides.group + at * strides.pixel));
                    }
                }
            }
        }
    }
}

struct AverageBackward<'a> {
    maps: Pooled,
    grad: &'a [f32],
    order: Order,
    slope: &'a [f32],
    dx: &'a mut [f32],
}

impl Kernel for AverageBackward<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Self { maps, grad, order, slope, dx } = self;
        let groups = dx.len() / (maps.input_len() * V::WIDTH);
        assert_eq!(dx.len(), groups * maps.input_len() * V::WIDTH);
        assert_eq!(grad.len(), groups * maps.output_len() * V::WIDTH);
        assert_eq!(slope.len(), dx.len());
        let strides = order.strides(maps.output_len(), groups, V::WIDTH);
        let len = maps.height * maps.width * V::WIDTH;
        let channels = dx.chunks_exact_mut(len).zip(slope.chunks_exact(len));
        for (number, (dx, slope)) in channels.enumerate() {
            let (group, channel) = (number / maps.channels, number % maps.channels);
            for y in 0..maps.height {
                for x in 0..maps.width {
                    let at = (y * maps.width + x) * V::WIDTH;
                    // SAFETY: the windows lie in the channel's gradients, and the pixel in the channel.
                    unsafe {
                        let mut sum = V::zero();
                        for py in windows(y, maps.pooled_height()) {
                            for px in windows(x, maps.pooled_width()) {
                                let pooled = pixels(py, maps.height).len() * pixels(px, maps.width).len();
                                let window = channel * maps.windows() + py * maps.pooled_width() + px;
                                let grad = grad.as_ptr().add(group * strides.group + window * strides.pixel);
                                sum = V::load(grad).mul_add(V::splat(SHARES[pooled]), sum);
                            }
                        }
                        sum.mul(V::load(slope.as_ptr().add(at))).store(dx.as_mut_ptr().add(at));
                    }
                }
            }
        }
    }
}
