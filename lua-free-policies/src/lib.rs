//! Declarative gateway policies: reading them, checking them, deciding by them.
//!
//! The crate is pure. It opens no socket, reads no clock and spawns nothing: facts and numbers go in,
//! a value comes out. That is what makes a policy testable as a table and lets two programs (the
//! gateway and the waiting room) share one understanding of it.
//!
//! A policy has two lives:
//! - **said**: what the operator wrote. [`document`] holds the parts that remember where they stood in
//!   the file ([`Said`](document::Said)), so that every complaint has a line and a column.
//! - **meant**: what is enforced. [`matcher`], [`limit`] and the values of [`unit`] cannot hold
//!   nonsense: they are parsed once, at the border, and never checked again.
//!
//! Compiling goes from the first to the second and collects *all* complaints in
//! [`Diagnostics`](diagnostic::Diagnostics) before it gives up. An option that is accepted always does
//! something; whatever cannot is a complaint.

pub mod admission;
pub mod diagnostic;
pub mod document;
pub mod limit;
pub mod matcher;
pub mod name;
pub mod schedule;
pub mod unit;
