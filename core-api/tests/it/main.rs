//! The whole service as its users meet it: the real binary on a private PostgreSQL, against the
//! sandbox PSP over HTTP. Each test has its own database, service and PSP, so they run side by side.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod api;
mod crashes;
mod database;
mod doubt;
mod fairness;
mod idempotency;
mod isolation;
mod payments;
mod refusals;
mod stage;
mod webhooks;
