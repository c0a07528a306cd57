//! A place moves to another device: one offers it, the other takes it over, and the first one is told.

use std::time::Duration;

use thiserror::Error;

use super::{Asked, Client, Held, Outcome, Presented, Room, TicketChange, locate::Visitor};
use crate::{
    counts::Event,
    handoff::{Move, Moves, Offer, code, typed},
    snapshot::Place,
    status::{Reason, State, Status},
    token::{NAME_BITS, Ticket, Told},
    value::{Moment, Timestamp},
};

/// How long a code is good.
const GOOD_FOR: Duration = Duration::from_secs(300);

/// Why a place did not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotMoved {
    /// Whoever offers has no place in the line to give. The caller's fault.
    #[error("there is no place to move")]
    NoPlace,
    /// No such code, or its time is over, or it was used. The caller's fault.
    #[error("this code is unknown, too old, or was used before")]
    Unknown,
    /// The store does not answer. Trying again later helps.
    #[error("the room's store does not answer")]
    StoreLost,
}

impl Room {
    /// Offers the visitor's place in the line to another device: the code that moves it there, once, within five
    /// minutes. `wanted`: where they wanted to go.
    ///
    /// # Errors
    /// Why there is no code.
    pub async fn offer_place<'a>(
        &self,
        asked: impl Into<Asked<'a>>,
        wanted: &str,
        at: Moment,
    ) -> Result<String, NotMoved> {
        let asked = asked.into();
        let own = self.bound_to(&asked.client);
        let room = own.as_ref().unwrap_or(self);
        room.offer_as(asked.presented, wanted, at).await
    }

    async fn offer_as(
        &self,
        presented: Presented<'_>,
        wanted: &str,
        at: Moment,
    ) -> Result<String, NotMoved> {
        let Visitor::Holder(ticket) = self.identify(presented, at.now) else {
            return Err(NotMoved::NoPlace);
        };
        let ticket = self.current(ticket);
        let place = self.place(&ticket, at.now);
        if !matches!(
            place,
            Place::Waiting { .. } | Place::Late { .. } | Place::Called { .. }
        ) {
            return Err(NotMoved::NoPlace);
        }
        let offer = Offer {
            line: ticket.line,
            number: ticket.number,
            joined_at: ticket.joined_at,
            secret: ticket.secret,
            ends: at.now.plus(GOOD_FOR),
            wanted: wanted.to_owned(),
        };
        let code = code(at.entropy);
        let store = &self.inner.store;
        let kept = store.keep(&name(&code), &offer.encode(), GOOD_FOR).await;
        kept.map_err(|_| self.lost())?;
        Ok(code)
    }

    /// Takes over the place that a code offers; what comes back is told to the new device, with the ticket, and where
    /// its holder wanted to go. The old device's ticket is void from now on.
    ///
    /// # Errors
    /// Why nothing moved.
    pub async fn take_place(
        &self,
        typed_code: &str,
        client: &Client<'_>,
        at: Moment,
    ) -> Result<(Outcome, String), NotMoved> {
        let store = &self.inner.store;
        let code = typed(typed_code).ok_or(NotMoved::Unknown)?;
        let kept = store.kept(&[name(&code)]).await.map_err(|_| self.lost())?;
        let kept = kept.into_iter().next().flatten();
        let offer = kept.and_then(|bytes| Offer::decode(&bytes));
        let offer = offer
            .filter(|offer| at.now < offer.ends)
            .ok_or(NotMoved::Unknown)?;
        // The name of the place, by which a desk finds it, moves along.
        let mask = (1 << NAME_BITS) - 1;
        let secret = (at.entropy & !mask) | (offer.secret & mask);
        let next = Move {
            number: offer.number,
            from: offer.secret,
            to: secret,
        };
        if self.moves().await?.took(offer.number, offer.secret) {
            return Err(NotMoved::Unknown);
        }
        store
            .add_move(&next.encode())
            .await
            .map_err(|_| self.lost())?;
        if self.moves().await?.at(offer.number) != Some(secret) {
            // Somebody else was faster.
            return Err(NotMoved::Unknown);
        }
        self.inner.heirlooms.counts.add(Event::Moved);
        let ticket = Ticket {
            line: offer.line,
            number: offer.number,
            joined_at: offer.joined_at,
            told: Told::Wait {
                next_poll_at: at.now,
                shown_ahead: u32::MAX,
            },
            secret,
        };
        let own = self.bound_to(client);
        let text = own.as_ref().unwrap_or(self).signed(&ticket);
        let told = Outcome::Held(Held {
            status: Status {
                code: Some(ticket.code()),
                ..self.joining(at.now, Reason::Joining)
            },
            ticket: TicketChange::Set(text),
        });
        Ok((told, offer.wanted))
    }

    /// The list as it is now; the picture may be a moment older.
    async fn moves(&self) -> Result<Moves, NotMoved> {
        let entries = self.inner.store.moves(0).await.map_err(|_| self.lost())?;
        let mut moves = Moves::default();
        let entries = entries.iter().filter_map(|bytes| Move::decode(bytes));
        entries.for_each(|next| moves.apply(&next));
        Ok(moves)
    }

    fn lost(&self) -> NotMoved {
        self.inner.heirlooms.counts.add(Event::StoreFailed);
        NotMoved::StoreLost
    }

    pub(super) fn has_moved(&self, ticket: &Ticket) -> bool {
        let snapshot = self.inner.snapshot.load();
        let seen = snapshot.as_ref();
        seen.is_some_and(|seen| seen.has_moved(ticket))
    }

    /// What the device is told that had the place before.
    pub(super) fn moved(&self, now: Timestamp) -> Held {
        Held {
            status: Status {
                state: State::Left,
                ..self.joining(now, Reason::Moved)
            },
            ticket: TicketChange::Drop,
        }
    }
}

fn name(code: &str) -> String {
    format!("hand:{code}")
}
