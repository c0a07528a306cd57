//! A machine with too much to do answers polls late: that is no reason to call anybody out of order.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use policies::admission::{Admission, Spec};
use waiting_room::{
    Number, Outcome, State, Timestamp, controller::TICK, store::memory::MemoryStore,
};

use crate::{
    fleet::{Browser, Gateway, START},
    history::Dice,
};

const VISITORS: u64 = 400;
const STAY: Duration = Duration::from_secs(10);

/// Somebody who polls as told.
struct Visitor {
    browser: Browser,
    /// When the next request is sent; none once it has left.
    next_at: Option<Timestamp>,
    /// How long that will lie in a queue.
    queued: Duration,
    is_inside: bool,
}

impl Visitor {
    async fn ask(&mut self, gateway: &Gateway, now: Timestamp, entropy: u64) {
        if self.is_inside {
            let _ = self.browser.leave(gateway, now).await;
            self.next_at = None;
            return;
        }
        let wait = match self.browser.enter(gateway, now, entropy).await {
            Outcome::Held(held) if held.status.state == State::Called => Duration::ZERO,
            Outcome::Held(held) => held.status.poll_after,
            Outcome::Admitted(_) => {
                self.is_inside = true;
                STAY
            }
        };
        self.next_at = Some(now.plus(wait));
    }
}

/// A line whose polls lie in a queue for as long as `delay` says. Returns who was ever passed over.
async fn passed_over(
    gateways: u64,
    delay: impl Fn(Duration, &mut Dice) -> Duration,
) -> BTreeSet<Number> {
    let rules = Admission::new(Spec {
        active: Some(20),
        ..Spec::default()
    });
    let rules = rules.expect("valid");
    let store = Arc::new(MemoryStore::new());
    let gateway = |id| Gateway::new(id, store.clone(), rules);
    let mut gateways: Vec<Gateway> = (0..gateways).map(gateway).collect();
    let mut dice = Dice(7);
    let visitor = |number| Visitor {
        browser: Browser::default(),
        next_at: Some(START.plus(Duration::from_millis(1_000 + number))),
        queued: Duration::ZERO,
        is_inside: false,
    };
    let mut crowd: Vec<Visitor> = (0..VISITORS).map(visitor).collect();
    let mut now = START;
    let mut gone = BTreeSet::new();
    while crowd.iter().any(|visitor| visitor.next_at.is_some()) {
        now = now.plus(TICK);
        assert!(
            now < START.plus(Duration::from_secs(600)),
            "somebody never came in"
        );
        for gateway in &mut gateways {
            gateway.step(now).await;
        }
        for visitor in &mut crowd {
            let arrives = visitor.next_at.map(|at| at.plus(visitor.queued));
            if arrives.is_some_and(|at| at <= now) {
                let gateway = &gateways[dice.below(gateways.len() as u64) as usize];
                visitor.ask(gateway, now, dice.roll()).await;
                visitor.queued = delay(now.since(START), &mut dice);
            }
        }
        if let Some(seen) = gateways[0].room.snapshot() {
            let numbers = (seen.line.floor.0..seen.next.0).map(Number);
            gone.extend(numbers.filter(|number| seen.marks.gone.has(*number)));
        }
    }
    gone
}

/// From a minute on more and more, up to six seconds after 72; so until 98, and nothing any more after 110.
fn rises_and_falls(at: Duration) -> f64 {
    let seconds = at.as_secs_f64();
    let rising = (seconds - 60.0) / 2.0;
    let falling = (110.0 - seconds) / 2.0;
    rising.min(falling).clamp(0.0, 6.0)
}

#[tokio::test]
async fn a_gateway_with_too_much_to_do_passes_nobody_over() {
    for gateways in [1, 2] {
        let same = |at, _: &mut Dice| Duration::from_secs_f64(rises_and_falls(at));
        let gone = passed_over(gateways, same).await;
        assert!(gone.is_empty(), "{gateways} gateways passed over {gone:?}");
    }
}

#[tokio::test]
async fn nor_where_some_requests_wait_much_longer_than_others() {
    for gateways in [1, 2] {
        // Up to a fifth longer; and a fifth of them not at all.
        let some = |at, dice: &mut Dice| {
            let part = (dice.below(150) as f64 / 100.0 - 0.3).max(0.0);
            Duration::from_secs_f64(rises_and_falls(at) * part)
        };
        let gone = passed_over(gateways, some).await;
        assert!(gone.is_empty(), "{gateways} gateways passed over {gone:?}");
    }
}
