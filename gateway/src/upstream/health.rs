//! Passive health: a server that fails several requests in a row is left alone for a while.
//!
//! No probe is sent: requests are the probes. The time out of service doubles with each ejection that
//! no success came between. After it, one failure is enough to eject again, so that a dead server
//! costs one request each time and not three. Counters are atomics without a lock: two threads may
//! disagree for a moment about whether this was the third failure, and nothing depends on it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::config::upstream::PassiveHealth;

/// Doublings at most: 32 times the first time.
const DOUBLINGS_MAX: u32 = 5;

/// What is known about one server. Times are [`crate::clock::millis`].
#[derive(Debug, Default)]
pub(crate) struct Health {
    failures: AtomicU32,
    ejections: AtomicU32,
    out_until_ms: AtomicU64,
}

impl Health {
    /// Whether the server is out of service at `now_ms`.
    pub(crate) fn is_out(&self, now_ms: u64) -> bool {
        now_ms < self.out_until_ms.load(Relaxed)
    }

    /// A request got an answer.
    pub(crate) fn succeeded(&self) {
        // Loads first: in health, which is nearly always, nothing is written and no line is shared.
        if self.failures.load(Relaxed) != 0 {
            self.failures.store(0, Relaxed);
        }
        if self.ejections.load(Relaxed) != 0 {
            self.ejections.store(0, Relaxed);
        }
    }

    /// A request failed. Returns for how long the server is ejected, if this failure did it.
    pub(crate) fn failed(&self, rules: PassiveHealth, now_ms: u64) -> Option<Duration> {
        if self.is_out(now_ms) {
            return None;
        }
        let failures = self.failures.fetch_add(1, Relaxed).saturating_add(1);
        if failures < rules.failures.get() {
            return None;
        }
        let before = self.ejections.fetch_add(1, Relaxed);
        let time = rules.eject * 2u32.pow(before.min(DOUBLINGS_MAX));
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.out_until_ms
            .store(now_ms.saturating_add(millis), Relaxed);
        self.failures.store(rules.failures.get() - 1, Relaxed);
        Some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: PassiveHealth = PassiveHealth {
        failures: std::num::NonZeroU32::new(3).expect("not zero"),
        eject: Duration::from_secs(5),
    };

    #[test]
    fn ejects_after_failures_in_a_row_only() {
        let health = Health::default();
        assert_eq!(health.failed(RULES, 0), None);
        assert_eq!(health.failed(RULES, 0), None);
        health.succeeded();
        assert_eq!(health.failed(RULES, 0), None);
        assert_eq!(health.failed(RULES, 0), None);
        assert_eq!(health.failed(RULES, 0), Some(Duration::from_secs(5)));
        assert!(health.is_out(4_999));
        assert!(!health.is_out(5_000));
    }

    #[test]
    fn the_time_out_grows_until_a_success() {
        let health = Health::default();
        let mut now = 0;
        for _ in 0..2 {
            health.failed(RULES, now);
        }
        let mut times = Vec::new();
        for _ in 0..8 {
            let out = health.failed(RULES, now).expect("ejected by one failure");
            times.push(out.as_secs());
            now += u64::try_from(out.as_millis()).expect("small");
        }
        assert_eq!(times, [5, 10, 20, 40, 80, 160, 160, 160]);
        health.succeeded();
        assert_eq!(health.failed(RULES, now), None);
    }

    #[test]
    fn failures_of_an_ejected_server_do_not_prolong_it() {
        let health = Health::default();
        for _ in 0..3 {
            health.failed(RULES, 0);
        }
        assert_eq!(health.failed(RULES, 10), None);
        assert!(!health.is_out(5_000));
    }
}
