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
    /// Give the core back, keep everything in memory, and wait.
    Yield,
    /// End. No other order comes after it.
    Stop,
}

/// Shared by a job's thread and whoever schedules it.
#[derive(Default)]
pub(crate) struct Permit {
    order: Mutex<Order>,
    changed: Condvar,
}

impl Permit {
    pub fn order(&self) -> Order {
        *lock(&self.order)
    }

    pub fn give(&self, new: Order) {
        let mut order = lock(&self.order);
        if *order != Order::Stop {
            *order = new;
            self.changed.notify_all();
        }
    }

    pub fn is_stopped(&self) -> bool {
        self.order() == Order::Stop
    }

    /// Waits as long as the order is to yield.
    pub fn wait_for_turn(&self) {
        let order = lock(&self.order);
        let turn = self.changed.wait_while(order, |order| *order == Order::Yield);
        drop(turn.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits for so long, or until the order is another one than to go on.
    pub fn wait(&self, timeout: Duration) {
        let order = lock(&self.order);
        let waited = self.changed.wait_timeout_while(order, timeout, |order| *order == Order::Go);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}
