//! What is being read from the store. The shell reads beside the event loop, and the kernel may tell of newer things
//! meanwhile: they are kept until the answer comes, which may be older than they are.

use crate::Effect;
use protocol::{RunEvent, RunId};

/// What can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// A run's history.
    Run(RunId),
    /// The list of runs.
    Runs,
    /// What the finished races found, and how long runs took.
    RaceFindings,
    /// What the reader left behind, and the outcomes of cells.
    Progress,
}

#[derive(Debug, Default)]
pub struct Readings(Vec<Reading>);

#[derive(Debug)]
struct Reading {
    what: Read,
    /// It was wished for again: the answer that is on its way may come too early for the second wish.
    again: bool,
    told: Vec<RunEvent>,
}

impl Readings {
    /// Whether to read it now. What is being read already is read once more afterwards, however often it was wished
    /// for meanwhile.
    pub(crate) fn begin(&mut self, what: Read) -> bool {
        if let Some(reading) = self.0.iter_mut().find(|reading| reading.what == what) {
            reading.again = true;
            return false;
        }
        self.0.push(Reading { what, again: false, told: Vec::new() });
        true
    }

    /// Keeps what the kernel told of a run that is being read. Progress is never stored, so no answer is behind it.
    pub(crate) fn keep(&mut self, event: &RunEvent) {
        if matches!(event, RunEvent::Progress { .. }) {
            return;
        }
        let about = |what: Read| what == Read::Runs || what == Read::Run(event.run());
        for reading in self.0.iter_mut().filter(|reading| about(reading.what)) {
            reading.told.push(event.clone());
        }
    }

    /// The answer has come: what the kernel told meanwhile, and the wish to read it again if there is one.
    pub(crate) fn end(&mut self, what: Read) -> (Vec<RunEvent>, Vec<Effect>) {
        let Some(at) = self.0.iter().position(|reading| reading.what == what) else { return Default::default() };
        let Reading { told, again, .. } = self.0.swap_remove(at);
        (told, again.then_some(Effect::Read(what)).into_iter().collect())
    }

    pub(crate) fn is_under_way(&self, what: Read) -> bool {
        self.0.iter().any(|reading| reading.what == what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wished_for_many_times_is_read_twice_at_most() {
        let mut readings = Readings::default();
        let run = RunId(1);
        assert!(readings.begin(Read::Run(run)));
        assert!(!readings.begin(Read::Run(run)) && !readings.begin(Read::Run(run)));
        assert!(readings.begin(Read::Run(RunId(2))), "another run is another wish");
        readings.keep(&RunEvent::Finished { run });
        let (told, again) = readings.end(Read::Run(run));
        assert_eq!((told, again), (vec![RunEvent::Finished { run }], vec![Effect::Read(Read::Run(run))]));
        assert!(readings.begin(Read::Run(run)));
        assert_eq!(readings.end(Read::Run(run)), Default::default());
    }
}
