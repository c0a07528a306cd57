//! How long a visit lasts: the session of the moment, what the origin says of a visit, and how it is counted.

use std::time::Duration;

use policies::{
    admission::{Admission, Session},
    schedule::Schedule,
};

use super::{Outcome, Room, Visit, locate::Located};
use crate::{
    bits::Bits,
    counts::Event,
    presence::{CLOCK_SKEW, Epochs, Trace},
    snapshot::AFTERLIFE,
    token::{Pass, Ticket, TokenText},
    value::{Moment, Number, Timestamp},
};

/// Most epochs in which a live pass can have been recorded: each is read with every tick.
const MOST_EPOCHS: u32 = 64;
/// A short session is cut in so many epochs.
const EPOCHS: u32 = 8;

/// How visits are counted: every pass is recorded so long before its end, whatever its own length, so that it drops
/// out of the count when it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visits {
    /// The longest a pass of this room may last from now on.
    longest: Duration,
    /// How long after its end a pass may matter: where one can end while its call is still remembered.
    memory: Option<Duration>,
    pub(super) epochs: Epochs,
}

impl Visits {
    pub(super) fn of(rules: &Admission, schedule: &Schedule) -> Self {
        let everyday = rules.session();
        let events = schedule.events().iter().filter_map(|event| event.ttl);
        let (mut shortest, mut longest) = (everyday.ttl(), everyday.ttl());
        for ttl in events {
            (shortest, longest) = (shortest.min(ttl), longest.max(ttl));
        }
        let longest = longest.max(everyday.hold());
        let memory = rules.call_grace() + AFTERLIFE;
        let memory = (shortest < memory).then_some(memory);
        let span = longest + memory.unwrap_or_default();
        let length = (shortest / EPOCHS).max(span / MOST_EPOCHS);
        Self {
            longest,
            memory,
            epochs: Epochs::of_length(length),
        }
    }

    /// When a pass that ends then is recorded: never later than now, or it would not count yet.
    pub(super) fn recorded(&self, ends: Timestamp, now: Timestamp) -> Timestamp {
        ends.minus(self.longest).min(now)
    }

    /// The same, but as long as passes of the rules before may last: those are good to their end.
    pub(super) fn succeeding(self, before: &Self) -> Self {
        let longest = self.longest.max(before.longest);
        let length = self.epochs.length().max(longest / MOST_EPOCHS);
        Self {
            longest,
            epochs: Epochs::of_length(length),
            ..self
        }
    }

    /// The longest that any pass lasts.
    pub(super) fn longest(&self) -> Duration {
        self.longest
    }

    /// The epochs that hold every pass that is good at `now`.
    pub(super) fn alive(&self, now: Timestamp) -> Vec<u64> {
        self.epochs.within(&self.epochs.alive(now, self.longest))
    }

    /// The epochs before these, as far as a pass in them may have been called recently.
    pub(super) fn ended(&self, now: Timestamp) -> Vec<u64> {
        let Some(memory) = self.memory else {
            return Vec::new();
        };
        let alive = *self.epochs.alive(now, self.longest).start();
        let last = self.epochs.before(alive, 1);
        let first = self.epochs.at(Timestamp(alive).minus(memory));
        self.epochs.within(&(first..=last))
    }

    /// How long an epoch is asked for.
    pub(super) fn keep(&self) -> Duration {
        let memory = self.memory.unwrap_or_default();
        self.longest + memory + self.epochs.length() * 2 + 2 * CLOCK_SKEW
    }
}

impl Room {
    /// The session of the moment: the everyday one, or the event's.
    pub(super) fn session(&self, now: Timestamp) -> Session {
        let inner = &self.inner;
        inner.schedule.at(now.0).admission(&inner.rules).session()
    }

    pub(super) fn visit(&self, pass: Pass) -> Visit {
        let bound = self.bound;
        Visit { pass, bound }
    }

    /// Counts a visit until it ends.
    pub(super) fn count_visit(&self, number: Number, ends: Timestamp, now: Timestamp) {
        let inner = &self.inner;
        let recorded = inner.visits.recorded(ends, now);
        inner.activity.record(number, recorded);
    }

    /// Whether the visit of somebody who came in is over, though the call is still open: its seat was given on. Asked
    /// only for a second claim of one ticket.
    pub(super) async fn visit_is_over(&self, number: Number, now: Timestamp) -> bool {
        let visits = &self.inner.visits;
        let ended = visits.ended(now);
        if ended.is_empty() {
            return false;
        }
        let of = |epochs: Vec<u64>| epochs.into_iter().map(|epoch| (Trace::Activity, epoch));
        let alive: Vec<_> = of(visits.alive(now)).collect();
        let epochs: Vec<_> = alive.iter().copied().chain(of(ended)).collect();
        let Ok(read) = self.inner.store.traces(&epochs).await else {
            return true;
        };
        let (alive, ended) = read.split_at(alive.len());
        let recorded = |in_epochs: &[Bits]| in_epochs.iter().any(|bits| bits.has(number));
        !recorded(alive) && recorded(ended)
    }

    /// The ticket is spent: a new number.
    pub(super) async fn once_more(&self, ticket: &Ticket, at: Moment) -> Outcome {
        match self.number_after(ticket, at).await {
            Located::InLine(seat) => self.tell(seat, at),
            Located::Nowhere(held) => Outcome::Held(held),
            Located::Inside(pass) => self.admit(pass, at.now).await,
        }
    }

    /// The origin says that this visit is not over before `until`, since a payment is on its way: the pass lasts at
    /// least so long, and never longer than the rules' `hold` from now. `None` if it does so already, or has ended.
    pub async fn hold(
        &self,
        Visit { pass, bound }: &Visit,
        until: Timestamp,
        now: Timestamp,
    ) -> Option<(TokenText, Timestamp)> {
        let inner = &self.inner;
        let expires_at = until.min(now.plus(inner.rules.session().hold()));
        if expires_at <= pass.expires_at || pass.expires_at <= now || self.has_left(pass.number) {
            return None;
        }
        inner.heirlooms.counts.add(Event::Extended);
        self.count_visit(pass.number, expires_at, now);
        self.keep_activity(now).await;
        let longer = Pass {
            expires_at,
            ..*pass
        };
        Some((inner.seal.pass_for(&longer, bound.as_ref()), expires_at))
    }

    /// The origin says that this visit is over: its seat is free with the next tick. Kept and said again until the
    /// store has taken it.
    pub fn release(&self, number: Number) {
        self.inner.heirlooms.counts.add(Event::Released);
        self.inner.released.lock().push(number);
    }
}
