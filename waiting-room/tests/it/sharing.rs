//! Rooms that have a limit in common: the whole is never exceeded, what one leaves others use, and it comes back.

use std::{sync::Arc, time::Duration};

use policies::{
    admission::{Admission, Renewal, Spec, share::SharingSpec},
    schedule::Schedule,
};
use proptest::prelude::*;
use waiting_room::{
    Moment, Outcome, Parts, Room, RoomName, State, Timestamp,
    controller::TICK,
    store::{GatewayId, RoomStore, memory::MemoryStore},
};

use crate::{
    fleet::{Browser, Gateway, START, seal},
    history::Dice,
};

const TOTAL: u32 = 80;
/// Weight and floor of each room.
const PARTS: [(u32, u32); 3] = [(3, 8), (1, 16), (1, 0)];

struct Visitor {
    browser: Browser,
    inside_until: Option<Timestamp>,
    stay: Duration,
}

struct SharedRoom {
    gateways: [Gateway; 2],
    waiting: Vec<Visitor>,
    inside: Vec<Visitor>,
}

struct World {
    rooms: Vec<SharedRoom>,
    share: MemoryStore,
    dice: Dice,
    now: Timestamp,
}

fn rules((weight, floor): (u32, u32)) -> Admission {
    let spec = Spec {
        ttl: Duration::from_secs(120),
        renewal: Renewal::Never,
        call_grace: Duration::from_secs(20),
        sharing: Some(SharingSpec {
            active: Some(TOTAL),
            per_minute: None,
            weight,
            floor_active: Some(floor),
            floor_per_minute: None,
        }),
        ..Spec::default()
    };
    let floors = PARTS.iter().map(|(_, floor)| floor).sum();
    Admission::new(spec)
        .expect("valid")
        .among(PARTS.len() as u32, [floors, 0])
}

impl SharedRoom {
    fn new(index: usize, share: &MemoryStore) -> Self {
        let store = MemoryStore::new();
        let gateway = |id| {
            let (room, driver) = Room::new(Parts {
                name: RoomName {
                    tenant: format!("tenant-{index}"),
                    room: "sale".into(),
                },
                rules: rules(PARTS[index]),
                schedule: Schedule::default(),
                seal: seal(),
                store: Arc::new(store.clone()) as Arc<dyn RoomStore>,
                share_store: Some(Arc::new(share.clone())),
                gateway: GatewayId(id),
                gather: Duration::ZERO,
            });
            Gateway {
                room,
                driver,
                skew: Duration::ZERO,
            }
        };
        Self {
            gateways: [gateway(1), gateway(2)],
            waiting: Vec::new(),
            inside: Vec::new(),
        }
    }

    /// What the newest picture says is in use or reserved.
    fn used(&self) -> u64 {
        let pictures = self
            .gateways
            .iter()
            .filter_map(|gateway| gateway.room.snapshot());
        let newest = pictures.max_by_key(|picture| picture.line.version);
        newest.map_or(0, |picture| {
            u64::from(picture.line.occupied) + picture.line.ahead(picture.next)
        })
    }
}

impl World {
    async fn new(seed: u64) -> Self {
        let share = MemoryStore::new();
        let mut world = Self {
            rooms: (0..PARTS.len())
                .map(|index| SharedRoom::new(index, &share))
                .collect(),
            share,
            dice: Dice(seed),
            now: START,
        };
        world.seconds(3).await;
        world
    }

    fn inside(&self) -> Vec<usize> {
        self.rooms.iter().map(|room| room.inside.len()).collect()
    }

    /// So many come, each to stay about so long.
    async fn arrive(&mut self, room: usize, count: usize, stay: Duration) {
        for _ in 0..count {
            let longest = stay.as_millis() as u64 * 2;
            let mut visitor = Visitor {
                browser: Browser::default(),
                inside_until: None,
                stay: Duration::from_millis(1_000 + self.dice.below(longest)),
            };
            let mut outcome = None;
            for _ in 0..2 {
                let entropy = self.dice.roll();
                let gateway = &self.rooms[room].gateways[(entropy >> 9) as usize % 2];
                outcome = Some(visitor.browser.enter(gateway, self.now, entropy).await);
            }
            let is_in = matches!(outcome, Some(Outcome::Admitted(_)));
            self.place(room, visitor, is_in);
        }
    }

    fn place(&mut self, room: usize, mut visitor: Visitor, is_in: bool) {
        if is_in {
            visitor.inside_until = Some(self.now.plus(visitor.stay));
            self.rooms[room].inside.push(visitor);
        } else {
            self.rooms[room].waiting.push(visitor);
        }
    }

    async fn seconds(&mut self, seconds: u32) {
        for step in 0..seconds * 4 {
            self.now = self.now.plus(TICK);
            // Whoever is first wins the tick, and knows more than the other from then on.
            let first = self.dice.below(2) as usize;
            for room in &mut self.rooms {
                for gateway in [first, 1 - first] {
                    room.gateways[gateway].step(self.now).await;
                }
            }
            if step % 4 == 0 {
                for room in 0..self.rooms.len() {
                    self.polls(room).await;
                    self.goings(room).await;
                }
            }
            self.check();
        }
    }

    async fn polls(&mut self, room: usize) {
        for mut visitor in std::mem::take(&mut self.rooms[room].waiting) {
            let entropy = self.dice.roll();
            let gateway = &self.rooms[room].gateways[(entropy >> 9) as usize % 2];
            let polled = visitor.browser.status(gateway, self.now, entropy).await;
            let is_called =
                matches!(polled, Outcome::Held(held) if held.status.state == State::Called);
            let is_in = is_called && {
                let entered = visitor.browser.enter(gateway, self.now, entropy).await;
                matches!(entered, Outcome::Admitted(_))
            };
            self.place(room, visitor, is_in);
        }
    }

    async fn goings(&mut self, room: usize) {
        let now = self.now;
        let here = std::mem::take(&mut self.rooms[room].inside);
        let (gone, stay): (Vec<_>, Vec<_>) = here
            .into_iter()
            .partition(|visitor| visitor.inside_until.is_some_and(|until| until <= now));
        self.rooms[room].inside = stay;
        for visitor in gone {
            let entropy = self.dice.roll();
            let at = Moment { now, entropy };
            let gateway = &self.rooms[room].gateways[0];
            let _ = gateway.room.leave(visitor.browser.presented(), at).await;
        }
    }

    fn check(&self) {
        let used: u64 = self.rooms.iter().map(SharedRoom::used).sum();
        assert!(used <= u64::from(TOTAL), "{used} are in use");
        let inside: usize = self.inside().iter().sum();
        assert!(inside <= TOTAL as usize, "{inside} are inside");
    }
}

const STAY: Duration = Duration::from_secs(15);

#[tokio::test]
async fn a_crowd_uses_what_others_leave_and_they_get_it_back_by_weight() {
    let mut world = World::new(7).await;
    world.arrive(0, 600, STAY).await;
    world.seconds(20).await;
    assert!(
        world.inside()[0] >= 60,
        "all but the floor of the second, and some grains: {:?}",
        world.inside()
    );
    // Who comes to an idle room comes in at once: that is what the floor is for.
    world.arrive(1, 8, STAY).await;
    assert_eq!(world.inside()[1], 8);
    world.arrive(1, 600, STAY).await;
    world.arrive(2, 600, STAY).await;
    world.seconds(60).await;
    let inside = world.inside();
    let near = |is: usize, want: usize| is.abs_diff(want) <= 6;
    assert!(
        near(inside[0], 48) && near(inside[1], 16) && near(inside[2], 16),
        "{inside:?}"
    );
    assert!(inside.iter().sum::<usize>() >= 70, "{inside:?}");
}

#[tokio::test]
async fn while_the_share_is_not_known_nobody_is_called_and_then_all_goes_on() {
    let mut world = World::new(8).await;
    world.arrive(0, 300, STAY).await;
    world.arrive(1, 300, STAY).await;
    world.seconds(30).await;
    let before = world.inside();
    assert!(before.iter().sum::<usize>() >= 70, "{before:?}");
    world.share.cut();
    world.seconds(40).await;
    let during: usize = world.inside().iter().sum();
    assert!(during < 20, "people leave and nobody is called: {during}");
    assert!(
        world.rooms[0].waiting.len() > 100,
        "who waits keeps the place"
    );
    world.share.mend();
    world.seconds(20).await;
    let after = world.inside();
    assert!(after.iter().sum::<usize>() >= 70, "{after:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_whole_is_never_exceeded(seed: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let mut world = World::new(seed).await;
            let mut backup = world.share.backup();
            for _ in 0..20 {
                let room = world.dice.below(3) as usize;
                let count = world.dice.below(60) as usize;
                let stay = Duration::from_secs(1 + world.dice.below(30));
                world.arrive(room, count, stay).await;
                match world.dice.below(12) {
                    0 => world.share.cut(),
                    1 => world.share.wipe(),
                    2 => world.share.roll_back(&backup),
                    3 => backup = world.share.backup(),
                    _ => {}
                }
                let seconds = 1 + world.dice.below(8) as u32;
                world.seconds(seconds).await;
                world.share.mend();
            }
            world.seconds(60).await;
            let waiting = world.rooms.iter().map(|room| room.waiting.len());
            assert!(waiting.sum::<usize>() < 600, "the lines go on");
        });
    }
}
