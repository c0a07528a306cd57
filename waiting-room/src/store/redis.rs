//! The store of a fleet: one Redis, Redis under Sentinels, or a Redis Cluster; only single commands,
//! pipelines and MULTI; no Lua.
//!
//! Keys of a room, all under one hash tag so that a Cluster keeps them together:
//!
//! | key | type | content |
//! | --- | --- | --- |
//! | `fg:{tenant:room}:s` | string | version (8 bytes), then the line's record |
//! | `…:n` | counter | the next number |
//! | `…:h` | string | the line, its horizon and when the record was made (8 bytes each), as the record says |
//! | `…:k:<name>` | string, expiring | something kept under a name: a list of arrivals, an offered place |
//! | `…:y` | stream | places that moved to another device |
//! | `…:b:<shelf>` | hash, expiring | field a name (8 bytes), value the number bound to it |
//! | `…:q` | stream, expiring | which numbers the last arrivals got |
//! | `…:l` | list | the last entries of the line's log |
//! | `…:w` | list, expiring | what gateways saw of the origin |
//! | `…:t` | string, expiring | held by the gateway that ticks |
//! | `…:m:<kind>:<segment>` | bitmap, 8 KiB | marks of 65,536 numbers |
//! | `…:v` | hash | field kind and segment, value a count of its changes; field `o:` and place, value an order; field `w:` and gateway, value when it wrote last; field `a:` and an epoch of visits, value until when it is kept |
//! | `…:e:<trace>:<epoch>` | hash, expiring | field gateway + chunk, value 512 bytes of bits |
//!
//! Each gateway writes only its own fields of a trace, whole: no read-modify-write, and twice is once.

mod bonds;
mod entries;
mod fence;
mod guide;
mod link;
mod marked;
mod reports;
mod servers;
mod united;
mod wire;

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use async_trait::async_trait;
use fred::{prelude::*, util::redis_keyslot};

use super::{
    Bond, Commit, Committed, EntryId, Epoch, GatewayId, Head, Mark, Part, RoomStore, StoreError,
    Taken, Was,
};
use crate::{
    bits::Bits,
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
            dropped_below: Arc::default(),
            receipts_expire: Arc::default(),
        }
    }
}

/// One room in Redis.
#[derive(Clone, Debug)]
pub struct RedisStore {
    servers: Arc<Servers>,
    slot: u16,
    prefix: String,
    /// Below this segment this process has dropped all marks.
    dropped_below: Arc<AtomicU64>,
    /// When this process last said that the receipts expire.
    receipts_expire: Arc<AtomicU64>,
}

impl RedisStore {
    /// The connections to the server that has the room now.
    fn links(&self) -> Result<Arc<Links>, StoreError> {
        self.servers.of(self.slot)
    }

    fn key(&self, suffix: &str) -> Argument {
        Argument::from(format!("{}{suffix}", self.prefix))
    }

    fn part_key(&self, part: Part) -> Argument {
        self.key(&format!("m:{}", wire::part_name(part)))
    }

    /// HINCRBY of a part's stamp.
    fn stamped(&self, part: Part) -> Vec<Argument> {
        vec![self.key("v"), wire::part_name(part).into(), "1".into()]
    }

    fn trace_key(&self, trace: Trace, epoch: u64) -> Argument {
        let kind = match trace {
            Trace::Presence => 'p',
            Trace::Activity => 'a',
            Trace::Due => 'd',
        };
        self.key(&format!("e:{kind}:{epoch}"))
    }
}

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

    async fn bound(&self, names: &[Bond]) -> Result<Vec<Option<Number>>, StoreError> {
        self.bound_now(names).await
    }

    async fn bind(&self, pairs: &[(Bond, Number)]) -> Result<Vec<Number>, StoreError> {
        self.bind_once(pairs).await
    }

    async fn add_receipt(
        &self,
        receipt: &[u8],
        now: Timestamp,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        self.receipt_added(receipt, now, since).await
    }

    async fn receipts(&self, after: EntryId) -> Result<Vec<(EntryId, Vec<u8>)>, StoreError> {
        self.entries("q", after).await
    }

    async fn mark_each(&self, mark: Mark, numbers: &[Number]) -> Result<Vec<Was>, StoreError> {
        self.marked(mark, numbers).await
    }

    async fn merge(&self, mark: Mark, bits: &Bits) -> Result<(), StoreError> {
        self.united(mark, bits).await
    }

    async fn retire(&self, gateway: GatewayId) -> Result<(), StoreError> {
        let field = Argument::from(wire::gateway_field(gateway));
        let client = self.links()?.bulk.client()?;
        let _: Value = client
            .custom(command("HDEL"), vec![self.key("v"), field])
            .await?;
        Ok(())
    }

    async fn flush(
        &self,
        gateway: GatewayId,
        at: Timestamp,
        writes: &[ChunkWrite],
    ) -> Result<(), StoreError> {
        let mut fields: BTreeMap<(Trace, u64), (Timestamp, Vec<Argument>)> = BTreeMap::new();
        for write in writes {
            let (until, fields) = fields.entry((write.trace, write.epoch)).or_default();
            *until = write.until;
            fields.push(wire::blob(&wire::trace_field(gateway, write.chunk)));
            fields.push(wire::blob(&write.bytes));
        }
        let pipeline = self.links()?.bulk.client()?.pipeline();
        let field = Argument::from(wire::gateway_field(gateway));
        let mut noted = vec![self.key("v"), field, Argument::from(at.0.to_string())];
        for ((trace, epoch), (until, fields)) in fields {
            if trace == Trace::Activity {
                noted.extend([wire::visits_field(epoch), until.0.to_string()].map(Argument::from));
            }
            let key = self.trace_key(trace, epoch);
            let set = [key.clone()].into_iter().chain(fields).collect();
            let _: Value = pipeline.custom(command("HSET"), set).await?;
            let keep = Argument::from(millis(until.since(at)).max(1).to_string());
            let _: Value = pipeline.custom(command("PEXPIRE"), vec![key, keep]).await?;
        }
        // Listed after they are there.
        let _: Value = pipeline.custom(command("HSET"), noted).await?;
        let _: Vec<Value> = pipeline.all().await?;
        Ok(())
    }

    async fn forget_visits(&self, epochs: &[u64]) -> Result<(), StoreError> {
        let fields = epochs.iter().map(|epoch| wire::visits_field(*epoch).into());
        let listed: Vec<_> = [self.key("v")].into_iter().chain(fields).collect();
        if listed.len() == 1 {
            return Ok(());
        }
        let client = self.links()?.bulk.client()?;
        let _: Value = client.custom(command("HDEL"), listed).await?;
        Ok(())
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let pipeline = self.links()?.bulk.client()?.pipeline();
        let keys = vec![self.key("n"), self.key("s")];
        let _: Value = pipeline.custom(command("MGET"), keys).await?;
        let stamps = vec![self.key("v")];
        let _: Value = pipeline.custom(command("HGETALL"), stamps).await?;
        let nothing = Vec::<Argument>::new();
        let _: Value = pipeline.custom(command("TIME"), nothing).await?;
        let mut answers = pipeline.all::<Vec<Value>>().await?.into_iter();
        let (next, record) = wire::counter_and_record(wire::array(answers.next())?)?;
        let wire::Fields {
            stamps,
            orders,
            gateways,
            visits,
        } = wire::fields(answers.next())?;
        Ok(Head {
            next,
            record,
            stamps,
            orders,
            gateways,
            visits,
            at: Some(wire::time(answers.next())?),
        })
    }

    async fn order(&self, place: &str, order: Option<&[u8]>) -> Result<(), StoreError> {
        let client = self.links()?.visitors.client()?;
        let (key, field) = (self.key("v"), Argument::from(wire::order_field(place)));
        let _: Value = match order {
            Some(order) => {
                let set = vec![key, field, wire::blob(order)];
                client.custom(command("HSET"), set).await?
            }
            None => client.custom(command("HDEL"), vec![key, field]).await?,
        };
        Ok(())
    }

    async fn order_once(&self, place: &str, order: &[u8]) -> Result<bool, StoreError> {
        let client = self.links()?.visitors.client()?;
        let field = Argument::from(wire::order_field(place));
        let set = vec![self.key("v"), field, wire::blob(order)];
        let added: i64 = client.custom(command("HSETNX"), set).await?;
        Ok(added == 1)
    }

    async fn keep(&self, name: &str, bytes: &[u8], keep: Duration) -> Result<(), StoreError> {
        let px = millis(keep).to_string().into();
        let set = vec![
            self.key(&format!("k:{name}")),
            wire::blob(bytes),
            "PX".into(),
            px,
        ];
        let client = self.links()?.bulk.client()?;
        let _: Value = client.custom(command("SET"), set).await?;
        Ok(())
    }

    async fn kept(&self, names: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let keys = names.iter().map(|name| self.key(&format!("k:{name}")));
        let keys: Vec<_> = keys.collect();
        let client = self.links()?.bulk.client()?;
        let answers = wire::array(Some(client.custom(command("MGET"), keys).await?))?;
        Ok(answers.into_iter().map(Value::into_owned_bytes).collect())
    }

    async fn add_move(&self, entry: &[u8]) -> Result<(), StoreError> {
        self.move_added(entry).await
    }

    async fn moves(&self, after: EntryId) -> Result<Vec<(EntryId, Vec<u8>)>, StoreError> {
        self.entries("y", after).await
    }

    async fn forget_moves(&self, last: EntryId) -> Result<(), StoreError> {
        self.moves_forgotten(last).await
    }

    async fn report(&self, report: &[u8]) -> Result<(), StoreError> {
        self.reported(report).await
    }

    async fn reports(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.last_reports().await
    }

    async fn log(&self, count: u32) -> Result<Vec<String>, StoreError> {
        let from = Argument::from(format!("-{}", count.max(1)));
        let range = vec![self.key("l"), from, "-1".into()];
        let client = self.links()?.bulk.client()?;
        let entries = wire::array(Some(client.custom(command("LRANGE"), range).await?))?;
        Ok(entries.into_iter().filter_map(Value::into_string).collect())
    }

    async fn marks(&self, parts: &[Part]) -> Result<Vec<Bits>, StoreError> {
        if parts.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = parts.iter().map(|part| self.part_key(*part)).collect();
        let client = self.links()?.bulk.client()?;
        let answers = wire::array(Some(client.custom(command("MGET"), keys).await?))?;
        let mut sets = Vec::with_capacity(parts.len());
        for (part, value) in parts.iter().zip(answers) {
            let mut bits = Bits::new();
            wire::merge_segment(&mut bits, part.segment, value)?;
            sets.push(bits);
        }
        Ok(sets)
    }

    async fn traces(&self, epochs: &[Epoch]) -> Result<Vec<Bits>, StoreError> {
        if epochs.is_empty() {
            return Ok(Vec::new());
        }
        let pipeline = self.links()?.bulk.client()?.pipeline();
        for (trace, epoch) in epochs {
            let _: Value = pipeline
                .custom(command("HGETALL"), vec![self.trace_key(*trace, *epoch)])
                .await?;
        }
        let answers = pipeline.all::<Vec<Value>>().await?;
        answers
            .into_iter()
            .map(|answer| wire::trace_bits(Some(answer)))
            .collect()
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
        self.fenced(commit).await
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
