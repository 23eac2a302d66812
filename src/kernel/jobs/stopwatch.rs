//! How long a run has trained in wall-clock time, all its lanes together, without the time that it was paused or
//! queued.

use crate::lock;
use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

/// How often followers receive the time.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(1);

/// Runs from the first lane that gets a core until the run ends or halts. A resume continues the count.
pub(crate) struct Stopwatch {
    /// Seconds of earlier sessions.
    before: f64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    begun: Option<Instant>,
    /// Seconds of this session until the stopwatch was last stopped.
    stopped: f64,
    announced: Option<Instant>,
}

impl Stopwatch {
    pub fn after(before: f64) -> Self {
        Self { before, state: Mutex::default() }
    }

    /// Starts the stopwatch unless it runs.
    pub fn start(&self) {
        lock(&self.state).begun.get_or_insert_with(Instant::now);
    }

    /// Stops the stopwatch: no lane has a core.
    pub fn stop(&self) {
        let mut state = lock(&self.state);
        state.stopped += state.begun.take().map_or(0.0, |begun| begun.elapsed().as_secs_f64());
    }

    pub fn seconds(&self) -> f64 {
        let state = lock(&self.state);
        self.before + state.stopped + state.begun.map_or(0.0, |begun| begun.elapsed().as_secs_f64())
    }

    /// The seconds, if they were not announced for a while.
    pub fn due(&self) -> Option<f64> {
        let mut state = lock(&self.state);
        if state.announced.is_some_and(|announced| announced.elapsed() < ANNOUNCE_EVERY) {
            return None;
        }
        state.announced = Some(Instant::now());
        drop(state);
        Some(self.seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_continues_its_count_and_runs_only_while_started() {
        let watch = Stopwatch::after(40.0);
        assert_eq!((watch.seconds(), watch.due(), watch.due()), (40.0, Some(40.0), None));
        watch.start();
        let then = watch.seconds();
        assert!(then >= 40.0);
        watch.start();
        assert!(watch.seconds() >= then, "a second start does not begin anew");
        watch.stop();
        let stopped = watch.seconds();
        assert_eq!(watch.seconds().to_bits(), stopped.to_bits(), "it stands still");
        watch.start();
        assert!(watch.seconds() >= stopped);
    }
}
