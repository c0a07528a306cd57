//! Who counts in the line.

use std::collections::HashMap;

use crate::{
    bits::{CHUNK_WORDS, RankIndex, Words, masked_chunks},
    line::{Line, Marks},
    value::Number,
};

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
