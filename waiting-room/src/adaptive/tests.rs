//! The law by hand. Before simulated origins it stands in `drill`.

use std::time::Duration;

use policies::admission::{
    Admission, Spec,
    adaptive::{Adaptive, AdaptiveSpec},
};

use super::*;
use crate::value::Timestamp;

mod crowd;
mod drill;
mod hostile;
mod origin;

const START: Timestamp = Timestamp(1_790_000_000_000);
const TICK: Duration = Duration::from_millis(250);

fn rules(spec: Spec, target_ms: u64) -> Adaptive {
    let adaptive = Some(AdaptiveSpec::new(Duration::from_millis(target_ms)));
    let rules = Admission::new(Spec { adaptive, ..spec }).expect("valid");
    rules.adaptive().expect("said")
}

fn seats(active: u32, target_ms: u64) -> Adaptive {
    let active = Some(active);
    let spec = Spec::default();
    rules(Spec { active, ..spec }, target_ms)
}

fn minute(per_minute: u32, target_ms: u64) -> Adaptive {
    let per_minute = Some(per_minute);
    let spec = Spec::default();
    rules(Spec { per_minute, ..spec }, target_ms)
}

/// `answers` that took `ms` each, `failures`, and so many in flight all the time, over two seconds.
fn health(answers: u32, ms: u64, failures: u32, in_flight: u32) -> Health {
    let mut health = Health {
        failures,
        busy: Duration::from_secs(2) * in_flight,
        ..Health::default()
    };
    (0..answers).for_each(|_| health.latencies.record(Duration::from_millis(ms)));
    health
}

/// A room of 100 seats whose origin is to answer within 200 ms, step by step.
struct Room {
    rules: Adaptive,
    limit: Limit,
    now: Timestamp,
}

impl Room {
    fn new(rules: Adaptive, inside: u32) -> Self {
        Self {
            rules,
            limit: Limit::open(&rules, inside, START),
            now: START,
        }
    }

    /// 100 seats, all of them taken.
    fn full() -> Self {
        Self::new(seats(100, 200), 100)
    }

    fn tick(&mut self, inside: u32, health: &Health, demand: Demand) -> Verdict {
        self.now = self.now.plus(TICK);
        let seen = Observed {
            health: health.clone(),
            span: Duration::from_secs(2),
            inside,
            demand,
        };
        let (limit, verdict) = self.limit.step(&self.rules, &seen, self.now);
        self.limit = limit;
        verdict
    }

    /// The last verdict of so many seconds of the same, while people wait.
    fn seconds(&mut self, seconds: u32, inside: u32, health: &Health) -> Verdict {
        let ticks = (0..seconds * 4).map(|_| self.tick(inside, health, Demand::HeldBack));
        ticks.last().expect("at least a second")
    }
}

#[test]
fn a_room_opens_half_so_that_its_first_minute_is_not_its_worst() {
    let opens = |rules, inside| Limit::open(&rules, inside, START).get();
    assert_eq!(opens(seats(400, 200), 0), 200);
    assert_eq!(
        opens(seats(400, 200), 320),
        320,
        "nobody inside is too many"
    );
    assert_eq!(opens(seats(400, 200), 900), 400);
    assert_eq!(opens(seats(7, 200), 0), 7, "ten visitors are no burst");
    assert_eq!(opens(minute(60, 200), 0), 60, "a rate is no burst");
}

#[test]
fn an_idle_origin_changes_nothing() {
    let mut room = Room::new(seats(100, 200), 0);
    let opened = room.limit.get();
    let quiet = Health::default();
    assert_eq!(room.seconds(60, 50, &quiet), Verdict::Held(Pause::Unsure));
    // Two of three slow are chance.
    let few = health(2, 900, 0, 0);
    assert_eq!(room.seconds(60, 50, &few), Verdict::Held(Pause::Unsure));
    assert_eq!(room.limit.get(), opened);
}

#[test]
fn the_limit_rises_only_while_it_holds_somebody_back() {
    let mut room = Room::new(seats(100, 200), 0);
    let well = health(200, 40, 0, 4);
    for _ in 0..100 {
        room.tick(50, &well, Demand::Met);
    }
    let verdict = room.tick(50, &well, Demand::Met);
    assert_eq!(verdict, Verdict::Held(Pause::Unbound));
    // Somebody waits, but the seats are not taken yet.
    assert_eq!(room.seconds(25, 30, &well), Verdict::Held(Pause::Unbound));
    assert_eq!(room.limit.get(), 50);
    let verdict = room.tick(50, &well, Demand::HeldBack);
    assert_eq!(verdict, Verdict::Raised);
    // Its effect is awaited.
    let verdict = room.tick(room.limit.get(), &well, Demand::HeldBack);
    assert_eq!(verdict, Verdict::Held(Pause::Settling));
}

#[test]
fn near_the_target_the_limit_stays_and_at_the_ceiling_it_ends() {
    let mut room = Room::new(seats(100, 200), 0);
    let near = health(200, 190, 0, 10);
    let verdict = room.seconds(30, 50, &near);
    assert_eq!(verdict, Verdict::Held(Pause::NearTarget));
    assert_eq!(room.limit.get(), 50);
    let well = health(200, 20, 0, 2);
    for _ in 0..400 {
        room.tick(room.limit.get(), &well, Demand::HeldBack);
    }
    let verdict = room.tick(100, &well, Demand::HeldBack);
    assert_eq!(verdict, Verdict::Held(Pause::AtCeiling));
    assert_eq!(room.limit.get(), 100);
}

#[test]
fn who_stands_in_the_origins_queue_is_too_many_and_saying_it_again_cuts_no_deeper() {
    let mut room = Room::full();
    // 50 in flight with a p95 of 1 s where 200 ms are wanted: four fifths of the 50 are queue.
    let slow = health(100, 1_000, 0, 50);
    let verdict = room.tick(100, &slow, Demand::HeldBack);
    assert_eq!(verdict, Verdict::Lowered(Trouble::Slow));
    let cut = room.limit.get();
    assert!((58..=62).contains(&cut), "{cut}");
    assert_eq!(room.limit.budget(100), 0, "nobody is called meanwhile");
    // Nobody could leave yet.
    let verdict = room.seconds(10, 100, &slow);
    assert_eq!(verdict, Verdict::Held(Pause::Recovering));
    assert_eq!(room.limit.get(), cut);
    assert_eq!(room.limit.reason().map(Trouble::name), Some("origin_slow"));
}

#[test]
fn a_cut_ends_where_the_origin_is_well_again() {
    let mut room = Room::full();
    room.seconds(1, 100, &health(100, 3_000, 0, 95));
    assert!(room.limit.get() < 20);
    let verdict = room.tick(70, &health(150, 60, 0, 5), Demand::HeldBack);
    assert_eq!(verdict, Verdict::Held(Pause::Settling));
    assert_eq!(room.limit.get(), 70, "as many as are inside");
    assert_eq!(
        room.limit.reason(),
        Some(Trouble::Slow),
        "fewer than before"
    );
}

/// At the floor one visitor is inside, who reads, and asks once in half a minute.
#[test]
fn a_room_that_was_cut_to_one_visitor_grows_again() {
    let mut room = Room::new(seats(10, 200), 10);
    room.seconds(5, 10, &health(5, 40, 40, 0));
    room.seconds(5, 1, &health(5, 40, 40, 0));
    assert_eq!(room.limit.get(), 1);
    let mut minutes = |failures| {
        let seen = Observed {
            health: health(1, 40, failures, 0),
            span: Duration::from_secs(30),
            inside: 1,
            demand: Demand::HeldBack,
        };
        for _ in 0..600 {
            room.now = room.now.plus(TICK);
            room.limit = room.limit.step(&room.rules, &seen, room.now).0;
        }
        room.limit.get()
    };
    assert_eq!(minutes(1), 1, "every other request fails");
    assert!(minutes(0) > 1);
}

#[test]
fn an_origin_that_does_not_answer_is_in_trouble_before_anything_times_out() {
    let mut room = Room::full();
    let stuck = health(0, 0, 0, 40);
    let verdict = room.tick(100, &stuck, Demand::Met);
    assert_eq!(verdict, Verdict::Lowered(Trouble::Slow));
    let cut = room.limit.get();
    assert!((60..=62).contains(&cut), "{cut}");

    let mut room = Room::full();
    let timed_out = health(0, 0, 4, 0);
    let verdict = room.tick(100, &timed_out, Demand::Met);
    assert_eq!(verdict, Verdict::Lowered(Trouble::Failing));
    assert_eq!(room.limit.get(), 5, "the floor");
}

#[test]
fn a_few_answers_that_always_take_long_are_no_trouble() {
    let mut room = Room::full();
    // Four of a hundred are long polls of 20 s: 40 are in flight all the time.
    let mut polls = health(96, 60, 0, 40);
    (0..4).for_each(|_| polls.latencies.record(Duration::from_secs(20)));
    let verdict = room.seconds(20, 100, &polls);
    assert!(!matches!(verdict, Verdict::Lowered(_)), "{verdict:?}");
    assert_eq!(room.limit.get(), 100);
}

#[test]
fn failures_cut_by_their_share_and_only_beyond_chance() {
    let mut room = Room::full();
    let chance = health(198, 40, 4, 2);
    let verdict = room.tick(100, &chance, Demand::Met);
    assert_ne!(verdict, Verdict::Lowered(Trouble::Failing), "1% is allowed");
    let verdict = room.tick(100, &health(150, 40, 50, 2), Demand::Met);
    assert_eq!(verdict, Verdict::Lowered(Trouble::Failing));
    assert_eq!(room.limit.get(), 73, "three quarters, less 2%");
    assert_eq!(room.limit.reason(), Some(Trouble::Failing));
}

/// A room of 1,000 whose origin collapsed at once and took ten seconds to come back at 300.
fn after_a_collapse() -> Room {
    let mut room = Room::new(seats(1_000, 200), 1_000);
    room.seconds(10, 1_000, &health(100, 4_000, 0, 950));
    room.seconds(1, 300, &health(200, 60, 0, 20));
    assert_eq!(room.limit.get(), 300);
    room
}

#[test]
fn after_a_collapse_the_limit_climbs_fast_and_stops_under_the_knee() {
    let mut room = after_a_collapse();
    let well = health(400, 60, 0, 20);
    for _ in 0..100 {
        room.tick(room.limit.get(), &well, Demand::HeldBack);
    }
    assert_eq!(room.limit.get(), 850, "25 s later, at 85% of the knee");
    assert_eq!(room.limit.reason(), None, "nearly as before");
    let verdict = room.tick(850, &well, Demand::HeldBack);
    assert_eq!(verdict, Verdict::Held(Pause::Patient));
    // Thirty times seven tenths of ten seconds, but no more than two minutes and a half.
    for _ in 0..4 * 140 {
        room.tick(room.limit.get(), &well, Demand::HeldBack);
    }
    assert!(room.limit.get() > 850);
}

#[test]
fn patience_ends_when_the_origin_has_become_another_one() {
    let mut room = after_a_collapse();
    let well = health(400, 60, 0, 20);
    for _ in 0..120 {
        room.tick(room.limit.get(), &well, Demand::HeldBack);
    }
    assert_eq!(room.limit.get(), 850);
    let faster = health(400, 30, 0, 10);
    for _ in 0..40 {
        room.tick(room.limit.get(), &faster, Demand::HeldBack);
    }
    assert!(room.limit.get() > 850);
}

#[test]
fn calls_a_minute_are_spread_and_the_door_is_kept_ajar_while_too_many_are_inside() {
    let mut room = Room::new(minute(1_200, 200), 0);
    let well = health(200, 40, 0, 4);
    let mut called = 0;
    for _ in 0..40 {
        room.tick(160, &well, Demand::HeldBack);
        let calls = room.limit.budget(160);
        assert!(
            calls <= 6,
            "1,200 a minute are 5 in a quarter of a second: {calls}"
        );
        room.limit.spend(calls);
        called += calls;
    }
    assert!((195..=202).contains(&called), "{called} in ten seconds");

    // 160 are inside, each for eight seconds, and 40 are too many.
    let slow = health(100, 1_000, 0, 50);
    let verdict = room.tick(160, &slow, Demand::HeldBack);
    assert_eq!(verdict, Verdict::Lowered(Trouble::Slow));
    let cut = room.limit.get();
    assert!((860..=910).contains(&cut), "three quarters of 1,200: {cut}");
    let mut called = 0;
    for _ in 0..40 {
        room.tick(160, &slow, Demand::HeldBack);
        let calls = room.limit.budget(160);
        room.limit.spend(calls);
        called += calls;
    }
    assert!(called <= 11, "the floor is 60 a minute: {called}");
}

#[test]
fn a_window_is_wide_where_traffic_is_small_and_begins_at_the_last_change() {
    let mut room = Room::new(seats(100, 200), 0);
    let reach = |room: &Room, later: u64| {
        let now = room.now.plus(Duration::from_secs(later));
        now.since(room.limit.health_from(now))
    };
    room.tick(50, &health(20, 40, 0, 1), Demand::Met);
    assert_eq!(reach(&room, 100), Duration::from_secs(20), "200 answers");
    assert_eq!(
        reach(&room, 1),
        TICK + Duration::from_secs(1),
        "since it opened"
    );
    room.tick(50, &health(1, 40, 0, 1), Demand::Met);
    assert_eq!(reach(&room, 100), Duration::from_secs(30));
    room.tick(50, &health(60_000, 40, 0, 1), Demand::Met);
    assert_eq!(reach(&room, 100), Duration::from_secs(3));
    room.tick(50, &health(60_000, 900, 0, 40), Demand::Met);
    assert_eq!(reach(&room, 100), Duration::from_secs(2), "in trouble");
}

#[test]
fn rules_that_count_something_else_open_the_limit_anew() {
    let mut room = Room::new(minute(6_000, 200), 30);
    room.rules = seats(200, 200);
    room.tick(30, &Health::default(), Demand::Met);
    assert_eq!(room.limit.get(), 100);
    room.rules = seats(40, 200);
    room.tick(30, &Health::default(), Demand::Met);
    assert_eq!(room.limit.get(), 40, "a lower ceiling holds at once");
}

#[test]
fn names_are_different() {
    let held = [
        Pause::Unsure,
        Pause::Recovering,
        Pause::Settling,
        Pause::NearTarget,
        Pause::Unbound,
        Pause::Patient,
        Pause::AtCeiling,
    ];
    let mut names: Vec<_> = held.map(|pause| Verdict::Held(pause).name()).into();
    names.push(Verdict::Raised.name());
    names.extend([Trouble::Slow, Trouble::Failing].map(|t| Verdict::Lowered(t).name()));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 10);
}
