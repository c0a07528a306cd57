//! Orders over HTTP.

use super::commands::{self, Place, Placed};
use super::{Order, Reference};
use crate::db::Db;
use crate::http::fields::AmountBody;
use crate::http::paging::{Page, Paged};
use crate::http::{Answer, Checked, Code, Envelope, Fields, Params, Problem, RequestMeta};
use crate::tenant::{KeyRing, Merchant, Reader};
use axum::Router;
use axum::extract::{FromRef, Path, State};
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json};
use utoipa::ToSchema;

/// Lines of an order.
const ITEMS_MAX: usize = 100;
/// Characters of a line's name.
const ITEM_NAME_MAX: usize = 200;

/// `/api/v1/orders…`
pub fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Db: FromRef<S>,
    KeyRing: FromRef<S>,
{
    Router::new()
        .route("/api/v1/orders", post(place).get(list))
        .route("/api/v1/orders/{id}", get(read))
}

/// A new order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderRequest {
    /// Your own reference: 6 to 64 of `A-Z a-z 0-9 _ -`.
    #[schema(example = "order_123456", pattern = "^[A-Za-z0-9_-]{6,64}$")]
    order_id: String,
    /// Minor units.
    #[schema(value_type = i64, example = 10000, minimum = 1, maximum = 1_000_000_000_000_i64)]
    amount: Number,
    /// ISO 4217.
    #[schema(example = "KRW")]
    currency: String,
    /// Your own notes: up to 50 texts, numbers or booleans.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
    /// What is sold, for people to read.
    items: Option<Vec<ItemBody>>,
}

/// A line of an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemBody {
    /// What it is.
    #[schema(example = "Premium Plan")]
    name: String,
    /// How many.
    #[schema(minimum = 1)]
    quantity: u32,
    /// Minor units for one.
    #[schema(minimum = 0)]
    unit_amount: i64,
}

impl OrderRequest {
    fn checked(self) -> Result<Place, Problem> {
        let mut fields = Fields::default();
        let reference: Option<Reference> = fields.parse("/orderId", &self.order_id);
        let money = fields.money(&self.amount, &self.currency);
        let metadata = fields.metadata(self.metadata);
        let items = items(&mut fields, self.items.unwrap_or_default());
        let values = reference.zip(money).map(|(reference, money)| Place {
            reference,
            money,
            metadata,
            items,
        });
        fields.finish(values)
    }
}

fn items(fields: &mut Fields, items: Vec<ItemBody>) -> Value {
    if items.len() > ITEMS_MAX {
        fields.flaw("/items", format!("must have at most {ITEMS_MAX} lines"));
    }
    for (at, item) in items.iter().enumerate() {
        if item.name.is_empty()
            || item.name.chars().count() > ITEM_NAME_MAX
            || item.name.contains('\0')
        {
            fields.flaw(
                &format!("/items/{at}/name"),
                format!("must have 1 to {ITEM_NAME_MAX} characters and no NUL"),
            );
        }
        if item.quantity == 0 {
            fields.flaw(&format!("/items/{at}/quantity"), "must be at least 1");
        }
        if item.unit_amount < 0 {
            fields.flaw(&format!("/items/{at}/unitAmount"), "must not be negative");
        }
    }
    let stored = items
        .iter()
        .map(|i| json!({ "name": i.name, "quantity": i.quantity, "unitAmount": i.unit_amount }));
    Value::Array(stored.collect())
}

/// An order as it is answered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderBody {
    /// Our id.
    #[schema(example = "ord_01jkb5z8s6e1t9v4w2x3y4z5a6")]
    id: String,
    /// Your reference.
    #[schema(example = "order_123456")]
    order_id: String,
    /// PENDING, PAID, COMPLETED or CANCELLED.
    #[schema(example = "PAID")]
    status: &'static str,
    amount: AmountBody,
    #[schema(value_type = Object)]
    metadata: Value,
    #[schema(value_type = Vec<Object>)]
    items: Value,
    created_at: String,
    updated_at: String,
}

impl From<Order> for OrderBody {
    fn from(order: Order) -> Self {
        Self {
            id: order.id.to_string(),
            order_id: order.reference.to_string(),
            status: order.state.as_str(),
            amount: order.money.into(),
            metadata: order.metadata,
            items: order.items,
            created_at: order.created_at.to_string(),
            updated_at: order.updated_at.to_string(),
        }
    }
}

/// Place an order.
#[utoipa::path(
    post, path = "/api/v1/orders", tag = "orders", request_body = OrderRequest,
    responses(
        (status = 201, description = "Placed", body = Envelope<OrderBody>),
        (status = 200, description = "Placed before with the same content", body = Envelope<OrderBody>),
        (status = 409, description = "`order_conflict`"),
    )
)]
pub async fn place(
    State(db): State<Db>,
    Merchant(caller): Merchant,
    meta: RequestMeta,
    body: Checked<OrderRequest>,
) -> Result<Answer, Problem> {
    let asked = body.value.checked()?;
    let reference = asked.reference.clone();
    match commands::place(&db, &caller, asked, &meta).await? {
        Placed::New(order) => Ok(Envelope::answer(
            StatusCode::CREATED,
            OrderBody::from(order),
            &meta,
        )),
        Placed::Before(order) => Ok(Envelope::answer(
            StatusCode::OK,
            OrderBody::from(order),
            &meta,
        )),
        Placed::Conflict => Err(Problem::new(Code::OrderConflict).about_order(reference)),
    }
}

/// Read an order.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}", tag = "orders",
    params(("id" = String, Path, description = "Our id (`ord_…`) or your own reference")),
    responses((status = 200, body = Envelope<OrderBody>), (status = 404, description = "`not_found`"))
)]
pub async fn read(
    State(db): State<Db>,
    Reader(caller): Reader,
    meta: RequestMeta,
    Path(name): Path<String>,
) -> Result<Answer, Problem> {
    let order = commands::get(&db, &caller.tenant, &name)
        .await?
        .ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(Envelope::answer(
        StatusCode::OK,
        OrderBody::from(order),
        &meta,
    ))
}

/// List orders, newest first.
#[utoipa::path(
    get, path = "/api/v1/orders", tag = "orders", params(Page),
    responses((status = 200, body = Envelope<Paged<OrderBody>>))
)]
pub async fn list(
    State(db): State<Db>,
    Reader(caller): Reader,
    meta: RequestMeta,
    Params(page): Params<Page>,
) -> Result<Answer, Problem> {
    let before = page
        .cursor
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|why| Problem::field("cursor", why))?;
    let limit = page.limit();
    let orders = commands::list(&db, &caller.tenant, before, limit + 1).await?;
    let page = Paged::new(orders, limit, |order| order.id.to_string());
    Ok(Envelope::answer(
        StatusCode::OK,
        page.map(OrderBody::from),
        &meta,
    ))
}
