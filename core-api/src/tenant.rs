//! Tenants and their API keys: who calls, and what they may do.
//!
//! A request proves its tenant by its key and by nothing else. The proof is a type: a handler that
//! moves money takes a [`Merchant`], one that reads takes a [`Reader`], and neither can be made
//! without a live key (`caller.rs`). The database then closes every other tenant's rows (`db.rs`).

pub mod caller;
pub mod commands;
pub mod key;

pub use caller::{Caller, KeyRing, Merchant, Reader, Visitor};
