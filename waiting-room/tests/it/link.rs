//! One gateway's own link to a store, which can break, and lose single commands or their answers.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use waiting_room::{
    Number, Timestamp,
    bits::Bits,
    presence::ChunkWrite,
    store::{
        Bond, Commit, Committed, EntryId, Epoch, GatewayId, Head, Mark, Part, RoomStore,
        StoreError, Taken, Was, memory::MemoryStore,
    },
};

/// What may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    Flush,
    Merge,
    Commit,
    /// The commit is done.
    CommitAnswer,
}

/// A link. Clones are the same link.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    store: MemoryStore,
    state: Arc<Mutex<(u64, Option<Lost>)>>,
}

impl Link {
    pub(crate) fn to(store: &MemoryStore) -> Self {
        Self {
            store: store.clone(),
            state: Arc::new(Mutex::new((1, None))),
        }
    }

    pub(crate) fn cut(&self) {
        self.state.lock().0 = 0;
    }

    pub(crate) fn mend(&self) {
        self.state.lock().0 = 2;
    }

    /// The next of these is lost.
    pub(crate) fn lose(&self, lost: Lost) {
        self.state.lock().1 = Some(lost);
    }

    fn up(&self) -> Result<&MemoryStore, StoreError> {
        match self.session() {
            0 => Err(StoreError::Unavailable("the link is cut".into())),
            _ => Ok(&self.store),
        }
    }

    fn unless(&self, lost: Lost) -> Result<&MemoryStore, StoreError> {
        let is_lost = self.state.lock().1.take_if(|next| *next == lost);
        match is_lost {
            Some(_) => Err(StoreError::Unavailable("lost on the way".into())),
            None => self.up(),
        }
    }
}

#[async_trait]
impl RoomStore for Link {
    fn session(&self) -> u64 {
        self.state.lock().0
    }

    fn settle(&self) -> Duration {
        Duration::from_secs(3)
    }

    async fn flush(
        &self,
        gateway: GatewayId,
        at: Timestamp,
        writes: &[ChunkWrite],
    ) -> Result<(), StoreError> {
        let store = self.unless(Lost::Flush)?;
        store.flush(gateway, at, writes).await
    }

    async fn merge(&self, mark: Mark, bits: &Bits) -> Result<(), StoreError> {
        self.unless(Lost::Merge)?.merge(mark, bits).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        let done = self.unless(Lost::Commit)?.commit(commit).await;
        self.unless(Lost::CommitAnswer)?;
        done
    }

    async fn take(&self, count: NonZeroU32) -> Result<Taken, StoreError> {
        self.up()?.take(count).await
    }

    async fn bound(&self, names: &[Bond]) -> Result<Vec<Option<Number>>, StoreError> {
        self.up()?.bound(names).await
    }

    async fn bind(&self, pairs: &[(Bond, Number)]) -> Result<Vec<Number>, StoreError> {
        self.up()?.bind(pairs).await
    }

    async fn add_receipt(
        &self,
        receipt: &[u8],
        now: Timestamp,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        self.up()?.add_receipt(receipt, now, since).await
    }

    async fn receipts(&self, after: EntryId) -> Result<Vec<(EntryId, Vec<u8>)>, StoreError> {
        self.up()?.receipts(after).await
    }

    async fn mark_each(&self, mark: Mark, numbers: &[Number]) -> Result<Vec<Was>, StoreError> {
        self.up()?.mark_each(mark, numbers).await
    }

    async fn forget_visits(&self, epochs: &[u64]) -> Result<(), StoreError> {
        self.up()?.forget_visits(epochs).await
    }

    async fn retire(&self, gateway: GatewayId) -> Result<(), StoreError> {
        self.up()?.retire(gateway).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.up()?.head().await
    }

    async fn order(&self, place: &str, order: Option<&[u8]>) -> Result<(), StoreError> {
        self.up()?.order(place, order).await
    }

    async fn order_once(&self, place: &str, order: &[u8]) -> Result<bool, StoreError> {
        self.up()?.order_once(place, order).await
    }

    async fn keep(&self, name: &str, bytes: &[u8], keep: Duration) -> Result<(), StoreError> {
        self.up()?.keep(name, bytes, keep).await
    }

    async fn kept(&self, names: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.up()?.kept(names).await
    }

    async fn add_move(&self, entry: &[u8]) -> Result<(), StoreError> {
        self.up()?.add_move(entry).await
    }

    async fn moves(&self, after: EntryId) -> Result<Vec<(EntryId, Vec<u8>)>, StoreError> {
        self.up()?.moves(after).await
    }

    async fn forget_moves(&self, last: EntryId) -> Result<(), StoreError> {
        self.up()?.forget_moves(last).await
    }

    async fn report(&self, report: &[u8]) -> Result<(), StoreError> {
        self.up()?.report(report).await
    }

    async fn reports(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.up()?.reports().await
    }

    async fn log(&self, count: u32) -> Result<Vec<String>, StoreError> {
        self.up()?.log(count).await
    }

    async fn marks(&self, parts: &[Part]) -> Result<Vec<Bits>, StoreError> {
        self.up()?.marks(parts).await
    }

    async fn traces(&self, epochs: &[Epoch]) -> Result<Vec<Bits>, StoreError> {
        self.up()?.traces(epochs).await
    }

    async fn try_tick(&self, now: Timestamp, hold: Duration) -> Result<bool, StoreError> {
        self.up()?.try_tick(now, hold).await
    }
}
