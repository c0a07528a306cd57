//! Each tenant's contract with its PSP, and the adapter made from it.

use super::Psp;
use super::client::Connections;
use super::sandbox::Sandbox;
use super::seal::{MasterKey, Unopened};
use super::toss::Toss;
use crate::clock::{Clock, Timestamp};
use crate::db::{Db, DbError};
use crate::http::{Code, Problem};
use crate::id::TenantId;
use parking_lot::Mutex;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long an account is believed without asking again, and so how long old credentials are used.
const BELIEVED: Duration = Duration::from_secs(10);

/// Which adapter speaks for an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PspKind {
    /// TossPayments.
    Toss,
    /// psp-sim with sessions that need no window.
    Sandbox,
}

impl PspKind {
    /// The `kind` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Toss => "toss",
            Self::Sandbox => "sandbox",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Toss, Self::Sandbox]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// Why a tenant has no usable PSP.
#[derive(Debug, thiserror::Error)]
pub enum NoPsp {
    /// None was ever set up.
    #[error("the tenant has no PSP account")]
    NotSetUp,
    /// The master key is not the one it was sealed with.
    #[error(transparent)]
    Sealed(#[from] Unopened),
    /// The database could not be asked.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<NoPsp> for Problem {
    fn from(why: NoPsp) -> Self {
        match why {
            NoPsp::Database(error) => error.into(),
            NoPsp::NotSetUp => {
                Self::new(Code::PspMisconfigured).detail("The tenant has no PSP account.")
            }
            NoPsp::Sealed(_) => Self::new(Code::PspMisconfigured).because(why),
        }
    }
}

/// Adapters, each with the time its account was read.
type Believed = HashMap<TenantId, (Arc<dyn Psp>, Timestamp)>;

/// The adapters of all tenants, made when first needed. Cheap to clone.
#[derive(Clone)]
pub struct PspAccounts {
    db: Db,
    clock: Clock,
    master_key: MasterKey,
    connections: Connections,
    believed: Arc<Mutex<Believed>>,
}

impl std::fmt::Debug for PspAccounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PspAccounts")
    }
}

impl PspAccounts {
    /// Accounts sealed under `master_key`, reached over `connections`.
    pub fn new(db: Db, clock: Clock, master_key: MasterKey, connections: Connections) -> Self {
        Self {
            db,
            clock,
            master_key,
            connections,
            believed: Arc::default(),
        }
    }

    /// The PSP of `tenant`.
    pub async fn of(&self, tenant: &TenantId) -> Result<Arc<dyn Psp>, NoPsp> {
        let now = self.clock.now();
        if let Some((psp, since)) = self.believed.lock().get(tenant)
            && now.since(*since) < BELIEVED
        {
            return Ok(psp.clone());
        }
        let psp = self.load(tenant).await?;
        self.believed
            .lock()
            .insert(tenant.clone(), (psp.clone(), now));
        Ok(psp)
    }

    async fn load(&self, tenant: &TenantId) -> Result<Arc<dyn Psp>, NoPsp> {
        let mut tx = self.db.tenant(tenant).await?;
        let row = sqlx::query!(
            "select kind, base_url, sealed from psp_account where tenant_id = $1",
            tenant.as_str()
        )
        .fetch_optional(tx.connection())
        .await
        .map_err(DbError::from)?;
        tx.commit().await?;
        let row = row.ok_or(NoPsp::NotSetUp)?;
        let secret = self.master_key.open(tenant, &row.sealed)?;
        let connections = self.connections.clone();
        Ok(match PspKind::parse(&row.kind).ok_or(NoPsp::NotSetUp)? {
            PspKind::Toss => Arc::new(Toss::new(connections, &row.base_url, &secret)),
            PspKind::Sandbox => Arc::new(Sandbox::new(connections, &row.base_url, &secret)),
        })
    }
}

/// An account as it is to be.
pub struct EnsureAccount {
    /// Whose.
    pub tenant: TenantId,
    /// With whom.
    pub kind: PspKind,
    /// Where the PSP answers.
    pub base_url: String,
    /// The tenant's secret key at the PSP.
    pub secret_key: String,
}

impl std::fmt::Debug for EnsureAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EnsureAccount")
    }
}

/// Makes the tenant's account what `wanted` says, its secret sealed.
pub async fn ensure(
    db: &Db,
    key: &MasterKey,
    wanted: &EnsureAccount,
    now: Timestamp,
) -> Result<(), DbError> {
    let mut tx = db.tenant(&wanted.tenant).await?;
    sqlx::query!(
        "insert into psp_account (tenant_id, kind, base_url, sealed, updated_at) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id) do update set kind = excluded.kind, base_url = excluded.base_url,
             sealed = excluded.sealed, updated_at = excluded.updated_at",
        wanted.tenant.as_str(),
        wanted.kind.as_str(),
        wanted.base_url,
        key.seal(&wanted.tenant, &wanted.secret_key),
        now as _,
    )
    .execute(tx.connection())
    .await?;
    tx.commit().await
}
