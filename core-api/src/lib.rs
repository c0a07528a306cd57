//! The payment core. One folder a domain; arrows only point down:
//!
//! ```text
//! app, router, admin, provision, worker → order, payment → ledger, psp → tenant
//!   → db, http, saga, event, audit → money, id, clock
//! ```
//!
//! `router.rs` is every route on one page. A payment reads in order: `payment/routes.rs`,
//! `payment/commands.rs`, `payment/commands/open.rs`, `payment/sql/open.rs`, `psp/toss.rs`,
//! `payment/commands/collect.rs`, `payment/sql/settle.rs`; after a crash from `worker.rs` to
//! `payment/commands/resolve.rs` and the same end.

pub mod admin;
pub mod app;
pub mod audit;
pub mod clock;
pub mod config;
pub mod db;
pub mod event;
pub mod http;
pub mod id;
pub mod ledger;
pub mod money;
pub mod order;
pub mod payment;
pub mod provision;
pub mod psp;
pub mod router;
pub mod saga;
pub mod tenant;
pub mod worker;
