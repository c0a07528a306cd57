//! Whether polls reach this gateway when they are due.
//!
//! Who is overdue near the front is passed over. Where many are late the visitors are not to blame: their requests lie in
//! the queue of a machine that has too much to do, ours or one on the way. Then what this gateway has heard says too
//! little of who is there, and the fleet shall miss it as it misses one that has fallen silent.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use crate::{
    presence::DUE_SLACK,
    status::POLL_SOON,
    value::{Number, Timestamp},
};

/// A poll later than this comes from somebody who was away: no queue lasts so long.
const AWAY: Duration = Duration::from_secs(30);
/// Of fewer late ones nothing is said: some phones may have woken up together.
const FEW: u32 = 4;
/// More than one in so many is many. The others have the slack of the clocks and of the epochs.
const MANY: u32 = 10;
/// Over how long polls are counted.
const WINDOW: Duration = Duration::from_secs(1);
/// The same where they are too few to say anything.
const WINDOW_QUIET: Duration = Duration::from_secs(5);
/// By then everybody near the front has asked again.
const BEHIND_FOR: Duration = POLL_SOON;
/// Bits to know by who was counted in this window: a ticket shown again and again counts once. Where two numbers share a
/// bit the second is not counted, which does no harm to a share.
const VOTERS: usize = 16;

/// Counts the late polls of some seconds. Lock-free.
#[derive(Debug, Default)]
pub(super) struct Lateness {
    voters: [AtomicU64; VOTERS],
    all: AtomicU32,
    late: AtomicU32,
    since: AtomicU64,
    behind_until: AtomicU64,
}

impl Lateness {
    /// Somebody near the front was told to ask again at `due`, and does at `now`.
    pub(super) fn note(&self, number: Number, due: Timestamp, now: Timestamp) {
        let late = now.since(due);
        let word = &self.voters[(number.0 / 64) as usize % VOTERS];
        let bit = 1_u64 << (number.0 % 64);
        // Who has just joined was told nothing yet.
        if late > AWAY || due == now || word.fetch_or(bit, Ordering::Relaxed) & bit != 0 {
            return;
        }
        self.all.fetch_add(1, Ordering::Relaxed);
        if late > DUE_SLACK {
            self.late.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Looks at what was counted; to be called with every step of the driver.
    pub(super) fn judge(&self, now: Timestamp) {
        let few = self.all.load(Ordering::Relaxed) < FEW * MANY;
        let window = if few { WINDOW_QUIET } else { WINDOW };
        let late = self.late.load(Ordering::Relaxed);
        let is_many = late >= FEW && late > self.all.load(Ordering::Relaxed) / MANY;
        if is_many {
            self.fall_behind(now, BEHIND_FOR);
        }
        let since = Timestamp(self.since.load(Ordering::Relaxed));
        if is_many || now < since || now.since(since) >= window {
            self.since.store(now.0, Ordering::Relaxed);
            for counted in [&self.all, &self.late] {
                counted.store(0, Ordering::Relaxed);
            }
            for word in &self.voters {
                word.store(0, Ordering::Relaxed);
            }
        }
    }

    /// This gateway is behind for `length`, which is at most [`BEHIND_FOR`]; or for longer, if that was known.
    pub(super) fn fall_behind(&self, now: Timestamp, length: Duration) {
        let known = Timestamp(self.behind_until.load(Ordering::Relaxed));
        let until = match self.is_behind(now) {
            true => known.max(now.plus(length)),
            false => now.plus(length),
        };
        self.behind_until.store(until.0, Ordering::Relaxed);
    }

    /// Whether what this gateway has heard says too little of who is there.
    pub(super) fn is_behind(&self, now: Timestamp) -> bool {
        let until = Timestamp(self.behind_until.load(Ordering::Relaxed));
        // A clock that was set back ends it.
        now < until && until.since(now) <= BEHIND_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp(100_000 + seconds * 1_000)
    }

    /// A second of polls that came so many milliseconds late each, of numbers that follow each other.
    fn second(lateness: &Lateness, second: u64, late: &[u64]) {
        for (number, late) in (0..).zip(late) {
            let now = at(second);
            let due = now.minus(Duration::from_millis(*late));
            lateness.note(Number(number), due, now);
        }
        lateness.judge(at(second));
    }

    fn behind_after(late: &[u64]) -> bool {
        let lateness = Lateness::default();
        lateness.judge(at(0));
        second(&lateness, 1, late);
        lateness.is_behind(at(1))
    }

    fn of(prompt: usize, late: usize) -> Vec<u64> {
        let mut all = vec![1_000; prompt];
        all.extend(vec![2_500; late]);
        all
    }

    #[test]
    fn a_gateway_is_behind_when_more_than_one_in_ten_is_late() {
        assert!(!behind_after(&of(50, 0)));
        assert!(!behind_after(&of(45, 5)));
        assert!(behind_after(&of(44, 6)));
        assert!(behind_after(&of(0, 4)));
    }

    #[test]
    fn a_few_sleepers_and_some_who_were_away_say_nothing() {
        assert!(!behind_after(&[]));
        assert!(!behind_after(&of(0, 3)));
        assert!(!behind_after(&[40_000; 50]));
    }

    #[test]
    fn one_ticket_shown_again_and_again_is_one_voice() {
        let lateness = Lateness::default();
        lateness.judge(at(0));
        for _ in 0..50 {
            lateness.note(Number(7), at(1), at(5));
        }
        lateness.judge(at(5));
        assert!(!lateness.is_behind(at(5)));
    }

    #[test]
    fn who_has_just_joined_does_not_hide_that_others_are_late() {
        let lateness = Lateness::default();
        lateness.judge(at(0));
        for number in 0..500 {
            lateness.note(Number(number), at(1), at(1));
        }
        for number in 500..504 {
            lateness.note(Number(number), at(1), at(4));
        }
        lateness.judge(at(4));
        assert!(lateness.is_behind(at(4)));
    }

    #[test]
    fn a_gateway_that_has_caught_up_is_believed_again_when_all_have_asked() {
        let lateness = Lateness::default();
        lateness.judge(at(0));
        for now in 1..=60 {
            second(&lateness, now, &of(0, if now <= 20 { 10 } else { 0 }));
            assert_eq!(lateness.is_behind(at(now)), now < 35, "{now}");
        }
        assert!(!lateness.is_behind(at(1)), "the clock was set back");
    }
}
