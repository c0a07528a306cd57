//! A place moves to another device: one offers it, the other takes it over, and the first one is told.

use std::{sync::Arc, time::Duration};

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{Asked, Client, Held, Outcome, Presented, Room, TicketChange, locate::Visitor};
use crate::{
    counts::Event,
    handoff::{Move, Offer, code, typed},
    snapshot::{Place, Snapshot},
    status::{Reason, State, Status},
    store::MOST_ENTRIES,
    token::{Pass, Ticket},
    value::{Moment, Timestamp, millis},
};

/// How long a code is good.
const GOOD_FOR: Duration = Duration::from_secs(300);
/// How long a device that took a place may take it again.
const AGAIN_WITHIN: Duration = Duration::from_secs(20);
/// How often one place moves at most.
const MOST_MOVES: u32 = 16;
/// How many places of a line move at most, until it is idle and forgets its beginning.
const MOST_PLACES: usize = 100_000;

/// Why a place did not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotMoved {
    /// Whoever offers has no place in the line to give, or it has moved too often. The caller's fault.
    #[error("there is no place to move")]
    NoPlace,
    /// No such code, or its time is over, or it was used. The caller's fault.
    #[error("this code is unknown, too old, or was used before")]
    Unknown,
    /// Too many places were offered or taken from this part of the network; after so long one may be again.
    #[error("too many places were moved from there")]
    TooMany(Duration),
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
        self.charge_move(&asked.client, at.now)?;
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
        let seen = self.snapshot();
        let may_move = |seen: &Snapshot| {
            seen.moves.count(ticket.number) < MOST_MOVES && seen.moves.places() < MOST_PLACES
        };
        if !seen.is_some_and(|seen| may_move(&seen)) {
            return Err(NotMoved::NoPlace);
        }
        // One offer for each ticket and five minutes: asked again, it is the same code and the same key.
        let period = at.now.0 / millis(GOOD_FOR);
        let made = self.inner.seal.one_time(&ticket, period);
        let offer = Offer {
            line: ticket.line,
            number: ticket.number,
            joined_at: ticket.joined_at,
            secret: ticket.secret,
            to: made[1],
            ends: at.now.plus(GOOD_FOR),
            wanted: wanted.to_owned(),
        };
        let code = code(made[0]);
        self.keep_offer(&code, &offer, GOOD_FOR).await?;
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
        self.charge_move(client, at.now)?;
        let store = &self.inner.store;
        let code = typed(typed_code).ok_or(NotMoved::Unknown)?;
        let kept = store.kept(&[name(&code)]).await.map_err(|_| self.lost())?;
        let kept = kept.into_iter().next().flatten();
        let offer = kept.and_then(|bytes| Offer::decode(&bytes));
        let offer = offer
            .filter(|offer| at.now < offer.ends)
            .ok_or(NotMoved::Unknown)?;
        // By another code, or by this one before a draw gave the place another number.
        let offered = Ticket {
            secret: offer.secret,
            ..offer.ticket(0, at.now)
        };
        let taken = offer.ticket(device(client), at.now);
        if self.has_moved(&offered) && self.has_moved(&taken) {
            return Err(NotMoved::Unknown);
        }
        // Since then it may have been drawn, come in or left.
        let ticket = self.current(taken);
        if self.is_spent(&ticket) {
            return Err(NotMoved::Unknown);
        }
        let next = Move {
            number: ticket.number,
            from: offer.secret,
            to: ticket.secret,
        };
        let (mut at_whom, moved) = self.now_at(&next).await?;
        if at_whom == offer.secret {
            if moved >= MOST_MOVES {
                return Err(NotMoved::NoPlace);
            }
            let added = store.add_move(&next.encode()).await;
            added.map_err(|_| self.lost())?;
            self.inner.heirlooms.counts.add(Event::Moved);
            (at_whom, _) = self.now_at(&next).await?;
        }
        if at_whom != next.to {
            // Somebody else was faster, with this code or another.
            return Err(NotMoved::Unknown);
        }
        // A device that did not hear the answer may ask again for a moment; after that the code is used up.
        let used = Offer {
            ends: offer.ends.min(at.now.plus(AGAIN_WITHIN)),
            ..offer.clone()
        };
        self.keep_offer(&code, &used, AGAIN_WITHIN).await?;
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

    async fn keep_offer(&self, code: &str, offer: &Offer, keep: Duration) -> Result<(), NotMoved> {
        let store = &self.inner.store;
        let kept = store.keep(&name(code), &offer.encode(), keep).await;
        kept.map_err(|_| self.lost())
    }

    /// The secret that counts for the number now and how often it has moved, by the picture and what was added since.
    async fn now_at(&self, &Move { number, from, .. }: &Move) -> Result<(u64, u32), NotMoved> {
        let seen = self.snapshot();
        let known = seen.map(|seen| Arc::clone(&seen.moves)).unwrap_or_default();
        let at = known.at(number);
        let mut now = at.map(|at| (at, known.count(number)));
        let mut read = known.read();
        loop {
            let added = self.inner.store.moves(read).await;
            let added = added.map_err(|_| self.lost())?;
            let moves = added.iter().filter_map(|(_, bytes)| Move::decode(bytes));
            for next in moves.filter(|next| next.number == number) {
                next.follow(now.get_or_insert((next.from, 0)));
            }
            match added.last() {
                Some((last, _)) if added.len() == MOST_ENTRIES => read = *last,
                _ => return Ok(now.unwrap_or((from, 0))),
            }
        }
    }

    /// Who moves places over and over, or guesses at codes, has to wait.
    fn charge_move(&self, client: &Client<'_>, now: Timestamp) -> Result<(), NotMoved> {
        let charged = self.inner.door.charge_move(client.address, now);
        charged.map_err(NotMoved::TooMany)
    }

    /// Whether nobody could take this place over any more.
    fn is_spent(&self, ticket: &Ticket) -> bool {
        self.snapshot().is_some_and(|seen| {
            let marks = &seen.marks;
            marks.claimed.has(ticket.number) || marks.left.has(ticket.number)
        })
    }

    pub(super) fn pass_has_moved(&self, pass: &Pass) -> bool {
        let snapshot = self.inner.snapshot.load();
        let seen = snapshot.as_ref();
        seen.is_some_and(|seen| {
            let at = seen.moved_to(pass.number);
            pass.line == seen.line.id && at.is_some_and(|at| at != pass.secret)
        })
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

/// A device, as far as one request tells it from others.
fn device(client: &Client<'_>) -> u64 {
    let mut hash = Sha256::new();
    hash.update(
        client
            .address
            .map_or_else(String::new, |address| address.to_string()),
    );
    hash.update([0]);
    hash.update(client.agent.unwrap_or_default());
    let digest = hash.finalize();
    let front = digest
        .first_chunk()
        .map_or(0, |front| u64::from_be_bytes(*front));
    front.max(1)
}

fn name(code: &str) -> String {
    format!("hand:{code}")
}
