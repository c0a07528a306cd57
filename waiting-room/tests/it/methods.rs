//! Methods, events and operators' orders: what changes for those who wait, and that nobody loses a place by it.

mod absent;
mod events;
mod forgotten;
mod handoff;
mod loss;
mod orders;
pub(crate) mod scene;
mod visits;
