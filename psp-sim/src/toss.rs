//! The TossPayments API at its real paths.
//!
//! A request is read into a [`Call`], then `exchange` answers it: replay or refuse by its
//! idempotency record, ask the fault rules, carry it out, answer. Without a pause to keep, all of
//! that is one synchronous stretch; with one it is a task of its own, so that a client which gives
//! up does not stop what it asked for, as with the real provider.

mod exchange;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::request::Parts;
use http::{HeaderMap, Method};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Number;

use crate::Sim;
use crate::book::{Cancellation, Confirmation};
use crate::faults::{Facts, Op};
use crate::idempotency::{self, Scope};
use crate::language::Language;
use crate::merchant::Merchant;
use crate::refusal::{self, Refusal};
use crate::secret;

pub use exchange::Vanish;
pub(crate) use exchange::{answer_json, exchange};
pub(crate) use wire::payment_value;

/// Reproduces any error with a test key, before anything else is looked at.
const TEST_CODE: &str = "tosspayments-test-code";
/// Longest `cancelReason`.
const REASON_MAX: usize = 200;

/// The four calls.
pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/v1/payments/confirm", post(confirm))
        .route("/v1/payments/{payment_key}", get(find))
        .route("/v1/payments/orders/{order_id}", get(find_order))
        .route("/v1/payments/{payment_key}/cancel", post(cancel))
}

/// What a merchant asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Confirm {
        payment_key: String,
        confirmation: Confirmation,
    },
    Cancel {
        payment_key: String,
        cancellation: Cancellation,
    },
    Find {
        payment_key: String,
    },
    FindOrder {
        order_id: String,
    },
    Authorize(crate::sandbox::Authorization),
}

/// A request with everything that decides its answer.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) merchant: Merchant,
    pub(crate) language: Language,
    pub(crate) op: Op,
    /// The command, or why the body is none: even that answer is kept under an idempotency key.
    pub(crate) command: Result<Command, Refusal>,
    pub(crate) scope: Option<Scope>,
    pub(crate) test_code: Option<String>,
}

impl Call {
    /// Authenticates the caller and reads the headers that every call shares.
    pub(crate) fn new(
        parts: &Parts,
        op: Op,
        read: impl FnOnce(Option<&str>) -> Result<Command, Refusal>,
    ) -> Result<Self, Refusal> {
        let merchant = Merchant::authenticate(&parts.headers)?;
        let key = match parts.method {
            Method::GET => None,
            _ => idempotency::key_of(&parts.headers)?,
        };
        let scope = key
            .as_deref()
            .map(|key| Scope::new(key, &merchant, &parts.method, parts.uri.path()));
        Ok(Self {
            merchant,
            language: Language::of(&parts.headers),
            op,
            command: read(key.as_deref()),
            scope,
            test_code: text_header(&parts.headers, TEST_CODE),
        })
    }

    /// What fault rules may know about it.
    pub(crate) fn facts(&self) -> Facts<'_> {
        let (order_id, payment_key) = match &self.command {
            Ok(Command::Confirm {
                payment_key,
                confirmation,
            }) => (confirmation.order_id.as_str(), payment_key.as_str()),
            Ok(Command::Cancel { payment_key, .. } | Command::Find { payment_key }) => {
                ("", payment_key.as_str())
            }
            Ok(Command::FindOrder { order_id }) => (order_id.as_str(), ""),
            Ok(Command::Authorize(authorization)) => (authorization.order_id.as_str(), ""),
            Err(_) => ("", ""),
        };
        Facts {
            op: self.op,
            order_id,
            payment_key,
        }
    }
}

fn text_header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

async fn confirm(State(sim): State<Arc<Sim>>, parts: Parts, body: Bytes) -> Response {
    let call = Call::new(&parts, Op::Confirm, |key| {
        let asked: ConfirmBody = json(&body)?;
        let confirmation = Confirmation {
            order_id: asked.order_id,
            amount: asked.amount.to_string(),
            idempotency_key: key.map(str::to_owned),
            amount_delta: 0,
        };
        Ok(Command::Confirm {
            payment_key: asked.payment_key,
            confirmation,
        })
    });
    exchange(sim, &parts, call).await
}

async fn cancel(
    State(sim): State<Arc<Sim>>,
    Path(payment_key): Path<String>,
    parts: Parts,
    body: Bytes,
) -> Response {
    let call = Call::new(&parts, Op::Cancel, |key| {
        let asked: CancelBody = json(&body)?;
        let reason = asked.cancel_reason;
        if reason.is_empty() || reason.chars().count() > REASON_MAX {
            return Err(refusal::INVALID_REQUEST);
        }
        let cancellation = Cancellation {
            reason,
            amount: asked.cancel_amount.map(|amount| amount.to_string()),
            idempotency_key: key.map(str::to_owned),
            transaction_key: secret::letters(32),
        };
        Ok(Command::Cancel {
            payment_key,
            cancellation,
        })
    });
    exchange(sim, &parts, call).await
}

async fn find(
    State(sim): State<Arc<Sim>>,
    Path(payment_key): Path<String>,
    parts: Parts,
) -> Response {
    let call = Call::new(&parts, Op::Get, |_| Ok(Command::Find { payment_key }));
    exchange(sim, &parts, call).await
}

async fn find_order(
    State(sim): State<Arc<Sim>>,
    Path(order_id): Path<String>,
    parts: Parts,
) -> Response {
    let call = Call::new(&parts, Op::Get, |_| Ok(Command::FindOrder { order_id }));
    exchange(sim, &parts, call).await
}

/// A JSON body, or the provider's word for "no".
pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|_| refusal::INVALID_REQUEST)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfirmBody {
    payment_key: String,
    order_id: String,
    amount: Number,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelBody {
    cancel_reason: String,
    cancel_amount: Option<Number>,
}
