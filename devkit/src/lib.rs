//! Private servers and child processes for development and tests: what `cargo xtask up` runs and
//! what an integration test needs beside the code it tests.
//!
//! Everything here is synchronous and small on purpose: `xtask` links it, and `xtask` has to build
//! in seconds on a machine that has nothing but Rust.
//!
//! Promises, whichever way the calling process ends (drop, panic, `kill -9`):
//! - no process stays behind ([`Proc`] ties each child's life to ours);
//! - no directory stays behind for longer than until the next start ([`Scratch`]);
//! - two test processes never get the same port ([`free_port`]).

mod account;
mod copied;
mod error;
mod front;
mod identity;
mod port;
mod postgres;
mod proc;
mod random;
mod redis;
mod scratch;
mod stack;
pub mod wait;

pub use account::Account;
pub use error::Error;
pub use front::{Front, FrontOptions};
pub use identity::Identity;
pub use port::free_port;
pub use postgres::{Database, Durability, Postgres, PostgresOptions, Roles};
pub use proc::{DeathSignal, Launch, Proc, Ready, clock_library, find_program, tied};
pub use redis::{Persistence, Redis, RedisCluster, RedisOptions, RedisSentinel, Reply, SlotMove};
pub use scratch::{Scratch, sweep};
pub use stack::{Home, Plan, Ports, RoomRules, Stack, StackOptions, Store};

/// What every fallible function here returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;
