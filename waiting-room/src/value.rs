//! The three values everything here is counted in. They import nothing.

use std::{fmt, time::Duration};

/// A moment in milliseconds since the Unix epoch.
///
/// The library has no clock: every verb is given the time, so that a simulation can step it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The moment `by` later; saturates at the end of time.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(millis(by)))
    }

    /// The moment `by` earlier; saturates at the Unix epoch.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(millis(by)))
    }

    /// Time since `earlier`; zero if `earlier` is in fact later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Whole milliseconds of a duration; saturates (584 million years).
#[must_use]
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whose room it is and which: names of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomName {
    /// The tenant.
    pub tenant: String,
    /// The room.
    pub room: String,
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.room)
    }
}

/// One run of a room's queue: the moment it was opened, in microseconds since the Unix epoch.
///
/// A ticket of another line is void. Because a line also starts numbering at that moment
/// ([`Line::open`](crate::line::Line::open)), numbers are not reused even when every memory of an
/// earlier line is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId(pub u64);

impl LineId {
    /// When it was opened.
    #[must_use]
    pub fn opened_at(self) -> Timestamp {
        Timestamp(self.0 / 1_000)
    }
}

/// A place in a line. Lower is earlier; never given twice.
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(pub u64);

impl Number {
    /// The number `by` places later.
    #[must_use]
    pub fn plus(self, by: u64) -> Self {
        Self(self.0.saturating_add(by))
    }

    /// How many places lie from `earlier` up to this one; zero if `earlier` is in fact later.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// When something happens, and the randomness it may use: the two things a pure library cannot make.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The caller's clock.
    pub now: Timestamp,
    /// 64 fresh random bits from a cryptographic source; they become nonces and secrets.
    pub entropy: u64,
}
