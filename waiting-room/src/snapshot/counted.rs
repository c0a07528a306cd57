//! Who counts in the line, and whether a picture can be relied on.

use std::{collections::HashMap, time::Duration};

use super::Snapshot;
use crate::{
    bits::{CHUNK_WORDS, RankIndex, Words, masked_chunks},
    line::{Line, Marks},
    presence::CLOCK_SKEW,
    value::{Number, Timestamp},
};

impl Snapshot {
    /// Whether somebody who may have this number waits, and can be called first.
    #[must_use]
    pub fn may_be_first(&self, number: Number) -> bool {
        let marks = &self.marks;
        let was_called = number < self.line.horizon && !marks.gone.has(number);
        let is_over = marks.late.has(number) || marks.claimed.has(number) || marks.left.has(number);
        let is_known = (self.line.floor..self.next).contains(&number);
        is_known && !was_called && !is_over
    }

    /// Whether this is how the line stood less than `slack` before `now`. A clock that was set back knows nothing of that.
    pub(crate) fn is_of(&self, now: Timestamp, slack: Duration) -> bool {
        now <= self.read_at.plus(slack) && self.read_at <= now.plus(2 * CLOCK_SKEW)
    }
}

/// Numbers that somebody waits under, as far as is known.
pub(super) fn among(line: &Line, next: Number, marks: &Marks) -> RankIndex {
    let range = line.horizon..next;
    let mut masks = masked_chunks(range.clone());
    // Between the closing of a list and the draw nobody holds the numbers that are to be drawn.
    let undrawn = line.lot.as_ref().filter(|lot| lot.drawn.is_none());
    let kept = undrawn
        .and_then(|lot| lot.list)
        .map(|list| list.to..list.end);
    let kept: HashMap<u64, Words> = kept.into_iter().flat_map(masked_chunks).collect();
    RankIndex::build(range, |chunk| {
        let (masked, mask) = masks.next().expect("both walk the chunks of one range");
        debug_assert_eq!(masked, chunk);
        let (gone, left): (&Words, &Words) = (marks.gone.words(chunk), marks.left.words(chunk));
        let kept = kept.get(&chunk).unwrap_or(&[0; CHUNK_WORDS]);
        std::array::from_fn(|i| mask[i] & !gone[i] & !left[i] & !kept[i])
    })
}
