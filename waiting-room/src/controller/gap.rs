//! The room goes on after a gap in which nobody ticked.

use std::ops::Range;

use super::{STALL, Tick};
use crate::{
    bits::{Words, masked_chunks},
    line::Marks,
    presence::Epochs,
    snapshot::{AFTERLIFE, Inside},
    value::Number,
};

impl Tick<'_> {
    /// After a time without ticks (the store was lost, the fleet was down) nobody is judged until
    /// everybody had the time to be seen again, and calls that were open stay open as long as they
    /// would have been.
    pub(super) fn resume_after_a_gap(&mut self) {
        if self.elapsed < STALL {
            return;
        }
        let rules = self.seen.rules();
        let epochs = Epochs::of_presence(rules);
        self.line.judge_from = self.now.plus(rules.absent_after()).plus(epochs.length());
        let stopped_at = self.seen.picture.line.ticked_at;
        let elapsed = self.elapsed;
        self.line.gap = self.line.gap.then(elapsed, self.now, rules.absent_after());
        let mut batches = std::mem::take(&mut self.line.batches);
        let mut over = Vec::new();
        for batch in batches.iter_mut().filter(|batch| batch.is_open(stopped_at)) {
            batch.until = batch.until.plus(elapsed);
            // Whose visit ended meanwhile is forgotten before the longer call is, and would count once more.
            batch
                .late
                .retain(|number| self.over(*number..number.plus(1)).is_empty());
            over.extend(self.over(batch.from..batch.to));
        }
        self.line.batches = batches;
        self.forget(&over);
    }

    /// The same of those who took a reserved seat just before the gap, and are called as of now.
    pub(super) fn end_visits_of_a_gap(&mut self, taken_to: Number) {
        if self.elapsed >= STALL {
            let over = self.over(self.seen.picture.line.frontier..taken_to);
            self.forget(&over);
        }
    }

    /// Who of these came in and is known to be inside no more. Within a short gap the end of every visit is still known, and
    /// who is not seen inside is just coming in.
    fn over(&self, numbers: Range<Number>) -> Vec<(u64, Words)> {
        let Marks { claimed, .. } = &self.marks;
        let Inside { active, ended } = &self.seen.traces.inside;
        let is_long = self.elapsed >= AFTERLIFE;
        let chunks = masked_chunks(numbers).map(|(chunk, mask)| {
            let (claimed, active) = (claimed.words(chunk), active.words(chunk));
            let ended = ended.words(chunk);
            let over = |i: usize| {
                let ended = if is_long { !0 } else { ended[i] };
                mask[i] & claimed[i] & !active[i] & ended
            };
            (chunk, std::array::from_fn(over))
        });
        let nobody: Words = [0; _];
        chunks.filter(|(_, words)| *words != nobody).collect()
    }

    fn forget(&mut self, over: &[(u64, Words)]) {
        for (chunk, words) in over {
            self.mark_gone(*chunk, words);
        }
    }
}
