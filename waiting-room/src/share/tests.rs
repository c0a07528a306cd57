use policies::admission::share::SharingSpec;
use proptest::{collection::vec, prelude::*};

use super::*;

const TOTAL: u32 = 100;
const ROOMS: [&str; 3] = ["a/sale", "b/sale", "c/sale"];
const LASTS: Duration = Duration::from_secs(600);

fn rules(weight: u32, floor: u32) -> Sharing {
    let spec = SharingSpec {
        active: Some(TOTAL),
        per_minute: None,
        weight,
        floor_active: Some(floor),
        floor_per_minute: None,
    };
    Sharing::new(spec).expect("valid").among(3, [30, 0])
}

fn report(room: &str, (weight, floor): (u32, u32), want: u32, used: u32) -> Report<'_> {
    Report {
        decided_on: u64::MAX,
        room,
        rules: rules(weight, floor),
        most: [TOTAL, u32::MAX],
        want: [want, 0],
        used: [used, 0],
        lasts: LASTS,
    }
}

/// One gateway's tick of a room, from its reading to its report; it may stall before each.
#[derive(Clone, Debug)]
enum Tick {
    Read { version: u64, share: Share },
    Written { share: Share, used: u32 },
}

/// A room as the fleet knows it.
#[derive(Clone, Debug, Default)]
struct Room {
    version: u64,
    used: u32,
    want: u32,
    /// Two gateways tick it.
    ticks: [Option<Tick>; 2],
}

struct World {
    share: Share,
    rooms: [Room; 3],
    rules: [(u32, u32); 3],
}

#[derive(Clone, Copy, Debug)]
enum Action {
    /// A gateway goes on with its tick: reads, then writes the line, then reports.
    Step {
        room: usize,
        gateway: usize,
    },
    Leave {
        room: usize,
        count: u32,
    },
    Want {
        room: usize,
        want: u32,
    },
    Lose {
        room: usize,
        gateway: usize,
    },
}

impl World {
    fn new(rules: [(u32, u32); 3]) -> Self {
        Self {
            share: Share::default(),
            rooms: std::array::from_fn(|_| Room::default()),
            rules,
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Step { room, gateway } => self.step(room, gateway),
            Action::Leave { room, count } => {
                let room = &mut self.rooms[room];
                room.used = room.used.saturating_sub(count);
            }
            Action::Want { room, want } => self.rooms[room].want = want,
            Action::Lose { room, gateway } => self.rooms[room].ticks[gateway] = None,
        }
    }

    fn step(&mut self, index: usize, gateway: usize) {
        let (name, rules) = (ROOMS[index], self.rules[index]);
        let room = &mut self.rooms[index];
        room.ticks[gateway] = match room.ticks[gateway].take() {
            None => Some(Tick::Read {
                version: room.version,
                share: self.share.clone(),
            }),
            Some(Tick::Read { version, .. }) if version != room.version => None,
            Some(Tick::Read { share, .. }) => {
                let [may, _] = share.may(name);
                room.used = room.used.max(may.min(room.want));
                room.version += 1;
                let used = room.used;
                Some(Tick::Written { share, used })
            }
            Some(Tick::Written { share, used }) => {
                let report = Report {
                    decided_on: share.version,
                    ..report(name, rules, room.want, used)
                };
                self.share = self.share.after(&report, Timestamp(1));
                None
            }
        };
    }

    fn used(&self) -> u32 {
        self.rooms.iter().map(|room| room.used).sum()
    }

    /// Everybody ticks in turn, and whoever may not stay leaves.
    fn settle(&mut self) {
        for _ in 0..6 {
            for (index, name) in ROOMS.iter().enumerate() {
                let may = self.share.may(name)[0];
                let room = &mut self.rooms[index];
                room.ticks = [None, None];
                room.used = room.used.min(may).min(room.want);
                (0..3).for_each(|_| self.step(index, 0));
            }
        }
    }
}

fn action() -> impl Strategy<Value = Action> {
    let (room, gateway) = (0..3_usize, 0..2_usize);
    prop_oneof![
        8 => (room.clone(), gateway.clone()).prop_map(|(room, gateway)| Action::Step { room, gateway }),
        1 => (room.clone(), 1..60_u32).prop_map(|(room, count)| Action::Leave { room, count }),
        2 => (room.clone(), 0..150_u32).prop_map(|(room, want)| Action::Want { room, want }),
        1 => (room, gateway).prop_map(|(room, gateway)| Action::Lose { room, gateway }),
    ]
}

proptest! {
    #[test]
    fn whoever_stalls_wherever_the_whole_is_never_exceeded(
        actions in vec(action(), 0..400),
        weights in [1..5_u32, 1..5_u32, 1..5_u32],
    ) {
        let [a, b, c] = weights;
        let mut world = World::new([(a, 10), (b, 20), (c, 0)]);
        for action in actions {
            world.act(action);
            prop_assert!(world.used() <= TOTAL, "{} used after {action:?}", world.used());
        }
        world.settle();
        // All that is wanted is given, up to what floors keep; and every room has its floor or all it wants.
        let rooms = || world.rooms.iter().zip(world.rules);
        let wanted: u32 = rooms().map(|(room, _)| room.want.min(TOTAL)).sum();
        let kept: u32 = rooms().map(|(room, (_, floor))| floor.saturating_sub(room.want)).sum();
        prop_assert_eq!(world.used(), wanted.min(TOTAL - kept));
        for (room, (_, floor)) in world.rooms.iter().zip(world.rules) {
            prop_assert!(room.used >= room.want.min(floor));
        }
        prop_assert_eq!(Share::decode(&world.share.encode()), Some(world.share));
    }

    #[test]
    fn a_record_that_is_not_ours_is_refused(bytes in vec(any::<u8>(), 0..60)) {
        if let Some(share) = Share::decode(&bytes) {
            prop_assert!(share.encode().len() <= bytes.len());
        }
    }
}

#[test]
fn a_lone_room_borrows_all_but_what_is_kept_for_others_who_never_came() {
    let report = report("a/sale", (1, 10), 500, 0);
    let share = Share::default().after(&report, Timestamp(1));
    assert_eq!(share.may("a/sale")[0], 10, "others may be full of people");
    let share = share.after(&report, Timestamp(1).plus(SILENT));
    assert_eq!(share.may("a/sale")[0], TOTAL - 20);
}

#[test]
fn what_was_borrowed_comes_back_as_seats_fall_free() {
    let mut world = World::new([(3, 10), (1, 20), (1, 0)]);
    world.rooms[0].want = 400;
    world.settle();
    assert_eq!(world.rooms[0].used, 80, "all but the floor of the second");
    world.rooms[1].want = 400;
    for _ in 0..4 {
        (0..3).for_each(|_| world.step(1, 0));
        (0..3).for_each(|_| world.step(0, 0));
    }
    assert_eq!(world.rooms[1].used, 20, "its floor was never lent");
    world.rooms[0].used = 76;
    (0..2).for_each(|_| (0..3).for_each(|_| world.step(0, 0)));
    (0..2).for_each(|_| (0..3).for_each(|_| world.step(1, 0)));
    assert_eq!(world.rooms[1].used, 24, "what fell free is the second's");
    assert_eq!(world.rooms[0].used, 76);
    world.settle();
    assert_eq!((world.rooms[0].used, world.rooms[1].used), (75, 25));
}

#[test]
fn a_room_that_is_not_ticked_any_more_holds_what_it_had_until_that_is_over() {
    let mut share = Share::default().after(&report("a/sale", (1, 10), 60, 60), Timestamp(1));
    share = share.after(&report("a/sale", (1, 10), 60, 60), Timestamp(2));
    let later = Timestamp(2).plus(SILENT);
    share = share.after(&report("b/sale", (1, 20), 500, 0), later);
    share = share.after(&report("b/sale", (1, 20), 500, 0), later);
    assert_eq!(share.may("a/sale")[0], 0, "it would have to ask anew");
    assert_eq!(
        share.may("b/sale")[0],
        TOTAL - 60,
        "what it did not use is lent"
    );
    let over = later.plus(LASTS);
    share = share.after(&report("b/sale", (1, 20), 500, 0), over);
    assert!(share.may("b/sale")[0] > TOTAL - 60);
}

#[test]
fn a_store_that_forgot_gives_nothing_away_twice() {
    let old = Share::default().after(&report("a/sale", (1, 10), 500, 0), Timestamp(1));
    let mut new = old.after(&report("a/sale", (1, 10), 0, 0), Timestamp(2));
    new = new.after(&report("a/sale", (1, 10), 0, 0), Timestamp(3));
    new = new.after(&report("b/sale", (1, 20), 500, 0), Timestamp(4));
    let restored = old.restored(&new);
    assert!(restored.version > new.version.max(old.version));
    let held = |share: &Share, room| {
        let mut members = share.members();
        members
            .find(|(name, _)| *name == room)
            .map(|(_, member)| member.held[0])
    };
    assert_eq!(
        held(&restored, "a/sale"),
        held(&old, "a/sale").max(held(&new, "a/sale"))
    );
    assert_eq!(held(&restored, "b/sale"), held(&new, "b/sale"));
}

/// The store is empty, and a gateway that had not heard of the last report gives back what it knows. One that had sees it.
#[test]
fn who_knows_more_says_so_to_whoever_gave_the_record_back() {
    let old = Share::default().after(&report("a/sale", (1, 10), 10, 0), Timestamp(1));
    let new = old.after(&report("a/sale", (1, 10), 60, 60), Timestamp(2));
    let by_another = Share::default().restored(&old);
    assert!(by_another.was_restored_since(&new) && by_another.lacks(&new));
    let by_us = by_another.restored(&new);
    assert!(!by_us.lacks(&new) && !by_us.lacks(&by_another) && !by_us.lacks(&by_us));
    let held = |share: &Share| share.members().map(|(_, member)| member.held[0]).max();
    assert_eq!(held(&by_us), held(&new));
    // A tick that read it before has another version than any of these.
    let versions = [&old, &new, &by_another, &by_us].map(|share| share.version);
    let apart: std::collections::BTreeSet<_> = versions.iter().collect();
    assert_eq!(apart.len(), versions.len());
    assert!(old.lacks(&new) && !new.lacks(&old));
}

#[test]
fn nobody_starves_however_light() {
    let mut world = World::new([(1_000, 0), (1, 0), (1, 0)]);
    (world.rooms[0].want, world.rooms[2].want) = (5_000, 5_000);
    world.settle();
    assert_eq!(
        (world.rooms[0].used, world.rooms[2].used),
        (69, 1),
        "of seventy: thirty are kept for others"
    );
}

#[test]
fn calls_and_seats_are_shared_apart() {
    let spec = SharingSpec {
        active: Some(100),
        per_minute: Some(60),
        weight: 1,
        floor_active: None,
        floor_per_minute: Some(10),
    };
    let rules = Sharing::new(spec).expect("valid").among(2, [0, 20]);
    let report = |room, want| Report {
        rules,
        most: [100, 60],
        want,
        used: [0, 0],
        ..report(room, (1, 0), 0, 0)
    };
    let mut share = Share::default();
    for time in 1..4 {
        share = share.after(&report("a/sale", [500, 500]), Timestamp(time));
        share = share.after(&report("b/sale", [10, 500]), Timestamp(time));
    }
    assert_eq!(share.may("a/sale"), [90, 30]);
    assert_eq!(share.may("b/sale"), [10, 30]);
}

#[test]
fn a_limit_that_the_share_gets_later_finds_nobody_holding_more_than_they_use() {
    let spec = SharingSpec {
        active: Some(100),
        per_minute: None,
        weight: 1,
        floor_active: None,
        floor_per_minute: None,
    };
    let before = Sharing::new(spec).expect("valid").among(2, [0; 2]);
    let spec = SharingSpec {
        per_minute: Some(60),
        ..spec
    };
    let after = Sharing::new(spec).expect("valid").among(2, [0; 2]);
    let report = |room, rules| Report {
        rules,
        most: [100, 60],
        want: [0, 500],
        used: [0, 20],
        ..report(room, (1, 0), 0, 0)
    };
    let mut share = Share::default();
    for room in ["a/sale", "b/sale"] {
        share = share.after(&report(room, before), Timestamp(1));
        assert_eq!(share.may(room)[1], u32::MAX);
    }
    for room in ["a/sale", "b/sale", "a/sale"] {
        share = share.after(&report(room, after), Timestamp(2));
    }
    assert_eq!((share.may("a/sale")[1], share.may("b/sale")[1]), (30, 30));
}

#[test]
fn while_more_is_held_than_there_is_nobody_is_given_any() {
    let old = Share::default();
    let old = old.after(&report("a/sale", (1, 10), 60, 60), Timestamp(1));
    let old = old.after(&report("b/sale", (1, 20), 20, 20), Timestamp(1));
    let new = old.after(&report("c/sale", (1, 0), 40, 40), Timestamp(1));
    let restored = old.restored(&new);
    let share = restored.after(&report("b/sale", (1, 20), 500, 0), Timestamp(2));
    assert_eq!(
        share.may("b/sale")[0],
        0,
        "a hundred are held by the others"
    );
    let share = share.after(&report("a/sale", (1, 10), 0, 0), Timestamp(2));
    let share = share.after(&report("b/sale", (1, 20), 500, 0), Timestamp(2));
    assert!(share.may("b/sale")[0] >= 20);
}
