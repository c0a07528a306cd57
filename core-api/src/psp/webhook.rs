//! What a PSP tells us unasked. TossPayments does not sign payment webhooks: a body is kept as it
//! came, answered with 200 at once, and only makes us ask sooner. It can never approve anything.
//!
//! The row and the saga step that follows it are one statement; `worker.rs` hands the step to the
//! payment domain, which lies above this one.

use crate::clock::Timestamp;
use crate::db::{Db, DbError, TenantTx};
use crate::http::{Code, Problem, RequestMeta};
use crate::id::{self, TenantId};
use crate::saga::Wake;
use axum::Router;
use axum::extract::{FromRef, Path, State};
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use uuid::Uuid;

/// What intake needs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Webhooks {
    /// Where bodies are kept.
    pub db: Db,
    /// Rung when one was kept.
    pub wake: Wake,
}

/// `POST /webhooks/toss/{tenant}`.
pub fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Webhooks: FromRef<S>,
{
    Router::new().route("/webhooks/toss/{tenant}", post(receive))
}

/// Keep a TossPayments webhook.
#[utoipa::path(
    post, path = "/webhooks/toss/{tenant}", tag = "webhooks", security(()),
    params(("tenant" = String, Path, description = "The tenant the PSP account belongs to")),
    request_body(content = serde_json::Value, description = "As TossPayments sends it; kept raw and treated as a hint"),
    responses((status = 200, description = "Kept, or kept before"), (status = 404, description = "No such tenant"))
)]
pub async fn receive(
    State(webhooks): State<Webhooks>,
    Path(tenant): Path<String>,
    meta: RequestMeta,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let tenant: TenantId = tenant.parse().map_err(|_| Problem::new(Code::NotFound))?;
    let transmission = transmission_of(&headers, &body);
    let arrived = Arrived {
        transmission,
        body,
        at: meta.at,
    };
    match keep(&webhooks.db, &tenant, &arrived).await? {
        Kept::New => webhooks.wake.ring(),
        Kept::Before => {}
        Kept::NoSuchTenant => return Err(Problem::new(Code::NotFound)),
    }
    Ok(StatusCode::OK)
}

/// The PSP's name for the delivery; without one (a proxy may strip it) the body names itself.
fn transmission_of(headers: &HeaderMap, body: &[u8]) -> String {
    let given = headers
        .get("tosspayments-webhook-transmission-id")
        .and_then(|value| value.to_str().ok());
    if let Some(id) = given.filter(|id| (1..=200).contains(&id.len())) {
        return id.to_owned();
    }
    Sha256::digest(body)
        .iter()
        .fold("sha256:".to_owned(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a String takes all");
            text
        })
}

struct Arrived {
    transmission: String,
    body: Bytes,
    at: Timestamp,
}

enum Kept {
    New,
    Before,
    NoSuchTenant,
}

async fn keep(db: &Db, tenant: &TenantId, arrived: &Arrived) -> Result<Kept, DbError> {
    let mut tx = db.tenant(tenant).await?;
    let row = sqlx::query!(
        r#"
        with known as (
            select tenant_id from tenant where tenant_id = $1
        ), kept as (
            insert into psp_webhook (tenant_id, id, transmission, body, received_at)
            select tenant_id, $2, $3, $4, $5 from known
            on conflict on constraint webhook_transmission_is_kept_once do nothing
            returning tenant_id, id
        ), due as (
            insert into saga (tenant_id, kind, id, due_at, created_at)
            select tenant_id, 'psp.hint', id, now(), now() from kept
        )
        select (select count(*) from known) as "known!", (select count(*) from kept) as "kept!"
        "#,
        tenant.as_str(),
        id::fresh(arrived.at),
        arrived.transmission,
        &arrived.body[..],
        arrived.at as _,
    )
    .fetch_one(tx.connection())
    .await?;
    tx.commit().await?;
    Ok(match (row.known, row.kept) {
        (0, _) => Kept::NoSuchTenant,
        (_, 0) => Kept::Before,
        _ => Kept::New,
    })
}

/// Which payment a webhook speaks of. Nothing else in it is read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hint {
    /// The PSP's name for the payment.
    pub payment_key: String,
}

#[derive(Deserialize)]
struct Body {
    data: Hint,
}

/// The hint a kept webhook gives; `None` if it speaks of no payment.
pub async fn hint(
    tx: &mut TenantTx,
    tenant: &TenantId,
    webhook: Uuid,
) -> Result<Option<Hint>, DbError> {
    let row = sqlx::query!(
        "select body from psp_webhook where tenant_id = $1 and id = $2",
        tenant.as_str(),
        webhook
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row
        .and_then(|row| serde_json::from_slice::<Body>(&row.body).ok())
        .map(|body| body.data)
        // Anybody may send anything here; what cannot be a key of ours is about no payment.
        .filter(|hint| !hint.payment_key.contains('\0')))
}

/// Ends the following of a webhook: notes what it led to and drops its saga step.
pub async fn followed(
    tx: &mut TenantTx,
    tenant: &TenantId,
    webhook: Uuid,
    outcome: &str,
) -> Result<(), DbError> {
    sqlx::query!(
        "with dropped as (delete from saga where tenant_id = $1 and kind = 'psp.hint' and id = $2)
         update psp_webhook set outcome = $3 where tenant_id = $1 and id = $2",
        tenant.as_str(),
        webhook,
        outcome,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_without_a_name_is_named_by_its_body() {
        let mut headers = HeaderMap::new();
        assert_eq!(
            transmission_of(&headers, b"{}"),
            transmission_of(&headers, b"{}")
        );
        assert_ne!(
            transmission_of(&headers, b"{}"),
            transmission_of(&headers, b"[]")
        );
        headers.insert(
            "tosspayments-webhook-transmission-id",
            "t-1".parse().unwrap(),
        );
        assert_eq!(transmission_of(&headers, b"{}"), "t-1");
    }
}
