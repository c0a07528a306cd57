//! Which numbers the last arrivals got: a stream that every taking of numbers cuts to its last seconds.

use std::sync::atomic::Ordering;

use fred::prelude::*;

use super::{
    RedisStore,
    wire::{self, Argument, command},
};
use crate::{
    store::{MOST_RECEIPTS, RECEIPTS_KEPT, ReceiptId, StoreError},
    value::{Timestamp, millis},
};

impl RedisStore {
    pub(super) async fn receipt_added(
        &self,
        receipt: &[u8],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let pipeline = self.links()?.visitors.client()?.pipeline();
        let oldest = now.minus(RECEIPTS_KEPT).0.to_string();
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

    pub(super) async fn receipts_after(
        &self,
        after: ReceiptId,
    ) -> Result<Vec<(ReceiptId, Vec<u8>)>, StoreError> {
        let count = MOST_RECEIPTS.to_string();
        let ReceiptId(at, nth) = after;
        let range = [format!("({at}-{nth}"), "+".into(), "COUNT".into(), count];
        let range = range.map(Argument::from);
        let range: Vec<_> = [self.key("q")].into_iter().chain(range).collect();
        let client = self.links()?.visitors.client()?;
        let entries = wire::array(Some(client.custom(command("XRANGE"), range).await?))?;
        entries.into_iter().map(wire::receipt).collect()
    }
}
