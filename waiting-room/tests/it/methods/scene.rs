//! Two gateways on one store, a clock, and visitors who poll and come in when they are called.

use std::sync::Arc;

use policies::{
    admission::{Admission, Spec},
    schedule::{EventSpec, Method, Schedule},
};
use waiting_room::{
    Held, Number, Outcome, State, Timestamp,
    controller::TICK,
    orders::{Order, Word},
    store::memory::MemoryStore,
};

use crate::fleet::{Browser, Gateway, START};

/// Two gateways, one line, a clock.
pub(crate) struct Scene {
    pub(crate) gateways: [Gateway; 2],
    pub(crate) store: MemoryStore,
    pub(crate) now: Timestamp,
    made_of: (Admission, Schedule),
    entropy: u64,
}

pub(crate) fn rules(active: u32) -> Admission {
    Admission::new(Spec {
        active: Some(active),
        ..Spec::default()
    })
    .expect("valid")
}

/// Seconds after the start.
pub(crate) fn at(seconds: u64) -> u64 {
    START.0 + seconds * 1_000
}

pub(crate) fn event(method: Method) -> EventSpec {
    EventSpec {
        prequeue_at: Some(at(10)),
        opens_at: at(60),
        closes_at: Some(at(600)),
        method,
        ..EventSpec::default()
    }
}

pub(crate) fn schedule(everyday: Method, events: Vec<EventSpec>) -> Schedule {
    Schedule::new(everyday, events).expect("valid")
}

impl Scene {
    pub(crate) async fn new(active: u32, schedule: Schedule) -> Self {
        Self::under(rules(active), schedule).await
    }

    pub(crate) async fn under(rules: Admission, schedule: Schedule) -> Self {
        let store = MemoryStore::new();
        let gateway = |id| {
            let store = Arc::new(store.clone());
            Gateway::scheduled(id, store, rules, schedule.clone())
        };
        let gateways = [gateway(1), gateway(2)];
        let mut scene = Self {
            gateways,
            made_of: (rules, schedule.clone()),
            store,
            now: START,
            entropy: 1,
        };
        scene.steps(8).await;
        scene
    }

    pub(crate) async fn steps(&mut self, steps: u32) {
        for _ in 0..steps {
            self.now = self.now.plus(TICK);
            for gateway in &mut self.gateways {
                gateway.step(self.now).await;
            }
        }
    }

    pub(crate) async fn until(&mut self, seconds: u64) {
        while self.now.0 < at(seconds) {
            self.steps(1).await;
        }
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.entropy = self.entropy.wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.entropy ^ (self.entropy >> 29)
    }

    /// Another process in the place of a gateway that died.
    pub(crate) fn replace(&mut self, place: usize) {
        let (rules, schedule) = self.made_of.clone();
        let store = Arc::new(self.store.clone());
        let id = 10 + place as u64;
        self.gateways[place] = Gateway::scheduled(id, store, rules, schedule);
    }

    /// The operator changes the schedule and reloads both gateways.
    pub(crate) fn reschedule(&mut self, schedule: &Schedule) {
        self.made_of.1 = schedule.clone();
        for (place, gateway) in self.gateways.iter_mut().enumerate() {
            let store = Arc::new(self.store.clone());
            gateway.reload(1 + place as u64, store, self.made_of.clone(), self.now);
        }
    }

    /// The operator changes the rules and reloads both gateways.
    pub(crate) fn rerule(&mut self, rules: Admission) {
        self.made_of.0 = rules;
        for (place, gateway) in self.gateways.iter_mut().enumerate() {
            let store = Arc::new(self.store.clone());
            gateway.reload(1 + place as u64, store, self.made_of.clone(), self.now);
        }
    }

    /// One request to that gateway.
    pub(crate) async fn enter_at(&mut self, place: usize, browser: &mut Browser) -> Outcome {
        let entropy = self.roll();
        browser
            .enter(&self.gateways[place], self.now, entropy)
            .await
    }

    /// One request to either gateway.
    pub(crate) async fn enter(&mut self, browser: &mut Browser) -> Outcome {
        let entropy = self.roll();
        let gateway = &self.gateways[(entropy >> 7) as usize % 2];
        browser.enter(gateway, self.now, entropy).await
    }

    pub(crate) async fn poll(&mut self, browser: &mut Browser) -> Held {
        let entropy = self.roll();
        let gateway = &self.gateways[(entropy >> 7) as usize % 2];
        match browser.status(gateway, self.now, entropy).await {
            Outcome::Held(held) => held,
            Outcome::Admitted(admitted) => panic!("{admitted:?} by a poll"),
        }
    }

    /// So many who have taken a number, or came in.
    pub(crate) async fn arrive(&mut self, count: usize) -> Vec<Browser> {
        let mut crowd = vec![Browser::default(); count];
        for browser in &mut crowd {
            for _ in 0..2 {
                let _ = self.enter(browser).await;
            }
        }
        self.steps(4).await;
        crowd
    }

    /// Everybody polls once a second until `seconds`; those called come in. Returns the order of coming in.
    pub(crate) async fn play(&mut self, crowd: &mut [Browser], seconds: u64) -> Vec<usize> {
        let mut order = Vec::new();
        while self.now.0 < at(seconds) {
            self.steps(4).await;
            let waiting = crowd.iter_mut().enumerate();
            for (index, browser) in waiting.filter(|(_, browser)| browser.pass.is_none()) {
                if self.poll(browser).await.status.state == State::Called
                    && matches!(self.enter(browser).await, Outcome::Admitted(_))
                {
                    order.push(index);
                }
            }
        }
        order
    }

    pub(crate) async fn order(&self, word: Word) {
        let order = Order::new(self.entropy, self.now, "kim", word).expect("valid");
        let said = self.gateways[0].room.order(&order).await;
        assert_eq!(said, Ok(()));
    }
}

pub(crate) fn inside(crowd: &[Browser]) -> usize {
    crowd
        .iter()
        .filter(|browser| browser.pass.is_some())
        .count()
}

pub(crate) fn numbers(crowd: &[Browser]) -> Vec<Option<Number>> {
    let ticket = |browser: &Browser| browser.ticket().map(|ticket| ticket.number);
    crowd.iter().map(ticket).collect()
}
