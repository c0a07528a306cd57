use std::time::Duration;

use policies::{admission::Spec, schedule::Schedule};
use proptest::prelude::*;

use super::*;
use crate::snapshot::{CLAIM_SLACK, Inside, Place};

mod late;
mod record;

const START: Timestamp = Timestamp(1_790_000_000_000);

fn rules(active: u32, per_minute: u32) -> Admission {
    let spec = Spec {
        active: Some(active),
        per_minute: Some(per_minute),
        ..Spec::default()
    };
    Admission::new(spec).expect("valid")
}

fn inside<const N: usize>(active: [u64; N]) -> Inside {
    Inside {
        active: active.into_iter().map(number).collect(),
        ended: Bits::new(),
    }
}

/// A picture and what else the tick is decided on.
struct Scene {
    picture: Snapshot,
    traces: Traces,
}

fn name() -> RoomName {
    RoomName {
        tenant: "acme".into(),
        room: "sale".into(),
    }
}

fn standing(rules: &Admission) -> Standing {
    Standing::at(rules, &Schedule::default(), &Orders::default(), START)
}

fn step(scene: &Scene, rules: &Admission, now: Timestamp) -> Calls {
    super::step(
        &Seen {
            picture: &scene.picture,
            traces: &scene.traces,
            standing: &standing(rules),
            orders: &Orders::default(),
            key: KeyId(1),
            name: &name(),
            health: None,
            fleet: Fleet::Whole,
            lot: &LotStep::None,
            next_lottery: None,
            beacon_name: None,
            provisional: None,
            burnt: None,
        },
        now,
    )
}

/// A line in which `joined` numbers were given out, everybody living, nobody in.
fn waiting(joined: u64) -> Scene {
    let line = Line::open(START, START.0);
    let next = line.floor.plus(joined);
    Scene {
        picture: Snapshot::build(line, next, Marks::default(), START),
        traces: everybody(joined),
    }
}

fn everybody(joined: u64) -> Traces {
    let all: Bits = (0..joined).map(number).collect();
    Traces {
        living: Some(all.clone()),
        expected: all,
        ..Traces::default()
    }
}

fn nobody() -> Traces {
    Traces {
        living: Some(Bits::new()),
        ..Traces::default()
    }
}

fn number(index: u64) -> Number {
    Number(START.0 * 1_000 + index)
}

fn after(calls: Calls, next: u64, traces: Traces, now: Timestamp) -> Scene {
    Scene {
        picture: Snapshot::build(calls.line, number(next), calls.marks, now),
        traces,
    }
}

#[test]
fn a_full_room_calls_up_to_its_capacity_in_order() {
    let calls = step(&waiting(50), &rules(20, 1_000), START.plus(TICK));
    assert_eq!(calls.line.horizon, number(20));
    assert_eq!(calls.line.batches.len(), 1);
    assert_eq!(calls.line.batches[0].calls, 20);
    assert_eq!(
        calls.line.ahead(number(50)),
        0,
        "nothing is reserved while people wait"
    );
}

#[test]
fn the_minute_is_a_sliding_one() {
    let rules = rules(1_000, 10);
    let mut seen = waiting(50);
    let mut now = START;
    let mut called_at = Vec::new();
    for _ in 0..600 {
        now = now.plus(TICK);
        let before = seen.picture.line.horizon;
        let calls = step(&seen, &rules, now);
        let got = calls.line.horizon.since(before);
        called_at.extend(std::iter::repeat_n(now, got as usize));
        seen = after(calls, 50, everybody(50), now);
    }
    assert_eq!(
        called_at.len(),
        30,
        "10 at once, 10 after one minute, 10 after two"
    );
    for window in called_at.windows(11) {
        assert!(window[10].since(window[0]) >= MINUTE, "{window:?}");
    }
}

#[test]
fn an_idle_room_reserves_seats_and_a_tenth_is_kept_for_late_comers() {
    let calls = step(&waiting(0), &rules(20, 1_000), START.plus(TICK));
    assert_eq!(calls.line.ahead(number(0)), 18);
    assert_eq!(calls.line.spare, 2);
    let again = step(
        &after(calls, 0, nobody(), START),
        &rules(20, 1_000),
        START.plus(TICK * 2),
    );
    assert_eq!(
        again.line.ahead(number(0)),
        18,
        "the kept seats do not wear away"
    );
}

#[test]
fn a_room_with_one_seat_reserves_it() {
    let calls = step(&waiting(0), &rules(1, 1_000), START.plus(TICK));
    assert_eq!(calls.line.ahead(number(0)), 1);
    assert_eq!(calls.line.spare, 0);
}

#[test]
fn reserved_seats_count_against_the_minute_when_they_are_taken() {
    let rules = rules(100, 10);
    let reserved = step(&waiting(0), &rules, START.plus(TICK));
    assert_eq!(reserved.line.ahead(number(0)), 9);
    // Ten minutes later nine come at once: the minute is nearly full although they were reserved
    // long ago.
    let later = START.plus(Duration::from_secs(600));
    let seen = after(reserved, 30, nobody(), later);
    let calls = step(&seen, &rules, later);
    assert_eq!(calls.line.horizon, number(10), "one more, not ten");
    let calls: Vec<_> = calls.line.batches.iter().map(|batch| batch.calls).collect();
    assert_eq!(calls, [9, 1], "nine by their own arrival, one by this tick");
}

#[test]
fn the_unclaimed_seat_is_given_on_after_the_grace_and_not_before() {
    let rules = rules(1, 1_000);
    let grace = rules.call_grace();
    let mut seen = waiting(2);
    let mut now = START;
    let mut tick = |now| {
        let calls = step(&seen, &rules, now);
        let horizon = calls.line.horizon;
        // Whoever was called has gone home.
        let mut traces = everybody(2);
        traces.expected = [number(1)].into_iter().collect();
        seen = after(calls, 2, traces, now);
        horizon
    };
    let over = START.plus(grace).plus(CLAIM_SLACK);
    while now < over {
        assert_eq!(tick(now), number(1), "held at {now:?}");
        now = now.plus(TICK);
    }
    assert_eq!(tick(now), number(2), "the next one is called");
}

#[test]
fn whoever_was_absent_is_skipped_and_comes_back_through_the_late_lane() {
    let rules = rules(2, 1_000);
    let mut seen = waiting(4);
    // Fill both seats, so that numbers 2 and 3 wait; only 3 is seen in the epochs that follow.
    seen = after(step(&seen, &rules, START), 4, nobody(), START);
    let three: Bits = [number(3)].into_iter().collect();
    let traces = Traces {
        living: Some(three.clone()),
        expected: three,
        inside: inside([0, 1]),
    };
    let mut now = START;
    for _ in 0..100 {
        now = now.plus(Duration::from_secs(2));
        seen = after(step(&seen, &rules, now), 4, traces.clone(), now);
    }
    assert!(seen.picture.marks.gone.has(number(2)));
    assert!(!seen.picture.marks.gone.has(number(3)));
    // One seat falls free: 3 is called, 2 is passed over.
    let traces = Traces {
        inside: inside([0]),
        ..seen.traces.clone()
    };
    let seen = Scene { traces, ..seen };
    let calls = step(&seen, &rules, now);
    assert_eq!(calls.line.horizon, number(4));
    // 2 comes back: it is late, and called with the next free seat.
    let traces = Traces {
        expected: [number(2)].into_iter().collect(),
        ..Traces::default()
    };
    let later = now.plus(Duration::from_secs(2));
    let seen = after(calls, 4, traces, later);
    let calls = step(&seen, &rules, later);
    assert!(calls.marks.late.has(number(2)));
}

#[test]
fn the_late_lane_takes_a_tenth_while_others_wait() {
    let mut seen = waiting(900);
    // The first 400 were passed over so long ago that nobody remembers when.
    seen.picture.line.horizon = number(400);
    seen.picture.line.frontier = number(400);
    seen.picture.line.late_credit = 0;
    let Snapshot { line, next, .. } = seen.picture;
    seen.picture = Snapshot::build(line, next, Marks::default(), START);
    let calls = step(&seen, &rules(100, 1_000), START.plus(TICK));
    assert_eq!(calls.line.batches[0].late.len(), 10);
    assert_eq!(calls.line.horizon, number(490));
    assert_eq!(
        (calls.line.late.count, calls.line.late.first[0]),
        (390, number(10))
    );
}

/// A block of leavers at the front does not stop the line, and costs no seat.
#[test]
fn whoever_is_overdue_when_the_horizon_comes_is_passed_over_and_first_on_return() {
    let rules = rules(2, 1_000);
    let mut seen = waiting(40);
    // Two are in; the next thirty closed the page and are not expected any more.
    let now = START.plus(TICK);
    let mut traces = everybody(40);
    traces.expected = (32..40).map(number).collect();
    traces.inside.active = [number(0), number(1)].into_iter().collect();
    seen = after(step(&seen, &rules, now), 40, traces.clone(), now);
    // One seat falls free, long after the calls of those two were claimed.
    let mut now = now;
    while now < START.plus(rules.call_grace()).plus(CLAIM_SLACK) {
        now = now.plus(Duration::from_secs(2));
        seen = after(step(&seen, &rules, now), 40, traces.clone(), now);
    }
    seen.traces.inside.active = [number(0)].into_iter().collect();
    let calls = step(&seen, &rules, now);
    assert_eq!(calls.line.horizon, number(33), "the first who is there");
    assert_eq!(calls.marks.gone.count(), 30);
    assert_eq!(calls.line.occupied, 2, "no seat for who is not there");
    // One of the thirty was only offline for a moment: the next seat is theirs.
    traces.expected = (32..40).chain([7]).map(number).collect();
    traces.inside.active = [number(32)].into_iter().collect();
    let now = now.plus(TICK);
    let seen = after(calls, 40, traces, now);
    let calls = step(&seen, &rules, now);
    assert_eq!(calls.line.batches.back().expect("a call").late, [number(7)]);
    assert_eq!(calls.line.horizon, number(33), "before anybody else");
}

/// The store is lost for longer than anybody may be away, and whoever was passed over just before comes back meanwhile.
#[test]
fn time_without_ticks_makes_nobody_late() {
    // A short grace: the calls of before are over long before the store is back.
    let spec = Spec {
        active: Some(1),
        call_grace: Duration::from_secs(10),
        ..Spec::default()
    };
    let rules = Admission::new(spec).expect("valid");
    let mut traces = everybody(9);
    traces.expected = (2..9).map(number).collect();
    traces.inside.active = [number(0)].into_iter().collect();
    let mut now = START.plus(TICK);
    let mut seen = after(step(&waiting(9), &rules, now), 9, traces.clone(), now);
    let mut wait = |seen: &mut Scene, seconds| {
        for _ in 0..seconds / 2 {
            now = now.plus(Duration::from_secs(2));
            let calls = step(seen, &rules, now);
            *seen = after(calls, 9, seen.traces.clone(), now);
        }
        now
    };
    wait(&mut seen, 20);
    seen.traces.inside.active = Bits::new();
    wait(&mut seen, 2);
    assert_eq!(seen.picture.line.horizon, number(3), "1 is passed over");
    // Most of the time that anybody may be silent, before the store is lost.
    seen.traces.inside.active = [number(2)].into_iter().collect();
    let lost_at = wait(&mut seen, 80);
    let back = lost_at.plus(Duration::from_secs(900));
    traces.expected = everybody(9).expected;
    traces.inside.active = [number(2)].into_iter().collect();
    let seen = after(step(&seen, &rules, back), 9, traces.clone(), back);
    traces.inside = Inside {
        ended: [number(2)].into_iter().collect(),
        ..Inside::default()
    };
    let mut seen = Scene { traces, ..seen };
    seen.picture.line.late_credit = 0;
    let calls = step(&seen, &rules, back.plus(TICK));
    assert_eq!(calls.line.batches.back().expect("a call").late, [number(1)]);
    assert_eq!(calls.line.horizon, number(3), "before anybody else");
}

#[test]
fn a_gap_in_ticks_neither_judges_nor_lapses_anybody() {
    let rules = rules(1, 1_000);
    let called = step(&waiting(3), &rules, START);
    let seen = after(called, 3, nobody(), START);
    let back = START.plus(Duration::from_secs(900));
    let calls = step(&seen, &rules, back);
    assert!(calls.gone_chunks.is_empty());
    assert_eq!(
        calls.line.horizon,
        number(1),
        "the open call still holds its seat"
    );
    let seen = after(calls, 3, nobody(), back);
    let ticket = crate::token::Ticket {
        line: seen.picture.line.id,
        number: number(0),
        joined_at: START,
        told: crate::token::Told::Wait {
            next_poll_at: START,
            shown_ahead: 0,
            shown_wait: u32::MAX,
        },
        secret: 1,
    };
    assert!(matches!(
        seen.picture.place(&ticket, back, &rules),
        Place::Called { .. }
    ));
}

proptest! {
    /// Whatever was seen, one tick never promises more seats than there are.
    #[test]
    fn one_tick_never_breaks_a_limit(
        active in 1_u32..50, per_minute in 1_u32..50,
        joined in 0_u64..200, gone in proptest::collection::vec(0_u64..200, 0..40),
        inside in proptest::collection::vec(0_u64..200, 0..40),
    ) {
        let rules = rules(active, per_minute);
        let marks = Marks { gone: gone.into_iter().map(number).collect(), ..Marks::default() };
        // Those inside hold numbers of an earlier line.
        let inside = inside.into_iter().map(|index| Number(START.0 * 1_000 - 1_000 + index));
        let traces = Traces { inside: Inside { active: inside.collect(), ..Inside::default() }, ..everybody(joined) };
        let line = Line::open(START, START.0);
        let picture = Snapshot::build(line, number(joined), marks, START);
        let seen = Scene { picture, traces: traces.clone() };
        let before = seen.picture.occupied(&traces.inside, START);
        let now = START.plus(TICK);
        let calls = step(&seen, &rules, now);
        let called: u64 = calls.line.batches.iter().map(|batch| u64::from(batch.calls)).sum();
        let ahead = calls.line.ahead(number(joined));
        prop_assert!(called + ahead <= u64::from(per_minute));
        let occupied = u64::from(calls.line.occupied);
        let told = after(calls, joined, traces, now).picture;
        prop_assert_eq!(told.occupied(&seen.traces.inside, now), occupied);
        prop_assert!(occupied + ahead <= u64::from(active).max(before));
        // No empty seat while somebody counted waits.
        if told.counted.total() > 0 {
            let full = occupied >= u64::from(active);
            prop_assert!(full || called >= u64::from(per_minute), "{told:?}");
        }
    }
}
