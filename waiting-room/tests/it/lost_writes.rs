//! A link that loses one write, or its answer: whoever wrote does not know whether it was done.

use std::{num::NonZeroU32, sync::Arc};

use policies::schedule::{Method, Schedule};
use waiting_room::{
    Outcome, State, Timestamp,
    controller::TICK,
    orders::{Order, Word},
    store::memory::MemoryStore,
};

use crate::{
    fleet::{Browser, Gateway, START},
    link::{Link, Lost},
    methods::scene::{event, numbers, rules, schedule},
};

/// Gateways that each have a link of their own to one store.
struct Linked {
    store: MemoryStore,
    links: Vec<Link>,
    gateways: Vec<Gateway>,
    now: Timestamp,
    entropy: u64,
}

impl Linked {
    async fn new(gateways: usize, active: u32, plan: Schedule) -> Self {
        let mut linked = Self::cold(gateways, active, &plan);
        linked.until(12_000).await;
        linked
    }

    /// Before the first step.
    fn cold(gateways: usize, active: u32, plan: &Schedule) -> Self {
        let store = MemoryStore::new();
        let links: Vec<_> = (0..gateways).map(|_| Link::to(&store)).collect();
        let gateway = |(id, link): (u64, &Link)| {
            Gateway::scheduled(id, Arc::new(link.clone()), rules(active), plan.clone())
        };
        let gateways = (1..).zip(&links).map(gateway).collect();
        Self {
            store,
            links,
            gateways,
            now: START,
            entropy: 5,
        }
    }

    /// Until so many milliseconds after the start.
    async fn until(&mut self, ms: u64) {
        while self.now.0 < START.0 + ms {
            self.now = self.now.plus(TICK);
            for gateway in &mut self.gateways {
                gateway.step(self.now).await;
            }
        }
    }

    async fn seconds(&mut self, seconds: u64) {
        self.until(self.now.0 - START.0 + seconds * 1_000).await;
    }

    async fn enter(&mut self, browser: &mut Browser, gateway: usize) -> Outcome {
        self.entropy = self.entropy.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let gateway = &self.gateways[gateway];
        browser.enter(gateway, self.now, self.entropy).await
    }

    fn occupied(&self) -> u32 {
        let seen = self.gateways[0].room.snapshot().expect("a picture");
        seen.line.occupied
    }
}

/// Ten thousand spare numbers were taken for the list, and are nobody's when it is closed again.
#[tokio::test]
async fn a_draw_calls_only_people_though_the_closing_of_its_list_was_lost() {
    for lost in [None, Some(Lost::Commit), Some(Lost::CommitAnswer)] {
        let plan = schedule(Method::Closed, vec![event(Method::Lottery)]);
        let mut linked = Linked::new(1, 2, plan).await;
        let mut crowd = vec![Browser::default(); 20];
        for browser in &mut crowd {
            for _ in 0..2 {
                let _ = linked.enter(browser, 0).await;
            }
        }
        let mut came = 0;
        for second in 13..120 {
            if second == 60 {
                lost.into_iter().for_each(|lost| linked.links[0].lose(lost));
            }
            linked.until(second * 1_000).await;
            for browser in crowd.iter_mut().filter(|browser| browser.pass.is_none()) {
                let gateway = &linked.gateways[0];
                let polled = browser.status(gateway, linked.now, second).await;
                let is_called =
                    matches!(&polled, Outcome::Held(held) if held.status.state == State::Called);
                if is_called && matches!(linked.enter(browser, 0).await, Outcome::Admitted(_)) {
                    came += 1;
                    let mut done = browser.clone();
                    done.ticket = None;
                    let _ = done.leave(&linked.gateways[0], linked.now).await;
                }
            }
        }
        assert_eq!(came, 20, "{lost:?}");
    }
}

/// Seats taken back by a lowered limit hang on numbers that the tick takes.
#[tokio::test]
async fn numbers_of_a_tick_whose_outcome_is_unknown_take_no_seat() {
    for lost in [Lost::Commit, Lost::CommitAnswer] {
        let mut linked = Linked::new(1, 20, Schedule::default()).await;
        let tune = Word::Tune {
            active: NonZeroU32::new(3),
            per_minute: None,
            until: None,
        };
        let order = Order::new(5, linked.now, "kim", tune).expect("valid");
        let said = linked.gateways[0].room.order(&order).await;
        assert_eq!(said, Ok(()));
        linked.links[0].lose(lost);
        linked.seconds(8).await;
        assert_eq!(linked.occupied(), 0, "{lost:?}: nobody is there");
    }
}

#[tokio::test]
async fn nobody_gets_a_number_before_those_who_came_to_a_gateway_that_is_still_cut_off() {
    let mut linked = Linked::new(2, 1, Schedule::default()).await;
    let mut first = Browser::default();
    for _ in 0..2 {
        let _ = linked.enter(&mut first, 0).await;
    }
    linked.seconds(1).await;
    linked.links.iter().for_each(Link::cut);
    linked.seconds(28).await;
    let mut early = vec![Browser::default(); 3];
    for browser in &mut early {
        for _ in 0..2 {
            let _ = linked.enter(browser, 1).await;
        }
    }
    linked.seconds(1).await;
    linked.links[0].mend();
    linked.until(44_500).await;
    linked.links[1].mend();
    let mut late = Browser::default();
    for quarter in 0..60 {
        let _ = linked.enter(&mut late, 0).await;
        linked.until(44_750 + quarter * 250).await;
    }
    for browser in &mut early {
        let _ = browser.status(&linked.gateways[1], linked.now, 7).await;
    }
    let (late, early) = (numbers(&[late])[0], numbers(&early));
    assert!(late.is_some(), "the line goes on");
    let is_before = |number: &Option<_>| number.is_some() && *number < late;
    assert!(early.iter().all(is_before), "{early:?} {late:?}");
}

#[tokio::test]
async fn a_seat_whose_first_writing_was_lost_is_counted_all_the_same() {
    let mut linked = Linked::new(2, 2, Schedule::default()).await;
    let mut guest = Browser::default();
    let _ = linked.enter(&mut guest, 1).await;
    linked.links[1].lose(Lost::Flush);
    let outcome = linked.enter(&mut guest, 1).await;
    assert!(matches!(outcome, Outcome::Held(_)), "not written, not in");
    let outcome = linked.enter(&mut guest, 1).await;
    assert!(matches!(outcome, Outcome::Admitted(_)), "{outcome:?}");
    linked.seconds(200).await;
    assert_eq!(linked.occupied(), 1);
}

#[tokio::test]
async fn a_visit_that_is_over_is_said_again_until_it_is_written() {
    let mut linked = Linked::new(1, 2, Schedule::default()).await;
    let mut guest = Browser::default();
    let _ = linked.enter(&mut guest, 0).await;
    let Outcome::Admitted(admitted) = linked.enter(&mut guest, 0).await else {
        panic!("two seats are free");
    };
    linked.seconds(2).await;
    assert_eq!(linked.occupied(), 1);
    linked.links[0].lose(Lost::Merge);
    linked.gateways[0].room.release(admitted.number);
    linked.seconds(15).await;
    assert_eq!(linked.occupied(), 0);
}

/// A visitor has a number of it by then.
#[tokio::test]
async fn a_line_is_kept_by_who_opened_it_from_the_moment_it_is_open() {
    let mut linked = Linked::cold(2, 1, &Schedule::default());
    while linked.gateways[1].room.snapshot().is_none() {
        linked.until(linked.now.0 - START.0 + 250).await;
    }
    let line = |linked: &Linked| {
        let seen = linked.gateways[1].room.snapshot();
        seen.map(|seen| seen.line.id)
    };
    let opened = line(&linked);
    linked.store.flush_all();
    linked.seconds(10).await;
    assert_eq!(line(&linked), opened);
}
