//! The controller: once per tick, one gateway of the fleet decides who is called.
//!
//! [`step`] is a pure function of what was read, the rules and the time. Its result is written under
//! the fence of the line's version, or not at all; so a gateway that was paused after it decided
//! changes nothing.
//!
//! What is called is reserved before anybody is told: the budget is what capacity leaves after the
//! people inside, the open calls and the seats reserved ahead, and what the minute leaves after the
//! calls of the last sixty seconds. Where nobody waits, free seats are reserved for numbers not yet
//! given out, so that the next visitor is called in the moment of joining, by the same mechanism.

mod absence;
mod adapt;
mod budget;
mod calls;
mod gap;
mod log;
mod lot;
mod measure;

use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};

use policies::admission::Admission;

use crate::{
    adaptive::Health,
    bits::{Bits, CHUNK_WORDS, Words},
    estimate::Watched,
    line::{Batch, Line, Marks, SEGMENT_NUMBERS},
    orders::Orders,
    presence::Epochs,
    provisional::Numbered,
    snapshot::{AFTERLIFE, Inside, Snapshot},
    standing::{Joining, Standing, Why},
    status::POLL_SOON,
    token::KeyId,
    value::{Number, RoomName, Timestamp},
};

pub use budget::{reserved_too_many, used, wanted};
pub use lot::{LotNeeds, LotStep, needs as lot_needs, numbers_to_take};

/// How often the fleet ticks.
pub const TICK: Duration = Duration::from_millis(250);
/// The window of `per_minute`.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
/// A gap between ticks from which on presence may be missing through no fault of the visitors.
const STALL: Duration = Duration::from_secs(3);
/// Batches older than a minute are joined where their ends are this small a part of the grace apart.
const GRAINS: u32 = 600;
/// The late lane's share is one in ten: each call earns it one tenth of a call.
pub(crate) const LATE_TENTHS: u32 = 10;
/// How long visitors are told that a limit was lowered.
const LOWERED_FOR: Duration = Duration::from_secs(120);
/// Segments that are kept behind the oldest call remembered, for those who come late.
const KEPT_SEGMENTS: u64 = 2;

/// Bits of the fleet that a tick decides on, as they were read together.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    /// Waiting visitors seen recently enough to count; only read when absence is to be judged ([`presence_wanted`]).
    pub living: Option<Bits>,
    /// Visitors near the front, and late comers, who are not overdue.
    pub expected: Bits,
    /// Whose pass may still be good.
    pub inside: Inside,
}

/// What a tick decided.
#[derive(Clone, Debug)]
pub struct Calls {
    /// The record as it shall be.
    pub line: Line,
    /// All marks as they shall be; only `gone` and `late` may differ from what was read.
    pub marks: Marks,
    /// Chunks of `gone` that changed.
    pub gone_chunks: BTreeSet<u64>,
    /// Chunks of `late` that changed.
    pub late_chunks: BTreeSet<u64>,
    /// The tick's entry in the line's log, if it has one.
    pub entry: Option<String>,
}

/// Whether every gateway's bits are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fleet {
    /// All gateways write.
    #[default]
    Whole,
    /// One has fallen silent moments ago: nobody near the front is called overdue.
    Missing,
}

/// What a tick is decided on.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The picture of the line.
    pub picture: &'a Snapshot,
    /// Who is there and who is in.
    pub traces: &'a Traces,
    /// How the room stands: the rules in force, and whether anybody is called.
    pub standing: &'a Standing,
    /// What operators have said.
    pub orders: &'a Orders,
    /// The key that signs now.
    pub key: KeyId,
    /// Whose line it is, for its log.
    pub name: &'a RoomName,
    /// How the origin has done of late, and how much time that covers; for rooms that adapt to it.
    pub health: Option<(&'a Health, Duration)>,
    /// Whether the traces are complete.
    pub fleet: Fleet,
    /// What is done for a lottery.
    pub lot: &'a LotStep,
    /// The opening of the lottery that comes next.
    pub next_lottery: Option<Timestamp>,
    /// What is mixed into the lottery of the moment, by name.
    pub beacon_name: Option<&'a str>,
    /// Numbers that were taken for those who came while the store was lost.
    pub provisional: Option<&'a Numbered>,
    /// Numbers that the controller itself has taken, to take seats back that were reserved for them: nobody's.
    pub burnt: Option<(Number, Number)>,
}

impl Seen<'_> {
    fn rules(&self) -> &Admission {
        &self.standing.rules
    }
}

/// The presence epochs a tick at `now` needs to read, if it is to judge who has gone: when an epoch ends, and when the
/// room opens.
#[must_use]
pub fn presence_wanted(
    line: &Line,
    standing: &Standing,
    now: Timestamp,
) -> Option<RangeInclusive<u64>> {
    let epochs = Epochs::of_presence(&standing.rules);
    let now = now.max(line.ticked_at);
    let wanted = epochs.settled(now) > line.epoch || opens(line, standing);
    wanted.then(|| epochs.living(now))
}

/// Whether the opening has come with this tick.
fn opens(line: &Line, standing: &Standing) -> bool {
    line.why == Some(Why::NotOpen) && standing.halt != Some(Why::NotOpen)
}

/// Decides the tick at `now`.
#[must_use]
pub fn step(seen: &Seen<'_>, now: Timestamp) -> Calls {
    // Room time never goes back: a slower clock must not make the last minute look emptier.
    let now = now.max(seen.picture.line.ticked_at);
    let mut tick = Tick::begin(seen, now);
    tick.resume_after_a_gap();
    tick.forget_closed_calls();
    tick.bury_burnt();
    tick.number_lists();
    tick.advance_lot();
    tick.promise_lot();
    tick.judge_absence();
    // Judging changes who counts, so the picture is rebuilt before anybody is called.
    let picture = tick.picture();
    tick.seats = picture.seats(&seen.traces.inside, now);
    tick.watch_the_line(&picture);
    tick.adapt(&picture);
    let budget = tick.budget(&picture);
    let mut others = tick.call_first(&picture, budget);
    others.extend(tick.call_late(&picture, budget - as_u32(others.len())));
    let main = tick.call_main(&picture, budget - as_u32(others.len()));
    let taken_to = tick.stamp(main, &others);
    let told = tick.picture();
    let seats = told.seats(&seen.traces.inside, now);
    tick.count_seats(&seats);
    tick.measure(&told, &seats);
    tick.say_why();
    tick.look_ahead(&told);
    let entry = tick.write_log(&others, taken_to, &told);
    tick.end_visits_of_a_gap(taken_to);
    tick.forget_old();
    Calls {
        entry,
        line: tick.line,
        marks: tick.marks,
        gone_chunks: tick.gone_chunks,
        late_chunks: tick.late_chunks,
    }
}

struct Tick<'a> {
    seen: &'a Seen<'a>,
    next: Number,
    now: Timestamp,
    elapsed: Duration,
    line: Line,
    marks: Marks,
    gone_chunks: BTreeSet<u64>,
    late_chunks: BTreeSet<u64>,
    watched: Watched,
    /// Seats that are taken, before anybody is called.
    seats: Bits,
}

impl<'a> Tick<'a> {
    fn begin(seen: &'a Seen<'a>, now: Timestamp) -> Self {
        let mut line = seen.picture.line.clone();
        let elapsed = now.since(line.ticked_at);
        line.version += 1;
        line.ticked_at = now;
        let next = seen.picture.next;
        Self {
            seen,
            next: seen.burnt.map_or(next, |(_, end)| next.max(end)),
            now,
            elapsed,
            line,
            marks: seen.picture.marks.clone(),
            gone_chunks: BTreeSet::new(),
            late_chunks: BTreeSet::new(),
            watched: Watched {
                now,
                elapsed,
                ..Watched::default()
            },
            seats: Bits::new(),
        }
    }

    fn forget_closed_calls(&mut self) {
        let (now, gap) = (self.now, self.line.gap);
        let prompt_for = self.seen.rules().absent_after();
        let needed = |b: &Batch| {
            now < b.until.plus(AFTERLIFE)
                || now < b.at.plus(MINUTE)
                || gap.seen_since(b.at, now) < prompt_for
        };
        self.line.batches.retain(needed);
        let grain = self.seen.rules().call_grace() / GRAINS;
        self.line.coalesce(now, grain);
    }

    /// Why nobody is called, if so.
    fn halt(&self) -> Option<Why> {
        let drawing = self.lot_needs() != LotNeeds::Nothing;
        self.seen.standing.halt.or(drawing.then_some(Why::Drawing))
    }

    /// Writes down how the room stands, for all who answer visitors.
    fn say_why(&mut self) {
        let standing = self.seen.standing;
        let (before, now) = (self.line.limits, standing.said);
        let lowered = |at: usize| now[at] > 0 && (before[at] == 0 || now[at] < before[at]);
        if before != [0; 2] && (lowered(0) || lowered(1)) {
            self.line.lowered_at = self.now;
        } else if now != before {
            // Raised again, it is no reason any more.
            self.line.lowered_at = Timestamp(0);
        }
        self.line.limits = now;
        // A share that gives nothing for the moment says nothing of the calls to come.
        let given = standing.may.filter(|may| *may != [0; 2]);
        self.line.may = given.or(self.line.may.filter(|_| standing.may.is_some()));
        self.line.opens_at = standing.opens_at;
        self.line.is_shut = standing.joins == Joining::Shut;
        let is_recent = self.now < self.line.lowered_at.plus(LOWERED_FOR);
        let limited = is_recent.then_some(Why::LimitChanged);
        let trouble = self.line.adaptive.and_then(|limit| limit.reason());
        let limited = trouble.map(|_| Why::OriginSlow).or(limited);
        self.line.why = self.halt().or(limited);
    }

    fn picture(&self) -> Snapshot {
        Snapshot::build(self.line.clone(), self.next, self.marks.clone(), self.now)
    }

    /// Writes down what was called: first the reserved numbers taken since the last tick, then the
    /// waiting ones and late comers called now. Returns where the first of these end.
    fn stamp(&mut self, called: u32, late: &[Number]) -> Number {
        let from = self.line.frontier;
        let taken_to = self.next.min(self.seen.picture.line.horizon).max(from);
        let to = self.next.min(self.line.horizon).max(taken_to);
        self.line.frontier = to;
        let until = self.now.plus(self.seen.rules().call_grace());
        let arrived = Batch {
            at: self.now,
            until,
            on_arrival: true,
            from,
            to: taken_to,
            calls: u32::try_from(self.arrived(from, taken_to)).unwrap_or(u32::MAX),
            late: Vec::new(),
        };
        let now_called = Batch {
            on_arrival: false,
            from: taken_to,
            to,
            calls: called.saturating_add(as_u32(late.len())),
            late: late.to_vec(),
            ..arrived.clone()
        };
        let is_worth_keeping = |batch: &Batch| batch.from < batch.to || !batch.late.is_empty();
        let batches = [arrived, now_called].into_iter();
        self.line.batches.extend(batches.filter(is_worth_keeping));
        taken_to
    }

    /// A line in which nobody waits forgets its beginning, so that a room can run for years: what lies well
    /// below the oldest call that is still remembered, and below everybody who may be inside, since their marks say
    /// who has left.
    fn forget_old(&mut self) {
        if self.line.horizon < self.next {
            return;
        }
        let remembered = self.line.batches.iter().flat_map(|batch| {
            let late = batch.late.iter().copied();
            late.chain((batch.from < batch.to).then_some(batch.from))
        });
        let inside = &self.seen.traces.inside.active;
        let inside = inside.iter().find(|number| *number >= self.line.floor);
        let oldest = remembered.chain(inside).min();
        let oldest = oldest.unwrap_or(self.line.frontier);
        let segment = oldest.min(self.line.frontier).0 / SEGMENT_NUMBERS;
        let floor = Number(segment.saturating_sub(KEPT_SEGMENTS) * SEGMENT_NUMBERS);
        self.line.floor = self.line.floor.max(floor);
        let floor = self.line.floor;
        self.line.replaced.retain(|(_, to)| *to > floor);
        self.line.provisional.retain(|list| list.end() > floor);
    }

    /// Those who came while the store was lost have numbers from now on. None of them has polled under it yet.
    fn number_lists(&mut self) {
        let Some(numbered) = self.seen.provisional else {
            return;
        };
        self.next = self.next.max(numbered.end());
        self.line.provisional.push(numbered.clone());
        self.judge_later();
    }

    /// Nobody is judged before all had the time to poll under their numbers.
    fn judge_later(&mut self) {
        let rules = self.seen.rules();
        let epoch = Epochs::of_presence(rules).length();
        self.line.judge_from = self.now.plus(rules.absent_after()).plus(epoch);
        self.line.edges.clear();
    }

    fn mark_gone(&mut self, chunk: u64, words: &Words) {
        if *words != [0; CHUNK_WORDS] {
            self.marks.gone.merge_words(chunk, words);
            self.gone_chunks.insert(chunk);
        }
    }
}

/// The epochs in which whoever is not overdue at `now` has a bit.
pub(crate) fn expected_epochs(now: Timestamp) -> RangeInclusive<u64> {
    Epochs::of_due().expected(now, POLL_SOON)
}

fn as_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
