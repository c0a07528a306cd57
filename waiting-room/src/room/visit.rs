//! How long a visit lasts: the session of the moment, what the origin says of a visit, and how it is counted.

use std::time::Duration;

use policies::{
    admission::{Admission, Session},
    schedule::Schedule,
};

use super::{Client, Inner, Outcome, Room, Visit, locate::Located};
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

/// How visits are counted: every pass is recorded in the epoch in which it ends, so that it drops out of the count then,
/// also where the rules that cut the epochs are other ones by that time. An epoch is named by its own end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    /// The name of the epoch in which a pass ends that is good before `ends`.
    pub(super) fn recorded(&self, ends: Timestamp) -> Timestamp {
        let last = Timestamp(ends.0.saturating_sub(1));
        Timestamp(self.epochs.at(last)).plus(self.epochs.length())
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
        self.epochs
            .within(&(self.first_alive(now)..=self.last_alive(now)))
    }

    /// The epochs before these, as far as a pass in them may have been called recently.
    pub(super) fn ended(&self, now: Timestamp) -> Vec<u64> {
        let Some(memory) = self.memory else {
            return Vec::new();
        };
        let alive = self.first_alive(now);
        let last = self.epochs.before(alive, 1);
        let first = self.epochs.at(Timestamp(alive).minus(memory));
        self.epochs.within(&(first..=last))
    }

    fn first_alive(&self, now: Timestamp) -> u64 {
        self.recorded(now.minus(CLOCK_SKEW)).0
    }

    fn last_alive(&self, now: Timestamp) -> u64 {
        self.recorded(now.plus(self.longest + CLOCK_SKEW)).0
    }

    /// How long an epoch is asked for.
    pub(super) fn keep(&self) -> Duration {
        let memory = self.memory.unwrap_or_default();
        self.longest + memory + self.epochs.length() * 2 + 2 * CLOCK_SKEW
    }
}

impl Inner {
    /// Whether the fleet counted this number as inside when its visits were read last.
    pub(super) fn is_inside(&self, number: Number) -> bool {
        self.active.load().iter().any(|(_, bits)| bits.has(number))
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
    pub(super) fn count_visit(&self, number: Number, ends: Timestamp) {
        let inner = &self.inner;
        inner.activity.record(number, inner.visits.recorded(ends));
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

    /// The ticket is spent: what a new number costs, or the number.
    pub(super) async fn once_more(
        &self,
        ticket: &Ticket,
        client: &Client<'_>,
        at: Moment,
    ) -> Outcome {
        match self.anew(ticket, client, at).await {
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
        self.count_visit(pass.number, expires_at);
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

#[cfg(test)]
mod tests {
    use policies::admission::Spec;
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp(1_790_000_000_000);

    proptest! {
        /// By every clock of the fleet a pass counts until it ends, and not for long after that.
        #[test]
        fn a_pass_is_counted_for_its_whole_life_and_a_little(
            ttl in 1_u64..7_200, grace in 15_u64..600, part in 0.0..1.0_f64, written in 0_u64..7_200_000,
        ) {
            let rules = Admission::new(Spec {
                active: Some(1),
                ttl: Duration::from_secs(ttl),
                call_grace: Duration::from_secs(grace),
                ..Spec::default()
            });
            let visits = Visits::of(&rules.expect("valid"), &Schedule::default());
            let (clock, length) = (CLOCK_SKEW / 2, visits.epochs.length());
            let now = START.plus(Duration::from_millis(written));
            let ends = now.plus(visits.longest.mul_f64(part) + Duration::from_millis(1));
            let epoch = visits.recorded(ends).0;
            prop_assert_eq!(visits.recorded(Timestamp(epoch)).0, epoch, "recorded again");
            for at in [now, now.plus(ends.since(now) / 2), ends.minus(Duration::from_millis(1))] {
                for clock in [at.minus(clock), at.plus(clock)] {
                    prop_assert!(visits.alive(clock).contains(&epoch));
                }
            }
            let over = ends.plus(length + 2 * CLOCK_SKEW);
            prop_assert!(!visits.alive(over).contains(&epoch));
            if let Some(memory) = visits.memory {
                prop_assert!(visits.ended(over).contains(&epoch) || memory < length + 2 * CLOCK_SKEW);
            }
        }
    }
}
