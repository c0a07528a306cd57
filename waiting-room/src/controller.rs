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

use std::time::Duration;

use policies::admission::Admission;

use crate::{
    bits::{Bits, masked_chunks},
    line::{Batch, Line, Marks, SEGMENT_NUMBERS},
    presence::Epochs,
    snapshot::Snapshot,
    value::{Number, Timestamp},
};

/// How often the fleet ticks.
pub const TICK: Duration = Duration::from_millis(250);
/// The window of `per_minute`.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
/// A gap between ticks from which on presence may be missing through no fault of the visitors.
const STALL: Duration = Duration::from_secs(3);
/// How long a closed batch is remembered: until a claim made in its last moment shows as activity.
const AFTERLIFE: Duration = Duration::from_secs(30);
/// The late lane's share is one in ten: each call earns it one tenth of a call.
pub(crate) const LATE_TENTHS: u32 = 10;
/// Most calls of one tick, to bound the record and the time to build it.
const MOST_CALLS: u32 = 100_000;
/// Seats reserved ahead at most; the rest of a huge idle room is called on arrival, a tick later.
const MOST_AHEAD: u64 = 10_000;
/// Segments that are kept behind the oldest call remembered, for those who come late.
const KEPT_SEGMENTS: u64 = 2;

/// What a tick decided.
#[derive(Clone, Debug)]
pub struct Calls {
    /// The record as it shall be.
    pub line: Line,
    /// All marks as they shall be; only `gone` and `late` may differ from what was read.
    pub marks: Marks,
    /// Chunks of `gone` that changed.
    pub gone_chunks: Vec<u64>,
    /// Chunks of `late` that changed.
    pub late_chunks: Vec<u64>,
}

/// Decides the tick at `now`.
#[must_use]
pub fn step(seen: &Snapshot, rules: &Admission, now: Timestamp) -> Calls {
    // Room time never goes back: a slower clock must not make the last minute look emptier.
    let now = now.max(seen.line.ticked_at);
    let mut tick = Tick::begin(seen, rules, now);
    tick.resume_after_a_gap();
    tick.forget_closed_calls();
    tick.judge_absence();
    // Judging changes who counts, so the picture is rebuilt before anybody is called.
    let picture = tick.picture();
    let budget = tick.budget(&picture);
    let late = tick.call_late(&picture, budget);
    let main = tick.call_main(&picture, budget - as_u32(late.len()));
    tick.stamp(main, late);
    tick.forget_old();
    Calls {
        line: tick.line,
        marks: tick.marks,
        gone_chunks: tick.gone_chunks,
        late_chunks: tick.late_chunks,
    }
}

struct Tick<'a> {
    seen: &'a Snapshot,
    rules: &'a Admission,
    now: Timestamp,
    elapsed: Duration,
    line: Line,
    marks: Marks,
    gone_chunks: Vec<u64>,
    late_chunks: Vec<u64>,
}

impl<'a> Tick<'a> {
    fn begin(seen: &'a Snapshot, rules: &'a Admission, now: Timestamp) -> Self {
        let mut line = seen.line.clone();
        let elapsed = now.since(line.ticked_at);
        line.version += 1;
        line.ticked_at = now;
        Self {
            seen,
            rules,
            now,
            elapsed,
            line,
            marks: seen.marks.clone(),
            gone_chunks: Vec::new(),
            late_chunks: Vec::new(),
        }
    }

    /// After a time without ticks (the store was lost, the fleet was down) nobody is judged until
    /// everybody had the time to be seen again, and calls that were open stay open as long as they
    /// would have been.
    fn resume_after_a_gap(&mut self) {
        if self.elapsed < STALL {
            return;
        }
        let epochs = Epochs::of_presence(self.rules);
        self.line.judge_from = self
            .now
            .plus(self.rules.absent_after())
            .plus(epochs.length());
        let stopped_at = self.seen.line.ticked_at;
        for batch in self
            .line
            .batches
            .iter_mut()
            .filter(|batch| batch.is_open(stopped_at))
        {
            batch.until = batch.until.plus(self.elapsed);
        }
    }

    fn forget_closed_calls(&mut self) {
        let now = self.now;
        let needed = |b: &Batch| now < b.until.plus(AFTERLIFE) || now < b.at.plus(MINUTE);
        self.line.batches.retain(needed);
    }

    /// At the roll of an epoch: whoever waits and was not seen for two whole epochs leaves the count
    /// for good. They keep their place in the late lane.
    fn judge_absence(&mut self) {
        let epochs = Epochs::of_presence(self.rules);
        let epoch = epochs.settled(self.now);
        if epoch <= self.line.epoch {
            return;
        }
        self.line.epoch = epoch;
        self.line.rolls.push_back((epoch, self.seen.next));
        // Numbers given out since then may not have had the time to poll.
        let known = self
            .line
            .rolls
            .iter()
            .rposition(|(at, _)| *at <= epochs.before(epoch, 2));
        let Some(known) = known else { return };
        let judged_to = self.line.rolls[known].1;
        self.line.rolls.drain(..known);
        if self.now < self.line.judge_from {
            return;
        }
        for (chunk, mask) in masked_chunks(self.line.horizon..judged_to) {
            let living = self.seen.traces.living.words(chunk);
            let gone = self.marks.gone.words(chunk);
            let left = self.marks.left.words(chunk);
            let absent = std::array::from_fn(|i| mask[i] & !(living[i] | gone[i] | left[i]));
            if absent != [0; 64] {
                self.marks.gone.merge_words(chunk, &absent);
                self.gone_chunks.push(chunk);
            }
        }
    }

    fn picture(&self) -> Snapshot {
        let facts = (self.marks.clone(), self.seen.traces.clone());
        Snapshot::build(self.line.clone(), self.seen.next, facts, self.now)
    }

    /// How many may be called now without breaking either limit.
    fn budget(&self, picture: &Snapshot) -> u32 {
        let ahead = self.line.ahead(picture.next);
        // Reserved numbers that were taken since the last tick have no batch yet.
        let unstamped = picture
            .next
            .min(self.line.horizon)
            .since(self.line.frontier);
        let capacity = self.rules.capacity();
        let seats = capacity.active().map_or(u64::MAX, |active| {
            let open = self.unstamped_seats(picture);
            u64::from(active.get()).saturating_sub(picture.occupied(self.now) + open + ahead)
        });
        let minute = capacity.per_minute().map_or(u64::MAX, |most| {
            let recent: u64 = self
                .line
                .batches
                .iter()
                .filter(|batch| self.now < batch.at.plus(MINUTE))
                .map(|batch| u64::from(batch.calls))
                .sum();
            u64::from(most.get()).saturating_sub(recent + unstamped + ahead)
        });
        u32::try_from(seats.min(minute))
            .unwrap_or(u32::MAX)
            .min(MOST_CALLS)
    }

    /// Reserved seats taken since the last tick, that are not yet counted as active.
    fn unstamped_seats(&self, picture: &Snapshot) -> u64 {
        let taken = self.line.frontier..picture.next.min(self.line.horizon);
        masked_chunks(taken)
            .map(|(chunk, mask)| {
                let left = self.marks.left.words(chunk);
                let active = picture.traces.active.words(chunk);
                let held = (0..mask.len()).map(|i| mask[i] & !left[i] & !active[i]);
                held.map(|word| u64::from(word.count_ones())).sum::<u64>()
            })
            .sum()
    }

    /// The late lane gets a tenth of the calls while others wait, at least one in ten, and whatever
    /// the main lane cannot use.
    fn call_late(&mut self, picture: &Snapshot, budget: u32) -> Vec<Number> {
        let waiting = picture.counted.total();
        let cap = LATE_TENTHS.max(budget);
        self.line.late_credit = self.line.late_credit.saturating_add(budget).min(cap);
        let share = self.line.late_credit / LATE_TENTHS;
        let unused = budget.saturating_sub(waiting);
        let most = share.max(unused).min(budget);
        let called: Vec<_> = picture.late.iter().copied().take(most as usize).collect();
        let spent = as_u32(called.len()).saturating_mul(LATE_TENTHS);
        self.line.late_credit = self.line.late_credit.saturating_sub(spent);
        for number in &called {
            self.marks.late.add(*number);
        }
        let touched: Bits = called.iter().copied().collect();
        self.late_chunks.extend(touched.chunks());
        called
    }

    /// Moves the horizon past `budget` counted tickets; what is left over is reserved ahead. Returns
    /// how many waiting visitors were called.
    fn call_main(&mut self, picture: &Snapshot, budget: u32) -> u32 {
        let (next, from) = (picture.next, self.line.horizon);
        let waiting = picture.counted.total();
        let mut called = 0;
        if from < next {
            let (to, got) = picture.counted.advance(from, budget, next);
            (self.line.horizon, called) = (to, got);
        }
        let rest = u64::from(budget - called);
        let extension = if self.line.horizon >= next {
            self.extension(next, rest)
        } else {
            0
        };
        self.line.horizon = self.line.horizon.plus(extension);
        self.line.spare = u32::try_from(rest - extension).unwrap_or(u32::MAX);
        if waiting > 0 {
            self.line.pace = self.line.pace.after(called, self.elapsed.min(STALL));
        }
        called
    }

    /// How many of `rest` free seats to reserve for numbers to come. A tenth is kept for late comers,
    /// since a reserved seat cannot be taken back; a room's only free seat is reserved all the same
    /// (a late comer then takes a new number, which is called at once).
    fn extension(&self, next: Number, rest: u64) -> u64 {
        let ahead = self.line.ahead(next);
        let free = ahead + rest;
        let kept = if free > 1 { (free / 10).max(1) } else { 0 };
        (free - kept)
            .min(MOST_AHEAD)
            .saturating_sub(ahead)
            .min(rest)
    }

    /// Writes down what was called: first the reserved numbers taken since the last tick, then the
    /// waiting ones and late comers called now.
    fn stamp(&mut self, called: u32, late: Vec<Number>) {
        let from = self.line.frontier;
        let taken_to = self.seen.next.min(self.seen.line.horizon).max(from);
        let to = self.seen.next.min(self.line.horizon).max(taken_to);
        self.line.frontier = to;
        let until = self.now.plus(self.rules.call_grace());
        let arrived = Batch {
            at: self.now,
            until,
            on_arrival: true,
            from,
            to: taken_to,
            calls: u32::try_from(taken_to.since(from)).unwrap_or(u32::MAX),
            late: Vec::new(),
        };
        let now_called = Batch {
            on_arrival: false,
            from: taken_to,
            to,
            calls: called.saturating_add(as_u32(late.len())),
            late,
            ..arrived.clone()
        };
        let is_worth_keeping = |batch: &Batch| batch.from < batch.to || !batch.late.is_empty();
        let batches = [arrived, now_called].into_iter();
        self.line.batches.extend(batches.filter(is_worth_keeping));
    }

    /// A line in which nobody waits forgets its beginning, so that a room can run for years: what lies well
    /// below the oldest call that is still remembered.
    fn forget_old(&mut self) {
        if self.line.horizon < self.seen.next {
            return;
        }
        let remembered = self.line.batches.iter().flat_map(|batch| {
            let late = batch.late.iter().copied();
            late.chain((batch.from < batch.to).then_some(batch.from))
        });
        let oldest = remembered.min().unwrap_or(self.line.frontier);
        let segment = oldest.min(self.line.frontier).0 / SEGMENT_NUMBERS;
        let floor = Number(segment.saturating_sub(KEPT_SEGMENTS) * SEGMENT_NUMBERS);
        self.line.floor = self.line.floor.max(floor);
    }
}

fn as_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
