//! Who is called with a tick's budget: late comers by their share, then the line in its order, then numbers to come.

use super::{LATE_TENTHS, STALL, Tick, as_u32};
use crate::{bits::CHUNK_NUMBERS, snapshot::Snapshot, value::Number};

/// Seats reserved ahead at most; the rest of a huge idle room is called on arrival, a tick later.
const MOST_AHEAD: u64 = 10_000;

impl Tick<'_> {
    /// Tickets that an operator wants called before all others; the public log says whose word it was.
    pub(super) fn call_first(&mut self, picture: &Snapshot, budget: u32) -> Vec<Number> {
        let given = picture.line.floor..picture.next;
        let marks = &picture.marks;
        let lot = picture.line.lot.as_ref();
        let is_over = |number: Number| {
            if lot.is_some_and(|lot| lot.replaces(number)) || picture.line.was_replaced(number) {
                return true;
            }
            let called = picture.line.call_of(number, marks);
            let holds = called.is_some_and(|batch| picture.holds_seat(batch.until, self.now));
            let is_called = number < picture.line.horizon && holds;
            is_called
                || marks.late.has(number)
                || marks.claimed.has(number)
                || marks.left.has(number)
        };
        let firsts = self.seen.orders.firsts().into_iter();
        let called: Vec<Number> = firsts
            .map(|(number, _)| self.seen.picture.current_number(number))
            .filter(|number| given.contains(number) && !is_over(*number))
            .take(budget as usize)
            .collect();
        for number in &called {
            self.mark_late(*number);
            // The main lane must not call it a second time.
            self.bury(*number, number.plus(1));
        }
        called
    }

    fn mark_late(&mut self, number: Number) {
        self.marks.late.add(number);
        self.late_chunks.insert(number.0 / CHUNK_NUMBERS);
    }

    /// Those who were passed over moments ago come first, with half of the budget: their turn was now. Of the others
    /// the late lane takes a tenth of the calls while others wait, at least one in ten, and whatever the main lane
    /// cannot use.
    pub(super) fn call_late(&mut self, picture: &Snapshot, budget: u32) -> Vec<Number> {
        let waiting = picture.counted.total();
        let cap = LATE_TENTHS.max(budget);
        self.line.late_credit = self.line.late_credit.saturating_add(budget).min(cap);
        let mut called = picture.latecomers(&self.seen.traces.expected, self.seen.rules());
        called.retain(|number| !self.marks.late.has(*number));
        let mut called = self.in_order(called);
        let prompt = called.iter().take_while(|number| self.is_prompt(**number));
        let prompt = as_u32(prompt.count()).min(budget.div_ceil(2));
        let share = self.line.late_credit / LATE_TENTHS;
        let unused = budget.saturating_sub(waiting);
        let most = prompt.saturating_add(share.max(unused)).min(budget);
        called.truncate(most as usize);
        let by_share = as_u32(called.len()) - prompt.min(as_u32(called.len()));
        let spent = by_share.saturating_mul(LATE_TENTHS);
        self.line.late_credit = self.line.late_credit.saturating_sub(spent);
        for number in &called {
            self.mark_late(*number);
        }
        called
    }

    /// Late comers in the order in which they are called.
    pub(super) fn in_order(&self, mut late: Vec<Number>) -> Vec<Number> {
        // By number within each of the two kinds: the sort is stable.
        late.sort_by_key(|number| !self.is_prompt(*number));
        late
    }

    /// Whether the horizon passed this number without a call, so short a time before its holder was back that nobody
    /// can call it an absence: a network that was lost for a moment costs moments, not the turn, and nobody is seen while
    /// the store is lost. Once back they stay so.
    pub(super) fn is_prompt(&self, number: Number) -> bool {
        let known = &self.seen.picture.line.late;
        let prompt = known.first.iter().take(known.prompt as usize);
        let absent_after = self.seen.rules().absent_after();
        let seen_since = |at| self.line.gap.seen_since(at, self.now);
        let passed = || self.line.passed_in(number);
        let is_recent = || passed().is_some_and(|batch| seen_since(batch.at) < absent_after);
        self.marks.gone.has(number) && (prompt.copied().any(|n| n == number) || is_recent())
    }

    /// Moves the horizon past `budget` visitors who are there; what is left over is reserved ahead. Returns
    /// how many waiting visitors were called.
    pub(super) fn call_main(&mut self, picture: &Snapshot, budget: u32) -> u32 {
        let (next, from) = (picture.next, self.line.horizon);
        let waiting = picture.counted.total();
        let mut called = 0;
        if from < next && budget > 0 {
            let callable = self.callable(picture);
            let (to, got) = callable.advance(from, budget, next);
            self.pass_over(from, to, &callable);
            (self.watched.called, self.watched.passed) = (got, picture.counted.rank(to));
            (self.line.horizon, called) = (to, got);
        }
        let rest = u64::from(budget - called);
        let extension = if self.line.horizon >= next {
            let most = self.reservable(picture, called).min(MOST_AHEAD);
            self.extension(next, rest, most)
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

    /// How many of `rest` free seats to reserve for numbers to come, so that at most `most` are. A tenth is kept for late comers: taking a
    /// reserved seat back costs numbers. A room's only free seat is reserved all the same
    /// (and taken back for a late comer who is there).
    fn extension(&self, next: Number, rest: u64, most: u64) -> u64 {
        let ahead = self.line.ahead(next);
        let free = ahead + rest;
        let kept = if free > 1 { (free / 10).max(1) } else { 0 };
        (free - kept).min(most).saturating_sub(ahead).min(rest)
    }
}
