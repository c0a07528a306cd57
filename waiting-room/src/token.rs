//! Tokens: what a visitor carries so that the gateway need not remember them.
//!
//! Seven kinds, one binary form (version 1), base64url without padding, at most 94 characters:
//!
//! | byte | content |
//! | --- | --- |
//! | 0 | version 1 in the high half, the kind in the low half; 8 is added to it where the token is bound to a client |
//! | 1 | key id |
//! | body | by kind, below |
//! | 8, if bound | who the client is: an HMAC of its address prefix and user agent, truncated |
//! | last 16 | HMAC-SHA-256 of all before, truncated |
//!
//! | kind | body, with widths in bytes |
//! | --- | --- |
//! | 1, challenge | issued_at 6, nonce 8 |
//! | 2, ticket that waits | line 8, number 8, joined_at 6, next_poll_at 6, shown_ahead 4, secret 8 |
//! | 3, pass | line 8, number 8, issued_at 6, expires_at 6, secret 8 |
//! | 4, ticket that was called | line 8, number 8, joined_at 6, called_at 6, called_until 6, secret 8 |
//! | 5, challenge that asks for work | issued_at 6, nonce 8, bits 1 |
//! | 6, provisional ticket | list 8, came_at 6, index 4, nonce 8 |
//! | 7, ticket that waits and was shown a time | line 8, number 8, joined_at 6, next_poll_at 6, shown_ahead 4, shown_wait 4, secret 8 |
//!
//! All fields are big-endian and of fixed width, so no two tokens share a MAC input. The MAC key is
//! itself an HMAC over the tenant and the room ([`Keyring::seal`]): a token of another tenant or room
//! fails like a forged one. Nothing about a token that fails is ever used; the reason is only counted.

mod client;
mod error;
mod form;
mod keyring;
mod name;
mod ticket;

use std::fmt;

use form::{Kind, MAX_BYTES};

pub use client::Bound;
pub use error::TokenError;
pub use form::TokenText;
pub use keyring::{KeyId, Keyring, KeyringError, Seal};
pub(crate) use name::{NAME_BITS, spelled, unspelled};
pub use ticket::{Code, Ticket, Told};

use crate::{
    provisional::{ListId, Spot},
    value::{LineId, Number, Timestamp},
};

/// The first answer to a stranger. Only who brings it back is given a number, so that clients that
/// keep no cookies never hold a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// When it was given; the arrival time of record.
    pub issued_at: Timestamp,
    /// Random; makes one arrival one number even if the challenge is presented twice at once.
    pub nonce: u64,
    /// Work that it asks for, in bits; 0 for none. Signed, so that nobody chooses an easier one.
    pub bits: u8,
}

/// Proof of an arrival while no number could be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provisional {
    /// Where it is written down.
    pub spot: Spot,
    /// The challenge's.
    pub nonce: u64,
}

/// Admission, until it expires.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// The line whose ticket was called.
    pub line: LineId,
    /// The number that was called; the seat is counted under it.
    pub number: Number,
    /// When this pass was issued or last renewed.
    pub issued_at: Timestamp,
    /// From here on it admits nobody.
    pub expires_at: Timestamp,
    /// The ticket's secret.
    pub secret: u64,
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass")
            .field("line", &self.line)
            .field("number", &self.number)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// What may stand in the ticket cookie, verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimant {
    /// Came back for the first time; has no number yet.
    Challenge(Challenge),
    /// Came back while no number could be given.
    Provisional(Provisional),
    /// Has a number.
    Ticket(Ticket),
}

impl Seal {
    /// Signs a challenge.
    #[must_use]
    pub fn challenge(&self, challenge: &Challenge) -> TokenText {
        self.challenge_for(challenge, None)
    }

    /// Signs a challenge for one client: whoever else brings it would be given the same place.
    #[must_use]
    pub fn challenge_for(&self, challenge: &Challenge, bound: Option<&Bound>) -> TokenText {
        let kind = match challenge.bits {
            0 => Kind::Challenge,
            _ => Kind::Work,
        };
        self.write(kind, bound, |body| {
            body.time(challenge.issued_at);
            body.u64(challenge.nonce);
            if kind == Kind::Work {
                body.bytes(&[challenge.bits]);
            }
        })
    }

    /// Signs a provisional ticket, for one client if it is bound.
    #[must_use]
    pub fn provisional(
        &self,
        Provisional { spot, nonce }: &Provisional,
        bound: Option<&Bound>,
    ) -> TokenText {
        self.write(Kind::Provisional, bound, |body| {
            body.u64(spot.list.0);
            body.time(spot.came_at);
            body.bytes(&spot.index.to_be_bytes());
            body.u64(*nonce);
        })
    }

    /// Signs a ticket.
    #[must_use]
    pub fn ticket(&self, ticket: &Ticket) -> TokenText {
        self.ticket_for(ticket, None)
    }

    /// Signs a ticket for one client.
    #[must_use]
    pub fn ticket_for(&self, ticket: &Ticket, bound: Option<&Bound>) -> TokenText {
        let kind = match ticket.told {
            Told::Wait { shown_wait, .. } if shown_wait < u32::MAX => Kind::Shown,
            Told::Wait { .. } => Kind::Ticket,
            Told::Called { .. } => Kind::Called,
        };
        self.write(kind, bound, |body| {
            body.u64(ticket.line.0);
            body.u64(ticket.number.0);
            body.time(ticket.joined_at);
            match ticket.told {
                Told::Wait {
                    next_poll_at,
                    shown_ahead,
                    shown_wait,
                } => {
                    body.time(next_poll_at);
                    body.bytes(&shown_ahead.to_be_bytes());
                    if kind == Kind::Shown {
                        body.bytes(&shown_wait.to_be_bytes());
                    }
                }
                Told::Called { at, until } => {
                    body.time(at);
                    body.time(until);
                }
            }
            body.u64(ticket.secret);
        })
    }

    /// Signs a pass.
    #[must_use]
    pub fn pass(&self, pass: &Pass) -> TokenText {
        self.pass_for(pass, None)
    }

    /// Signs a pass for one client.
    #[must_use]
    pub fn pass_for(&self, pass: &Pass, bound: Option<&Bound>) -> TokenText {
        self.write(Kind::Pass, bound, |body| {
            body.u64(pass.line.0);
            body.u64(pass.number.0);
            body.time(pass.issued_at);
            body.time(pass.expires_at);
            body.u64(pass.secret);
        })
    }

    /// Reads what stood in the ticket's place: a ticket or a challenge.
    ///
    /// # Errors
    /// Why it counts as nothing.
    pub fn read_claimant(&self, text: &str) -> Result<Claimant, TokenError> {
        self.read_claimant_of(text, None)
    }

    /// The same, as presented by one client.
    ///
    /// # Errors
    /// Why it counts as nothing.
    pub fn read_claimant_of(
        &self,
        text: &str,
        client: Option<&Bound>,
    ) -> Result<Claimant, TokenError> {
        let mut bytes = [0; MAX_BYTES];
        let (kind, mut body) = self.open(text, client, &mut bytes)?;
        match kind {
            Kind::Challenge | Kind::Work => Ok(Claimant::Challenge(Challenge {
                issued_at: body.time(),
                nonce: body.u64(),
                bits: match kind {
                    Kind::Work => body.positive()?,
                    _ => 0,
                },
            })),
            Kind::Provisional => Ok(Claimant::Provisional(Provisional {
                spot: Spot {
                    list: ListId(body.u64()),
                    came_at: body.time(),
                    index: u32::from_be_bytes(body.take()),
                },
                nonce: body.u64(),
            })),
            Kind::Ticket | Kind::Shown | Kind::Called => Ok(Claimant::Ticket(Ticket {
                line: LineId(body.u64()),
                number: Number(body.u64()),
                joined_at: body.time(),
                told: match kind {
                    Kind::Called => Told::Called {
                        at: body.time(),
                        until: body.time(),
                    },
                    _ => Told::Wait {
                        next_poll_at: body.time(),
                        shown_ahead: u32::from_be_bytes(body.take()),
                        shown_wait: match kind {
                            Kind::Shown => body.known()?,
                            _ => u32::MAX,
                        },
                    },
                },
                secret: body.u64(),
            })),
            Kind::Pass => Err(TokenError::Kind),
        }
    }

    /// Reads a pass that is still good at `now`.
    ///
    /// # Errors
    /// Why it counts as nothing.
    pub fn read_pass(&self, text: &str, now: Timestamp) -> Result<Pass, TokenError> {
        self.read_pass_of(text, now, None)
    }

    /// The same, as presented by one client.
    ///
    /// # Errors
    /// Why it counts as nothing.
    pub fn read_pass_of(
        &self,
        text: &str,
        now: Timestamp,
        client: Option<&Bound>,
    ) -> Result<Pass, TokenError> {
        let pass = self.pass_of(text, client)?;
        match now < pass.expires_at {
            true => Ok(pass),
            false => Err(TokenError::Expired),
        }
    }

    /// A pass that may have run out, of this client's.
    pub(crate) fn pass_of(&self, text: &str, client: Option<&Bound>) -> Result<Pass, TokenError> {
        let mut bytes = [0; MAX_BYTES];
        let (Kind::Pass, mut body) = self.open(text, client, &mut bytes)? else {
            return Err(TokenError::Kind);
        };
        Ok(Pass {
            line: LineId(body.u64()),
            number: Number(body.u64()),
            issued_at: body.time(),
            expires_at: body.time(),
            secret: body.u64(),
        })
    }
}

#[cfg(test)]
mod tests;
