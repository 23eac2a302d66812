//! The notebook without a terminal: scripted keys, and the screens that they lead to.

mod charts;
mod contrast;
mod course;
mod event_order;
mod folding;
mod inside;
mod keys;
mod lab;
mod lessons;
mod mouse;
mod navigation;
mod palette;
mod pictures;
mod predictions;
mod races;
mod reading;
mod runs;
mod screens;
mod sessions;
mod views;
