//! A matrix product for the fully connected layer: `out[m][n] = gain * sum over k of a[m][k] * b[k][n]`, with a final
//! operation.
//!
//! A library's product is fastest for large square matrices, and on processors for which it was not tuned it may use
//! half of each register. Here a tile of rows by vectors stays in registers. Every number of `a` is multiplied with the
//! tile's vectors of `b`, which run along `n`, so `a` may have any layout and nothing is ever copied to transpose it.

use super::vector::{Kernel, Lanes};
use std::ops::Range;

/// Rows and vectors of a tile with 32 registers: 24 sums, 4 vectors of `b`, one number of `a`.
const ROWS: usize = 6;
/// With 16 registers: 8 sums.
const FEW_ROWS: usize = 2;
const VECTORS: usize = 4;
/// Terms of a sum between two visits of a tile. That many rows of `b`, of a tile's width, stay in the first-level
/// cache.
const AT_ONCE: usize = 128;

/// What happens to a sum before it is stored.
#[derive(Clone, Copy)]
pub enum FinalOperation<'a> {
    /// Adds a number for each column.
    AddToColumns(&'a [f32]),
    /// Multiplies by a matrix of the same form as `out`.
    Times(&'a [f32]),
}

/// The distances in `a` between two rows, and between two terms of the sum.
#[derive(Clone, Copy)]
pub struct Steps {
    pub row: usize,
    pub term: usize,
}

/// The product as a kernel.
pub struct Product<'a> {
    pub rows: usize,
    pub columns: usize,
    pub terms: usize,
    pub a: &'a [f32],
    pub steps: Steps,
    /// `[terms][columns]`
    pub b: &'a [f32],
    pub gain: f32,
    pub finish: FinalOperation<'a>,
    /// `[rows][columns]`
    pub out: &'a mut [f32],
}

impl Kernel for Product<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Self { rows, columns, terms, a, steps, b, gain, finish, out } = self;
        assert!(rows > 0 && columns > 0 && terms > 0);
        assert!(a.len() > (rows - 1) * steps.row + (terms - 1) * steps.term);
        assert_eq!(b.len(), terms * columns);
        assert_eq!(out.len(), rows * columns);
        let asked = match finish {
            FinalOperation::AddToColumns(each) => each.len() == columns,
            FinalOperation::Times(each) => each.len() == rows * columns,
        };
        assert!(asked, "the last touch has other sizes than the product");
        let operands =
            Operands { columns, terms, a: a.as_ptr(), steps, b: b.as_ptr(), gain, finish, out: out.as_mut_ptr() };
        let most = VECTORS.min(columns / V::WIDTH);
        let mut done = 0;
        while done < columns {
            let vectors = (columns - done).div_ceil(V::WIDTH).min(most);
            // Columns that do not fill the last vector: the strip ends with them, and computes some columns twice.
            let column = done.min(columns.saturating_sub(vectors * V::WIDTH));
            // SAFETY: the asserted lengths hold every row, column and term, and each strip ends within them.
            unsafe {
                match vectors {
                    4 => operands.strip::<V, 4>(rows, column),
                    3 => operands.strip::<V, 3>(rows, column),
                    2 => operands.strip::<V, 2>(rows, column),
                    1 => operands.strip::<V, 1>(rows, column),
                    _ => operands.narrow(rows),
                }
            }
            done = if vectors == 0 { columns } else { column + vectors * V::WIDTH };
        }
    }
}

struct Operands<'a> {
    columns: usize,
    terms: usize,
    a: *const f32,
    steps: Steps,
    b: *const f32,
    gain: f32,
    finish: FinalOperation<'a>,
    out: *mut f32,
}

impl Operands<'_> {
    /// All rows of `N` vectors of columns, beginning at `column`.
    #[inline(always)]
    unsafe fn strip<V: Lanes, const N: usize>(&self, rows: usize, column: usize) {
        let mut from = 0;
        while from < self.terms {
            let to = (from + AT_ONCE).min(self.terms);
            let mut row = 0;
            while row < rows {
                // SAFETY: as in `run`; a tile of `R` rows ends at `rows`.
                unsafe {
                    row += if V::MANY_REGISTERS && rows - row >= ROWS {
                        self.tile::<V, ROWS, N>(row, column, from, to)
                    } else if rows - row >= FEW_ROWS {
                        self.tile::<V, FEW_ROWS, N>(row, column, from, to)
                    } else {
                        self.tile::<V, 1, N>(row, column, from, to)
                    };
                }
            }
            from = to;
        }
    }

    /// Terms `from..to` of a tile of `R` rows and `N` vectors. Returns `R`.
    // The compiler unrolls plain counted loops into registers, but not an iterator.
    #[inline(always)]
    unsafe fn tile<V: Lanes, const R: usize, const N: usize>(
        &self,
        row: usize,
        column: usize,
        from: usize,
        to: usize,
    ) -> usize {
        // SAFETY: as in `strip`.
        unsafe {
            let out = self.out.add(row * self.columns + column);
            let mut sums = [[V::zero(); N]; R];
            if from > 0 {
                for r in 0..R {
                    for n in 0..N {
                        sums[r][n] = V::load(out.add(r * self.columns + n * V::WIDTH));
                    }
                }
            }
            let mut a = self.a.add(row * self.steps.row + from * self.steps.term);
            let mut b = self.b.add(from * self.columns + column);
            for _ in from..to {
                let mut beside = [V::zero(); N];
                for n in 0..N {
                    beside[n] = V::load(b.add(n * V::WIDTH));
                }
                for r in 0..R {
                    let number = V::splat(*a.add(r * self.steps.row));
                    for n in 0..N {
                        sums[r][n] = beside[n].mul_add(number, sums[r][n]);
                    }
                }
                // Beyond the last term these are not used.
                a = a.wrapping_add(self.steps.term);
                b = b.wrapping_add(self.columns);
            }
            for r in 0..R {
                for n in 0..N {
                    sums[r][n].store(out.add(r * self.columns + n * V::WIDTH));
                }
            }
            if to == self.terms {
                self.finish::<V>(row..row + R, column..column + N * V::WIDTH);
            }
        }
        R
    }

    /// Applies gain and final operation to a tile. A function by itself, so that the loop before keeps its sums in
    /// registers.
    #[inline(always)]
    unsafe fn finish<V: Lanes>(&self, rows: Range<usize>, columns: Range<usize>) {
        for row in rows {
            for column in columns.clone().step_by(V::WIDTH) {
                // SAFETY: `run` has compared the sizes.
                unsafe {
                    let at = row * self.columns + column;
                    let out = self.out.add(at);
                    let (sum, gain) = (V::load(out), V::splat(self.gain));
                    let done = match self.finish {
                        FinalOperation::AddToColumns(each) => sum.mul_add(gain, V::load(each.as_ptr().add(column))),
                        FinalOperation::Times(each) => sum.mul(gain).mul(V::load(each.as_ptr().add(at))),
                    };
                    done.store(out);
                }
            }
        }
    }

    /// Fewer columns than a vector has lanes.
    #[inline(always)]
    unsafe fn narrow(&self, rows: usize) {
        for row in 0..rows {
            for column in 0..self.columns {
                // SAFETY: as in `run`.
                unsafe {
                    let mut sum = 0.0;
                    for term in 0..self.terms {
                        let number = *self.a.add(row * self.steps.row + term * self.steps.term);
                        sum += number * *self.b.add(term * self.columns + column);
                    }
                    let at = row * self.columns + column;
                    *self.out.add(at) = match self.finish {
                        FinalOperation::AddToColumns(each) => self.gain * sum + each[column],
                        FinalOperation::Times(each) => self.gain * sum * each[at],
                    };
                }
            }
        }
    }
}
