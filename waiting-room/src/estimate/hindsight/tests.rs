use super::*;
use crate::line::{Batch, Line, Marks};

const START: Timestamp = Timestamp(1_790_000_000_000);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A line of a thousand that calls `per_second` since its beginning, as it stands after `ran` seconds. Its forecasts
/// go by sixty calls a minute.
fn picture(ran: u64, per_second: u64) -> Snapshot {
    let now = START.plus(seconds(ran));
    let mut line = Line::open(START, 0);
    line.ticked_at = now;
    line.pace.busy_ms = 60_000;
    line.limits = [0, 60];
    for second in 1..=ran {
        let at = START.plus(seconds(second));
        let from = line.horizon;
        line.horizon = from.plus(per_second);
        line.frontier = line.horizon;
        line.batches.push_back(Batch {
            at,
            until: at.plus(seconds(120)),
            on_arrival: false,
            from,
            to: line.horizon,
            calls: u32::try_from(per_second).expect("few"),
            late: Vec::new(),
        });
    }
    let next = line.floor.plus(1_000);
    Snapshot::build(line, next, Marks::default(), now)
}

fn watched(ran: u64, per_second: u64) -> Hindsight {
    let mut watcher = Watcher::default();
    let told = (60..=ran).filter_map(|second| watcher.look(&picture(second, per_second)));
    told.last().expect("looked")
}

#[test]
fn a_line_that_does_what_was_forecast_is_off_by_nothing() {
    assert_eq!(watched(70, 1).past_error(), None, "nothing has come due");
    let error = watched(900, 1).past_error().expect("enough came due");
    assert!(error <= seconds(1), "{error:?}");
}

#[test]
fn a_line_that_is_twice_as_fast_as_forecast_is_off_by_half_of_each_wait() {
    let error = watched(450, 2).past_error().expect("enough came due");
    assert!(error > seconds(20), "{error:?}");
}

#[test]
fn a_time_that_is_moved_back_is_noticed_for_a_minute() {
    let hindsight = watched(100, 1);
    let now = START.plus(seconds(101));
    let number = Number(START.0 + 400);
    assert!(!hindsight.was_earlier(number, now, seconds(300)));
    assert!(
        !hindsight.was_earlier(number, now, seconds(315)),
        "within an eleventh"
    );
    assert!(hindsight.was_earlier(number, now, seconds(340)));
    let later = now.plus(seconds(80));
    assert!(
        !hindsight.was_earlier(number, later, seconds(340)),
        "long ago"
    );
    let beyond = Number(START.0 + 2_000);
    assert!(
        !hindsight.was_earlier(beyond, now, seconds(1_900)),
        "who joined since is behind all others"
    );
}

#[test]
fn another_line_begins_anew() {
    let mut watcher = Watcher::default();
    for second in 60..=900 {
        let _ = watcher.look(&picture(second, 1));
    }
    let mut other = picture(900, 1);
    other.line.id = LineId(7);
    let told = watcher.look(&other).expect("looked");
    assert_eq!(told.past_error(), None);
}
