//! What one entry says.

use std::time::Duration;

use super::{Head, Passed, Text, Why};
use crate::value::{LineId, Number, Timestamp};

/// What one tick did. All numbers are relative to the line's first; see the module's head for where each
/// member comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When. Never goes back within a line.
    pub at: Timestamp,
    /// How many numbers were given out so far. Never falls.
    pub given: u64,
    /// The first number not yet called; above `given` where seats are reserved for those to come. Never falls.
    pub horizon: u64,
    /// The range this tick passed in the main lane, and who of it was called.
    pub called: Option<Passed>,
    /// Numbers that took a reserved seat since the last tick, each called in the moment of joining.
    pub arrived: Option<Passed>,
    /// Called through the late lane; at most [`MOST_LATE`](super::MOST_LATE).
    pub late: Vec<u64>,
    /// Called by an operator before their turn.
    pub first: Vec<First>,
    /// People waiting, after this tick.
    pub living: u64,
    /// Seats taken, after this tick.
    pub active: u64,
    /// Calls whose grace ended since the last entry.
    pub lapsed: u64,
    /// The limits that bound this tick.
    pub limits: Limits,
    /// Why nobody, or fewer, are called.
    pub why: Option<Why>,
    /// What happened besides.
    pub event: Option<Event>,
}

/// A number that an operator called before its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    /// Which.
    pub number: u64,
    /// The operator's name.
    pub by: Text,
    /// Why.
    pub reason: Text,
}

/// What bounds the calls. `None`: not limited this way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Most seats taken at one time.
    pub active: Option<u32>,
    /// Most calls in any sliding minute.
    pub per_minute: Option<u32>,
}

/// Something that happened to the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub kind: Kind,
    /// Who did it; nobody, if the fleet did it by itself.
    pub by: Option<Text>,
    /// In words.
    pub detail: Option<Text>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The line was opened: the first entry, and no other.
    Opened(Opening),
    /// An operator stopped the calls.
    Paused,
    /// And let them go on.
    Resumed,
    /// Nobody new is taken; who waits is served.
    Drained,
    /// Limits or times were changed; the times, if they were.
    Tuned(Option<Opening>),
    /// A message to those who wait.
    Announced,
    /// The lottery was drawn.
    Drawn,
    /// The list of a lottery was closed, and its digest made public.
    Closed,
}

/// What a log is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Whose site.
    pub tenant: Text,
    /// Which part of it.
    pub room: Text,
    /// Which run of its queue.
    pub line: LineId,
    /// The line's first number, which is 0 in the log.
    pub first: Number,
    /// How long a call stays open; whole milliseconds.
    pub grace: Duration,
    /// Silence after which somebody waiting is passed over; whole milliseconds.
    pub absent_after: Duration,
}

impl Kind {
    /// The name in the log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opened(_) => "opened",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Drained => "drained",
            Self::Tuned(_) => "tuned",
            Self::Announced => "announced",
            Self::Drawn => "drawn",
            Self::Closed => "closed",
        }
    }

    /// What the log is about, where the event says it.
    #[must_use]
    pub fn opening(&self) -> Option<&Opening> {
        match self {
            Self::Opened(opening) | Self::Tuned(Some(opening)) => Some(opening),
            _ => None,
        }
    }
}

impl Opening {
    /// The head before the first entry: the SHA-256 of `fluxgate line <tenant>/<room> <line id>`.
    #[must_use]
    pub fn start(&self) -> Head {
        let (tenant, room, line) = (&self.tenant, &self.room, self.line.0);
        Head::of(
            0,
            format!("fluxgate line {tenant}/{room} {line}").as_bytes(),
        )
    }

    /// Whether both are about the same line.
    pub(super) fn is_of_line(&self, other: &Self) -> bool {
        let line = |o: &Self| (o.tenant.clone(), o.room.clone(), o.line, o.first);
        line(self) == line(other)
    }
}

impl Entry {
    /// Whether this has to be written: somebody was called or passed over, a call ended that nobody answered, something
    /// happened, or the limits or the reason are not those of the last entry.
    #[must_use]
    pub fn is_news(&self, limits: Limits, why: Option<&Why>) -> bool {
        let passed = self.called.is_some() || self.arrived.is_some();
        let called = !self.late.is_empty() || !self.first.is_empty();
        let changed = self.limits != limits || self.why.as_ref() != why;
        passed || called || changed || self.lapsed > 0 || self.event.is_some()
    }

    /// What happened, by its kind.
    pub(super) fn kind(&self) -> Option<&Kind> {
        self.event.as_ref().map(|event| &event.kind)
    }

    /// The ranges passed, in the order of their numbers.
    pub(super) fn passed(&self) -> impl Iterator<Item = &Passed> {
        self.arrived.iter().chain(&self.called)
    }

    /// Calls that this tick chose to make: all but those that took a seat reserved before.
    pub(super) fn chosen(&self) -> u64 {
        let main = self.called.as_ref().map_or(0, Passed::calls);
        main.saturating_add((self.late.len() + self.first.len()) as u64)
    }

    /// All calls.
    pub(super) fn calls(&self) -> u64 {
        let arrived = self.arrived.as_ref().map_or(0, Passed::calls);
        self.chosen().saturating_add(arrived)
    }
}

#[cfg(test)]
impl Entry {
    /// One in which nothing happens.
    pub(crate) fn quiet(at: Timestamp) -> Self {
        Self {
            at,
            given: 0,
            horizon: 0,
            called: None,
            arrived: None,
            late: Vec::new(),
            first: Vec::new(),
            living: 0,
            active: 0,
            lapsed: 0,
            limits: Limits::default(),
            why: None,
            event: None,
        }
    }
}
