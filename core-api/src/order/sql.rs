//! Orders in the database.

use super::{Order, Reference, State};
use crate::clock::Timestamp;
use crate::db::{DbError, TenantTx};
use crate::id::{OrderId, TenantId};
use crate::money::{Currency, Money};
use serde_json::Value;
use uuid::Uuid;

pub(super) struct Row {
    id: Uuid,
    reference: String,
    state: String,
    amount: i64,
    currency: String,
    metadata: Value,
    items: Value,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Row> for Order {
    fn from(row: Row) -> Self {
        let currency: Currency = row.currency.parse().expect("written from a Currency");
        Self {
            id: OrderId(row.id),
            reference: row
                .reference
                .parse()
                .expect("constraint on orders.reference"),
            state: State::parse(&row.state).expect("constraint on orders.state"),
            money: Money::new(row.amount, currency).expect("written from a Money"),
            metadata: row.metadata,
            items: row.items,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Who makes an order, for its audit record.
pub(super) struct Origin<'a> {
    pub(super) actor: &'a str,
    pub(super) trace_id: &'a str,
    pub(super) event: crate::event::Event,
}

/// Adds an order with its event and record; `None` if the reference is taken.
pub(super) async fn insert(
    tx: &mut TenantTx,
    tenant: &TenantId,
    order: &Order,
    origin: Origin<'_>,
) -> Result<Option<()>, DbError> {
    let currency = order.money.currency();
    let added = sqlx::query!(
        r#"
        with made as (
            insert into orders (tenant_id, id, reference, state, version, amount, currency, metadata, items, created_at, updated_at)
            values ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $9)
            on conflict on constraint order_reference_is_unique do nothing
            returning tenant_id, id, version, state, created_at
        ), told as (
            insert into outbox (tenant_id, aggregate, aggregate_id, sequence, id, type, data, trace_id, created_at)
            select tenant_id, 'order', id, version, $10, $11, $12, $14, created_at from made
        ), noted as (
            insert into audit (tenant_id, aggregate, aggregate_id, sequence, to_state, actor, reason, trace_id, created_at)
            select tenant_id, 'order', id, version, state, $13, 'created', $14, created_at from made
        )
        select count(*) as "made!" from made
        "#,
        tenant.as_str(),
        order.id.0,
        order.reference.as_str(),
        order.state.as_str(),
        order.money.minor(),
        currency.code(),
        order.metadata,
        order.items,
        order.created_at as _,
        origin.event.id,
        origin.event.kind,
        origin.event.data,
        origin.actor,
        origin.trace_id,
    )
    .fetch_one(tx.connection())
    .await?;
    Ok((added.made == 1).then_some(()))
}

pub(super) async fn by_reference(
    tx: &mut TenantTx,
    tenant: &TenantId,
    reference: &Reference,
) -> Result<Option<Order>, DbError> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, reference, state, amount, currency, metadata, items,
                  created_at as "created_at: Timestamp", updated_at as "updated_at: Timestamp"
             from orders where tenant_id = $1 and reference = $2"#,
        tenant.as_str(),
        reference.as_str(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(Order::from))
}

pub(super) async fn by_id(
    tx: &mut TenantTx,
    tenant: &TenantId,
    id: OrderId,
) -> Result<Option<Order>, DbError> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, reference, state, amount, currency, metadata, items,
                  created_at as "created_at: Timestamp", updated_at as "updated_at: Timestamp"
             from orders where tenant_id = $1 and id = $2"#,
        tenant.as_str(),
        id.0,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(Order::from))
}

/// Orders older than `before`, newest first.
pub(super) async fn list(
    tx: &mut TenantTx,
    tenant: &TenantId,
    before: Option<OrderId>,
    limit: u16,
) -> Result<Vec<Order>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, reference, state, amount, currency, metadata, items,
                  created_at as "created_at: Timestamp", updated_at as "updated_at: Timestamp"
             from orders where tenant_id = $1 and id < $2 order by id desc limit $3"#,
        tenant.as_str(),
        before.map_or(Uuid::max(), |id| id.0),
        i64::from(limit),
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(Order::from).collect())
}
