//! How far the lanes of a run are, in few enough words for a list.

use super::format_count;
use std::fmt;

/// How far a run's lanes are. A lane that has diverged is not counted, as nobody waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// All at the same epoch, or some of them one ahead.
    Together { done: u32, of: u32 },
    /// Some wait for a core while others train or have ended, so the epochs of all of them are added up.
    Apart { done: u32, of: u32, ended: usize, lanes: usize },
}

impl Advance {
    /// `done` has the completed epochs of each lane; `epochs` is the number that each is to complete.
    pub fn of(done: &[u32], epochs: u32) -> Self {
        let (slowest, fastest) = (done.iter().min().copied().unwrap_or(0), done.iter().max().copied().unwrap_or(0));
        if fastest - slowest <= 1 {
            return Self::Together { done: slowest, of: epochs };
        }
        let ended = done.iter().filter(|&&done| done >= epochs).count();
        Self::Apart { done: done.iter().sum(), of: epochs * done.len() as u32, ended, lanes: done.len() }
    }

    /// `8/30`, or `57 %` if the lanes are too far apart for one epoch.
    pub fn short(&self) -> String {
        match self {
            Self::Together { done, of } => format!("{done}/{of}"),
            Self::Apart { .. } => format!("{} %", self.percent()),
        }
    }

    /// The same in eleven columns, with the slashes aligned.
    pub fn column(&self) -> String {
        match self {
            Self::Together { done, of } => format!("{done:>5}/{of:<5}"),
            Self::Apart { .. } => format!("{:>5} {:<5}", self.percent(), "%"),
        }
    }

    /// What a halted run has completed: `8 epochs`.
    pub fn completed(&self) -> String {
        match self {
            Self::Together { done, .. } => format_count(*done as usize, "epoch"),
            Self::Apart { .. } => format!("{} % of all epochs", self.percent()),
        }
    }

    /// Not 100 before everything is done, and not 0 after the first epoch.
    fn percent(&self) -> u32 {
        let (Self::Together { done, of } | Self::Apart { done, of, .. }) = *self;
        if done == 0 { 0 } else { (100 * u64::from(done) / u64::from(of.max(1))).max(1) as u32 }
    }
}

impl fmt::Display for Advance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Together { done, of } => write!(f, "{done} of {}", format_count(*of as usize, "epoch")),
            Self::Apart { ended, lanes, .. } => {
                write!(
                    f,
                    "{} % of all epochs, {ended} of {} at their end",
                    self.percent(),
                    format_count(*lanes, "lane")
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_side_by_side_show_their_epoch_and_others_a_percentage() {
        let texts = |done: &[u32], epochs| {
            let advance = Advance::of(done, epochs);
            assert_eq!(advance.column().len(), 11, "{advance}");
            format!("{} | {advance} | {}", advance.short(), advance.completed())
        };
        assert_eq!(texts(&[3], 10), "3/10 | 3 of 10 epochs | 3 epochs");
        assert_eq!(texts(&[1], 1), "1/1 | 1 of 1 epoch | 1 epoch");
        assert_eq!(texts(&[9, 8], 30), "8/30 | 8 of 30 epochs | 8 epochs");
        assert_eq!(texts(&[0; 20], 10), "0/10 | 0 of 10 epochs | 0 epochs");
        assert_eq!(texts(&[10; 20], 10), "10/10 | 10 of 10 epochs | 10 epochs");
        let sweep = [10, 10, 5, 4, 0, 0, 0, 0, 0, 0];
        assert_eq!(texts(&sweep, 10), "29 % | 29 % of all epochs, 2 of 10 lanes at their end | 29 % of all epochs");
        assert!(texts(&[1000, 998], 1000).starts_with("99 %") && texts(&[2, 0], 1000).starts_with("1 %"));
        // All of them diverged.
        assert_eq!(texts(&[], 10), "0/10 | 0 of 10 epochs | 0 epochs");
    }
}
