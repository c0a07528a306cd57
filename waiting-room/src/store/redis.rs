//! The store of a fleet: one Redis, Redis under Sentinels, or a Redis Cluster; only single commands,
//! pipelines and MULTI; no Lua.
//!
//! Keys of a room, all under one hash tag so that a Cluster keeps them together:
//!
//! | key | type | content |
//! | --- | --- | --- |
//! | `fg:{tenant:room}:s` | string | version (8 bytes), then the line's record |
//! | `…:n` | counter | the next number |
//! | `…:h` | string | the line and its horizon (8 bytes each), as the record says |
//! | `…:t` | string, expiring | held by the gateway that ticks |
//! | `…:m:<kind>:<segment>` | bitmap, 8 KiB | marks of 65,536 numbers |
//! | `…:e:<trace>:<epoch>` | hash, expiring | field gateway + chunk, value 512 bytes of bits |
//!
//! Each gateway writes only its own fields of a trace, whole: no read-modify-write, and twice is once.

mod guide;
mod link;
mod servers;
mod wire;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use async_trait::async_trait;
use fred::{prelude::*, util::redis_keyslot};

use super::{
    Commit, Committed, Facts, GatewayId, Head, Mark, Record, RoomStore, StoreError, Taken, Wanted,
    Was,
};
use crate::{
    bits::Bits,
    line::SEGMENT_NUMBERS,
    presence::{ChunkWrite, Trace},
    value::{Number, Timestamp, millis},
};
use servers::{Links, Servers};
use wire::{Argument, command};

/// A Redis deployment and this process' connections to it. Clones share them.
#[derive(Clone, Debug)]
pub struct Redis {
    servers: Arc<Servers>,
}

impl Redis {
    /// The deployment at `url`, not yet connected: stores of its rooms answer that they are unavailable.
    ///
    /// - `redis://host:port` is one server;
    /// - `redis-sentinel://host:port?sentinelServiceName=name&node=host:port&node=…` names the Sentinels, all of
    ///   them; they have a password of their own (`&sentinelPassword=…`) or none;
    /// - `redis-cluster://host:port?node=host:port&node=…` names some of a Cluster's nodes.
    ///
    /// # Errors
    /// When `url` is not a Redis URL.
    pub fn new(url: &str) -> Result<Self, StoreError> {
        let servers = Arc::new(Servers::at(url)?);
        Ok(Self { servers })
    }

    /// Connects in the background, and again whenever a connection breaks, until the last clone is
    /// dropped. To be called once, inside the tokio runtime on which the connections shall live.
    pub fn connect(&self) {
        self.servers.connect();
    }

    /// The store of one room.
    #[must_use]
    pub fn room(&self, tenant: &str, room: &str) -> RedisStore {
        let prefix = format!("fg:{{{tenant}:{room}}}:");
        RedisStore {
            servers: Arc::clone(&self.servers),
            slot: redis_keyslot(prefix.as_bytes()),
            prefix,
        }
    }
}

/// One room in Redis.
#[derive(Clone, Debug)]
pub struct RedisStore {
    servers: Arc<Servers>,
    slot: u16,
    prefix: String,
}

impl RedisStore {
    /// The connections to the server that has the room now.
    fn links(&self) -> Result<Arc<Links>, StoreError> {
        self.servers.of(self.slot)
    }

    fn key(&self, suffix: &str) -> Argument {
        Argument::from(format!("{}{suffix}", self.prefix))
    }

    fn mark_key(&self, mark: Mark, segment: u64) -> Argument {
        let kind = match mark {
            Mark::Gone => 'g',
            Mark::Late => 'l',
            Mark::Claimed => 'c',
            Mark::Left => 'f',
        };
        self.key(&format!("m:{kind}:{segment}"))
    }

    fn trace_key(&self, trace: Trace, epoch: u64) -> Argument {
        let kind = match trace {
            Trace::Presence => 'p',
            Trace::Activity => 'a',
        };
        self.key(&format!("e:{kind}:{epoch}"))
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
        for (mark, chunk, bytes) in &commit.chunks {
            let (segment, offset) = wire::place_of_chunk(*chunk);
            let arguments = vec![
                self.mark_key(*mark, segment),
                Argument::from(offset.to_string()),
                wire::blob(bytes),
            ];
            let _: Value = transaction.custom(command("SETRANGE"), arguments).await?;
        }
        if let Some(dropped) = commit.drop_below.checked_sub(1) {
            // Segments are dropped one by one as the floor rises, at the latest when it has risen
            // past the next: what is older was dropped before.
            let keys = [Mark::Gone, Mark::Late, Mark::Claimed, Mark::Left]
                .into_iter()
                .flat_map(|mark| {
                    (dropped.saturating_sub(KEPT_DROPS)..=dropped)
                        .map(move |segment| self.mark_key(mark, segment))
                })
                .collect::<Vec<_>>();
            let _: Value = transaction.custom(command("UNLINK"), keys).await?;
        }
        Ok(())
    }
}

/// How many segments below the floor a commit drops: more than a floor rises by in one go, so that
/// none is left behind.
const KEPT_DROPS: u64 = 3;

#[async_trait]
impl RoomStore for RedisStore {
    fn session(&self) -> u64 {
        self.links().map_or(0, |links| links.session())
    }

    fn settle(&self) -> Duration {
        self.servers.settle()
    }

    async fn take(&self, count: NonZeroU32) -> Result<Taken, StoreError> {
        let arguments = vec![self.key("n"), Argument::from(count.to_string())];
        let pipeline = self.links()?.visitors.client()?.pipeline();
        let _: Value = pipeline.custom(command("INCRBY"), arguments).await?;
        // After the number: whatever was reserved by then is seen.
        let _: Value = pipeline.custom(command("GET"), vec![self.key("h")]).await?;
        wire::taken(pipeline.all().await?, count)
    }

    async fn mark(&self, mark: Mark, number: Number) -> Result<Was, StoreError> {
        let (segment, offset) = (number.0 / SEGMENT_NUMBERS, number.0 % SEGMENT_NUMBERS);
        let arguments = vec![
            self.mark_key(mark, segment),
            Argument::from(offset.to_string()),
            Argument::from("1"),
        ];
        let was: u64 = self
            .links()?
            .visitors
            .client()?
            .custom(command("SETBIT"), arguments)
            .await?;
        Ok(if was == 0 { Was::Unset } else { Was::Set })
    }

    async fn merge(&self, mark: Mark, bits: &Bits) -> Result<(), StoreError> {
        let client = self.links()?.bulk.client()?;
        for (segment, bytes) in wire::segments(bits) {
            // A bitmap of ours beside theirs, OR-ed by the server: nobody's bit is overwritten.
            let (theirs, ours) = (
                self.mark_key(mark, segment),
                self.key(&format!("x:{segment}")),
            );
            let pipeline = client.pipeline();
            let set = vec![
                ours.clone(),
                wire::blob(&bytes),
                "PX".into(),
                "10000".into(),
            ];
            let _: Value = pipeline.custom(command("SET"), set).await?;
            let or = vec!["OR".into(), theirs.clone(), theirs, ours.clone()];
            let _: Value = pipeline
                .custom(wire::command_with_second_key("BITOP"), or)
                .await?;
            let _: Value = pipeline.custom(command("UNLINK"), vec![ours]).await?;
            let _: Vec<Value> = pipeline.all().await?;
        }
        Ok(())
    }

    async fn flush(&self, gateway: GatewayId, writes: &[ChunkWrite]) -> Result<(), StoreError> {
        let pipeline = self.links()?.bulk.client()?.pipeline();
        for write in writes {
            let key = self.trace_key(write.trace, write.epoch);
            let field = wire::trace_field(gateway, write.chunk);
            let set = vec![key.clone(), wire::blob(&field), wire::blob(&write.bytes)];
            let _: Value = pipeline.custom(command("HSET"), set).await?;
            let keep = Argument::from(millis(write.keep).to_string());
            let _: Value = pipeline.custom(command("PEXPIRE"), vec![key, keep]).await?;
        }
        let _: Vec<Value> = pipeline.all().await?;
        Ok(())
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let pipeline = self.links()?.bulk.client()?.pipeline();
        let keys = vec![self.key("n"), self.key("s")];
        let _: Value = pipeline.custom(command("MGET"), keys).await?;
        let nothing = Vec::<Argument>::new();
        let _: Value = pipeline.custom(command("TIME"), nothing).await?;
        let mut answers = pipeline.all::<Vec<Value>>().await?.into_iter();
        let head = wire::head(wire::array(answers.next())?)?;
        let at = wire::time(answers.next())?;
        Ok(Head {
            at: Some(at),
            ..head
        })
    }

    async fn facts(&self, wanted: &Wanted) -> Result<Facts, StoreError> {
        let pipeline = self.links()?.bulk.client()?.pipeline();
        let kinds = [Mark::Gone, Mark::Late, Mark::Claimed, Mark::Left];
        for mark in kinds {
            let keys: Vec<_> = wanted
                .segments
                .clone()
                .map(|segment| self.mark_key(mark, segment))
                .collect();
            let _: Value = pipeline.custom(command("MGET"), keys).await?;
        }
        let of = |trace, epochs: &[u64]| epochs.iter().map(|epoch| (trace, *epoch)).collect();
        let presence: Vec<_> = of(Trace::Presence, &wanted.presence);
        let activity: Vec<_> = of(Trace::Activity, &wanted.activity);
        let epochs = presence.into_iter().chain(activity);
        for (trace, epoch) in epochs.clone() {
            let _: Value = pipeline
                .custom(command("HGETALL"), vec![self.trace_key(trace, epoch)])
                .await?;
        }
        let mut answers = pipeline.all::<Vec<Value>>().await?.into_iter();
        let mut facts = Facts::default();
        for mark in kinds {
            let segments = wire::array(answers.next())?;
            let bits = facts.marks.of_mut(mark);
            for (segment, value) in wanted.segments.clone().zip(segments) {
                wire::merge_segment(bits, segment, value)?;
            }
        }
        for (trace, epoch) in epochs {
            let bits = wire::trace_bits(answers.next())?;
            match trace {
                Trace::Presence => facts.presence.push((epoch, bits)),
                Trace::Activity => facts.activity.merge(&bits),
            }
        }
        Ok(facts)
    }

    async fn try_tick(&self, _now: Timestamp, hold: Duration) -> Result<bool, StoreError> {
        // By the server's clock, so that gateways whose clocks differ do not tick too often.
        let arguments = vec![
            self.key("t"),
            "1".into(),
            "NX".into(),
            "PX".into(),
            millis(hold).to_string().into(),
        ];
        let won: Option<String> = self
            .links()?
            .bulk
            .client()?
            .custom(command("SET"), arguments)
            .await?;
        Ok(won.is_some())
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        let links = self.links()?;
        let _alone = links.fencing.lock().await;
        // This client never reconnects by itself: if its connection breaks after WATCH, all that
        // follows fails, and nothing can be written without the fence.
        let client = links.fence.client()?;
        let watched = vec![self.key("s"), self.key("n")];
        let raises = commit.next_at_least;
        let head = wire::head(
            client
                .custom(command("MGET"), watched.iter().rev().cloned().collect())
                .await?,
        )?;
        let raise = head.next.is_none_or(|next| next < raises);
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
            head.next
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
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
