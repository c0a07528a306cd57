//! The simulator's own time: the system clock plus an offset that only moves forward.
//!
//! Sessions expire after 10 and 30 minutes and idempotency records after 15 days. A drill or a
//! test that needs those moments moves the offset (`POST /sim/clock`) instead of waiting.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

/// Where every part of the simulator reads the time.
#[derive(Debug, Default)]
pub struct Clock {
    ahead_ms: AtomicI64,
}

impl Clock {
    /// The simulated time.
    pub fn now(&self) -> Timestamp {
        let ahead = self.ahead_ms.load(Ordering::Relaxed);
        Timestamp::from_millisecond(Timestamp::now().as_millisecond().saturating_add(ahead))
            .unwrap_or(Timestamp::MAX)
    }

    /// Moves the clock forward by `ms` milliseconds, for good.
    pub fn advance(&self, ms: u32) {
        self.ahead_ms.fetch_add(i64::from(ms), Ordering::Relaxed);
    }
}

/// `2026-11-21T10:35:55+09:00`, the form of every time in a Payment object.
pub fn seoul(at: Timestamp) -> String {
    render("%Y-%m-%dT%H:%M:%S%:z", at)
}

/// `2026-11-21T10:35:55.123456`, the form of `createdAt` in a webhook: Seoul time, no offset.
pub fn seoul_without_offset(at: Timestamp) -> String {
    render("%Y-%m-%dT%H:%M:%S.%6f", at)
}

/// `20261121103555`, the middle of a payment key.
pub fn seoul_compact(at: Timestamp) -> String {
    render("%Y%m%d%H%M%S", at)
}

fn render(format: &str, at: Timestamp) -> String {
    let zoned = Zoned::new(at, TimeZone::fixed(Offset::constant(9)));
    strtime::format(format, &zoned).expect("the format strings above are valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_provider_writes_them() {
        let at: Timestamp = "2026-11-21T01:35:55.123456Z".parse().unwrap();
        assert_eq!(seoul(at), "2026-11-21T10:35:55+09:00");
        assert_eq!(seoul_without_offset(at), "2026-11-21T10:35:55.123456");
        assert_eq!(seoul_compact(at), "20261121103555");
    }

    #[test]
    fn advancing_moves_now_by_exactly_that_much() {
        let clock = Clock::default();
        let before = clock.now();
        clock.advance(600_000);
        let moved = clock.now().as_millisecond() - before.as_millisecond();
        assert!((600_000..660_000).contains(&moved), "moved {moved} ms");
    }
}
