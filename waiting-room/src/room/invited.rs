//! One invitation is one living place, at whatever gateway and by however many it is shown.
//!
//! The store binds the invitation to the first number that was taken with it. When that place is over (left, spent, or
//! missed for good) the next number is bound to the old one: a chain of at most [`MOST_PLACES`]. Every step can be
//! repeated: an arrival is bound to its number before the invitation is, so that whoever asks again after a crash in
//! between goes on where it stopped.

use sha2::{Digest, Sha256};

use super::{Room, join::Arrival};
use crate::{
    invitation::InvitationId,
    snapshot::Place,
    store::{Bond, Mark, Shelf, StoreError},
    token::{Ticket, Told},
    value::{Number, Timestamp},
};

/// Places that one invitation is good for, one after the other.
const MOST_PLACES: usize = 16;

/// What an invitation is worth to somebody who arrives with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// A place; it is bound to the number when that is taken.
    Place(Bond),
    /// Nothing: its place is somebody's, or it was used too often.
    Nothing,
}

impl Room {
    /// Looks what `invitation` is worth to `arrival`.
    pub(super) async fn worth(
        &self,
        invitation: InvitationId,
        arrival: &Arrival,
        now: Timestamp,
    ) -> Result<Worth, StoreError> {
        let mut bond = Bond {
            shelf: Shelf::Invitations,
            name: invitation.0,
        };
        let mut own = None;
        for place in 0..MOST_PLACES {
            let bound = match place {
                0 => {
                    let both = self.inner.store.bound(&[bond, arrival.bond()]).await?;
                    own = both.get(1).copied().flatten();
                    both.first().copied().flatten()
                }
                _ => self.inner.store.bound(&[bond]).await?.pop().flatten(),
            };
            match bound {
                None => return Ok(Worth::Place(bond)),
                Some(number) if Some(number) == own => return Ok(Worth::Place(bond)),
                Some(number) if !self.is_over(number, now) => return Ok(Worth::Nothing),
                Some(number) => bond.name = after(bond.name, number),
            }
        }
        Ok(Worth::Nothing)
    }

    /// Binds the invitation to the number that was taken with it; false if somebody else was quicker.
    pub(super) async fn redeem(&self, bond: Bond, number: Number) -> Result<bool, StoreError> {
        let store = &self.inner.store;
        let bound = store.bind(&[(bond, number)]).await?;
        if bound.first() == Some(&number) {
            return Ok(true);
        }
        // Nobody holds this number; it shall not stand in the line as somebody's.
        store.mark(Mark::Left, number).await?;
        Ok(false)
    }

    fn is_over(&self, number: Number, now: Timestamp) -> bool {
        let Some(seen) = self.snapshot() else {
            return false;
        };
        let ticket = self.current(Ticket {
            line: seen.line.id,
            number,
            joined_at: now,
            told: Told::nothing(now),
            secret: 0,
        });
        match self.place(&ticket, now) {
            // The call is long over; whether the visit is, the pass tells.
            Place::Void | Place::Spent => !self.inner.is_inside(ticket.number, now),
            Place::Missed | Place::Left => true,
            Place::Waiting { .. }
            | Place::Late { .. }
            | Place::Called { .. }
            | Place::Claimed { .. } => false,
        }
    }
}

/// The name under which the number is bound that follows `number`.
fn after(name: u64, number: Number) -> u64 {
    let mut hash = Sha256::new_with_prefix(b"fluxgate invitation, once more");
    hash.update(name.to_be_bytes());
    hash.update(number.0.to_be_bytes());
    let digest = hash.finalize();
    digest
        .first_chunk()
        .map_or(0, |front| u64::from_be_bytes(*front))
}
