//! What a tick learns for estimates: seats given back, people who left the line, people found there when their turn came.

use std::ops::Range;

use super::{STALL, Tick};
use crate::{estimate::Turn, snapshot::Snapshot, value::Number};

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
        let there = |range: Range<Number>| picture.counted_in(range);
        self.watched.lost = course.desertion.lost(known, there);
    }

    /// Whether nothing is known of these numbers: the line is new, or was drawn, and how long the holders had waited was
    /// said by their old numbers.
    fn has_new_numbers(&self) -> bool {
        self.line.course.next.0 == 0 || self.seen.picture.line.lot != self.line.lot
    }

    /// Adds this tick to what was measured. After a stall nobody knows what happened when.
    pub(super) fn measure(&mut self, told: &Snapshot) {
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
        }
        let has_new_numbers = self.has_new_numbers();
        let course = &mut self.line.course;
        if has_new_numbers {
            course.desertion.cohorts.clear();
            course.next = told.line.horizon;
        }
        let given = (course.next, told.next, told.line.horizon);
        let there = |range: Range<Number>| told.counted_in(range);
        let since = self.now.minus(self.elapsed);
        course.desertion.regroup(given, (since, self.now), there);
        course.next = told.next;
    }
}
