//! Streams: the moves, and which numbers the last arrivals got. Every taking of numbers cuts the second to its last seconds.

use std::sync::atomic::Ordering;

use fred::prelude::*;

use super::{
    RedisStore,
    wire::{self, Argument, command},
};
use crate::{
    store::{EntryId, MOST_ENTRIES, RECEIPTS_KEPT, StoreError},
    value::{Timestamp, millis},
};

impl RedisStore {
    pub(super) async fn receipt_added(
        &self,
        receipt: &[u8],
        now: Timestamp,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        let pipeline = self.links()?.visitors.client()?.pipeline();
        let oldest = since.0.to_string();
        let add = ["MINID", "~", &oldest, "*", "r"].map(Argument::from);
        let add = [self.key("q")].into_iter().chain(add);
        let add: Vec<_> = add.chain([wire::blob(receipt)]).collect();
        let _: Value = pipeline.custom(command("XADD"), add).await?;
        // Said now and then only: this is on the way of every joiner.
        let said_at = Timestamp(self.receipts_expire.load(Ordering::Relaxed));
        if now.since(said_at).max(said_at.since(now)) >= RECEIPTS_KEPT {
            let keep = Argument::from(millis(3 * RECEIPTS_KEPT).to_string());
            let expire = vec![self.key("q"), keep];
            let _: Value = pipeline.custom(command("PEXPIRE"), expire).await?;
            self.receipts_expire.store(now.0, Ordering::Relaxed);
        }
        let _: Vec<Value> = pipeline.all().await?;
        Ok(())
    }

    pub(super) async fn move_added(&self, entry: &[u8]) -> Result<(), StoreError> {
        let add = vec![self.key("y"), "*".into(), "m".into(), wire::blob(entry)];
        let client = self.links()?.visitors.client()?;
        let _: Value = client.custom(command("XADD"), add).await?;
        Ok(())
    }

    pub(super) async fn moves_forgotten(&self, last: EntryId) -> Result<(), StoreError> {
        let EntryId(at, nth) = last;
        let first_kept = format!("{at}-{}", nth.saturating_add(1));
        let trim = ["MINID", &first_kept].map(Argument::from);
        let trim: Vec<_> = [self.key("y")].into_iter().chain(trim).collect();
        let client = self.links()?.bulk.client()?;
        let _: Value = client.custom(command("XTRIM"), trim).await?;
        Ok(())
    }

    /// The first entries of a stream after `after`.
    pub(super) async fn entries(
        &self,
        stream: &str,
        after: EntryId,
    ) -> Result<Vec<(EntryId, Vec<u8>)>, StoreError> {
        let count = MOST_ENTRIES.to_string();
        let EntryId(at, nth) = after;
        let range = [format!("({at}-{nth}"), "+".into(), "COUNT".into(), count];
        let range = range.map(Argument::from);
        let range: Vec<_> = [self.key(stream)].into_iter().chain(range).collect();
        let client = self.links()?.visitors.client()?;
        let entries = wire::array(Some(client.custom(command("XRANGE"), range).await?))?;
        entries.into_iter().map(wire::entry).collect()
    }
}
