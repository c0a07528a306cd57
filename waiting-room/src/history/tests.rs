use super::*;
use crate::{
    bits::Bits,
    line::{Batch, Line, Marks},
    value::Number,
};

/// The beginning of a minute.
const START: Timestamp = Timestamp(1_790_000_040_000);

fn at(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

/// A line that gives out two numbers a second and calls one, of whom every other comes in; grace is a minute.
fn picture(second: u64) -> Snapshot {
    let mut line = Line::open(START, 0);
    line.ticked_at = at(second);
    line.occupied = 7;
    line.limits = [40, 0];
    let mut marks = Marks::default();
    for call in 0..second {
        let called = at(call + 1);
        let from = line.horizon;
        line.horizon = from.plus(1);
        line.batches.push_back(Batch {
            at: called,
            until: called.plus(Duration::from_secs(60)),
            on_arrival: false,
            from,
            to: line.horizon,
            calls: 1,
            late: Vec::new(),
        });
        if call % 2 == 0 {
            marks.claimed.add(from);
        }
    }
    line.frontier = line.horizon;
    let next = line.floor.plus(2 * second);
    Snapshot::build(line, next, marks, at(second))
}

fn after(seconds: std::ops::Range<u64>) -> History {
    let mut history = History::default();
    for second in seconds {
        let _ = history.look(&picture(second));
    }
    history
}

#[test]
fn each_minute_has_what_happened_in_it() {
    let history = after(0..300);
    let columns = history.between(at(0), at(299), 1);
    assert_eq!(
        (columns.from, columns.step),
        (START, Duration::from_secs(60))
    );
    let spans: Vec<Span> = columns.spans.into_iter().flatten().collect();
    assert_eq!(spans.len(), 5);
    let third = spans[2];
    assert_eq!((third.arrivals, third.called, third.claimed), (120, 60, 30));
    assert_eq!(
        (third.lapsed, third.left),
        (30, 0),
        "of those called a minute before"
    );
    assert_eq!(
        (third.waiting, third.active, third.limit),
        (179, 7, 40),
        "at its end"
    );
    assert_eq!(history.last(), Some(spans[3]), "the last whole one");
    let totals = history.totals();
    assert_eq!((totals.arrivals, totals.called), (598, 299));
}

#[test]
fn a_longer_step_adds_up_and_lies_on_its_multiples() {
    let history = after(0..600);
    let columns = history.between(at(0), at(599), 5);
    assert_eq!(columns.from.0 % 300_000, 0);
    let seen: u32 = columns.spans.iter().flatten().map(|span| span.called).sum();
    assert_eq!(seen, 599, "all of them: the first step begins before");
}

#[test]
fn what_was_not_seen_is_a_gap() {
    let mut history = after(0..60);
    let _ = history.look(&picture(300));
    let columns = history.between(at(0), at(300), 1);
    let seen: Vec<bool> = columns.spans.iter().map(Option::is_some).collect();
    assert_eq!(seen, [true, false, false, false, false, true]);
}

#[test]
fn a_day_is_kept_and_no_more() {
    let mut history = History::default();
    let line = picture(1);
    for minute in 0..2_000 {
        let now = at(minute * 60);
        let _ = history.look(&Snapshot::build(
            line.line.clone(),
            line.next,
            Marks::default(),
            now,
        ));
    }
    assert_eq!(history.minutes.len(), MINUTES);
    let columns = history.between(Timestamp(0), at(1_999 * 60), 1);
    assert_eq!(columns.spans.len(), MINUTES);
    assert!(columns.spans.iter().all(Option::is_some));
    assert!(size_of::<(u64, Span)>() * MINUTES < 200_000);
}

#[test]
fn numbers_that_were_taken_back_are_nobody() {
    let mut history = after(0..10);
    let before = history.totals().arrivals;
    let mut next = picture(10);
    let burnt: Bits = (0..5).map(|n| Number(next.next.0 + n)).collect();
    next.marks.gone.merge(&burnt);
    let end = next.next.plus(5);
    let _ = history.look(&Snapshot::build(next.line, end, next.marks, next.read_at));
    assert_eq!(history.totals().arrivals, before + 2);
}

#[test]
fn the_origins_p95_is_of_its_minute() {
    let mut history = after(0..5);
    let mut slow = Latencies::default();
    (0..100).for_each(|_| slow.record(Duration::from_millis(400)));
    history.measured(&slow);
    for second in 5..130 {
        let _ = history.look(&picture(second));
    }
    let spans = history.between(at(0), at(129), 1).spans;
    let p95 = spans[0]
        .and_then(|span| span.origin_p95_ms)
        .expect("measured");
    assert!((360..=440).contains(&p95), "{p95}");
    assert_eq!(spans[1].and_then(|span| span.origin_p95_ms), None);
}
