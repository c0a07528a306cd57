//! How long a visit lasts: the session of the moment, what the origin says of a visit, and how it is counted.

use std::time::Duration;

use policies::{
    admission::{Admission, Session},
    schedule::Schedule,
};

use super::Room;
use crate::{
    counts::Event,
    presence::{CLOCK_SKEW, Epochs},
    token::{Pass, TokenText},
    value::{Number, Timestamp},
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
        let length = (shortest / EPOCHS).max(longest / MOST_EPOCHS);
        Self {
            longest,
            epochs: Epochs::of_length(length),
        }
    }

    /// When a pass that ends then is recorded.
    pub(super) fn recorded(&self, ends: Timestamp) -> Timestamp {
        ends.minus(self.longest)
    }

    /// The epochs that hold every pass that is good at `now`.
    pub(super) fn alive(&self, now: Timestamp) -> Vec<u64> {
        self.epochs.within(&self.epochs.alive(now, self.longest))
    }

    /// How long an epoch is asked for.
    pub(super) fn keep(&self) -> Duration {
        self.longest + self.epochs.length() * 2 + 2 * CLOCK_SKEW
    }
}

impl Room {
    /// The session of the moment: the everyday one, or the event's.
    pub(super) fn session(&self, now: Timestamp) -> Session {
        let inner = &self.inner;
        inner.schedule.at(now.0).admission(&inner.rules).session()
    }

    /// Counts a visit until it ends.
    pub(super) fn count_visit(&self, number: Number, ends: Timestamp) {
        let inner = &self.inner;
        inner.activity.record(number, inner.visits.recorded(ends));
    }

    /// The origin says that this visit is not over before `until`, since a payment is on its way: the pass lasts at
    /// least so long, and never longer than the rules' `hold` from now. `None` if it does so already, or has ended.
    pub async fn hold(
        &self,
        pass: &Pass,
        until: Timestamp,
        now: Timestamp,
    ) -> Option<(TokenText, Timestamp)> {
        let inner = &self.inner;
        let expires_at = until.min(now.plus(inner.rules.session().hold()));
        if expires_at <= pass.expires_at || pass.expires_at <= now || self.has_left(pass.number) {
            return None;
        }
        inner.counts.add(Event::Extended);
        self.count_visit(pass.number, expires_at);
        self.keep_activity(now).await;
        let longer = Pass {
            expires_at,
            ..*pass
        };
        Some((inner.seal.pass(&longer), expires_at))
    }

    /// The origin says that this visit is over: its seat is free with the next tick. Kept and said again until the
    /// store has taken it.
    pub fn release(&self, number: Number) {
        self.inner.counts.add(Event::Released);
        self.inner.released.lock().push(number);
    }
}
