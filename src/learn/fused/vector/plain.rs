//! Ordinary floats, four at a time, for processors without any of the other instruction sets. The simplest form to
//! read.

use super::Lanes;

#[derive(Clone, Copy)]
pub struct Plain([f32; 4]);

/// The same for each lane.
#[inline(always)]
fn each(value: impl Fn(usize) -> f32) -> Plain {
    Plain([value(0), value(1), value(2), value(3)])
}

// SAFETY: no instruction set is needed; pointers are read and written for the 4 floats of the contract.
unsafe impl Lanes for Plain {
    type Mask = [bool; 4];
    /// The other lanes are zero.
    type Part = Self;
    type Choice = [u32; 4];
    const WIDTH: usize = 4;
    const MANY_REGISTERS: bool = false;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; 4])
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { to.cast::<[f32; 4]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        each(|i| self.0[i] + other.0[i])
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        each(|i| self.0[i] - other.0[i])
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        each(|i| self.0[i] * other.0[i])
    }

    /// Rounded twice: without the instruction, rounding once is a slow call.
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        each(|i| self.0[i] * factor.0[i] + sum.0[i])
    }

    #[inline(always)]
    unsafe fn beats(self, best: Self) -> Self::Mask {
        let beats = |i: usize| self.0[i] > best.0[i] || self.0[i].is_nan();
        [beats(0), beats(1), beats(2), beats(3)]
    }

    #[inline(always)]
    unsafe fn replace(self, mask: Self::Mask, yes: Self) -> Self {
        each(|i| if mask[i] { yes.0[i] } else { self.0[i] })
    }

    #[inline(always)]
    unsafe fn part(self, mask: Self::Mask) -> Self::Part {
        each(|i| if mask[i] { self.0[i] } else { 0.0 })
    }

    #[inline(always)]
    unsafe fn mul_add_part(self, factor: Self::Part, sum: Self) -> Self {
        unsafe { self.mul_add(factor, sum) }
    }

    #[inline(always)]
    unsafe fn mask(bits: u16) -> Self::Mask {
        [bits & 1 != 0, bits & 2 != 0, bits & 4 != 0, bits & 8 != 0]
    }

    #[inline(always)]
    unsafe fn bits(mask: Self::Mask) -> u16 {
        u16::from(mask[0]) | u16::from(mask[1]) << 1 | u16::from(mask[2]) << 2 | u16::from(mask[3]) << 3
    }

    #[inline(always)]
    unsafe fn choice(row: Self::Mask, column: Self::Mask) -> Self::Choice {
        let entry = |i: usize| 2 * u32::from(row[i]) + u32::from(column[i]);
        [entry(0), entry(1), entry(2), entry(3)]
    }

    #[inline(always)]
    unsafe fn pick<const Q: usize>(tables: *const f32, choice: Self::Choice) -> Self {
        let table = unsafe { tables.add(4 * Q).cast::<[f32; 4]>().read_unaligned() };
        each(|i| table[choice[i] as usize & 3])
    }
}
