//! A room that follows its origin, through the whole library: measured by two gateways, decided by whoever ticks.

use std::{sync::Arc, time::Duration};

use policies::admission::{Admission, Spec, adaptive::AdaptiveSpec};
use waiting_room::{
    Outcome, Timestamp, adaptive::Flight, controller::TICK, standing::Why,
    store::memory::MemoryStore,
};

use crate::fleet::{Browser, Gateway, START};

const TARGET: Duration = Duration::from_millis(200);
const CROWD: usize = 400;
/// Each visitor inside asks once a second, and stays so long in the mean.
const STAY_MS: f64 = 8_000.0;

/// An origin that answers in 40 ms when idle, and in ever longer as its load nears what it can do.
fn latency(inside: usize, per_second: f64) -> Duration {
    let load = (inside as f64 / per_second).min(0.99);
    Duration::from_secs_f64((0.04 / (1.0 - load)).min(4.0))
}

/// Well-mixed bits (SplitMix64).
fn mixed(seed: u64) -> u64 {
    let seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let seed = (seed ^ seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ seed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ seed >> 31
}

/// A visitor inside.
struct Guest {
    until: Timestamp,
    /// A request on its way: when it is answered, and how long it then took.
    waits: Option<(Timestamp, Duration, Flight)>,
}

struct Scene {
    gateways: [Gateway; 2],
    crowd: Vec<Browser>,
    guests: Vec<Option<Guest>>,
    now: Timestamp,
}

impl Scene {
    fn new() -> Self {
        let rules = Admission::new(Spec {
            active: Some(100),
            adaptive: Some(AdaptiveSpec::new(TARGET)),
            ..Spec::default()
        })
        .expect("valid");
        let store = MemoryStore::new();
        let gateway = |id| Gateway::new(id, Arc::new(store.clone()), rules);
        Self {
            gateways: [gateway(1), gateway(2)],
            crowd: vec![Browser::default(); CROWD],
            guests: (0..CROWD).map(|_| None).collect(),
            now: START,
        }
    }

    fn inside(&self) -> usize {
        self.guests.iter().flatten().count()
    }

    /// One second: four steps; everybody outside asks, everybody inside thinks for a second and then asks the origin,
    /// which can answer so many requests a second. Returns how long the answers took that were begun now.
    async fn second(&mut self, per_second: f64) -> Duration {
        for _ in 0..4 {
            self.now = self.now.plus(TICK);
            self.answer();
            for gateway in &mut self.gateways {
                gateway.step(self.now).await;
            }
        }
        let asking = self
            .guests
            .iter()
            .flatten()
            .filter(|guest| guest.waits.is_none());
        let took = latency(asking.count(), per_second);
        for index in 0..CROWD {
            self.act(index, took).await;
        }
        took
    }

    fn answer(&mut self) {
        for guest in self.guests.iter_mut().flatten() {
            if guest.waits.as_ref().is_some_and(|(at, ..)| *at <= self.now)
                && let Some((_, took, flight)) = guest.waits.take()
            {
                flight.answered(took);
            }
        }
    }

    async fn act(&mut self, index: usize, took: Duration) {
        let gateway = &self.gateways[index % 2];
        let browser = &mut self.crowd[index];
        match &mut self.guests[index] {
            Some(guest) if guest.until <= self.now => {
                let _ = browser.leave(gateway, self.now).await;
                *browser = Browser::default();
                self.guests[index] = None;
            }
            Some(guest) if guest.waits.is_none() => {
                let meter = gateway.room.meter();
                guest.waits = Some((self.now.plus(took), took, meter.begin()));
            }
            Some(_) => {}
            None => {
                let entropy = mixed(self.now.0 ^ (index as u64) << 40);
                if let Outcome::Admitted(_) = browser.enter(gateway, self.now, entropy).await {
                    // Memoryless, so that nobody leaves in step with the others.
                    let chance = (mixed(entropy) >> 11) as f64 / (1_u64 << 53) as f64;
                    let stay = -(1.0 - chance).ln() * STAY_MS;
                    let until = Timestamp(self.now.0 + stay as u64);
                    self.guests[index] = Some(Guest { until, waits: None });
                }
            }
        }
    }

    fn why(&self) -> Option<Why> {
        self.gateways[0].room.snapshot()?.line.why
    }
}

#[tokio::test]
async fn an_origin_that_halves_its_speed_is_under_its_target_again_within_fifteen_seconds() {
    let mut scene = Scene::new();
    for _ in 0..90 {
        scene.second(120.0).await;
    }
    let before = scene.inside();
    assert!(
        (70..=100).contains(&before),
        "{before} inside: the origin can take 96"
    );
    let (mut times, mut told) = (Vec::new(), false);
    for _ in 0..60 {
        times.push(scene.second(60.0).await);
        told |= scene.why() == Some(Why::OriginSlow);
    }
    let over = |times: &[Duration]| times.iter().filter(|took| **took > TARGET).count();
    let after = &times[15..];
    assert!(
        over(after) * 20 <= after.len(),
        "more than one in twenty over the target: {times:?}"
    );
    assert!(told, "visitors are told why");
    let slowed = scene.inside();
    assert!(
        (38..=50).contains(&slowed),
        "{slowed} inside: the slowed origin can take 48"
    );
    for _ in 0..90 {
        scene.second(120.0).await;
    }
    let after = scene.inside();
    assert!(
        after >= before * 9 / 10,
        "{after} inside after it recovered, {before} before"
    );
}
