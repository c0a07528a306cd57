//! Who goes away while waiting, by how long they have waited: most who go do so early, and whoever has waited long stays.
//!
//! A life table, as actuaries keep one. The line is kept in cohorts by the time of joining. Who went away without a word is
//! missed at the roll of a presence epoch, and then all are who were last heard of before a certain moment: so each roll
//! says of some time of each cohort's life how many it lost. Near the front everybody says when they will ask again, so who
//! is overdue there is known in seconds; and of those whose turn came some were not there.

mod front;

use std::{ops::Range, time::Duration};

use super::{
    Tally, Watched,
    course::LONG,
    span::{Span, most_alike},
};
use crate::{
    presence::{CLOCK_SKEW, DUE_EPOCH, DUE_SLACK},
    status::POLL_SOON,
    value::{Number, Timestamp},
};

pub use front::Change;
pub(crate) use front::View;

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
/// Before anything is seen of an age, it is believed to lose people at the rate of the age before, times
/// `((PATIENCE + that age) / (PATIENCE + this age)) ^ SETTLES`; ages in seconds. Chosen by the plays of
/// `tests/it/estimates.rs`: a slower fall is wrong for longer where all leave early, a faster one where many leave late.
const PATIENCE: f64 = 150.0;
const SETTLES: i32 = 3;
/// That is believed as firmly as if so many seconds of people waiting had been watched: thirty people for a minute.
const LIKENESS: f64 = 30.0 * 60.0;
/// How long somebody near the front has been away when it shows, in seconds: half of their longest pause, then the slack,
/// the clocks and half an epoch.
const SHOWS_AFTER: f64 = POLL_SOON.as_secs_f64() / 2.0
    + DUE_SLACK.as_secs_f64()
    + CLOCK_SKEW.as_secs_f64()
    + DUE_EPOCH.as_secs_f64() / 2.0;
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
    /// How many of these are near the front, below [`Desertion::heard_to`],
    pub near: u32,
    /// and how many of them were not overdue at [`Desertion::heard_at`].
    pub there: u32,
}

impl Cohort {
    fn span(&self) -> Span {
        Span {
            since: self.since,
            until: self.until,
        }
    }

    /// How long its middle has waited, in seconds.
    pub(super) fn age(&self, now: Timestamp) -> f64 {
        self.span().age(now)
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
    /// Of the holders of numbers below it was known who is overdue,
    pub heard_to: Number,
    /// and when.
    pub heard_at: Timestamp,
}

impl Desertion {
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
            Some(to) => self.miss(&seen.changes, to, seen.now),
            None => {
                let left = seen.changes.iter().map(|change| f64::from(change.lost()));
                self.said.add(left.sum(), 0.0);
            }
        }
        self.hear(&seen.changes, seen.missed_to.is_some(), seen.now);
    }

    fn pass(&mut self, seen: &Watched) {
        let mut rest = seen.passed;
        for cohort in &self.cohorts {
            let of_it = rest.min(cohort.counted);
            rest -= of_it;
            let age = cohort.age(seen.now);
            let known_to = self.known_to(age, seen.now);
            self.front
                .add(0.0, f64::from(of_it) * as_newcomer(known_to, age));
        }
        let missing = seen.passed.saturating_sub(seen.called);
        self.front.add(f64::from(missing), 0.0);
    }

    /// Up to which age it is known of those who have waited for `age` whether they are there.
    fn known_to(&self, age: f64, now: Timestamp) -> f64 {
        (age - now.since(self.missed_to).as_secs_f64()).max(0.0)
    }

    /// Each cohort was missed for the time since the last roll, but for those of whom more is known.
    fn miss(&mut self, changes: &[Change], to: Timestamp, now: Timestamp) {
        for (index, change) in changes.iter().enumerate() {
            let Some(cohort) = self.cohorts.get(index).copied() else {
                continue;
            };
            let age = cohort.age(now);
            let from = self.known_to(age, now);
            let until = (age - now.since(to).as_secs_f64()).max(0.0);
            let far = f64::from(cohort.counted - cohort.near.min(cohort.counted));
            self.note(far, f64::from(change.far), from..until);
        }
        self.missed_to = self.missed_to.max(to);
    }

    /// Of so many so many went somewhere between two ages.
    fn note(&mut self, of: f64, lost: f64, ages: Range<f64>) {
        let waited = (of - lost / 2.0) * (ages.end - ages.start);
        for (row, part) in rows(ages.start, ages.end) {
            self.table[row].add(lost * part, waited * part);
            self.table[row].events = self.table[row].events.max(0.0);
        }
    }

    /// The cohorts as they are after a tick: the numbers from `known` to `next` were given out since the one before at
    /// `before`, and nobody below `horizon` waits.
    pub(crate) fn regroup(
        &mut self,
        (known, next, horizon): (Number, Number, Number),
        (before, now): (Timestamp, Timestamp),
        view: &View<'_>,
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
                    near: 0,
                    there: 0,
                }),
            }
        }
        if let Some(known_to) = view.known_to {
            (self.heard_to, self.heard_at) = (known_to, now);
        }
        for index in 0..self.cohorts.len() {
            let end = self.end_of(index).unwrap_or(next);
            let heard_to = self.heard_to;
            let cohort = &mut self.cohorts[index];
            // A broken record may say anything.
            let end = end.max(cohort.from);
            cohort.from = cohort.from.max(horizon.min(end));
            cohort.counted = (view.counted)(cohort.from..end);
            cohort.look_near(cohort.from..heard_to.clamp(cohort.from, end), view);
        }
        self.cohorts.retain(|cohort| cohort.counted > 0);
        while self.cohorts.len() > MOST_COHORTS {
            self.join_two(now);
        }
    }

    fn join_two(&mut self, now: Timestamp) {
        let spans: Vec<Span> = self.cohorts.iter().map(Cohort::span).collect();
        if let Some(first) = most_alike(&spans, now) {
            let second = self.cohorts.remove(first + 1);
            let both = &mut self.cohorts[first];
            both.until = second.until;
            both.counted = both.counted.saturating_add(second.counted);
            both.near = both.near.saturating_add(second.near);
            both.there = both.there.saturating_add(second.there);
        }
    }

    /// What the table says; and the front of the line of the ages that it does not know.
    pub(crate) fn curve(&self, now: Timestamp) -> Curve {
        let mut belief = self.front;
        belief.events *= (PATIENCE / (PATIENCE + middle(0))).powi(SETTLES);
        belief.add(0.0, DOUBT);
        let mut curve = Curve {
            unheard: now.since(self.missed_to).as_secs_f64(),
            unheard_near: SHOWS_AFTER + now.since(self.heard_at).as_secs_f64(),
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
                events: rate * (this / next).powi(SETTLES) * passed_on,
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

/// The seconds for which newcomers would have to be watched to lose as many as are lost between two ages, by what is
/// believed of ages.
fn as_newcomer(from: f64, to: f64) -> f64 {
    let left = |age: f64| (PATIENCE / (PATIENCE + age)).powi(SETTLES - 1);
    PATIENCE * (left(from) - left(to)) / f64::from(SETTLES - 1)
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
    /// For so long nobody has been missed, in seconds,
    unheard: f64,
    /// and near the front.
    unheard_near: f64,
    /// Who leaves by the button, of one and in a second.
    said: f64,
}

impl Curve {
    /// The two parts of a cohort: how many are counted, and how many of these will be there so much later, in seconds.
    pub(crate) fn parts(
        &self,
        cohort: &Cohort,
        now: Timestamp,
    ) -> [(u32, impl Fn(f64) -> f64 + use<'_>); 2] {
        let age = cohort.age(now);
        let far = cohort.counted.saturating_sub(cohort.near);
        [
            (cohort.near, cohort.there, self.unheard_near),
            (far, far, self.unheard),
        ]
        .map(|(counted, there, unheard)| {
            let later = move |later| f64::from(there) * self.there(age, unheard, later);
            (counted, later)
        })
    }

    /// Of newcomers, the share that is there `later`: in seconds.
    pub(crate) fn newcomers(&self, later: f64) -> f64 {
        self.there(0.0, 0.0, later)
    }

    /// Of those who have waited for `age`, and of whom nobody was missed for the last part of it, the share that is there
    /// `later`.
    fn there(&self, age: f64, unheard: f64, later: f64) -> f64 {
        let known_to = (age - unheard).max(0.0);
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
mod tests;
