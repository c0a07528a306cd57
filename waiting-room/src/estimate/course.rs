//! What is measured of a line while it runs: how fast seats are given back, how many leave the line, how many of those
//! whose turn comes are there. Sums that fade, so that the record stays small.

use std::time::Duration;

use super::{Change, Desertion, Visits};
use crate::value::{Number, Timestamp};

/// How long the common past counts: the time in which it fades to a third.
pub(super) const LONG: Duration = Duration::from_secs(900);
/// How long the recent past counts. What differs from it is over.
pub(super) const RECENT: Duration = Duration::from_secs(120);
/// The recent past says that something has changed when it differs by this part,
const CHANGED_BY: f64 = 0.25;
/// and by so many roots of what was expected. A fading sum has half the variance of a count: three and a half of its
/// standard deviations.
const CHANGED_ROOTS: f64 = 2.5;
/// Below this many remembered events nothing is said about their rate.
const FEWEST: f64 = 8.0;
/// The middle of what so many events tell of their rate lies this much above them.
const MIDDLE: f64 = 0.7;

/// Events, and what they are counted against: seconds, people, or other events. Both fade.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// How many.
    pub events: f64,
    /// Of how much.
    pub of: f64,
}

impl Tally {
    pub(super) fn fade(&mut self, elapsed: Duration, memory: Duration) {
        let kept = (-elapsed.as_secs_f64() / memory.as_secs_f64()).exp();
        self.events *= kept;
        self.of *= kept;
    }

    pub(super) fn add(&mut self, events: f64, of: f64) {
        self.events += events;
        self.of += of;
    }

    /// Events for one of what they are counted against, unless there are too few of them.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        (self.events >= FEWEST && self.of > 0.0).then(|| (self.events + MIDDLE) / self.of)
    }

    /// The share, drawn towards one by `doubt` events that were never seen.
    #[must_use]
    pub fn share(&self, doubt: f64) -> f64 {
        ((self.events + doubt) / (self.of + doubt)).clamp(0.0, 1.0)
    }
}

/// The measured course of a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// Seats given back, of seats taken times seconds.
    pub released: Tally,
    /// The same of the recent past.
    pub released_lately: Tally,
    /// Seats taken, in seconds, of seconds of the recent past.
    pub seats: Tally,
    /// Calls of the line in its turn, of all calls: the others are late comers and whom an operator called.
    pub in_turn: Tally,
    /// Who leaves while waiting.
    pub desertion: Desertion,
    /// How long visits last.
    pub visits: Visits,
    /// The first number not yet given out, as of the last tick.
    pub next: Number,
}

/// What one tick saw.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// When.
    pub now: Timestamp,
    /// Time since the last tick.
    pub elapsed: Duration,
    /// Seats given back.
    pub released: u32,
    /// Seats taken.
    pub occupied: u32,
    /// Calls in the line's turn.
    pub called: u32,
    /// All calls of waiting visitors.
    pub calls: u32,
    /// Counted visitors whom the horizon passed.
    pub passed: u32,
    /// What became of each cohort of those who wait.
    pub changes: Vec<Change>,
    /// If absences were judged: whoever was last heard of before this is missed by this tick.
    pub missed_to: Option<Timestamp>,
}

/// Whether seats are given back as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// As before.
    Steady,
    /// Faster: the past was forgotten.
    Faster,
    /// Slower: the past was forgotten.
    Slower,
}

impl Course {
    /// The course after one more tick. The cohorts and `next` are the caller's to set.
    pub fn watch(&mut self, seen: &Watched) -> Turn {
        let elapsed = seen.elapsed;
        for tally in [&mut self.released, &mut self.in_turn] {
            tally.fade(elapsed, LONG);
        }
        self.released_lately.fade(elapsed, RECENT);
        self.seats.fade(elapsed, RECENT);
        let seconds = elapsed.as_secs_f64();
        let (released, seats) = (f64::from(seen.released), f64::from(seen.occupied) * seconds);
        self.seats.add(seats, seconds);
        // The watch begins with the first seat that is given back, and without it: where all came in at once none is
        // for as long as the shortest visit lasts, which says nothing of how fast they are afterwards.
        if self.released.of > 0.0 || released > 0.0 {
            let first = f64::from(u32::from(self.released.of <= 0.0));
            self.released.add(released - first, seats);
            self.released_lately.add(released - first, seats);
        }
        self.in_turn
            .add(f64::from(seen.called), f64::from(seen.calls));
        self.desertion.learn(seen);
        self.follow()
    }

    /// Seats taken, in the mean of the recent past.
    #[must_use]
    pub fn occupied_lately(&self) -> f64 {
        self.seats.events / self.seats.of.max(1.0)
    }

    /// Forgets the common past where the recent one is another.
    fn follow(&mut self) -> Turn {
        let (long, lately) = (self.released, self.released_lately);
        let Some(rate) = long.rate() else {
            return Turn::Steady;
        };
        let expected = rate * lately.of;
        let off = lately.events - expected;
        if !is_another(lately.events, expected) {
            return Turn::Steady;
        }
        self.released = lately;
        if off > 0.0 {
            Turn::Faster
        } else {
            Turn::Slower
        }
    }
}

/// Whether so many events of the recent past, where so many were expected, say that something has changed.
pub(super) fn is_another(events: f64, expected: f64) -> bool {
    let most = (expected * CHANGED_BY).max(CHANGED_ROOTS * expected.sqrt());
    // Events are few where nothing was expected either.
    (events - expected).abs() > most.max(FEWEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUARTER: Duration = Duration::from_millis(250);

    fn run(course: &mut Course, ticks: u32, every: u32) -> Vec<Turn> {
        (0..ticks)
            .map(|tick| {
                course.watch(&Watched {
                    elapsed: QUARTER,
                    released: u32::from(tick % every == 0),
                    occupied: 40,
                    ..Watched::default()
                })
            })
            .collect()
    }

    #[test]
    fn forty_seats_of_a_minute_each_are_given_back_one_a_minute() {
        let mut course = Course::default();
        // One every 1.5 s.
        let turns = run(&mut course, 2_400, 6);
        assert!(turns.iter().all(|turn| *turn == Turn::Steady));
        let rate = course.released.rate().expect("many");
        assert!((rate - 1.0 / 60.0).abs() < 0.001, "{rate}");
    }

    #[test]
    fn visitors_who_begin_to_stay_twice_as_long_are_noticed_once() {
        let mut course = Course::default();
        run(&mut course, 4_800, 6);
        let turns = run(&mut course, 2_400, 12);
        let slower = turns.iter().filter(|turn| **turn == Turn::Slower).count();
        assert!((1..=2).contains(&slower), "{slower}");
        let rate = course.released.rate().expect("many");
        assert!((rate - 1.0 / 120.0).abs() < 0.001, "{rate}");
    }

    #[test]
    fn a_share_of_nothing_is_taken_for_everybody() {
        assert!((Tally::default().share(20.0) - 1.0).abs() < 1e-9);
        let half = Tally {
            events: 500.0,
            of: 1_000.0,
        };
        assert!((half.share(20.0) - 0.5).abs() < 0.02);
    }
}
