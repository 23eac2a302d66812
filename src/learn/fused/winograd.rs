//! Winograd's minimal filtering for a kernel of 5x5 (Winograd 1980; for networks Lavin and Gray 2016): 64 multiplications
//! instead of 400 for 4x4 outputs of a pair of channels.
//!
//! A row of a convolution is a product of polynomials, which is determined by its values at enough points. For 4 outputs
//! of 5 taps these are the 8 points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity. Data and weights are evaluated there,
//! multiplied point by point, and interpolated; in two dimensions by columns, then by rows:
//!
//! ```text
//!   out = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A          w: 5x5 taps, d: 8x8 pixels, out: 4x4
//!   dw  = Gᵀ [ (A dout Aᵀ) ⊙ (Bᵀ d B) ] G       the same sum differentiated by w
//! ```
//!
//! The sum over channels (and for `dw` over tiles and images) is taken between the brackets, so a tile is transformed
//! once for each channel, not for each pair. What is left there are 64 matrix products, one for each pair of points.
//!
//! The price is rounding: the results differ from a direct convolution's by about 4e-6 of the largest, twenty times a
//! direct convolution's own error. Gradient descent does not notice that: the batch's own noise is far larger.

use super::vector::Lanes;

/// Outputs along a side of a tile.
pub const OUT: usize = 4;
/// Points along a side, and pixels of the data of a tile.
pub const SIDE: usize = 8;
/// Points of a tile.
pub const POINTS: usize = SIDE * SIDE;

/// A linear map of the numbers of a row or a column.
pub trait Transform<const FROM: usize, const TO: usize> {
    /// # Safety
    /// As for [`Lanes`].
    unsafe fn apply<V: Lanes>(x: [V; FROM]) -> [V; TO];
}

/// Bᵀ: pixels to points.
pub struct Data;
/// G: taps to points.
pub struct Taps;
/// A: the gradients of outputs to points.
pub struct Gradients;
/// Aᵀ: points to outputs.
pub struct Outputs;
/// Gᵀ: points to the gradients of taps.
pub struct TapGradients;

/// The factors of G's rows at 1 and -1, at 2 and -2, at 1/2 and -1/2. That at 0 is -1, that at infinity is 1.
const AT_1: f32 = -2.0 / 9.0;
const AT_2: f32 = 1.0 / 90.0;
const AT_HALF: f32 = 32.0 / 45.0;

/// `a x + y`
#[inline(always)]
unsafe fn plus<V: Lanes>(y: V, a: f32, x: V) -> V {
    // SAFETY: the caller runs inside `V`'s instruction set.
    unsafe { x.mul_add(V::splat(a), y) }
}

impl Transform<SIDE, SIDE> for Data {
    /// A row of Bᵀ holds the coefficients of the polynomial that is zero at all points but its own. Those of a point and
    /// of its negative differ in the sign of the odd ones.
    #[inline(always)]
    unsafe fn apply<V: Lanes>(d: [V; SIDE]) -> [V; SIDE] {
        // SAFETY: the caller runs inside `V`'s instruction set.
        unsafe {
            let zero = plus(d[6].sub(d[0]), 5.25, d[2].sub(d[4]));
            let infinity = plus(d[7].sub(d[1]), 5.25, d[3].sub(d[5]));
            let (even, odd) = (plus(d[2].add(d[6]), -4.25, d[4]), plus(d[1].add(d[5]), -4.25, d[3]));
            let (one, minus_one) = (even.add(odd), even.sub(odd));
            let even = plus(plus(d[6], 0.25, d[2]), -1.25, d[4]);
            let odd = plus(plus(d[1].mul(V::splat(0.5)), -2.5, d[3]), 2.0, d[5]);
            let (two, minus_two) = (even.add(odd), even.sub(odd));
            let even = plus(plus(d[6], 4.0, d[2]), -5.0, d[4]);
            let odd = plus(plus(d[5].mul(V::splat(0.5)), -2.5, d[3]), 2.0, d[1]);
            [zero, one, minus_one, two, minus_two, even.add(odd), even.sub(odd), infinity]
        }
    }
}

impl Transform<5, SIDE> for Taps {
    #[inline(always)]
    unsafe fn apply<V: Lanes>(g: [V; 5]) -> [V; SIDE] {
        // SAFETY: the caller runs inside `V`'s instruction set.
        unsafe {
            let zero = V::zero().sub(g[0]);
            let (even, odd) = (g[0].add(g[2]).add(g[4]), g[1].add(g[3]));
            let factor = V::splat(AT_1);
            let (one, minus_one) = (even.add(odd).mul(factor), even.sub(odd).mul(factor));
            let even = plus(plus(g[0], 4.0, g[2]), 16.0, g[4]);
            let odd = plus(g[1].mul(V::splat(2.0)), 8.0, g[3]);
            let factor = V::splat(AT_2);
            let (two, minus_two) = (even.add(odd).mul(factor), even.sub(odd).mul(factor));
            let even = plus(plus(g[0], 0.25, g[2]), 0.0625, g[4]);
            let odd = plus(g[1].mul(V::splat(0.5)), 0.125, g[3]);
            let factor = V::splat(AT_HALF);
            [zero, one, minus_one, two, minus_two, even.add(odd).mul(factor), even.sub(odd).mul(factor), g[4]]
        }
    }
}

impl Transform<OUT, SIDE> for Gradients {
    #[inline(always)]
    unsafe fn apply<V: Lanes>(y: [V; OUT]) -> [V; SIDE] {
        // SAFETY: the caller runs inside `V`'s instruction set.
        unsafe {
            let (even, odd) = (y[0].add(y[2]), y[1].add(y[3]));
            let (one, minus_one) = (even.add(odd), even.sub(odd));
            let (even, odd) = (plus(y[0], 4.0, y[2]), plus(y[1].mul(V::splat(2.0)), 8.0, y[3]));
            let (two, minus_two) = (even.add(odd), even.sub(odd));
            let (even, odd) = (plus(y[0], 0.25, y[2]), plus(y[1].mul(V::splat(0.5)), 0.125, y[3]));
            [y[0], one, minus_one, two, minus_two, even.add(odd), even.sub(odd), y[3]]
        }
    }
}

impl Transform<SIDE, OUT> for Outputs {
    #[inline(always)]
    unsafe fn apply<V: Lanes>(m: [V; SIDE]) -> [V; OUT] {
        // SAFETY: the caller runs inside `V`'s instruction set.
        unsafe {
            let [sum1, sum2, sum3] = [m[1].add(m[2]), m[3].add(m[4]), m[5].add(m[6])];
            let [difference1, difference2, difference3] = [m[1].sub(m[2]), m[3].sub(m[4]), m[5].sub(m[6])];
            [
                m[0].add(sum1).add(sum2.add(sum3)),
                plus(plus(difference1, 2.0, difference2), 0.5, difference3),
                plus(plus(sum1, 4.0, sum2), 0.25, sum3),
                plus(plus(difference1.add(m[7]), 8.0, difference2), 0.125, difference3),
            ]
        }
    }
}

impl Transform<SIDE, 5> for TapGradients {
    #[inline(always)]
    unsafe fn apply<V: Lanes>(m: [V; SIDE]) -> [V; 5] {
        // SAFETY: the caller runs inside `V`'s instruction set.
        unsafe {
            let factors = [AT_1, AT_2, AT_HALF].map(|factor| V::splat(factor));
            let sum1 = m[1].add(m[2]).mul(factors[0]);
            let sum2 = m[3].add(m[4]).mul(factors[1]);
            let sum3 = m[5].add(m[6]).mul(factors[2]);
            let difference1 = m[1].sub(m[2]).mul(factors[0]);
            let difference2 = m[3].sub(m[4]).mul(factors[1]);
            let difference3 = m[5].sub(m[6]).mul(factors[2]);
            [
                sum1.add(sum2).add(sum3.sub(m[0])),
                plus(plus(difference1, 2.0, difference2), 0.5, difference3),
                plus(plus(sum1, 4.0, sum2), 0.25, sum3),
                plus(plus(difference1, 8.0, difference2), 0.125, difference3),
                plus(plus(sum1.add(m[7]), 16.0, sum2), 0.0625, sum3),
            ]
        }
    }
}

/// A square of vectors in memory, of which some rows and columns may not exist. They count as zeros.
pub struct Square<const SIZE: usize> {
    /// The beginning of each row's column 0; zeros for a row that does not exist.
    pub rows: [*const f32; SIZE],
    /// The first column, which may be negative.
    pub left: isize,
    /// Columns that exist.
    pub width: usize,
}

/// Transforms a square by columns and rows, and stores the vector of each point, `step` floats after the last one.
///
/// # Safety
/// As for [`Lanes`]; each row holds `width` vectors, and there is room for all points.
// The compiler unrolls plain counted loops into registers, but not an iterator.
#[inline(always)]
pub unsafe fn to_points<V: Lanes, T: Transform<SIZE, SIDE>, const SIZE: usize>(
    square: &Square<SIZE>,
    points: *mut f32,
    step: usize,
) {
    // SAFETY: by contract.
    unsafe {
        let mut columns = [[V::zero(); SIDE]; SIZE];
        for c in 0..SIZE {
            let x = square.left + c as isize;
            if 0 <= x && x < square.width as isize {
                let mut column = [V::zero(); SIZE];
                for r in 0..SIZE {
                    column[r] = V::load(square.rows[r].add(x as usize * V::WIDTH));
                }
                columns[c] = T::apply(column);
            }
        }
        for k in 0..SIDE {
            let mut row = [V::zero(); SIZE];
            for c in 0..SIZE {
                row[c] = columns[c][k];
            }
            let row = T::apply(row);
            for c in 0..SIDE {
                row[c].store(points.add((k * SIDE + c) * step));
            }
        }
    }
}

/// The inverse direction: a square from the vectors of its points, row by row.
///
/// # Safety
/// As for [`Lanes`]; all points are there.
#[inline(always)]
pub unsafe fn from_points<V: Lanes, T: Transform<SIDE, SIZE>, const SIZE: usize>(
    points: *const f32,
    step: usize,
) -> [[V; SIZE]; SIZE] {
    // SAFETY: by contract.
    unsafe {
        let mut columns = [[V::zero(); SIZE]; SIDE];
        for c in 0..SIDE {
            let mut column = [V::zero(); SIDE];
            for r in 0..SIDE {
                column[r] = V::load(points.add((r * SIDE + c) * step));
            }
            columns[c] = T::apply(column);
        }
        let mut square = [[V::zero(); SIZE]; SIZE];
        for k in 0..SIZE {
            let mut row = [V::zero(); SIDE];
            for c in 0..SIDE {
                row[c] = columns[c][k];
            }
            square[k] = T::apply(row);
        }
        square
    }
}
