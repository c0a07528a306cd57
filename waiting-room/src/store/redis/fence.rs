//! The fenced write of a tick: WATCH, a look, MULTI … EXEC, on a connection of its own.

use std::{sync::atomic::Ordering, time::Duration};

use fred::prelude::*;

use super::{
    RedisStore,
    wire::{self, Argument, command},
};
use crate::{
    store::{Commit, Committed, KEPT_ENTRIES, Part, Record, StoreError},
    value::Number,
};

/// No tick waits for longer until the other rooms have written: what it was decided on would be too old.
const FENCE_WITHIN: Duration = Duration::from_secs(2);

impl RedisStore {
    /// Writes a commit whole, if the record is still the one it was decided on.
    pub(super) async fn fenced(&self, commit: &Commit) -> Result<Committed, StoreError> {
        let links = self.links()?;
        let alone = tokio::time::timeout(FENCE_WITHIN, links.fencing.lock()).await;
        let _alone = alone.map_err(|_| StoreError::Unavailable("other rooms write".into()))?;
        // This client never reconnects by itself: if its connection breaks after WATCH, all that
        // follows fails, and nothing can be written without the fence.
        let client = links.fence.client()?;
        let watched = vec![self.key("s"), self.key("n")];
        let raises = commit.next_at_least;
        let (next, _) = wire::counter_and_record(
            client
                .custom(command("MGET"), watched.iter().rev().cloned().collect())
                .await?,
        )?;
        let raise = next.is_none_or(|next| next < raises);
        // The counter moves with every join: it is only watched where it is to be written.
        let watch = if raise { watched } else { vec![self.key("s")] };
        let _: Value = client.custom(command("WATCH"), watch).await?;
        let record = self.read_record(&client).await?;
        if record.map(|record| record.version) != commit.seen {
            let _: Value = client
                .custom(command("UNWATCH"), Vec::<Argument>::new())
                .await?;
            return Ok(Committed::Fenced);
        }
        let next = if raise {
            wire::counter(client.custom(command("GET"), vec![self.key("n")]).await?)?
        } else {
            next
        };
        let dropped = self.to_drop(&client, commit).await?;
        let transaction = client.multi();
        self.queue(&transaction, commit, next).await?;
        self.queue_drops(&transaction, &dropped).await?;
        let done: Value = transaction.exec(true).await?;
        if done.is_null() {
            return Ok(Committed::Fenced);
        }
        self.dropped_below
            .fetch_max(commit.drop_below, Ordering::Relaxed);
        Ok(Committed::Done)
    }

    /// The parts that are no longer needed. The floor stands while anybody waits, and then rises by as much as a crowd
    /// was long: so it is looked which there are, each time it has risen.
    async fn to_drop(&self, client: &Client, commit: &Commit) -> Result<Vec<Part>, StoreError> {
        if commit.drop_below <= self.dropped_below.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let all = client
            .custom(command("HGETALL"), vec![self.key("v")])
            .await?;
        let stamps = wire::fields(Some(all))?.stamps.into_keys();
        Ok(stamps
            .filter(|part| part.segment < commit.drop_below)
            .collect())
    }

    async fn queue_drops(
        &self,
        transaction: &fred::clients::Transaction,
        parts: &[Part],
    ) -> Result<(), StoreError> {
        if parts.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = parts.iter().map(|part| self.part_key(*part)).collect();
        let _: Value = transaction.custom(command("UNLINK"), keys).await?;
        let fields = parts.iter().map(|part| wire::part_name(*part).into());
        let stamps = [self.key("v")].into_iter().chain(fields).collect();
        let _: Value = transaction.custom(command("HDEL"), stamps).await?;
        Ok(())
    }

    async fn read_record(&self, client: &Client) -> Result<Option<Record>, StoreError> {
        wire::record(client.custom(command("GET"), vec![self.key("s")]).await?)
    }

    /// Queues the writes of a commit.
    async fn queue(
        &self,
        transaction: &fred::clients::Transaction,
        commit: &Commit,
        next: Option<Number>,
    ) -> Result<(), StoreError> {
        let record = wire::record_bytes(&commit.record);
        let _: Value = transaction
            .custom(command("SET"), vec![self.key("s"), wire::blob(&record)])
            .await?;
        let reach = wire::reach_bytes(commit.reach);
        let _: Value = transaction
            .custom(command("SET"), vec![self.key("h"), wire::blob(&reach)])
            .await?;
        if next.is_none_or(|next| next < commit.next_at_least) {
            let raised = Argument::from(commit.next_at_least.to_string());
            let _: Value = transaction
                .custom(command("SET"), vec![self.key("n"), raised])
                .await?;
        }
        if !commit.entries.is_empty() {
            let key = self.key("l");
            let entries = commit.entries.iter().map(|entry| entry.as_str().into());
            let added = [key.clone()].into_iter().chain(entries).collect();
            let _: Value = transaction.custom(command("RPUSH"), added).await?;
            let kept = Argument::from(format!("-{KEPT_ENTRIES}"));
            let _: Value = transaction
                .custom(command("LTRIM"), vec![key, kept, "-1".into()])
                .await?;
        }
        for (mark, chunk, bytes) in &commit.chunks {
            let (segment, offset) = wire::place_of_chunk(*chunk);
            let part = Part {
                mark: *mark,
                segment,
            };
            let arguments = vec![
                self.part_key(part),
                Argument::from(offset.to_string()),
                wire::blob(bytes),
            ];
            let _: Value = transaction.custom(command("SETRANGE"), arguments).await?;
            let _: Value = transaction
                .custom(command("HINCRBY"), self.stamped(part))
                .await?;
        }
        Ok(())
    }
}
