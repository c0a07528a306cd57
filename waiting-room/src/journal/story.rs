//! What happened to one number: the answer to "why was I not called before them?".

use std::fmt;

use super::{Entry, First, Passed, date::Utc, report::Counted};
use crate::value::Timestamp;

/// Operators' calls before this number that are told with their reasons; further ones are only counted.
const MOST_TOLD: usize = 20;

/// What happened to one number. Its `Display` is one sentence a line, for whoever holds the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Relative to the line's first.
    pub number: u64,
    /// The first entry after it was given out.
    pub given_by: Option<Timestamp>,
    /// When the main lane passed it without a call: away, left, or called before.
    pub passed_over: Option<Timestamp>,
    /// Its calls: at most two in an honest line.
    pub calls: Vec<Call>,
    /// Higher numbers that were called in entries before its first call.
    pub before: Overtakers,
    /// The entry in which it was passed is missing.
    pub is_unknown: bool,
}

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// When.
    pub at: Timestamp,
    /// In which entry.
    pub seq: u64,
    /// How.
    pub lane: Lane,
}

/// How a number was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// In its turn.
    Main,
    /// In the moment of joining.
    Arrived,
    /// After it had been passed.
    Late,
    /// By an operator.
    First,
}

/// Who was called before, with a higher number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overtakers {
    /// Main lane and arrivals: only ever after the number had been passed over.
    pub main: u64,
    /// Through the late lane.
    pub late: u64,
    /// By an operator.
    pub first: u64,
    /// The first twenty of these, with their times.
    pub told: Vec<(Timestamp, First)>,
}

impl Story {
    pub(super) fn new(number: u64) -> Self {
        Self {
            number,
            given_by: None,
            passed_over: None,
            calls: Vec::new(),
            before: Overtakers::default(),
            is_unknown: false,
        }
    }

    /// Takes one entry. Who is called in the same entry is called at the same time, not before.
    pub(super) fn take(&mut self, seq: u64, entry: &Entry) {
        let at = entry.at;
        if self.given_by.is_none() && self.number < entry.given {
            self.given_by = Some(at);
        }
        let was_called = !self.calls.is_empty();
        for lane in self.lanes(entry) {
            // A third call is a finding of its own.
            if self.calls.len() < 3 {
                self.calls.push(Call { at, seq, lane });
            }
        }
        if self.calls.is_empty() {
            self.count_others(entry);
        }
        let range = entry
            .passed()
            .find(|p| (p.from()..p.to()).contains(&self.number));
        if !was_called && range.is_some_and(|range| !range.has_called(self.number)) {
            self.passed_over.get_or_insert(at);
        }
    }

    fn lanes(&self, entry: &Entry) -> impl Iterator<Item = Lane> + use<> {
        let number = self.number;
        let has = |passed: &Option<Passed>| passed.as_ref().is_some_and(|p| p.has_called(number));
        [
            (Lane::Arrived, has(&entry.arrived)),
            (Lane::First, entry.first.iter().any(|f| f.number == number)),
            (Lane::Late, entry.late.contains(&number)),
            (Lane::Main, has(&entry.called)),
        ]
        .into_iter()
        .filter_map(|(lane, is_called)| is_called.then_some(lane))
    }

    fn count_others(&mut self, entry: &Entry) {
        let number = self.number;
        let before = &mut self.before;
        for passed in entry.passed() {
            before.main = before.main.saturating_add(passed.calls_above(number));
        }
        before.late += entry.late.iter().filter(|n| **n > number).count() as u64;
        for first in entry.first.iter().filter(|first| first.number > number) {
            before.first += 1;
            if before.told.len() < MOST_TOLD {
                before.told.push((entry.at, first.clone()));
            }
        }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number;
        let Some(given_by) = self.given_by else {
            return write!(f, "Number {number} was not given out.");
        };
        write!(f, "Number {number} was given out by {}.", Utc(given_by))?;
        if self.is_unknown {
            write!(
                f,
                "\nWhether it was called in its turn stands in an entry that is missing."
            )?;
        }
        if let Some(at) = self.passed_over {
            let at = Utc(at);
            write!(
                f,
                "\nIts turn came at {at}: its holder was away or had left (or it had none any more), and it was passed over."
            )?;
        }
        for Call { at, seq, lane } in &self.calls {
            write!(f, "\nIt was called at {}, {lane} (entry {seq}).", Utc(*at))?;
        }
        if self.calls.is_empty() {
            write!(f, "\nIt was not called.")?;
        }
        write!(f, "\n{}", self.before)
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Main => "in its turn",
            Self::Arrived => "in the moment of joining",
            Self::Late => "through the late lane",
            Self::First => "by an operator",
        })
    }
}

impl fmt::Display for Overtakers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            main,
            late,
            first,
            told,
        } = self;
        if (*main, *late, *first) == (0, 0, 0) {
            return write!(f, "Nobody who joined later was called before it.");
        }
        let all = main.saturating_add(*late).saturating_add(*first);
        let later = Counted(all, "later number was", "later numbers were");
        write!(
            f,
            "{later} called before it: {main} in turn or on arrival, "
        )?;
        write!(f, "{late} through the late lane, {first} by an operator.")?;
        for (at, First { number, by, reason }) in told {
            write!(
                f,
                "\nNumber {number} was called first at {} by {by}: {reason}",
                Utc(*at)
            )?;
        }
        Ok(())
    }
}
