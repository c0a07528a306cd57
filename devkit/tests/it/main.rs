//! The private servers, for real.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where its world cannot be built"
)]

mod guard;
mod postgres;
mod redis;
mod redis_cluster;
mod redis_sentinel;
