//! What a verifier found, in words for whoever asks.

use std::fmt;

use thiserror::Error;

use super::{Head, Limits, Noted, Opening, ParseError, Story, Why, date::Utc};
use crate::value::Timestamp;

/// Findings that are kept; further ones are only counted. A log with so many needs no list.
const MOST_FINDINGS: usize = 100;

/// What a log says, and what is wrong with it. Its `Display` is lines that can be shown to anybody.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What the log is about, if its first entry is there.
    pub opening: Option<Opening>,
    /// Entries that were read.
    pub entries: u64,
    /// Calls by how they were made.
    pub calls: Tally,
    /// Times of the first and the last entry.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The last entry's place and hash.
    pub head: Option<Head>,
    /// What is wrong: the first hundred findings.
    pub findings: Vec<Finding>,
    /// How many findings there were.
    pub found: u64,
    /// Whether a lottery gave those of its pre-queue other numbers.
    pub(super) has_draw: bool,
    /// What happened to the numbers that were asked about.
    pub(super) stories: Vec<Story>,
}

/// Calls by how they were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// In the main lane, in order.
    pub main: u64,
    /// In the moment of joining.
    pub arrived: u64,
    /// Through the late lane.
    pub late: u64,
    /// By an operator, before their turn.
    pub first: u64,
    /// Away, or gone, when the main lane passed them.
    pub passed_over: u64,
    /// Calls that nobody answered in time.
    pub lapsed: u64,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What.
    pub fault: Fault,
}

/// Where something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a line of a file; both count from 1.
    Line(u64, u64),
    /// In an entry, by its `seq`.
    Entry(u64),
    /// In the log as a whole.
    Log,
}

/// What can be wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// Not in the one form.
    #[error("cannot be read: {0}")]
    Unreadable(ParseError),
    /// No entry at all.
    #[error("there is no entry")]
    Empty,
    /// The first entry must be the opening.
    #[error("does not say which line it opens")]
    NoOpening,
    /// Only the first entry may be.
    #[error("speaks of another line, or opens this one again")]
    OtherLine,
    /// Its `prev` is not the hash of the entry before.
    #[error("does not follow the entry before it: one of the two was changed or put in later")]
    Broken,
    /// A hole in the chain.
    #[error("there is no {}", Numbered("entry", "entries", *from, *to))]
    Missing {
        /// The first that is missing.
        from: u64,
        /// The last.
        to: u64,
    },
    /// The same entry once more.
    #[error("stands there twice")]
    Repeated,
    /// An entry behind a later one.
    #[error("stands behind a later entry")]
    OutOfOrder,
    /// Two copies differ.
    #[error("is not the same in file {0} and in file {1}")]
    Differs(u64, u64),
    /// A head that was published is not in the log.
    #[error("the published head {0} is not in this log: it was cut off or written anew")]
    NoSuchHead(Noted),
    /// What never falls, fell.
    #[error("lets `{what}` fall from {from} to {to}")]
    Fell {
        /// The member.
        what: &'static str,
        /// Before.
        from: u64,
        /// In this entry.
        to: u64,
    },
    /// A hole between two ranges.
    #[error("leaves out {}", Numbered("number", "numbers", *from, *to))]
    LeftOut {
        /// The first left out.
        from: u64,
        /// The last.
        to: u64,
    },
    /// A range that begins before the last one ended.
    #[error("passes numbers from {from} on again, although all below {due} had been passed")]
    PassedTwice {
        /// Where it begins.
        from: u64,
        /// Where it should.
        due: u64,
    },
    /// The ranges do not end where the counters say.
    #[error("has passed all numbers below {reached}, but its counters say {due}")]
    Reached {
        /// Where the ranges end.
        reached: u64,
        /// The smaller of `given` and `horizon`.
        due: u64,
    },
    /// More than one call outside the main lane.
    #[error("calls number {0} late or first a second time")]
    CalledTwice(u64),
    /// Called again while it may still come in.
    #[error("calls number {0} again while its call is still open")]
    StillOpen(u64),
    /// A late call above the horizon.
    #[error("calls number {0} late although its turn has not come")]
    NotPassed(u64),
    /// A call of nobody.
    #[error("calls number {0}, which was not given out")]
    NotGiven(u64),
    /// More lapsed than were called.
    #[error("{lapsed} calls have lapsed, but only {calls} were made")]
    Lapsed {
        /// So far.
        lapsed: u64,
        /// So far.
        calls: u64,
    },
    /// Too many in a sliding minute.
    #[error("makes {calls} calls within a minute, {limit} are allowed")]
    TooFast {
        /// In the minute that ends here.
        calls: u64,
        /// The limit in force.
        limit: u64,
    },
    /// Too many seats.
    #[error("has {active} seats taken, {limit} are allowed")]
    TooFull {
        /// Seats taken.
        active: u64,
        /// The limit in force.
        limit: u64,
    },
    /// A change nobody logged.
    #[error(
        "has other limits than before ({} instead of {}) and does not say why",
        Shown(to),
        Shown(from)
    )]
    LimitsChanged {
        /// Before.
        from: Limits,
        /// In this entry.
        to: Limits,
    },
    /// Called although the line stands.
    #[error("calls somebody although the line stands ({0})")]
    CalledWhile(Why),
    /// Reserved seats although the line stands.
    #[error("moves the horizon although the line stands ({0})")]
    ReservedWhile(Why),
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.found == 0
    }

    /// What happened to a number, relative to the line's first; `None` unless the verifier was told to
    /// watch it ([`Verifier::about`](super::Verifier::about)).
    #[must_use]
    pub fn of_number(&self, number: u64) -> Option<&Story> {
        self.stories.iter().find(|story| story.number == number)
    }

    pub(super) fn add(&mut self, place: Place, fault: Fault) {
        let mut faults = Faults::default();
        faults.push(fault);
        self.add_all(place, faults);
    }

    pub(super) fn add_all(&mut self, place: Place, faults: Faults) {
        self.found += faults.found;
        let room = MOST_FINDINGS - self.findings.len();
        let faults = faults.first.into_iter().take(room);
        self.findings
            .extend(faults.map(|fault| Finding { place, fault }));
    }
}

/// What is wrong with one entry: counted, and kept as far as a report would show it.
#[derive(Debug, Default)]
pub(super) struct Faults {
    first: Vec<Fault>,
    found: u64,
}

impl Faults {
    pub(super) fn push(&mut self, fault: Fault) {
        self.found += 1;
        if self.first.len() < MOST_FINDINGS {
            self.first.push(fault);
        }
    }
}

impl Tally {
    /// All calls, however they were made.
    #[must_use]
    pub fn all(&self) -> u64 {
        let lanes = [self.main, self.arrived, self.late, self.first];
        lanes.into_iter().fold(0, u64::saturating_add)
    }
}

/// Why so many numbers of a lottery look passed over.
const DRAWN: &str = "A lottery was drawn: each number of its pre-queue goes on under a drawn one, and some were kept in spare \
    that nobody had; both count as passed over.";

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = &self.opening {
            let (tenant, room, id) = (&line.tenant, &line.room, line.line.0);
            writeln!(f, "The line {id} of {tenant}/{room}.")?;
        }
        if let Some((from, to)) = self.span {
            let (entries, from, to) = (
                Counted(self.entries, "entry", "entries"),
                Utc(from),
                Utc(to),
            );
            writeln!(f, "{entries}, from {from} to {to}.")?;
        }
        writeln!(f, "{}", self.calls)?;
        if self.has_draw {
            writeln!(f, "{DRAWN}")?;
        }
        if let Some(head) = self.head {
            writeln!(f, "The head is {head}.")?;
        }
        for finding in &self.findings {
            writeln!(f, "WRONG: {finding}.")?;
        }
        match (self.found, self.found - self.findings.len() as u64) {
            (0, _) => write!(f, "Nothing is wrong with it."),
            (found, 0) => write!(f, "{}.", Counted(found, "finding", "findings")),
            (found, more) => write!(f, "{found} findings, {more} of them not shown."),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            main,
            arrived,
            late,
            first,
            passed_over,
            lapsed,
        } = self;
        let calls = Counted(self.all(), "call", "calls");
        write!(
            f,
            "{calls}: {main} in turn, {arrived} on arrival, {late} late, {first} by an operator; "
        )?;
        write!(
            f,
            "{passed_over} passed over, {lapsed} not answered in time."
        )
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.place, self.fault)
    }
}

impl fmt::Display for Place {
    /// As the beginning of a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(file, line) => write!(f, "line {line} of file {file} "),
            Self::Entry(seq) => write!(f, "entry {seq} "),
            Self::Log => Ok(()),
        }
    }
}

/// A count with its noun.
pub(super) struct Counted(
    pub(super) u64,
    pub(super) &'static str,
    pub(super) &'static str,
);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.0 == 1 { self.1 } else { self.2 };
        write!(f, "{} {noun}", self.0)
    }
}

/// One or more things by their numbers.
struct Numbered(&'static str, &'static str, u64, u64);

impl fmt::Display for Numbered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(one, many, from, to) = self;
        if from == to {
            write!(f, "{one} {from}")
        } else {
            write!(f, "{many} {from} to {to}")
        }
    }
}

struct Shown<'a>(&'a Limits);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |limit: Option<u32>| limit.map_or("any".to_owned(), |limit| limit.to_string());
        let (active, per_minute) = (number(self.0.active), number(self.0.per_minute));
        write!(f, "{active} inside, {per_minute} a minute")
    }
}
