//! Giving back what the store forgot.

use std::collections::BTreeMap;

use super::{Driver, reach_of, record_of};
use crate::{
    bits::Bits,
    counts::Event,
    line::{Line, SEGMENT_NUMBERS},
    orders::{Order, Orders},
    snapshot::Snapshot,
    store::{Commit, Head, Mark, StoreError},
    value::{Number, Timestamp},
};

impl Driver {
    /// The store came back with less than we saw: empty, or rolled back. It is given back the newest
    /// record, a counter above every number known, and all marks; each gateway adds what it knows.
    /// Ends in settling again, so that all are done before anything is decided.
    pub(super) async fn restore(
        &mut self,
        theirs: Option<Line>,
        head: &Head,
        (known, highest): (&Snapshot, Number),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.begin_settling(now);
        let inner = &self.inner;
        inner.heirlooms.counts.add(Event::Restored);
        tracing::warn!(line = known.line.id.0, "the store forgot; it is told again");
        // Seats that other gateways had recorded become ours too, to the end of each visit. Who waits is recorded again by
        // each gateway, from what it knows itself.
        for (epoch, bits) in inner.active.load().iter() {
            inner.activity.adopt(bits, *epoch, now);
        }
        self.known.all_at = Timestamp(0);
        self.add_what_we_know(known, known.line.floor).await?;
        self.repeat_orders(&known.orders, head).await?;
        self.restore_lists().await?;
        let seen = theirs.as_ref().map(|line| line.version);
        let restored = theirs.as_ref().map_or(0, Line::restored);
        let restored = restored.max(known.line.restored()) + 1;
        // Only the counter may have been lost: then their record and marks are at least ours.
        let newer = theirs.as_ref().filter(|line| !is_less(line, &known.line));
        let entries = match &newer {
            Some(_) => Vec::new(),
            None => self.log.beyond(theirs.as_ref(), &known.line),
        };
        let chunks = match &newer {
            Some(_) => Vec::new(),
            None => whole(Mark::Gone, &known.marks.gone)
                .chain(whole(Mark::Late, &known.marks.late))
                .collect(),
        };
        // All who see another count know that they may have lost what they wrote, and wait until all have written it again.
        // A tick that was decided before is fenced off: it knows of no restoring.
        let line = newer.unwrap_or(&known.line).given_back(restored);
        let commit = Commit {
            seen,
            record: record_of(&line),
            reach: reach_of(&line),
            next_at_least: highest.max(known.next),
            chunks,
            entries,
            drop_below: known.line.floor.0 / SEGMENT_NUMBERS,
        };
        // Fenced: somebody else is giving back; the next step looks again.
        inner.store.commit(&commit).await.map(|_| ())
    }
}

impl Driver {
    /// Another gateway has given the line back to a store that forgot: what this one wrote may be lost too, though the line
    /// is the same. It is written again before anything is decided. A store that lost less than a tick looks as if it had
    /// lost nothing: it is told again over each new link.
    pub(super) async fn join_in_restoring(
        &mut self,
        both: Option<(&Line, &Snapshot)>,
        head: &Head,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some((line, known)) = both else {
            return Ok(());
        };
        let is_given_back = line.restored() != known.line.restored();
        let is_new_link = self.known.line.is_none();
        if line.id != known.line.id || !(is_given_back || is_new_link) {
            return Ok(());
        }
        if is_given_back {
            self.begin_settling(now);
        }
        self.add_what_we_know(known, line.floor).await?;
        self.repeat_orders(&known.orders, head).await?;
        self.flush(now).await
    }

    fn begin_settling(&mut self, now: Timestamp) {
        self.inner.trust.forget();
        self.settle_at = now.plus(self.inner.store.settle());
        // Seats of our visitors, and who waits.
        self.inner.soil();
        self.presence_at = Timestamp(0);
        self.announced = None;
        self.handed_in.clear();
    }

    /// Says again what operators said, as far as the store does not know it. What was said to another gateway meanwhile is
    /// newer, but of a word that counts once the first does.
    async fn repeat_orders(&self, known: &Orders, head: &Head) -> Result<(), StoreError> {
        let told = Orders::read(&head.orders);
        let lately = self.inner.heirlooms.said.lately();
        let lately = lately.iter().map(|order| (order.word.place(), order));
        let known = known.iter().map(|(place, order)| (place.to_owned(), order));
        let mut newest = BTreeMap::<String, &Order>::new();
        for (place, order) in known.chain(lately) {
            let kept = newest.entry(place).or_insert(order);
            if kept.at < order.at {
                *kept = order;
            }
        }
        for (place, order) in newest {
            let stands = told.iter().find(|(other, _)| **other == place);
            let store = &self.inner.store;
            if order.word.counts_once() {
                store.order_once(&place, &order.encode()).await?;
            } else if stands.is_none_or(|(_, stands)| stands.at < order.at) {
                store.order(&place, Some(&order.encode())).await?;
            }
        }
        Ok(())
    }

    async fn add_what_we_know(&self, known: &Snapshot, floor: Number) -> Result<(), StoreError> {
        let mut claimed = known.marks.claimed.clone();
        claimed.merge(&self.inner.heirlooms.claimed.numbers());
        let mut left = known.marks.left.clone();
        left.merge(&self.inner.heirlooms.left.numbers());
        for (mark, bits) in [(Mark::Claimed, &mut claimed), (Mark::Left, &mut left)] {
            bits.forget_below(floor);
            self.inner.store.merge(mark, bits).await?;
        }
        Ok(())
    }
}

/// Whether the store knows less than this gateway. A line opened later than ours is not less: a fleet
/// that had forgotten ours began it, and its visitors hold its tickets.
pub(super) fn has_forgotten(
    theirs: Option<&Line>,
    next: Option<Number>,
    known: &Snapshot,
    highest: Number,
) -> bool {
    let older = theirs.is_none_or(|line| is_less(line, &known.line));
    older || next.is_none_or(|next| next < highest)
}

/// By ticks: a line that another gateway has given back meanwhile may still be older than what we know.
fn is_less(theirs: &Line, ours: &Line) -> bool {
    (theirs.id, theirs.ticks()) < (ours.id, ours.ticks())
}

fn whole(mark: Mark, bits: &Bits) -> impl Iterator<Item = (Mark, u64, Vec<u8>)> + '_ {
    bits.chunks()
        .map(move |chunk| (mark, chunk, bits.bytes(chunk).to_vec()))
}
