//! Finished answers, in this process or in Redis, and the set of keys running in this process.

use super::{Fingerprint, Finished, Key};
use crate::http::{Answer, Code, Problem};
use crate::id::TenantId;
use bytes::Bytes;
use http::StatusCode;
use parking_lot::Mutex;
use redis::AsyncCommands;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Answers kept in the process: at some 700 bytes each, under 15 MB.
const ANSWERS_MAX: usize = 20_000;
/// How long Redis keeps an answer. Retries come within minutes; PostgreSQL has the rest.
const REDIS_TTL_S: u64 = 24 * 60 * 60;
/// A cache slower than PostgreSQL is worse than none.
const REDIS_TIMEOUT: Duration = Duration::from_millis(50);

type Name = (TenantId, Key);

/// The cache cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the Redis address of `cache` is not usable")]
pub struct CacheError(#[from] redis::RedisError);

/// Finished answers. Cheap to clone.
#[derive(Clone)]
pub struct AnswerCache {
    store: Store,
    running: Arc<Mutex<HashSet<Name>>>,
}

#[derive(Clone)]
enum Store {
    Memory(Arc<Mutex<Memory>>),
    Redis(ConnectionManager),
}

impl std::fmt::Debug for AnswerCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.store {
            Store::Memory(_) => "memory",
            Store::Redis(_) => "redis",
        };
        write!(f, "AnswerCache({kind})")
    }
}

impl AnswerCache {
    /// Kept in this process.
    pub fn memory() -> Self {
        Self::over(Store::Memory(Arc::default()))
    }

    /// Kept in Redis, for several processes. Does not wait for a connection.
    pub fn redis(url: &str) -> Result<Self, CacheError> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(1)))
            .set_response_timeout(Some(REDIS_TIMEOUT));
        let manager = ConnectionManager::new_lazy_with_config(redis::Client::open(url)?, config)?;
        Ok(Self::over(Store::Redis(manager)))
    }

    fn over(store: Store) -> Self {
        Self {
            store,
            running: Arc::default(),
        }
    }

    /// The finished answer under a key, if it is known here.
    pub async fn get(&self, tenant: &TenantId, key: &Key) -> Option<Finished> {
        match &self.store {
            Store::Memory(memory) => memory
                .lock()
                .answers
                .get(&(tenant.clone(), key.clone()))
                .cloned(),
            Store::Redis(manager) => {
                let found: redis::RedisResult<Option<Vec<u8>>> =
                    manager.clone().get(redis_name(tenant, key)).await;
                unpack(&found.inspect_err(unheard).ok()??)
            }
        }
    }

    /// Remembers a finished answer.
    pub async fn put(&self, tenant: &TenantId, key: &Key, finished: Finished) {
        match &self.store {
            Store::Memory(memory) => memory.lock().put((tenant.clone(), key.clone()), finished),
            Store::Redis(manager) => {
                let put: redis::RedisResult<()> = manager
                    .clone()
                    .set_ex(redis_name(tenant, key), pack(&finished), REDIS_TTL_S)
                    .await;
                put.unwrap_or_else(|error| unheard(&error));
            }
        }
    }

    /// Marks a key as running in this process until the guard is dropped; refused while it is marked.
    pub fn run(&self, tenant: &TenantId, key: &Key) -> Result<Running, Problem> {
        let name = (tenant.clone(), key.clone());
        if self.running.lock().insert(name.clone()) {
            return Ok(Running {
                name,
                set: self.running.clone(),
            });
        }
        Err(Problem::new(Code::IdempotencyInFlight).retry_after(1))
    }
}

/// A lost cache is slower, not wrong: said at debug, since PostgreSQL answers every request.
fn unheard(error: &redis::RedisError) {
    tracing::debug!(%error, "the answer cache did not answer");
}

/// A key running in this process.
#[derive(Debug)]
pub struct Running {
    name: Name,
    set: Arc<Mutex<HashSet<Name>>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.set.lock().remove(&self.name);
    }
}

#[derive(Default)]
struct Memory {
    answers: HashMap<Name, Finished>,
    oldest_first: VecDeque<Name>,
}

impl Memory {
    fn put(&mut self, name: Name, finished: Finished) {
        if self.answers.insert(name.clone(), finished).is_none() {
            self.oldest_first.push_back(name);
        }
        if self.answers.len() > ANSWERS_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.answers.remove(&oldest);
        }
    }
}

fn redis_name(tenant: &TenantId, key: &Key) -> String {
    format!("fluxpay:answer:{tenant}:{}", key.as_str())
}

/// Fingerprint, status in two bytes, body.
fn pack(finished: &Finished) -> Vec<u8> {
    let mut packed = Vec::with_capacity(34 + finished.answer.body.len());
    packed.extend_from_slice(finished.fingerprint.as_bytes());
    packed.extend_from_slice(&finished.answer.status.as_u16().to_be_bytes());
    packed.extend_from_slice(&finished.answer.body);
    packed
}

fn unpack(packed: &[u8]) -> Option<Finished> {
    let (fingerprint, rest) = packed.split_at_checked(32)?;
    let (status, body) = rest.split_first_chunk::<2>()?;
    let status = StatusCode::from_u16(u16::from_be_bytes(*status)).ok()?;
    let answer = Answer {
        status,
        body: Bytes::copy_from_slice(body),
    };
    Some(Finished {
        fingerprint: Fingerprint::from_slice(fingerprint)?,
        answer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(text: &'static str) -> Finished {
        let answer = Answer {
            status: StatusCode::OK,
            body: Bytes::from_static(text.as_bytes()),
        };
        Finished {
            fingerprint: Fingerprint::of("POST /x", "a", text),
            answer,
        }
    }

    #[test]
    fn a_packed_answer_unpacks_to_itself() {
        assert_eq!(unpack(&pack(&finished("{}"))), Some(finished("{}")));
        assert_eq!(unpack(b"short"), None);
    }

    #[test]
    fn the_oldest_answer_is_forgotten_first() {
        let tenant: TenantId = "acme".parse().unwrap();
        let mut memory = Memory::default();
        for n in 0..=ANSWERS_MAX {
            memory.put((tenant.clone(), Key(n.to_string().into())), finished("{}"));
        }
        assert!(
            !memory
                .answers
                .contains_key(&(tenant.clone(), Key("0".into())))
        );
        assert!(memory.answers.contains_key(&(tenant, Key("1".into()))));
        assert_eq!(
            (memory.answers.len(), memory.oldest_first.len()),
            (ANSWERS_MAX, ANSWERS_MAX)
        );
    }

    #[test]
    fn a_key_runs_once_at_a_time() {
        let (cache, tenant) = (AnswerCache::memory(), "acme".parse().unwrap());
        let key = Key("k".into());
        let first = cache.run(&tenant, &key).unwrap();
        assert_eq!(
            cache.run(&tenant, &key).unwrap_err().code(),
            Code::IdempotencyInFlight
        );
        assert!(cache.run(&"other".parse().unwrap(), &key).is_ok());
        drop(first);
        assert!(cache.run(&tenant, &key).is_ok());
    }
}
