//! A scripted payment core: it answers what a test tells it and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// One request, as the core saw it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: &'static str,
    pub(crate) key: String,
    pub(crate) visitor: String,
    pub(crate) tenant: String,
    pub(crate) bearer: String,
    pub(crate) body: Value,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Say {
    Approved,
    Unknown,
    Refused(&'static str),
    Broken,
}

#[derive(Default)]
pub(crate) struct Core {
    asked: Mutex<Vec<Asked>>,
    /// Answers to payments, first come first; then `Approved`.
    payments: Mutex<VecDeque<Say>>,
    orders: Mutex<Option<Say>>,
}

impl Core {
    pub(crate) async fn start() -> (Arc<Self>, String) {
        let core = Arc::new(Self::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api/v1", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/api/v1/orders", post(order))
            .route("/api/v1/payments", post(payment))
            .with_state(Arc::clone(&core));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (core, url)
    }

    pub(crate) fn payments_say(&self, answers: impl IntoIterator<Item = Say>) {
        self.payments.lock().extend(answers);
    }

    pub(crate) fn orders_say(&self, answer: Say) {
        *self.orders.lock() = Some(answer);
    }

    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        self.asked
            .lock()
            .iter()
            .filter(|asked| asked.path == path)
            .cloned()
            .collect()
    }

    fn note(&self, path: &'static str, headers: &HeaderMap, body: &Value) {
        let header = |name: &str| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
                .unwrap_or_default()
        };
        self.asked.lock().push(Asked {
            path,
            key: header("x-idempotency-key"),
            visitor: header("x-forwarded-for"),
            tenant: header("x-tenant-id"),
            bearer: header("authorization"),
            body: body.clone(),
        });
    }
}

async fn order(
    State(core): State<Arc<Core>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    core.note("orders", &headers, &body);
    let say = (*core.orders.lock()).unwrap_or(Say::Approved);
    answer(say, &body)
}

async fn payment(
    State(core): State<Arc<Core>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    core.note("payments", &headers, &body);
    let say = core.payments.lock().pop_front().unwrap_or(Say::Approved);
    answer(say, &body)
}

fn answer(say: Say, body: &Value) -> (StatusCode, Json<Value>) {
    let payment = |status: &str| {
        let id = format!("pay_{}", body["orderId"].as_str().unwrap());
        json!({ "success": true, "data": { "paymentId": id, "status": status } })
    };
    match say {
        Say::Approved => (StatusCode::OK, Json(payment("APPROVED"))),
        Say::Unknown => (StatusCode::ACCEPTED, Json(payment("UNKNOWN"))),
        Say::Refused(code) => (
            StatusCode::PAYMENT_REQUIRED,
            Json(json!({ "success": false, "code": code, "retryable": false })),
        ),
        Say::Broken => (
            StatusCode::INTERNAL_SERVER_ERROR,
            Json(json!({ "code": "internal", "retryable": true })),
        ),
    }
}
