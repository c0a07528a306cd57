//! The steps of one request, in this order, none looking back:
//!
//! `accept` → `identify` → `policy` → `room` → `route` → (the upstream) → `respond` → `observe`
//!
//! A step gets facts and returns `ControlFlow`: go on, or break off with a refusal or an answer. Steps
//! know HTTP but not Pingora; [`crate::proxy`] calls them and carries out what they decide.

pub(crate) mod accept;
pub(crate) mod identify;
pub(crate) mod observe;
pub(crate) mod policy;
pub(crate) mod respond;
pub(crate) mod room;
pub(crate) mod route;
