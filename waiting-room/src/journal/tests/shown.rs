//! What people read.

use super::*;

fn first(number: u64) -> First {
    First {
        number,
        by: text("anna"),
        reason: text("a wheelchair"),
    }
}

/// Ten in line: 0 to 3 in turn but for 1, who is away and comes back; 6 by an operator; then 4.
fn entries() -> Vec<Entry> {
    let second = |seconds: u64| Timestamp(START.0 + seconds * 1_000);
    let entry = |at, horizon, called| Entry {
        given: 10,
        horizon,
        called,
        ..quiet(second(at))
    };
    vec![
        Entry {
            event: event(Kind::Opened(opening())),
            ..quiet(START)
        },
        entry(1, 4, Passed::new(0..4, |n| n != 1)),
        Entry {
            first: vec![first(6)],
            ..entry(2, 4, None)
        },
        Entry {
            late: vec![1],
            ..entry(3, 5, Passed::all(4..5))
        },
    ]
}

fn story(number: u64) -> String {
    let (lines, _) = write(&entries());
    let report = read(&lines, Verifier::new().about(number));
    assert!(report.is_clean(), "{report}");
    report
        .of_number(number)
        .expect("it was watched")
        .to_string()
}

#[test]
fn whoever_waited_reads_who_was_called_before_and_why() {
    assert_eq!(
        story(4),
        "Number 4 was given out by 2026-09-21 14:13:21.000 UTC.\n\
         It was called at 2026-09-21 14:13:23.000 UTC, in its turn (entry 4).\n\
         1 later number was called before it: 0 in turn or on arrival, 0 through the late lane, \
         1 by an operator.\n\
         Number 6 was called first at 2026-09-21 14:13:22.000 UTC by anna: a wheelchair"
    );
}

#[test]
fn whoever_was_away_reads_that_their_turn_came() {
    assert_eq!(
        story(1),
        "Number 1 was given out by 2026-09-21 14:13:21.000 UTC.\n\
         Its turn came at 2026-09-21 14:13:21.000 UTC: its holder was away or had left (or it had none any more), and it was passed over.\n\
         It was called at 2026-09-21 14:13:23.000 UTC, through the late lane (entry 4).\n\
         3 later numbers were called before it: 2 in turn or on arrival, 0 through the late lane, \
         1 by an operator.\n\
         Number 6 was called first at 2026-09-21 14:13:22.000 UTC by anna: a wheelchair"
    );
}

#[test]
fn whoever_still_waits_and_whoever_is_not_there_read_so() {
    let waits = story(9);
    assert!(waits.contains("\nIt was not called.\n"), "{waits}");
    assert_eq!(story(10), "Number 10 was not given out.");
    assert!(story(0).ends_with("Nobody who joined later was called before it."));
}

#[test]
fn a_hole_in_the_log_is_not_told_as_an_absence() {
    let (mut lines, _) = write(&entries());
    lines.remove(1);
    let report = read(&lines, Verifier::new().about(1));
    let story = report.of_number(1).expect("it was watched").to_string();
    assert!(
        story.contains("stands in an entry that is missing"),
        "{story}"
    );
    assert!(!story.contains("away"), "{story}");
}

#[test]
fn a_number_that_nobody_watched_has_no_story() {
    let (lines, _) = write(&entries());
    assert!(
        read(&lines, Verifier::new().about(1))
            .of_number(2)
            .is_none()
    );
}

/// A sale as they are: 100 calls a tick, three in ten are away, a million numbers.
#[test]
fn a_called_number_costs_four_bytes() {
    let limits = Limits {
        active: Some(20_000),
        per_minute: Some(24_000),
    };
    let mut head = Head {
        seq: 5_000,
        ..opening().start()
    };
    let (mut bytes, mut calls) = (0, 0);
    for tick in 0..100_u64 {
        let from = 700_000 + tick * 143;
        let range = from..from + 143;
        let called = Passed::new(range.clone(), |n| {
            n.wrapping_mul(0x9e37_79b9) >> 7 & 1_023 < 716
        });
        calls += called.as_ref().map_or(0, Passed::calls);
        let entry = Entry {
            given: 1_000_000 + tick,
            horizon: range.end,
            called,
            late: vec![from - 90_000, from - 70_000],
            living: 200_000 - tick * 143,
            active: 19_900 + tick,
            lapsed: 3,
            limits,
            ..quiet(START)
        };
        let (line, next) = entry.write(&head);
        (bytes, head) = (bytes + line.len() as u64 + 1, next);
    }
    assert!(
        (9_000..11_000).contains(&calls),
        "{calls} calls in 100 ticks"
    );
    assert!(bytes < 380 * 100, "{} bytes an entry", bytes / 100);
    assert!(bytes < 4 * calls, "{bytes} bytes for {calls} calls");
}
