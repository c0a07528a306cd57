//! Time as an argument: a [`Timestamp`] is a value, and only a [`Clock`] makes one.
//!
//! Leases and due times are the exception on purpose: several processes must agree on them, so they
//! are computed by the one clock all share, the database's.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A moment in UTC, kept to the microsecond because that is what the database keeps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// The moment `micros` after 1970-01-01T00:00:00Z; `None` outside the years -9999..=9999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        jiff::Timestamp::from_microsecond(micros).ok().map(Self)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn as_micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Reads RFC 3339 with any offset, as PSPs write it (`2026-02-04T19:30:00+09:00`).
    pub fn parse(text: &str) -> Option<Self> {
        let parsed: jiff::Timestamp = text.parse().ok()?;
        Self::from_micros(parsed.as_microsecond())
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        let micros = self.as_micros().saturating_sub(earlier.as_micros()).max(0);
        Duration::from_micros(micros.unsigned_abs())
    }
}

/// RFC 3339 in UTC, the one form every answer uses.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where the present comes from. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::from_fn(|| {
            Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
                .expect("the present is within the supported years")
        })
    }

    /// A clock that tells what `now` tells, for tests that step time.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_korean_time_is_told_in_utc() {
        let at = Timestamp::parse("2026-02-04T19:30:00+09:00").unwrap();
        assert_eq!(at.to_string(), "2026-02-04T10:30:00Z");
    }

    #[test]
    fn what_lies_ahead_was_no_time_ago() {
        let at = Timestamp::from_micros(1_000_000).unwrap();
        let later = Timestamp::from_micros(3_500_000).unwrap();
        assert_eq!(later.since(at), Duration::from_millis(2_500));
        assert_eq!(at.since(later), Duration::ZERO);
    }
}
