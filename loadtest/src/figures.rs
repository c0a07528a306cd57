//! What the records add up to. Pure: records and limits in, figures out.

mod capacity;
mod order;
mod quantile;

use std::collections::BTreeMap;
use std::time::Duration;

pub use capacity::{Busiest, Peak, busiest_window, peak};
pub use order::{Called, Inversions, Overtaken, inversions};
pub use quantile::{Quantiles, quantiles};

use crate::clock::Moment;
use crate::record::{Outcome, Record, Step};

/// The window of `capacity.per_minute`.
const MINUTE: Duration = Duration::from_secs(60);

/// What the room's configuration allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Live passes and open calls at once.
    pub active: u64,
    /// Calls in any sliding minute.
    pub per_minute: u64,
}

/// Everything a report shows about the visitors.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Visits begun.
    pub arrived: u64,
    /// Got a place in line.
    pub joined: u64,
    /// Got a pass.
    pub admitted: u64,
    /// From the join's answer to the claim's.
    pub waited: Quantiles,
    /// Order in line against order of calls.
    pub inversions: Inversions,
    /// Some of those who were overtaken.
    pub examples: Vec<Example>,
    /// Visitors left out of the comparison since they polled later than told.
    pub tardy: u64,
    /// How often a shown position rose.
    pub position_rises: u64,
    /// Passes certainly live at once.
    pub live_passes: Peak,
    /// Passes certainly live plus calls certainly open, at once.
    pub seats: Peak,
    /// Calls in the busiest sliding minute.
    pub calls: Busiest,
    /// Receipts seen.
    pub payments: u64,
    /// 429 answers obeyed.
    pub limited: u64,
    /// How visits ended.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Troubles by step and kind; `true` marks those that are the network's.
    pub troubles: BTreeMap<(Step, String, bool), u64>,
    /// Latency by step.
    pub latencies: Vec<(Step, Quantiles)>,
}

/// Somebody who was overtaken, and what may explain it.
#[derive(Clone, Debug)]
pub struct Example {
    /// Who, and by whom.
    pub overtaken: Overtaken,
    /// When the first was called, from the first arrival on.
    pub called: Duration,
    /// When the poll of the first was sent that waited longest for its answer, from the first arrival on, and how long.
    pub slowest: Option<(Duration, Duration)>,
}

const EXAMPLES: usize = 5;

impl Figures {
    /// Adds up `records` of gateways whose clocks are so far apart.
    #[must_use]
    pub fn of(records: &[Record], clocks_apart: Duration) -> Self {
        let count = |holds: fn(&Record) -> bool| {
            records.iter().filter(|record| holds(record)).count() as u64
        };
        let inversions = inversions(
            &records.iter().filter_map(called).collect::<Vec<_>>(),
            clocks_apart,
        );
        let calls: Vec<Moment> = records.iter().filter_map(|record| record.called).collect();
        Self {
            arrived: records.len() as u64,
            joined: count(|record| record.joined.is_some()),
            admitted: count(|record| record.claimed.is_some()),
            waited: quantiles(records.iter().filter_map(waited)),
            examples: examples(records, &inversions),
            inversions,
            tardy: count(|record| !record.punctual),
            position_rises: records
                .iter()
                .map(|record| u64::from(record.position_rises))
                .sum(),
            live_passes: peak(records.iter().filter_map(pass).collect()),
            seats: peak(records.iter().filter_map(seat).collect()),
            calls: busiest_window(calls, MINUTE),
            payments: count(|record| record.payment.is_some()),
            limited: records.iter().map(|record| u64::from(record.limited)).sum(),
            outcomes: tally(records.iter().map(|record| record.outcome)),
            troubles: tally(
                records
                    .iter()
                    .flat_map(|record| &record.troubles)
                    .map(|trouble| (trouble.step, trouble.kind.clone(), trouble.network)),
            ),
            latencies: latencies(records),
        }
    }
}

fn tally<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    keys.for_each(|key| *counts.entry(key).or_insert(0) += 1);
    counts
}

fn latencies(records: &[Record]) -> Vec<(Step, Quantiles)> {
    let of = |step| {
        records
            .iter()
            .flat_map(|record| &record.latencies)
            .filter(move |(at, _)| *at == step)
    };
    let all = Step::ALL
        .into_iter()
        .map(|step| (step, quantiles(of(step).map(|(_, latency)| *latency))));
    all.filter(|(_, quantiles)| quantiles.count > 0).collect()
}

fn examples(records: &[Record], inversions: &Inversions) -> Vec<Example> {
    let shown = inversions.overtaken.iter().take(EXAMPLES);
    let due = records.iter().map(|record| record.due);
    let begun = due.min().unwrap_or(Moment::from_micros(0));
    let found = shown.filter_map(|overtaken| {
        let mut records = records.iter();
        let record = records.find(|record| record.visitor == overtaken.first)?;
        Some(Example {
            overtaken: *overtaken,
            called: record.called?.since(begun),
            slowest: record.slowest.map(|poll| {
                let took = poll.answered.since(poll.sent);
                (poll.sent.since(begun), took)
            }),
        })
    });
    found.collect()
}

fn waited(record: &Record) -> Option<Duration> {
    Some(record.claimed?.answered.since(record.joined?.answered))
}

fn called(record: &Record) -> Option<Called> {
    let joined = record.joined.filter(|_| record.punctual)?;
    Some(Called {
        visitor: record.visitor,
        sent: joined.sent,
        answered: joined.answered,
        call: record.called?,
    })
}

fn pass(record: &Record) -> Option<(Moment, Moment)> {
    Some((record.claimed?.answered, record.pass_until?))
}

/// A seat is taken from when its visitor saw the call (or came in without having seen it): until the pass
/// ends, or the call does when nobody claimed.
fn seat(record: &Record) -> Option<(Moment, Moment)> {
    let seen = record.seat.map(|seat| seat.seen);
    let from = seen.or(record.claimed.map(|claim| claim.answered))?;
    let call_ends = record.seat.map(|seat| seat.until);
    Some((from, record.pass_until.or(call_ends)?))
}
