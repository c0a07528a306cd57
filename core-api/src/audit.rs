//! The audit trail: who moved what from where to where, and why; written by the statement that makes
//! the move, never changed after.

use crate::clock::Timestamp;
use crate::db::{DbError, TenantTx};
use crate::id::TenantId;
use uuid::Uuid;

/// Who moves things when no request does: background look-ups.
pub const SYSTEM: &str = "system";

/// One move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The aggregate's version after the move; gapless from 1.
    pub sequence: i32,
    /// Before; `None` for its creation.
    pub from_state: Option<String>,
    /// After.
    pub to_state: String,
    /// An API key's prefix, or [`SYSTEM`].
    pub actor: String,
    /// Why, in a few words.
    pub reason: String,
    /// The request it happened in or for.
    pub trace_id: String,
    /// When.
    pub created_at: Timestamp,
}

/// Every move of one aggregate, oldest first.
pub async fn trail(
    tx: &mut TenantTx,
    tenant: &TenantId,
    aggregate: Uuid,
) -> Result<Vec<Record>, DbError> {
    let records = sqlx::query_as!(
        Record,
        r#"select sequence, from_state, to_state, actor, reason, trace_id, created_at as "created_at: Timestamp"
             from audit where tenant_id = $1 and aggregate_id = $2 order by sequence"#,
        tenant.as_str(),
        aggregate,
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(records)
}
