//! What becomes of reserved seats and of the record.

use super::*;

#[test]
fn a_reserved_seat_is_taken_back_when_a_limit_is_lowered() {
    let idle = waiting(0);
    let calls = step(&idle, &rules(20, 1_000), START.plus(TICK));
    assert_eq!(calls.line.ahead(number(0)), 18);
    let now = START.plus(TICK * 2);
    let seen = after(calls, 0, nobody(), now);
    let lower = standing(&rules(5, 1_000));
    assert_eq!(
        reserved_too_many(&seen.picture, &seen.traces, &lower, now),
        13
    );
    // Somebody took a number meanwhile: it was called by being taken, and stays so.
    let burnt = Some((number(1), number(19)));
    let calls = crate::controller::step(
        &Seen {
            picture: &seen.picture,
            traces: &seen.traces,
            standing: &lower,
            orders: &Orders::default(),
            key: KeyId(1),
            name: &name(),
            health: None,
            fleet: Fleet::Whole,
            lot: &LotStep::None,
            next_lottery: None,
            beacon_name: None,
            provisional: None,
            burnt,
        },
        now,
    );
    assert_eq!(calls.line.occupied, 1, "{:?}", calls.line);
    assert_eq!(
        calls.line.horizon,
        number(22),
        "four free, one kept for late comers"
    );
    assert_eq!(calls.line.batches[0].calls, 1);
    let seen = after(calls, 19, nobody(), now);
    assert_eq!(
        reserved_too_many(&seen.picture, &seen.traces, &lower, now),
        0
    );
}

#[test]
fn a_long_grace_does_not_make_the_record_long() {
    let rules = Admission::new(Spec {
        active: Some(1_000_000),
        call_grace: Duration::from_secs(3_600),
        ..Spec::default()
    })
    .expect("valid");
    let mut seen = waiting(0);
    let mut now = START;
    let mut joined = 0;
    for tick in 0..8_000 {
        now = now.plus(TICK);
        joined += 10;
        let calls = step(&seen, &rules, now);
        // Calls are neither lost nor changed in number by being written down together.
        let stamped: u64 = calls
            .line
            .batches
            .iter()
            .map(|batch| u64::from(batch.calls))
            .sum();
        assert_eq!(stamped, calls.line.frontier.since(number(0)), "tick {tick}");
        seen = after(calls, joined, nobody(), now);
    }
    let bytes = seen.picture.line.encode().len();
    assert!(bytes < 16_000, "{bytes} bytes");
}
