use super::*;
use crate::value::LineId;

const GRACE: Duration = Duration::from_secs(120);

fn rules() -> Admission {
    let said = policies::admission::Spec {
        active: Some(1),
        call_grace: GRACE,
        ..Default::default()
    };
    Admission::new(said).expect("valid")
}

/// Two reserved seats, and a picture that was taken before anybody came.
fn idle() -> Snapshot {
    let mut line = Line::open(Timestamp(1_000), 0);
    line.horizon = Number(1_000_002);
    Snapshot::build(line, Number(1_000_000), Marks::default(), Timestamp(1_000))
}

fn ticket(number: u64) -> Ticket {
    Ticket {
        line: LineId(1_000_000),
        number: Number(number),
        joined_at: Timestamp(2_000),
        told: crate::token::Told::Wait {
            next_poll_at: Timestamp(2_000),
            shown_ahead: u32::MAX,
            shown_wait: u32::MAX,
        },
        secret: 1,
    }
}

/// The request of somebody who got a reserved seat may have come before the tick that reserved it, in which those who
/// waited were called.
#[test]
fn nobody_is_told_a_call_before_that_of_a_lower_number() {
    let tick = Timestamp(2_250);
    let until = tick.plus(GRACE);
    let batch = |from, to, at, on_arrival| Batch {
        at,
        until,
        on_arrival,
        from: Number(from),
        to: Number(to),
        calls: 1,
        late: Vec::new(),
    };
    let mut line = Line::open(Timestamp(1_000), 0);
    line.batches
        .push_back(batch(1_000_000, 1_000_001, tick, false));
    (line.horizon, line.frontier, line.ticked_at) = (Number(1_000_002), Number(1_000_001), tick);
    let told = |line: &Line| {
        let seen = Snapshot::build(line.clone(), Number(1_000_002), Marks::default(), tick);
        match seen.place(&ticket(1_000_001), tick, &rules()) {
            Place::Called { at, .. } => at,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(told(&line), tick, "before the next tick has seen it");
    let next = Timestamp(2_500);
    line.batches
        .push_back(batch(1_000_001, 1_000_002, next, true));
    (line.frontier, line.ticked_at) = (Number(1_000_002), next);
    assert_eq!(told(&line), tick, "and after");
}

#[test]
fn who_took_a_reserved_seat_is_called_and_not_counted_before_the_next() {
    let now = Timestamp(2_000);
    let until = now.plus(GRACE);
    assert_eq!(
        idle().place(&ticket(1_000_001), now, &rules()),
        Place::Called { at: now, until }
    );
    let place = |number| idle().place(&ticket(number), now, &rules());
    assert_eq!(
        place(1_000_002),
        Place::Waiting {
            ahead: 0,
            behind: 0
        }
    );
    assert_eq!(
        place(1_000_005),
        Place::Waiting {
            ahead: 3,
            behind: 0
        }
    );
}

/// Calls are remembered for longer than the ends of visits are.
#[test]
fn a_visit_that_ended_long_ago_takes_no_seat_again() {
    let called = Timestamp(2_000);
    let until = called.plus(GRACE);
    let number = Number(1_000_000);
    let mut line = Line::open(Timestamp(1_000), 0);
    line.batches.push_back(Batch {
        at: called,
        until,
        on_arrival: false,
        from: number,
        to: Number(1_000_001),
        calls: 1,
        late: Vec::new(),
    });
    let marks = Marks {
        claimed: [number].into_iter().collect(),
        ..Marks::default()
    };
    let occupied = |active: &[Number], ended: &[Number], now| {
        let inside = Inside {
            active: active.iter().copied().collect(),
            ended: ended.iter().copied().collect(),
        };
        let seen = Snapshot::build(line.clone(), Number(1_000_001), marks.clone(), now);
        seen.occupied(&inside, now)
    };
    let closed = until.plus(CLAIM_SLACK);
    assert_eq!(occupied(&[], &[], closed), 1, "just in, and not seen yet");
    assert_eq!(occupied(&[], &[number], closed), 0);
    assert_eq!(occupied(&[], &[], until.plus(AFTERLIFE)), 0, "forgotten");
    assert_eq!(occupied(&[number], &[], until.plus(AFTERLIFE)), 1);
}

#[test]
fn a_ticket_of_another_line_or_before_the_floor_is_void() {
    let now = Timestamp(2_000);
    let other = Ticket {
        line: LineId(999),
        ..ticket(1_000_001)
    };
    assert_eq!(idle().place(&other, now, &rules()), Place::Void);
    assert_eq!(idle().place(&ticket(999), now, &rules()), Place::Void);
}
