//! What people do that a test script would not: reload, open a second tab, press twice, come back to the
//! success page, walk away. Small but never zero by default, so that every replay path runs in every drill.

use std::time::Duration;

use rand::{Rng, RngExt};

/// How often visitors do each thing, as a share of all visitors from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Habits {
    /// Loads the queue page again while waiting.
    pub reload: f64,
    /// Has the queue page open twice and lets both claim.
    pub two_tabs: f64,
    /// Presses pay twice and opens the success address twice.
    pub double_pay: f64,
    /// Opens the success address again after the receipt.
    pub retry_success: f64,
    /// Walks away silently, at a random place.
    pub leave: f64,
    /// Buys when let in; the others only look.
    pub buy: f64,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            reload: 0.05,
            two_tabs: 0.03,
            double_pay: 0.03,
            retry_success: 0.05,
            leave: 0.03,
            buy: 1.0,
        }
    }
}

/// Where a visitor walks away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// While waiting.
    Line,
    /// When called, without claiming.
    Called,
    /// From the product page.
    Product,
    /// From the payment window, with a unit reserved.
    Window,
}

/// One visitor's decisions, drawn before the visit so that a seed repeats a run's behaviour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Loads the queue page again once.
    pub reloads: bool,
    /// Claims from two tabs.
    pub two_tabs: bool,
    /// Presses pay twice.
    pub double_pay: bool,
    /// Opens the success address again.
    pub retry_success: bool,
    /// Walks away here.
    pub leave: Option<Leave>,
    /// Seeds the visitor's pauses.
    pub seed: u64,
}

impl Habits {
    /// Draws one visitor's plan.
    #[must_use]
    pub fn draw(&self, rng: &mut impl Rng) -> Plan {
        let leaves = rng.random_bool(self.leave);
        let place =
            [Leave::Line, Leave::Called, Leave::Product, Leave::Window][rng.random_range(0..4)];
        let looks = !rng.random_bool(self.buy);
        let leave = if leaves {
            Some(place)
        } else {
            looks.then_some(Leave::Product)
        };
        Plan {
            reloads: rng.random_bool(self.reload),
            two_tabs: rng.random_bool(self.two_tabs),
            double_pay: rng.random_bool(self.double_pay),
            retry_success: rng.random_bool(self.retry_success),
            leave,
            seed: rng.random(),
        }
    }
}

/// How long people look at a page before they act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// At least this.
    pub least: Duration,
    /// At most this.
    pub most: Duration,
}

impl Pace {
    /// One pause.
    #[must_use]
    pub fn draw(&self, rng: &mut impl Rng) -> Duration {
        let spread = self.most.saturating_sub(self.least);
        self.least + spread.mul_f64(rng.random::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    #[test]
    fn a_seed_repeats_a_crowd_and_every_habit_occurs_in_it() {
        let draw = || {
            let mut rng = SmallRng::seed_from_u64(7);
            (0..10_000)
                .map(|_| Habits::default().draw(&mut rng))
                .collect::<Vec<_>>()
        };
        let plans = draw();
        assert_eq!(plans, draw());
        assert!(
            plans
                .iter()
                .any(|plan| plan.reloads && plan.leave.is_none())
        );
        assert!(plans.iter().any(|plan| plan.two_tabs && plan.double_pay));
        for place in [Leave::Line, Leave::Called, Leave::Product, Leave::Window] {
            assert!(
                plans.iter().any(|plan| plan.leave == Some(place)),
                "{place:?}"
            );
        }
        let staying = plans.iter().filter(|plan| plan.leave.is_none()).count();
        assert!((9_500..9_900).contains(&staying), "{staying}");
    }

    #[test]
    fn a_pause_keeps_to_its_bounds() {
        let pace = Pace {
            least: Duration::from_secs(1),
            most: Duration::from_secs(2),
        };
        let mut rng = SmallRng::seed_from_u64(1);
        assert!(
            (0..1000)
                .map(|_| pace.draw(&mut rng))
                .all(|pause| pause >= pace.least && pause <= pace.most)
        );
    }
}
