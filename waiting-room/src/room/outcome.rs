//! What goes into a room's verbs and what comes out.

use crate::{
    status::Status,
    token::{Pass, TokenText},
    value::{Number, Timestamp},
};

/// The tokens that came with a request, from cookies or headers. Unverified.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presented<'a> {
    /// In the ticket's place: a ticket or a challenge.
    pub ticket: Option<&'a str>,
    /// In the pass's place.
    pub pass: Option<&'a str>,
}

/// What a request may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// Go on to the origin.
    Admitted(Admitted),
    /// Be told this instead.
    Held(Held),
}

/// Proof that a visitor is in, and what the client must be given with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The number the seat is counted under.
    pub number: Number,
    /// When the pass ends.
    pub expires_at: Timestamp,
    /// What the pass says; `None` where somebody was let in without a seat.
    pub visit: Option<Pass>,
    /// The new pass, if it was issued or renewed just now.
    pub pass: Option<TokenText>,
    /// What to do about the ticket.
    pub ticket: TicketChange,
}

/// What a visitor who is not in is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The status.
    pub status: Status,
    /// What to do about the ticket.
    pub ticket: TicketChange,
}

/// What the client shall do with its ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketChange {
    /// Keep what it has.
    Keep,
    /// Take this one.
    Set(TokenText),
    /// Forget it.
    Drop,
}
