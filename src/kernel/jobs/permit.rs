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
    go_count: u64,
}

impl Permit {
    pub fn order(&self) -> Order {
        lock(&self.state).order
    }

    pub fn set_order(&self, new: Order) {
        let mut state = lock(&self.state);
        if state.order != Order::Stop {
            state.order = new;
            state.go_count += u64::from(new == Order::Go);
            self.changed.notify_all();
        }
    }

    pub fn is_stopped(&self) -> bool {
        self.order() == Order::Stop
    }

    /// The number of go orders so far; see [`Permit::wait_for_go`].
    pub fn go_count(&self) -> u64 {
        lock(&self.state).go_count
    }

    /// Waits until more go orders than this were given, or a stop.
    pub fn wait_for_go(&self, go_count: u64) {
        let state = lock(&self.state);
        let guard = self.changed.wait_while(state, |state| state.go_count == go_count && state.order != Order::Stop);
        drop(guard.unwrap_or_else(PoisonError::into_inner));
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
    fn a_thread_asked_to_yield_again_before_it_wakes_up_parks_again() {
        let permit = Permit::default();
        permit.set_order(Order::Yield);
        let go_count = permit.go_count();
        permit.set_order(Order::Go);
        permit.set_order(Order::Yield);
        permit.wait_for_go(go_count);
        assert_eq!(permit.order(), Order::Yield, "it parks again");
    }

    #[test]
    fn no_order_comes_after_a_stop() {
        let permit = Permit::default();
        permit.set_order(Order::Stop);
        permit.set_order(Order::Go);
        permit.wait_for_go(permit.go_count());
        assert!(permit.is_stopped());
    }
}
