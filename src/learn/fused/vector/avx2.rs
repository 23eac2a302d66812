//! AVX2 with fused multiply-add: 8 lanes, 16 registers, masks as vectors of all ones and all zeros.

use super::Lanes;
#[allow(clippy::wildcard_imports)]
use std::arch::x86_64::*;

#[derive(Clone, Copy)]
pub struct Avx2(__m256);

// SAFETY: each method is the instruction that its name says, and reads or writes the 8 floats of its contract.
unsafe impl Lanes for Avx2 {
    type Mask = __m256;
    /// The other lanes are zero.
    type Part = Self;
    type Choice = __m256i;
    const WIDTH: usize = 8;
    const MANY_REGISTERS: bool = false;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self(unsafe { _mm256_setzero_ps() })
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Self(unsafe { _mm256_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        Self(unsafe { _mm256_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, sum.0) })
    }

    #[inline(always)]
    unsafe fn beats(self, best: Self) -> Self::Mask {
        unsafe {
            _mm256_or_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(self.0, best.0), _mm256_cmp_ps::<_CMP_UNORD_Q>(self.0, self.0))
        }
    }

    #[inline(always)]
    unsafe fn replace(self, mask: Self::Mask, yes: Self) -> Self {
        Self(unsafe { _mm256_blendv_ps(self.0, yes.0, mask) })
    }

    #[inline(always)]
    unsafe fn part(self, mask: Self::Mask) -> Self::Part {
        Self(unsafe { _mm256_and_ps(self.0, mask) })
    }

    #[inline(always)]
    unsafe fn mul_add_part(self, factor: Self::Part, sum: Self) -> Self {
        unsafe { self.mul_add(factor, sum) }
    }

    /// Each lane tests its own bit.
    #[inline(always)]
    unsafe fn mask(bits: u16) -> Self::Mask {
        unsafe {
            let own = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let seen = _mm256_and_si256(_mm256_set1_epi32(i32::from(bits)), own);
            _mm256_castsi256_ps(_mm256_cmpeq_epi32(seen, own))
        }
    }

    #[inline(always)]
    unsafe fn bits(mask: Self::Mask) -> u16 {
        unsafe { _mm256_movemask_ps(mask) as u16 }
    }

    #[inline(always)]
    unsafe fn choice(row: Self::Mask, column: Self::Mask) -> Self::Choice {
        unsafe {
            let two = _mm256_and_si256(_mm256_castps_si256(row), _mm256_set1_epi32(2));
            let one = _mm256_and_si256(_mm256_castps_si256(column), _mm256_set1_epi32(1));
            _mm256_or_si256(two, one)
        }
    }

    /// Permutes within each half of the register; both halves hold the same four floats.
    #[inline(always)]
    unsafe fn pick<const Q: usize>(tables: *const f32, choice: Self::Choice) -> Self {
        unsafe {
            let four = _mm_loadu_ps(tables.add(4 * Q));
            Self(_mm256_permutevar_ps(_mm256_set_m128(four, four), choice))
        }
    }
}
