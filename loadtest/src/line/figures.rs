//! What the visitors' memories add up to. Pure.

use std::time::Duration;

use super::LineDrill;
use super::estimates::{Accuracy, Estimate, Row, accuracy};
use super::visitor::{Stage, Visitor};
use crate::clock::Moment;
use crate::figures::{
    Busiest, Called, Inversions, Peak, Quantiles, busiest_window, inversions, peak, quantiles,
};

const MINUTE: Duration = Duration::from_secs(60);
/// A call keeps its seat a little longer than its holder may use it.
const LAPSES_AFTER: Duration = Duration::from_secs(5);
/// A call is told at its visitor's next poll: seats of the last seconds are not known yet.
const NOT_YET_TOLD: Duration = Duration::from_secs(10);

/// Everything the report says about visitors.
#[derive(Clone, Debug)]
pub struct LineFigures {
    /// Visits begun, numbers got, calls told, passes got, seats given back.
    pub arrived: u64,
    /// Got a number.
    pub joined: u64,
    /// Were told of a call.
    pub called: u64,
    /// Got a pass.
    pub admitted: u64,
    /// Of these, called so long before the end that a call of then which nobody answered has ended as well.
    pub answered: u64,
    /// Gave the seat back.
    pub left: u64,
    /// Went away silently while they waited.
    pub gone: u64,
    /// Still waited when the line was cut.
    pub cut: u64,
    /// Of those whose turn had come by the end, the share that had gone silently.
    pub gone_in_front: f64,
    /// From the join's answer to the claim's.
    pub waited: Quantiles,
    /// From a call to the moment its visitor heard of it.
    pub heard: Quantiles,
    /// Order of numbers against order of calls.
    pub inversions: Inversions,
    /// Visitors left out of that since they polled later than told.
    pub tardy: u64,
    /// How often a shown place rose.
    pub rises: u64,
    /// Passes certainly live at once.
    pub live_passes: Peak,
    /// Those and calls certainly open, at once.
    pub seats: Peak,
    /// Calls in the busiest sliding minute.
    pub calls: Busiest,
    /// From when on every seat had been given once, in seconds since the start, and the share of all seats' time after
    /// that in which nobody held them who came in.
    pub unused: Option<(f64, f64)>,
    /// The estimates shown once the line had moved for a minute, all and by the length of the wait.
    pub accuracy: (Accuracy, Vec<Row>),
}

impl LineFigures {
    /// Adds up `visitors` of `drill`, which ran from `start` to `end`.
    pub(super) fn of(drill: &LineDrill, visitors: &[Visitor], start: Moment, end: Moment) -> Self {
        let count = |holds: fn(&Visitor) -> bool| {
            visitors.iter().filter(|visitor| holds(visitor)).count() as u64
        };
        let mut calls: Vec<Moment> = visitors
            .iter()
            .filter_map(|visitor| visitor.called)
            .collect();
        calls.sort_unstable();
        let all = drill.limits.active as usize;
        let full = all.checked_sub(1).and_then(|last| calls.get(last)).copied();
        let called: Vec<Called> = visitors.iter().filter_map(in_order).collect();
        Self {
            arrived: count(|visitor| visitor.stage != Stage::New),
            joined: count(|visitor| visitor.joined.is_some()),
            called: count(|visitor| visitor.called.is_some()),
            admitted: count(|visitor| visitor.claimed.is_some()),
            answered: answered(visitors, end.minus(drill.call_grace + LAPSES_AFTER)),
            left: count(|visitor| visitor.left.is_some()),
            gone: count(|visitor| visitor.stage == Stage::Gone),
            cut: count(|visitor| visitor.stage == Stage::Waiting),
            gone_in_front: gone_in_front(visitors),
            waited: quantiles(
                visitors
                    .iter()
                    .filter_map(|visitor| Some(visitor.claimed?.since(visitor.joined?.answered))),
            ),
            heard: quantiles(
                visitors
                    .iter()
                    .filter_map(|visitor| Some(visitor.seen?.since(visitor.called?))),
            ),
            inversions: inversions(&called, Duration::ZERO),
            tardy: count(|visitor| visitor.is_tardy),
            rises: visitors
                .iter()
                .map(|visitor| u64::from(visitor.rises))
                .sum(),
            live_passes: peak(
                visitors
                    .iter()
                    .filter_map(|visitor| pass(visitor, end))
                    .collect(),
            ),
            seats: peak(
                visitors
                    .iter()
                    .filter_map(|visitor| seat(visitor, end))
                    .collect(),
            ),
            unused: full.map(|full| {
                let until = end.minus(NOT_YET_TOLD);
                let share = unused(visitors, drill.limits.active, full, until);
                (full.since(start).as_secs_f64(), share)
            }),
            accuracy: judged(visitors, calls.first().copied(), start, end),
            calls: busiest_window(calls, MINUTE),
        }
    }
}

fn answered(visitors: &[Visitor], before: Moment) -> u64 {
    let answered = visitors.iter().filter(|visitor| {
        visitor.claimed.is_some() && visitor.called.is_some_and(|called| called < before)
    });
    answered.count() as u64
}

fn in_order(visitor: &Visitor) -> Option<Called> {
    let joined = visitor.joined.filter(|_| !visitor.is_tardy)?;
    Some(Called {
        visitor: visitor.number,
        sent: joined.sent,
        answered: joined.answered,
        call: visitor.called?,
    })
}

fn pass(visitor: &Visitor, end: Moment) -> Option<(Moment, Moment)> {
    Some((visitor.claimed?, visitor.left.unwrap_or(end)))
}

/// A call holds its seat for certain from when it was seen.
fn seat(visitor: &Visitor, end: Moment) -> Option<(Moment, Moment)> {
    let until = match (visitor.left, visitor.claimed) {
        (Some(left), _) => left,
        (None, Some(_)) => end,
        (None, None) => visitor.call_until?,
    };
    Some((visitor.seen?, until))
}

/// The share of the seats' time from `full` to `until` in which nobody held them who came in.
fn unused(visitors: &[Visitor], active: u64, full: Moment, until: Moment) -> f64 {
    let used: f64 = visitors
        .iter()
        .filter(|visitor| visitor.claimed.is_some())
        .filter_map(|visitor| {
            let from = visitor.called?.max(full);
            let to = visitor.left.unwrap_or(until).min(until);
            Some(to.since(from).as_secs_f64())
        })
        .sum();
    1.0 - used / (active as f64 * until.since(full).as_secs_f64()).max(f64::MIN_POSITIVE)
}

/// Among those who joined before the last one called did.
fn gone_in_front(visitors: &[Visitor]) -> f64 {
    let joined = |visitor: &Visitor| visitor.joined.map(|joined| joined.answered);
    let last = visitors
        .iter()
        .filter(|visitor| visitor.called.is_some())
        .filter_map(joined)
        .max();
    let passed: Vec<&Visitor> = visitors
        .iter()
        .filter(|visitor| joined(visitor).is_some_and(|at| Some(at) <= last))
        .collect();
    let gone = passed
        .iter()
        .filter(|visitor| visitor.stage == Stage::Gone)
        .count();
    gone as f64 / (passed.len() as f64).max(1.0)
}

/// The estimates of everybody who stayed, from a minute after the first call.
fn judged(
    visitors: &[Visitor],
    first: Option<Moment>,
    start: Moment,
    end: Moment,
) -> (Accuracy, Vec<Row>) {
    let Some(first) = first else {
        return Default::default();
    };
    let ms = |moment: Moment| u64::try_from(moment.since(start).as_millis()).unwrap_or(u64::MAX);
    let from = ms(first.plus(MINUTE));
    let mut estimates = Vec::new();
    for visitor in visitors
        .iter()
        .filter(|visitor| visitor.stage != Stage::Gone)
    {
        let shown = visitor
            .shown
            .iter()
            .filter(|shown| u64::from(shown.at_ms) >= from);
        estimates.extend(shown.map(|shown| Estimate {
            at: shown.at_ms.into(),
            p50: u64::from(shown.p50_s) * 1_000,
            p90: u64::from(shown.p90_s) * 1_000,
            called: visitor.called.map(ms),
        }));
    }
    accuracy(&estimates, ms(end.minus(NOT_YET_TOLD)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Exchange;

    fn at(second: u64) -> Moment {
        Moment::from_micros(second * 1_000_000)
    }

    fn visitor(joined: u64, called: Option<u64>, left: Option<u64>, stage: Stage) -> Visitor {
        let mut visitor = Visitor::new(0);
        visitor.joined = Some(Exchange {
            sent: at(joined),
            answered: at(joined),
        });
        visitor.called = called.map(at);
        visitor.seen = called.map(at);
        visitor.claimed = left.map(|_| at(called.unwrap_or_default()));
        visitor.left = left.map(at);
        visitor.call_until = called.map(|at_s| at(at_s + 120));
        visitor.stage = stage;
        visitor
    }

    #[test]
    fn an_unanswered_call_is_time_that_nobody_used() {
        let visitors = [
            visitor(0, Some(10), Some(20), Stage::Done),
            visitor(1, Some(20), Some(25), Stage::Done),
            visitor(2, Some(10), None, Stage::Gone),
        ];
        // Two seats for twenty seconds; fifteen of the forty were used.
        assert!((unused(&visitors, 2, at(10), at(30)) - 25.0 / 40.0).abs() < 1e-9);
        // Only those count who joined before the last one called.
        assert!((gone_in_front(&visitors) - 1.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_seat_is_held_from_the_told_call_to_the_leaving() {
        let inside = visitor(0, Some(10), Some(20), Stage::Done);
        assert_eq!(seat(&inside, at(99)), Some((at(10), at(20))));
        let silent = visitor(0, Some(10), None, Stage::Called);
        assert_eq!(seat(&silent, at(99)), Some((at(10), at(130))));
        assert_eq!(pass(&silent, at(99)), None);
    }
}
