//! How long a visit lasts: the session of the moment, what the origin says of a visit, and how it is counted.

use std::{collections::BTreeMap, ops::Bound, time::Duration};

use policies::{
    admission::{Admission, Renewal, Session},
    schedule::Schedule,
};

use super::{Client, Inner, Outcome, Room, Visit, locate::Located};
use crate::{
    counts::Event,
    presence::{CLOCK_SKEW, ChunkWrite, Epochs, Trace},
    snapshot::AFTERLIFE,
    store::{Epoch, Head},
    token::{Pass, Ticket, TokenText},
    value::{Moment, Number, Timestamp},
};

/// Most epochs of a length in which a live pass can have been recorded: each is read with every tick.
const MOST_EPOCHS: u32 = 64;
/// A short session is cut in so many epochs.
const EPOCHS: u32 = 8;

/// How visits are counted: every pass is recorded in the epoch in which it ends, so that it drops out of the count then.
/// An epoch is named by its own end, which says all there is to know of it: gateways whose rules cut time otherwise read
/// each other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Visits {
    /// The longest a pass of this room may last from now on.
    longest: Duration,
    /// How long after its end a pass matters: whoever came in by a call that is still remembered is counted unless their
    /// visit is known to be over.
    memory: Duration,
    /// A visit that ends within this is counted in short epochs.
    near: Duration,
    short: Epochs,
    /// One that the origin holds for hours, or of an event with other sessions, in long ones.
    long: Epochs,
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
        let cut = |span: Duration| {
            Epochs::of_length((shortest / EPOCHS).max((span + memory) / MOST_EPOCHS))
        };
        Self {
            longest,
            memory,
            near: shortest,
            short: cut(shortest),
            long: cut(longest),
        }
    }

    /// The epoch in which a pass ends that is good before `ends`, seen from `now`.
    pub(super) fn recorded(&self, ends: Timestamp, now: Timestamp) -> u64 {
        let epochs = match ends.since(now) <= self.near {
            true => self.short,
            false => self.long,
        };
        let last = Timestamp(ends.0.saturating_sub(1));
        Timestamp(epochs.at(last)).plus(epochs.length()).0
    }

    /// The same, but passes of the rules before are good to their end.
    pub(super) fn succeeding(self, before: &Self) -> Self {
        let longest = self.longest.max(before.longest);
        Self { longest, ..self }
    }

    /// The longest that any pass lasts.
    pub(super) fn longest(&self) -> Duration {
        self.longest
    }

    /// How long after its end an epoch is asked for.
    pub(super) fn keep(&self) -> Duration {
        self.memory + 2 * CLOCK_SKEW
    }
}

/// How a visit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VisitNow {
    /// Its seat was given on.
    Over,
    /// It goes on, about until then.
    Until(Timestamp),
    /// Nobody has written it down: whoever let it in died before that.
    Unknown,
}

/// The epochs in which the fleet counts visits: the end of each, and until when it is asked for.
#[derive(Debug, Default)]
pub(super) struct Visited(BTreeMap<u64, Timestamp>);

impl Visited {
    pub(super) fn listed(head: &Head) -> Self {
        Self(head.visits.clone())
    }

    /// Those that hold every pass that is good at `now`.
    pub(super) fn alive(&self, now: Timestamp) -> impl Iterator<Item = Epoch> + '_ {
        let ended = now.minus(CLOCK_SKEW).0;
        let alive = self.0.range((Bound::Excluded(ended), Bound::Unbounded));
        alive.map(|(epoch, _)| (Trace::Activity, *epoch))
    }

    /// Those before these, as long as a pass in them may have been called recently.
    pub(super) fn ended(&self, now: Timestamp) -> impl Iterator<Item = Epoch> + '_ {
        let ended = self.0.range(..=now.minus(CLOCK_SKEW).0);
        ended.map(|(epoch, _)| (Trace::Activity, *epoch))
    }

    /// Those that nobody asks for any more.
    pub(super) fn over(&self, now: Timestamp) -> Vec<u64> {
        let over = self.0.iter().filter(|(_, until)| **until < now);
        over.map(|(epoch, _)| *epoch).collect()
    }

    /// Nothing is kept for a shorter time than another gateway asks for, nor than `called`: as long as calls are remembered.
    pub(super) fn keep(&self, writes: &mut [ChunkWrite], called: Timestamp) {
        let visits = |write: &&mut ChunkWrite| write.trace == Trace::Activity;
        for write in writes.iter_mut().filter(visits) {
            let listed = self.0.get(&write.epoch).copied();
            write.until = write.until.max(listed.unwrap_or_default()).max(called);
        }
    }
}

impl Inner {
    /// Whether the fleet counted this number as inside when its visits were read last.
    pub(super) fn is_inside(&self, number: Number, now: Timestamp) -> bool {
        let ended = now.minus(CLOCK_SKEW).0;
        let active = self.active.load();
        let mut alive = active.iter().filter(|(epoch, _)| ended < *epoch);
        alive.any(|(_, bits)| bits.has(number))
    }

    /// Until when about a pass of this number is good at the least, by what this gateway wrote or has read.
    fn surely_inside_until(&self, number: Number, now: Timestamp) -> Option<Timestamp> {
        let active = self.active.load();
        let read = active.iter().filter(|(_, bits)| bits.has(number));
        let read = read.map(|(epoch, _)| *epoch).max();
        let ends = read.max(self.activity.last_of(number))?;
        (now.0 < ends).then_some(Timestamp(ends))
    }
}

impl Inner {
    /// Until when about the fleet counts this number, by what was read of it.
    fn counted_until(&self, number: Number, now: Timestamp) -> Option<Timestamp> {
        let active = self.active.load();
        let counted = active.iter().filter(|(_, bits)| bits.has(number));
        let last = counted.map(|(epoch, _)| Timestamp(*epoch)).max();
        last.filter(|last| now < *last)
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
        inner
            .activity
            .record(number, inner.visits.recorded(ends, now), now);
    }

    /// How the visit of somebody who came in before stands: its seat may have been given on, though the call is still open.
    /// Asked only for a second claim of one ticket.
    pub(super) async fn visit_of(&self, number: Number, now: Timestamp) -> VisitNow {
        // What is known for sure needs no store.
        if let Some(ends) = self.inner.surely_inside_until(number, now) {
            return VisitNow::Until(ends);
        }
        let visited = self.inner.visited.load();
        let alive: Vec<Epoch> = visited.alive(now).collect();
        let epochs: Vec<Epoch> = alive.iter().copied().chain(visited.ended(now)).collect();
        let Ok(read) = self.inner.store.traces(&epochs).await else {
            return VisitNow::Over;
        };
        let recorded = epochs.iter().zip(&read);
        let recorded = recorded.filter(|(_, bits)| bits.has(number));
        let last = recorded.map(|((_, epoch), _)| *epoch).max();
        match last {
            None => VisitNow::Unknown,
            Some(ends) if alive.contains(&(Trace::Activity, ends)) => {
                VisitNow::Until(Timestamp(ends))
            }
            Some(_) => VisitNow::Over,
        }
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
        self.count_visit(pass.number, expires_at, now);
        if !self.keep_activity(now).await {
            return None;
        }
        inner.heirlooms.counts.add(Event::Extended);
        let longer = Pass {
            expires_at,
            ..*pass
        };
        Some((inner.seal.pass_for(&longer, bound.as_ref()), expires_at))
    }

    /// Whoever is inside until `ends` is still there, by a stream that is open: counted for another session where activity
    /// renews it. Until when, or `None` if the visit is over.
    pub async fn stay(&self, number: Number, ends: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let inner = &self.inner;
        // Other requests may have renewed it.
        let known = inner.counted_until(number, now).max(Some(ends));
        let known = known.filter(|known| now < *known && !self.has_left(number))?;
        let session = self.session(now);
        let longer = now.plus(session.ttl());
        if session.renewal() == Renewal::Never || longer <= known {
            return Some(known);
        }
        self.count_visit(number, longer, now);
        let is_kept = self.keep_activity(now).await || self.is_thrown_open(now);
        Some(if is_kept { longer } else { known })
    }

    /// Whether a pass that has run out is of a visit that goes on: by a stream, which cannot be given a new pass.
    pub(super) fn goes_on(&self, pass: &Pass, now: Timestamp) -> bool {
        let inner = &self.inner;
        let counted = inner.visits.recorded(pass.expires_at, pass.issued_at);
        let is_longer = inner.counted_until(pass.number, now) > Some(Timestamp(counted));
        is_longer && self.session(now).renewal() == Renewal::OnActivity
    }

    /// The origin says that this visit is over: its seat is free with the next tick. Kept and said again until the
    /// store has taken it.
    pub fn release(&self, number: Number) {
        self.inner.heirlooms.counts.add(Event::Released);
        self.inner.heirlooms.released.lock().push(number);
    }
}

#[cfg(test)]
mod tests {
    use policies::admission::Spec;
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp(1_790_000_000_000);

    #[test]
    fn nothing_is_kept_for_less_than_another_gateway_asks() {
        let (soon, late) = (Timestamp(70), Timestamp(90));
        let write = |trace, epoch| ChunkWrite {
            trace,
            epoch,
            chunk: 0,
            bytes: [0; crate::bits::CHUNK_BYTES],
            until: soon,
        };
        let mut writes = [
            write(Trace::Activity, 50),
            write(Trace::Activity, 60),
            write(Trace::Presence, 50),
        ];
        Visited([(50, late), (60, Timestamp(65))].into()).keep(&mut writes, Timestamp(80));
        let called = Timestamp(80);
        assert_eq!(writes.map(|write| write.until), [late, called, soon]);
    }

    proptest! {
        /// By every clock of the fleet a pass counts until it ends, and not for long after that.
        #[test]
        fn a_pass_is_counted_for_its_whole_life_and_a_little(
            ttl in 2_u64..7_200, grace in 15_u64..600, part in 0.0..1.0_f64, written in 0_u64..7_200_000,
            hold in 1_u32..12,
        ) {
            let rules = Admission::new(Spec {
                active: Some(1),
                ttl: Duration::from_secs(ttl),
                hold: Some(Duration::from_secs(ttl) * hold),
                call_grace: Duration::from_secs(grace),
                ..Spec::default()
            });
            let visits = Visits::of(&rules.expect("valid"), &Schedule::default());
            let clock = CLOCK_SKEW / 2;
            let now = START.plus(Duration::from_millis(written));
            let ends = now.plus(visits.longest.mul_f64(part) + Duration::from_millis(1));
            let is_near = ends.since(now) <= Duration::from_secs(ttl);
            let length = if is_near { visits.short } else { visits.long }.length();
            let epoch = visits.recorded(ends, now);
            // A session is cut in eight, however long the origin may hold one, unless the grace is much longer.
            let most = Duration::from_secs(ttl) / EPOCHS;
            prop_assert!(!is_near || length <= most.max((Duration::from_secs(ttl) + visits.memory) / MOST_EPOCHS) + Duration::from_millis(1));
            let until = Timestamp(epoch).plus(visits.keep());
            let listed = Visited([(epoch, until)].into());
            for at in [now, now.plus(ends.since(now) / 2), ends.minus(Duration::from_millis(1))] {
                for clock in [at.minus(clock), at.plus(clock)] {
                    prop_assert_eq!(listed.alive(clock).count(), 1);
                    prop_assert!(listed.over(clock).is_empty());
                }
            }
            let over = ends.plus(length + 2 * CLOCK_SKEW);
            prop_assert_eq!(listed.alive(over).count(), 0);
            prop_assert_eq!(listed.ended(over).count(), 1);
            prop_assert!(listed.over(ends.plus(visits.memory)).is_empty());
        }
    }
}
