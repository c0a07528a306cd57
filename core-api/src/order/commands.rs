//! What can be done with an order besides paying it.

use super::{Order, Reference, State, sql};
use crate::db::{Db, DbError, TenantTx};
use crate::event::Event;
use crate::http::RequestMeta;
use crate::id::{self, OrderId, TenantId};
use crate::money::Money;
use crate::tenant::Caller;
use serde_json::{Value, json};

/// A new order as it is asked for.
#[derive(Debug)]
pub struct Place {
    /// The tenant's reference.
    pub reference: Reference,
    /// What it costs.
    pub money: Money,
    /// The tenant's notes: a JSON object.
    pub metadata: Value,
    /// What is sold: a JSON array.
    pub items: Value,
}

/// What became of a request to place an order.
#[derive(Debug)]
pub enum Placed {
    /// It was made now.
    New(Order),
    /// It was made before with the same content.
    Before(Order),
    /// Its reference belongs to an order of other content.
    Conflict,
}

/// Places an order. The reference makes it repeatable without an idempotency key.
pub async fn place(
    db: &Db,
    caller: &Caller,
    asked: Place,
    meta: &RequestMeta,
) -> Result<Placed, DbError> {
    let order = Order {
        id: OrderId::fresh(meta.at),
        reference: asked.reference,
        state: State::Pending,
        money: asked.money,
        metadata: asked.metadata,
        items: asked.items,
        created_at: meta.at,
        updated_at: meta.at,
    };
    let event = created(order.id, &order.reference, order.money, meta);
    let origin = sql::Origin {
        actor: &caller.key,
        trace_id: &meta.trace_id,
        event,
    };
    let mut tx = db.tenant(&caller.tenant).await?;
    if sql::insert(&mut tx, &caller.tenant, &order, origin)
        .await?
        .is_some()
    {
        tx.commit().await?;
        return Ok(Placed::New(order));
    }
    let existing = sql::by_reference(&mut tx, &caller.tenant, &order.reference).await?;
    tx.rollback().await?;
    let same = |other: &Order| {
        other.money == order.money && other.metadata == order.metadata && other.items == order.items
    };
    Ok(existing
        .filter(same)
        .map_or(Placed::Conflict, Placed::Before))
}

/// The event of a new order; also written by the first payment of an unknown reference.
pub fn created(order: OrderId, reference: &Reference, money: Money, meta: &RequestMeta) -> Event {
    event(
        "order.created",
        order,
        reference,
        (State::Pending, money),
        meta,
    )
}

/// The event of an order that was paid.
pub fn paid(order: OrderId, reference: &Reference, money: Money, meta: &RequestMeta) -> Event {
    event("order.paid", order, reference, (State::Paid, money), meta)
}

fn event(
    kind: &'static str,
    order: OrderId,
    reference: &Reference,
    (state, money): (State, Money),
    meta: &RequestMeta,
) -> Event {
    let data = json!({
        "id": order.to_string(),
        "orderId": reference.as_str(),
        "status": state.as_str(),
        "amount": { "value": money.minor(), "currency": money.currency().code() },
    });
    Event {
        id: id::fresh(meta.at),
        kind,
        data,
    }
}

/// The order with this reference, seen by a transaction of the caller's.
pub async fn find(
    tx: &mut TenantTx,
    tenant: &TenantId,
    reference: &Reference,
) -> Result<Option<Order>, DbError> {
    sql::by_reference(tx, tenant, reference).await
}

/// An order by our id or by the tenant's reference, whichever `name` is.
pub async fn get(db: &Db, tenant: &TenantId, name: &str) -> Result<Option<Order>, DbError> {
    let mut tx = db.tenant(tenant).await?;
    let mut found = None;
    if let Ok(id) = name.parse() {
        found = sql::by_id(&mut tx, tenant, id).await?;
    }
    if found.is_none()
        && let Ok(reference) = name.parse()
    {
        found = sql::by_reference(&mut tx, tenant, &reference).await?;
    }
    tx.commit().await?;
    Ok(found)
}

/// Orders older than `before`, newest first.
pub async fn list(
    db: &Db,
    tenant: &TenantId,
    before: Option<OrderId>,
    limit: u16,
) -> Result<Vec<Order>, DbError> {
    let mut tx = db.tenant(tenant).await?;
    let orders = sql::list(&mut tx, tenant, before, limit).await?;
    tx.commit().await?;
    Ok(orders)
}
