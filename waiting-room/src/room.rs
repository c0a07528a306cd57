//! A room: the verbs a gateway uses. Everything else in this crate serves them.
//!
//! A [`Room`] is a cheap handle for request threads. Reading where a visitor stands touches no lock and
//! no store: it verifies a token, looks into the newest [`Snapshot`] and signs an answer. Only taking a
//! number, coming in and leaving ask the store. The [`Driver`] keeps the snapshot new and, when it
//! wins, ticks; its owner calls [`Driver::step`] about four times a second.

mod driver;
mod join;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use policies::admission::{Admission, Renewal};

pub use driver::{Driver, Stepped};

use crate::{
    controller::MINUTE,
    counts::{Counts, Event},
    presence::{CLOCK_SKEW, Epochs, Recorder, Trace},
    snapshot::{Place, Snapshot},
    status::{self, Reason, State, Status},
    store::{GatewayId, Mark, RoomStore, Was},
    token::{Challenge, Claimant, Pass, Seal, Ticket, TokenText},
    value::{Moment, Number, Timestamp},
};
use join::Joins;

/// A snapshot older than this is called stale: eight missed ticks.
const STALE_AFTER: Duration = Duration::from_secs(2);
/// A challenge is good this long: a visitor who opened the page and fell asleep joins on return.
const CHALLENGE_LIFE: Duration = Duration::from_secs(24 * 3_600);

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

/// What a room is made of.
#[derive(Debug)]
pub struct Parts {
    /// Who may come in, and how fast.
    pub rules: Admission,
    /// Signs and verifies this room's tokens.
    pub seal: Seal,
    /// The shared memory.
    pub store: Arc<dyn RoomStore>,
    /// This process.
    pub gateway: GatewayId,
}

/// A room's figures at one moment, for metrics and operators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Visitors in the line who count, and late comers who are there.
    pub waiting: u32,
    /// Seats taken by people inside or by open calls.
    pub occupied: u64,
    /// Seats reserved for numbers to come.
    pub reserved: u64,
    /// Calls in the last sixty seconds.
    pub called_last_minute: u64,
    /// Age of the picture these come from, in milliseconds.
    pub snapshot_age_ms: u64,
}

/// A handle to a room; clones are the same room.
#[derive(Clone, Debug)]
pub struct Room {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    rules: Admission,
    seal: Seal,
    store: Arc<dyn RoomStore>,
    gateway: GatewayId,
    snapshot: ArcSwapOption<Snapshot>,
    presence: Recorder,
    activity: Recorder,
    activity_epochs: Epochs,
    joins: Joins,
    /// The store session in which numbers may be taken; 0 while the store is doubted.
    settled: AtomicU64,
    /// The highest number this gateway knows to be given out, plus one.
    highest: AtomicU64,
    /// The store gave out a number that was given out before.
    doubt: AtomicBool,
    counts: Counts,
}

impl Room {
    /// A room and its driver. Until the driver has stepped, visitors hold challenges and wait.
    #[must_use]
    pub fn new(parts: Parts) -> (Self, Driver) {
        let Parts {
            rules,
            seal,
            store,
            gateway,
        } = parts;
        let (presence, activity) = (Epochs::of_presence(&rules), Epochs::of_activity(&rules));
        let presence_keep = rules.absent_after() * 3 + 2 * CLOCK_SKEW;
        let activity_keep = rules.session().ttl() * 5 / 4 + 2 * CLOCK_SKEW;
        let inner = Arc::new(Inner {
            presence: Recorder::new(Trace::Presence, presence, presence_keep),
            activity: Recorder::new(Trace::Activity, activity, activity_keep),
            activity_epochs: activity,
            rules,
            seal,
            store,
            gateway,
            snapshot: ArcSwapOption::empty(),
            joins: Joins::default(),
            settled: AtomicU64::new(0),
            highest: AtomicU64::new(0),
            doubt: AtomicBool::new(false),
            counts: Counts::default(),
        });
        (
            Self {
                inner: Arc::clone(&inner),
            },
            Driver::new(inner),
        )
    }

    /// A request to the protected part. Whoever was called comes in by this very request: it is the
    /// visible act of a visitor without JavaScript.
    pub async fn enter(&self, presented: Presented<'_>, at: Moment) -> Outcome {
        match self.identify(presented, at.now) {
            Visitor::Guest(pass) => self.admit(pass, at.now),
            Visitor::Holder(ticket) => match self.place(&ticket, at.now) {
                Place::Called { .. } | Place::Claimed { .. } => self.come_in(ticket, at).await,
                place => self.wait(ticket, place, at).await,
            },
            Visitor::Returned(challenge) => self.join(challenge, at).await,
            Visitor::Stranger => self.challenge(at),
        }
    }

    /// Where a visitor stands. A poll: no store call once there is a number.
    pub async fn status(&self, presented: Presented<'_>, at: Moment) -> Outcome {
        match self.identify(presented, at.now) {
            Visitor::Guest(pass) => self.admit(pass, at.now),
            Visitor::Holder(ticket) => {
                let place = self.place(&ticket, at.now);
                self.wait(ticket, place, at).await
            }
            Visitor::Returned(challenge) => self.join(challenge, at).await,
            Visitor::Stranger => self.challenge(at),
        }
    }

    /// A called visitor comes in. Exactly once: the same ticket gets in again only within the same
    /// call, and is the same visitor.
    pub async fn claim(&self, presented: Presented<'_>, at: Moment) -> Outcome {
        self.enter(presented, at).await
    }

    /// Gives the place or the seat back.
    pub async fn leave(&self, presented: Presented<'_>, at: Moment) -> Outcome {
        let number = match self.identify(presented, at.now) {
            Visitor::Guest(pass) => pass.number,
            Visitor::Holder(ticket) => ticket.number,
            Visitor::Returned(_) | Visitor::Stranger => return self.gone(at.now),
        };
        match self.inner.store.mark(Mark::Left, number).await {
            Ok(_) => self.inner.counts.add(Event::Left),
            Err(_) => self.inner.counts.add(Event::StoreFailed),
        }
        self.gone(at.now)
    }

    /// The room's counters.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.inner.counts
    }

    /// The newest picture, if the store was ever read.
    #[must_use]
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.inner.snapshot.load_full()
    }

    /// The room's figures at `now`.
    #[must_use]
    pub fn gauges(&self, now: Timestamp) -> Gauges {
        let Some(snapshot) = self.snapshot() else {
            return Gauges::default();
        };
        let recent = snapshot
            .line
            .batches
            .iter()
            .filter(|batch| now < batch.at.plus(MINUTE));
        Gauges {
            waiting: snapshot.waiting_total(),
            occupied: snapshot.occupied(now),
            reserved: snapshot.line.ahead(snapshot.next),
            called_last_minute: recent.map(|batch| u64::from(batch.calls)).sum(),
            snapshot_age_ms: crate::value::millis(now.since(snapshot.read_at)),
        }
    }

    fn identify(&self, presented: Presented<'_>, now: Timestamp) -> Visitor {
        let inner = &self.inner;
        if let Some(text) = presented.pass {
            match inner.seal.read_pass(text, now) {
                Ok(pass) if self.has_left(pass.number) => {}
                Ok(pass) => return Visitor::Guest(pass),
                Err(error) => inner.counts.bad_token(error),
            }
        }
        let Some(text) = presented.ticket else {
            return Visitor::Stranger;
        };
        match inner.seal.read_claimant(text) {
            Ok(Claimant::Ticket(ticket)) => Visitor::Holder(ticket),
            Ok(Claimant::Challenge(challenge)) if is_fresh(&challenge, now) => {
                Visitor::Returned(challenge)
            }
            Ok(Claimant::Challenge(_)) => {
                inner.counts.bad_token(crate::token::TokenError::Expired);
                Visitor::Stranger
            }
            Err(error) => {
                inner.counts.bad_token(error);
                Visitor::Stranger
            }
        }
    }

    fn has_left(&self, number: Number) -> bool {
        self.inner
            .snapshot
            .load()
            .as_ref()
            .is_some_and(|seen| seen.marks.left.has(number))
    }

    fn place(&self, ticket: &Ticket, now: Timestamp) -> Place {
        let snapshot = self.inner.snapshot.load();
        let Some(snapshot) = snapshot.as_ref() else {
            // Nothing is known yet: the ticket is worth what it last said.
            return Place::Waiting {
                ahead: ticket.shown_ahead,
                behind: 0,
            };
        };
        // While the store is lost nobody can come in, so calls do not run out either.
        let now = now.min(snapshot.read_at.plus(STALE_AFTER));
        snapshot.place(ticket, now, self.inner.rules.call_grace())
    }

    fn admit(&self, pass: Pass, now: Timestamp) -> Outcome {
        let renewed = self.renew(&pass, now);
        let current = renewed.unwrap_or(pass);
        Outcome::Admitted(Admitted {
            number: current.number,
            expires_at: current.expires_at,
            pass: renewed.map(|pass| self.inner.seal.pass(&pass)),
            ticket: TicketChange::Keep,
        })
    }

    /// A pass is renewed once per activity epoch: often enough that an active visitor never runs out,
    /// seldom enough that most answers set no cookie.
    fn renew(&self, pass: &Pass, now: Timestamp) -> Option<Pass> {
        let inner = &self.inner;
        let session = inner.rules.session();
        let epochs = inner.activity_epochs;
        let due = epochs.at(pass.issued_at) != epochs.at(now);
        if session.renewal() == Renewal::Never || !due || now < pass.issued_at {
            return None;
        }
        inner.activity.record(pass.number, now);
        inner.counts.add(Event::Renewed);
        Some(Pass {
            issued_at: now,
            expires_at: now.plus(session.ttl()),
            ..*pass
        })
    }

    async fn come_in(&self, ticket: Ticket, at: Moment) -> Outcome {
        let inner = &self.inner;
        let Ok(was) = inner.store.mark(Mark::Claimed, ticket.number).await else {
            inner.counts.add(Event::StoreFailed);
            let place = self.place(&ticket, at.now);
            let status = Status {
                reason: Some(Reason::StoreLost),
                ..self.told(&ticket, place, at)
            };
            // A number taken by this very request must reach its holder all the same.
            let ticket = TicketChange::Set(inner.seal.ticket(&ticket));
            return Outcome::Held(Held { status, ticket });
        };
        inner.counts.add(match was {
            Was::Unset => Event::Claimed,
            Was::Set => Event::ClaimedAgain,
        });
        inner.activity.record(ticket.number, at.now);
        let pass = Pass {
            line: ticket.line,
            number: ticket.number,
            issued_at: at.now,
            expires_at: at.now.plus(inner.rules.session().ttl()),
            secret: ticket.secret,
        };
        Outcome::Admitted(Admitted {
            number: pass.number,
            expires_at: pass.expires_at,
            pass: Some(inner.seal.pass(&pass)),
            ticket: TicketChange::Drop,
        })
    }

    async fn wait(&self, ticket: Ticket, place: Place, at: Moment) -> Outcome {
        match place {
            Place::Void | Place::Spent | Place::Missed | Place::Left => {
                self.rejoin(ticket, at).await
            }
            // Every free seat is reserved for numbers to come: a late comer is served soonest by
            // taking one of those.
            Place::Late { .. } if self.only_reserved_seats() => self.rejoin(ticket, at).await,
            Place::Waiting { .. }
            | Place::Late { .. }
            | Place::Called { .. }
            | Place::Claimed { .. } => self.poll(ticket, place, at),
        }
    }

    fn poll(&self, ticket: Ticket, place: Place, at: Moment) -> Outcome {
        let inner = &self.inner;
        inner.counts.add(Event::Polled);
        if at.now.plus(status::POLL_SLACK) < ticket.next_poll_at && !is_call(place) {
            inner.counts.add(Event::PolledEarly);
            let status = self.told_early(&ticket, place, at);
            return Outcome::Held(Held {
                status,
                ticket: TicketChange::Keep,
            });
        }
        inner.presence.record(ticket.number, at.now);
        let status = self.told(&ticket, place, at);
        let ticket = Ticket {
            next_poll_at: at.now.plus(status.poll_after),
            shown_ahead: status.ahead.unwrap_or(ticket.shown_ahead),
            ..ticket
        };
        Outcome::Held(Held {
            status,
            ticket: TicketChange::Set(inner.seal.ticket(&ticket)),
        })
    }

    fn told_early(&self, ticket: &Ticket, place: Place, at: Moment) -> Status {
        Status {
            ahead: Some(ticket.shown_ahead),
            poll_after: ticket.next_poll_at.since(at.now),
            ..self.told(ticket, place, at)
        }
    }

    fn told(&self, ticket: &Ticket, place: Place, at: Moment) -> Status {
        let snapshot = self.inner.snapshot.load();
        let read_at = snapshot.as_ref().map_or(at.now, |seen| seen.read_at);
        let pace = snapshot
            .as_ref()
            .map(|seen| seen.line.pace)
            .unwrap_or_default();
        let stale = at.now > read_at.plus(STALE_AFTER) || snapshot.is_none();
        let mut status = Status {
            state: State::Waiting,
            reason: stale.then_some(Reason::StoreLost),
            ahead: None,
            behind: None,
            eta: None,
            poll_after: status::POLL_CALLED,
            code: Some(ticket.code()),
            claim_until: None,
            updated_at: read_at,
        };
        let (ahead, behind) = match place {
            Place::Waiting { ahead, behind } => (ahead, Some(behind)),
            Place::Late { ahead } => {
                status.reason = status.reason.or(Some(Reason::LateLane));
                (ahead, None)
            }
            Place::Called { until } | Place::Claimed { until } => {
                status.state = State::Called;
                status.claim_until = Some(until);
                return status;
            }
            Place::Void | Place::Spent | Place::Missed | Place::Left => return status,
        };
        // What was shown once is never taken back: not even by a gateway that knows less.
        let ahead = ahead.min(ticket.shown_ahead);
        status.ahead = Some(ahead);
        status.behind = behind;
        status.eta = if stale { None } else { pace.eta(ahead) };
        status.poll_after = status::poll_after(ahead, status.eta, &self.inner.rules, at.entropy);
        status
    }

    fn only_reserved_seats(&self) -> bool {
        let snapshot = self.inner.snapshot.load();
        let reserved =
            |seen: &Arc<Snapshot>| seen.line.spare == 0 && seen.line.ahead(seen.next) > 0;
        snapshot.as_ref().is_some_and(reserved)
    }

    fn challenge(&self, at: Moment) -> Outcome {
        self.inner.counts.add(Event::Challenged);
        let challenge = Challenge {
            issued_at: at.now,
            nonce: at.entropy,
        };
        // The page asks again at once, so that in an idle room nobody notices the second request.
        let status = Status {
            poll_after: Duration::ZERO,
            ..self.joining(at.now, Reason::Joining)
        };
        let ticket = TicketChange::Set(self.inner.seal.challenge(&challenge));
        Outcome::Held(Held { status, ticket })
    }

    async fn join(&self, challenge: Challenge, at: Moment) -> Outcome {
        self.number(challenge.nonce, None, at).await
    }

    async fn rejoin(&self, old: Ticket, at: Moment) -> Outcome {
        // The old secret names this arrival, so that two requests at once get one number.
        self.number(
            old.secret.rotate_left(1) ^ old.number.0,
            Some(Reason::NewNumber),
            at,
        )
        .await
    }

    async fn number(&self, nonce: u64, reason: Option<Reason>, at: Moment) -> Outcome {
        let inner = &self.inner;
        let Some(number) = Inner::take_number(inner, nonce, at.now).await else {
            inner.counts.add(Event::StoreFailed);
            let status = self.joining(at.now, Reason::StoreLost);
            return Outcome::Held(Held {
                status,
                ticket: TicketChange::Keep,
            });
        };
        let snapshot = inner
            .snapshot
            .load_full()
            .expect("numbers are only taken in a known line");
        let ticket = Ticket {
            line: snapshot.line.id,
            number,
            joined_at: at.now,
            next_poll_at: at.now,
            shown_ahead: u32::MAX,
            secret: nonce,
        };
        inner.presence.record(number, at.now);
        let place = self.place(&ticket, at.now);
        if is_call(place) {
            return self.come_in(ticket, at).await;
        }
        match self.poll(ticket, place, at) {
            Outcome::Held(held) if held.status.reason.is_none() => Outcome::Held(Held {
                status: Status {
                    reason,
                    ..held.status
                },
                ..held
            }),
            outcome => outcome,
        }
    }

    fn joining(&self, now: Timestamp, reason: Reason) -> Status {
        Status {
            state: State::Waiting,
            reason: Some(reason),
            ahead: None,
            behind: None,
            eta: None,
            poll_after: status::POLL_JOINING,
            code: None,
            claim_until: None,
            updated_at: now,
        }
    }

    fn gone(&self, now: Timestamp) -> Outcome {
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

/// Who a request comes from, as far as its tokens prove.
enum Visitor {
    Guest(Pass),
    Holder(Ticket),
    Returned(Challenge),
    Stranger,
}

fn is_call(place: Place) -> bool {
    matches!(place, Place::Called { .. } | Place::Claimed { .. })
}

fn is_fresh(challenge: &Challenge, now: Timestamp) -> bool {
    now < challenge.issued_at.plus(CHALLENGE_LIFE)
}

impl Inner {
    fn raise_highest(&self, next: Number) {
        self.highest.fetch_max(next.0, Ordering::AcqRel);
    }
}
