//! The kernel and its store, served in this process.

mod compare;
mod damage;
mod data;
mod escapes;
mod forking;
mod not_exact;
mod report;
mod resume;
mod serving;
mod socket;
mod steering;
mod store;
mod sweeping;
mod upgrades;
