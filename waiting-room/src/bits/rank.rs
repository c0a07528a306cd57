//! Position lookup: how many counted numbers lie before this one, in constant time.
//!
//! A popcount index over the words of a snapshot: a running count per 512 numbers plus at most eight
//! popcounts. One million waiting take 125 kB of words and 8 kB of counts.

use std::ops::Range;

use super::{Bits, CHUNK_NUMBERS, CHUNK_WORDS, Words};
use crate::value::Number;

/// Words per running count: 8 x 64 = 512 numbers.
const BLOCK: usize = 8;

/// An immutable set of numbers with constant-time rank.
#[derive(Debug, Default)]
pub(crate) struct RankIndex {
    first_word: u64,
    words: Vec<u64>,
    before_block: Vec<u32>,
    total: u32,
}

impl RankIndex {
    /// Builds the index over `range`; `counted(chunk)` gives the words of a chunk, already masked to
    /// the numbers that count.
    pub(crate) fn build(range: Range<Number>, mut counted: impl FnMut(u64) -> Words) -> Self {
        let first_chunk = range.start.0 / CHUNK_NUMBERS;
        let chunks = if range.start < range.end {
            first_chunk..(range.end.0 - 1) / CHUNK_NUMBERS + 1
        } else {
            first_chunk..first_chunk
        };
        let mut words = Vec::with_capacity(CHUNK_WORDS * (chunks.end - chunks.start) as usize);
        for chunk in chunks {
            words.extend_from_slice(&counted(chunk));
        }
        let mut total = 0;
        let before_block = words
            .chunks(BLOCK)
            .map(|block| {
                let before = total;
                total += block.iter().map(|word| word.count_ones()).sum::<u32>();
                before
            })
            .collect();
        Self {
            first_word: first_chunk * CHUNK_WORDS as u64,
            words,
            before_block,
            total,
        }
    }

    /// How many counted numbers are below `number`.
    pub(crate) fn rank(&self, number: Number) -> u32 {
        let Some(word) = (number.0 / 64).checked_sub(self.first_word) else {
            return 0;
        };
        let word = usize::try_from(word).unwrap_or(usize::MAX);
        if word >= self.words.len() {
            return self.total;
        }
        let block = word / BLOCK;
        let whole: u32 = self.words[block * BLOCK..word]
            .iter()
            .map(|w| w.count_ones())
            .sum();
        let below = self.words[word] & ((1 << (number.0 % 64)) - 1);
        self.before_block[block] + whole + below.count_ones()
    }

    /// Whether `number` counts.
    pub(crate) fn has(&self, number: Number) -> bool {
        (number.0 / 64)
            .checked_sub(self.first_word)
            .and_then(|word| self.words.get(usize::try_from(word).ok()?))
            .is_some_and(|word| word & (1 << (number.0 % 64)) != 0)
    }

    /// The words of a chunk; zero outside the range.
    pub(crate) fn words(&self, chunk: u64) -> Words {
        let first = (chunk * CHUNK_WORDS as u64).checked_sub(self.first_word);
        let first = first.and_then(|first| usize::try_from(first).ok());
        let words = first.and_then(|first| self.words.get(first..)?.first_chunk());
        words.copied().unwrap_or([0; CHUNK_WORDS])
    }

    /// The numbers that count, as a set.
    pub(crate) fn to_bits(&self) -> Bits {
        let mut bits = Bits::new();
        let first = self.first_word / CHUNK_WORDS as u64;
        for (chunk, words) in (first..).zip(self.words.as_chunks::<CHUNK_WORDS>().0) {
            bits.merge_words(chunk, words);
        }
        bits
    }

    /// How many numbers count.
    pub(crate) fn total(&self) -> u32 {
        self.total
    }

    /// The end of the shortest range from `from` on that holds `want` counted numbers, and how many
    /// it does hold (fewer than `want` only when the index ends; then the end is `limit`).
    pub(crate) fn advance(&self, from: Number, want: u32, limit: Number) -> (Number, u32) {
        if want == 0 {
            return (from, 0);
        }
        let target = self.rank(from).saturating_add(want);
        if target > self.total {
            return (limit, self.total.saturating_sub(self.rank(from)));
        }
        // The block whose running count is the last one below the target holds the last number.
        let block = self.before_block.partition_point(|before| *before < target) - 1;
        let mut missing = target - self.before_block[block];
        for word in block * BLOCK..self.words.len() {
            let ones = self.words[word].count_ones();
            if ones >= missing {
                let last = nth_one(self.words[word], missing);
                return (
                    Number((self.first_word + word as u64) * 64 + u64::from(last) + 1),
                    want,
                );
            }
            missing -= ones;
        }
        unreachable!("the running counts add up to the total")
    }
}

/// Position of the `n`-th (from 1) set bit of a word that has at least `n`.
fn nth_one(mut word: u64, n: u32) -> u32 {
    for _ in 1..n {
        word &= word - 1;
    }
    word.trailing_zeros()
}
