//! Which checkpoints of measured epochs a lane keeps: all of them while they fit its budget. Beyond it they are thinned
//! evenly on a logarithmic axis, so they stay dense where learning is fastest, and every kept epoch can be forked and
//! looked into.

/// Bytes for the checkpoints of all lanes of a run, with the states inside an epoch.
pub const RUN_BUDGET: u64 = 64_000_000;
/// Files of a lane, however small they are: its folder is listed after each epoch.
const MOST_FILES: usize = 256;

/// What of a lane is kept in any case, and what as long as there is room for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept<'a> {
    /// The epoch that has just been measured: it and the one before it are kept in any case.
    pub newest: u32,
    /// The epoch with the least validation error: in any case.
    pub best: u32,
    /// The epoch at which the run was forked: in any case, because without it the run can't go on.
    pub start: Option<u32>,
    /// The last epochs before a steering: longer than others.
    pub before_steerings: &'a [u32],
}

/// The lane's share of the budget.
pub fn lane_budget(lanes: usize) -> u64 {
    RUN_BUDGET / lanes.max(1) as u64
}

/// The epochs whose files are to be removed, of those that are there with their bytes, ascending.
///
/// While they are too many, the one goes whose neighbours are closest to each other by their ratio.
pub fn dropped(files: &[(u32, u64)], budget: u64, kept: &Kept) -> Vec<u32> {
    let mut files = files.to_vec();
    let mut total: u64 = files.iter().map(|(_, bytes)| bytes).sum();
    let mut dropped = Vec::new();
    while total > budget || files.len() > MOST_FILES {
        let is_needed = |epoch: u32| epoch == kept.best || epoch + 1 >= kept.newest || kept.start == Some(epoch);
        let epoch_at = |at: usize| files.get(at).map_or(f64::INFINITY, |(epoch, _)| f64::from(*epoch));
        let gap = |at: usize| epoch_at(at + 1) / if at == 0 { 0.5 } else { epoch_at(at - 1) };
        let candidates = (0..files.len()).filter(|&at| !is_needed(files[at].0));
        let next = candidates.min_by(|&a, &b| {
            let is_marked = |at: usize| kept.before_steerings.contains(&files[at].0);
            is_marked(a).cmp(&is_marked(b)).then(gap(a).total_cmp(&gap(b)))
        });
        let Some(at) = next else { break };
        let (epoch, bytes) = files.remove(at);
        total -= bytes;
        dropped.push(epoch);
    }
    dropped.sort_unstable();
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is there after so many epochs of files of this size.
    fn after(epochs: u32, bytes: u64, budget: u64, kept: Kept) -> Vec<u32> {
        let mut present = Vec::new();
        for newest in 1..=epochs {
            present.push((newest, bytes));
            let kept = Kept { newest, best: kept.best.min(newest), ..kept };
            let gone = dropped(&present, budget, &kept);
            present.retain(|(epoch, _)| !gone.contains(epoch));
        }
        present.into_iter().map(|(epoch, _)| epoch).collect()
    }

    #[test]
    fn all_epochs_stay_while_there_is_room() {
        let all: Vec<u32> = (1..=150).collect();
        // LeNet-4's arms of 200 KB a file: all 150 epochs of both.
        assert_eq!(after(150, 200_000, lane_budget(2), Kept { best: 47, ..Kept::default() }), all);
    }

    #[test]
    fn beyond_the_budget_early_epochs_stay_dense_and_late_ones_grow_sparse() {
        let kept = after(1000, 10, 200, Kept { best: 47, ..Kept::default() });
        assert_eq!(kept.len(), 20);
        assert!([47, 999, 1000].iter().all(|epoch| kept.contains(epoch)), "{kept:?}");
        // Evenly spaced by ratio, as far as whole numbers allow: no gap is much wider than the others.
        let ratios: Vec<f64> = kept.windows(2).map(|pair| f64::from(pair[1]) / f64::from(pair[0])).collect();
        let widest = ratios.iter().copied().fold(0.0, f64::max);
        assert!(kept[..3] == [1, 2, 3] && widest < 2.1, "{kept:?}, {widest}");
    }

    #[test]
    fn the_best_the_last_two_and_a_forks_start_stay_in_any_case() {
        let kept = Kept { best: 5, start: Some(3), ..Kept::default() };
        assert_eq!(after(40, 10, 1, kept), [3, 5, 39, 40]);
        assert_eq!(after(4000, 1, u64::MAX, kept).len(), MOST_FILES);
    }

    #[test]
    fn the_epoch_before_a_steering_stays_as_long_as_there_is_room_for_it() {
        let before_steerings = &[90, 91, 92][..];
        let kept = Kept { best: 1, before_steerings, ..Kept::default() };
        let of = |budget| after(200, 10, budget, kept);
        assert!(before_steerings.iter().all(|epoch| of(100).contains(epoch)), "{:?}", of(100));
        assert_eq!(of(30), [1, 199, 200]);
    }
}
