//! What a tick learns for estimates: seats given back, people who left the line, people found there when their turn came.

use std::ops::Range;

use super::{STALL, Tick, as_u32};
use crate::{
    bits::{Bits, masked_chunks, ones},
    estimate::{Turn, View},
    snapshot::Snapshot,
    value::Number,
};

impl Tick<'_> {
    /// Counts who has left the line since the last tick: by the button, or judged absent.
    pub(super) fn watch_the_line(&mut self, picture: &Snapshot) {
        let before = &self.seen.picture.line;
        let course = &before.course;
        if self.has_new_numbers() {
            self.watched.missed_to = None;
            return;
        }
        let known = course.next.max(before.horizon).min(picture.next);
        self.watched.changes = self.view(picture, |view| course.desertion.look(known, view));
    }

    fn view<T>(&self, picture: &Snapshot, look: impl FnOnce(&View<'_>) -> T) -> T {
        let known_to = self.known_to();
        look(&View {
            counted: &|range| picture.counted_in(range),
            there: &|range| self.there(range),
            known_to: (known_to.0 > 0).then_some(known_to),
        })
    }

    /// How many of those counted in a range are not overdue.
    fn there(&self, range: Range<Number>) -> u32 {
        let there = masked_chunks(range).map(|(chunk, mask)| {
            let (gone, left) = (self.marks.gone.words(chunk), self.marks.left.words(chunk));
            let expected = self.seen.traces.expected.words(chunk);
            ones(&std::array::from_fn(|i| {
                mask[i] & expected[i] & !(gone[i] | left[i])
            }))
        });
        as_u32(there.sum::<u64>() as usize)
    }

    /// Whether nothing is known of these numbers: the line is new, or was drawn, and how long the holders had waited was
    /// said by their old numbers.
    fn has_new_numbers(&self) -> bool {
        self.line.course.next.0 == 0 || self.seen.picture.line.lot != self.line.lot
    }

    /// Writes down which seats are taken, and charges the adaptive limit with this tick's calls.
    pub(super) fn count_seats(&mut self, seats: &Bits) {
        self.line.occupied = u32::try_from(seats.count()).unwrap_or(u32::MAX);
        let batches = self.line.batches.iter().rev();
        let stamped = batches.take_while(|batch| batch.at == self.now);
        self.spend(stamped.map(|batch| batch.calls).sum());
    }

    /// Adds this tick to what was measured. After a stall nobody knows what happened when.
    pub(super) fn measure(&mut self, told: &Snapshot, seats: &Bits) {
        if self.elapsed < STALL {
            let batches = self.line.batches.iter().rev();
            let now = self.now;
            let stamped = batches.take_while(|batch| batch.at == now);
            let (all, called) = stamped.fold((0_u32, 0_u32), |(all, called), batch| {
                let waited = if batch.on_arrival { 0 } else { batch.calls };
                (
                    all.saturating_add(batch.calls),
                    called.saturating_add(waited),
                )
            });
            let taken = self.seen.picture.line.occupied.saturating_add(all);
            self.watched.released = taken.saturating_sub(self.line.occupied);
            self.watched.occupied = self.line.occupied;
            self.watched.calls = called;
            let turn = self.line.course.watch(&self.watched);
            if turn != Turn::Steady {
                tracing::debug!(?turn, "seats are given back at another rate");
            }
            let visits = &mut self.line.course.visits;
            visits.learn(&self.seats, self.elapsed, self.now);
        }
        let has_new_numbers = self.has_new_numbers();
        let mut course = std::mem::take(&mut self.line.course);
        if has_new_numbers {
            course.desertion.cohorts.clear();
            course.next = told.line.horizon;
        }
        let given = (course.next, told.next, told.line.horizon);
        let times = (self.now.minus(self.elapsed), self.now);
        self.view(told, |view| course.desertion.regroup(given, times, view));
        let called = self.seen.picture.line.frontier..self.line.frontier;
        course.visits.regroup(called, seats, self.now);
        course.next = told.next;
        self.line.course = course;
    }
}
