//! AVX-512: 16 lanes, 32 registers, masks in registers of their own.

use super::Lanes;
#[allow(clippy::wildcard_imports)]
use std::arch::x86_64::*;

#[derive(Clone, Copy)]
pub struct Avx512(__m512);

// SAFETY: each method is the instruction that its name says, and reads or writes the 16 floats of its contract.
unsafe impl Lanes for Avx512 {
    type Mask = __mmask16;
    /// All lanes, and which of them count; a mask costs an instruction nothing.
    type Part = (__m512, __mmask16);
    type Choice = __m512i;
    const WIDTH: usize = 16;
    const MANY_REGISTERS: bool = true;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self(unsafe { _mm512_setzero_ps() })
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, sum.0) })
    }

    /// "Not less or equal" would need one comparison less, but a number could replace a NaN that is already the
    /// maximum.
    #[inline(always)]
    unsafe fn beats(self, best: Self) -> Self::Mask {
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, best.0) | _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(self.0, self.0) }
    }

    #[inline(always)]
    unsafe fn replace(self, mask: Self::Mask, yes: Self) -> Self {
        Self(unsafe { _mm512_mask_blend_ps(mask, self.0, yes.0) })
    }

    #[inline(always)]
    unsafe fn part(self, mask: Self::Mask) -> Self::Part {
        (self.0, mask)
    }

    #[inline(always)]
    unsafe fn mul_add_part(self, (factor, mask): Self::Part, sum: Self) -> Self {
        Self(unsafe { _mm512_mask3_fmadd_ps(self.0, factor, sum.0, mask) })
    }

    #[inline(always)]
    unsafe fn mask(bits: u16) -> Self::Mask {
        bits
    }

    #[inline(always)]
    unsafe fn bits(mask: Self::Mask) -> u16 {
        mask
    }

    #[inline(always)]
    unsafe fn choice(row: Self::Mask, column: Self::Mask) -> Self::Choice {
        unsafe {
            let ones = _mm512_maskz_set1_epi32(column, 1);
            _mm512_mask_add_epi32(ones, row, ones, _mm512_set1_epi32(2))
        }
    }

    /// A choice selects one of the register's first four floats; the others are unused.
    #[inline(always)]
    unsafe fn pick<const Q: usize>(tables: *const f32, choice: Self::Choice) -> Self {
        unsafe {
            let four = _mm512_castps128_ps512(_mm_loadu_ps(tables.add(4 * Q)));
            Self(_mm512_permutexvar_ps(choice, four))
        }
    }
}
