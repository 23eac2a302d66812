//! How a job's thread is told what to do next: a lane asks once a batch, a cell between two steps.

use crate::lock;
use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

/// What the thread of a job should do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    #[default]
    Go,
    /// Give the cores back, keep everything in memory, and wait.
    Yield,
    /// End. No other order follows it.
    Stop,
}

/// Shared by a job's thread and its scheduler.
#[derive(Default)]
pub(crate) struct Permit {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    order: Order,
    /// How many go orders were given. A parked thread may receive a go and another yield before it wakes up. It sees
    /// this by the count, and gives its cores back again.
    turns: u64,
}

impl Permit {
    pub fn order(&self) -> Order {
        lock(&self.state).order
    }

    pub fn give(&self, new: Order) {
        let mut state = lock(&self.state);
        if state.order != Order::Stop {
            state.order = new;
            state.turns += u64::from(new == Order::Go);
            self.changed.notify_all();
        }
    }

    pub fn is_stopped(&self) -> bool {
        self.order() == Order::Stop
    }

    /// The number of go orders so far; see [`Permit::wait_for_turn`].
    pub fn turns(&self) -> u64 {
        lock(&self.state).turns
    }

    /// Waits until more go orders than this were given, or a stop.
    pub fn wait_for_turn(&self, turns: u64) {
        let state = lock(&self.state);
        let turn = self.changed.wait_while(state, |state| state.turns == turns && state.order != Order::Stop);
        drop(turn.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits for this long, or until the order is no longer to go on.
    pub fn wait(&self, timeout: Duration) {
        let state = lock(&self.state);
        let waited = self.changed.wait_timeout_while(state, timeout, |state| state.order == Order::Go);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The thread did not wake up between the two orders; without the count it would wait for ever for a core that it
    /// has.
    #[test]
    fn a_thread_that_is_asked_to_yield_anew_before_it_wakes_up_hears_of_its_turn() {
        let permit = Permit::default();
        permit.give(Order::Yield);
        let turns = permit.turns();
        permit.give(Order::Go);
        permit.give(Order::Yield);
        permit.wait_for_turn(turns);
        assert_eq!(permit.order(), Order::Yield, "it parks again");
    }

    #[test]
    fn no_order_comes_after_a_stop() {
        let permit = Permit::default();
        permit.give(Order::Stop);
        permit.give(Order::Go);
        permit.wait_for_turn(permit.turns());
        assert!(permit.is_stopped());
    }
}
