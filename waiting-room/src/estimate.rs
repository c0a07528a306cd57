//! How long it will take: the measured pace of the line, and what may honestly be said from it.

use std::time::Duration;

use crate::value::millis;

/// The window over which the pace is averaged, in milliseconds: long enough that single sessions of a
/// small room do not jerk the estimate, short enough to follow a change within minutes.
const WINDOW_MS: u64 = 180_000;
/// Nothing is said before the line was watched this long under load: the pace of the first seconds, while the
/// first seats are still filled, swings by a factor of three.
const FIRST_WORD_MS: u64 = 30_000;

/// Calls per second while people were waiting. Idle time is not slow time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// For how long it was measured, up to the window; in milliseconds.
    pub busy_ms: u64,
    /// The running mean.
    pub per_second: f64,
}

/// An estimate of the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eta {
    /// As likely earlier as later.
    pub p50: Duration,
    /// Nine times in ten it is earlier than this.
    pub p90: Duration,
}

impl Pace {
    /// The pace after `calls` more in `elapsed` of waiting.
    #[must_use]
    pub fn after(self, calls: u32, elapsed: Duration) -> Self {
        let elapsed = millis(elapsed);
        if elapsed == 0 {
            return self;
        }
        let busy_ms = (self.busy_ms + elapsed).min(WINDOW_MS);
        let observed = f64::from(calls) * 1_000.0 / elapsed as f64;
        let weight = (elapsed as f64 / busy_ms as f64).min(1.0);
        Self {
            busy_ms,
            per_second: self.per_second + (observed - self.per_second) * weight,
        }
    }

    /// The wait of someone with `ahead` people before them; `None` while nothing honest can be said.
    #[must_use]
    pub fn eta(self, ahead: u32) -> Option<Eta> {
        if self.busy_ms < FIRST_WORD_MS || self.per_second <= 0.0 {
            return None;
        }
        let calls = f64::from(ahead) + 1.0;
        // Calls come in irregularly: after n of them the spread is about sqrt(n), and the pace itself
        // is only known to some ten per cent.
        let p50 = calls / self.per_second;
        let p90 = (calls + 1.28 * calls.sqrt()) / (self.per_second * 0.9);
        Some(Eta {
            p50: seconds(p50),
            p90: seconds(p90),
        })
    }
}

/// Whole seconds, at least one, at most a day.
fn seconds(value: f64) -> Duration {
    Duration::from_secs(value.ceil().clamp(1.0, 86_400.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_before_the_line_was_watched() {
        let pace = Pace::default().after(5, Duration::from_secs(5));
        assert_eq!(pace.eta(10), None);
        assert_eq!(pace.after(0, Duration::ZERO), pace);
    }

    #[test]
    fn a_steady_line_is_estimated_from_its_pace() {
        let mut pace = Pace::default();
        for _ in 0..400 {
            pace = pace.after(1, Duration::from_millis(500));
        }
        let eta = pace.eta(119).expect("watched for 200 s");
        assert_eq!(eta.p50, Duration::from_secs(60));
        assert!(
            eta.p90 > eta.p50 && eta.p90 < Duration::from_secs(90),
            "{eta:?}"
        );
    }

    #[test]
    fn a_line_that_stands_is_not_promised_to_move() {
        let pace = Pace::default().after(0, Duration::from_secs(60));
        assert_eq!(pace.eta(0), None);
    }
}
