//! The line's log: what every tick called, in a chain of hashes, so that anybody can check the order.
//!
//! One [`Entry`] is one line of JSON in a form without choices: there is one way to write it, so that
//! its bytes can be hashed, and any program can read it. Each holds the SHA-256 of the one before. Who
//! noted one [`Head`] (the page and the API show it) can prove later that nothing before it was changed.
//!
//! - [`entry`](Entry), [`Passed`], [`Text`], [`Why`]: what an entry says; [`Head`]: where the chain stands.
//! - [`Entry::write`] and [`Entry::parse`]: the one form.
//! - [`Verifier`], [`verify`]: replay a log, or several copies of it, and end in a [`Report`].
//!
//! All numbers in the log are relative to the line's first number. The module is pure: it knows neither
//! store nor clock, and the only files it sees are readers it is given.
//!
//! # What a tick has to say
//!
//! With `F` the line's frontier before the tick, `H` its horizon before, and `next` what was given out:
//!
//! | member | from the controller |
//! | --- | --- |
//! | `arrived` | `F..min(next, H)`: reserved seats that were taken, called in the moment of joining |
//! | `called` | from there to `min(next, horizon)`: without those who were gone, had left or were called first |
//! | `late`, `first` | called through the late lane; called by an operator before their turn |
//! | `given`, `horizon` | `next` and the new horizon, less the line's first number |
//! | `living`, `active` | who waits, and the seats taken, both after the tick |
//! | `lapsed` | calls whose grace ended since the last entry |
//! | `limits`, `why` | as they bound this tick; why nobody, or fewer, are called |
//!
//! A tick is worth an entry if [`Entry::is_news`] says so: also one that only passed over absent numbers,
//! since the ranges in the log have no holes. Three rules bind the writer beyond the controller's own:
//!
//! - Limits change only in an entry that has an event, or the reason `limit_changed` or `origin_slow`.
//! - While the line stands (`paused`, `closed`, `not_open`, `sold_out`) nobody is called and the horizon
//!   does not move; but a seat reserved before may still be taken, and is logged as `arrived`.
//! - After the store was lost, the first entry says `store_lost` or has the event `forgot`: seats may
//!   then be counted that are free.

mod bounds;
mod date;
mod entry;
mod form;
mod head;
mod merge;
mod numbers;
mod parse;
mod passed;
mod report;
mod story;
mod verify;
mod words;

pub use entry::{Entry, Event, First, Kind, Limits, Opening};
pub use head::{Head, HeadError, Noted, NotedError};
pub use merge::{VerifyError, verify};
pub use parse::{ParseError, Written};
pub use passed::Passed;
pub use report::{Fault, Finding, Place, Report, Tally};
pub use story::{Call, Lane, Overtakers, Story};
pub use verify::Verifier;
pub use words::{Text, TextError, Why};

/// Longest line that is read, in bytes without the newline. A tick that passes 25 million numbers of which
/// some were absent fits.
pub const MOST_LINE: usize = 4 << 20;
/// Most late calls in one entry; the controller makes at most 100,000 calls in one tick.
pub const MOST_LATE: usize = 1 << 17;
/// Largest figure in the log: what every JSON reader holds exactly (RFC 8259, section 6).
pub const MOST_NUMBER: u64 = (1 << 53) - 1;

#[cfg(test)]
mod tests;
