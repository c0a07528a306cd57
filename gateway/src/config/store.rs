//! Where the waiting rooms keep their lines.

use std::fmt;

use policies::diagnostic::{Complaint, Diagnostics};
use policies::document::{Said, Scalar};
use serde::Deserialize;

/// The store of the waiting rooms. A change needs a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// In this process: one gateway, lines end with it.
    Memory,
    /// Shared by every gateway that names the same Redis.
    Redis(RedisUrl),
}

/// A Redis address. May hold a password, so it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RedisUrl(String);

impl RedisUrl {
    /// The whole address, password included, for the client that connects.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisUrl(…)")
    }
}

impl Scalar for RedisUrl {
    fn read(text: &str) -> Result<Self, Complaint> {
        let known = [
            "redis://",
            "rediss://",
            "redis-sentinel://",
            "redis-cluster://",
        ];
        let is_known = known.iter().any(|scheme| text.starts_with(scheme));
        match is_known && waiting_room::store::redis::Redis::new(text).is_ok() {
            true => Ok(Self(text.to_owned())),
            // The text may hold a password: it is not repeated.
            false => Err(Complaint::new("this is not the address of a Redis")
                .hint("write it like redis://127.0.0.1:6379")),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Memory,
    Redis,
}

impl Scalar for Kind {
    fn read(text: &str) -> Result<Self, Complaint> {
        match text {
            "memory" => Ok(Self::Memory),
            "redis" => Ok(Self::Redis),
            _ => Err(Complaint::unknown(
                "kind of store",
                text,
                ["memory", "redis"],
            )),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoreDocument {
    kind: Option<Said<Kind>>,
    url: Option<Said<RedisUrl>>,
}

impl StoreDocument {
    pub(super) fn compile(self, told: &mut Diagnostics) -> Option<Store> {
        let kind_place = self.kind.as_ref().map(Said::place);
        let url_place = self.url.as_ref().map(Said::place);
        let kind = match self.kind {
            None => Kind::Memory,
            Some(kind) => kind.take(told)?,
        };
        match (kind, self.url) {
            (Kind::Memory, None) => Some(Store::Memory),
            (Kind::Memory, Some(_)) => {
                let odd = Complaint::new("a memory store has no url").hint("write kind: redis");
                told.push(odd.at(url_place.unwrap_or_default()));
                None
            }
            (Kind::Redis, Some(url)) => url.take(told).map(Store::Redis),
            (Kind::Redis, None) => {
                let missing = Complaint::new("a redis store needs its url");
                let hint = "url: redis://127.0.0.1:6379";
                told.push(missing.hint(hint).at(kind_place.unwrap_or_default()));
                None
            }
        }
    }
}
