//! A gateway whose picture is older than another's: its visitors are not the worse for it.

use std::sync::Arc;

use policies::admission::{Admission, Spec};
use waiting_room::{Outcome, State, Timestamp, controller::TICK, store::memory::MemoryStore};

use crate::fleet::{Browser, Gateway, START};

/// One line for one seat; `new` has seen the latest tick, `old` has not.
struct Pair {
    new: Gateway,
    old: Gateway,
    now: Timestamp,
}

impl Pair {
    fn open() -> Self {
        let rules = Admission::new(Spec {
            active: Some(1),
            ..Spec::default()
        })
        .expect("valid");
        let store = MemoryStore::new();
        let gateway = |id| Gateway::new(id, Arc::new(store.clone()), rules);
        Self {
            new: gateway(1),
            old: gateway(2),
            now: START,
        }
    }

    async fn step_both(&mut self, times: u32) {
        for _ in 0..times {
            self.step_new().await;
            self.old.step(self.now).await;
        }
    }

    async fn step_new(&mut self) {
        self.now = self.now.plus(TICK);
        self.new.step(self.now).await;
    }
}

#[tokio::test]
async fn whoever_was_told_to_come_in_comes_in_through_a_gateway_that_does_not_know_yet() {
    let mut pair = Pair::open();
    pair.step_both(10).await;
    let (mut first, mut second) = (Browser::default(), Browser::default());
    for entropy in [1, 2] {
        let _ = first.enter(&pair.new, pair.now, entropy).await;
    }
    assert!(first.pass.is_some(), "the free seat");
    for entropy in [3, 4] {
        let _ = second.enter(&pair.new, pair.now, entropy).await;
    }
    pair.step_both(2).await;
    let left = first.leave(&pair.new, pair.now).await;
    assert!(matches!(left, Outcome::Held(held) if held.status.state == State::Left));
    pair.step_new().await;

    let told = second.status(&pair.new, pair.now, 5).await;
    assert!(
        matches!(told, Outcome::Held(held) if held.status.state == State::Called),
        "{told:?}"
    );
    let entered = second.enter(&pair.old, pair.now, 6).await;
    assert!(matches!(entered, Outcome::Admitted(_)), "{entered:?}");
}

#[tokio::test]
async fn a_reserved_seat_is_given_by_a_gateway_that_has_not_seen_it_reserved() {
    let mut pair = Pair::open();
    pair.step_both(10).await;
    let mut first = Browser::default();
    for entropy in [1, 2] {
        let _ = first.enter(&pair.new, pair.now, entropy).await;
    }
    pair.step_both(2).await;
    // Nobody waits, so the freed seat is reserved for whoever comes next.
    let _ = first.leave(&pair.new, pair.now).await;
    pair.step_new().await;
    let reserved = |gateway: &Gateway| {
        let seen = gateway.room.snapshot().expect("open");
        seen.line.ahead(seen.next)
    };
    assert_eq!((reserved(&pair.new), reserved(&pair.old)), (1, 0));
    let mut next = Browser::default();
    let _ = next.enter(&pair.old, pair.now, 3).await;
    let entered = next.enter(&pair.old, pair.now, 4).await;
    assert!(matches!(entered, Outcome::Admitted(_)), "{entered:?}");
}
