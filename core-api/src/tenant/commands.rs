//! Making a tenant, again and again with the same result.

use super::key::{ApiKey, KeyKind, Scope};
use crate::clock::Timestamp;
use crate::db::{Db, DbError};
use crate::id::TenantId;

/// A key as it is to be known.
#[derive(Debug)]
pub struct KnownKey {
    /// The whole key; only its hash is stored.
    pub key: ApiKey,
    /// Whom it serves.
    pub scope: Scope,
}

/// A tenant as it is to be.
#[derive(Debug)]
pub struct Ensure {
    /// Its id.
    pub tenant: TenantId,
    /// Its name, for people.
    pub name: String,
    /// Keys that must work. Others that work already go on working.
    pub keys: Vec<KnownKey>,
}

/// Makes the tenant and its keys what `wanted` says.
pub async fn ensure(db: &Db, wanted: &Ensure, now: Timestamp) -> Result<(), DbError> {
    let mut tx = db.tenant(&wanted.tenant).await?;
    let tenant = wanted.tenant.as_str();
    sqlx::query!(
        "insert into tenant (tenant_id, name, created_at) values ($1, $2, $3)
         on conflict (tenant_id) do update set name = excluded.name",
        tenant,
        wanted.name,
        now as _,
    )
    .execute(tx.connection())
    .await?;
    for KnownKey { key, scope } in &wanted.keys {
        let kind: KeyKind = key.kind();
        sqlx::query!(
            "insert into api_key (tenant_id, prefix, hash, kind, scope, created_at)
             values ($1, $2, $3, $4, $5, $6) on conflict (prefix) do nothing",
            tenant,
            key.prefix(),
            &key.hash()[..],
            kind.as_str(),
            scope.as_str(),
            now as _,
        )
        .execute(tx.connection())
        .await?;
    }
    tx.commit().await
}
