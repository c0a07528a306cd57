//! When the room last stood still: a time that counts against nobody, since nobody could be seen in it.

use std::time::Duration;

use crate::value::Timestamp;

/// The last time without ticks, because the store was lost or the fleet was down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// When it ended.
    pub ended_at: Timestamp,
    /// How long it was, with an earlier one that had hardly ended when it began.
    pub length: Duration,
}

impl Gap {
    /// After `length` more without a tick, up to `now`. An earlier gap is remembered with it where it ended less than
    /// `memory` before this one began.
    #[must_use]
    pub fn then(self, length: Duration, now: Timestamp, memory: Duration) -> Self {
        let began_at = now.minus(length);
        let is_near = self.ended_at > began_at.minus(memory);
        Self {
            ended_at: now,
            length: if is_near { self.length } else { Duration::ZERO }.saturating_add(length),
        }
    }

    /// How long visitors could be seen from `at` to `now`.
    #[must_use]
    pub fn seen_since(&self, at: Timestamp, now: Timestamp) -> Duration {
        let lost = match at < self.ended_at && self.ended_at <= now {
            true => self.length,
            false => Duration::ZERO,
        };
        now.since(at).saturating_sub(lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp(1_790_000_000_000 + seconds * 1_000)
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_came_before_a_gap_is_younger_by_its_length() {
        let gap = Gap::default().then(seconds(150), at(250), seconds(90));
        assert_eq!(gap.seen_since(at(91), at(260)), seconds(19));
        assert_eq!(gap.seen_since(at(250), at(260)), seconds(10));
        // A clock that was set back: the gap is still to come.
        assert_eq!(gap.seen_since(at(91), at(240)), seconds(149));
        assert_eq!(
            Gap::default().seen_since(at(91), at(260)),
            seconds(169),
            "there was none"
        );
    }

    #[test]
    fn a_gap_soon_after_another_lengthens_it() {
        let first = Gap::default().then(seconds(100), at(200), seconds(90));
        let near = first.then(seconds(50), at(300), seconds(90));
        assert_eq!(near.length, seconds(150));
        let far = first.then(seconds(50), at(400), seconds(90));
        assert_eq!(far.length, seconds(50));
    }
}
