//! Telling a visitor where they stand: the status, and the tokens that go with it.

use std::{sync::Arc, time::Duration};

use policies::admission::{Renewal, Session};

use super::{
    Admitted, Held, Inner, Outcome, Room, STALE_AFTER, TicketChange,
    locate::{Seat, is_call},
};
use crate::{
    counts::Event,
    estimate::shown,
    line::Lot,
    presence::{CLOCK_SKEW, DUE_SLACK, Epochs},
    snapshot::{Place, Snapshot},
    standing::Why,
    status::{self, Reason, State, Status},
    token::{Pass, Ticket, Told},
    value::{Moment, Number, Timestamp},
};

/// How long an admission waits for its seat to be written; once per visitor and activity epoch.
const KEEP_WITHIN: Duration = Duration::from_millis(500);

fn state_of(why: Why) -> State {
    match why {
        Why::NotOpen | Why::Drawing => State::NotOpen,
        Why::Closed => State::Closed,
        Why::SoldOut => State::SoldOut,
        Why::Paused => State::Paused,
        Why::OriginSlow | Why::LimitChanged => State::Waiting,
    }
}

fn reason_of(why: Why) -> Option<Reason> {
    match why {
        Why::NotOpen | Why::Closed | Why::SoldOut => None,
        Why::Drawing => Some(Reason::Drawing),
        Why::Paused => Some(Reason::Paused),
        Why::OriginSlow => Some(Reason::OriginSlow),
        Why::LimitChanged => Some(Reason::LimitChanged),
    }
}

/// A time that was moved back is never shown without a reason.
fn own_up(status: &mut Status, ticket: &Ticket) {
    let Some((eta, before)) = status.eta.zip(ticket.shown_call()) else {
        return;
    };
    let comes_at = status.updated_at.plus(eta.p50);
    if status.reason.is_none() && shown::is_moved_back(before, comes_at, eta.p50) {
        status.reason = Some(Reason::Slower);
    }
}

/// What the ticket says from now on of when its call was shown to come. Another reason than [`Reason::Slower`] says why it
/// is later, and nothing is promised where no time is shown.
fn shown_wait(ticket: &Ticket, status: &Status) -> u32 {
    let Some(eta) = status.eta else {
        return u32::MAX;
    };
    let comes_at = status.updated_at.plus(eta.p50);
    let is_explained = !matches!(status.reason, None | Some(Reason::Slower));
    let before = ticket.shown_call().filter(|_| !is_explained);
    let kept = before.map_or(comes_at, |before| shown::kept(before, comes_at));
    let wait = kept.since(ticket.joined_at).as_millis();
    u32::try_from(wait).unwrap_or(u32::MAX)
}

impl Room {
    pub(super) fn tell(&self, seat: Seat, at: Moment) -> Outcome {
        let Seat {
            ticket,
            place,
            reason,
        } = seat;
        let inner = &self.inner;
        inner.heirlooms.counts.add(Event::Polled);
        if self.is_early(&ticket, at.now) && !is_call(place) {
            inner.heirlooms.counts.add(Event::PolledEarly);
            let status = self.told_early(&ticket, place, at);
            return Outcome::Held(Held {
                status,
                ticket: TicketChange::Keep,
            });
        }
        inner.note_presence(ticket.number, at.now);
        let mut status = self.told(&ticket, place, at);
        status.reason = status.reason.or(reason);
        if self.comes_up_soon(ticket.number, place) {
            if let Told::Wait { next_poll_at, .. } = ticket.told {
                inner
                    .heirlooms
                    .lateness
                    .note(ticket.number, next_poll_at, at.now);
            }
            status.poll_after = status::poll_soon(status.poll_after, at.entropy);
            let due = at.now.plus(status.poll_after).plus(DUE_SLACK);
            let epoch = Epochs::of_due().at(due);
            inner.due.record(ticket.number, epoch, at.now);
        }
        let told = match place {
            Place::Called { at, until } | Place::Claimed { at, until } => {
                Told::Called { at, until }
            }
            _ => Told::Wait {
                next_poll_at: at.now.plus(status.poll_after),
                shown_ahead: status.ahead.unwrap_or(ticket.shown_ahead()),
                shown_wait: shown_wait(&ticket, &status),
            },
        };
        let ticket = Ticket { told, ..ticket };
        Outcome::Held(Held {
            status,
            ticket: TicketChange::Set(self.signed(&ticket)),
        })
    }

    /// Whether a poll comes before it was told to. A ticket that says to wait longer than anybody is told to is from a gateway
    /// whose clock was wrong: its holder is due.
    fn is_early(&self, ticket: &Ticket, now: Timestamp) -> bool {
        let early_by = ticket.next_poll_at().since(now);
        let longest = status::poll_longest(&self.inner.rules) + CLOCK_SKEW;
        early_by > status::POLL_SLACK && early_by <= longest
    }

    /// Whether it is recorded when this visitor is expected next: near the front, and among the late comers.
    fn comes_up_soon(&self, number: Number, place: Place) -> bool {
        match place {
            Place::Late { .. } => true,
            Place::Waiting { .. } => {
                let snapshot = self.inner.snapshot.load();
                snapshot.as_ref().is_none_or(|seen| number < seen.line.soon)
            }
            _ => false,
        }
    }

    pub(super) fn told_early(&self, ticket: &Ticket, place: Place, at: Moment) -> Status {
        Status {
            ahead: Some(ticket.shown_ahead()).filter(|ahead| *ahead < u32::MAX),
            // Longer is what a clock says that was set back.
            poll_after: ticket.next_poll_at().since(at.now).min(status::POLL_FAR),
            ..self.told(ticket, place, at)
        }
    }

    pub(super) fn told(&self, ticket: &Ticket, place: Place, at: Moment) -> Status {
        let snapshot = self.inner.snapshot.load();
        let read_at = snapshot.as_ref().map_or(at.now, |seen| seen.read_at);
        let stale = snapshot
            .as_ref()
            .is_none_or(|seen| !seen.is_of(at.now, STALE_AFTER));
        let mut status = Status {
            state: State::Waiting,
            reason: stale.then_some(Reason::StoreLost),
            ahead: None,
            behind: None,
            eta: None,
            poll_after: status::POLL_CALLED,
            code: Some(ticket.code()),
            called_at: None,
            claim_until: None,
            opens_at: None,
            updated_at: read_at,
            past_error: self.inner.past_error(),
            chance: None,
            in_draw: snapshot.as_ref().is_none_or(|seen| {
                let lot = seen.line.lot.as_ref();
                lot.is_none_or(|lot| ticket.number >= lot.from)
            }),
            work: None,
        };
        let (ahead, behind) = match place {
            Place::Waiting { ahead, behind } => (ahead, Some(behind)),
            Place::Late { ahead } => {
                status.reason = status.reason.or(Some(Reason::LateLane));
                (ahead, None)
            }
            Place::Called { at, until } | Place::Claimed { at, until } => {
                status.state = State::Called;
                status.called_at = Some(at);
                status.claim_until = Some(until);
                return status;
            }
            Place::Void | Place::Spent | Place::Missed | Place::Left => return status,
        };
        // What was shown once is never taken back: not even by a gateway that knows less.
        let ahead = ahead.min(ticket.shown_ahead());
        // A gateway that has no picture yet may not know.
        status.ahead = Some(ahead).filter(|ahead| *ahead < u32::MAX);
        status.behind = behind;
        let seen = snapshot.as_ref().filter(|_| !stale);
        status.eta = seen.and_then(|seen| match place {
            Place::Late { .. } => seen.forecast().late(ahead, seen.line.late.prompt),
            _ => seen.forecast().eta(ahead),
        });
        status.poll_after = status::poll_after(ahead, status.eta, &self.inner.rules, at.entropy);
        if let Some(seen) = snapshot.as_ref() {
            self.explain(&mut status, (ticket, seen), at);
        }
        own_up(&mut status, ticket);
        // Late comers are few and come soon; before a draw nobody has a place.
        if matches!(place, Place::Waiting { .. }) && status.ahead.is_some() && !stale {
            let prospect = self.inner.prospect.load();
            status.chance = prospect.as_ref().map(|prospect| prospect.of(ticket.number));
        }
        status
    }

    /// Why the line stands, or moves more slowly, for somebody who waits in it.
    fn explain(&self, status: &mut Status, (ticket, seen): (&Ticket, &Snapshot), at: Moment) {
        let line = &seen.line;
        let Some(why) = line.why else { return };
        let state = state_of(why);
        status.state = state;
        if status.reason != Some(Reason::StoreLost) {
            status.reason = reason_of(why).or(status.reason);
        }
        if state == State::Waiting {
            return;
        }
        status.eta = None;
        status.opens_at = line.opens_at;
        if state == State::NotOpen {
            let left = line
                .opens_at
                .map_or(Duration::ZERO, |opens| opens.since(at.now));
            let waiting = seen.waiting_total();
            status.poll_after = status::poll_opening(left, waiting, &self.inner.rules, at.entropy);
            let is_in_draw = |lot: &Lot| lot.drawn.is_none() && lot.from <= ticket.number;
            if line.lot.as_ref().is_some_and(is_in_draw) {
                // There is no place before the draw; showing one would promise it.
                (status.ahead, status.behind) = (None, None);
            }
        } else if state != State::Paused {
            status.poll_after = status::POLL_SHUT + status.poll_after / 2;
            (status.ahead, status.behind) = (None, None);
        }
    }

    /// What somebody without a place is told where the room takes nobody; `None` where it does.
    pub(super) fn turned_away(&self, now: Timestamp) -> Option<Held> {
        if let Some(held) = self.shut_by_loss(now) {
            return Some(held);
        }
        let snapshot = self.inner.snapshot.load();
        let seen = snapshot.as_ref().filter(|seen| seen.line.is_shut)?;
        let status = Status {
            state: match seen.line.why.map(state_of) {
                Some(State::SoldOut) => State::SoldOut,
                // Before an event: who stays is asked in when its time comes.
                Some(State::Closed) if seen.line.opens_at.is_some() => State::NotOpen,
                // Closed, or serving only those who wait already.
                _ => State::Closed,
            },
            reason: None,
            poll_after: status::POLL_SHUT,
            opens_at: seen.line.opens_at,
            updated_at: seen.read_at,
            ..self.joining(now, Reason::Joining)
        };
        Some(Held {
            status,
            ticket: TicketChange::Keep,
        })
    }

    pub(super) async fn admit(&self, pass: Pass, now: Timestamp) -> Outcome {
        let session = self.session(now);
        // Counted to its end at every request: whoever counted it before may have died with it, or cut time otherwise.
        let ends = match session.renewal() {
            Renewal::OnActivity => pass.expires_at.max(now.plus(session.ttl())),
            Renewal::Never => pass.expires_at,
        };
        self.count_visit(pass.number, ends, now);
        let renewed = match self.renew(&pass, session, now) {
            Some(longer) if self.keep_activity(now).await || self.is_thrown_open(now) => {
                self.inner.heirlooms.counts.add(Event::Renewed);
                Some(longer)
            }
            // Good to its end, as the fleet knows it.
            _ => None,
        };
        let current = renewed.unwrap_or(pass);
        if current.expires_at <= now {
            // The visit goes on, but the pass for that cannot be given now.
            return Outcome::Held(Held {
                status: self.joining(now, Reason::StoreLost),
                ticket: TicketChange::Keep,
            });
        }
        Outcome::Admitted(Admitted {
            number: current.number,
            expires_at: current.expires_at,
            visit: Some(self.visit(current)),
            pass: renewed.map(|pass| self.inner.seal.pass_for(&pass, self.bound.as_ref())),
            ticket: TicketChange::Keep,
        })
    }

    /// A pass is renewed when an eighth of its session is over: often enough that an active visitor never runs out,
    /// seldom enough that most answers set no cookie.
    fn renew(&self, pass: &Pass, session: Session, now: Timestamp) -> Option<Pass> {
        let due = now.since(pass.issued_at) >= session.ttl() / 8;
        if session.renewal() == Renewal::Never || !due {
            return None;
        }
        Some(Pass {
            issued_at: now,
            expires_at: pass.expires_at.max(now.plus(session.ttl())),
            ..*pass
        })
    }

    /// Sees to it that the fleet counts a pass before its holder gets it, and says whether it does: if this process died with
    /// the bit still in its memory, or cannot reach the store while others can, the seat would be given on.
    pub(super) async fn keep_activity(&self, now: Timestamp) -> bool {
        let inner = Arc::clone(&self.inner);
        let all = move |asked: Vec<Timestamp>| {
            let inner = Arc::clone(&inner);
            async move {
                let now = asked.iter().copied().max().unwrap_or_default();
                let taken = |inner: &Inner, writes: &mut Vec<_>| inner.activity.take_dirty(writes);
                let is_kept = inner.flush(now, taken).await.is_ok();
                vec![is_kept; asked.len()]
            }
        };
        // In vain or too slow: the driver's next flush takes it along.
        let kept = tokio::time::timeout(KEEP_WITHIN, self.inner.keeps.ask(now, all)).await;
        kept.ok().flatten() == Some(true)
    }

    pub(super) fn joining(&self, now: Timestamp, reason: Reason) -> Status {
        Status {
            state: State::Waiting,
            reason: Some(reason),
            ahead: None,
            behind: None,
            eta: None,
            poll_after: status::POLL_JOINING,
            code: None,
            called_at: None,
            claim_until: None,
            opens_at: None,
            updated_at: now,
            past_error: None,
            chance: None,
            in_draw: true,
            work: None,
        }
    }

    pub(super) fn gone(&self, now: Timestamp) -> Outcome {
        let status = Status {
            state: State::Left,
            reason: None,
            ..self.joining(now, Reason::Joining)
        };
        Outcome::Held(Held {
            status,
            ticket: TicketChange::Drop,
        })
    }
}
