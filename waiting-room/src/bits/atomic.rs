//! Bits that many request threads set at once, without a lock.
//!
//! Setting a bit in a chunk that exists is one `fetch_or`. A new chunk (one in 4,096 numbers) swaps a
//! new map in. Each chunk remembers that it changed since it was last flushed.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;

use super::{Bits, CHUNK_WORDS, Words, locate};
use crate::value::Number;

#[derive(Debug)]
struct Chunk {
    words: [AtomicU64; CHUNK_WORDS],
    dirty: AtomicBool,
}

impl Chunk {
    fn zero() -> Self {
        Self {
            words: [const { AtomicU64::new(0) }; CHUNK_WORDS],
            dirty: AtomicBool::new(false),
        }
    }

    fn load(&self) -> Words {
        let mut words = [0; CHUNK_WORDS];
        for (word, atomic) in words.iter_mut().zip(&self.words) {
            *word = atomic.load(Ordering::Relaxed);
        }
        words
    }
}

/// A growing set of numbers, set from any thread.
#[derive(Debug, Default)]
pub(crate) struct AtomicBits {
    chunks: ArcSwap<HashMap<u64, Arc<Chunk>>>,
}

impl AtomicBits {
    /// Adds `number`.
    pub(crate) fn add(&self, number: Number) {
        let (chunk, word, bit) = locate(number);
        if let Some(chunk) = self.chunks.load().get(&chunk) {
            return set(chunk, word, bit);
        }
        set(&self.grow(chunk), word, bit);
    }

    /// Adds every number of `bits`.
    pub(crate) fn merge(&self, bits: &Bits) {
        for index in bits.chunks() {
            let chunk = self.grow(index);
            for (atomic, word) in chunk.words.iter().zip(bits.words(index)) {
                atomic.fetch_or(*word, Ordering::Relaxed);
            }
            chunk.dirty.store(true, Ordering::Release);
        }
    }

    /// The chunks changed since the last call, whole. They count as flushed from now on; call
    /// [`AtomicBits::soil`] if the flush fails.
    pub(crate) fn take_dirty(&self) -> Vec<(u64, Words)> {
        let chunks = self.chunks.load();
        // The flag is cleared before the words are read: a bit set in between is flushed twice
        // rather than never.
        chunks
            .iter()
            .filter(|(_, chunk)| chunk.dirty.swap(false, Ordering::AcqRel))
            .map(|(&index, chunk)| (index, chunk.load()))
            .collect()
    }

    /// Whether the bit of `number` is set.
    pub(crate) fn has(&self, number: Number) -> bool {
        let (index, word, bit) = locate(number);
        let chunks = self.chunks.load();
        let chunk = chunks.get(&index);
        chunk.is_some_and(|chunk| chunk.words[word].load(Ordering::Acquire) & bit != 0)
    }

    /// Marks every chunk as changed, so that the next flush writes all of them again.
    pub(crate) fn soil(&self) {
        for chunk in self.chunks.load().values() {
            chunk.dirty.store(true, Ordering::Release);
        }
    }

    fn grow(&self, index: u64) -> Arc<Chunk> {
        let fresh = Arc::new(Chunk::zero());
        self.chunks.rcu(|chunks| {
            let mut grown = HashMap::clone(chunks);
            grown.entry(index).or_insert_with(|| Arc::clone(&fresh));
            grown
        });
        // Whoever won the race, the map now has the chunk; chunks are never removed from it.
        self.chunks.load().get(&index).map_or(fresh, Arc::clone)
    }
}

fn set(chunk: &Chunk, word: usize, bit: u64) {
    // Most polls repeat a bit: reading first keeps the cache line shared.
    if chunk.words[word].load(Ordering::Relaxed) & bit == 0 {
        chunk.words[word].fetch_or(bit, Ordering::Relaxed);
        chunk.dirty.store(true, Ordering::Release);
    }
}
