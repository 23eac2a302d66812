//! The range of a plot's axis: where values lie in it, and the round numbers along it.

use protocol::AxisScale;

/// The range of an axis. Its ends are finite and the lower one is below the upper one. On a logarithmic axis both are
/// positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AxisRange {
    low: f64,
    high: f64,
    scale: AxisScale,
}

/// The ranges of both axes of a plot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AxisRanges {
    pub x: AxisRange,
    pub y: AxisRange,
}

impl AxisRange {
    /// The narrowest range of a logarithmic axis, as a factor. A narrower range would need ticks of seven digits and
    /// would show noise as a slope.
    const NARROWEST: f64 = 1.05;

    /// Returns `None` if an axis can't have these ends.
    pub fn new((low, high): (f64, f64), scale: AxisScale) -> Option<Self> {
        let is_possible = low.is_finite() && high.is_finite() && low < high && (high - low).is_finite();
        (is_possible && (scale == AxisScale::Linear || low > 0.0)).then_some(Self { low, high, scale })
    }

    /// The range of those values that an axis of this scale can show. A single value is in its middle. Without values
    /// it is 0 to 1, or 0.1 to 1 if logarithmic.
    pub fn fit(values: impl Iterator<Item = f64>, scale: AxisScale) -> Self {
        let usable = values.filter(|v| v.is_finite() && (scale == AxisScale::Linear || *v > 0.0));
        let (low, high) = usable.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let ends = match scale {
            _ if low > high => None,
            AxisScale::Log if high < Self::NARROWEST * low => {
                let half = Self::NARROWEST.sqrt();
                Some((low / half, high * half))
            }
            AxisScale::Linear if high <= low => {
                let half = if low == 0.0 { 0.5 } else { 0.05 * low.abs() };
                Some((low - half, high + half))
            }
            _ => Some((low, high)),
        };
        let none = Self { low: if scale == AxisScale::Log { 0.1 } else { 0.0 }, high: 1.0, scale };
        ends.and_then(|ends| Self::new(ends, scale)).unwrap_or(none)
    }

    pub fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    pub fn scale(&self) -> AxisScale {
        self.scale
    }

    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// The position of a value on the axis: 0 at the lower end, 1 at the upper one, outside of that beyond them. `None`
    /// if the scale can't show the value.
    pub fn part(&self, value: f64) -> Option<f64> {
        let part = match self.scale {
            AxisScale::Linear => (value - self.low) / (self.high - self.low),
            AxisScale::Log if value > 0.0 => (value.ln() - self.low.ln()) / (self.high.ln() - self.low.ln()),
            AxisScale::Log => return None,
        };
        part.is_finite().then_some(part)
    }

    /// The value at a part of the axis: the inverse of [`part`](Self::part).
    pub fn value(&self, part: f64) -> f64 {
        match self.scale {
            AxisScale::Linear => self.low + part * (self.high - self.low),
            AxisScale::Log => (self.low.ln() + part * (self.high.ln() - self.low.ln())).exp(),
        }
    }

    /// The range that shows `factor` times as much detail, with what lies at `part` where it was. A factor below 1 shows
    /// more of the axis. A range that can't be drawn is not taken.
    #[must_use]
    pub fn zoomed(&self, part: f64, factor: f64) -> Self {
        self.or_same((self.value(part - part / factor), self.value(part + (1.0 - part) / factor)))
    }

    /// The range moved along the axis by this part of its length.
    #[must_use]
    pub fn moved(&self, by: f64) -> Self {
        self.or_same((self.value(by), self.value(1.0 + by)))
    }

    /// A range of these ends, if it is neither too narrow for numbers that differ nor beyond what can be computed with.
    fn or_same(&self, ends: (f64, f64)) -> Self {
        /// Sums and products of values within these bounds stay finite.
        const LARGEST: f64 = 1e100;
        let (low, high) = ends;
        let largest = low.abs().max(high.abs());
        let is_distinguishable = match self.scale {
            AxisScale::Linear => high - low > 1e-6 * largest,
            AxisScale::Log => low > 1.0 / LARGEST && high > 1.001 * low,
        };
        Self::new(ends, self.scale).filter(|_| is_distinguishable && largest < LARGEST).unwrap_or(*self)
    }

    /// The middle between two values, as the eye sees it.
    pub fn middle(&self, low: f64, high: f64) -> f64 {
        match self.scale {
            AxisScale::Linear => f64::midpoint(low, high),
            AxisScale::Log => (low * high).sqrt(),
        }
    }

    /// Round values within the range: at most so many, or one or two more.
    pub fn ticks(&self, most: usize) -> Vec<f64> {
        ticks((self.low, self.high), self.scale == AxisScale::Log, most)
    }
}

/// Clips a straight line to the ranges of both axes. Source: Liang and Barsky, 1984.
pub fn clip_segment(from: (f64, f64), to: (f64, f64), ends: (f64, f64)) -> Option<((f64, f64), (f64, f64))> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut start, mut end) = (0.0_f64, 1.0_f64);
    let sides = [(-dx, from.0 - ends.0), (dx, ends.1 - from.0), (-dy, from.1 - ends.0), (dy, ends.1 - from.1)];
    for (change, room) in sides {
        if change > 0.0 {
            end = end.min(room / change);
        } else if change < 0.0 {
            start = start.max(room / change);
        } else if room < 0.0 {
            return None;
        }
    }
    // The ends themselves, without rounding errors.
    let at = |share: f64, end: (f64, f64), is_end: bool| {
        if is_end { end } else { (from.0 + share * dx, from.1 + share * dy) }
    };
    (start <= end).then(|| (at(start, from, start <= 0.0), at(end, to, end >= 1.0)))
}

/// The label of an axis, which says whether the axis is logarithmic.
pub fn axis_label(label: &str, range: &AxisRange) -> String {
    if range.scale == AxisScale::Log && !label.contains("log") { format!("{label} (log)") } else { label.into() }
}

/// Round values between two limits, at most `most`.
fn ticks(limits: (f64, f64), log: bool, most: usize) -> Vec<f64> {
    let (low, high) = limits;
    let most = most.max(2);
    if !(low.is_finite() && high.is_finite() && low < high) {
        return vec![low];
    }
    // A short piece of a logarithmic axis has few round values of a decade; there equal steps are round enough.
    let logarithmic = if log && low > 0.0 { log_ticks(limits, most) } else { Vec::new() };
    if logarithmic.len() >= 3 || (!logarithmic.is_empty() && high / low >= 10.0) {
        return logarithmic;
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

/// The densest set of round values of the decades that is sparse enough.
fn log_ticks((low, high): (f64, f64), most: usize) -> Vec<f64> {
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
    vec![low, high]
}

/// The labels of ticks without trailing zeros, each with as many digits as distinguish it from its neighbours.
pub fn tick_labels(ticks: &[f64]) -> Vec<String> {
    let steps = ticks.windows(2).map(|pair| (pair[1] - pair[0]).abs()).filter(|step| *step > 0.0);
    let step = steps.fold(f64::INFINITY, f64::min);
    ticks.iter().map(|&value| number(value, if step.is_finite() { step } else { value.abs() })).collect()
}

fn number(value: f64, step: f64) -> String {
    let near = |text: &String| text.parse::<f64>().is_ok_and(|shown| (shown - value).abs() <= step * 1e-3);
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
        let short = ticks((2.0, 2.45), true, 5);
        assert!(short.iter().zip([2.0, 2.1, 2.2, 2.3, 2.4]).all(|(a, b)| (a - b).abs() < 1e-9), "{short:?}");
        assert_eq!(short.len(), 5);
    }

    /// Any values give a range that can be drawn.
    #[test]
    fn a_range_holds_its_promises() {
        let values: [&[f64]; 9] = [
            &[],
            &[f64::NAN],
            &[f64::INFINITY, f64::NEG_INFINITY],
            &[5.0],
            &[0.0, 0.0],
            &[-3.0, -3.0],
            &[2.0, 2.0, f64::NAN],
            &[-1e308, 1e308],
            &[1e-300, 1e300],
        ];
        for values in values {
            for scale in [AxisScale::Linear, AxisScale::Log] {
                let range = AxisRange::fit(values.iter().copied(), scale);
                let (low, high) = range.ends();
                assert_eq!(AxisRange::new((low, high), scale), Some(range), "{values:?}");
                assert_eq!((range.part(low), range.part(high)), (Some(0.0), Some(1.0)), "{values:?} {range:?}");
                assert!(!range.ticks(5).is_empty() && range.ticks(5).iter().all(|tick| tick.is_finite()));
            }
        }
        let one = AxisRange::fit([5.0].into_iter(), AxisScale::Linear);
        assert!(one.part(5.0).is_some_and(|part| (part - 0.5).abs() < 1e-9), "in the middle");
        assert_eq!(AxisRange::fit([0.0, 4.0, 400.0].into_iter(), AxisScale::Log).ends(), (4.0, 400.0));
        for ends in [(0.0, f64::NAN), (1.0, 1.0), (2.0, 1.0), (0.0, f64::INFINITY)] {
            assert_eq!(AxisRange::new(ends, AxisScale::Linear), None);
        }
        assert_eq!(AxisRange::new((0.0, 1.0), AxisScale::Log), None);
    }

    #[test]
    fn a_line_is_cut_where_it_leaves() {
        let unit = (0.0, 1.0);
        assert_eq!(clip_segment((0.25, 0.5), (0.75, 1.0), unit), Some(((0.25, 0.5), (0.75, 1.0))));
        assert_eq!(clip_segment((-1.0, 0.5), (3.0, 0.5), unit), Some(((0.0, 0.5), (1.0, 0.5))));
        assert_eq!(clip_segment((0.5, 5.0), (0.5, 5.0), unit), None, "a point outside");
        assert_eq!(clip_segment((0.5, 0.5), (0.5, 0.5), unit), Some(((0.5, 0.5), (0.5, 0.5))));
        assert_eq!(clip_segment((-1.0, 0.0), (0.0, 2.0), unit), None, "past a corner");
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
        let alone = [1.05, 1.0, 150.0, 0.0, 1e-6, 1e-15].map(|value| tick_labels(&[value]).concat());
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
            assert_eq!(tick_labels(&ticks(limits, false, 4)), expected);
        }
        assert_eq!(tick_labels(&ticks((1e-8, 1.0), true, 5)), ["1e-8", "1e-6", "1e-4", "0.01", "1"]);
    }
}
