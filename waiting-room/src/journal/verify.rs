//! Replaying a log: one entry after the other, in memory that does not grow with its length.

use super::{
    Entry, Head, Kind, Noted, Opening, Place, Report, Story, Written,
    bounds::Bounds,
    numbers::{Numbers, Sight},
    report::{Fault, Faults},
};
use crate::value::millis;

/// Checks a log that is fed to it line by line, and goes on behind whatever it finds.
///
/// # What it keeps
/// The one line it is at, and what the log spells out about numbers that were skipped or called late: half a
/// byte for each number in stretches where that is so, and never more than ten times the bytes read.
#[derive(Debug)]
pub struct Verifier {
    report: Report,
    numbers: Numbers,
    bounds: Bounds,
    last: Last,
    grace: Option<u64>,
    must_pass: Vec<Noted>,
    has_gaps: bool,
    line: u64,
}

/// What must not fall.
#[derive(Debug, Default)]
struct Last {
    at: u64,
    given: u64,
    horizon: u64,
}

impl Default for Verifier {
    fn default() -> Self {
        Self::new()
    }
}

impl Verifier {
    /// A verifier of one line's log.
    #[must_use]
    pub fn new() -> Self {
        Self {
            report: Report::default(),
            numbers: Numbers::default(),
            bounds: Bounds::new(),
            last: Last::default(),
            grace: None,
            must_pass: Vec::new(),
            has_gaps: false,
            line: 0,
        }
    }

    /// Watches a number, relative to the line's first, for [`Report::of_number`].
    #[must_use]
    pub fn about(mut self, number: u64) -> Self {
        self.report.stories.push(Story::new(number));
        self
    }

    /// A head that somebody noted: it is a finding if the log does not pass through it. This is what
    /// proves that nothing was cut off at the end, or written anew.
    #[must_use]
    pub fn passing(mut self, head: impl Into<Noted>) -> Self {
        self.must_pass.push(head.into());
        self
    }

    /// Takes the next line of a single log, without its newline.
    pub fn feed(&mut self, line: &[u8]) {
        self.line += 1;
        match Entry::parse(line) {
            Ok(written) => self.take(&written),
            Err(error) => self.find(Place::Line(1, self.line), Fault::Unreadable(error)),
        }
    }

    /// The end of the log.
    #[must_use]
    pub fn finish(mut self) -> Report {
        if self.report.entries == 0 {
            self.find(Place::Log, Fault::Empty);
        }
        for head in std::mem::take(&mut self.must_pass) {
            self.find(Place::Log, Fault::NoSuchHead(head));
        }
        self.report
    }

    pub(super) fn find(&mut self, place: Place, fault: Fault) {
        self.report.add(place, fault);
    }

    /// The place and hash of the last entry taken.
    pub(super) fn head(&self) -> Option<Head> {
        self.report.head
    }

    /// Takes the next entry.
    pub(super) fn take(&mut self, written: &Written) {
        let Written { head, prev, entry } = written;
        let place = Place::Entry(head.seq);
        let due = self.head().map_or(1, |last| last.seq.saturating_add(1));
        if head.seq < due {
            let again = self.head() == Some(*head);
            let fault = if again {
                Fault::Repeated
            } else {
                Fault::OutOfOrder
            };
            return self.find(place, fault);
        }
        let gap = head.seq > due;
        if gap {
            let (from, to) = (due, head.seq - 1);
            self.find(Place::Log, Fault::Missing { from, to });
            self.has_gaps = true;
        }
        let before = if gap { None } else { self.expected(entry) };
        if before.is_some_and(|before| before != *prev) {
            self.find(place, Fault::Broken);
        }
        self.must_pass.retain(|noted| !noted.is_of(head));
        self.report.head = Some(*head);
        let mut faults = Faults::default();
        self.judge_opening(head.seq, entry, &mut faults);
        self.judge(entry, gap, &mut faults);
        self.count(entry, &mut faults);
        for story in &mut self.report.stories {
            story.take(head.seq, entry);
            story.is_unknown |= self.numbers.is_unknown(story.number);
        }
        self.report.add_all(place, faults);
    }

    /// What the entry has to give as the hash of the one before it.
    fn expected(&self, entry: &Entry) -> Option<[u8; 32]> {
        let start = || entry.kind()?.opening().map(Opening::start);
        self.head().or_else(start).map(|before| before.hash)
    }

    fn judge_opening(&mut self, seq: u64, entry: &Entry, faults: &mut Faults) {
        match entry.kind() {
            Some(Kind::Opened(opening)) if seq == 1 => self.report.opening = Some(opening.clone()),
            Some(Kind::Opened(_)) => faults.push(Fault::OtherLine),
            _ if seq == 1 => faults.push(Fault::NoOpening),
            _ => {}
        }
        let Some(told) = entry.kind().and_then(Kind::opening) else {
            return;
        };
        let ours = self.report.opening.as_ref();
        if ours.is_some_and(|ours| !ours.is_of_line(told)) {
            faults.push(Fault::OtherLine);
        }
        self.grace = Some(millis(told.grace));
    }

    fn judge(&mut self, entry: &Entry, gap: bool, faults: &mut Faults) {
        let Last { at, given, horizon } = &mut self.last;
        for (what, last, now) in [
            ("at", at, entry.at.0),
            ("given", given, entry.given),
            ("horizon", horizon, entry.horizon),
        ] {
            if now < *last {
                let (from, to) = (*last, now);
                faults.push(Fault::Fell { what, from, to });
            }
            *last = now;
        }
        let sight = Sight {
            grace: self.grace,
            gap,
        };
        self.numbers.take(entry, sight, faults);
        self.bounds
            .take(entry, self.numbers.frontier(), gap, faults);
    }

    fn count(&mut self, entry: &Entry, faults: &mut Faults) {
        let report = &mut self.report;
        report.entries += 1;
        report.has_draw |= matches!(entry.kind(), Some(Kind::Drawn));
        let from = report.span.map_or(entry.at, |(from, _)| from);
        report.span = Some((from, entry.at));
        let calls = &mut report.calls;
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        if let Some(passed) = &entry.arrived {
            add(&mut calls.arrived, passed.calls());
        }
        if let Some(passed) = &entry.called {
            add(&mut calls.main, passed.calls());
        }
        calls.passed_over = self.numbers.passed_over();
        add(&mut calls.late, entry.late.len() as u64);
        add(&mut calls.first, entry.first.len() as u64);
        add(&mut calls.lapsed, entry.lapsed);
        let (lapsed, calls) = (calls.lapsed, calls.all());
        // What is missing may have made the calls.
        if lapsed > calls && !self.has_gaps {
            faults.push(Fault::Lapsed { lapsed, calls });
        }
    }
}

#[cfg(test)]
impl Verifier {
    /// Items kept, at most some forty bytes each.
    pub(super) fn kept(&self) -> usize {
        self.numbers.kept() + self.bounds.kept()
    }
}
