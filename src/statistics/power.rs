//! How many pairs a paired t test needs: the smallest number at which it has a power of 80 %.
//!
//! Power is the probability that the two-sided test at 5 % finds a difference that is really there. t then follows the
//! noncentral t distribution with noncentrality (mean / deviation) sqrt(n), so that its power is known exactly (J. Cohen,
//! "Statistical Power Analysis for the Behavioral Sciences", 2nd edition, 1988, chapter 2). The real mean and deviation
//! are not known: those measured so far stand for them, so that the number is an estimate, rough with few pairs.

use statrs::distribution::{Continuous, ContinuousCDF, Gamma, Normal, StudentsT};

/// Of the test.
pub const LEVEL: f64 = 0.05;
pub const POWER: f64 = 0.8;
/// More pairs than this are not counted.
pub const MOST_PAIRS: usize = 1000;

/// Steps of Simpson's rule over the deviation's distribution.
const STEPS: usize = 400;

/// |t| beyond which the test at 5 % finds a difference.
pub(super) fn critical_t(freedom: f64) -> Option<f64> {
    Some(StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(1.0 - LEVEL / 2.0))
}

/// The probability that |t| is beyond its critical value where it has this noncentrality: over the measured deviation s
/// in units of the real one, whose square is gamma distributed, t is above with probability Phi(noncentrality - critical
/// s) and below with Phi(-noncentrality - critical s).
pub fn power_of_t(freedom: f64, noncentrality: f64) -> Option<f64> {
    let critical = critical_t(freedom)?;
    let squared = Gamma::new(freedom / 2.0, freedom / 2.0).ok()?;
    let normal = Normal::new(0.0, 1.0).ok()?;
    // Ten deviations of s, which are about sqrt(1 / (2 freedom)).
    let reach = 10.0 / (2.0 * freedom).sqrt();
    let (from, to) = ((1.0 - reach).max(0.0), 1.0 + reach);
    let step = (to - from) / STEPS as f64;
    let at = |s: f64| {
        // With one degree of freedom the density of the square is infinite at 0, and that of s is not.
        let density = if s > 0.0 { 2.0 * s * squared.pdf(s * s) } else { density_at_zero(freedom) };
        density * (normal.cdf(noncentrality - critical * s) + normal.cdf(-noncentrality - critical * s))
    };
    let weight = |number: usize| match number {
        0 | STEPS => 1.0,
        odd if odd % 2 == 1 => 4.0,
        _ => 2.0,
    };
    let sum: f64 = (0..=STEPS).map(|number| weight(number) * at(from + step * number as f64)).sum();
    Some((sum * step / 3.0).clamp(0.0, 1.0))
}

/// The density of s at 0: the half-normal's with one degree of freedom, else 0.
fn density_at_zero(freedom: f64) -> f64 {
    if freedom > 1.0 { 0.0 } else { std::f64::consts::FRAC_2_PI.sqrt() }
}

/// The fewest pairs with which a paired t test finds a difference of this mean and deviation with a probability of 80 %;
/// `None` if they are more than [`MOST_PAIRS`], or if the deviation is 0.
pub fn pairs_needed(mean: f64, deviation: f64) -> Option<usize> {
    let effect = (mean / deviation).abs();
    if !effect.is_finite() || effect == 0.0 {
        return None;
    }
    let suffices = |pairs: usize| {
        power_of_t(pairs as f64 - 1.0, effect * (pairs as f64).sqrt()).is_some_and(|power| power >= POWER)
    };
    // Guenther's approximation is a pair or two off (The American Statistician 35(4), 1981).
    let normal = Normal::new(0.0, 1.0).ok()?;
    let (of_level, of_power) = (normal.inverse_cdf(1.0 - LEVEL / 2.0), normal.inverse_cdf(POWER));
    let guess = ((of_level + of_power) / effect).powi(2) + of_level.powi(2) / 2.0;
    if guess > 2.0 * MOST_PAIRS as f64 {
        return None;
    }
    let mut pairs = (guess.ceil() as usize).max(2);
    while pairs > 2 && suffices(pairs - 1) {
        pairs -= 1;
    }
    while pairs <= MOST_PAIRS && !suffices(pairs) {
        pairs += 1;
    }
    (pairs <= MOST_PAIRS).then_some(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn power_is_that_of_scipys_noncentral_t() {
        for case in fixture()["powers"].as_array().unwrap() {
            let number = |key: &str| case[key].as_f64().unwrap();
            let found = power_of_t(number("freedom"), number("noncentrality")).unwrap();
            assert!((found - number("power")).abs() < 1e-6, "{case}: {found}");
        }
    }

    #[test]
    fn the_pairs_are_those_that_scipy_counts() {
        for case in fixture()["pairs"].as_array().unwrap() {
            let (effect, pairs) = (case["effect"].as_f64().unwrap(), case["pairs"].as_u64().unwrap() as usize);
            let expected = (pairs <= MOST_PAIRS).then_some(pairs);
            assert_eq!(pairs_needed(effect, 1.0), expected, "{effect}");
            assert_eq!(pairs_needed(-0.01 * effect, 0.01), expected, "only the ratio counts");
        }
        assert_eq!((pairs_needed(0.0, 1.0), pairs_needed(1.0, 0.0), pairs_needed(0.0, 0.0)), (None, None, None));
    }
}
