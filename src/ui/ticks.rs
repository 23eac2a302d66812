//! Round numbers along an axis.

/// Round values between two limits, at most `most`.
pub fn ticks(limits: (f64, f64), log: bool, most: usize) -> Vec<f64> {
    let (low, high) = limits;
    let most = most.max(2);
    if !(low.is_finite() && high.is_finite() && low < high) {
        return vec![low];
    }
    if log && low > 0.0 {
        // From the densest set of round values that is still sparse enough.
        let sets: [&[f64]; 5] = [
            &[1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
            &[1.0, 1.2, 1.4, 1.7, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0],
            &[1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0],
            &[1.0, 2.0, 5.0],
            &[1.0],
        ];
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        for step in [1, 2, 3, 5, 10, 20, 50] {
            for set in sets {
                if step > 1 && set.len() > 1 {
                    continue;
                }
                let values: Vec<f64> = (first..=last)
                    .filter(|decade| decade.rem_euclid(step) == 0)
                    .flat_map(|decade| set.iter().map(move |m| m * 10f64.powi(decade)))
                    .filter(|value| (low * 0.9999..=high * 1.0001).contains(value))
                    .collect();
                if values.len() <= most && !values.is_empty() {
                    return values;
                }
            }
        }
        return vec![low, high];
    }
    let raw = (high - low) / most as f64;
    if !(raw.is_finite() && raw > 0.0) {
        return vec![low];
    }
    let decade = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|m| m * decade).into_iter().find(|step| *step >= raw * 0.9999);
    let step = step.unwrap_or(raw);
    let first = (low / step - 1e-9).ceil();
    let values = (0..).map(|n| (first + f64::from(n)) * step);
    values.take_while(|value| *value <= high + step * 1e-6).take(most + 2).collect()
}

/// The ticks' numbers without needless zeros, each with as many digits as tell it from its neighbours.
pub fn numbers(ticks: &[f64]) -> Vec<String> {
    let steps = ticks.windows(2).map(|pair| (pair[1] - pair[0]).abs()).filter(|step| *step > 0.0);
    let step = steps.fold(f64::INFINITY, f64::min);
    ticks.iter().map(|&value| number(value, if step.is_finite() { step } else { value.abs() })).collect()
}

fn number(value: f64, step: f64) -> String {
    let near = |text: &String| text.parse::<f64>().is_ok_and(|told| (told - value).abs() <= step * 1e-3);
    let shortest = |written: &dyn Fn(usize) -> String| (0..15).map(written).find(near).unwrap_or_else(|| written(15));
    if value == 0.0 {
        "0".into()
    } else if (1e-3..1e5).contains(&value.abs()) {
        shortest(&|digits| format!("{value:.digits$}"))
    } else {
        shortest(&|digits| format!("{value:.digits$e}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks((0.0, 150.0), false, 6), [0.0, 25.0, 50.0, 75.0, 100.0, 125.0, 150.0]);
        assert_eq!(ticks((0.0, 1.0), false, 4), [0.0, 0.25, 0.5, 0.75, 1.0]);
        let log = ticks((0.9, 5.0), true, 9);
        assert!(log.contains(&1.0) && log.contains(&2.0) && log.len() <= 9, "{log:?}");
        assert_eq!(ticks((1e-8, 1.0), true, 5), [1e-8, 1e-6, 1e-4, 1e-2, 1.0]);
    }

    #[test]
    fn no_limits_panic_or_hang() {
        for limits in [(0.0, 0.0), (f64::NAN, 1.0), (1.0, f64::INFINITY), (-5.0, 5.0), (1e-300, 1e300), (5.0, 1.0)] {
            for log in [false, true] {
                assert!(ticks(limits, log, 5).len() < 30);
            }
        }
    }

    #[test]
    fn numbers_are_short() {
        let alone = [1.05, 1.0, 150.0, 0.0, 1e-6, 1e-15].map(|value| numbers(&[value]).concat());
        assert_eq!(alone, ["1.05", "1", "150", "0", "1e-6", "1e-15"]);
    }

    #[test]
    fn numbers_tell_a_tick_from_its_neighbours() {
        let cases = [
            ((0.0, 200_000.0), vec!["0", "50000", "1e5", "1.5e5", "2e5"]),
            ((0.0, 0.001), vec!["0", "2.5e-4", "5e-4", "7.5e-4", "0.001"]),
            ((1.0, 1.000_04), vec!["1", "1.00001", "1.00002", "1.00003", "1.00004"]),
            ((-0.3, 0.3), vec!["-0.2", "0", "0.2"]),
        ];
        for (limits, expected) in cases {
            assert_eq!(numbers(&ticks(limits, false, 4)), expected);
        }
        assert_eq!(numbers(&ticks((1e-8, 1.0), true, 5)), ["1e-8", "1e-6", "1e-4", "0.01", "1"]);
    }
}
