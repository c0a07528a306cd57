//! One arrival is one number also where it asks another gateway again: because it got no answer, or because the one that
//! answered is gone.
//!
//! Before numbers are taken, what the other gateways gave meanwhile is read; before they are given out, it is noted which
//! arrival gets which. So whoever asks again gets the same number, but for two gateways asked in the same
//! millisecond. Receipts are kept for seconds: they cost the store 8 bytes a joiner, and the line nothing.

use super::{Arrival, Given, Inner, Joins};
use crate::{
    store::{MOST_RECEIPTS, ReceiptId, StoreError},
    value::{Number, Timestamp},
};

/// The first number, and the nonces of those who got it and the next ones.
fn receipt(first: Number, arrivals: &[&Arrival]) -> Vec<u8> {
    let nonces = arrivals.iter().map(|arrival| arrival.nonce);
    let words = [first.0].into_iter().chain(nonces);
    words.flat_map(u64::to_be_bytes).collect()
}

fn read(receipt: &[u8]) -> impl Iterator<Item = (u64, Number)> {
    let (words, _) = receipt.as_chunks::<8>();
    let mut words = words.iter().map(|word| u64::from_be_bytes(*word));
    let first = Number(words.next().unwrap_or_default());
    let numbers = (0..).map(move |place| first.plus(place));
    words.zip(numbers)
}

impl Inner {
    /// For each arrival its number: that which some gateway gave it, or a new one.
    pub(super) async fn give_with_receipt(
        &self,
        batch: &[Arrival],
        now: Timestamp,
    ) -> Vec<Option<Given>> {
        if let Err(error) = self.read_receipts().await {
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
            let receipt = receipt(first.number, &fresh);
            // In vain: then only this gateway knows it.
            if let Err(error) = self.store.add_receipt(&receipt, now).await {
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
    async fn read_receipts(&self) -> Result<(), StoreError> {
        let session = self.store.session();
        loop {
            let after = self.joins.read_to(session);
            let receipts = self.store.receipts(after).await?;
            let Some((last, _)) = receipts.last() else {
                return Ok(());
            };
            *self.joins.read_to.lock() = (session, *last);
            let mut remembered = self.joins.remembered.lock();
            for (nonce, number) in receipts.iter().flat_map(|(_, receipt)| read(receipt)) {
                remembered.note(nonce, number);
            }
            if receipts.len() < MOST_RECEIPTS {
                return Ok(());
            }
        }
    }
}

impl Joins {
    /// Another store may number its receipts otherwise: all are read again.
    fn read_to(&self, session: u64) -> ReceiptId {
        let read_to = self.read_to.lock();
        let (of, last) = *read_to;
        if of == session {
            last
        } else {
            ReceiptId::default()
        }
    }

    fn known(&self, batch: &[Arrival]) -> Vec<Option<Number>> {
        let remembered = self.remembered.lock();
        let number = |arrival: &Arrival| remembered.find(arrival.nonce);
        batch.iter().map(number).collect()
    }
}
