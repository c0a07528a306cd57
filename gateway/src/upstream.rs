//! Upstreams: which server gets a request, and which ones are left alone for a while.

pub(crate) mod balance;
pub(crate) mod health;
pub(crate) mod pool;

pub(crate) use pool::{Lease, Pool};
