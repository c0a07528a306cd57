//! The simulator over real HTTP, as its clients know it.

#![expect(
    clippy::unwrap_used,
    reason = "in a test an unexpected value is a failure"
)]

mod api;
mod faults;
mod kit;
mod webhooks;
mod window;
