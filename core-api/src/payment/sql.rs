//! Payments in the database. Each phase of a payment is one statement: every row it needs, or none.
//!
//! These two statements write rows of other domains (the order's state, the ledger, the outbox, the
//! audit trail, the saga) because one statement is what makes them one fact, at 2.2 times the speed of
//! six. What is written there is decided by those domains' own values, given as arguments.

mod open;
mod settle;

pub(super) use open::{Opening, Refused, begin, confirm};
pub(super) use settle::{Outcome, Postponement, postpone, settle};

use super::{Payment, State};
use crate::clock::Timestamp;
use crate::db::{DbError, TenantTx};
use crate::http::Answer;
use crate::http::idempotency::{Fingerprint, Finished, Key};
use crate::id::{AttemptId, OrderId, PaymentId, TenantId};
use crate::money::{Currency, Money};
use crate::psp::Refusal;
use serde_json::Value;
use uuid::Uuid;

struct Row {
    id: Uuid,
    order_id: Uuid,
    order_reference: String,
    state: String,
    version: i32,
    amount: i64,
    currency: String,
    method: Option<String>,
    metadata: Value,
    payment_key: Option<String>,
    attempt_id: Uuid,
    idempotency_key: String,
    trace_id: String,
    failure_code: Option<String>,
    approved_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    next_look_up: Option<Timestamp>,
    open_since: Option<Timestamp>,
}

impl From<Row> for Payment {
    fn from(row: Row) -> Self {
        let currency: Currency = row.currency.parse().expect("written from a Currency");
        Self {
            id: PaymentId(row.id),
            order: OrderId(row.order_id),
            order_reference: row
                .order_reference
                .parse()
                .expect("written from a Reference"),
            state: row.state.parse().expect("constraint on payment.state"),
            version: row.version,
            money: Money::new(row.amount, currency).expect("written from a Money"),
            method: row.method.and_then(|method| method.parse().ok()),
            metadata: row.metadata,
            payment_key: row.payment_key,
            attempt: AttemptId(row.attempt_id),
            idempotency_key: row.idempotency_key,
            trace_id: row.trace_id,
            refusal: row.failure_code.as_deref().and_then(Refusal::parse),
            approved_at: row.approved_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            next_look_up: row.next_look_up,
            open_since: row.open_since,
        }
    }
}

/// The payment called `id`.
pub(super) async fn by_id(
    tx: &mut TenantTx,
    tenant: &TenantId,
    id: PaymentId,
) -> Result<Option<Payment>, DbError> {
    let row = sqlx::query_as!(
        Row,
        r#"select p.id, p.order_id, p.order_reference, p.state, p.version, p.amount, p.currency, p.method, p.metadata,
                  p.payment_key, p.attempt_id, p.idempotency_key, p.trace_id, p.failure_code,
                  p.approved_at as "approved_at: Timestamp", p.created_at as "created_at: Timestamp",
                  p.updated_at as "updated_at: Timestamp", s.due_at as "next_look_up?: Timestamp", s.created_at as "open_since?: Timestamp"
             from payment p
             left join saga s on s.tenant_id = p.tenant_id and s.kind = 'payment.settle' and s.id = p.id
            where p.tenant_id = $1 and p.id = $2"#,
        tenant.as_str(),
        id.0,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(Payment::from))
}

/// The payment the PSP calls `payment_key`, the newest if a failed one had it before.
pub(super) async fn by_payment_key(
    tx: &mut TenantTx,
    tenant: &TenantId,
    payment_key: &str,
) -> Result<Option<(PaymentId, State)>, DbError> {
    let row = sqlx::query!(
        r#"select id as "id!", state as "state!" from payment
            where tenant_id = $1 and payment_key = $2 and state not in ('FAILED', 'CANCELLED')
           union all
           select id, state from payment
            where tenant_id = $1 and payment_key = $2 and state in ('FAILED', 'CANCELLED')
            order by 1 desc limit 1"#,
        tenant.as_str(),
        payment_key,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| {
        (
            PaymentId(row.id),
            row.state.parse().expect("constraint on payment.state"),
        )
    }))
}

/// Which payments to list.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) before: Option<PaymentId>,
    pub(super) order: Option<crate::order::Reference>,
    pub(super) state: Option<State>,
    pub(super) limit: u16,
}

/// Payments, newest first.
pub(super) async fn list(
    tx: &mut TenantTx,
    tenant: &TenantId,
    filter: &Filter,
) -> Result<Vec<Payment>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select p.id, p.order_id, p.order_reference, p.state, p.version, p.amount, p.currency, p.method, p.metadata,
                  p.payment_key, p.attempt_id, p.idempotency_key, p.trace_id, p.failure_code,
                  p.approved_at as "approved_at: Timestamp", p.created_at as "created_at: Timestamp",
                  p.updated_at as "updated_at: Timestamp", s.due_at as "next_look_up?: Timestamp", s.created_at as "open_since?: Timestamp"
             from payment p
             left join saga s on s.tenant_id = p.tenant_id and s.kind = 'payment.settle' and s.id = p.id
            where p.tenant_id = $1 and p.id < $2
              and ($3::text is null or p.order_id = (select o.id from orders o where o.tenant_id = $1 and o.reference = $3))
              and ($4::text is null or p.state = $4)
            order by p.id desc limit $5"#,
        tenant.as_str(),
        filter.before.map_or(Uuid::max(), |id| id.0),
        filter.order.as_ref().map(|reference| reference.as_str()),
        filter.state.map(State::as_str),
        i64::from(filter.limit),
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(Payment::from).collect())
}

/// What the database knows under an idempotency key.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) fingerprint: Fingerprint,
    pub(super) payment: PaymentId,
    pub(super) answer: Option<Answer>,
}

impl Seen {
    /// The frozen answer with the request it belongs to.
    pub(super) fn finished(&self) -> Option<Finished> {
        self.answer.clone().map(|answer| Finished {
            fingerprint: self.fingerprint,
            answer,
        })
    }
}

/// The row of an idempotency key, if a request with it ever began.
pub(super) async fn seen(
    tx: &mut TenantTx,
    tenant: &TenantId,
    key: &Key,
) -> Result<Option<Seen>, DbError> {
    let row = sqlx::query!(
        "select fingerprint, payment_id, status, body from idempotency where tenant_id = $1 and key = $2",
        tenant.as_str(),
        key.as_str(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| {
        let status = row
            .status
            .and_then(|status| u16::try_from(status).ok())
            .and_then(|s| http::StatusCode::from_u16(s).ok());
        let answer = status.zip(row.body).map(|(status, body)| Answer {
            status,
            body: body.into(),
        });
        let fingerprint = Fingerprint::from_slice(&row.fingerprint)
            .expect("constraint on idempotency.fingerprint");
        Seen {
            fingerprint,
            payment: PaymentId(row.payment_id),
            answer,
        }
    }))
}

/// Makes the look-up of a payment in doubt due now, unless somebody is at it.
pub(super) async fn hasten(
    tx: &mut TenantTx,
    tenant: &TenantId,
    id: PaymentId,
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "update saga set due_at = now() where tenant_id = $1 and kind = 'payment.settle' and id = $2 and holder is null",
        tenant.as_str(),
        id.0,
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected())
}

/// Drops the step of a payment that is settled already.
pub(super) async fn drop_step(
    tx: &mut TenantTx,
    tenant: &TenantId,
    id: PaymentId,
) -> Result<(), DbError> {
    sqlx::query!(
        "delete from saga where tenant_id = $1 and kind = 'payment.settle' and id = $2",
        tenant.as_str(),
        id.0,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
