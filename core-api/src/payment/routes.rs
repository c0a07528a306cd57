//! Payments over HTTP.

use super::answer::PaymentBody;
use super::commands::{Ask, Listing, Pay, Reply};
use super::{Method, Payments};
use crate::audit::Record;
use crate::http::idempotency::{Fingerprint, Key};
use crate::http::paging::{Page, Paged};
use crate::http::{Answer, Checked, Code, Envelope, Fields, Params, Problem, RequestMeta};
use crate::id::PaymentId;
use crate::order::Reference;
use crate::tenant::{Caller, KeyRing, Merchant, Reader, Visitor};
use axum::Router;
use axum::extract::{FromRef, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};
use utoipa::{IntoParams, ToSchema};

/// When to ask again for a payment whose outcome is open, in seconds.
const ASK_AGAIN_S: u16 = 2;
/// Longest paymentKey TossPayments gives.
const PAYMENT_KEY_MAX: usize = 200;

static REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// `/api/v1/payments…`
pub fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Payments: FromRef<S>,
    KeyRing: FromRef<S>,
{
    Router::new()
        .route("/api/v1/payments", post(create).get(list))
        .route("/api/v1/payments/{id}", get(read))
        .route("/api/v1/payments/{id}/confirm", post(confirm))
        .route("/api/v1/payments/{id}/audit", get(trail))
}

/// A payment to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PaymentRequest {
    /// Your own reference of the order; an unknown one makes the order.
    #[schema(example = "order_123456", pattern = "^[A-Za-z0-9_-]{6,64}$")]
    order_id: String,
    /// Minor units.
    #[schema(value_type = i64, example = 10000, minimum = 1, maximum = 1_000_000_000_000_i64)]
    amount: Number,
    /// ISO 4217.
    #[schema(example = "KRW")]
    currency: String,
    /// How the customer pays: CARD, EASY_PAY, TRANSFER, MOBILE_PHONE or GIFT_CERTIFICATE.
    #[schema(example = "CARD")]
    payment_method: Option<String>,
    /// The result of the PSP's payment window. Without one, a PSP that needs a window answers READY.
    payment_key: Option<String>,
    /// Your own notes: up to 50 texts, numbers or booleans.
    #[schema(value_type = Option<Object>, example = json!({"productName": "Premium Plan"}))]
    metadata: Option<Map<String, Value>>,
}

/// The payment window's result.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfirmRequest {
    /// As the window returned it.
    payment_key: String,
}

/// A move of a payment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordBody {
    /// Gapless from 1; the number of the event that tells the same move.
    sequence: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    to: String,
    /// The prefix of an API key, or `system`.
    actor: String,
    reason: String,
    trace_id: String,
    at: String,
}

impl From<Record> for RecordBody {
    fn from(record: Record) -> Self {
        Self {
            sequence: record.sequence,
            from: record.from_state,
            to: record.to_state,
            actor: record.actor,
            reason: record.reason,
            trace_id: record.trace_id,
            at: record.created_at.to_string(),
        }
    }
}

/// Which payments to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct PaymentFilter {
    /// Of this order, by your reference.
    order_id: Option<String>,
    /// In this status.
    status: Option<String>,
}

impl PaymentRequest {
    fn checked(self) -> Result<Pay, Problem> {
        let mut fields = Fields::default();
        let reference: Option<Reference> = fields.parse("/orderId", &self.order_id);
        let money = fields.money(&self.amount, &self.currency);
        let method: Option<Method> = self
            .payment_method
            .and_then(|text| fields.parse("/paymentMethod", &text));
        if let Some(key) = &self.payment_key {
            check_payment_key(&mut fields, key);
        }
        let metadata = fields.metadata(self.metadata);
        let payment_key = self.payment_key;
        let values = reference.zip(money).map(|(reference, money)| Pay {
            reference,
            money,
            method,
            payment_key,
            metadata,
        });
        fields.finish(values)
    }
}

fn check_payment_key(fields: &mut Fields, key: &str) {
    // Dots alone would be a step in the look-up's path, also when they are percent-encoded.
    let is_name = key.bytes().any(|b| b.is_ascii_alphanumeric());
    if !is_name || key.len() > PAYMENT_KEY_MAX || !key.bytes().all(|b| b.is_ascii_graphic()) {
        fields.flaw(
            "/paymentKey",
            format!("must be 1 to {PAYMENT_KEY_MAX} printable ASCII characters, a letter or digit among them"),
        );
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        match self {
            Self::Fresh(answer) => answer.into_response(),
            Self::Replay(answer) => {
                let mut response = answer.into_response();
                response
                    .headers_mut()
                    .insert(REPLAYED.clone(), HeaderValue::from_static("true"));
                response
            }
            Self::Later(id, answer) => {
                let mut response = answer.into_response();
                let location = format!("/api/v1/payments/{id}");
                let headers = response.headers_mut();
                headers.insert(
                    header::LOCATION,
                    HeaderValue::try_from(location).expect("an id is a header value"),
                );
                headers.insert(header::RETRY_AFTER, HeaderValue::from(ASK_AGAIN_S));
                response
            }
        }
    }
}

fn ask(caller: Caller, meta: RequestMeta, key: Key, (route, canonical): (&str, &str)) -> Ask {
    let fingerprint = Fingerprint::of(route, caller.tenant.as_str(), canonical);
    Ask {
        caller,
        meta,
        key,
        fingerprint,
    }
}

fn payment_id(text: &str) -> Result<PaymentId, Problem> {
    text.parse().map_err(|_| Problem::new(Code::NotFound))
}

/// Make a payment.
///
/// With a `paymentKey`, or at a PSP that needs none, it is collected at once. A slow PSP is answered
/// 202 with a Location; the payment goes on. While its status is UNKNOWN the PSP is being asked what
/// happened: do not pay again with another key.
#[utoipa::path(
    post, path = "/api/v1/payments", tag = "payments", request_body = PaymentRequest,
    params(
        ("X-Idempotency-Key" = String, Header, description = "A new UUID for each intended payment; kept 15 days at least"),
        ("X-Tenant-Id" = Option<String>, Header, description = "If sent, it must be the key's tenant"),
    ),
    responses(
        (status = 200, description = "Approved", body = Envelope<PaymentBody>),
        (status = 201, description = "READY: the customer has to use the payment window", body = Envelope<PaymentBody>),
        (status = 202, description = "IN_PROGRESS or UNKNOWN: ask at Location", body = Envelope<PaymentBody>),
        (status = 402, description = "Refused; the problem names the payment"),
        (status = 409, description = "`idempotency_in_flight`, `payment_in_progress`, `order_conflict`, `order_not_payable` or `payment_key_used`"),
        (status = 422, description = "`idempotency_key_reused`"),
        (status = 503, description = "`overloaded` or `database_unavailable`: repeat with the same key"),
    )
)]
pub async fn create(
    State(payments): State<Payments>,
    Merchant(caller): Merchant,
    meta: RequestMeta,
    key: Key,
    body: Checked<PaymentRequest>,
) -> Result<Reply, Problem> {
    let pay = body.value.checked()?;
    let ask = ask(
        caller,
        meta,
        key,
        ("POST /api/v1/payments", &body.canonical),
    );
    payments.create(ask, pay).await
}

/// Collect a READY payment with the payment window's result.
#[utoipa::path(
    post, path = "/api/v1/payments/{id}/confirm", tag = "payments", request_body = ConfirmRequest,
    params(
        ("id" = String, Path, description = "`pay_…`"),
        ("X-Idempotency-Key" = String, Header, description = "A new UUID for each intended confirmation"),
    ),
    responses(
        (status = 200, description = "Approved", body = Envelope<PaymentBody>),
        (status = 202, description = "IN_PROGRESS or UNKNOWN: ask at Location", body = Envelope<PaymentBody>),
        (status = 402, description = "Refused; the problem names the payment"),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`payment_not_confirmable` and those of making a payment"),
    )
)]
pub async fn confirm(
    State(payments): State<Payments>,
    Merchant(caller): Merchant,
    meta: RequestMeta,
    Path(id): Path<String>,
    key: Key,
    body: Checked<ConfirmRequest>,
) -> Result<Reply, Problem> {
    let id = payment_id(&id)?;
    let mut fields = Fields::default();
    check_payment_key(&mut fields, &body.value.payment_key);
    let payment_key = fields.finish(Some(body.value.payment_key))?;
    let route = format!("POST /api/v1/payments/{id}/confirm");
    payments
        .confirm(
            ask(caller, meta, key, (&route, &body.canonical)),
            id,
            payment_key,
        )
        .await
}

/// Read a payment. A publishable key may do this too.
#[utoipa::path(
    get, path = "/api/v1/payments/{id}", tag = "payments",
    params(("id" = String, Path, description = "`pay_…`")),
    responses((status = 200, body = Envelope<PaymentBody>), (status = 404, description = "`not_found`"))
)]
pub async fn read(
    State(payments): State<Payments>,
    Visitor(caller): Visitor,
    meta: RequestMeta,
    Path(id): Path<String>,
) -> Result<Answer, Problem> {
    let payment = payments
        .get(&caller.tenant, payment_id(&id)?)
        .await?
        .ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(Envelope::answer(
        StatusCode::OK,
        PaymentBody::from(&payment),
        &meta,
    ))
}

/// List payments, newest first.
#[utoipa::path(
    get, path = "/api/v1/payments", tag = "payments", params(PaymentFilter, Page),
    responses((status = 200, body = Envelope<Paged<PaymentBody>>))
)]
pub async fn list(
    State(payments): State<Payments>,
    Reader(caller): Reader,
    meta: RequestMeta,
    Params(filter): Params<PaymentFilter>,
    Params(page): Params<Page>,
) -> Result<Answer, Problem> {
    let limit = page.limit();
    let listing = Listing {
        before: page
            .cursor
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|why| Problem::field("cursor", why))?,
        order: filter
            .order_id
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|why| Problem::field("orderId", why))?,
        state: filter
            .status
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|why| Problem::field("status", why))?,
        limit: limit + 1,
    };
    let payments = payments.list(&caller.tenant, listing).await?;
    let page = Paged::new(payments, limit, |payment| payment.id.to_string());
    Ok(Envelope::answer(
        StatusCode::OK,
        page.map(|payment| PaymentBody::from(&payment)),
        &meta,
    ))
}

/// Every move of a payment, oldest first.
#[utoipa::path(
    get, path = "/api/v1/payments/{id}/audit", tag = "payments",
    params(("id" = String, Path, description = "`pay_…`")),
    responses((status = 200, body = Envelope<Vec<RecordBody>>), (status = 404, description = "`not_found`"))
)]
pub async fn trail(
    State(payments): State<Payments>,
    Reader(caller): Reader,
    meta: RequestMeta,
    Path(id): Path<String>,
) -> Result<Answer, Problem> {
    let records = payments
        .trail(&caller.tenant, payment_id(&id)?)
        .await?
        .ok_or_else(|| Problem::new(Code::NotFound))?;
    let bodies: Vec<RecordBody> = records.into_iter().map(RecordBody::from).collect();
    Ok(Envelope::answer(StatusCode::OK, bodies, &meta))
}
