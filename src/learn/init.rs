//! Rules that draw initial weights, all from our own generator.

use super::random::Random;
use protocol::Init;

/// What a rule may ask of a layer besides its size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fans {
    /// The inputs of a unit.
    pub inputs: f64,
    /// The units that an input goes to.
    pub outputs: f64,
    pub kind: WeightKind,
}

/// The kind of a layer with weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightKind {
    FirstConvolution,
    Convolution,
    Dense,
}

impl WeightKind {
    /// Of the layers conv1 to fc2 in cuda-convnet's `layers-80sec.cfg`: 0.0001, 0.01, 0.01, 0.1, 0.1.
    fn cuda_convnet_deviation(self) -> f64 {
        match self {
            Self::FirstConvolution => 1e-4,
            Self::Convolution => 0.01,
            Self::Dense => 0.1,
        }
    }
}

/// The weights of a layer, row-major: `units` rows with one weight for each of `inputs`.
pub fn draw(init: Init, random: &mut Random, [units, inputs]: [usize; 2], fans: Fans) -> Vec<f32> {
    let count = units * inputs;
    let Fans { inputs: fan_in, outputs: fan_out, kind } = fans;
    match init {
        Init::Xavier => uniform(random, (6.0 / (fan_in + fan_out)).sqrt(), count),
        Init::Standard => uniform(random, fan_in.recip().sqrt(), count),
        Init::He => normal(random, (2.0 / fan_in).sqrt(), count),
        Init::Lecun => normal(random, fan_in.recip().sqrt(), count),
        Init::Normal(deviation) => normal(random, deviation.value(), count),
        Init::Orthogonal => orthogonal(random, units, inputs),
        Init::CudaConvnet => normal(random, kind.cuda_convnet_deviation(), count),
    }
}

fn uniform(random: &mut Random, bound: f64, count: usize) -> Vec<f32> {
    let bound = bound as f32;
    (0..count).map(|_| random.between(-bound, bound)).collect()
}

fn normal(random: &mut Random, deviation: f64, count: usize) -> Vec<f32> {
    (0..count).map(|_| random.normal() * deviation as f32).collect()
}

/// Q of a normal matrix whose R has a positive diagonal, which is uniform among all orthogonal matrices (Mezzadri
/// 2007). Computed here in float64 and not by LAPACK, whose last bits depend on its threads.
fn orthogonal(random: &mut Random, units: usize, inputs: usize) -> Vec<f32> {
    let (long, short) = (units.max(inputs), units.min(inputs));
    let drawn = normal(random, 1.0, units * inputs);
    // Drawn as (long, short), row-major; stored by columns.
    let mut columns: Vec<Vec<f64>> =
        (0..short).map(|column| (0..long).map(|row| f64::from(drawn[row * short + column])).collect()).collect();
    for at in 0..short {
        let (done, rest) = columns.split_at_mut(at);
        let column = &mut rest[0];
        // Gram-Schmidt, twice, because the second pass removes rounding errors (Giraud et al. 2005: twice is enough).
        for _ in 0..2 {
            for other in &*done {
                let along = dot(column, other);
                column.iter_mut().zip(other).for_each(|(value, other)| *value -= along * other);
            }
        }
        let length = dot(column, column).sqrt();
        for value in column {
            *value /= length;
        }
    }
    let mut weights = Vec::with_capacity(units * inputs);
    if units >= inputs {
        for row in 0..long {
            weights.extend(columns.iter().map(|column| column[row] as f32));
        }
    } else {
        weights.extend(columns.iter().flatten().map(|&value| value as f32));
    }
    weights
}

/// In eight partial sums, which a processor can add side by side, in a fixed order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a, b) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.0.iter().zip(b.0) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + a.1.iter().zip(b.1).map(|(a, b)| a * b).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;
    use protocol::Parameter;

    fn draw(init: Init, units: usize, inputs: usize) -> Vec<f32> {
        let mut random = Random::new(1, Purpose::InitialWeights);
        let fans = Fans { inputs: inputs as f64, outputs: units as f64, kind: WeightKind::Dense };
        super::draw(init, &mut random, [units, inputs], fans)
    }

    /// Mean and variance of 300 x 100 weights differ from the formula by at most four standard errors.
    #[test]
    fn each_rule_has_its_variance() {
        let (n, m) = (100.0, 300.0);
        // A uniform variable in +-b has the variance b^2/3; its kurtosis of 1.8 makes the estimate more precise.
        let rules = [
            (Init::Xavier, 2.0 / (n + m), 0.8),
            (Init::Standard, 1.0 / (3.0 * n), 0.8),
            (Init::He, 2.0 / n, 2.0),
            (Init::Lecun, 1.0 / n, 2.0),
            (Init::Normal(Parameter::new(0.03)), 0.03 * 0.03, 2.0),
            (Init::CudaConvnet, 0.01, 2.0),
        ];
        for (init, expected, excess) in rules {
            let weights: Vec<f64> = draw(init, 300, 100).into_iter().map(f64::from).collect();
            let count = weights.len() as f64;
            let mean = weights.iter().sum::<f64>() / count;
            let variance = weights.iter().map(|w| w * w).sum::<f64>() / count;
            assert!(mean.abs() < 4.0 * (expected / count).sqrt(), "{init:?}: {mean}");
            let error = (variance / expected - 1.0).abs();
            assert!(error < 4.0 * (excess / count).sqrt(), "{init:?}: {variance}, {expected}");
        }
    }

    #[test]
    fn uniform_weights_fill_their_bound_and_stay_inside() {
        for (init, bound) in [(Init::Xavier, (6.0_f32 / 200.0).sqrt()), (Init::Standard, 0.1)] {
            let largest = draw(init, 100, 100).iter().fold(0.0_f32, |m, w| m.max(w.abs()));
            assert!(largest <= bound && largest > 0.99 * bound, "{init:?}: {largest}");
        }
    }

    /// Rows of a wide matrix, or columns of a tall one, have length 1 and are orthogonal.
    #[test]
    fn orthogonal_weights_are_orthonormal() {
        for (units, inputs) in [(20, 50), (50, 20), (30, 30), (1, 7), (64, 9)] {
            let weights = draw(Init::Orthogonal, units, inputs);
            let vector = |at: usize| -> Vec<f64> {
                let pick = |other: usize| if units <= inputs { at * inputs + other } else { other * inputs + at };
                (0..units.max(inputs)).map(|other| f64::from(weights[pick(other)])).collect()
            };
            for a in 0..units.min(inputs) {
                for b in 0..=a {
                    let expected = f64::from(u8::from(a == b));
                    assert!((dot(&vector(a), &vector(b)) - expected).abs() < 1e-6, "{units} x {inputs}: {a}, {b}");
                }
            }
        }
    }
}
