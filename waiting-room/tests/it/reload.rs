//! New rules for a running room: the line and the people inside go on.

use std::{sync::Arc, time::Duration};

use policies::{
    admission::{Admission, Spec},
    schedule::{EventSpec, Method, Schedule},
};
use waiting_room::{
    Driver, KeyId, Keyring, Parts, Presented, Room, Stepped, Timestamp, controller::TICK,
    store::memory::MemoryStore,
};

use crate::{
    fleet::{Browser, Gateway, START, parts, seal},
    methods::scene::Scene,
};

fn spec(active: u32, ttl: u64) -> Spec {
    Spec {
        active: Some(active),
        ttl: Duration::from_secs(ttl),
        ..Spec::default()
    }
}

fn rules(spec: Spec) -> Admission {
    Admission::new(spec).expect("valid")
}

struct World {
    store: MemoryStore,
    old: Gateway,
    now: Timestamp,
}

impl World {
    /// A full room: everybody who fits is inside.
    async fn full(active: u32, ttl: u64) -> Self {
        let store = MemoryStore::new();
        let old = Gateway::new(1, Arc::new(store.clone()), rules(spec(active, ttl)));
        let mut world = Self {
            store,
            old,
            now: START,
        };
        for _ in 0..10 {
            world.now = world.now.plus(TICK);
            world.old.step(world.now).await;
        }
        for visitor in 0..u64::from(active) {
            let mut browser = Browser::default();
            while browser.pass.is_none() {
                let _ = browser.enter(&world.old, world.now, visitor + 1).await;
                world.now = world.now.plus(TICK);
                world.old.step(world.now).await;
            }
        }
        assert_eq!(world.occupied(&world.old.room), u64::from(active));
        world
    }

    async fn steps(&mut self, steps: u32) {
        for _ in 0..steps {
            self.now = self.now.plus(TICK);
            self.old.step(self.now).await;
        }
    }

    fn occupied(&self, room: &Room) -> u64 {
        room.gauges(self.now).occupied
    }

    fn reload(&self, spec: Spec) -> (Room, Driver) {
        let store = Arc::new(self.store.clone());
        let parts = parts(1, store, (rules(spec), Schedule::default()));
        Room::succeed(parts, &self.old.room, self.now)
    }
}

#[tokio::test]
async fn the_rules_that_were_replaced_call_nobody_however_long_a_request_holds_them() {
    let mut world = World::full(2, 600).await;
    let (room, mut driver) = world.reload(spec(2, 600));
    // The old room lives on in a long request, and is stepped first.
    for _ in 0..40 {
        world.now = world.now.plus(TICK);
        assert_eq!(world.old.step(world.now).await, Stepped::Read);
        let stepped = driver.step(world.now).await;
        assert_ne!(stepped, Stepped::Settling, "the store was known before");
    }
    let seen = room.snapshot().expect("it reads");
    assert_eq!(seen.line.ticked_at, world.now, "the new rules tick");
}

#[tokio::test]
async fn a_session_made_longer_or_shorter_forgets_nobody_inside() {
    for (before, after) in [(600, 1_200), (1_200, 600), (1_200, 60)] {
        let mut world = World::full(3, before).await;
        let (room, mut driver) = world.reload(spec(3, after));
        // The guests may stay for the session they were promised, to its last moment.
        for _ in 0..before * 4 - 80 {
            world.now = world.now.plus(TICK);
            world.old.step(world.now).await;
            driver.step(world.now).await;
            assert_eq!(world.occupied(&room), 3, "{before} s to {after} s");
        }
    }
}

#[tokio::test]
async fn visits_end_when_they_were_to_end_whatever_is_reloaded() {
    for (before, after) in [(600, 600), (600, 1_200), (1_200, 600)] {
        let mut world = World::full(3, before).await;
        for _ in 0..4 * 120 {
            world.now = world.now.plus(TICK);
            world.old.step(world.now).await;
        }
        let (room, mut driver) = world.reload(spec(3, after));
        // Another one, in another gateway's epochs or not: an epoch more and the clocks.
        let last = (before - 120) + before.max(after) / 4 + 10;
        for _ in 0..4 * last {
            world.now = world.now.plus(TICK);
            world.old.step(world.now).await;
            driver.step(world.now).await;
        }
        assert_eq!(world.occupied(&room), 0, "{before} s to {after} s");
    }
}

#[tokio::test]
async fn a_longer_absence_still_ends() {
    let mut world = World::full(1, 600).await;
    let mut waiting = Browser::default();
    for entropy in [8, 9] {
        let _ = waiting.enter(&world.old, world.now, entropy).await;
    }
    world.now = world.now.plus(TICK);
    world.old.step(world.now).await;
    assert_eq!(world.old.room.gauges(world.now).waiting, 1);
    let (room, mut driver) = world.reload(Spec {
        absent_after: Duration::from_secs(180),
        ..spec(1, 3_600)
    });
    // Never seen again: out of the count within twice the time.
    for _ in 0..4 * 360 {
        world.now = world.now.plus(TICK);
        driver.step(world.now).await;
    }
    assert_eq!(room.gauges(world.now).waiting, 0);
}

/// Rules reach the gateways of a fleet one after the other, and one that restarts has never heard of those before.
#[tokio::test]
async fn gateways_whose_sessions_differ_count_each_others_visits() {
    for (one, other) in [(600, 60), (60, 600), (1_200, 600), (600, 7), (9, 8)] {
        let store = MemoryStore::new();
        let start = |id, ttl| Gateway::new(id, Arc::new(store.clone()), rules(spec(3, ttl)));
        let mut fleet = [start(1, one), start(2, other)];
        let mut crowd = vec![Browser::default(); 20];
        let (longest, mut came_in) = (one.max(other), 0);
        for step in 0..longest * 4 * 3 {
            let now = START.plus(TICK * u32::try_from(step).expect("small"));
            if step == longest * 4 {
                // One dies, and comes back with the rules of the other.
                fleet[0] = start(3, other);
            }
            for gateway in &mut fleet {
                gateway.step(now).await;
            }
            for (index, browser) in crowd.iter_mut().enumerate() {
                let turn = (step + index as u64) % 16;
                if browser.pass.is_none() && turn < 2 {
                    let gateway = &fleet[(turn % 2) as usize];
                    let _ = browser.enter(gateway, now, step * 64 + index as u64).await;
                    came_in += u32::from(browser.pass.is_some());
                }
            }
            let passes = crowd.iter().filter_map(|browser| browser.pass.as_deref());
            let inside = passes.filter(|pass| seal().read_pass(pass, now).is_ok());
            let inside = inside.count();
            assert!(
                inside <= 3,
                "{inside} inside: {one} s and {other} s, {step}"
            );
        }
        assert!(
            came_in > 5,
            "seats were given on: {one} s and {other} s, {came_in}"
        );
    }
}

#[tokio::test]
async fn a_rotation_of_keys_changes_no_commitment_that_was_shown() {
    let after = |seconds| START.plus(Duration::from_secs(seconds));
    let event = EventSpec {
        prequeue_at: Some(after(60).0),
        opens_at: after(120).0,
        closes_at: Some(after(600).0),
        method: Method::Lottery,
        ..EventSpec::default()
    };
    let schedule = Schedule::new(Method::Closed, vec![event]).expect("valid");
    let (store, rules) = (MemoryStore::new(), rules(spec(1, 60)));
    let made_of = |id| parts(id, Arc::new(store.clone()), (rules, schedule.clone()));
    let (mut room, mut driver) = Room::new(made_of(1));
    let mut now = START;
    let mut shown = Vec::new();
    for seconds in [10, 20, 50, 70, 130] {
        while now < after(seconds) {
            now = now.plus(TICK);
            driver.step(now).await;
        }
        let published = room.lottery(Presented::default(), now, |at| at.0.to_string());
        let published = published.await.expect("a lottery");
        let of_present = published.present.or(published.next).expect("one of them");
        let on_page = room.snapshot().and_then(|seen| seen.commitment.clone());
        assert_eq!(
            on_page.as_deref(),
            Some(&*of_present.commitment.to_string())
        );
        shown.push(of_present.commitment);
        if seconds == 20 {
            // Another key signs from now on.
            let ring = vec![(KeyId(2), vec![8; 32]), (KeyId(1), vec![7; 32])];
            let ring = Keyring::new(ring).expect("valid ring");
            let seal = ring.seal("acme", "flash-sale");
            let parts = Parts { seal, ..made_of(2) };
            (room, driver) = Room::succeed(parts, &room, now);
        }
    }
    shown.dedup();
    assert_eq!(shown.len(), 1, "{shown:?}");
}

#[tokio::test]
async fn a_visit_that_was_over_while_the_store_was_lost_is_over_after_a_reload() {
    let mut world = World::full(1, 600).await;
    let seen = world.old.room.snapshot().expect("a picture");
    let number = seen.marks.claimed.iter().next().expect("somebody inside");
    world.store.cut();
    world.steps(8).await;
    world.old.room.release(number);
    world.steps(1).await;
    let (room, driver) = world.reload(spec(1, 600));
    // As the gateway does when nobody holds the old room any more.
    world.steps(1).await;
    world.old.driver.retire(world.now).await;
    (world.old.room, world.old.driver) = (room, driver);
    world.steps(1).await;
    world.store.mend();
    world.steps(100).await;
    assert_eq!(world.occupied(&world.old.room), 0);
}

#[tokio::test]
async fn who_comes_in_after_a_reload_writes_over_nobody_who_came_before() {
    let mut world = World::full(2, 600).await;
    let (room, driver) = world.reload(spec(3, 600));
    // A long request holds the old room.
    let _old = std::mem::replace(&mut world.old.room, room);
    world.old.driver = driver;
    let mut third = Browser::default();
    for _ in 0..40 {
        world.steps(1).await;
        if third.pass.is_none() {
            let _ = third.enter(&world.old, world.now, 77).await;
        }
    }
    assert!(third.pass.is_some());
    // Their calls are forgotten: only what was recorded counts.
    world.steps(4 * 200).await;
    assert_eq!(world.occupied(&world.old.room), 3);
}

#[tokio::test]
async fn a_shorter_absence_forgets_nobody_who_was_just_there() {
    let rules = |absent_after| {
        let absent_after = Duration::from_secs(absent_after);
        Admission::new(Spec {
            active: Some(1),
            absent_after,
            ..Spec::default()
        })
        .expect("valid")
    };
    let mut scene = Scene::under(rules(600), Schedule::default()).await;
    let mut crowd = scene.arrive(10).await;
    let waiting = |scene: &Scene| {
        let seen = scene.gateways[0].room.snapshot().expect("a picture");
        seen.waiting_total()
    };
    // Everybody was seen within the old time, by epochs of its length.
    scene.steps(4 * 250).await;
    for browser in &mut crowd[1..] {
        scene.poll(browser).await;
    }
    assert_eq!(waiting(&scene), 9);
    scene.rerule(rules(60));
    scene.steps(4 * 55).await;
    assert_eq!(waiting(&scene), 9, "less than a minute ago");
    scene.steps(4 * 60).await;
    assert_eq!(waiting(&scene), 0, "nobody was seen since");
}
