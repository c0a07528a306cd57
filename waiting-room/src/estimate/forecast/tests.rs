use super::*;
use crate::{estimate::Cohort, line::Batch};

const START: Timestamp = Timestamp(1_790_000_000_000);

/// A line that has run for a while, with ten calls so many seconds ago each.
fn line(calls_ago: &[u64]) -> Line {
    let mut line = Line::open(START, 0);
    line.pace.busy_ms = FIRST_WORD_MS;
    line.times = [120_000, 90_000];
    let mut next = line.floor;
    for ago in calls_ago {
        let at = START.minus(Duration::from_secs(*ago));
        line.batches.push_back(Batch {
            at,
            until: at.plus(Duration::from_secs(120)),
            on_arrival: false,
            from: next,
            to: next.plus(10),
            calls: 10,
            late: Vec::new(),
        });
        next = next.plus(10);
    }
    line
}

fn by_minute(line: &Line, most: u32) -> Forecast {
    let limits = Limits {
        active: None,
        per_minute: Some(most),
    };
    Forecast::of(line, limits)
}

fn p50(forecast: &Forecast, ahead: u32) -> u64 {
    forecast.eta(ahead).expect("known").p50.as_secs()
}

#[test]
fn the_minute_says_to_the_second_when_the_next_may_come() {
    // Twenty a minute: ten were called 50 s ago, ten 20 s ago.
    let forecast = by_minute(&line(&[50, 20]), 20);
    assert_eq!(p50(&forecast, 0), 10);
    assert_eq!(p50(&forecast, 9), 10);
    assert_eq!(p50(&forecast, 10), 40);
    assert_eq!(p50(&forecast, 20), 70, "and a minute after the first ten");
    assert_eq!(p50(&forecast, 110), 40 + 5 * 60);
}

#[test]
fn what_is_left_of_the_minute_is_free_now() {
    let forecast = by_minute(&line(&[50]), 20);
    assert_eq!(p50(&forecast, 9), 1, "at once");
    assert_eq!(p50(&forecast, 10), 10);
    assert_eq!(
        p50(&forecast, 20),
        60,
        "when those called now have left the minute"
    );
    // A limit that was lowered: ten too many have to leave first.
    let lowered = by_minute(&line(&[50, 20]), 10);
    assert_eq!(p50(&lowered, 0), 40);
}

#[test]
fn seats_come_free_at_their_measured_rate_however_many_there_are() {
    let mut line = line(&[]);
    line.occupied = 40;
    line.course.released = super::super::Tally {
        events: 600.0,
        of: 36_000.0,
    };
    let with = |active| {
        let limits = Limits {
            active: Some(active),
            per_minute: None,
        };
        Forecast::of(&line, limits)
    };
    assert_eq!(p50(&with(40), 39), 60);
    assert_eq!(p50(&with(80), 39), 1, "forty are free at once");
    assert_eq!(p50(&with(80), 119), 60);
    let lowered = with(20).eta(19).expect("known");
    assert!(
        (100..=104).contains(&lowered.p50.as_secs()),
        "twenty have to go first: {lowered:?}"
    );
    assert!(lowered.p90 > lowered.p50);
}

#[test]
fn whoever_leaves_the_line_makes_it_shorter() {
    let mut all_stay = line(&[50, 40, 30, 20, 10, 0]);
    let wait = p50(&by_minute(&all_stay, 60), 599);
    let joined_at = START.minus(Duration::from_secs(300));
    all_stay.course.desertion.cohorts = vec![Cohort {
        from: all_stay.floor,
        since: joined_at,
        until: joined_at,
        counted: 600,
        near: 0,
        there: 0,
    }];
    all_stay.ticked_at = START;
    for row in &mut all_stay.course.desertion.table {
        *row = super::super::Tally {
            events: 300.0,
            of: 600_000.0,
        };
    }
    let shorter = p50(&by_minute(&all_stay, 60), 599);
    assert!(shorter < wait * 9 / 10, "{shorter} of {wait}");
}

#[test]
fn nothing_is_said_before_anything_is_known() {
    let mut line = line(&[]);
    let seats = Limits {
        active: Some(40),
        per_minute: None,
    };
    assert_eq!(
        Forecast::of(&line, seats).eta(3),
        None,
        "nobody has left yet"
    );
    line.pace.busy_ms = 0;
    assert_eq!(by_minute(&line, 60).eta(3), None, "it has only begun");
}

#[test]
fn late_comers_take_every_tenth_call() {
    let forecast = by_minute(&line(&[50, 40, 30, 20, 10, 0]), 60);
    let late = |place, prompt| forecast.late(place, prompt).expect("known").p50.as_secs();
    assert_eq!(
        late(0, 1),
        10,
        "who lost the network for a moment comes next"
    );
    assert_eq!(late(5, 0), 60, "sixty calls");
}
