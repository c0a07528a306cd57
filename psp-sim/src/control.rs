//! `/sim/*`: what drills, tests and the referee ask the simulator itself. No such thing exists at
//! the real provider, so none of it needs a key.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, put};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Sim;
use crate::book::{Entry, Kind};
use crate::faults::Rule;
use crate::merchant::Merchant;

/// Most journal entries in one answer.
const PAGE_MAX: usize = 10_000;

/// The control routes.
pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/healthz", get(|| async { "ready" }))
        .route("/sim/approvals", get(approvals))
        .route("/sim/stats", get(stats))
        .route("/sim/book", delete(forget))
        .route("/sim/clock", get(read_clock).post(advance_clock))
        .route(
            "/sim/faults",
            put(set_faults).get(list_faults).delete(clear_faults),
        )
        .route("/sim/webhooks", put(register_webhook))
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    after: u64,
    #[serde(default = "full_page")]
    limit: usize,
}

fn full_page() -> usize {
    PAGE_MAX
}

async fn approvals(State(sim): State<Arc<Sim>>, Query(page): Query<Page>) -> Json<Value> {
    let entries = sim.book.entries(page.after, page.limit.min(PAGE_MAX));
    Json(entries.iter().map(entry_json).collect())
}

fn entry_json(entry: &Entry) -> Value {
    json!({
        "seq": entry.seq,
        "merchant": entry.merchant.secret(),
        "paymentKey": entry.payment_key,
        "orderId": entry.order_id,
        "amount": entry.amount.to_json(),
        "currency": entry.amount.currency.code(),
        "idempotencyKey": entry.idempotency_key,
        "kind": match entry.kind {
            Kind::Approval => "approval",
            Kind::Cancel => "cancel",
        },
        "at": entry.at.to_string(),
    })
}

async fn stats(State(sim): State<Arc<Sim>>) -> Json<Value> {
    let mut all = sim.stats.to_json();
    let (approvals, cancels) = sim.book.totals();
    all["book"] = json!({ "sessions": sim.book.len(), "approvals": approvals, "cancels": cancels });
    all["webhooks"] = sim.webhooks.to_json();
    all["faults"] = rules_json(&sim);
    Json(all)
}

async fn forget(State(sim): State<Arc<Sim>>) -> StatusCode {
    sim.book.clear();
    sim.records.clear();
    sim.stats.clear();
    StatusCode::NO_CONTENT
}

async fn read_clock(State(sim): State<Arc<Sim>>) -> Json<Value> {
    Json(json!({ "now": sim.clock.now().to_string() }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Advance {
    advance_ms: u32,
}

async fn advance_clock(State(sim): State<Arc<Sim>>, Json(by): Json<Advance>) -> Json<Value> {
    sim.clock.advance(by.advance_ms);
    sim.expire_due();
    read_clock(State(sim)).await
}

async fn set_faults(State(sim): State<Arc<Sim>>, Json(rules): Json<Vec<Rule>>) -> Response {
    match sim.faults.replace(rules) {
        Ok(()) => Json(rules_json(&sim)).into_response(),
        Err(why) => unusable(&why.to_string()),
    }
}

async fn list_faults(State(sim): State<Arc<Sim>>) -> Json<Value> {
    Json(rules_json(&sim))
}

async fn clear_faults(State(sim): State<Arc<Sim>>) -> StatusCode {
    sim.faults
        .replace(Vec::new())
        .expect("an empty list is a valid one");
    StatusCode::NO_CONTENT
}

fn rules_json(sim: &Sim) -> Value {
    let with_count = |(rule, fired): (Rule, u64)| {
        let mut rule = serde_json::to_value(rule).expect("a rule was read from JSON");
        rule["fired"] = fired.into();
        rule
    };
    sim.faults.list().into_iter().map(with_count).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registration {
    merchant: String,
    url: Option<String>,
}

async fn register_webhook(
    State(sim): State<Arc<Sim>>,
    Json(asked): Json<Registration>,
) -> Response {
    let Some(merchant) = Merchant::from_secret(&asked.merchant) else {
        return unusable("`merchant` is a test secret key (test_sk_… or test_gsk_…)");
    };
    let url = match asked.url.as_deref().map(reqwest::Url::parse).transpose() {
        Ok(url) => url,
        Err(why) => return unusable(&format!("`url`: {why}")),
    };
    sim.webhooks.register(merchant, url);
    StatusCode::NO_CONTENT.into_response()
}

fn unusable(why: &str) -> Response {
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        Json(json!({ "message": why })),
    )
        .into_response()
}
