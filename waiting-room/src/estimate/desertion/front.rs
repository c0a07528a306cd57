//! Near the front everybody says when they will ask again. So it is known within seconds how many of a cohort are there,
//! and the same people are looked at again with the next tick.

use std::ops::Range;

use super::{Cohort, Desertion, SHOWS_AFTER};
use crate::value::{Number, Timestamp};

/// What a tick can see of ranges of numbers.
pub(crate) struct View<'a> {
    /// How many are counted.
    pub(crate) counted: &'a dyn Fn(Range<Number>) -> u32,
    /// How many of these are not overdue.
    pub(crate) there: &'a dyn Fn(Range<Number>) -> u32,
    /// Below, that means something; `None` while a gateway is missed.
    pub(crate) known_to: Option<Number>,
}

/// What became of a cohort since the last tick, before anybody is called.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Change {
    /// Counted ones who left or were judged absent, near the front
    pub near: u32,
    /// and farther back.
    pub far: u32,
    /// How many near the front were there before, and are now.
    pub heard: Option<[f64; 2]>,
    /// Of whom it is known from now on whether they are there: how many are counted, and are.
    pub fresh: [u32; 2],
}

impl Change {
    pub(super) fn lost(&self) -> u32 {
        self.near.saturating_add(self.far)
    }
}

impl Cohort {
    /// Counts those near the front again; as many of them are there as before where nobody is heard of.
    pub(super) fn look_near(&mut self, near: Range<Number>, view: &View<'_>) {
        let before = std::mem::replace(&mut self.near, (view.counted)(near.clone()));
        self.there = match view.known_to {
            Some(_) => (view.there)(near),
            None => part(self.there, self.near, before).round() as u32,
        };
    }
}

impl Desertion {
    /// Looks at each cohort; the numbers from `given` on were given out since the last tick.
    pub(crate) fn look(&self, given: Number, view: &View<'_>) -> Vec<Change> {
        let cohorts = self.cohorts.iter().enumerate();
        let changes = cohorts.map(|(index, cohort)| {
            let end = self.end_of(index).unwrap_or(given).max(cohort.from);
            let known = self.heard_to.clamp(cohort.from, end);
            let counted = (view.counted)(cohort.from..known);
            let far = cohort.counted.saturating_sub(cohort.near);
            let mut change = Change {
                near: cohort.near.saturating_sub(counted),
                far: far.saturating_sub((view.counted)(known..end)),
                ..Change::default()
            };
            if let Some(known_to) = view.known_to {
                let kept = cohort.from..known_to.clamp(cohort.from, known);
                let before = part(cohort.there, (view.counted)(kept.clone()), counted);
                change.heard = Some([before, f64::from((view.there)(kept))]);
                let fresh = known..known_to.clamp(known, end);
                change.fresh = [(view.counted)(fresh.clone()), (view.there)(fresh)];
            }
            change
        });
        changes.collect()
    }

    /// Who went, as far as it was heard.
    pub(super) fn hear(&mut self, changes: &[Change], rolled: bool, now: Timestamp) {
        let since = now.since(self.heard_at).as_secs_f64();
        for (index, change) in changes.iter().enumerate() {
            let (Some(cohort), Some([before, there])) = (self.cohorts.get(index), change.heard)
            else {
                continue;
            };
            let age = cohort.age(now);
            let until = (age - SHOWS_AFTER).max(0.0);
            // Who left by the button is counted elsewhere; whoever is judged absent was overdue before.
            let said = if rolled { 0 } else { change.near };
            let before = (before - f64::from(said)).max(0.0);
            let first = self.known_to(age, now).min(until);
            // Some come back: then it is less than nobody.
            self.note(before, before - there, (until - since).max(0.0)..until);
            let [counted, there] = change.fresh.map(f64::from);
            self.note(counted, counted - there, first..until);
        }
    }
}

/// The same part of `of` as `there` is of `all`.
fn part(there: u32, of: u32, all: u32) -> f64 {
    f64::from(there) * f64::from(of) / f64::from(all.max(1))
}
