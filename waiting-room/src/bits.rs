//! One bit per number, sparse: the only shape in which facts about visitors are kept.
//!
//! Numbers are dense where people queue and start at an arbitrary offset (a line numbers from the
//! moment it opened), so bits live in chunks of 4,096 numbers (512 bytes); an absent chunk is all
//! zero. A chunk is also the unit that is written to the store.

mod atomic;
mod rank;

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use crate::value::Number;

pub(crate) use atomic::AtomicBits;
pub(crate) use rank::RankIndex;

/// Numbers in one chunk.
pub(crate) const CHUNK_NUMBERS: u64 = 4_096;
/// Words in one chunk.
pub(crate) const CHUNK_WORDS: usize = 64;
/// Bytes of one chunk, as written to a store.
pub const CHUNK_BYTES: usize = CHUNK_WORDS * 8;

/// The words of one chunk; bit `i % 64` of word `i / 64` is number `i` of the chunk.
pub(crate) type Words = [u64; CHUNK_WORDS];

const ZERO: Words = [0; CHUNK_WORDS];

/// A sparse set of numbers. A copy shares its chunks with the original until one of them changes: pictures of a
/// line are made four times a second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    chunks: BTreeMap<u64, Arc<Words>>,
}

impl Bits {
    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether `number` is in the set.
    #[must_use]
    pub fn has(&self, number: Number) -> bool {
        let (chunk, word, bit) = locate(number);
        self.chunks
            .get(&chunk)
            .is_some_and(|words| words[word] & bit != 0)
    }

    /// Adds `number`; whether it was absent before.
    pub fn add(&mut self, number: Number) -> bool {
        let (chunk, word, bit) = locate(number);
        if self.has(number) {
            return false;
        }
        self.words_mut(chunk)[word] |= bit;
        true
    }

    /// Adds every number of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (&chunk, words) in &other.chunks {
            self.merge_words(chunk, words);
        }
    }

    /// Adds the numbers of one chunk in store form (512 bytes or fewer; bit 0 of a byte is its most
    /// significant, as Redis' SETBIT has it).
    pub fn merge_bytes(&mut self, chunk: u64, bytes: &[u8]) {
        if bytes.iter().any(|byte| *byte != 0) {
            self.merge_words(chunk, &words_of(bytes));
        }
    }

    /// Puts one chunk of a store in the place of what is known of it.
    pub(crate) fn set_bytes(&mut self, chunk: u64, bytes: &[u8]) {
        self.chunks.remove(&chunk);
        self.merge_bytes(chunk, bytes);
    }

    /// One chunk in store form; 512 bytes.
    #[must_use]
    pub fn bytes(&self, chunk: u64) -> [u8; CHUNK_BYTES] {
        bytes_of(self.words(chunk))
    }

    /// The chunks that hold anything, in order.
    pub fn chunks(&self) -> impl Iterator<Item = u64> + '_ {
        self.chunks.keys().copied()
    }

    /// How many numbers are in the set.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.chunks.values().map(|words| ones(words)).sum()
    }

    /// How many of these numbers are in the set.
    pub(crate) fn count_in(&self, range: Range<Number>) -> u64 {
        let chunks = masked_chunks(range);
        chunks
            .map(|(chunk, mask)| {
                let words = self.words(chunk);
                ones(&std::array::from_fn(|i| words[i] & mask[i]))
            })
            .sum()
    }

    /// The numbers of the set, in order.
    pub fn iter(&self) -> impl Iterator<Item = Number> + '_ {
        self.chunks.iter().flat_map(|(&chunk, words)| {
            words.iter().enumerate().flat_map(move |(index, &word)| {
                let base = chunk * CHUNK_NUMBERS + index as u64 * 64;
                BitIter(word).map(move |bit| Number(base + u64::from(bit)))
            })
        })
    }

    pub(crate) fn words(&self, chunk: u64) -> &Words {
        self.chunks.get(&chunk).map_or(&ZERO, |words| words)
    }

    pub(crate) fn merge_words(&mut self, chunk: u64, more: &Words) {
        let adds = |(word, more): (&u64, &u64)| more & !word != 0;
        if !self.words(chunk).iter().zip(more).any(adds) {
            return;
        }
        for (word, more) in self.words_mut(chunk).iter_mut().zip(more) {
            *word |= more;
        }
    }

    fn words_mut(&mut self, chunk: u64) -> &mut Words {
        Arc::make_mut(self.chunks.entry(chunk).or_insert_with(|| Arc::new(ZERO)))
    }

    /// The numbers of the set that lie in `range`, whose ends are those of chunks.
    pub(crate) fn within(&self, range: Range<Number>) -> Self {
        let chunks = range.start.0 / CHUNK_NUMBERS..range.end.0 / CHUNK_NUMBERS;
        let inside = self.chunks.range(chunks);
        Self {
            chunks: inside.map(|(at, words)| (*at, Arc::clone(words))).collect(),
        }
    }

    /// Removes every number below `number`'s chunk: they will not be asked for again.
    pub(crate) fn forget_below(&mut self, number: Number) {
        self.chunks = self.chunks.split_off(&(number.0 / CHUNK_NUMBERS));
    }
}

impl FromIterator<Number> for Bits {
    fn from_iter<I: IntoIterator<Item = Number>>(numbers: I) -> Self {
        let mut bits = Self::new();
        for number in numbers {
            bits.add(number);
        }
        bits
    }
}

/// The chunks that `range` touches, each with a mask of the numbers inside the range.
pub(crate) fn masked_chunks(range: Range<Number>) -> impl Iterator<Item = (u64, Words)> {
    let (start, end) = (range.start.0, range.end.0.max(range.start.0));
    let chunks = if start < end {
        start / CHUNK_NUMBERS..(end - 1) / CHUNK_NUMBERS + 1
    } else {
        0..0
    };
    chunks.map(move |chunk| (chunk, mask(chunk, start, end)))
}

fn mask(chunk: u64, start: u64, end: u64) -> Words {
    let base = chunk * CHUNK_NUMBERS;
    let mut words = [!0_u64; CHUNK_WORDS];
    if start <= base && base + CHUNK_NUMBERS <= end {
        return words;
    }
    for (index, word) in words.iter_mut().enumerate() {
        let first = base + index as u64 * 64;
        // Bits of this word at or after `start`, and before `end`.
        let from = low_bits(start.saturating_sub(first));
        let to = low_bits(end.saturating_sub(first));
        *word = to & !from;
    }
    words
}

/// A word whose lowest `count` bits are set (all of them from 64 on).
fn low_bits(count: u64) -> u64 {
    if count >= 64 { !0 } else { (1 << count) - 1 }
}

pub(crate) fn ones(words: &Words) -> u64 {
    words.iter().map(|word| u64::from(word.count_ones())).sum()
}

pub(crate) fn locate(number: Number) -> (u64, usize, u64) {
    let within = number.0 % CHUNK_NUMBERS;
    // `within` is below 4,096: the cast cannot truncate.
    (
        number.0 / CHUNK_NUMBERS,
        (within / 64) as usize,
        1 << (within % 64),
    )
}

/// Store form to words. Redis numbers bits from the most significant of each byte.
fn words_of(bytes: &[u8]) -> Words {
    let mut words = ZERO;
    for (word, bytes) in words.iter_mut().zip(bytes.chunks(8)) {
        let mut padded = [0; 8];
        padded[..bytes.len()].copy_from_slice(bytes);
        *word = u64::from_be_bytes(padded).reverse_bits();
    }
    words
}

pub(crate) fn bytes_of(words: &Words) -> [u8; CHUNK_BYTES] {
    let mut bytes = [0; CHUNK_BYTES];
    for (word, bytes) in words.iter().zip(bytes.chunks_exact_mut(8)) {
        bytes.copy_from_slice(&word.reverse_bits().to_be_bytes());
    }
    bytes
}

/// The positions of a word's set bits, lowest first.
struct BitIter(u64);

impl Iterator for BitIter {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros();
        self.0 &= self.0 - 1;
        Some(bit)
    }
}

#[cfg(test)]
mod tests;
