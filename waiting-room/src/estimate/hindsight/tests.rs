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

fn watched(ran: u64, per_second: u64) -> Option<Duration> {
    let mut watcher = Watcher::default();
    let told = (60..=ran).map(|second| watcher.look(&picture(second, per_second)));
    told.last().expect("looked")
}

#[test]
fn a_line_that_does_what_was_forecast_is_off_by_nothing() {
    assert_eq!(watched(70, 1), None, "nothing has come due");
    let error = watched(900, 1).expect("enough came due");
    assert!(error <= seconds(1), "{error:?}");
}

#[test]
fn a_line_that_is_twice_as_fast_as_forecast_is_off_by_half_of_each_wait() {
    let error = watched(450, 2).expect("enough came due");
    assert!(error > seconds(20), "{error:?}");
}

#[test]
fn another_line_begins_anew() {
    let mut watcher = Watcher::default();
    for second in 60..=900 {
        let _ = watcher.look(&picture(second, 1));
    }
    let mut other = picture(900, 1);
    other.line.id = LineId(7);
    assert_eq!(watcher.look(&other), None);
}
