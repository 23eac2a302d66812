//! Timing on a machine that does other things too: processor time instead of wall-clock time, everything in turn, round
//! after round, and medians.

use rustix::time::{ClockId, clock_gettime};

/// Seconds that this thread has run on the processor; none while it waits for a core.
fn now() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}

/// Processor seconds per call, averaged over this many calls.
pub fn seconds(calls: u32, mut work: impl FnMut()) -> f64 {
    let start = now();
    for _ in 0..calls {
        work();
    }
    (now() - start) / f64::from(calls)
}

/// The median, and half the distance between the quartiles. A disturbed round changes neither.
pub fn median_and_spread(times: &[f64]) -> (f64, f64) {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let place = part * (sorted.len() - 1) as f64;
        let (low, rest) = (place.floor() as usize, place.fract());
        sorted[low] + rest * (sorted[(low + 1).min(sorted.len() - 1)] - sorted[low])
    };
    (at(0.5), (at(0.75) - at(0.25)) / 2.0)
}

/// 0..count from another start in each round, so that no item always follows the same one.
pub fn rotated(round: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |at| (at + round) % count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_moves_nothing() {
        assert_eq!(median_and_spread(&[3.0, 1.0, 900.0, 2.0, 4.0]), (3.0, 1.0));
        assert_eq!(median_and_spread(&[7.0]), (7.0, 0.0));
        assert_eq!(rotated(2, 3).collect::<Vec<_>>(), [2, 0, 1]);
    }
}
