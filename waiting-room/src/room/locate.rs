//! Finding out who asks and where they stand, from tokens and the newest picture.

use std::time::Duration;

use super::{Asked, Client, Held, Inner, Presented, Room, STALE_AFTER, join::Arrival};
use crate::{
    presence::CLOCK_SKEW,
    snapshot::{Place, Snapshot},
    status::Reason,
    token::{Challenge, Claimant, Pass, Provisional, Ticket, TokenError, Told},
    value::{LineId, Moment, Number, Timestamp},
};

/// A challenge is good this long: a visitor who opened the page and fell asleep joins on return.
const CHALLENGE_LIFE: Duration = Duration::from_secs(24 * 3_600);

impl Room {
    /// Finds out where the visitor stands; gives a number to who comes back with a challenge, and a
    /// new one to whose place is over.
    pub(super) async fn locate(&self, asked: &Asked<'_>, at: Moment) -> Located {
        let ticket = match self.identify(asked.presented, at.now) {
            Visitor::Guest(pass) => return Located::Inside(pass),
            Visitor::Returned(challenge) => return self.receive(challenge, asked, at).await,
            Visitor::Moved => return Located::Nowhere(self.moved(at.now)),
            Visitor::Early(provisional) => return self.numbered(provisional, at).await,
            Visitor::Stranger => return Located::Nowhere(self.challenge(&asked.client, at)),
            Visitor::Holder(ticket) => self.current(ticket),
        };
        let place = self.place(&ticket, at.now);
        let over = match place {
            Place::Void | Place::Spent | Place::Missed | Place::Left => true,
            Place::Waiting { .. }
            | Place::Late { .. }
            | Place::Called { .. }
            | Place::Claimed { .. } => false,
        };
        if over {
            return self.anew(&ticket, &asked.client, at).await;
        }
        let reason = None;
        Located::InLine(Seat {
            ticket,
            place,
            reason,
        })
    }

    /// A new number for whose place is over, where those are not counted and the room takes anybody.
    pub(super) async fn anew(&self, ticket: &Ticket, client: &Client<'_>, at: Moment) -> Located {
        if self.inner.door.is_watched() {
            // An old ticket can be shown again and again: it is not worth another number.
            return Located::Nowhere(self.challenge(client, at));
        }
        if let Some(held) = self.turned_away(at.now) {
            return Located::Nowhere(held);
        }
        // The old secret names this arrival, so that two requests at once get one.
        let nonce = ticket.secret.rotate_left(1) ^ ticket.number.0;
        let arrival = Arrival {
            nonce,
            issued_at: at.now,
            invitation: None,
        };
        self.number(arrival, Some(Reason::NewNumber), at).await
    }

    pub(super) async fn number(
        &self,
        arrival: Arrival,
        reason: Option<Reason>,
        at: Moment,
    ) -> Located {
        let inner = &self.inner;
        let Some(given) = Inner::take_number(inner, arrival, at.now).await else {
            return Located::Nowhere(self.no_number(at.now));
        };
        if let Some(bond) = arrival.invitation {
            match self.redeem(bond, given.number).await {
                Ok(true) => {}
                Ok(false) => return Located::Nowhere(self.used(at.now)),
                Err(_) => return Located::Nowhere(self.no_number(at.now)),
            }
        }
        let snapshot = inner.snapshot.load_full();
        let seen = snapshot.expect("numbers are only taken in a known line");
        let line = seen.line.id;
        // One that was given in an earlier line has no seat in this.
        let seat = given.seat_at().filter(|_| given.number >= seen.line.floor);
        // A request may be older than the tick that reserved its seat, and its call is not.
        let joined_at = seat.map_or(at.now, |reserved_at| at.now.max(reserved_at));
        let told = match seat {
            Some(_) => Told::Called {
                at: joined_at,
                until: joined_at.plus(inner.rules.call_grace()),
            },
            None => Told::nothing(at.now),
        };
        let ticket = Ticket {
            line,
            number: given.number,
            joined_at,
            told,
            secret: inner.seal.named_secret(arrival.nonce, line, given.number),
        };
        // Answered from memory, the number may be one of a pre-queue that was drawn since.
        let ticket = self.current(ticket);
        if self.has_moved(&ticket) {
            return Located::Nowhere(self.moved(at.now));
        }
        inner.note_presence(ticket.number, at.now);
        Located::InLine(Seat {
            ticket,
            place: self.place(&ticket, at.now),
            reason,
        })
    }

    pub(super) fn identify(&self, presented: Presented<'_>, now: Timestamp) -> Visitor {
        let inner = &self.inner;
        if let Some(text) = presented.pass {
            match inner.seal.pass_of(text, self.bound.as_ref()) {
                Ok(pass) if self.has_left(pass.number) || self.pass_has_moved(&pass) => {}
                Ok(pass) if now < pass.expires_at || self.goes_on(&pass, now) => {
                    self.note_given(pass.line, pass.number);
                    return Visitor::Guest(pass);
                }
                Ok(_) => inner.heirlooms.counts.bad_token(TokenError::Expired),
                Err(error) => inner.heirlooms.counts.bad_token(error),
            }
        }
        let Some(text) = presented.ticket else {
            return Visitor::Stranger;
        };
        match inner.seal.read_claimant_of(text, self.bound.as_ref()) {
            Ok(Claimant::Ticket(ticket)) if self.has_moved(&ticket) => Visitor::Moved,
            Ok(Claimant::Ticket(ticket)) => {
                self.note_given(ticket.line, ticket.number);
                Visitor::Holder(ticket)
            }
            Ok(Claimant::Provisional(provisional)) => Visitor::Early(provisional),
            Ok(Claimant::Challenge(challenge)) if self.is_fresh(&challenge, now) => {
                Visitor::Returned(challenge)
            }
            Ok(Claimant::Challenge(_)) => {
                inner.heirlooms.counts.bad_token(TokenError::Expired);
                Visitor::Stranger
            }
            Err(error) => {
                inner.heirlooms.counts.bad_token(error);
                Visitor::Stranger
            }
        }
    }

    /// A token that we signed is evidence that its number was given, whatever a store says that lost its last seconds.
    fn note_given(&self, line: LineId, number: Number) {
        let seen = self.inner.snapshot.load();
        let is_news = |seen: &Snapshot| seen.line.id == line && seen.next <= number;
        if seen.as_deref().is_some_and(is_news) {
            self.inner.raise_highest(number.plus(1));
        }
    }

    fn is_fresh(&self, challenge: &Challenge, now: Timestamp) -> bool {
        let life = self.inner.door.challenge_life().unwrap_or(CHALLENGE_LIFE);
        now < challenge.issued_at.plus(life)
    }

    pub(super) fn current(&self, ticket: Ticket) -> Ticket {
        let snapshot = self.inner.snapshot.load();
        snapshot
            .as_ref()
            .map_or(ticket, |seen| seen.current(ticket))
    }

    pub(super) fn has_left(&self, number: Number) -> bool {
        self.inner
            .snapshot
            .load()
            .as_ref()
            .is_some_and(|seen| seen.marks.left.has(number))
    }

    pub(super) fn place(&self, ticket: &Ticket, now: Timestamp) -> Place {
        let snapshot = self.inner.snapshot.load();
        let Some(snapshot) = snapshot.as_ref() else {
            // Nothing is known yet: the ticket is worth what it last said.
            return match ticket.told {
                Told::Wait { shown_ahead, .. } => Place::Waiting {
                    ahead: shown_ahead,
                    behind: 0,
                },
                Told::Called { at, until } => Place::Called { at, until },
            };
        };
        // While nobody ticks, since the store is lost or has just come back, calls do not run out either: the
        // next tick gives them the time they would have had.
        let now = now.min(snapshot.line.ticked_at.plus(STALE_AFTER));
        let place = snapshot.place(ticket, now, &self.inner.rules);
        match (place, ticket.told) {
            // Another gateway said so, and this picture may be too old to show it.
            (Place::Waiting { .. }, Told::Called { at, until })
                if now < until && snapshot.read_at <= at.plus(CLOCK_SKEW) =>
            {
                Place::Called { at, until }
            }
            (place, _) => place,
        }
    }
}

/// Who a request comes from, as far as its tokens prove.
pub(super) enum Visitor {
    Guest(Pass),
    Holder(Ticket),
    Returned(Challenge),
    /// Came while the store was lost.
    Early(Provisional),
    /// Gave the place to another device.
    Moved,
    Stranger,
}

/// Where a request's visitor stands.
pub(super) enum Located {
    Inside(Pass),
    InLine(Seat),
    /// No number yet: this is all there is to say.
    Nowhere(Held),
}

/// A place in the line, and why it is a new one if it is.
pub(super) struct Seat {
    pub(super) ticket: Ticket,
    pub(super) place: Place,
    pub(super) reason: Option<Reason>,
}

impl Seat {
    /// Whether the visitor may come in now.
    pub(super) fn is_called(&self) -> bool {
        is_call(self.place)
    }
}

pub(super) fn is_call(place: Place) -> bool {
    matches!(place, Place::Called { .. } | Place::Claimed { .. })
}
