//! The first of two idempotency layers: the key, the fingerprint, and a cache of finished answers.
//!
//! PostgreSQL decides (the row of `idempotency` written with the payment). What is here only makes a
//! replay cheap: losing it changes latency, never an outcome. That is why nothing about a running
//! request is kept in Redis: a hint that outlives its process would refuse a request that may run.

mod cache;

pub use cache::{AnswerCache, CacheError};

use super::{Answer, Code, Problem};
use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The longest key we keep.
const KEY_MAX: usize = 255;
/// Ours, and the one of the IETF draft, whose value is a quoted string.
const HEADERS: [&str; 2] = ["x-idempotency-key", "idempotency-key"];

/// The caller's name for one intended effect: 1 to 255 printable ASCII characters.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Key(Arc<str>);

impl Key {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut found: Option<&str> = None;
        for value in HEADERS.iter().flat_map(|name| headers.get_all(*name)) {
            let key = value
                .to_str()
                .ok()
                .and_then(unquoted)
                .ok_or_else(|| Problem::new(Code::IdempotencyKeyInvalid))?;
            if found.is_some_and(|other| other != key) {
                return Err(Problem::new(Code::IdempotencyKeyInvalid)
                    .detail("Two headers name different keys."));
            }
            found = Some(key);
        }
        let key = found.ok_or_else(|| Problem::new(Code::IdempotencyKeyMissing))?;
        Ok(Self(key.into()))
    }
}

fn unquoted(value: &str) -> Option<&str> {
    let value = value.trim();
    let key = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value);
    let printable = key.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    (!key.is_empty() && key.len() <= KEY_MAX && printable && !key.contains('"')).then_some(key)
}

impl<S: Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

/// SHA-256 over what makes two requests the same one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a request: method and route (with the ids in its path), tenant, canonical body.
    pub fn of(route: &str, tenant: &str, canonical_body: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [route, tenant, canonical_body] {
            // Lengths first, so that no two lists of parts run together to the same bytes.
            hash.update(
                u64::try_from(part.len())
                    .expect("lengths fit")
                    .to_be_bytes(),
            );
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A digest read back.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// A final answer and the request it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Of the request that was answered.
    pub fingerprint: Fingerprint,
    /// What it was answered.
    pub answer: Answer,
}

impl Finished {
    /// The answer, if `fingerprint` is of the same request; otherwise the key was reused.
    pub fn replay(self, fingerprint: &Fingerprint) -> Result<Answer, Problem> {
        if self.fingerprint == *fingerprint {
            Ok(self.answer)
        } else {
            Err(Problem::new(Code::IdempotencyKeyReused))
        }
    }
}

#[cfg(test)]
mod tests;
