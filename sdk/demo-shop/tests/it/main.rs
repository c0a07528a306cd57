//! The shop over real HTTP, with its own PostgreSQL, a scripted payment core and signed passes.

#![expect(
    clippy::unwrap_used,
    reason = "in a test an unexpected value is a failure"
)]

mod buying;
mod core;
mod door;
mod kit;
mod outcomes;
mod stock;
