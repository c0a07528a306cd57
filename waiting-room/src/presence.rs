//! Who is still there, and who is still inside: bits per epoch, set by requests, flushed in chunks.
//!
//! Time is cut in epochs, each named by the moment it begins in milliseconds (those of passes: by the moment they end):
//! rules that change the length of epochs do not confuse old ones with new ones. A poll sets its number's bit in the current epoch of
//! this gateway's own set; the fleet's sets are OR-ed. Waiting visitors use epochs of half of `absent_after`, passes epochs of
//! an eighth of the shortest session.
//!
//! Near the front that is too coarse: a call to somebody who closed the page a minute ago wastes a seat. So whoever
//! may be called soon is also recorded by when they are *expected* next: a bit in the two-second epoch in which
//! the poll they were told to make is due. Who is overdue when the horizon comes is passed over.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use policies::admission::Admission;

use crate::{
    bits::{AtomicBits, Bits, CHUNK_BYTES, bytes_of},
    value::{Number, Timestamp, millis},
};

/// How far the clocks of a fleet may differ.
pub(crate) const CLOCK_SKEW: Duration = Duration::from_secs(2);

/// Which kind of epoch bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trace {
    /// Waiting visitors who polled.
    Presence,
    /// Numbers inside, by when their pass ends.
    Activity,
    /// Waiting visitors near the front and late comers, by when their next poll is due.
    Due,
}

/// Length of the epochs of [`Trace::Due`]. Whoever closed the page is called for half of it longer; shorter ones are more to
/// write and to read.
pub(crate) const DUE_EPOCH: Duration = Duration::from_secs(2);
/// A poll may come this much later than it was due: a round trip and a slow timer.
pub(crate) const DUE_SLACK: Duration = Duration::from_secs(2);

/// Cuts time into epochs of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epochs {
    length_ms: u64,
}

impl Epochs {
    /// Epochs of presence: half of `absent_after`.
    pub(crate) fn of_presence(rules: &Admission) -> Self {
        Self {
            length_ms: (millis(rules.absent_after()) / 2).max(1),
        }
    }

    /// Epochs of so long; at least a millisecond.
    pub(crate) fn of_length(length: Duration) -> Self {
        Self {
            length_ms: millis(length).max(1),
        }
    }

    /// Epochs of expected polls.
    pub(crate) fn of_due() -> Self {
        Self {
            length_ms: millis(DUE_EPOCH),
        }
    }

    /// Epochs that hold whoever is not overdue at `now`, if nobody was told to wait longer than `longest`.
    pub(crate) fn expected(self, now: Timestamp, longest: Duration) -> RangeInclusive<u64> {
        let last = now.plus(longest).plus(DUE_SLACK).plus(CLOCK_SKEW);
        self.at(now.minus(CLOCK_SKEW))..=self.at(last)
    }

    /// The epoch of `now`.
    pub(crate) fn at(self, now: Timestamp) -> u64 {
        now.0 - now.0 % self.length_ms
    }

    /// The epoch `by` epochs before `epoch`.
    pub(crate) fn before(self, epoch: u64, by: u64) -> u64 {
        epoch.saturating_sub(by * self.length_ms)
    }

    /// The epochs that begin in `range`, whose ends are epochs.
    pub(crate) fn within(self, range: &RangeInclusive<u64>) -> Vec<u64> {
        let step = usize::try_from(self.length_ms).unwrap_or(usize::MAX);
        range.clone().step_by(step).collect()
    }

    pub(crate) fn length(self) -> Duration {
        Duration::from_millis(self.length_ms)
    }

    /// The epoch that is judged at `now`: the one that has surely begun on every gateway, and whose
    /// predecessor's last polls have surely been flushed.
    pub(crate) fn settled(self, now: Timestamp) -> u64 {
        self.at(now.minus(CLOCK_SKEW))
    }

    /// Epochs in which a visitor who was silent for less than two whole epochs has a bit. DESIGN says
    /// "the current or the last"; one more is needed so that an absence just under `absent_after`,
    /// begun late in an epoch, is never mistaken for a longer one.
    pub(crate) fn living(self, now: Timestamp) -> RangeInclusive<u64> {
        self.before(self.settled(now), 2)..=self.at(now.plus(CLOCK_SKEW))
    }
}

/// One chunk of this gateway's bits of one epoch, ready to be written. Writing it again changes
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkWrite {
    /// Which kind.
    pub trace: Trace,
    /// The epoch: when it began ([`Trace::Activity`]: when it ends), in milliseconds since the Unix epoch.
    pub epoch: u64,
    /// Which 4,096 numbers.
    pub chunk: u64,
    /// All bits of the chunk that this gateway knows.
    pub bytes: [u8; CHUNK_BYTES],
    /// Until when the store needs to keep the epoch.
    pub until: Timestamp,
}

/// This gateway's own bits of one kind.
#[derive(Debug)]
pub(crate) struct Recorder {
    trace: Trace,
    keep: Duration,
    rolls: Arc<Rolls>,
}

/// Bits by epoch.
#[derive(Debug, Default)]
struct Rolls {
    all: ArcSwap<Vec<(u64, Arc<AtomicBits>)>>,
    rolling: Mutex<()>,
}

impl Recorder {
    /// `keep`: how long after the moment that names it an epoch is still asked for.
    pub(crate) fn new(trace: Trace, keep: Duration) -> Self {
        Self {
            trace,
            keep,
            rolls: Arc::default(),
        }
    }

    /// One for the same keys of the store: a chunk is written whole, so two that did not know of each other's bits would
    /// write over them.
    pub(crate) fn beside(self, other: Option<&Self>) -> Self {
        match other {
            Some(other) => Self {
                rolls: Arc::clone(&other.rolls),
                ..self
            },
            None => self,
        }
    }

    /// Sets the bit of `number` in an epoch. Lock-free but for the first call of an epoch.
    pub(crate) fn record(&self, number: Number, epoch: u64, now: Timestamp) {
        let rolls = self.rolls.all.load();
        match rolls.iter().rev().find(|(known, _)| *known == epoch) {
            Some((_, bits)) => bits.add(number),
            None => self.roll(epoch, now).add(number),
        }
    }

    /// The last epoch in which `number` is recorded.
    pub(crate) fn last_of(&self, number: Number) -> Option<u64> {
        let rolls = self.rolls.all.load();
        let with = rolls.iter().filter(|(_, bits)| bits.has(number));
        with.map(|(epoch, _)| *epoch).max()
    }

    /// Adds what the fleet was known to have recorded in an epoch, after the store forgot.
    pub(crate) fn adopt(&self, bits: &Bits, epoch: u64, now: Timestamp) {
        self.roll(epoch, now).merge(bits);
        self.soil();
    }

    /// Everything will be written again.
    pub(crate) fn soil(&self) {
        self.rolls
            .all
            .load()
            .iter()
            .for_each(|(_, bits)| bits.soil());
    }

    /// What changed since the last call.
    pub(crate) fn take_dirty(&self, out: &mut Vec<ChunkWrite>) {
        for (epoch, bits) in self.rolls.all.load().iter() {
            out.extend(
                bits.take_dirty()
                    .into_iter()
                    .map(|(chunk, words)| ChunkWrite {
                        trace: self.trace,
                        epoch: *epoch,
                        chunk,
                        bytes: bytes_of(&words),
                        until: Timestamp(*epoch).plus(self.keep),
                    }),
            );
        }
    }

    fn roll(&self, epoch: u64, now: Timestamp) -> Arc<AtomicBits> {
        let _one_at_a_time = self.rolls.rolling.lock();
        let rolls = self.rolls.all.load();
        if let Some((_, bits)) = rolls.iter().find(|(known, _)| *known == epoch) {
            return Arc::clone(bits);
        }
        let bits = Arc::new(AtomicBits::default());
        // What nobody asks for any more is dropped here, once an epoch.
        let is_kept = |known: u64| now <= Timestamp(known).plus(self.keep);
        let kept = rolls.iter().filter(|(known, _)| is_kept(*known));
        let mut grown: Vec<_> = kept.cloned().collect();
        grown.push((epoch, Arc::clone(&bits)));
        self.rolls.all.store(Arc::new(grown));
        bits
    }
}

#[cfg(test)]
mod tests {
    use policies::admission::Spec;

    use super::*;

    fn epochs() -> Epochs {
        let rules = Admission::new(Spec {
            active: Some(1),
            ..Spec::default()
        })
        .expect("valid");
        Epochs::of_presence(&rules)
    }

    /// Promise 4: a network lost for under `absent_after` is never taken for an absence.
    #[test]
    fn a_silence_shorter_than_absent_after_always_counts_as_living() {
        let absent_after = 90_000;
        for seen in (0..90_000).step_by(500).map(|offset| 4_500_000 + offset) {
            for now in (seen..seen + absent_after).step_by(1_000) {
                let seen_in = epochs().at(Timestamp(seen));
                assert!(
                    epochs().living(Timestamp(now)).contains(&seen_in),
                    "{seen} {now}"
                );
            }
        }
    }

    #[test]
    fn nobody_counts_for_longer_than_one_and_a_half_times_absent_after() {
        for seen in (0..90_000).step_by(500).map(|offset| 4_500_000 + offset) {
            let now = Timestamp(seen + 135_000 + 2_000);
            assert!(
                !epochs().living(now).contains(&epochs().at(Timestamp(seen))),
                "{seen}"
            );
        }
    }

    #[test]
    fn a_recorder_flushes_each_bit_once_and_drops_old_epochs() {
        let recorder = Recorder::new(Trace::Presence, Duration::from_secs(90));
        let mut writes = Vec::new();
        for minute in 0..10 {
            let now = Timestamp(minute * 60_000);
            recorder.record(Number(5), epochs().at(now), now);
            recorder.take_dirty(&mut writes);
        }
        assert_eq!(writes.len(), 10, "one chunk an epoch");
        assert!(
            recorder.rolls.all.load().len() <= 4,
            "{:?}",
            recorder.rolls.all.load().len()
        );
    }
}
