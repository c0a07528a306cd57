//! The waiting room: a fair line in front of something that can only take so many.
//!
//! A gateway makes one [`Room`] per protected part of a tenant's site, asks it about every request
//! ([`Room::enter`], [`Room::status`], [`Room::claim`], [`Room::leave`]) and steps its [`Driver`] about
//! four times a second. Several gateways that share a store serve one line.
//!
//! How the parts hang together, from the inside out:
//!
//! - [`value`]: timestamps, numbers. Time and randomness are always arguments.
//! - [`token`]: what visitors carry, signed. [`bits`]: one bit per number and fact.
//! - [`line`](mod@line), [`presence`], [`snapshot`], [`controller`]: the pure heart. The controller
//!   turns a snapshot into calls; the snapshot says where a ticket stands.
//! - [`store`]: the port to what the fleet shares, with a memory and a Redis adapter.
//! - [`lottery`]: who comes first out of a pre-queue, by a draw that anybody can check.
//! - [`journal`]: the log of all calls, in a chain of hashes, and its verifier.
//! - [`adaptive`]: the limit that follows what the origin can take. [`share`]: the one that rooms have in common.
//! - `door`: what a newcomer has to show before a number is given.
//! - [`invitation`]: what an operator gives to people, one living place each.
//! - [`room`]: the verbs. [`status`], [`estimate`]: what a visitor is told. [`chance`]: whether something is left
//!   for them. [`counts`], [`history`]: metrics and charts.
//!
//! What never happens: a store call for a status poll of somebody who has a number; a lock shared by
//! request threads on that path; a call without a reserved seat; a number given twice.

pub mod adaptive;
pub mod bits;
pub mod chance;
pub mod controller;
pub mod counts;
mod door;
pub mod estimate;
pub mod handoff;
pub mod history;
pub mod invitation;
pub mod journal;
pub mod line;
pub mod lottery;
pub mod orders;
pub mod presence;
pub mod provisional;
pub mod room;
pub mod share;
pub mod snapshot;
pub mod standing;
pub mod status;
mod stopwatch;
pub mod store;
pub mod token;
pub mod value;
mod varint;

pub use door::proof;
pub use room::{
    Admitted, Announced, Asked, Client, Driver, Footing, Found, Gauges, Held, LogPart, NotMoved,
    NotTaken, Outcome, Parts, Presented, Published, Room, Stepped, TicketChange, Visit,
};
pub use status::{Reason, State, Status};
pub use token::{Code, KeyId, Keyring, KeyringError, Pass, Seal, TokenText};
pub use value::{LineId, Moment, Number, RoomName, Timestamp};
