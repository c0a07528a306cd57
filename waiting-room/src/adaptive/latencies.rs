//! How long the origin took to answer: a histogram that can be recorded from many threads, added up
//! over a fleet and sent through a store.
//!
//! Log-linear (as HdrHistogram, Tene 2013): each doubling from 1 ms to 65.5 s is cut in 16 equal
//! parts, and a quantile is told as the middle of its part, so it is off by at most 1/32 (3.1%).
//! What is faster counts as 1 ms, what is slower as 65 s.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use super::codec::CodecError;
use crate::varint::{In, put_varint};

/// Parts of a doubling, as a power of two.
const PARTS_LOG: u32 = 4;
const PARTS: usize = 1 << PARTS_LOG;
/// 1 ms doubled 16 times is 65.536 s.
const DOUBLINGS: usize = 16;
const BUCKETS: usize = DOUBLINGS * PARTS;
/// Time is cut in 1/1024 ms, so that the doublings begin at exactly 1 ms.
const UNITS_PER_MS_LOG: u32 = 10;
/// Half a sixteenth of a millisecond.
const HALF_PART_NANOS: u64 = 31_250;

/// The bucket of a time.
fn bucket(took: Duration) -> usize {
    let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
    let units = u128::from(nanos) << UNITS_PER_MS_LOG;
    let units = u64::try_from(units / 1_000_000).unwrap_or(u64::MAX);
    let Some(doubling) = units
        .checked_ilog2()
        .and_then(|log| log.checked_sub(UNITS_PER_MS_LOG))
    else {
        return 0;
    };
    let part = (units >> (UNITS_PER_MS_LOG - PARTS_LOG + doubling)) as usize % PARTS;
    (doubling as usize * PARTS + part).min(BUCKETS - 1)
}

/// The middle of a bucket.
fn middle(bucket: usize) -> Duration {
    let (doubling, part) = (bucket / PARTS, bucket % PARTS);
    let halves = 2 * (PARTS + part) as u64 + 1;
    Duration::from_nanos((halves * HALF_PART_NANOS) << doubling)
}

/// A histogram of times. 1 kB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latencies {
    counts: [u32; BUCKETS],
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            counts: [0; BUCKETS],
        }
    }
}

impl Latencies {
    /// Adds one.
    pub fn record(&mut self, took: Duration) {
        let count = &mut self.counts[bucket(took)];
        *count = count.saturating_add(1);
    }

    /// Adds all of `other`. A bucket holds at most 2^32 - 1.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// All of them, one after the other.
    #[must_use]
    pub fn total(&self) -> Duration {
        let parts = self.counts.iter().enumerate();
        let times = parts.map(|(index, count)| middle(index).saturating_mul(*count));
        times.fold(Duration::ZERO, Duration::saturating_add)
    }

    /// How many were slower than `bound`, to the histogram's precision.
    #[must_use]
    pub fn over(&self, bound: Duration) -> u64 {
        let slower = (0..BUCKETS).filter(|index| middle(*index) > bound);
        slower.map(|index| u64::from(self.counts[index])).sum()
    }

    /// The time that `share` (0 to 1) of all stayed within: 0.95 for the p95, the smallest time for
    /// 0 or less, the greatest for 1 or more. `None` if there are none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let count = self.count();
        // The rank of the wanted one, from 1; a share that is not a number asks for the first.
        let rank = ((share * count as f64).ceil() as u64).clamp(1, count.max(1));
        let mut below = 0;
        let reached = self.counts.iter().position(|count| {
            below += u64::from(*count);
            below >= rank
        });
        reached.map(middle)
    }

    /// Appends the store form: for each bucket that is not empty the distance from the one before and
    /// its count, as varints. At most 1,792 bytes.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let mut next = 0;
        for (index, count) in self.counts.iter().enumerate() {
            if *count > 0 {
                put_varint(out, (index - next) as u64);
                put_varint(out, u64::from(*count));
                next = index + 1;
            }
        }
    }

    /// Reads the store form up to its end.
    pub(crate) fn get(input: &mut In<'_>) -> Option<Self> {
        let mut read = Self::default();
        let mut next = 0;
        while !input.is_empty() {
            let gap = usize::try_from(input.varint()?).ok()?;
            let count = u32::try_from(input.varint()?).ok().filter(|c| *c > 0)?;
            let index = gap.checked_add(next)?;
            *read.counts.get_mut(index)? = count;
            next = index + 1;
        }
        Some(read)
    }

    /// The store form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }

    /// Reads the store form.
    ///
    /// # Errors
    /// When it is not one: nothing is believed of it.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        Self::get(&mut In(bytes)).ok_or(CodecError)
    }
}

/// A histogram that request threads record into.
#[derive(Debug)]
pub struct AtomicLatencies {
    counts: [AtomicU32; BUCKETS],
}

impl Default for AtomicLatencies {
    fn default() -> Self {
        Self {
            counts: [const { AtomicU32::new(0) }; BUCKETS],
        }
    }
}

impl AtomicLatencies {
    /// Adds one: a relaxed `fetch_add`. It wraps if nobody takes for four billion of them.
    pub fn record(&self, took: Duration) {
        self.counts[bucket(took)].fetch_add(1, Ordering::Relaxed);
    }

    /// What was recorded since it was last taken. What is recorded meanwhile is in this or in the
    /// next one, never in both or none.
    #[must_use]
    pub fn take(&self) -> Latencies {
        let mut taken = Latencies::default();
        for (count, atomic) in taken.counts.iter_mut().zip(&self.counts) {
            // Most are empty; a load leaves the cache line shared.
            if atomic.load(Ordering::Relaxed) > 0 {
                *count = atomic.swap(0, Ordering::Relaxed);
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests;
