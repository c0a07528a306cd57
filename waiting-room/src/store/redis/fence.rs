//! The fenced write of a tick: WATCH, a look, MULTI … EXEC, on a connection of its own.

use fred::prelude::*;

use super::{
    RedisStore,
    wire::{self, Argument, command},
};
use crate::{
    store::{Commit, Committed, KEPT_ENTRIES, Mark, Part, Record, StoreError},
    value::Number,
};

/// How many segments below the floor a commit drops: more than a floor rises by in one go, so that
/// none is left behind.
const KEPT_DROPS: u64 = 3;

impl RedisStore {
    /// Writes a commit whole, if the record is still the one it was decided on.
    pub(super) async fn fenced(&self, commit: &Commit) -> Result<Committed, StoreError> {
        let links = self.links()?;
        let _alone = links.fencing.lock().await;
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
        let transaction = client.multi();
        self.queue(&transaction, commit, next).await?;
        let done: Value = transaction.exec(true).await?;
        Ok(if done.is_null() {
            Committed::Fenced
        } else {
            Committed::Done
        })
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
        if let Some(entry) = &commit.entry {
            let (key, entry) = (self.key("l"), Argument::from(entry.as_str()));
            let _: Value = transaction
                .custom(command("RPUSH"), vec![key.clone(), entry])
                .await?;
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
        if let Some(dropped) = commit.drop_below.checked_sub(1) {
            // Segments are dropped one by one as the floor rises, at the latest when it has risen
            // past the next: what is older was dropped before.
            let segments = dropped.saturating_sub(KEPT_DROPS)..=dropped;
            let parts: Vec<_> = Mark::ALL
                .into_iter()
                .flat_map(|mark| segments.clone().map(move |segment| Part { mark, segment }))
                .collect();
            let keys: Vec<_> = parts.iter().map(|part| self.part_key(*part)).collect();
            let _: Value = transaction.custom(command("UNLINK"), keys).await?;
            let fields = parts.iter().map(|part| wire::part_name(*part).into());
            let stamps = [self.key("v")].into_iter().chain(fields).collect();
            let _: Value = transaction.custom(command("HDEL"), stamps).await?;
        }
        Ok(())
    }
}
