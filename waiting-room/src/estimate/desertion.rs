//! Who goes away while waiting, by how long they have waited: most who go do so early, and whoever has waited long stays.
//!
//! A life table, as actuaries keep one. The line is kept in cohorts by the time of joining. Who went away without a word is
//! missed at the roll of a presence epoch, and then all are who were last heard of before a certain moment: so each roll
//! says of some time of each cohort's life how many it lost. Of the time since then only the front tells: of those whose
//! turn came some were not there.

use std::{ops::Range, time::Duration};

use super::{Tally, Watched, course::LONG};
use crate::value::{Number, Timestamp};

/// The ages at which another row of the table begins, in seconds: half minutes at first, as long as a roll is away, and
/// then a quarter more each.
const EDGES: [f64; 18] = [
    30.0, 60.0, 90.0, 120.0, 150.0, 190.0, 240.0, 300.0, 375.0, 470.0, 590.0, 740.0, 920.0,
    1_150.0, 1_440.0, 1_800.0, 2_250.0, 2_800.0,
];
/// Rows of the table.
pub(crate) const ROWS: usize = EDGES.len() + 1;
/// Who joined within this time is of one cohort.
const COHORT: Duration = Duration::from_secs(10);
/// Most cohorts. Beyond, neighbours are made one where that matters least against their age.
const MOST_COHORTS: usize = 48;
/// Whoever has waited this long, in seconds, is believed to go half as likely as a newcomer, before anything is seen of
/// that age: an age loses people at the rate of the age before, times `(PATIENCE + that age) / (PATIENCE + this age)`.
/// Chosen by the plays of `tests/it/estimates.rs`: less is wrong for longer where many leave late, more where all leave
/// early.
const PATIENCE: f64 = 150.0;
/// That is believed as firmly as if so many seconds of people waiting had been watched: thirty people for a minute.
const LIKENESS: f64 = 30.0 * 60.0;
/// That nobody leaves is believed as firmly as if so many seconds had been watched: eight people for a minute.
const DOUBT: f64 = 8.0 * 60.0;

/// Visitors who joined at about the same time and wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cohort {
    /// Its first number; the last is before the next cohort's first.
    pub from: Number,
    /// When its first number was given out,
    pub since: Timestamp,
    /// and its last.
    pub until: Timestamp,
    /// How many of it were counted after the last tick.
    pub counted: u32,
}

impl Cohort {
    /// How long its middle has waited, in seconds.
    pub(super) fn age(&self, now: Timestamp) -> f64 {
        let youngest = now.since(self.until).as_secs_f64();
        youngest + self.until.since(self.since).as_secs_f64() / 2.0
    }
}

/// What is known of those who go away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desertion {
    /// Who waits, from the front on.
    pub cohorts: Vec<Cohort>,
    /// Who was missed, of those who waited times seconds; by the age at which they went.
    pub table: [Tally; ROWS],
    /// Who was not found when their turn came, of the seconds in which those whose turn came could have left unnoticed.
    pub front: Tally,
    /// Who left by the button, of those who waited times seconds.
    pub said: Tally,
    /// Whoever was last heard of before this has been missed.
    pub missed_to: Timestamp,
}

impl Desertion {
    /// How many of each cohort are not there any more: `there` says how many are counted in a range of numbers. Those
    /// from `known` on were given out since the last tick.
    pub(crate) fn lost(&self, known: Number, there: impl Fn(Range<Number>) -> u32) -> Vec<u32> {
        let cohorts = self.cohorts.iter().enumerate();
        let lost = cohorts.map(|(index, cohort)| {
            let end = self.end_of(index).unwrap_or(known);
            cohort.counted.saturating_sub(there(cohort.from..end))
        });
        lost.collect()
    }

    fn end_of(&self, index: usize) -> Option<Number> {
        self.cohorts.get(index + 1).map(|next| next.from)
    }

    /// Adds what a tick saw.
    pub(crate) fn learn(&mut self, seen: &Watched) {
        let all = self.table.iter_mut();
        for tally in all.chain([&mut self.front, &mut self.said]) {
            tally.fade(seen.elapsed, LONG);
        }
        self.pass(seen);
        let counted = self.cohorts.iter().map(|each| f64::from(each.counted));
        let waited = counted.sum::<f64>() * seen.elapsed.as_secs_f64();
        self.said.add(0.0, waited);
        match seen.missed_to {
            Some(to) => self.miss(&seen.lost, to, seen.now),
            None => {
                let left = seen.lost.iter().copied().map(f64::from);
                self.said.add(left.sum(), 0.0);
            }
        }
    }

    fn pass(&mut self, seen: &Watched) {
        let mut rest = seen.passed;
        for cohort in &self.cohorts {
            let of_it = rest.min(cohort.counted);
            rest -= of_it;
            let age = cohort.age(seen.now);
            let unheard = age - self.known_to(age, seen.now);
            self.front.add(0.0, f64::from(of_it) * unheard);
        }
        let missing = seen.passed.saturating_sub(seen.called);
        self.front.add(f64::from(missing), 0.0);
    }

    /// Up to which age it is known of those who have waited for `age` whether they are there.
    fn known_to(&self, age: f64, now: Timestamp) -> f64 {
        (age - now.since(self.missed_to).as_secs_f64()).max(0.0)
    }

    /// Each cohort was missed for the time since the last roll.
    fn miss(&mut self, lost: &[u32], to: Timestamp, now: Timestamp) {
        for index in 0..self.cohorts.len() {
            let cohort = self.cohorts[index];
            let age = cohort.age(now);
            let from = self.known_to(age, now);
            let until = (age - now.since(to).as_secs_f64()).max(0.0);
            let lost = lost.get(index).copied().unwrap_or(0);
            // Those who were lost went somewhere in between.
            let there = f64::from(cohort.counted) - f64::from(lost) / 2.0;
            let waited = there * (until - from);
            for (row, part) in rows(from, until) {
                self.table[row].add(f64::from(lost) * part, waited * part);
            }
        }
        self.missed_to = self.missed_to.max(to);
    }

    /// The cohorts as they are after a tick: the numbers from `known` to `next` were given out since the one before at
    /// `before`, and nobody below `horizon` waits.
    pub(crate) fn regroup(
        &mut self,
        (known, next, horizon): (Number, Number, Number),
        (before, now): (Timestamp, Timestamp),
        there: impl Fn(Range<Number>) -> u32,
    ) {
        let from = known.max(horizon);
        if from < next {
            match self.cohorts.last_mut() {
                Some(last) if now.since(last.since) < COHORT => last.until = now,
                _ => self.cohorts.push(Cohort {
                    from,
                    since: before.max(now.minus(COHORT)),
                    until: now,
                    counted: 0,
                }),
            }
        }
        for index in 0..self.cohorts.len() {
            let end = self.end_of(index).unwrap_or(next);
            let cohort = &mut self.cohorts[index];
            cohort.from = cohort.from.max(horizon.min(end));
            cohort.counted = there(cohort.from..end);
        }
        self.cohorts.retain(|cohort| cohort.counted > 0);
        while self.cohorts.len() > MOST_COHORTS {
            self.join_two(now);
        }
    }

    /// Makes one of the two neighbours that differ least, for their age.
    fn join_two(&mut self, now: Timestamp) {
        let span = |pair: &[Cohort]| {
            let span = pair[1].until.since(pair[0].since).as_secs_f64();
            span / pair[1].age(now).max(1.0)
        };
        let spans = self.cohorts.windows(2).map(span).enumerate();
        let least = spans.min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((first, _)) = least {
            let second = self.cohorts.remove(first + 1);
            self.cohorts[first].until = second.until;
            self.cohorts[first].counted += second.counted;
        }
    }

    /// What the table says; and the front of the line of the ages that it does not know.
    pub(crate) fn curve(&self, now: Timestamp) -> Curve {
        let mut belief = self.front;
        belief.add(0.0, DOUBT);
        let mut curve = Curve {
            unheard: now.since(self.missed_to).as_secs_f64(),
            said: self.said.events / self.said.of.max(1.0),
            ..Curve::default()
        };
        for (index, seen) in self.table.iter().enumerate() {
            let rate = (seen.events + belief.events) / (seen.of + belief.of);
            curve.rates[index] = rate;
            let [this, next] = [index, (index + 1).min(ROWS - 1)].map(|row| middle(row) + PATIENCE);
            // What the table knows well is believed of the next row; the front is believed of all that it does not.
            let known = seen.of / (seen.of + belief.of);
            let passed_on = LIKENESS * known + belief.of * (1.0 - known);
            belief = Tally {
                events: rate * this / next * passed_on,
                of: passed_on,
            };
        }
        curve
    }
}

/// The rows between two ages, and which part of that time each has.
fn rows(from: f64, to: f64) -> impl Iterator<Item = (usize, f64)> {
    (0..ROWS).filter_map(move |row| {
        let overlap = to.min(end(row)) - from.max(begin(row));
        (overlap > 0.0).then(|| (row, overlap / (to - from)))
    })
}

fn begin(row: usize) -> f64 {
    row.checked_sub(1).map_or(0.0, |before| EDGES[before])
}

fn end(row: usize) -> f64 {
    EDGES.get(row).copied().unwrap_or(f64::INFINITY)
}

/// The last row has no end; its people are taken to be a little older than it begins.
fn middle(row: usize) -> f64 {
    match EDGES.get(row) {
        Some(end) => (begin(row) + end) / 2.0,
        None => begin(row) * 1.25,
    }
}

/// How likely somebody who waits is to wait on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Curve {
    /// Who goes without a word, of one and in a second; by age.
    rates: [f64; ROWS],
    /// For so long nobody has been missed, in seconds.
    unheard: f64,
    /// Who leaves by the button, of one and in a second.
    said: f64,
}

impl Curve {
    /// Of those who are counted and have waited for `age`, the share that is there `later`: in seconds.
    pub(crate) fn there(&self, age: f64, later: f64) -> f64 {
        let known_to = (age - self.unheard).max(0.0);
        let gone: f64 = (0..ROWS)
            .map(|row| {
                let time = (age + later).min(end(row)) - known_to.max(begin(row));
                self.rates[row] * time.max(0.0)
            })
            .sum();
        (-gone - self.said * later).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    /// Half of an `absent_after` of ninety seconds.
    const EPOCH: u64 = 45;

    fn at(seconds: f64) -> Timestamp {
        Timestamp(1_790_000_000_000 + (seconds * 1_000.0) as u64)
    }

    /// A line that ten join every second and nobody is called from; each goes away `after(number)` seconds, and is missed
    /// with the first roll that comes two epochs later.
    fn watched(seconds: u64, after: impl Fn(u64) -> Option<f64>) -> Desertion {
        let mut line = Desertion::default();
        let (mut before, mut missed_to) = (Number(0), 0.0);
        for second in 1..=seconds {
            let now = second as f64;
            let rolls = second.is_multiple_of(EPOCH) && second > 2 * EPOCH;
            if rolls {
                missed_to = now - 2.0 * EPOCH as f64;
            }
            let next = Number(second * 10);
            let is_there = |number: u64| {
                let joined = number as f64 / 10.0;
                after(number).is_none_or(|after| missed_to < joined + after)
            };
            let there = |range: Range<Number>| {
                let counted = (range.start.0..range.end.0).filter(|number| is_there(*number));
                counted.count() as u32
            };
            let lost = line.lost(before, there);
            line.learn(&Watched {
                now: at(now),
                elapsed: SECOND,
                lost,
                missed_to: rolls.then(|| at(missed_to)),
                ..Watched::default()
            });
            let given = (before, next, Number(0));
            line.regroup(given, (at(now - 1.0), at(now)), there);
            before = next;
        }
        line
    }

    #[test]
    fn who_has_waited_long_is_not_taken_for_a_newcomer() {
        // Three in ten go evenly within four minutes of joining, and then nobody.
        let early = |number: u64| (number % 10 < 3).then(|| (number * 7 % 240) as f64);
        let curve = watched(900, early).curve(at(900.0));
        let young = curve.there(0.0, 600.0);
        let old = curve.there(450.0, 600.0);
        assert!((0.66..0.74).contains(&young), "{young}");
        assert!(old > 0.95, "{old}");
    }

    #[test]
    fn a_line_that_is_left_at_a_constant_rate_is_told_so() {
        let rate: f64 = 0.001;
        let ever = |number: u64| {
            let part = (number * 7_919 % 1_000) as f64 / 1_000.0 + 0.000_5;
            Some(-part.ln() / rate)
        };
        let curve = watched(1_200, ever).curve(at(1_200.0));
        let told = curve.there(300.0, 400.0);
        let unheard = curve.unheard;
        let truth = (-rate * (400.0 + unheard)).exp();
        assert!((told - truth).abs() < 0.04, "{told} instead of {truth}");
    }

    #[test]
    fn where_nobody_was_missed_yet_the_front_is_all_that_is_known() {
        let mut line = watched(80, |_| None);
        // A hundred came to their turn at 75 s, and fifteen of them were not there.
        line.learn(&Watched {
            now: at(80.0),
            elapsed: SECOND,
            passed: 100,
            called: 85,
            ..Watched::default()
        });
        let told = line.curve(at(80.0)).there(75.0, 0.0);
        assert!((0.83..0.90).contains(&told), "{told}");
        assert!((Desertion::default().curve(at(0.0)).there(50.0, 500.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn cohorts_are_few_and_hold_everybody() {
        let line = watched(3_000, |_| None);
        assert!(line.cohorts.len() <= MOST_COHORTS);
        let all: u32 = line.cohorts.iter().map(|cohort| cohort.counted).sum();
        assert_eq!(all, 30_000);
        let ordered = line
            .cohorts
            .windows(2)
            .all(|pair| pair[0].from < pair[1].from);
        assert!(ordered, "{:?}", line.cohorts);
        let oldest = line.cohorts[0].age(at(3_000.0));
        assert!(oldest > 2_500.0, "{oldest}");
    }
}
