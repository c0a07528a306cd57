//! Work that outlives a request: claimed, leased, fenced, found again after a crash.
//!
//! A domain writes a row in the transaction that makes the work necessary and deletes it in the one
//! that finishes it (`payment/sql.rs`, `psp/webhook.rs`). This module only finds what is due and says
//! that this process lives; `worker.rs` maps a [`Kind`] to the command that carries it on. Time here
//! is the database's, the one clock all processes share.

use crate::db::{Db, DbError};
use crate::id::TenantId;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

/// How long a holder may be silent about one row. Longer than any PSP call (60 s at most), since a
/// second holder would only ask the PSP what the first is about to learn. A dead *process* is noticed
/// much earlier, by its missing heartbeat.
pub const LEASE: Duration = Duration::from_secs(75);
/// Beats of a process; unseen for three of them it counts as dead (migrations/0005).
pub const HEARTBEAT: Duration = Duration::from_secs(3);
/// Rows one claim takes: what one process finishes well within a lease.
const CLAIM_MAX: i32 = 64;

/// The lease in whole seconds, for statements.
pub fn lease_seconds() -> i32 {
    i32::try_from(LEASE.as_secs()).expect("a lease is about a minute")
}

/// This process, as a holder of leases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder(pub Uuid);

/// What kind of work a row is; its text is the `kind` column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A payment whose outcome is not known yet.
    SettlePayment,
    /// A PSP's unasked message that has not been followed.
    PspHint,
}

impl Kind {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "payment.settle" => Some(Self::SettlePayment),
            "psp.hint" => Some(Self::PspHint),
            _ => None,
        }
    }
}

/// A claimed row: the right to work on it until the lease ends, proven by the fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose work.
    pub tenant: TenantId,
    /// Which work.
    pub kind: Kind,
    /// The payment's or the webhook's id.
    pub id: Uuid,
    /// Compared by the write that finishes.
    pub fence: i64,
    /// How often it was claimed, this time included.
    pub tries: u32,
}

/// Takes what is due, at most `most` and at most [`CLAIM_MAX`] rows, for [`LEASE`]: payments before hints, and
/// tenants in turn.
pub async fn claim(db: &Db, holder: Holder, most: i32) -> Result<Vec<Claim>, DbError> {
    let mut connection = db.without_tenant().await?;
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id!", kind as "kind!", id as "id!", fence as "fence!", tries as "tries!"
             from saga_claim($1, $2, $3)"#,
        holder.0,
        most.min(CLAIM_MAX),
        lease_seconds(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let claims = rows.into_iter().filter_map(|row| {
        let known = Kind::parse(&row.kind).zip(row.tenant_id.parse().ok());
        if known.is_none() {
            // A newer version's work; its own process will find it when this lease ends.
            tracing::warn!(kind = row.kind, "claimed work of an unknown kind");
        }
        let (kind, tenant) = known?;
        Some(Claim {
            tenant,
            kind,
            id: row.id,
            fence: row.fence,
            tries: u32::try_from(row.tries).unwrap_or(u32::MAX),
        })
    });
    Ok(claims.collect())
}

/// Says that `holder` lives and frees what the dead held. Gives the number of rows freed.
pub async fn beat(db: &Db, holder: Holder) -> Result<i64, DbError> {
    let mut connection = db.without_tenant().await?;
    let row = sqlx::query!(r#"select saga_beat($1) as "freed!""#, holder.0)
        .fetch_one(&mut *connection)
        .await?;
    Ok(row.freed)
}

/// Gives back all that `holder` still has, at the end of its process.
pub async fn retire(db: &Db, holder: Holder) -> Result<(), DbError> {
    let mut connection = db.without_tenant().await?;
    sqlx::query!(r#"select saga_retire($1)::text as done"#, holder.0)
        .fetch_one(&mut *connection)
        .await?;
    Ok(())
}

/// Unfinished work of one kind, over all tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The `kind` column: a label from a closed list.
    pub kind: String,
    /// Rows.
    pub waiting: i64,
    /// Age of the oldest in seconds.
    pub oldest_seconds: i64,
}

/// What is unfinished now.
pub async fn open(db: &Db) -> Result<Vec<Open>, DbError> {
    let mut connection = db.without_tenant().await?;
    let rows = sqlx::query_as!(
        Open,
        r#"select kind as "kind!", waiting as "waiting!", oldest_seconds as "oldest_seconds!" from saga_open()"#
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(rows)
}

/// A bell between those who make work due and the worker of the same process, so that it need not
/// wait for its next look. Other processes find the work by looking. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Something became due.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits for a ring; one that came before is not lost.
    pub async fn heard(&self) {
        self.0.notified().await;
    }
}
