//! What goes into a room's verbs and what comes out.

use std::net::IpAddr;

use crate::{
    invitation::InvitationId,
    status::Status,
    token::{Bound, Pass, TokenText},
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

/// All that a room looks at in a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// Its tokens.
    pub presented: Presented<'a>,
    /// Who sent it.
    pub client: Client<'a>,
}

/// Who sent a request, and what they show besides tokens. Unverified, but for the address.
#[derive(Clone, Copy, Debug, Default)]
pub struct Client<'a> {
    /// Where it came from, as the gateway knows it. Without one nothing is limited by address.
    pub address: Option<IpAddr>,
    /// What it calls itself.
    pub agent: Option<&'a [u8]>,
    /// A proof of work ([`Status::work`]): a counter in decimal digits.
    pub proof: Option<&'a str>,
    /// The invitation that came along, verified.
    pub invitation: Option<InvitationId>,
}

impl<'a> From<Presented<'a>> for Asked<'a> {
    fn from(presented: Presented<'a>) -> Self {
        Self {
            presented,
            client: Client::default(),
        }
    }
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
    pub visit: Option<Visit>,
    /// The new pass, if it was issued or renewed just now.
    pub pass: Option<TokenText>,
    /// What to do about the ticket.
    pub ticket: TicketChange,
}

/// A visit, as its pass says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The pass.
    pub pass: Pass,
    /// The client that it is bound to.
    pub(crate) bound: Option<Bound>,
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
