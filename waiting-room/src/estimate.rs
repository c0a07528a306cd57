//! How long it will take: what is measured of the line ([`Pace`], [`Course`]), and what may honestly be said from it
//! ([`Forecast`]).
//!
//! What was measured lives in the shared record, so every gateway says the same, one that has just started included.
//! How good the estimates are is measured by `tests/it/estimates.rs` and told in docs/estimates.md.

mod course;
mod desertion;
mod forecast;
mod hindsight;
pub(crate) mod shown;
mod span;
mod visits;

use std::time::Duration;

use crate::value::millis;

pub use course::{Course, Tally, Turn, Watched};
pub(crate) use desertion::View;
pub use desertion::{Change, Cohort, Desertion};
pub use forecast::{Forecast, Limits};
pub(crate) use hindsight::Watcher;
pub(crate) use visits::ToCome;
pub use visits::{Party, Visits};

/// The window over which the pace is averaged, in milliseconds: long enough that single sessions of a
/// small room do not jerk it, short enough to follow a change within minutes.
const WINDOW_MS: u64 = 180_000;

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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_a_mean_over_the_time_in_which_somebody_waited() {
        let mut pace = Pace::default();
        assert_eq!(pace.after(0, Duration::ZERO), pace);
        for _ in 0..400 {
            pace = pace.after(1, Duration::from_millis(500));
        }
        assert!((pace.per_second - 2.0).abs() < 1e-9, "{pace:?}");
    }
}
