//! What was seen of the origin, weighed against the rules: is it in trouble, is it well, or is there
//! too little to say?

use std::time::Duration;

use policies::admission::adaptive::Adaptive;

use super::{Observed, Trouble};

/// Fewer answers than this say nothing good about a p95.
const FEW: u64 = 20;
/// Fewer slow answers or failures than this are chance.
const CHANCE: f64 = 3.0;
/// How far above what is allowed a count must be, in standard deviations. In one window of forty that
/// is just within bounds it is so by chance.
const SURE: f64 = 2.0;
/// A window that is this long is as much as there will be: a few answers must do.
const AS_LONG_AS_IT_GETS: Duration = Duration::from_secs(27);
/// The shortest time that something is divided by; gateways tell of their quarters of a second.
const SHORTEST: Duration = Duration::from_millis(250);

/// What a window of health says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    /// What is wrong, if it is beyond chance.
    pub(super) trouble: Option<Trouble>,
    /// The share of the requests that failed.
    pub(super) failed: f64,
    /// How many requests were at the origin on average.
    pub(super) in_flight: f64,
    /// The time nineteen of twenty requests stayed within, in seconds. While nothing is answered, the
    /// time that those which wait have waited.
    pub(super) p95: f64,
    /// The target, in seconds.
    pub(super) target: f64,
    /// The median, in seconds: how fast it works, where the p95 is how crowded it is.
    pub(super) median: f64,
    /// Whether there is enough to call it well.
    pub(super) is_enough: bool,
    /// Requests that ended, per second.
    pub(super) rate: f64,
}

impl Evidence {
    pub(super) fn weigh(seen: &Observed, rules: &Adaptive) -> Self {
        let (health, span) = (&seen.health, seen.span);
        let answered = health.latencies.count();
        let ended = health.requests();
        let seconds = span.max(SHORTEST).as_secs_f64();
        let target = rules.target_p95().as_secs_f64();
        let busy = health.busy.as_secs_f64();
        let quantile = |share| {
            health
                .latencies
                .quantile(share)
                .map(|time| time.as_secs_f64())
        };

        let slow = health.latencies.over(rules.target_p95());
        let is_slow = is_beyond_chance(slow, 0.05, answered);
        // More was waited than answers account for: so long that it would be over the target even if
        // enough for a judgement were answered now. (A few answers that always take long are not it.)
        let unanswered = busy - health.latencies.total().as_secs_f64();
        let is_stuck = unanswered > target * (ended + FEW) as f64;
        let allowed = rules.max_error_rate().get();
        let is_failing = is_beyond_chance(u64::from(health.failures), allowed, ended);

        // Two visitors who read what they got may be all that the limit lets in.
        let few = match health.failures {
            0 => CHANCE.min(f64::from(seen.inside.max(1))),
            _ => CHANCE,
        };
        let waited = if is_stuck {
            busy / (ended + 1) as f64
        } else {
            0.0
        };
        Self {
            trouble: match (is_failing, is_slow || is_stuck) {
                (true, _) => Some(Trouble::Failing),
                (false, true) => Some(Trouble::Slow),
                (false, false) => None,
            },
            failed: f64::from(health.failures) / ended.max(1) as f64,
            in_flight: busy / seconds,
            p95: quantile(0.95).unwrap_or(0.0).max(waited),
            target,
            median: quantile(0.5).unwrap_or(0.0),
            is_enough: answered >= FEW || (answered as f64 >= few && span >= AS_LONG_AS_IT_GETS),
            rate: ended as f64 / seconds,
        }
    }
}

/// Whether `count` of `all` is more than `share` of them, beyond the chance of a binomial count.
fn is_beyond_chance(count: u64, share: f64, all: u64) -> bool {
    let (count, all) = (count as f64, all as f64);
    let deviation = (all * share * (1.0 - share)).sqrt();
    count >= CHANCE && count > all * share + SURE * deviation
}
