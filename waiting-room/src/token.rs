//! Tokens: what a visitor carries so that the gateway need not remember them.
//!
//! Six kinds, one binary form (version 1), base64url without padding, at most 91 characters:
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
//!
//! All fields are big-endian and of fixed width, so no two tokens share a MAC input. The MAC key is
//! itself an HMAC over the tenant and the room ([`Keyring::seal`]): a token of another tenant or room
//! fails like a forged one. Nothing about a token that fails is ever used; the reason is only counted.

mod client;
mod error;
mod form;
mod keyring;
mod name;

use std::fmt;

use form::{Kind, MAX_BYTES};

pub use client::Bound;
pub use error::TokenError;
pub use form::TokenText;
pub use keyring::{KeyId, Keyring, KeyringError, Seal};
pub(crate) use name::{NAME_BITS, spelled, unspelled};

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

/// A place in the line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// The run of the queue it belongs to.
    pub line: LineId,
    /// The place.
    pub number: Number,
    /// When the number was given.
    pub joined_at: Timestamp,
    /// What its holder was told last.
    pub told: Told,
    /// Mostly random, never in a URL or on a page in full; its lowest 30 bits name the visitor's place
    /// to support ([`Ticket::code`]).
    pub secret: u64,
}

/// What a ticket's holder was told last. Signed, so that a gateway that knows less does not take it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// To wait.
    Wait {
        /// When to ask again. Earlier polls get the same answer and no credit.
        next_poll_at: Timestamp,
        /// How many people are ahead; what is shown never rises above it.
        shown_ahead: u32,
    },
    /// To come in.
    Called {
        /// When the number came up.
        at: Timestamp,
        /// Until when.
        until: Timestamp,
    },
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

impl Told {
    /// Nothing yet, and to ask at once.
    #[must_use]
    pub fn nothing(now: Timestamp) -> Self {
        Self::Wait {
            next_poll_at: now,
            shown_ahead: u32::MAX,
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket")
            .field("line", &self.line)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
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

impl Ticket {
    /// The last "people ahead" shown; the largest number if none was.
    #[must_use]
    pub fn shown_ahead(&self) -> u32 {
        match self.told {
            Told::Wait { shown_ahead, .. } => shown_ahead,
            Told::Called { .. } => u32::MAX,
        }
    }

    /// When its holder was told to ask again.
    #[must_use]
    pub fn next_poll_at(&self) -> Timestamp {
        match self.told {
            Told::Wait { next_poll_at, .. } => next_poll_at,
            Told::Called { at, .. } => at,
        }
    }

    /// Six characters by which a visitor and a help desk can name this place. Not a credential: it opens nothing.
    #[must_use]
    pub fn code(&self) -> Code {
        name::spell(self.secret)
    }
}

/// A ticket's short public name, such as `K7Q4MX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code([u8; 6]);

impl Code {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("its letters are ASCII")
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
                } => {
                    body.time(next_poll_at);
                    body.bytes(&shown_ahead.to_be_bytes());
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
            Kind::Ticket | Kind::Called => Ok(Claimant::Ticket(Ticket {
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
        let mut bytes = [0; MAX_BYTES];
        let (Kind::Pass, mut body) = self.open(text, client, &mut bytes)? else {
            return Err(TokenError::Kind);
        };
        let pass = Pass {
            line: LineId(body.u64()),
            number: Number(body.u64()),
            issued_at: body.time(),
            expires_at: body.time(),
            secret: body.u64(),
        };
        if now < pass.expires_at {
            Ok(pass)
        } else {
            Err(TokenError::Expired)
        }
    }
}

#[cfg(test)]
mod tests;
