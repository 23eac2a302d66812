//! The kept epochs of a run, and the place among them that is looked at.

use protocol::Lane;

/// Which epochs have checkpoints, of each lane that was asked about.
#[derive(Clone, Debug, Default)]
pub struct KeptEpochs {
    of: Vec<(Lane, Vec<u32>)>,
    /// Those whose checkpoint could not be read.
    damaged: Vec<(Lane, u32)>,
}

impl KeptEpochs {
    pub(crate) const fn new() -> Self {
        Self { of: Vec::new(), damaged: Vec::new() }
    }

    fn stored(&self, lane: Lane) -> Option<&[u32]> {
        self.of.iter().find(|(known, _)| *known == lane).map(|(_, epochs)| epochs.as_slice())
    }

    /// Ascending.
    pub fn of(&self, lane: Lane) -> impl Iterator<Item = u32> + '_ {
        let kept = self.stored(lane).into_iter().flatten().copied();
        kept.filter(move |epoch| !self.damaged.contains(&(lane, *epoch)))
    }

    /// The epochs at which one of the lanes has a checkpoint, ascending.
    pub fn timeline(&self, lanes: &[Lane]) -> Vec<u32> {
        let mut all: Vec<u32> = lanes.iter().flat_map(|lane| self.of(*lane)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The kept epoch that stands for this one: the last before it, else the first; without a number the last.
    pub fn nearest(&self, lane: Lane, epoch: Option<u32>) -> Option<u32> {
        let before = self.of(lane).take_while(|kept| epoch.is_none_or(|epoch| *kept <= epoch)).last();
        before.or_else(|| self.of(lane).next())
    }

    pub(crate) fn set(&mut self, lane: Lane, epochs: Vec<u32>) {
        self.of.retain(|(known, _)| *known != lane);
        self.of.push((lane, epochs));
    }

    pub(crate) fn is_known(&self, lane: Lane) -> bool {
        self.stored(lane).is_some()
    }

    pub(crate) fn skip_damaged(&mut self, lane: Lane, epoch: u32) {
        self.damaged.push((lane, epoch));
    }
}

/// The epoch a step away in a timeline; `None` is the newest, which moves on while the run trains.
pub(crate) fn step(timeline: &[u32], at: Option<u32>, forward: bool) -> Option<u32> {
    let last = timeline.last().copied()?;
    let from = at.unwrap_or(last);
    let to = if forward {
        timeline.iter().find(|epoch| **epoch > from)
    } else {
        timeline.iter().rev().find(|epoch| **epoch < from)
    };
    match to {
        Some(epoch) if *epoch < last => Some(*epoch),
        Some(_) => None,
        // At an end it stays.
        None => at.filter(|at| *at < last || !forward),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_over_what_is_kept_and_is_not_damaged() {
        let lane = Lane { arm: "relu-tanh".parse().unwrap(), seed: 1 };
        let mut kept = KeptEpochs::default();
        kept.set(lane, vec![1, 2, 4, 8, 9]);
        kept.skip_damaged(lane, 4);
        let timeline = kept.timeline(&[lane]);
        assert_eq!(timeline, [1, 2, 8, 9]);
        let back: Vec<Option<u32>> = (0..5)
            .scan(None, |at, _| {
                *at = step(&timeline, *at, false);
                Some(*at)
            })
            .collect();
        assert_eq!(back, [Some(8), Some(2), Some(1), Some(1), Some(1)]);
        let forth: Vec<Option<u32>> = (0..4)
            .scan(Some(1), |at, _| {
                *at = step(&timeline, *at, true);
                Some(*at)
            })
            .collect();
        assert_eq!(forth, [Some(2), Some(8), None, None]);
        assert_eq!([None, Some(5), Some(0)].map(|epoch| kept.nearest(lane, epoch)), [Some(9), Some(2), Some(1)]);
    }
}
