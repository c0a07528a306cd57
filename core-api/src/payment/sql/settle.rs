//! Phase 2: the outcome, once.

use crate::audit;
use crate::clock::Timestamp;
use crate::db::{DbError, TenantTx};
use crate::event::Event;
use crate::http::Answer;
use crate::id::{self, TenantId};
use crate::ledger::Transfer;
use crate::order;
use crate::payment::{Payment, State};
use crate::psp::Refusal;
use std::time::Duration;

/// How a payment ended, with all that is written about it.
#[derive(Clone, Debug)]
pub(in crate::payment) struct Outcome {
    /// The payment as it is now.
    pub(in crate::payment) after: Payment,
    /// Where it stood: the statement does nothing if it stands elsewhere.
    pub(in crate::payment) from: State,
    /// Our claim: the statement does nothing if somebody claimed after us.
    pub(in crate::payment) fence: i64,
    /// What the request is answered, now and for ever.
    pub(in crate::payment) answer: Answer,
    pub(in crate::payment) event: Event,
    /// Booked and told only on approval.
    pub(in crate::payment) transfer: Option<Transfer>,
    pub(in crate::payment) order_paid: Event,
    pub(in crate::payment) reason: String,
    pub(in crate::payment) now: Timestamp,
}

/// Writes an outcome: state, books, order, events, records, the frozen answer, and the end of the
/// saga. `false` if the payment was settled or claimed by somebody else; nothing is written then.
pub(in crate::payment) async fn settle(
    tx: &mut TenantTx,
    tenant: &TenantId,
    outcome: &Outcome,
) -> Result<bool, DbError> {
    let after = &outcome.after;
    let postings = outcome
        .transfer
        .as_ref()
        .map(Transfer::postings)
        .unwrap_or_default();
    let accounts: Vec<String> = postings
        .iter()
        .map(|posting| posting.account.as_str().to_owned())
        .collect();
    let amounts: Vec<i64> = postings.iter().map(|posting| posting.amount).collect();
    let row = sqlx::query_file!(
        "src/payment/sql/settle.sql",
        tenant.as_str(),
        after.id.0,
        outcome.fence,
        after.state.as_str(),
        after.payment_key,
        after.approved_at as _,
        after.refusal.map(Refusal::as_str),
        outcome.now as _,
        outcome.from.as_str(),
        after.attempt.0,
        order::State::Paid.as_str(),
        outcome.transfer.is_some(),
        order::state::PAYABLE.as_str(),
        id::fresh(outcome.now),
        outcome.transfer.map(|transfer| transfer.kind()),
        &accounts,
        &amounts,
        i16::try_from(outcome.answer.status.as_u16()).expect("a status has three digits"),
        &outcome.answer.body[..],
        after.idempotency_key,
        outcome.event.id,
        outcome.event.kind,
        outcome.event.data,
        after.trace_id,
        outcome.order_paid.id,
        outcome.order_paid.kind,
        outcome.order_paid.data,
        audit::SYSTEM,
        outcome.reason,
    )
    .fetch_one(tx.connection())
    .await?;
    if row.is_moved && outcome.transfer.is_some() && !row.is_paid {
        // The order was locked PENDING by phase 1 and only its one live payment moves it.
        return Err(DbError::Defect(sqlx::Error::Protocol(
            "approved a payment of an order that is not payable".into(),
        )));
    }
    Ok(row.is_moved)
}

/// A payment whose outcome stays open, and when to ask next.
#[derive(Clone, Debug)]
pub(in crate::payment) struct Postponement {
    pub(in crate::payment) after: Payment,
    pub(in crate::payment) from: State,
    pub(in crate::payment) fence: i64,
    pub(in crate::payment) event: Event,
    pub(in crate::payment) reason: String,
    pub(in crate::payment) pause: Duration,
    pub(in crate::payment) now: Timestamp,
}

/// Gives the claim back until the next look-up; a payment IN_PROGRESS becomes UNKNOWN, one that is
/// UNKNOWN already stays so without an event. `None` if somebody claimed after us.
pub(in crate::payment) async fn postpone(
    tx: &mut TenantTx,
    tenant: &TenantId,
    postponement: &Postponement,
) -> Result<Option<Timestamp>, DbError> {
    let after = &postponement.after;
    let row = sqlx::query!(
        r#"
        with held as (
            update saga set due_at = now() + $4::int * interval '1 millisecond', holder = null
             where tenant_id = $1 and kind = 'payment.settle' and id = $2 and fence = $3
            returning due_at
        ), moved as (
            update payment p set state = $5, version = p.version + 1, updated_at = $6
             where exists (select from held)
               and p.tenant_id = $1 and p.id = $2 and p.state = $7 and p.state <> $5
            returning p.tenant_id, p.id, p.version, p.state
        ), told as (
            insert into outbox (tenant_id, aggregate, aggregate_id, sequence, id, type, data, trace_id, created_at)
            select tenant_id, 'payment', id, version, $8, $9, $10, $11, $6 from moved
        ), noted as (
            insert into audit (tenant_id, aggregate, aggregate_id, sequence, from_state, to_state, actor, reason, trace_id, created_at)
            select tenant_id, 'payment', id, version, $7, state, $12, $13, $11, $6 from moved
        )
        select due_at as "due_at: Timestamp" from held
        "#,
        tenant.as_str(),
        after.id.0,
        postponement.fence,
        i32::try_from(postponement.pause.as_millis()).expect("pauses are minutes at most"),
        after.state.as_str(),
        postponement.now as _,
        postponement.from.as_str(),
        postponement.event.id,
        postponement.event.kind,
        postponement.event.data,
        after.trace_id,
        audit::SYSTEM,
        postponement.reason,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| row.due_at))
}
