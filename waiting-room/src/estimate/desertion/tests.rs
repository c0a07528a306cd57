use super::*;

const SECOND: Duration = Duration::from_secs(1);
/// Half of an `absent_after` of ninety seconds.
const EPOCH: u64 = 45;

fn at(seconds: f64) -> Timestamp {
    Timestamp(1_790_000_000_000 + (seconds * 1_000.0) as u64)
}

/// A line that ten join every second and nobody is called from; each goes away `after(number)` seconds, and is missed
/// with the first roll that comes two epochs later, or in seconds if the number is one of the first `near`.
fn watched(seconds: u64, near: Option<u64>, after: impl Fn(u64) -> Option<f64>) -> Desertion {
    let mut line = Desertion::default();
    let (mut before, mut missed_to) = (Number(0), 0.0);
    for second in 1..=seconds {
        let now = second as f64;
        let rolls = second.is_multiple_of(EPOCH) && second > 2 * EPOCH;
        if rolls {
            missed_to = now - 2.0 * EPOCH as f64;
        }
        let next = Number(second * 10);
        let is_there = |number: u64| {
            let joined = number as f64 / 10.0;
            after(number).is_none_or(|after| missed_to < joined + after)
        };
        let there = |range: Range<Number>| {
            let counted = (range.start.0..range.end.0).filter(|number| is_there(*number));
            counted.count() as u32
        };
        let asks = |number: u64| {
            let joined = number as f64 / 10.0;
            is_there(number) && after(number).is_none_or(|after| now < joined + after + SHOWS_AFTER)
        };
        let not_overdue = |range: Range<Number>| {
            let asking = (range.start.0..range.end.0).filter(|number| asks(*number));
            asking.count() as u32
        };
        let view = View {
            counted: &there,
            there: &not_overdue,
            known_to: near.map(Number),
        };
        let changes = line.look(before, &view);
        line.learn(&Watched {
            now: at(now),
            elapsed: SECOND,
            changes,
            missed_to: rolls.then(|| at(missed_to)),
            ..Watched::default()
        });
        let given = (before, next, Number(0));
        line.regroup(given, (at(now - 1.0), at(now)), &view);
        before = next;
    }
    line
}

#[test]
fn who_has_waited_long_is_not_taken_for_a_newcomer() {
    // Three in ten go evenly within four minutes of joining, and then nobody.
    let early = |number: u64| (number % 10 < 3).then(|| (number * 7 % 240) as f64);
    let curve = watched(900, None, early).curve(at(900.0));
    let young = curve.there(0.0, curve.unheard, 600.0);
    let old = curve.there(450.0, curve.unheard, 600.0);
    assert!((0.66..0.74).contains(&young), "{young}");
    assert!(old > 0.95, "{old}");
}

#[test]
fn a_line_that_is_left_at_a_constant_rate_is_told_so() {
    let rate: f64 = 0.001;
    let ever = |number: u64| {
        let part = (number * 7_919 % 1_000) as f64 / 1_000.0 + 0.000_5;
        Some(-part.ln() / rate)
    };
    let curve = watched(1_200, None, ever).curve(at(1_200.0));
    let told = curve.there(300.0, curve.unheard, 400.0);
    let unheard = curve.unheard;
    let truth = (-rate * (400.0 + unheard)).exp();
    assert!((told - truth).abs() < 0.04, "{told} instead of {truth}");
}

#[test]
fn where_nobody_was_missed_yet_the_front_is_all_that_is_known() {
    let mut line = watched(80, None, |_| None);
    // A hundred came to their turn at 75 s, and fifteen of them were not there.
    line.learn(&Watched {
        now: at(80.0),
        elapsed: SECOND,
        passed: 100,
        called: 85,
        ..Watched::default()
    });
    let told = line.curve(at(80.0)).there(75.0, 80.0, 0.0);
    assert!((0.83..0.90).contains(&told), "{told}");
    assert!((Desertion::default().curve(at(0.0)).there(50.0, 50.0, 500.0) - 1.0).abs() < 1e-9);
}

#[test]
fn who_goes_near_the_front_is_known_before_anybody_is_missed() {
    // Three in ten go evenly within a hundred seconds of joining.
    let early = |number: u64| (number % 10 < 3).then(|| (number * 7 % 100) as f64);
    let line = watched(85, Some(600), early);
    let curve = line.curve(at(85.0));
    // At 0.003 of all in a second, and so a little more of those who are left; the second is believed to be calmer at first.
    for (row, rates) in [(0, 0.0028..0.0034), (1, 0.0027..0.0037)] {
        let told = curve.rates[row];
        assert!(rates.contains(&told), "{row}: {told}");
    }
    // The first cohort is 80 s old: 22 in a hundred have gone, and somebody of the last seconds is not known of.
    let first = &line.cohorts[0];
    let [(counted, there), _] = curve.parts(first, at(85.0));
    let share = there(0.0) / f64::from(counted);
    assert!((0.74..0.80).contains(&share), "{share}");
}

/// A gateway is missed for a while: nobody is heard of, and what was heard before is not learned twice.
#[test]
fn a_time_in_which_nobody_is_heard_of_counts_once() {
    let early = |number: u64| (number % 10 < 3).then(|| (number * 7 % 100) as f64);
    let mut line = watched(60, Some(200), early);
    let lost = |line: &Desertion| line.table.iter().map(|row| row.events).sum::<f64>();
    let before = lost(&line);
    let counted = |range: Range<Number>| (range.end.0 - range.start.0) as u32;
    let there = |range: Range<Number>| {
        let lasts =
            |n: &u64| early(*n).is_none_or(|after| 80.0 < *n as f64 / 10.0 + after + SHOWS_AFTER);
        (range.start.0..range.end.0).filter(lasts).count() as u32
    };
    for (second, known_to) in [(61, None), (70, None), (80, Some(Number(200)))] {
        let view = View {
            counted: &counted,
            there: &there,
            known_to,
        };
        let changes = line.look(Number(600), &view);
        let elapsed = SECOND;
        line.learn(&Watched {
            now: at(f64::from(second)),
            elapsed,
            changes,
            ..Watched::default()
        });
        let given = (Number(600), Number(600), Number(0));
        line.regroup(
            given,
            (at(f64::from(second) - 1.0), at(f64::from(second))),
            &view,
        );
    }
    let gone = (0..200)
        .filter(|n| early(*n).is_some_and(|after| *n as f64 / 10.0 + after + SHOWS_AFTER <= 80.0));
    let all = gone.count() as f64;
    assert!(
        before > 15.0 && (lost(&line) / all - 1.0).abs() < 0.1,
        "{before}, {} of {all}",
        lost(&line)
    );
}

#[test]
fn cohorts_are_few_and_hold_everybody() {
    let line = watched(3_000, None, |_| None);
    assert!(line.cohorts.len() <= MOST_COHORTS);
    let all: u32 = line.cohorts.iter().map(|cohort| cohort.counted).sum();
    assert_eq!(all, 30_000);
    let ordered = line
        .cohorts
        .windows(2)
        .all(|pair| pair[0].from < pair[1].from);
    assert!(ordered, "{:?}", line.cohorts);
    let oldest = line.cohorts[0].age(at(3_000.0));
    assert!(oldest > 2_500.0, "{oldest}");
}

#[test]
fn a_broken_record_breaks_nothing_else() {
    let cohort = |from| Cohort {
        from: Number(from),
        since: at(9.0),
        until: at(3.0),
        counted: 3,
        near: 9,
        there: 12,
    };
    let mut line = Desertion {
        cohorts: vec![cohort(900), cohort(20), cohort(500)],
        heard_to: Number(u64::MAX),
        heard_at: at(1_000.0),
        ..Desertion::default()
    };
    let counted = |range: Range<Number>| range.end.since(range.start) as u32;
    let view = View {
        counted: &counted,
        there: &counted,
        known_to: Some(Number(600)),
    };
    let changes = line.look(Number(30), &view);
    line.learn(&Watched {
        now: at(50.0),
        elapsed: SECOND,
        changes,
        missed_to: Some(at(2_000.0)),
        ..Watched::default()
    });
    line.regroup(
        (Number(30), Number(40), Number(35)),
        (at(49.0), at(50.0)),
        &view,
    );
    let curve = line.curve(at(50.0));
    assert!(
        curve
            .rates
            .iter()
            .all(|rate| rate.is_finite() && *rate >= 0.0),
        "{curve:?}"
    );
}
