//! The waiting room from outside: its stores, and whole histories of simulated visitors.

mod adaptive;
mod fleet;
mod history;
mod methods;
mod reload;
mod shared_redis;
mod stale;
mod stores;
