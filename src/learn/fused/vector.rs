//! Vectors of floats, one form for each instruction set, so that every kernel is written once.
//!
//! A kernel is a [`Kernel`]: its body is generic over [`Lanes`] and always inlined, into one wrapper an instruction set.
//! Only the wrapper carries `#[target_feature]`, and [`InstructionSet::run`] enters it only where the processor has it.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;

#[cfg(target_arch = "x86_64")]
use {avx2::Avx2, avx512::Avx512};

/// A vector of as many floats as one register holds, each of another image.
///
/// # Safety
/// The methods may be called only if the processor has the instruction set; [`InstructionSet::run`] ensures that.
/// Pointers must be valid for [`Lanes::WIDTH`] floats (or as many as the method says); they need no alignment.
#[allow(clippy::missing_safety_doc, clippy::return_self_not_must_use)] // For each method the same, as said here.
pub unsafe trait Lanes: Copy {
    /// One boolean for each lane.
    type Mask: Copy;
    /// Some lanes of a vector.
    type Part: Copy;
    /// A number from 0 to 3 for each lane, as wide as a float.
    type Choice: Copy;
    /// Floats in a vector; at most 16, so that a mask fits the bits of a [`Winner`](super::shape::Winner).
    const WIDTH: usize;
    /// Whether there are 32 registers for sums; otherwise there are 16.
    const MANY_REGISTERS: bool;

    unsafe fn zero() -> Self;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    /// `self * factor + sum`, rounded once where the instruction set can.
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self;
    /// Where `self` replaces `best` as the maximum: it is greater, or NaN.
    unsafe fn beats(self, best: Self) -> Self::Mask;
    /// `yes` where the mask is true, `self` elsewhere.
    unsafe fn replace(self, mask: Self::Mask, yes: Self) -> Self;
    /// The lanes of `self` where the mask is true (whatever `self` is elsewhere, NaN included).
    unsafe fn part(self, mask: Self::Mask) -> Self::Part;
    /// [`Lanes::mul_add`] with the lanes of the factor that the mask has. The others of `sum` stay, or get `0 * self`
    /// added.
    unsafe fn mul_add_part(self, factor: Self::Part, sum: Self) -> Self;
    /// Lane `i` is bit `i`.
    unsafe fn mask(bits: u16) -> Self::Mask;
    unsafe fn bits(mask: Self::Mask) -> u16;
    /// `2 * row + column`.
    unsafe fn choice(row: Self::Mask, column: Self::Mask) -> Self::Choice;
    /// For each lane the entry that `choice` selects, in the table `Q` of four tables of four floats each.
    unsafe fn pick<const Q: usize>(tables: *const f32, choice: Self::Choice) -> Self;
}

/// Work written once for every instruction set.
pub trait Kernel {
    /// Must be `#[inline(always)]`: vector operations become single instructions only inside the wrapper.
    ///
    /// # Safety
    /// The processor must have `V`'s instruction set.
    unsafe fn run<V: Lanes>(self);
}

/// The vector instructions that a block runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstructionSet {
    /// 16 images a vector.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 8 images a vector, with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 4 images a vector.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// 4 images in an array of floats; works everywhere.
    Plain,
}

impl InstructionSet {
    /// The instruction sets of this processor, the widest first.
    pub fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                found.push(Self::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Self::Avx2);
            }
        }
        // Every 64-bit Arm processor has NEON.
        #[cfg(target_arch = "aarch64")]
        found.push(Self::Neon);
        found.push(Self::Plain);
        found
    }

    /// The widest instruction set of this processor.
    pub fn best() -> Self {
        Self::available()[0]
    }

    /// The number of images in a vector.
    pub fn width(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Avx512::WIDTH,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Avx2::WIDTH,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => neon::Neon::WIDTH,
            Self::Plain => plain::Plain::WIDTH,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "AVX2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "NEON",
            Self::Plain => "plain",
        }
    }

    /// Runs the kernel with this instruction set.
    ///
    /// # Panics
    /// If the processor does not have it.
    pub fn run<K: Kernel>(self, kernel: K) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                assert!(is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq"));
                // SAFETY: just detected.
                unsafe { with_avx512(kernel) }
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                assert!(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"));
                // SAFETY: just detected.
                unsafe { with_avx2(kernel) }
            }
            // SAFETY: every 64-bit Arm processor has NEON.
            #[cfg(target_arch = "aarch64")]
            Self::Neon => unsafe { kernel.run::<neon::Neon>() },
            // SAFETY: this form needs no instruction set.
            Self::Plain => unsafe { kernel.run::<plain::Plain>() },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn with_avx512<K: Kernel>(kernel: K) {
    // SAFETY: the caller has found the features.
    unsafe { kernel.run::<Avx512>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn with_avx2<K: Kernel>(kernel: K) {
    // SAFETY: the caller has found the features.
    unsafe { kernel.run::<Avx2>() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every operation against its definition, lane by lane, with NaN among the numbers.
    struct Check;

    impl Kernel for Check {
        #[inline(always)]
        unsafe fn run<V: Lanes>(self) {
            let a: [f32; 16] = std::array::from_fn(|i| if i % 5 == 2 { f32::NAN } else { i as f32 * 1.25 - 3.0 });
            let b: [f32; 16] = std::array::from_fn(|i| if i % 7 == 3 { f32::NAN } else { 2.0 - i as f32 });
            let tables: [f32; 16] = std::array::from_fn(|i| i as f32 * 10.0);
            let (rows, columns) = (0b0110_1001_1100_0101_u16, 0b1010_0011_0110_1001_u16);
            let mut got = [[0.0f32; 16]; 7];
            // SAFETY: every array holds 16 floats, as many as the widest vector.
            let beats = unsafe {
                let (x, y) = (V::load(a.as_ptr()), V::load(b.as_ptr()));
                let (row, column) = (V::mask(rows), V::mask(columns));
                let one = V::splat(1.0);
                V::mul_add(x, y, V::splat(0.5)).store(got[0].as_mut_ptr());
                x.replace(row, y).store(got[1].as_mut_ptr());
                one.mul_add_part(x.part(column), V::zero()).store(got[2].as_mut_ptr());
                V::pick::<2>(tables.as_ptr(), V::choice(row, column)).store(got[3].as_mut_ptr());
                x.add(y).store(got[4].as_mut_ptr());
                x.mul(y).store(got[5].as_mut_ptr());
                x.sub(y).store(got[6].as_mut_ptr());
                V::bits(x.beats(y))
            };
            let same = |one: f32, other: f32| assert_eq!(one.to_bits(), other.to_bits());
            for i in 0..V::WIDTH {
                let (row, column) = (rows >> i & 1 == 1, columns >> i & 1 == 1);
                assert!(got[0][i].is_nan() && (a[i] * b[i]).is_nan() || (got[0][i] - (a[i] * b[i] + 0.5)).abs() < 1e-4);
                same(got[1][i], if row { b[i] } else { a[i] });
                same(got[2][i], if column { a[i] } else { 0.0 });
                same(got[3][i], tables[8 + 2 * usize::from(row) + usize::from(column)]);
                assert!((a[i] + b[i]).is_nan() == got[4][i].is_nan());
                assert!(got[6][i].is_nan() && (a[i] - b[i]).is_nan() || got[6][i].to_bits() == (a[i] - b[i]).to_bits());
                assert!(got[5][i].is_nan() && (a[i] * b[i]).is_nan() || got[5][i].to_bits() == (a[i] * b[i]).to_bits());
                assert_eq!(beats >> i & 1 == 1, a[i] > b[i] || a[i].is_nan(), "lane {i}");
            }
            assert_eq!(u32::from(beats) >> V::WIDTH, 0, "no bits beyond the lanes");
        }
    }

    #[test]
    fn every_operation_does_what_it_says() {
        for set in InstructionSet::available() {
            set.run(Check);
        }
    }
}
