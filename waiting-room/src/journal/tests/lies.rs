//! Each rule by itself: one lie, in a chain written anew by whoever keeps the log, and the one finding it makes.

use super::*;

/// Forty in line, ten of whom are called: an honest beginning for one lie each.
fn beginning() -> Vec<Entry> {
    let limits = Limits {
        active: Some(12),
        per_minute: Some(12),
    };
    let opened = Entry {
        limits,
        event: event(Kind::Opened(opening())),
        ..quiet(START)
    };
    let called = Passed::new(0..12, |n| n != 3 && n != 5);
    let first = Entry {
        at: Timestamp(START.0 + 250),
        given: 40,
        horizon: 12,
        called,
        living: 28,
        active: 10,
        limits,
        ..quiet(START)
    };
    vec![opened, first]
}

/// The next entry, `after` milliseconds later.
fn next(after: u64, change: impl FnOnce(&mut Entry)) -> Entry {
    let last = beginning().pop().expect("two entries");
    let mut entry = Entry {
        at: Timestamp(last.at.0 + after),
        called: None,
        ..last
    };
    change(&mut entry);
    entry
}

#[track_caller]
fn finds(more: &[Entry], fault: Fault) {
    let entries = [&beginning(), more].concat();
    let report = verified(&entries);
    assert_eq!(faults(&report), [fault], "{report}");
}

#[test]
fn the_beginning_is_honest_and_so_is_a_late_call() {
    assert!(verified(&beginning()).is_clean());
    let late = next(250, |e| (e.late, e.active) = (vec![3], 11));
    assert!(verified(&[beginning(), vec![late]].concat()).is_clean());
}

#[test]
fn calls_that_may_not_be_are_found() {
    finds(&[next(250, |e| e.late = vec![3, 3])], Fault::CalledTwice(3));
    finds(&[next(250, |e| e.late = vec![4])], Fault::StillOpen(4));
    finds(&[next(250, |e| e.late = vec![12])], Fault::NotPassed(12));
    let lapsed = [
        next(20_000, |e| e.late = vec![4]),
        next(50_000, |e| e.late = vec![4]),
    ];
    finds(&lapsed, Fault::CalledTwice(4));
    finds(
        &[next(250, |e| {
            (e.horizon, e.called) = (12, Passed::all(11..12))
        })],
        Fault::PassedTwice { from: 11, due: 12 },
    );
    finds(
        &[next(250, |e| {
            (e.horizon, e.called) = (14, Passed::all(13..14))
        })],
        Fault::LeftOut { from: 12, to: 12 },
    );
    finds(
        &[next(250, |e| e.horizon = 13)],
        Fault::Reached {
            reached: 12,
            due: 13,
        },
    );
    finds(
        &[next(250, |e| e.lapsed = 11)],
        Fault::Lapsed {
            lapsed: 11,
            calls: 10,
        },
    );
}

#[test]
fn a_first_call_counts_as_a_call() {
    let first = |number| First {
        number,
        by: text("anna"),
        reason: text("a wheelchair"),
    };
    finds(
        &[next(250, |e| e.first = vec![first(40)])],
        Fault::NotGiven(40),
    );
    finds(
        &[next(250, |e| e.first = vec![first(4)])],
        Fault::StillOpen(4),
    );
    finds(
        &[next(250, |e| e.first = vec![first(20), first(20)])],
        Fault::CalledTwice(20),
    );
    let mut early = next(250, |e| e.first = vec![first(12)]);
    let mut turn = next(500, |e| (e.horizon, e.called) = (13, Passed::all(12..13)));
    finds(&[early.clone(), turn.clone()], Fault::StillOpen(12));
    // Once that call is over the number is called in its turn like any other.
    (early.at, turn.at) = (Timestamp(START.0 + 70_000), Timestamp(START.0 + 90_000));
    assert!(verified(&[beginning(), vec![early, turn]].concat()).is_clean());
}

#[test]
fn nobody_is_called_while_the_line_stands() {
    let stopping = [
        Why::PAUSED,
        Why::CLOSED,
        Why::NOT_OPEN,
        Why::DRAWING,
        Why::SOLD_OUT,
    ];
    for why in stopping {
        let stands = |e: &mut Entry| e.why = Some(why.clone());
        let called = |e: &mut Entry| {
            stands(e);
            (e.horizon, e.called) = (13, Passed::all(12..13));
        };
        finds(&[next(250, called)], Fault::CalledWhile(why.clone()));
        let late = |e: &mut Entry| {
            stands(e);
            e.late = vec![3];
        };
        finds(&[next(250, late)], Fault::CalledWhile(why.clone()));
        let more = |e: &mut Entry| {
            stands(e);
            (e.given, e.horizon) = (40, 40);
            e.arrived = Passed::all(12..40);
            e.limits = Limits::default();
            e.event = event(Kind::Tuned(None));
        };
        let reserved = [next(250, stands), next(500, more)];
        finds(&reserved, Fault::ReservedWhile(why.clone()));
    }
    let slow = next(250, |e| {
        e.why = Some(Why::ORIGIN_SLOW);
        (e.horizon, e.called) = (13, Passed::all(12..13));
    });
    assert!(
        verified(&[beginning(), vec![slow]].concat()).is_clean(),
        "slow is not stopped"
    );
}

#[test]
fn a_line_that_opens_standing_has_reserved_nothing() {
    let stands = Entry {
        why: Some(Why::NOT_OPEN),
        event: event(Kind::Opened(opening())),
        ..quiet(START)
    };
    assert!(verified(std::slice::from_ref(&stands)).is_clean());
    let report = verified(&[Entry {
        horizon: 5,
        ..stands
    }]);
    assert_eq!(faults(&report), [Fault::ReservedWhile(Why::NOT_OPEN)]);
}

#[test]
fn a_limit_binds_until_its_change_is_logged() {
    let call = |to: u64| move |e: &mut Entry| (e.horizon, e.called) = (to, Passed::all(12..to));
    finds(
        &[next(250, call(15))],
        Fault::TooFast {
            calls: 13,
            limit: 12,
        },
    );
    // The minute slides: what was called at its beginning no longer counts.
    finds(
        &[next(59_999, call(15))],
        Fault::TooFast {
            calls: 13,
            limit: 12,
        },
    );
    assert!(verified(&[beginning(), vec![next(60_000, call(15))]].concat()).is_clean());
    finds(
        &[next(250, |e| e.active = 13)],
        Fault::TooFull {
            active: 13,
            limit: 12,
        },
    );
    let (from, to) = (
        Limits {
            active: Some(12),
            per_minute: Some(12),
        },
        Limits {
            active: Some(12),
            per_minute: Some(99),
        },
    );
    let raise = |e: &mut Entry| {
        e.limits = to;
        call(15)(e);
    };
    finds(&[next(250, raise)], Fault::LimitsChanged { from, to });
    let said = |e: &mut Entry| {
        raise(e);
        e.event = event(Kind::Tuned(None));
    };
    assert!(verified(&[beginning(), vec![next(250, said)]].concat()).is_clean());
}

#[test]
fn a_lowered_limit_spares_only_seats_that_were_reserved_before() {
    let lower = |e: &mut Entry| {
        e.limits = Limits {
            active: Some(5),
            per_minute: Some(5),
        };
        e.why = Some(Why::LIMIT_CHANGED);
        (e.given, e.horizon, e.active) = (40, 60, 40);
        e.arrived = Passed::all(12..40);
    };
    let lower = next(250, lower);
    let after = |e: &mut Entry| {
        (e.limits, e.why, e.horizon) = (lower.limits, lower.why.clone(), lower.horizon);
        (e.given, e.active, e.arrived) = (50, 50, Passed::all(40..50));
    };
    let spared = next(500, after);
    assert!(verified(&[beginning(), vec![lower.clone(), spared.clone()]].concat()).is_clean());
    let late = Entry {
        late: vec![3],
        ..spared.clone()
    };
    let report = verified(&[beginning(), vec![lower.clone(), late]].concat());
    let (too_fast, too_full) = (
        Fault::TooFast {
            calls: 49,
            limit: 5,
        },
        Fault::TooFull {
            active: 50,
            limit: 5,
        },
    );
    assert_eq!(faults(&report), [too_fast, too_full]);
    let beyond = |e: &mut Entry| {
        after(e);
        (e.given, e.horizon, e.arrived) = (61, 61, Passed::all(40..61));
    };
    let report = verified(&[beginning(), vec![lower.clone(), next(500, beyond)]].concat());
    assert_eq!(report.found, 2, "{report}");
}

#[test]
fn after_the_store_was_lost_seats_may_be_counted_too_high_but_nobody_is_called() {
    let lost = next(250, |e| (e.active, e.why) = (20, Some(Why::STORE_LOST)));
    let back = next(500, |e| e.active = 19);
    assert!(verified(&[beginning(), vec![lost.clone(), back]].concat()).is_clean());
    let call = next(500, |e| (e.active, e.late) = (20, vec![3]));
    finds(
        &[lost, call],
        Fault::TooFull {
            active: 20,
            limit: 12,
        },
    );
}

#[test]
fn the_opening_is_the_first_entry_and_no_other() {
    let mut entries = beginning();
    entries[0].event = event(Kind::Paused);
    let (lines, _) = write(&entries);
    assert_eq!(faults(&read(&lines, Verifier::new())), [Fault::NoOpening]);
    finds(
        &[next(250, |e| e.event = event(Kind::Opened(opening())))],
        Fault::OtherLine,
    );
    let other = Opening {
        room: text("other"),
        ..opening()
    };
    finds(
        &[next(250, |e| e.event = event(Kind::Tuned(Some(other))))],
        Fault::OtherLine,
    );
    // A log of another line does not begin with this line's hash.
    let (mut lines, _) = write(&beginning());
    lines[0] = lines[0].replace("acme", "evil");
    assert_eq!(
        faults(&read(&lines, Verifier::new())),
        [Fault::Broken, Fault::Broken]
    );
}

#[test]
fn a_shorter_grace_holds_from_when_it_is_told() {
    let grace = std::time::Duration::from_secs(1);
    let short = next(250, |e| {
        e.event = event(Kind::Tuned(Some(Opening { grace, ..opening() })))
    });
    let call = next(60_000, |e| {
        (e.horizon, e.called) = (13, Passed::all(12..13))
    });
    let late = |after| Entry {
        late: vec![12],
        horizon: 13,
        ..next(after, |_| ())
    };
    let all = |after| [beginning(), vec![short.clone(), call.clone(), late(after)]].concat();
    assert!(verified(&all(61_000)).is_clean());
    assert_eq!(faults(&verified(&all(60_999))), [Fault::StillOpen(12)]);
}
