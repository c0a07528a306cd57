//! How late polls reach this gateway.
//!
//! Who is overdue near the front is passed over. Where many are late the visitors are not to blame: their requests lie in
//! the queue of a machine that has too much to do, ours or one on the way. So they are expected as late as they have
//! come of late. And when that grows, those who were told before look overdue until they have come: meanwhile the fleet
//! shall miss this gateway as it misses one that has fallen silent.

use std::{
    array,
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use crate::{
    presence::{DUE_SLACK, LONGEST_DUE_SLACK},
    status::POLL_SOON,
    value::Timestamp,
};

/// Seconds by which a poll may be late. Nine in ten are to be within what is allowed.
const STEPS: [u64; 6] = [2, 3, 4, 6, 8, 12];
/// A poll later than this comes from somebody who was away: no queue lasts so long.
const AWAY: Duration = Duration::from_secs(30);
/// Of fewer nothing is said: some phones may have woken up together.
const FEW: u32 = 4;
/// Over how long the polls of a busy and of a quiet room are counted.
const WINDOW: Duration = Duration::from_secs(1);
const WINDOW_QUIET: Duration = Duration::from_secs(5);
/// What was allowed once is allowed so long, since load comes in waves.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Counts the polls of some seconds by how late they were. Lock-free; one atomic addition a poll.
#[derive(Debug)]
pub(super) struct Lateness {
    /// Polls within each step, but not the one before; behind them those beyond the last.
    counted: [AtomicU32; STEPS.len() + 1],
    since: AtomicU64,
    step: AtomicU32,
    /// When so much was needed last.
    needed_at: AtomicU64,
    behind_until: AtomicU64,
}

impl Default for Lateness {
    fn default() -> Self {
        Self {
            counted: array::from_fn(|_| AtomicU32::new(0)),
            since: AtomicU64::new(0),
            step: AtomicU32::new(0),
            needed_at: AtomicU64::new(0),
            behind_until: AtomicU64::new(0),
        }
    }
}

impl Lateness {
    /// Somebody was told to ask again at `due`, and does at `now`.
    pub(super) fn note(&self, due: Timestamp, now: Timestamp) {
        let late = now.since(due);
        if late <= AWAY {
            let step = STEPS.partition_point(|step| Duration::from_secs(*step) < late);
            self.counted[step].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How late the next poll may be.
    pub(super) fn slack(&self) -> Duration {
        let step = self.step.load(Ordering::Relaxed) as usize;
        STEPS
            .get(step)
            .map_or(LONGEST_DUE_SLACK, |step| Duration::from_secs(*step))
    }

    /// Whether what this gateway has heard says too little of who is there.
    pub(super) fn is_behind(&self, now: Timestamp) -> bool {
        now < Timestamp(self.behind_until.load(Ordering::Relaxed))
    }

    /// Looks at what was counted; to be called with every step.
    pub(super) fn judge(&self, now: Timestamp) {
        let counts = self
            .counted
            .each_ref()
            .map(|count| count.load(Ordering::Relaxed));
        let all: u32 = counts.iter().sum();
        let window = if all < FEW { WINDOW_QUIET } else { WINDOW };
        if now.since(Timestamp(self.since.load(Ordering::Relaxed))) < window {
            return;
        }
        self.since.store(now.0, Ordering::Relaxed);
        for (counted, count) in self.counted.iter().zip(counts) {
            counted.fetch_sub(count, Ordering::Relaxed);
        }
        if all >= FEW {
            self.allow(needed(&counts, all), now);
        }
    }

    fn allow(&self, needed: u32, now: Timestamp) {
        let step = self.step.load(Ordering::Relaxed);
        let needed_at = Timestamp(self.needed_at.load(Ordering::Relaxed));
        if needed >= step {
            self.needed_at.store(now.0, Ordering::Relaxed);
        }
        let is_beyond = needed as usize == STEPS.len();
        if needed > step || is_beyond {
            self.step.store(needed, Ordering::Relaxed);
            let until = now.plus(POLL_SOON);
            self.behind_until.store(until.0, Ordering::Relaxed);
        } else if needed < step && now.since(needed_at) > REMEMBERED {
            self.step.store(step - 1, Ordering::Relaxed);
            self.needed_at.store(now.0, Ordering::Relaxed);
        }
    }
}

/// The step within which nine in ten are.
fn needed(counts: &[u32], all: u32) -> u32 {
    let mut within = 0;
    let is_short = |count: &&u32| {
        within += **count;
        u64::from(within) * 10 < u64::from(all) * 9
    };
    counts.iter().take_while(is_short).count() as u32
}

const _: () = assert!(DUE_SLACK.as_secs() == STEPS[0]);
const _: () = assert!(LONGEST_DUE_SLACK.as_secs() == STEPS[STEPS.len() - 1]);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp(100_000 + seconds * 1_000)
    }

    /// A second of polls that came so many milliseconds late each.
    fn second(lateness: &Lateness, second: u64, late: &[u64]) {
        for late in late {
            let now = at(second);
            lateness.note(now.minus(Duration::from_millis(*late)), now);
        }
        lateness.judge(at(second));
    }

    fn after(late: &[u64]) -> (u64, bool) {
        let lateness = Lateness::default();
        lateness.judge(at(0));
        second(&lateness, 1, late);
        (lateness.slack().as_secs(), lateness.is_behind(at(1)))
    }

    #[test]
    fn visitors_are_expected_as_late_as_nine_in_ten_come() {
        assert_eq!(after(&[500; 20]), (2, false));
        assert_eq!(after(&[2_500; 4]), (3, true));
        let mut tail = vec![100; 17];
        tail.extend([5_000, 5_500, 7_000]);
        assert_eq!(after(&tail), (6, true));
        assert_eq!(after(&[20_000; 10]), (12, true), "and no longer than that");
    }

    #[test]
    fn a_few_sleepers_and_some_who_were_away_say_nothing() {
        assert_eq!(after(&[]), (2, false));
        assert_eq!(after(&[9_000; 3]), (2, false));
        assert_eq!(after(&[40_000; 50]), (2, false));
        let mut one_in_ten = vec![0; 18];
        one_in_ten.extend([9_000, 9_000]);
        assert_eq!(after(&one_in_ten), (2, false));
    }

    #[test]
    fn a_gateway_is_behind_while_it_gets_worse_and_believed_again_when_all_have_polled() {
        let lateness = Lateness::default();
        lateness.judge(at(0));
        for now in 1..=200 {
            second(&lateness, now, &[if now <= 20 { 5_000 } else { 100 }; 10]);
            assert_eq!(lateness.is_behind(at(now)), now < 16, "{now}");
            // One step back a minute.
            let slack = match now {
                0..=80 => 6,
                81..=141 => 4,
                _ => 3,
            };
            assert_eq!(lateness.slack().as_secs(), slack, "{now}");
        }
    }
}
