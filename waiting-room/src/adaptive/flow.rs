//! Calls and leavings: how many calls a minute keep one visitor inside, and how many calls a limit in
//! calls a minute has earned.

use std::time::Duration;

/// How long a leaving is remembered (the time in which it fades to a third), in seconds.
const MEMORY: f64 = 15.0;
/// Unused calls are kept for as long, so that a few who come together need not stand apart.
const KEPT_SECONDS: f64 = 10.0;
/// Below this many remembered leavings nothing is said about their rate.
const FEWEST_LEFT: f64 = 1.0;

/// What has gone through the room lately.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Flow {
    /// Visitors inside at the last step.
    pub(super) inside: u32,
    /// Calls since then.
    pub(super) called: u32,
    /// Leavings, fading.
    pub(super) left: f64,
    /// Minutes that visitors spent inside, fading alike.
    pub(super) stayed: f64,
    /// Calls earned and not spent.
    pub(super) credit: f64,
}

impl Flow {
    pub(super) fn begin(inside: u32) -> Self {
        Self {
            inside,
            called: 0,
            left: 0.0,
            stayed: 0.0,
            credit: 1.0,
        }
    }

    /// Now so many are inside.
    pub(super) fn watch(&mut self, inside: u32, elapsed: Duration) {
        let seconds = elapsed.as_secs_f64();
        let kept = (-seconds / MEMORY).exp();
        let left = (self.inside.saturating_add(self.called)).saturating_sub(inside);
        self.left = self.left * kept + f64::from(left);
        self.stayed = self.stayed * kept + f64::from(inside) * seconds / 60.0;
        self.inside = inside;
        self.called = 0;
    }

    /// Calls a minute that keep one visitor inside; `None` before anybody was seen to leave.
    pub(super) fn calls_for_one(&self) -> Option<f64> {
        (self.left >= FEWEST_LEFT && self.stayed > 0.0).then(|| self.left / self.stayed)
    }

    /// Time passed under a limit of `per_minute`.
    pub(super) fn earn(&mut self, per_minute: f64, elapsed: Duration) {
        let per_second = per_minute / 60.0;
        let most = (per_second * KEPT_SECONDS).max(1.0);
        self.credit = (self.credit + per_second * elapsed.as_secs_f64()).min(most);
    }

    /// So many were called.
    pub(super) fn spend(&mut self, called: u32) {
        self.called = self.called.saturating_add(called);
        self.credit = (self.credit - f64::from(called)).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUARTER: Duration = Duration::from_millis(250);

    #[test]
    fn calls_for_one_are_one_over_the_stay() {
        // 40 inside for 8 s each: 5 leave a second, 300 a minute, 7.5 for each.
        let mut flow = Flow::begin(40);
        assert_eq!(flow.calls_for_one(), None);
        for tick in 0_u32..240 {
            flow.spend(1 + tick % 4 / 3);
            flow.watch(40, QUARTER);
        }
        let calls = flow.calls_for_one().expect("many left");
        assert!((calls - 7.5).abs() < 0.3, "{calls}");
    }

    #[test]
    fn a_room_that_empties_shows_the_same_stay() {
        let mut flow = Flow::begin(4_000);
        let mut inside = 4_000.0_f64;
        for _ in 0..40 {
            inside *= (-0.25_f64 / 8.0).exp();
            flow.watch(inside as u32, QUARTER);
        }
        let calls = flow.calls_for_one().expect("many left");
        assert!((calls - 7.5).abs() < 0.4, "{calls}");
    }

    proptest! {
        #[test]
        fn no_more_is_spent_than_was_earned_and_kept(
            per_minute in 1_u32..6_000, wants in proptest::collection::vec(0_u32..200, 1..200),
        ) {
            let mut flow = Flow::begin(0);
            let mut called = 0;
            for want in &wants {
                flow.earn(f64::from(per_minute), QUARTER);
                let calls = (flow.credit as u32).min(*want);
                flow.spend(calls);
                called += calls;
            }
            let earned = f64::from(per_minute) / 240.0 * wants.len() as f64;
            let kept = (f64::from(per_minute) / 6.0).max(1.0);
            prop_assert!(f64::from(called) <= earned + kept + 1e-6);
        }
    }
}
