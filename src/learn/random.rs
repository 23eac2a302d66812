//! All randomness of training: our own generator, derived anew for every purpose.
//!
//! No state is ever saved: seed and epoch determine the shuffle. All arms of a run draw the same initial weights and
//! the same batch order from a seed, so that they differ in their settings alone (a paired comparison).

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What numbers are drawn for; each purpose has its own stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    InitialWeights,
    /// Of this epoch, counted from 1.
    Shuffle {
        epoch: u32,
    },
    /// Noise of an experiment in this epoch.
    Noise {
        epoch: u32,
    },
    /// Dropout in one batch of this epoch, counted from 0, so that training can be resumed in the middle of an epoch.
    BatchNoise {
        epoch: u32,
        batch: u32,
    },
    /// What is done to the images of one batch. Apart from dropout, so that arms with and without it see the same.
    Augmentation {
        epoch: u32,
        batch: u32,
    },
    /// An experiment's own draws, with a number of its choice.
    Experiment {
        number: u32,
    },
}

/// A seeded generator, the same on every platform.
pub struct Random(ChaCha8Rng);

impl Random {
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        let stream = |tag: u64, number: u32| tag << 32 | u64::from(number);
        let stream = match purpose {
            Purpose::InitialWeights => stream(0, 0),
            Purpose::Shuffle { epoch } => stream(1, epoch),
            Purpose::Noise { epoch } => stream(2, epoch),
            Purpose::Experiment { number } => stream(3, number),
            // The two highest bits are used by no other purpose, and no epoch has so high a number.
            Purpose::BatchNoise { epoch, batch } => 1 << 63 | stream(epoch.into(), batch),
            Purpose::Augmentation { epoch, batch } => 1 << 62 | stream(epoch.into(), batch),
        };
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Self(generator)
    }

    /// In [0, 1), with 24 random bits: every value is exact in float32.
    pub fn uniform(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1_u32 << 24) as f32
    }

    /// In [low, high).
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.uniform()
    }

    /// A standard normal number (Box and Muller 1958).
    pub fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - f64::from(self.uniform())).ln()).sqrt();
        (radius * (std::f64::consts::TAU * f64::from(self.uniform())).cos()) as f32
    }

    /// In 0..bound, without bias (Lemire 2019, the multiply-and-reject form).
    pub fn below(&mut self, bound: u32) -> u32 {
        let threshold = bound.wrapping_neg() % bound.max(1);
        loop {
            let product = u64::from(self.0.next_u32()) * u64::from(bound);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// 0..count in random order (Fisher-Yates).
    pub fn permutation(&mut self, count: u32) -> Vec<i64> {
        let mut order: Vec<i64> = (0..i64::from(count)).collect();
        for last in (1..count).rev() {
            order.swap(last as usize, self.below(last + 1) as usize);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |seed, purpose| {
            let mut random = Random::new(seed, purpose);
            (0..4).map(|_| random.uniform()).collect::<Vec<_>>()
        };
        let shuffle = |epoch| Purpose::Shuffle { epoch };
        assert_eq!(draw(1, shuffle(2)), draw(1, shuffle(2)));
        assert_ne!(draw(1, shuffle(2)), draw(1, shuffle(3)));
        assert_ne!(draw(1, shuffle(2)), draw(2, shuffle(2)));
        assert_ne!(draw(1, shuffle(2)), draw(1, Purpose::Noise { epoch: 2 }));
        let of_batch = |epoch, batch| draw(1, Purpose::BatchNoise { epoch, batch });
        assert_ne!(of_batch(1, 2), of_batch(2, 1));
        assert_ne!(of_batch(2, 1), draw(1, Purpose::Noise { epoch: 1 }));
        assert_ne!(of_batch(2, 1), draw(1, Purpose::Augmentation { epoch: 2, batch: 1 }));
    }

    #[test]
    fn a_permutation_holds_each_once() {
        let mut order = Random::new(3, Purpose::Shuffle { epoch: 1 }).permutation(1000);
        assert_ne!(order[..5], [0, 1, 2, 3, 4]);
        order.sort_unstable();
        assert!(order.into_iter().eq(0..1000));
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let mut random = Random::new(5, Purpose::Experiment { number: 0 });
        let draws: Vec<f64> = (0..20_000).map(|_| f64::from(random.normal())).collect();
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        let variance = draws.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / 20_000.0;
        // Four standard errors of each.
        assert!(mean.abs() < 0.0283 && (variance - 1.0).abs() < 0.04, "{mean} {variance}");
    }
}
