//! Idempotency records, with the provider's scope: key + API key + URL + method, for 15 days.
//!
//! The body is not part of the scope: the same key with another body replays the first answer,
//! errors too. A second request while the first is running is refused with 409.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::merchant::Merchant;
use crate::refusal::{self, Refusal};

/// The header.
pub const HEADER: &str = "idempotency-key";
/// Longest key the provider takes.
const KEY_MAX: usize = 300;
/// How long a record is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(15 * 24);
/// Shards, so that two requests rarely meet at one lock.
const SHARDS: usize = 64;

/// What a request is identified by: a digest, so that a record costs 16 bytes and not a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scope([u8; 16]);

impl Scope {
    /// The scope of a request under its own key.
    pub fn new(key: &str, merchant: &Merchant, method: &Method, path: &str) -> Self {
        let mut digest = Sha256::new();
        for part in [key, merchant.secret(), method.as_str(), path] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        let digest = digest.finalize();
        Self(digest[..16].try_into().expect("SHA-256 has 32 bytes"))
    }
}

/// The `Idempotency-Key` of a request, if it sent one.
pub fn key_of(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(HEADER) else {
        return Ok(None);
    };
    let key = value
        .to_str()
        .map_err(|_| refusal::INVALID_IDEMPOTENCY_KEY)?;
    let fits = !key.is_empty() && key.len() <= KEY_MAX;
    fits.then(|| Some(key.to_owned()))
        .ok_or(refusal::INVALID_IDEMPOTENCY_KEY)
}

/// An answer as it is kept: replayed to the byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: Bytes,
}

/// What the record of a scope says.
#[derive(Debug)]
pub enum Seen {
    /// Nobody was here: carry out the request and hand the answer to the slot.
    Never(Slot),
    /// Answered before.
    Answered(Answer),
    /// The first request is still running.
    Running,
}

#[derive(Debug)]
enum Record {
    Running,
    Answered(Answer),
}

#[derive(Debug, Default)]
struct Shard {
    records: HashMap<Scope, Record>,
    /// In order of first use, for forgetting.
    ages: VecDeque<(Timestamp, Scope)>,
}

/// All records.
#[derive(Debug)]
pub struct Records {
    shards: Vec<Mutex<Shard>>,
    max_per_shard: usize,
}

impl Records {
    /// Keeps at most about `max` records; beyond that the oldest go before their 15 days.
    pub fn new(max: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self {
            shards,
            max_per_shard: (max / SHARDS).max(16),
        }
    }

    /// Has this scope been used before? If not, it is taken now.
    pub fn begin(self: &Arc<Self>, scope: Scope, now: Timestamp) -> Seen {
        let mut shard = self.shard(scope).lock();
        shard.forget(now, self.max_per_shard);
        match shard.records.get(&scope) {
            Some(Record::Running) => return Seen::Running,
            Some(Record::Answered(answer)) => return Seen::Answered(answer.clone()),
            None => {}
        }
        shard.records.insert(scope, Record::Running);
        shard.ages.push_back((now, scope));
        Seen::Never(Slot {
            records: Arc::clone(self),
            scope,
            answered: false,
        })
    }

    /// Forgets everything.
    pub fn clear(&self) {
        for shard in &self.shards {
            *shard.lock() = Shard::default();
        }
    }

    fn shard(&self, scope: Scope) -> &Mutex<Shard> {
        &self.shards[usize::from(scope.0[0]) % SHARDS]
    }
}

impl Shard {
    fn forget(&mut self, now: Timestamp, max: usize) {
        while let Some((_, scope)) = self
            .ages
            .pop_front_if(|(at, _)| now.duration_since(*at) > KEPT)
        {
            self.records.remove(&scope);
        }
        while self.ages.len() >= max {
            let Some((_, scope)) = self.ages.pop_front() else {
                break;
            };
            self.records.remove(&scope);
        }
    }
}

/// The right to answer for a scope. Dropped without an answer (a bug, a panic), it frees the scope.
#[derive(Debug)]
pub struct Slot {
    records: Arc<Records>,
    scope: Scope,
    answered: bool,
}

impl Slot {
    /// Records the first answer.
    pub fn answer(mut self, answer: Answer) {
        let mut shard = self.records.shard(self.scope).lock();
        shard.records.insert(self.scope, Record::Answered(answer));
        drop(shard);
        self.answered = true;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if !self.answered {
            self.records
                .shard(self.scope)
                .lock()
                .records
                .remove(&self.scope);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merchant(name: &str) -> Merchant {
        Merchant::from_secret(&format!("test_sk_{name}")).unwrap()
    }

    fn scope(key: &str) -> Scope {
        Scope::new(
            key,
            &merchant("acme"),
            &Method::POST,
            "/v1/payments/confirm",
        )
    }

    fn answer(status: u16) -> Answer {
        Answer {
            status,
            body: Bytes::from_static(b"{}"),
        }
    }

    #[test]
    fn the_first_answer_is_replayed_and_a_running_one_refuses() {
        let records = Arc::new(Records::new(1_000));
        let now = Timestamp::UNIX_EPOCH;
        let Seen::Never(slot) = records.begin(scope("k"), now) else {
            panic!("fresh")
        };
        assert!(matches!(records.begin(scope("k"), now), Seen::Running));
        slot.answer(answer(403));
        assert!(matches!(records.begin(scope("k"), now), Seen::Answered(a) if a == answer(403)));
    }

    #[test]
    fn key_api_key_url_and_method_are_all_part_of_the_scope() {
        let (acme, other) = (merchant("acme"), merchant("other"));
        let path = "/v1/payments/confirm";
        let scopes = [
            Scope::new("k", &acme, &Method::POST, path),
            Scope::new("K", &acme, &Method::POST, path),
            Scope::new("k", &other, &Method::POST, path),
            Scope::new("k", &acme, &Method::POST, "/v1/payments/x/cancel"),
            Scope::new("k", &acme, &Method::DELETE, path),
        ];
        let different: std::collections::HashSet<_> = scopes.iter().collect();
        assert_eq!(different.len(), scopes.len());
    }

    #[test]
    fn a_record_is_forgotten_after_fifteen_days_and_not_before() {
        let records = Arc::new(Records::new(1_000));
        let start = Timestamp::UNIX_EPOCH;
        let Seen::Never(slot) = records.begin(scope("k"), start) else {
            panic!("fresh")
        };
        slot.answer(answer(200));
        assert!(matches!(
            records.begin(scope("k"), start + KEPT),
            Seen::Answered(_)
        ));
        let later = start + KEPT + SignedDuration::from_secs(1);
        assert!(matches!(records.begin(scope("k"), later), Seen::Never(_)));
    }

    #[test]
    fn a_slot_dropped_without_an_answer_frees_its_scope() {
        let records = Arc::new(Records::new(1_000));
        let now = Timestamp::UNIX_EPOCH;
        drop(records.begin(scope("k"), now));
        assert!(matches!(records.begin(scope("k"), now), Seen::Never(_)));
    }

    #[test]
    fn too_long_or_empty_keys_are_refused() {
        let headers =
            |key: &str| HeaderMap::from_iter([(HEADER.parse().unwrap(), key.parse().unwrap())]);
        assert_eq!(
            key_of(&headers(&"k".repeat(300))).unwrap().unwrap().len(),
            300
        );
        assert_eq!(
            key_of(&headers(&"k".repeat(301))),
            Err(refusal::INVALID_IDEMPOTENCY_KEY)
        );
        assert_eq!(key_of(&headers("")), Err(refusal::INVALID_IDEMPOTENCY_KEY));
        assert_eq!(key_of(&HeaderMap::new()), Ok(None));
    }
}
