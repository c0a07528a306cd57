//! Which numbers were called, and the rules about it: in order, each once, and at most once more.
//!
//! The main lane passes every number exactly once, in order, so who was called there needs no memory but
//! the frontier and those who were skipped. Memory grows with what the log spells out (a skipped or a late
//! number), never with a figure in it: a range of 2^53 numbers costs what a range of one does.

use std::collections::{BTreeMap, VecDeque};

use super::{
    Entry, Passed,
    report::{Fault, Faults},
};

/// What is known of the numbers so far.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// All below were passed by the main lane.
    frontier: u64,
    /// Passed without being called.
    skipped: Sparse,
    /// Passed by entries that are missing: nothing is known of these.
    unknown: Vec<(u64, u64)>,
    /// Had their one call outside the main lane.
    again: Sparse,
    /// Ends of ranges whose calls may still be open, with the time until when.
    open: VecDeque<(u64, u64)>,
    /// Below, all calls of the main lane are over.
    over_to: u64,
    /// How many were skipped that had not been called before.
    passed_over: u64,
    /// Called first and not yet passed, with the time until when that call is open.
    ahead: BTreeMap<u64, u64>,
}

/// How far an entry can be judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    /// How long a call stays open, in milliseconds, if known.
    pub(super) grace: Option<u64>,
    /// Entries right before this one are missing.
    pub(super) gap: bool,
}

impl Numbers {
    /// All below were passed by the main lane.
    pub(super) fn frontier(&self) -> u64 {
        self.frontier
    }

    /// How many were passed while their holders were away or had left, or that had none any more.
    pub(super) fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// Whether what happened to `number` when it was passed stands in an entry that is missing.
    pub(super) fn is_unknown(&self, number: u64) -> bool {
        let after = self.unknown.partition_point(|(_, to)| *to <= number);
        self.unknown
            .get(after)
            .is_some_and(|(from, _)| *from <= number)
    }

    /// Takes one entry's calls.
    pub(super) fn take(&mut self, entry: &Entry, sight: Sight, faults: &mut Faults) {
        let now = entry.at.0;
        // Without the grace no call can be said to be open still.
        let until = now.saturating_add(sight.grace.unwrap_or(0));
        while let Some((to, _)) = self.open.pop_front_if(|(_, until)| *until <= now) {
            self.over_to = to;
        }
        for number in &entry.late {
            self.call_late(*number, now, faults);
        }
        for first in &entry.first {
            if first.number >= entry.given {
                faults.push(Fault::NotGiven(first.number));
            }
            if first.number < self.frontier {
                self.call_late(first.number, now, faults);
            } else {
                self.call_again(first.number, faults);
                self.ahead.insert(first.number, until);
            }
        }
        let mut gap = sight.gap;
        for passed in entry.passed() {
            self.pass(passed, (now, until), gap, faults);
            gap = false;
        }
        self.reach(entry.given.min(entry.horizon), gap, faults);
    }

    /// A second chance, for somebody whose number was passed.
    fn call_late(&mut self, number: u64, now: u64, faults: &mut Faults) {
        if number >= self.frontier {
            faults.push(Fault::NotPassed(number));
        } else if self.is_open(number, now) {
            faults.push(Fault::StillOpen(number));
        }
        self.call_again(number, faults);
    }

    /// Whether a number was called when it was passed, and that call is still open.
    fn is_open(&self, number: u64, now: u64) -> bool {
        if number < self.over_to || self.skipped.has(number) || self.is_unknown(number) {
            return false;
        }
        let after = self.open.partition_point(|(to, _)| *to <= number);
        let range = self.open.get(after);
        range.is_some_and(|(_, until)| now < *until)
    }

    fn call_again(&mut self, number: u64, faults: &mut Faults) {
        if !self.again.add(number) {
            faults.push(Fault::CalledTwice(number));
        }
    }

    /// A range of the main lane. `gap`: it need not begin where the last one ended.
    fn pass(&mut self, passed: &Passed, times: (u64, u64), gap: bool, faults: &mut Faults) {
        let (now, until) = times;
        let (from, to, due) = (passed.from(), passed.to(), self.frontier);
        if from < due {
            faults.push(Fault::PassedTwice { from, due });
        } else if from > due {
            self.unknown.push((due, from));
            if !gap {
                let (from, to) = (due, from - 1);
                faults.push(Fault::LeftOut { from, to });
            }
        }
        for number in passed.skipped() {
            self.skipped.add(number);
        }
        let mut skipped = passed.len() - passed.calls();
        // A first call is over before the number may be called in its turn.
        while let Some(first) = self.ahead.first_entry().filter(|first| *first.key() < to) {
            let (number, open_until) = first.remove_entry();
            match passed.has_called(number) {
                true if now < open_until => faults.push(Fault::StillOpen(number)),
                true => {}
                false => skipped = skipped.saturating_sub(1),
            }
        }
        self.passed_over = self.passed_over.saturating_add(skipped);
        self.frontier = due.max(to);
        match self.open.back_mut() {
            Some((end, same)) if *same == until => *end = self.frontier,
            _ => self.open.push_back((self.frontier, until)),
        }
    }

    /// Nobody below `due` is left without an entry, and nobody above it was called in the main lane.
    fn reach(&mut self, due: u64, gap: bool, faults: &mut Faults) {
        let reached = self.frontier;
        if reached < due && gap {
            self.unknown.push((reached, due));
            self.frontier = due;
        } else if reached != due {
            faults.push(Fault::Reached { reached, due });
        }
    }
}

/// A set of numbers, 64 to an item of some forty bytes at most: where it has any, it costs half a byte for each
/// number, set or not; one that lies alone costs an item.
#[derive(Debug, Default)]
struct Sparse(BTreeMap<u64, u64>);

impl Sparse {
    fn has(&self, number: u64) -> bool {
        self.0
            .get(&(number / 64))
            .is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    /// Whether it was absent before.
    fn add(&mut self, number: u64) -> bool {
        let word = self.0.entry(number / 64).or_default();
        let before = *word;
        *word |= 1 << (number % 64);
        *word != before
    }
}

#[cfg(test)]
impl Numbers {
    /// Items kept, at most forty-some bytes each.
    pub(super) fn kept(&self) -> usize {
        let sets = self.skipped.0.len() + self.again.0.len() + self.ahead.len();
        sets + self.unknown.len() + self.open.len()
    }
}
