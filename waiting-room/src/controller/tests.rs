use std::time::Duration;

use policies::admission::Spec;
use proptest::prelude::*;

use super::*;
use crate::snapshot::{CLAIM_SLACK, Place, Traces};

const START: Timestamp = Timestamp(1_790_000_000_000);

fn rules(active: u32, per_minute: u32) -> Admission {
    let spec = Spec {
        active: Some(active),
        per_minute: Some(per_minute),
        ..Spec::default()
    };
    Admission::new(spec).expect("valid")
}

/// A line in which `joined` numbers were given out, everybody living, nobody in.
fn waiting(joined: u64) -> Snapshot {
    let line = Line::open(START, START.0);
    let next = line.floor.plus(joined);
    Snapshot::build(line, next, (Marks::default(), everybody(joined)), START)
}

fn everybody(joined: u64) -> Traces {
    Traces {
        living: (0..joined).map(number).collect(),
        ..Traces::default()
    }
}

fn number(index: u64) -> Number {
    Number(START.0 + index)
}

fn after(calls: Calls, next: u64, traces: Traces, now: Timestamp) -> Snapshot {
    Snapshot::build(calls.line, number(next), (calls.marks, traces), now)
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
        let before = seen.line.horizon;
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
        &after(calls, 0, Traces::default(), START),
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
    let seen = after(reserved, 30, Traces::default(), later);
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
        seen = after(calls, 2, everybody(2), now);
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
    seen = after(step(&seen, &rules, START), 4, Traces::default(), START);
    let traces = Traces {
        living: [number(3)].into_iter().collect(),
        active: [number(0), number(1)].into_iter().collect(),
        ..Traces::default()
    };
    let mut now = START;
    for _ in 0..100 {
        now = now.plus(Duration::from_secs(2));
        seen = after(step(&seen, &rules, now), 4, traces.clone(), now);
    }
    assert!(seen.marks.gone.has(number(2)));
    assert!(!seen.marks.gone.has(number(3)));
    // One seat falls free: 3 is called, 2 is passed over.
    let traces = Traces {
        active: [number(0)].into_iter().collect(),
        ..seen.traces.clone()
    };
    let calls = step(&after_with(seen, traces, now), &rules, now);
    assert_eq!(calls.line.horizon, number(4));
    // 2 comes back: it is late, and called with the next free seat.
    let traces = Traces {
        fresh: [number(2)].into_iter().collect(),
        ..Traces::default()
    };
    let later = now.plus(Duration::from_secs(2));
    let seen = after(calls, 4, traces, later);
    assert_eq!(seen.late, vec![number(2)]);
    let calls = step(&seen, &rules, later);
    assert!(calls.marks.late.has(number(2)));
}

fn after_with(seen: Snapshot, traces: Traces, now: Timestamp) -> Snapshot {
    Snapshot::build(seen.line, seen.next, (seen.marks, traces), now)
}

#[test]
fn the_late_lane_takes_a_tenth_while_others_wait() {
    let mut seen = waiting(900);
    seen.line.horizon = number(400);
    seen.line.frontier = number(400);
    let late: Bits = (0..400).map(number).collect();
    let traces = Traces {
        fresh: late.clone(),
        ..Traces::default()
    };
    let mut seen = after_with(seen, traces, START);
    seen.line.late_credit = 0;
    let calls = step(&seen, &rules(100, 1_000), START.plus(TICK));
    assert_eq!(calls.line.batches[0].late.len(), 10);
    assert_eq!(calls.line.horizon, number(490));
}

#[test]
fn a_gap_in_ticks_neither_judges_nor_lapses_anybody() {
    let rules = rules(1, 1_000);
    let called = step(&waiting(3), &rules, START);
    let seen = after(called, 3, Traces::default(), START);
    let back = START.plus(Duration::from_secs(900));
    let calls = step(&seen, &rules, back);
    assert!(calls.gone_chunks.is_empty());
    assert_eq!(
        calls.line.horizon,
        number(1),
        "the open call still holds its seat"
    );
    let seen = after(calls, 3, Traces::default(), back);
    let ticket = crate::token::Ticket {
        line: seen.line.id,
        number: number(0),
        joined_at: START,
        told: crate::token::Told::Wait {
            next_poll_at: START,
            shown_ahead: 0,
        },
        secret: 1,
    };
    assert!(matches!(
        seen.place(&ticket, back, rules.call_grace()),
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
        let inside = inside.into_iter().map(|index| Number(START.0 - 1_000 + index));
        let traces = Traces { active: inside.collect(), ..everybody(joined) };
        let line = Line::open(START, START.0);
        let seen = Snapshot::build(line, number(joined), (marks, traces.clone()), START);
        let before = seen.occupied(START);
        let now = START.plus(TICK);
        let calls = step(&seen, &rules, now);
        let called: u64 = calls.line.batches.iter().map(|batch| u64::from(batch.calls)).sum();
        let ahead = calls.line.ahead(number(joined));
        prop_assert!(called + ahead <= u64::from(per_minute));
        let told = after(calls, joined, traces, now);
        prop_assert!(told.occupied(now) + ahead <= u64::from(active).max(before));
        // No empty seat while somebody counted waits.
        if told.counted.total() > 0 {
            let full = told.occupied(now) >= u64::from(active);
            prop_assert!(full || called >= u64::from(per_minute), "{told:?}");
        }
    }
}
