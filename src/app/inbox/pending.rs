//! The queries that the store has not answered yet. The shell reads the store beside the event loop, so the kernel may
//! announce newer events meanwhile. They are recorded and applied after the answer, which may be older.

use crate::event::{Effect, StoreQuery};
use protocol::RunEvent;

#[derive(Debug, Default)]
pub struct PendingQueries(Vec<PendingQuery>);

#[derive(Debug)]
struct PendingQuery {
    what: StoreQuery,
    /// The same query was made again. The pending answer may be too old for it, so the query is sent once more.
    repeat: bool,
    newer_events: Vec<RunEvent>,
}

impl PendingQueries {
    /// Registers a query; returns whether to send it now. A query that is pending already is sent once more when its
    /// answer has come, however often it was made.
    pub(crate) fn start(&mut self, what: StoreQuery) -> bool {
        if let Some(pending) = self.0.iter_mut().find(|pending| pending.what == what) {
            pending.repeat = true;
            return false;
        }
        self.0.push(PendingQuery { what, repeat: false, newer_events: Vec::new() });
        true
    }

    /// Records an event of a run that is being read. Progress is never stored, so no answer replaces it.
    pub(crate) fn record_event(&mut self, event: &RunEvent) {
        if matches!(event, RunEvent::Progress { .. }) {
            return;
        }
        let about = |what: StoreQuery| what == StoreQuery::Runs || what == StoreQuery::Run(event.run());
        for pending in self.0.iter_mut().filter(|pending| about(pending.what)) {
            pending.newer_events.push(event.clone());
        }
    }

    /// Removes an answered query; returns the events recorded meanwhile, and the query again if it was repeated.
    pub(crate) fn finish(&mut self, what: StoreQuery) -> (Vec<RunEvent>, Vec<Effect>) {
        let Some(at) = self.0.iter().position(|pending| pending.what == what) else { return Default::default() };
        let PendingQuery { newer_events, repeat, .. } = self.0.swap_remove(at);
        (newer_events, repeat.then_some(Effect::Query(what)).into_iter().collect())
    }

    pub(crate) fn is_pending(&self, what: StoreQuery) -> bool {
        self.0.iter().any(|pending| pending.what == what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::RunId;

    #[test]
    fn what_is_wished_for_many_times_is_read_twice_at_most() {
        let mut pending = PendingQueries::default();
        let run = RunId(1);
        assert!(pending.start(StoreQuery::Run(run)));
        assert!(!pending.start(StoreQuery::Run(run)) && !pending.start(StoreQuery::Run(run)));
        assert!(pending.start(StoreQuery::Run(RunId(2))), "another run is another wish");
        pending.record_event(&RunEvent::Finished { run });
        let (newer_events, repeat) = pending.finish(StoreQuery::Run(run));
        assert_eq!(
            (newer_events, repeat),
            (vec![RunEvent::Finished { run }], vec![Effect::Query(StoreQuery::Run(run))])
        );
        assert!(pending.start(StoreQuery::Run(run)));
        assert_eq!(pending.finish(StoreQuery::Run(run)), Default::default());
    }
}
