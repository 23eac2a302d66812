//! NEON: 4 lanes, 32 registers, masks as vectors of all ones and all zeros.

use super::Lanes;
#[allow(clippy::wildcard_imports)]
use std::arch::aarch64::*;

#[derive(Clone, Copy)]
pub struct Neon(float32x4_t);

/// Bit `i` for lane `i`.
const OWN: [u32; 4] = [1, 2, 4, 8];

// SAFETY: each method is the instruction that its name says, and reads or writes the 4 floats of its contract.
unsafe impl Lanes for Neon {
    type Mask = uint32x4_t;
    /// The index into the table for each byte of the result; an entry is four bytes.
    /// The other lanes are zero.
    type Part = Self;
    type Choice = uint8x16_t;
    const WIDTH: usize = 4;
    const MANY_REGISTERS: bool = true;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self(unsafe { vdupq_n_f32(0.0) })
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self(unsafe { vdupq_n_f32(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { vld1q_f32(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { vst1q_f32(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(unsafe { vaddq_f32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Self(unsafe { vsubq_f32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        Self(unsafe { vmulq_f32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        Self(unsafe { vfmaq_f32(sum.0, self.0, factor.0) })
    }

    #[inline(always)]
    unsafe fn beats(self, best: Self) -> Self::Mask {
        unsafe { vorrq_u32(vcgtq_f32(self.0, best.0), vmvnq_u32(vceqq_f32(self.0, self.0))) }
    }

    #[inline(always)]
    unsafe fn replace(self, mask: Self::Mask, yes: Self) -> Self {
        Self(unsafe { vbslq_f32(mask, yes.0, self.0) })
    }

    #[inline(always)]
    unsafe fn part(self, mask: Self::Mask) -> Self::Part {
        Self(unsafe { vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(self.0), mask)) })
    }

    #[inline(always)]
    unsafe fn mul_add_part(self, factor: Self::Part, sum: Self) -> Self {
        unsafe { self.mul_add(factor, sum) }
    }

    #[inline(always)]
    unsafe fn mask(bits: u16) -> Self::Mask {
        unsafe { vtstq_u32(vdupq_n_u32(u32::from(bits)), vld1q_u32(OWN.as_ptr())) }
    }

    #[inline(always)]
    unsafe fn bits(mask: Self::Mask) -> u16 {
        unsafe { vaddvq_u32(vandq_u32(mask, vld1q_u32(OWN.as_ptr()))) as u16 }
    }

    #[inline(always)]
    unsafe fn choice(row: Self::Mask, column: Self::Mask) -> Self::Choice {
        unsafe {
            let entry = vorrq_u32(vandq_u32(row, vdupq_n_u32(2)), vandq_u32(column, vdupq_n_u32(1)));
            // Entry e is bytes 4e to 4e+3: 0x04040404 e + 0x03020100.
            vreinterpretq_u8_u32(vmlaq_u32(vdupq_n_u32(0x0302_0100), entry, vdupq_n_u32(0x0404_0404)))
        }
    }

    #[inline(always)]
    unsafe fn pick<const Q: usize>(tables: *const f32, choice: Self::Choice) -> Self {
        unsafe { Self(vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(vld1q_f32(tables.add(4 * Q))), choice))) }
    }
}
