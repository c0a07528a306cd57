//! The waiting room from outside: its stores, and whole histories of simulated visitors.

mod adaptive;
mod estimates;
mod failover;
mod fleet;
mod history;
mod known_failures;
mod link;
mod lost_writes;
mod methods;
mod newcomers;
mod overload;
mod pair;
mod reload;
mod seats;
mod seeds;
mod shared_redis;
mod sharing;
mod slot_move;
mod stale;
mod stores;
