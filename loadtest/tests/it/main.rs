//! Whole-system tests: the real binaries, a real PostgreSQL, Redis and browser, and the referee at the end.
//!
//! They run the binaries that lie beside this test's own (`cargo xtask test` builds them first; by hand:
//! `cargo build --workspace --bins`). Each test has a demo of its own on free ports.

mod browser;
mod drills;
mod faults;
mod fleet;
mod journey;
mod payments;
mod referee;
mod scene;
