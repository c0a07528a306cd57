//! Who calls. The extractors here are the only way to a [`Caller`].

use super::key::{ApiKey, KeyKind, Scope};
use crate::clock::{Clock, Timestamp};
use crate::db::{Db, DbError};
use crate::http::{Code, Problem};
use crate::id::TenantId;
use axum::extract::{FromRef, FromRequestParts};
use http::header::AUTHORIZATION;
use http::request::Parts;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// How long a key is believed without asking again, and so how long a revoked key still works.
const BELIEVED: Duration = Duration::from_secs(10);
/// Keys believed at once; beyond it all are asked again.
const BELIEVED_MAX: usize = 10_000;

/// A proven caller.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose key it is.
    pub tenant: TenantId,
    /// The key's public prefix: the actor in audit records.
    pub key: Arc<str>,
    kind: KeyKind,
    scope: Scope,
}

/// Callers by the hash of their whole key, each with the time it was looked up.
type Believed = HashMap<[u8; 32], (Caller, Timestamp)>;

/// Looks keys up and believes them for [`BELIEVED`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct KeyRing {
    db: Db,
    clock: Clock,
    believed: Arc<Mutex<Believed>>,
}

impl KeyRing {
    /// A ring that knows no key yet.
    pub fn new(db: Db, clock: Clock) -> Self {
        Self {
            db,
            clock,
            believed: Arc::default(),
        }
    }

    async fn caller_of(&self, key: &ApiKey) -> Result<Option<Caller>, DbError> {
        let (hash, now) = (key.hash(), self.clock.now());
        // Looked up by the hash of the whole key: timing tells nothing about a secret.
        if let Some((caller, since)) = self.believed.lock().get(&hash)
            && now.since(*since) < BELIEVED
        {
            return Ok(Some(caller.clone()));
        }
        let found = find(&self.db, key, &hash).await?;
        let mut believed = self.believed.lock();
        if believed.len() >= BELIEVED_MAX {
            believed.clear();
        }
        match &found {
            Some(caller) => believed.insert(hash, (caller.clone(), now)),
            None => believed.remove(&hash),
        };
        Ok(found)
    }
}

async fn find(db: &Db, key: &ApiKey, hash: &[u8; 32]) -> Result<Option<Caller>, DbError> {
    let mut connection = db.without_tenant().await?;
    let row = sqlx::query!(
        r#"select tenant_id as "tenant_id!", hash as "hash!", kind as "kind!", scope as "scope!" from api_key_find($1)"#,
        key.prefix()
    )
    .fetch_optional(&mut *connection)
    .await?;
    Ok(row.and_then(|row| {
        let same = bool::from(row.hash.ct_eq(hash));
        let (tenant, kind, scope) = (
            row.tenant_id.parse().ok()?,
            KeyKind::parse(&row.kind)?,
            Scope::parse(&row.scope)?,
        );
        same.then(|| Caller {
            tenant,
            key: key.prefix().into(),
            kind,
            scope,
        })
    }))
}

async fn authenticate<S>(parts: &Parts, state: &S) -> Result<Caller, Problem>
where
    KeyRing: FromRef<S>,
{
    let unknown = || Problem::new(Code::Unauthenticated);
    let header = parts
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(unknown)?;
    let (scheme, token) = header.split_once(' ').ok_or_else(unknown)?;
    let key = ApiKey::parse(token.trim())
        .filter(|_| scheme.eq_ignore_ascii_case("bearer"))
        .ok_or_else(unknown)?;
    let caller = KeyRing::from_ref(state)
        .caller_of(&key)
        .await?
        .ok_or_else(unknown)?;
    match parts.headers.get("x-tenant-id").map(|value| value.to_str()) {
        None => Ok(caller),
        Some(Ok(named)) if named == caller.tenant.as_str() => Ok(caller),
        Some(_) => Err(Problem::new(Code::TenantMismatch)),
    }
}

/// A caller that may take payments: a secret key of the app.
#[derive(Clone, Debug)]
pub struct Merchant(pub Caller);

/// A caller that may read all of its tenant: any secret key.
#[derive(Clone, Debug)]
pub struct Reader(pub Caller);

/// A caller with any key, a browser's included.
#[derive(Clone, Debug)]
pub struct Visitor(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for Merchant
where
    KeyRing: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = authenticate(parts, state).await?;
        if caller.kind == KeyKind::Secret && caller.scope == Scope::App {
            return Ok(Self(caller));
        }
        Err(Problem::new(Code::ScopeMissing)
            .detail("This needs a secret key (sk_…) with the scope app."))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Reader
where
    KeyRing: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = authenticate(parts, state).await?;
        if caller.kind == KeyKind::Secret {
            return Ok(Self(caller));
        }
        Err(Problem::new(Code::ScopeMissing).detail("This needs a secret key (sk_…)."))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor
where
    KeyRing: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        authenticate(parts, state).await.map(Self)
    }
}
