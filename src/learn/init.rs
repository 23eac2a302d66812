//! Initial weights, as the Theano LeNet tutorial draws them (deeplearning.net).

use super::random::Random;

/// Uniform in +-sqrt(6 / (`fan_in` + `fan_out`)) (Glorot and Bengio 2010, "normalised" initialisation).
pub fn glorot_uniform(random: &mut Random, fan_in: f64, fan_out: f64, count: usize) -> Vec<f32> {
    let bound = (6.0 / (fan_in + fan_out)).sqrt() as f32;
    (0..count).map(|_| random.between(-bound, bound)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;

    #[test]
    fn weights_fill_the_bound_and_stay_inside() {
        let weights = glorot_uniform(&mut Random::new(1, Purpose::InitialWeights), 25.0, 25.0, 10_000);
        let bound = (6.0_f32 / 50.0).sqrt();
        let largest = weights.iter().fold(0.0_f32, |m, w| m.max(w.abs()));
        assert!(largest <= bound && largest > 0.99 * bound);
        // Variance of a uniform variable: bound^2 / 3 = 2 / (fan_in + fan_out).
        let variance = weights.iter().map(|w| f64::from(w * w)).sum::<f64>() / 10_000.0;
        assert!((variance - 0.04).abs() < 0.002, "{variance}");
    }
}
