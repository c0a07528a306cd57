//! One arrival is one number also where it asks another gateway again: because it got no answer, or because the one that
//! answered is gone.
//!
//! Before numbers are taken, what the other gateways gave meanwhile is read; before they are given out, it is noted which
//! arrival gets which. So whoever asks again gets the same number, but for two gateways that are asked at once: each has read
//! before the other wrote. Receipts are kept for seconds: they cost the store 8 bytes a joiner, a megabyte at the most, and the line nothing.

use std::collections::VecDeque;

use super::{Arrival, Given, Inner, Joins};
use crate::{
    store::{EntryId, MOST_ENTRIES, RECEIPTS_KEPT, StoreError},
    value::{LineId, Number, Timestamp},
};

/// In a rush the receipts of the last so many arrivals are kept: a megabyte.
const MOST_ARRIVALS: usize = 1 << 17;

/// What was read of the fleet's receipts.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Over which link, and how far.
    session: u64,
    last: EntryId,
    /// When the last came, and of how many arrivals they are.
    kept: VecDeque<(EntryId, usize)>,
    arrivals: usize,
}

impl Read {
    /// After which receipt to go on. Another store may number them otherwise: all are read again.
    fn to(&mut self, session: u64) -> EntryId {
        if self.session != session {
            *self = Self {
                session,
                ..Self::default()
            };
        }
        self.last
    }

    fn note(&mut self, id: EntryId, receipt: &[u8]) {
        let arrivals = (receipt.len() / 8).saturating_sub(2);
        self.last = id;
        self.arrivals += arrivals;
        self.kept.push_back((id, arrivals));
        while self.arrivals > MOST_ARRIVALS
            && let Some((_, oldest)) = self.kept.pop_front()
        {
            self.arrivals -= oldest;
        }
    }

    /// Receipts from before that moment need not be kept at `now`.
    fn needed_since(&mut self, now: Timestamp) -> Timestamp {
        let since = now.minus(RECEIPTS_KEPT);
        while let Some((EntryId(at, _), arrivals)) = self.kept.front()
            && *at < since.0
        {
            self.arrivals -= arrivals;
            self.kept.pop_front();
        }
        let oldest = self.kept.front();
        oldest.map_or(since, |(EntryId(at, _), _)| since.max(Timestamp(*at)))
    }
}

/// The line, the first number, and the nonces of those who got it and the next ones.
fn receipt(line: LineId, first: Number, arrivals: &[&Arrival]) -> Vec<u8> {
    let nonces = arrivals.iter().map(|arrival| arrival.nonce);
    let words = [line.0, first.0].into_iter().chain(nonces);
    words.flat_map(u64::to_be_bytes).collect()
}

/// Of which line a receipt is, and who got which number.
fn arrivals(receipt: &[u8]) -> (LineId, impl Iterator<Item = (u64, Number)>) {
    let (words, _) = receipt.as_chunks::<8>();
    let mut words = words.iter().map(|word| u64::from_be_bytes(*word));
    let line = LineId(words.next().unwrap_or_default());
    let first = Number(words.next().unwrap_or_default());
    let numbers = (0..).map(move |place| first.plus(place));
    (line, words.zip(numbers))
}

impl Inner {
    /// For each arrival its number: that which some gateway gave it, or a new one.
    pub(super) async fn give_with_receipt(
        &self,
        batch: &[Arrival],
        now: Timestamp,
    ) -> Vec<Option<Given>> {
        let Some(line) = self.snapshot.load().as_ref().map(|seen| seen.line.id) else {
            return vec![None; batch.len()];
        };
        if let Err(error) = self.read_receipts(line).await {
            tracing::debug!(%error, "no number");
            return vec![None; batch.len()];
        }
        let known = self.joins.known(batch);
        let fresh = batch.iter().zip(&known);
        let fresh: Vec<_> = fresh
            .filter_map(|(arrival, known)| known.is_none().then_some(arrival))
            .collect();
        let given = self.give(fresh.len()).await;
        if let Some(Some(first)) = given.first() {
            let receipt = receipt(line, first.number, &fresh);
            // In vain: then only this gateway knows it.
            let since = self.joins.read.lock().needed_since(now);
            if let Err(error) = self.store.add_receipt(&receipt, now, since).await {
                tracing::debug!(%error, "no receipt");
            }
        }
        let mut given = given.into_iter();
        let again = |known: Option<Number>| known.map(Given::again);
        let all = known
            .into_iter()
            .map(|known| again(known).or_else(|| given.next().flatten()));
        all.collect()
    }

    /// Remembers what other gateways gave since this was done last.
    async fn read_receipts(&self, line: LineId) -> Result<(), StoreError> {
        let session = self.store.session();
        loop {
            let after = self.joins.read.lock().to(session);
            let receipts = self.store.receipts(after).await?;
            let mut read = self.joins.read.lock();
            let mut remembered = self.joins.remembered.lock();
            remembered.be_of(line);
            for (id, receipt) in &receipts {
                read.note(*id, receipt);
                let (of, arrivals) = arrivals(receipt);
                for (nonce, number) in arrivals.filter(|_| of == line) {
                    remembered.note(nonce, number);
                    // Its giver may be gone, and the store may forget: nobody else shall get it.
                    self.raise_highest(number.plus(1));
                }
            }
            if receipts.len() < MOST_ENTRIES {
                return Ok(());
            }
        }
    }
}

impl Joins {
    fn known(&self, batch: &[Arrival]) -> Vec<Option<Number>> {
        let remembered = self.remembered.lock();
        let number = |arrival: &Arrival| remembered.find(arrival.nonce);
        batch.iter().map(number).collect()
    }
}
