//! What a step reads: little for the picture, since stamps tell what changed; more for whoever won the tick.

use std::{collections::BTreeMap, ops::RangeInclusive, sync::Arc, time::Duration};

use super::{super::visit::Visited, Driver};
use crate::{
    bits::Bits,
    controller::{self, Traces},
    line::{Line, Marks, SEGMENT_NUMBERS},
    orders::Orders,
    presence::{CLOCK_SKEW, Epochs, Trace},
    snapshot::{Inside, Snapshot},
    store::{Epoch, GatewayId, Head, Mark, Part, StoreError},
    value::{LineId, Number, Timestamp},
};

/// How often all marks and the activity of the fleet are read whatever the stamps say: a stamp may be missing after a
/// broken link, and a gateway that never wins a tick must know whose seats to give back to a store that forgot.
const READ_ALL_EVERY: Duration = Duration::from_secs(10);

/// The marks as this gateway has read them.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) line: Option<LineId>,
    pub(super) marks: Marks,
    pub(super) stamps: BTreeMap<Part, u64>,
    pub(super) gateways: BTreeMap<GatewayId, Timestamp>,
    pub(super) all_at: Timestamp,
}

impl Driver {
    /// The picture as of `head`: only the parts of the marks that changed are read.
    pub(super) async fn read(
        &mut self,
        line: Line,
        head: &Head,
        now: Timestamp,
    ) -> Result<Arc<Snapshot>, StoreError> {
        let next = head.next.unwrap_or(line.frontier).max(line.frontier);
        check(&line, next)?;
        is_not_ahead(&line, now)?;
        if self.known.line != Some(line.id) {
            self.known = Known {
                line: Some(line.id),
                ..Known::default()
            };
        }
        self.inner.visited.store(Arc::new(Visited::listed(head)));
        let all = now >= self.known.all_at.plus(READ_ALL_EVERY);
        if all {
            self.read_activity(now).await?;
        }
        let parts: Vec<Part> = if all {
            let segments =
                line.floor.0 / SEGMENT_NUMBERS..=next.max(line.horizon).0 / SEGMENT_NUMBERS;
            let of_kind = |mark| segments.clone().map(move |segment| Part { mark, segment });
            Mark::ALL.into_iter().flat_map(of_kind).collect()
        } else {
            let known = &self.known.stamps;
            let changed = |part: &&Part| known.get(*part) != head.stamps.get(*part);
            head.stamps.keys().filter(changed).copied().collect()
        };
        let read = self.inner.store.marks(&parts).await?;
        for (part, bits) in parts.iter().zip(read) {
            self.known.marks.of_mut(part.mark).merge(&bits);
        }
        for mark in Mark::ALL {
            let lowest = Number(line.floor.0 / SEGMENT_NUMBERS * SEGMENT_NUMBERS);
            self.known.marks.of_mut(mark).forget_below(lowest);
        }
        self.known.stamps.clone_from(&head.stamps);
        self.known.gateways.clone_from(&head.gateways);
        if all {
            self.known.all_at = now;
        }
        let orders = self.orders_of(head, now);
        self.learn_rosters(&line).await?;
        let moves = self.read_moves(line.floor).await?;
        let marks = self.known.marks.clone();
        let mut picture = Snapshot::build(line, next, marks, now);
        picture.orders = orders;
        picture.draw = self.drawn_order(&picture.line);
        picture.commitment = self.commitment(&picture.line, now);
        picture.draw_list = self.draw_list(&picture.line, now);
        picture.rosters = self.rosters.of(&picture.line);
        picture.moves = moves;
        Ok(Arc::new(picture))
    }

    /// The orders that stand.
    pub(super) fn orders_of(&mut self, head: &Head, now: Timestamp) -> Arc<Orders> {
        let event = self.inner.schedule.at(now.0).event;
        let began = event.map_or(Timestamp(0), |event| Timestamp(event.prequeue_at));
        let orders = Orders::read(&head.orders).of_a_sale_since(began);
        if *self.orders != orders {
            self.orders = Arc::new(orders);
        }
        Arc::clone(&self.orders)
    }

    async fn read_activity(&self, now: Timestamp) -> Result<(), StoreError> {
        let visited = self.inner.visited.load();
        let epochs: Vec<Epoch> = visited.alive(now).chain(visited.ended(now)).collect();
        let read = self.inner.store.traces(&epochs).await?;
        self.remember_visits(&epochs, &read);
        Ok(())
    }

    /// Keeps what was read of the epochs of visits, for a store that forgets.
    fn remember_visits(&self, epochs: &[Epoch], read: &[Bits]) {
        let names = epochs.iter().map(|(_, epoch)| *epoch);
        let by_epoch = names.zip(read.iter().cloned());
        self.inner.active.store(Arc::new(by_epoch.collect()));
    }

    /// The presence epochs that say who is there.
    pub(super) fn living_epochs(&self, now: Timestamp) -> RangeInclusive<u64> {
        Epochs::of_presence(&self.inner.rules).living(now)
    }

    /// What a tick decides on beside the picture; who is there only where it is asked for.
    pub(super) async fn traces(
        &self,
        presence: Option<RangeInclusive<u64>>,
        now: Timestamp,
    ) -> Result<Traces, StoreError> {
        let of = |trace, epochs: Vec<u64>| epochs.into_iter().map(move |epoch| (trace, epoch));
        let expected = Epochs::of_due().within(&controller::expected_epochs(now));
        let rules = &self.inner.rules;
        let judged = presence.is_some();
        let presence = presence.map_or(Vec::new(), |living| {
            Epochs::of_presence(rules).within(&living)
        });
        let visited = self.inner.visited.load();
        let mut epochs: Vec<Epoch> = visited.alive(now).collect();
        let activity = epochs.len();
        epochs.extend(visited.ended(now));
        let over = epochs.len();
        epochs.extend(of(Trace::Due, expected));
        let due = epochs.len();
        epochs.extend(of(Trace::Presence, presence));
        let mut read = self.inner.store.traces(&epochs).await?;
        let living = union(read.drain(due..));
        let expected = union(read.drain(over..));
        self.remember_visits(&epochs[..over], &read);
        let ended = union(read.drain(activity..));
        let active = union(read);
        Ok(Traces {
            living: judged.then_some(living),
            expected,
            inside: Inside { active, ended },
        })
    }
}

fn union(sets: impl IntoIterator<Item = Bits>) -> Bits {
    let mut sets = sets.into_iter();
    let mut all = sets.next().unwrap_or_default();
    sets.for_each(|bits| all.merge(&bits));
    all
}

/// Most numbers of one line that are read at once: 4 billion, half a gigabyte of bits a kind at the very worst.
const MOST_NUMBERS: u64 = 1 << 32;

/// A store that holds something absurd must not make us allocate without end.
fn check(line: &Line, next: Number) -> Result<(), StoreError> {
    let in_order = line.floor <= line.frontier && line.frontier <= line.horizon;
    let end = next.max(line.horizon);
    let batches = line.batches.iter();
    let ranges = batches
        .clone()
        .all(|batch| batch.from <= batch.to && batch.to <= end);
    if in_order && ranges && end.since(line.floor) <= MOST_NUMBERS {
        return Ok(());
    }
    Err(StoreError::Unexpected("a line that cannot be".into()))
}

/// A clock that was set back, of a machine or of the store and all its gateways, stands before what the line says happened.
/// Nobody can be called by it: tickets say when to ask next, and who asks as told would look absent. The line stands, and
/// the visitors are told that the store is lost, until the clock is right or has caught up.
fn is_not_ahead(line: &Line, now: Timestamp) -> Result<(), StoreError> {
    let ahead = line.ticked_at.since(now);
    if ahead <= 2 * CLOCK_SKEW {
        return Ok(());
    }
    let seconds = ahead.as_secs();
    Err(StoreError::Clock(format!(
        "the line is {seconds} s ahead of this machine"
    )))
}
