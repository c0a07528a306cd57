//! Phase 1: the intent, durable before the PSP hears of it.

use crate::clock::Timestamp;
use crate::db::{DbError, TenantTx};
use crate::event::Event;
use crate::http::idempotency::{Fingerprint, Key};
use crate::id::TenantId;
use crate::order;
use crate::payment::{Payment, State};
use crate::saga::{self, Holder};

/// The request behind a payment's start.
#[derive(Clone, Debug)]
pub(in crate::payment) struct Opening {
    pub(in crate::payment) key: Key,
    pub(in crate::payment) fingerprint: Fingerprint,
    pub(in crate::payment) actor: String,
    pub(in crate::payment) holder: Holder,
    pub(in crate::payment) now: Timestamp,
    pub(in crate::payment) event: Event,
}

/// Why a payment was not begun. Nothing was written.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::payment) enum Refused {
    /// A request with this key began before.
    KeySeen,
    /// The order is not PENDING, or has another amount or currency.
    OrderUnfit,
    /// The payment does not exist or is not READY.
    NotReady,
}

/// Writes a new payment with everything that belongs to it: the key's row, the order (made if it is
/// unknown, locked if it is known), the attempt's saga step under our lease, events and records.
/// The caller rolls back on a refusal. `order_made` is written only if the order is new.
pub(in crate::payment) async fn begin(
    tx: &mut TenantTx,
    tenant: &TenantId,
    payment: &Payment,
    opening: &Opening,
    order_made: &Event,
) -> Result<Result<(), Refused>, DbError> {
    let currency = payment.money.currency();
    let row = sqlx::query_file!(
        "src/payment/sql/begin.sql",
        tenant.as_str(),
        opening.key.as_str(),
        &opening.fingerprint.as_bytes()[..],
        payment.id.0,
        opening.now as _,
        payment.order.0,
        payment.order_reference.as_str(),
        order::state::PAYABLE.as_str(),
        payment.money.minor(),
        currency.code(),
        payment.state.as_str(),
        payment.method.map(crate::payment::Method::as_str),
        payment.metadata,
        payment.payment_key,
        payment.attempt.0,
        payment.trace_id,
        saga::lease_seconds(),
        opening.holder.0,
        opening.event.id,
        opening.event.kind,
        opening.event.data,
        order_made.id,
        order_made.kind,
        order_made.data,
        opening.actor,
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(match (row.is_first, row.is_begun) {
        (false, _) => Err(Refused::KeySeen),
        (true, false) => Err(Refused::OrderUnfit),
        (true, true) => Ok(()),
    })
}

/// Starts a READY payment with the window's result. The caller rolls back on a refusal.
pub(in crate::payment) async fn confirm(
    tx: &mut TenantTx,
    tenant: &TenantId,
    payment: &Payment,
    opening: &Opening,
) -> Result<Result<(), Refused>, DbError> {
    let row = sqlx::query!(
        r#"
        with seen as (
            insert into idempotency (tenant_id, key, fingerprint, payment_id, created_at)
            values ($1, $2, $3, $4, $5)
            on conflict do nothing
            returning tenant_id
        ), begun as (
            update payment p
               set state = $6, version = p.version + 1, payment_key = $7, idempotency_key = $2, trace_id = $8, updated_at = $5
              from seen
             where p.tenant_id = $1 and p.id = $4 and p.state = $9 and p.version = $10
            returning p.tenant_id, p.id, p.version, p.state
        ), due as (
            insert into saga (tenant_id, kind, id, due_at, holder, created_at)
            select tenant_id, 'payment.settle', id, now() + make_interval(secs => $11::int), $12, now() from begun
        ), told as (
            insert into outbox (tenant_id, aggregate, aggregate_id, sequence, id, type, data, trace_id, created_at)
            select tenant_id, 'payment', id, version, $13, $14, $15, $8, $5 from begun
        ), noted as (
            insert into audit (tenant_id, aggregate, aggregate_id, sequence, from_state, to_state, actor, reason, trace_id, created_at)
            select tenant_id, 'payment', id, version, $9, state, $16, 'confirmed by the tenant', $8, $5 from begun
        )
        select exists (select from seen) as "is_first!", exists (select from begun) as "is_begun!"
        "#,
        tenant.as_str(),
        opening.key.as_str(),
        &opening.fingerprint.as_bytes()[..],
        payment.id.0,
        opening.now as _,
        payment.state.as_str(),
        payment.payment_key,
        payment.trace_id,
        State::Ready.as_str(),
        payment.version - 1,
        saga::lease_seconds(),
        opening.holder.0,
        opening.event.id,
        opening.event.kind,
        opening.event.data,
        opening.actor,
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(match (row.is_first, row.is_begun) {
        (false, _) => Err(Refused::KeySeen),
        (true, false) => Err(Refused::NotReady),
        (true, true) => Ok(()),
    })
}
