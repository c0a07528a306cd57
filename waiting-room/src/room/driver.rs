//! The driver: flushes, reads, and ticks when it is this gateway's turn.
//!
//! One step: write our trace bits; read the record and the counter; if the store knows less than we do,
//! give it back what it lost; read the bits; publish the new picture; try to win the tick; decide and
//! commit. The caller owns the timer, so that a simulation can own it too.

use std::sync::{Arc, atomic::Ordering};

use super::Inner;
use crate::{
    bits::Bits,
    controller::{self, Calls, TICK},
    counts::Event,
    line::{Line, SEGMENT_NUMBERS},
    presence::{CLOCK_SKEW, ChunkWrite, Epochs},
    snapshot::{Snapshot, Traces},
    store::{Commit, Committed, Head, Mark, Reach, Record, StoreError, Wanted},
    value::{Number, Timestamp},
};

/// Keeps one room's snapshot new and ticks for the fleet. One per room and process.
#[derive(Debug)]
pub struct Driver {
    inner: Arc<Inner>,
    session: u64,
    settle_at: Timestamp,
    failing: bool,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// The picture is new; nobody was called by us.
    Read,
    /// We ticked for the fleet.
    Ticked,
    /// The store is being given back what it lost, or has just been connected.
    Settling,
    /// The store did not answer; the old picture stands.
    Failed,
}

impl Driver {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self {
            inner,
            session: 0,
            settle_at: Timestamp(0),
            failing: false,
        }
    }

    /// Goes on where another driver stopped: `session` was settled by it, and need not be again.
    pub(super) fn continue_in(&mut self, session: u64) {
        self.session = session;
    }

    /// Whether nobody but the driver holds the room any more: it need not be stepped again.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        Arc::strong_count(&self.inner) == 1
    }

    /// One step at `now`; to be called about every [`TICK`]. Never fails: a store that does not answer
    /// is logged once and shows in the room's statuses.
    pub async fn step(&mut self, now: Timestamp) -> Stepped {
        match self.try_step(now).await {
            Ok(stepped) => {
                if std::mem::take(&mut self.failing) {
                    tracing::info!("the room store answers again");
                }
                stepped
            }
            Err(error) => {
                self.inner.settled.store(0, Ordering::Release);
                self.session = 0;
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(%error, "visitors are answered from the last picture");
                }
                Stepped::Failed
            }
        }
    }

    async fn try_step(&mut self, now: Timestamp) -> Result<Stepped, StoreError> {
        if self.inner.retired.load(Ordering::Acquire) {
            // Long requests may hold this room for hours. Its rules are over: its successor reads and ticks.
            self.flush().await?;
            return Ok(Stepped::Read);
        }
        self.doubt_a_new_link(now);
        self.flush().await?;
        // Read before the head: numbers taken meanwhile are not evidence of a loss.
        let highest = Number(self.inner.highest.load(Ordering::Acquire));
        let head = self.inner.store.head().await?;
        agree_on_time(head.at, now)?;
        let line = decode(&head)?;
        let known = self.inner.snapshot.load_full();
        if let Some(known) = known.filter(|k| has_forgotten(line.as_ref(), head.next, k, highest)) {
            self.restore(line, &known, highest, now).await?;
            return Ok(Stepped::Settling);
        }
        let picture = match line {
            Some(line) => Some(self.read(line, head.next, now).await?),
            None => None,
        };
        if let Some(picture) = &picture {
            self.publish(Arc::clone(picture));
        }
        if now < self.settle_at {
            return Ok(Stepped::Settling);
        }
        if picture.is_some() {
            self.inner.settled.store(self.session, Ordering::Release);
        }
        // A little under the tick, so that the next step finds it free.
        if !self.inner.store.try_tick(now, TICK.mul_f32(0.9)).await? {
            return Ok(Stepped::Read);
        }
        match picture {
            Some(picture) => self.tick(&picture, now).await,
            None => self.open_line(now).await,
        }
    }

    fn doubt_a_new_link(&mut self, now: Timestamp) {
        let session = self.inner.store.session();
        let doubted = self.inner.doubt.swap(false, Ordering::AcqRel);
        if session != self.session || doubted {
            self.inner.settled.store(0, Ordering::Release);
            self.session = session;
            self.settle_at = now.plus(self.inner.store.settle());
            // The store may have lost our bits too: all are written again.
            self.inner.presence.soil();
            self.inner.activity.soil();
        }
    }

    async fn flush(&self) -> Result<(), StoreError> {
        let both = |inner: &Inner, writes: &mut Vec<ChunkWrite>| {
            inner.presence.take_dirty(writes);
            inner.activity.take_dirty(writes);
        };
        self.inner.flush(both).await
    }

    async fn read(
        &self,
        line: Line,
        next: Option<Number>,
        now: Timestamp,
    ) -> Result<Arc<Snapshot>, StoreError> {
        let next = next.unwrap_or(line.frontier).max(line.frontier);
        let inner = &self.inner;
        let presence = Epochs::of_presence(&inner.rules);
        let ttl = inner.rules.session().ttl();
        let segment = |number: Number| number.0 / SEGMENT_NUMBERS;
        let wanted = Wanted {
            segments: segment(line.floor)..=segment(next.max(line.horizon)),
            presence: presence.within(&presence.seen(now)),
            activity: inner
                .activity_epochs
                .within(&inner.activity_epochs.alive(now, ttl)),
        };
        let facts = inner.store.facts(&wanted).await?;
        let union = |range: std::ops::RangeInclusive<u64>| {
            let mut bits = Bits::new();
            let inside = facts
                .presence
                .iter()
                .filter(|(epoch, _)| range.contains(epoch));
            inside.for_each(|(_, seen)| bits.merge(seen));
            bits
        };
        let traces = Traces {
            living: union(presence.living(now)),
            fresh: union(presence.fresh(now)),
            active: facts.activity,
        };
        Ok(Arc::new(Snapshot::build(
            line,
            next,
            (facts.marks, traces),
            now,
        )))
    }

    fn publish(&self, picture: Arc<Snapshot>) {
        self.inner.raise_highest(picture.next);
        self.inner.snapshot.store(Some(picture));
    }

    async fn tick(&self, picture: &Snapshot, now: Timestamp) -> Result<Stepped, StoreError> {
        let calls = controller::step(picture, &self.inner.rules, now);
        match self.inner.store.commit(&commit_of(&calls, picture)).await? {
            Committed::Fenced => {
                self.inner.counts.add(Event::Fenced);
                Ok(Stepped::Read)
            }
            Committed::Done => {
                self.inner.counts.add(Event::Ticked);
                let facts = (calls.marks, picture.traces.clone());
                let told = Snapshot::build(calls.line, picture.next, facts, now);
                self.publish(Arc::new(told));
                Ok(Stepped::Ticked)
            }
        }
    }

    async fn open_line(&self, now: Timestamp) -> Result<Stepped, StoreError> {
        let line = Line::open(now, Epochs::of_presence(&self.inner.rules).settled(now));
        tracing::info!(line = line.id.0, "a new line is opened");
        let commit = Commit {
            seen: None,
            next_at_least: line.floor,
            drop_below: line.floor.0 / SEGMENT_NUMBERS,
            record: record_of(&line),
            reach: reach_of(&line),
            chunks: Vec::new(),
        };
        self.inner.store.commit(&commit).await?;
        // The next step reads it like everybody else, whoever won.
        Ok(Stepped::Read)
    }

    /// The store came back with less than we saw: empty, or rolled back. It is given back the newest
    /// record, a counter above every number known, and all marks; each gateway adds what it knows.
    /// Ends in settling again, so that all are done before anything is decided.
    async fn restore(
        &mut self,
        theirs: Option<Line>,
        known: &Snapshot,
        highest: Number,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let inner = &self.inner;
        inner.settled.store(0, Ordering::Release);
        self.settle_at = now.plus(self.inner.store.settle());
        inner.counts.add(Event::Restored);
        tracing::warn!(line = known.line.id.0, "the store forgot; it is told again");
        // What other gateways had recorded becomes ours: over-counted rather than forgotten.
        inner.activity.adopt(&known.traces.active, now);
        inner.presence.adopt(&known.traces.living, now);
        inner
            .store
            .merge(Mark::Claimed, &known.marks.claimed)
            .await?;
        inner.store.merge(Mark::Left, &known.marks.left).await?;
        let seen = theirs.as_ref().map(|line| line.version);
        // Only the counter may have been lost: then their record and marks are at least ours.
        let newer = theirs.filter(|l| (l.id, l.version) >= (known.line.id, known.line.version));
        let chunks = match &newer {
            Some(_) => Vec::new(),
            None => whole(Mark::Gone, &known.marks.gone)
                .chain(whole(Mark::Late, &known.marks.late))
                .collect(),
        };
        let line = newer.as_ref().unwrap_or(&known.line);
        let commit = Commit {
            seen,
            record: record_of(line),
            reach: reach_of(line),
            next_at_least: highest.max(known.next),
            chunks,
            drop_below: known.line.floor.0 / SEGMENT_NUMBERS,
        };
        // Fenced: somebody else is giving back; the next step looks again.
        inner.store.commit(&commit).await.map(|_| ())
    }
}

/// Whether the store knows less than this gateway. A line opened later than ours is not less: a fleet
/// that had forgotten ours began it, and its visitors hold its tickets.
fn has_forgotten(
    theirs: Option<&Line>,
    next: Option<Number>,
    known: &Snapshot,
    highest: Number,
) -> bool {
    let ours = &known.line;
    let older = theirs.is_none_or(|line| (line.id, line.version) < (ours.id, ours.version));
    older || next.is_none_or(|next| next < highest)
}

/// A gateway whose clock is far off would read other epochs than the fleet writes and think the room empty.
/// It neither ticks nor lets anybody in until its clock is right.
fn agree_on_time(theirs: Option<Timestamp>, now: Timestamp) -> Result<(), StoreError> {
    let Some(theirs) = theirs else { return Ok(()) };
    let apart = theirs.since(now).max(now.since(theirs));
    if apart <= CLOCK_SKEW {
        return Ok(());
    }
    let seconds = apart.as_secs();
    Err(StoreError::Unexpected(format!(
        "a time {seconds} s from this machine's; set the clocks"
    )))
}

fn decode(head: &Head) -> Result<Option<Line>, StoreError> {
    let decoded = head
        .record
        .as_ref()
        .map(|record| Line::decode(&record.line))
        .transpose();
    decoded.map_err(|error| StoreError::Unexpected(error.to_string()))
}

fn record_of(line: &Line) -> Record {
    Record {
        version: line.version,
        line: line.encode(),
    }
}

fn reach_of(line: &Line) -> Reach {
    Reach {
        line: line.id,
        horizon: line.horizon,
    }
}

fn whole(mark: Mark, bits: &Bits) -> impl Iterator<Item = (Mark, u64, Vec<u8>)> + '_ {
    bits.chunks()
        .map(move |chunk| (mark, chunk, bits.bytes(chunk).to_vec()))
}

fn commit_of(calls: &Calls, picture: &Snapshot) -> Commit {
    let gone = calls.gone_chunks.iter();
    let gone = gone.map(|chunk| (Mark::Gone, *chunk, calls.marks.gone.bytes(*chunk).to_vec()));
    let late = calls.late_chunks.iter();
    let late = late.map(|chunk| (Mark::Late, *chunk, calls.marks.late.bytes(*chunk).to_vec()));
    Commit {
        seen: Some(picture.line.version),
        record: record_of(&calls.line),
        reach: reach_of(&calls.line),
        next_at_least: calls.line.floor,
        chunks: gone.chain(late).collect(),
        drop_below: calls.line.floor.0 / SEGMENT_NUMBERS,
    }
}
