//! What a place in the line is worth to its holder, and what they were told of it.

use std::{fmt, time::Duration};

use super::name;
use crate::value::{LineId, Number, Timestamp};

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
        /// How many milliseconds after joining the call was shown to come; the largest number if nothing was shown. See
        /// [`shown`](crate::estimate).
        shown_wait: u32,
    },
    /// To come in.
    Called {
        /// When the number came up.
        at: Timestamp,
        /// Until when.
        until: Timestamp,
    },
}

impl Told {
    /// Nothing yet, and to ask at once.
    #[must_use]
    pub fn nothing(now: Timestamp) -> Self {
        Self::Wait {
            next_poll_at: now,
            shown_ahead: u32::MAX,
            shown_wait: u32::MAX,
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

impl Ticket {
    /// The last "people ahead" shown; the largest number if none was.
    #[must_use]
    pub fn shown_ahead(&self) -> u32 {
        match self.told {
            Told::Wait { shown_ahead, .. } => shown_ahead,
            Told::Called { .. } => u32::MAX,
        }
    }

    /// When its call was shown to come.
    #[must_use]
    pub fn shown_call(&self) -> Option<Timestamp> {
        match self.told {
            Told::Wait { shown_wait, .. } if shown_wait < u32::MAX => {
                let wait = Duration::from_millis(shown_wait.into());
                Some(self.joined_at.plus(wait))
            }
            _ => None,
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
pub struct Code(pub(super) [u8; 6]);

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
