//! The sandbox: TossPayments' API, plus payment sessions without a window, so that a request with no
//! paymentKey is approved at once. For development, tests and demonstrations.
//!
//! Opening a session takes no money and is repeatable under the attempt's key: the same attempt
//! always gets the same session. So nothing has to be stored between opening and confirming; after a
//! crash the session is opened "again" and asked about.

use super::client::{Call, Connections, Silence};
use super::toss::{self, Toss};
use super::{Charge, Confirmed, Found, Psp, Refusal, Returned};
use crate::http::problem::chain;
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

/// One tenant's sandbox account.
pub(super) struct Sandbox {
    toss: Toss,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    payment_key: String,
}

impl Sandbox {
    pub(super) fn new(connections: Connections, base_url: &str, secret_key: &str) -> Self {
        Self {
            toss: Toss::new(connections, base_url, secret_key),
        }
    }

    /// The charge's session: the window's, or one opened here under the attempt's key.
    async fn session(&self, charge: &Charge) -> Result<String, Confirmed> {
        if let Some(key) = &charge.payment_key {
            return Ok(key.clone());
        }
        let attempt = format!("{}-open", charge.attempt);
        let call = Call {
            name: "authorize",
            path: "/sandbox/v1/authorizations",
            idempotency_key: &attempt,
        };
        let body = json!({
            "orderId": charge.order_reference,
            "amount": toss::amount_of(charge),
            "currency": charge.money.currency().code(),
        });
        match self.toss.line().post(call, &body).await {
            Ok(reply) if reply.status.is_success() => match toss::parse::<Session>(&reply) {
                Ok(session) => Ok(session.payment_key),
                Err(why) => Err(Confirmed::Doubt(why)),
            },
            Ok(reply) => Err(toss::read_confirm(&reply)),
            Err(silence @ Silence::NotSent(_)) => {
                tracing::warn!(error = chain(&silence), "the PSP could not be reached");
                Err(Confirmed::Refused(Refusal::Unreachable))
            }
            Err(silence) => Err(Confirmed::Doubt(chain(&silence))),
        }
    }
}

#[async_trait]
impl Psp for Sandbox {
    fn needs_window(&self) -> bool {
        false
    }

    async fn confirm(&self, charge: &Charge) -> Confirmed {
        match self.session(charge).await {
            Ok(key) => self.toss.confirm_key(charge, &key).await,
            Err(known) => known,
        }
    }

    async fn look_up(&self, charge: &Charge) -> Found {
        match self.session(charge).await {
            Ok(key) => self.toss.look_up_key(&key).await,
            Err(Confirmed::Doubt(why)) => Found::Doubt(why),
            Err(other) => Found::Doubt(format!("no session: {other:?}")),
        }
    }

    async fn give_back(&self, charge: &Charge, payment_key: &str) -> Returned {
        self.toss.give_back(charge, payment_key).await
    }
}
