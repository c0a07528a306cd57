//! One time line for a whole run, so that moments measured here can be compared with the times in the
//! gateway's answers. It is the wall clock at the start plus a monotonic distance: a step of the wall clock
//! in the middle of a run cannot turn an order round. The only place of this crate that reads a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// A point on the time line, in microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// The moment `micros` microseconds after the Unix epoch.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Reads an RFC 3339 time stamp; `None` when it is not one or lies before 1970.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let stamp: jiff::Timestamp = text.parse().ok()?;
        u64::try_from(stamp.as_microsecond()).ok().map(Self)
    }

    /// This moment moved later by `distance`.
    #[must_use]
    pub const fn plus(self, distance: Duration) -> Self {
        Self(self.0.saturating_add(micros(distance)))
    }

    /// This moment moved earlier by `distance`, never before the epoch.
    #[must_use]
    pub const fn minus(self, distance: Duration) -> Self {
        Self(self.0.saturating_sub(micros(distance)))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

const fn micros(distance: Duration) -> u64 {
    let micros = distance.as_micros();
    if micros > u64::MAX as u128 {
        u64::MAX
    } else {
        micros as u64
    }
}

/// Reads the time line. Copies agree with each other.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Moment,
    started: Instant,
}

impl Clock {
    /// Fixes the time line to the wall clock as it stands now.
    #[must_use]
    pub fn start() -> Self {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            origin: Moment(micros(wall)),
            started: Instant::now(),
        }
    }

    /// The moment it is now.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.origin.plus(self.started.elapsed())
    }

    /// Waits until `moment`; returns at once when it has passed.
    pub async fn sleep_until(&self, moment: Moment) {
        tokio::time::sleep_until(self.started + moment.since(self.origin)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_less_its_grace_is_the_call_time() {
        let deadline = Moment::from_rfc3339("2026-12-01T12:02:00.250Z").unwrap();
        let call = Moment::from_rfc3339("2026-12-01T21:00:00.25+09:00").unwrap();
        assert_eq!(deadline.minus(Duration::from_secs(120)), call);
        assert_eq!(Moment::from_rfc3339("yesterday"), None);
    }

    #[test]
    fn distances_never_wrap() {
        let early = Moment::from_micros(5);
        assert_eq!(early.minus(Duration::from_secs(1)), Moment::from_micros(0));
        assert_eq!(early.since(Moment::from_micros(9)), Duration::ZERO);
        assert_eq!(early.plus(Duration::MAX).micros(), u64::MAX);
    }
}
