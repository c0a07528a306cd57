//! The store of a single process: everything in one mutex, nothing outlives it.

mod entries;
#[cfg(any(test, feature = "test-util"))]
mod faults;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use entries::Entries;
#[cfg(any(test, feature = "test-util"))]
pub use faults::Backup;
use parking_lot::Mutex;

use super::{
    Bond, Commit, Committed, EntryId, Epoch, GatewayId, Head, KEPT_ENTRIES, KEPT_REPORTS, Mark,
    Part, Reach, Record, RoomStore, Shelf, StoreError, Taken, Was,
};
use crate::{
    bits::Bits,
    line::{Marks, SEGMENT_CHUNKS, SEGMENT_NUMBERS},
    presence::{ChunkWrite, Trace},
    value::{Number, Timestamp},
};

/// What is kept under names: more than a room offers to other devices in five minutes.
const MOST_KEPT: usize = 4_096;

/// A room's store in this process. Clones are the same room.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    room: Mutex<Room>,
    session: AtomicU64,
    reachable: std::sync::atomic::AtomicBool,
}

#[derive(Clone, Debug, Default)]
struct Room {
    next: Option<Number>,
    record: Option<Record>,
    reach: Option<Reach>,
    marks: Marks,
    stamps: BTreeMap<Part, u64>,
    orders: BTreeMap<String, Vec<u8>>,
    /// The oldest go first: there is no clock to end them by.
    kept: VecDeque<(String, Vec<u8>)>,
    moves: Entries,
    gateways: BTreeMap<GatewayId, Timestamp>,
    log: VecDeque<String>,
    reports: VecDeque<Vec<u8>>,
    bonds: BTreeMap<Bond, Number>,
    receipts: Entries,
    /// By kind and epoch: each gateway's bits, and until when the epoch is kept.
    traces: BTreeMap<(Trace, u64), Kept>,
    ticked_until: Timestamp,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    bits: HashMap<GatewayId, Bits>,
    until: Timestamp,
}

impl Room {
    fn stamp(&mut self, mark: Mark, bits: &Bits) {
        let segments = bits.chunks().map(|chunk| chunk / SEGMENT_CHUNKS);
        for segment in segments.collect::<BTreeSet<_>>() {
            *self.stamps.entry(Part { mark, segment }).or_default() += 1;
        }
    }

    /// A shelf goes when arrivals three shelves later come.
    fn forget_old_shelves(&mut self, coming: &[(Bond, Number)]) {
        // Invitations are sorted behind all arrivals.
        let shelves = coming.iter().filter_map(|(bond, _)| match bond.shelf {
            Shelf::Arrivals(period) => Some(period),
            Shelf::Invitations => None,
        });
        let Some(newest) = shelves.max() else { return };
        let kept = Bond {
            shelf: Shelf::Arrivals(newest.saturating_sub(3) + 1),
            name: 0,
        };
        if self
            .bonds
            .first_key_value()
            .is_some_and(|(oldest, _)| *oldest < kept)
        {
            self.bonds = self.bonds.split_off(&kept);
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty room.
    #[must_use]
    pub fn new() -> Self {
        let shared = Shared {
            room: Mutex::default(),
            session: AtomicU64::new(1),
            reachable: std::sync::atomic::AtomicBool::new(true),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    fn room(&self) -> Result<parking_lot::MutexGuard<'_, Room>, StoreError> {
        if self.shared.reachable.load(Ordering::Relaxed) {
            Ok(self.shared.room.lock())
        } else {
            Err(StoreError::Unavailable("cut off by a test".into()))
        }
    }
}

#[async_trait]
impl RoomStore for MemoryStore {
    fn session(&self) -> u64 {
        self.shared.session.load(Ordering::Relaxed)
    }

    /// Four steps: a link is made at once.
    fn settle(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn take(&self, count: NonZeroU32) -> Result<Taken, StoreError> {
        let mut room = self.room()?;
        let first = room.next.unwrap_or(Number(0));
        room.next = Some(first.plus(u64::from(count.get())));
        Ok(Taken {
            first,
            reach: room.reach,
        })
    }

    async fn bound(&self, names: &[Bond]) -> Result<Vec<Option<Number>>, StoreError> {
        let room = self.room()?;
        let number = |name| room.bonds.get(name).copied();
        Ok(names.iter().map(number).collect())
    }

    async fn bind(&self, pairs: &[(Bond, Number)]) -> Result<Vec<Number>, StoreError> {
        let mut room = self.room()?;
        room.forget_old_shelves(pairs);
        let bind = |(name, number): &(Bond, Number)| *room.bonds.entry(*name).or_insert(*number);
        Ok(pairs.iter().map(bind).collect())
    }

    async fn add_receipt(
        &self,
        receipt: &[u8],
        now: Timestamp,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        let mut room = self.room()?;
        room.receipts.forget_before(EntryId(since.0, 0));
        room.receipts.add(EntryId(now.0, 0), receipt);
        Ok(())
    }

    async fn receipts(&self, after: EntryId) -> Result<Vec<(EntryId, Vec<u8>)>, StoreError> {
        Ok(self.room()?.receipts.after(after))
    }

    async fn mark_each(&self, mark: Mark, numbers: &[Number]) -> Result<Vec<Was>, StoreError> {
        let mut room = self.room()?;
        room.stamp(mark, &numbers.iter().copied().collect());
        let marks = room.marks.of_mut(mark);
        let set = |number: &Number| match marks.add(*number) {
            true => Was::Unset,
            false => Was::Set,
        };
        Ok(numbers.iter().map(set).collect())
    }

    async fn merge(&self, mark: Mark, bits: &Bits) -> Result<(), StoreError> {
        let mut room = self.room()?;
        room.stamp(mark, bits);
        room.marks.of_mut(mark).merge(bits);
        Ok(())
    }

    async fn retire(&self, gateway: GatewayId) -> Result<(), StoreError> {
        self.room()?.gateways.remove(&gateway);
        Ok(())
    }

    async fn flush(
        &self,
        gateway: GatewayId,
        at: Timestamp,
        writes: &[ChunkWrite],
    ) -> Result<(), StoreError> {
        let mut room = self.room()?;
        room.gateways.insert(gateway, at);
        room.traces.retain(|_, kept| at <= kept.until);
        for write in writes {
            let epoch = room.traces.entry((write.trace, write.epoch)).or_default();
            epoch.until = write.until;
            epoch
                .bits
                .entry(gateway)
                .or_default()
                .set_bytes(write.chunk, &write.bytes);
        }
        Ok(())
    }

    async fn forget_visits(&self, epochs: &[u64]) -> Result<(), StoreError> {
        let mut room = self.room()?;
        for epoch in epochs {
            room.traces.remove(&(Trace::Activity, *epoch));
        }
        Ok(())
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let room = self.room()?;
        let visits = (Trace::Activity, 0)..=(Trace::Activity, u64::MAX);
        let visits = room.traces.range(visits);
        Ok(Head {
            next: room.next,
            record: room.record.clone(),
            stamps: room.stamps.clone(),
            orders: room.orders.clone().into_iter().collect(),
            gateways: room.gateways.clone(),
            visits: visits
                .map(|((_, epoch), kept)| (*epoch, kept.until))
                .collect(),
            at: None,
        })
    }

    async fn order(&self, place: &str, order: Option<&[u8]>) -> Result<(), StoreError> {
        let mut room = self.room()?;
        match order {
            Some(order) => room.orders.insert(place.to_owned(), order.to_vec()),
            None => room.orders.remove(place),
        };
        Ok(())
    }

    async fn order_once(&self, place: &str, order: &[u8]) -> Result<bool, StoreError> {
        let mut room = self.room()?;
        let is_empty = !room.orders.contains_key(place);
        if is_empty {
            room.orders.insert(place.to_owned(), order.to_vec());
        }
        Ok(is_empty)
    }

    async fn keep(&self, name: &str, bytes: &[u8], _keep: Duration) -> Result<(), StoreError> {
        let mut room = self.room()?;
        room.kept.retain(|(known, _)| known != name);
        room.kept.push_back((name.to_owned(), bytes.to_vec()));
        let spare = room.kept.len().saturating_sub(MOST_KEPT);
        room.kept.drain(..spare);
        Ok(())
    }

    async fn kept(&self, names: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let room = self.room()?;
        let of = |name: &String| {
            let mut kept = room.kept.iter();
            kept.find_map(|(known, bytes)| (known == name).then(|| bytes.clone()))
        };
        Ok(names.iter().map(of).collect())
    }

    async fn add_move(&self, entry: &[u8]) -> Result<(), StoreError> {
        self.room()?.moves.add(EntryId(1, 0), entry);
        Ok(())
    }

    async fn moves(&self, after: EntryId) -> Result<Vec<(EntryId, Vec<u8>)>, StoreError> {
        Ok(self.room()?.moves.after(after))
    }

    async fn forget_moves(&self, last: EntryId) -> Result<(), StoreError> {
        let EntryId(at, nth) = last;
        self.room()?.moves.forget_before(EntryId(at, nth + 1));
        Ok(())
    }

    async fn report(&self, report: &[u8]) -> Result<(), StoreError> {
        let mut room = self.room()?;
        room.reports.push_back(report.to_vec());
        let spare = room.reports.len().saturating_sub(KEPT_REPORTS as usize);
        room.reports.drain(..spare);
        Ok(())
    }

    async fn reports(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.room()?.reports.iter().cloned().collect())
    }

    async fn log(&self, count: u32) -> Result<Vec<String>, StoreError> {
        let room = self.room()?;
        let skipped = room.log.len().saturating_sub(count as usize);
        Ok(room.log.iter().skip(skipped).cloned().collect())
    }

    async fn marks(&self, parts: &[Part]) -> Result<Vec<Bits>, StoreError> {
        let room = self.room()?;
        let of_part = |part: &Part| {
            let first = part.segment * SEGMENT_NUMBERS;
            let numbers = Number(first)..Number(first + SEGMENT_NUMBERS);
            room.marks.of(part.mark).within(numbers)
        };
        Ok(parts.iter().map(of_part).collect())
    }

    async fn traces(&self, epochs: &[Epoch]) -> Result<Vec<Bits>, StoreError> {
        let room = self.room()?;
        let of_epoch = |epoch: &Epoch| {
            let mut bits = Bits::new();
            if let Some(kept) = room.traces.get(epoch) {
                kept.bits.values().for_each(|own| bits.merge(own));
            }
            bits
        };
        Ok(epochs.iter().map(of_epoch).collect())
    }

    async fn try_tick(&self, now: Timestamp, hold: Duration) -> Result<bool, StoreError> {
        let mut room = self.room()?;
        let won = now >= room.ticked_until;
        if won {
            room.ticked_until = now.plus(hold);
        }
        Ok(won)
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        let mut room = self.room()?;
        if room.record.as_ref().map(|record| record.version) != commit.seen {
            return Ok(Committed::Fenced);
        }
        room.record = Some(commit.record.clone());
        room.reach = Some(commit.reach);
        room.log.extend(commit.entries.iter().cloned());
        let spare = room.log.len().saturating_sub(KEPT_ENTRIES as usize);
        room.log.drain(..spare);
        room.next = room.next.max(Some(commit.next_at_least));
        for (mark, chunk, bytes) in &commit.chunks {
            room.marks.of_mut(*mark).merge_bytes(*chunk, bytes);
            let segment = chunk / SEGMENT_CHUNKS;
            let part = Part {
                mark: *mark,
                segment,
            };
            *room.stamps.entry(part).or_default() += 1;
        }
        let floor = Number(commit.drop_below * SEGMENT_NUMBERS);
        for mark in Mark::ALL {
            room.marks.of_mut(mark).forget_below(floor);
        }
        room.stamps
            .retain(|part, _| part.segment >= commit.drop_below);
        Ok(Committed::Done)
    }
}
