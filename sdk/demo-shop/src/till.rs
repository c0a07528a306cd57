//! The till: what the shop asks the payment core, and what the answers mean to a buyer.
//!
//! Whatever is not a plain yes or a plain no is "not known yet": a time-out, a 5xx, a request in
//! flight, a core that is down. The buyer's piece stays held and the same question is asked again
//! under the same idempotency key, so that asking twice never charges twice.

use std::net::IpAddr;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::config::Config;
use crate::shelf::Purchase;

/// The core answers within 3 s or says that the PSP is slow; the rest is the way there and back.
const PATIENCE: Duration = Duration::from_secs(8);
/// Connections kept open to the gateway.
const IDLE_CONNECTIONS: usize = 64;

/// What became of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The money is taken.
    Approved {
        /// The core's id.
        payment_id: String,
    },
    /// No money was taken and none will be.
    Refused {
        /// The core's stable code.
        code: String,
    },
    /// Not known yet: ask again, under the same key.
    Open,
}

/// The core did not take the order; nothing was charged.
#[derive(Debug, thiserror::Error)]
pub enum NoOrder {
    /// The core could not be asked.
    #[error("the payment core cannot be reached")]
    Unreachable(#[from] reqwest::Error),
    /// It answered no.
    #[error("the payment core refused the order: {0}")]
    Refused(StatusCode),
}

/// The way to the payment core.
#[derive(Debug)]
pub struct Till {
    client: reqwest::Client,
    url: String,
    key: String,
    tenant: String,
}

#[derive(Deserialize)]
struct Success {
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    payment_id: String,
    status: String,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
    #[serde(default = "retryable_unless_said")]
    retryable: bool,
}

fn retryable_unless_said() -> bool {
    true
}

impl Till {
    /// A till that asks with the shop's own key.
    pub fn new(config: &Config) -> Self {
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client without a proxy or own certificates always builds");
        Self {
            client,
            url: config.core_url.clone(),
            key: config.core_key.clone(),
            tenant: config.pass.tenant.clone(),
        }
    }

    /// Tells the core what is about to be paid.
    pub async fn place_order(
        &self,
        purchase: &Purchase,
        visitor: Option<IpAddr>,
    ) -> Result<(), NoOrder> {
        let body = json!({
            "orderId": purchase.id,
            "amount": purchase.amount,
            "currency": "KRW",
            "metadata": { "product": "moon-jar-lamp" },
        });
        let answer = self
            .post("orders", &format!("order-{}", purchase.id), visitor)
            .json(&body)
            .send()
            .await?;
        let status = answer.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(NoOrder::Refused(status))
        }
    }

    /// Asks for the payment of a purchase that has a payment key. Repeating it is always safe.
    pub async fn pay(&self, purchase: &Purchase, visitor: Option<IpAddr>) -> Outcome {
        let body = json!({
            "orderId": purchase.id,
            "amount": purchase.amount,
            "currency": "KRW",
            "paymentKey": purchase.payment_key,
        });
        let sent = self
            .post("payments", &format!("pay-{}", purchase.id), visitor)
            .json(&body)
            .send()
            .await;
        match sent {
            Ok(answer) => {
                let status = answer.status();
                match answer.bytes().await {
                    Ok(body) => read(status, &body),
                    Err(_) => Outcome::Open,
                }
            }
            Err(error) => {
                tracing::warn!(order = purchase.id, error = %error, "the core did not answer; will ask again");
                Outcome::Open
            }
        }
    }

    fn post(&self, path: &str, key: &str, visitor: Option<IpAddr>) -> reqwest::RequestBuilder {
        let request = self
            .client
            .post(format!("{}/{path}", self.url))
            .bearer_auth(&self.key)
            .header("x-tenant-id", &self.tenant)
            .header("x-idempotency-key", key);
        match visitor {
            Some(address) => request.header("x-forwarded-for", address.to_string()),
            None => request,
        }
    }
}

/// What an answer of `POST /payments` means.
fn read(status: StatusCode, body: &[u8]) -> Outcome {
    if status.is_success() {
        return match serde_json::from_slice::<Success>(body) {
            Ok(answer) => success(answer.data),
            Err(_) => Outcome::Open,
        };
    }
    // The shop's own key or tenant is wrong: the operator's to mend, and nobody was charged for it.
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        tracing::error!(%status, "the core does not accept the shop's key");
        return Outcome::Open;
    }
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) if !problem.retryable => Outcome::Refused { code: problem.code },
        _ => Outcome::Open,
    }
}

fn success(data: Data) -> Outcome {
    match data.status.as_str() {
        "APPROVED" => Outcome::Approved {
            payment_id: data.payment_id,
        },
        // Approved once and given back since: the buyer has the money, the shop has the piece.
        "FAILED" | "CANCELLED" | "REFUNDED" => Outcome::Refused {
            code: "payment_cancelled".to_owned(),
        },
        _ => Outcome::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, body: &str) -> Outcome {
        read(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn only_a_plain_yes_is_an_approval() {
        let approved = r#"{"success":true,"data":{"paymentId":"pay_1","status":"APPROVED"}}"#;
        assert_eq!(
            outcome(200, approved),
            Outcome::Approved {
                payment_id: "pay_1".into()
            }
        );
        let unknown = r#"{"success":true,"data":{"paymentId":"pay_1","status":"UNKNOWN"}}"#;
        assert_eq!(outcome(202, unknown), Outcome::Open);
        assert_eq!(outcome(200, "not json"), Outcome::Open);
    }

    #[test]
    fn only_a_plain_no_is_a_refusal() {
        let refused = |code: &str| Outcome::Refused { code: code.into() };
        assert_eq!(
            outcome(402, r#"{"code":"limit_exceeded","retryable":false}"#),
            refused("limit_exceeded")
        );
        assert_eq!(
            outcome(502, r#"{"code":"amount_mismatch","retryable":false}"#),
            refused("amount_mismatch")
        );
        assert_eq!(
            outcome(409, r#"{"code":"idempotency_in_flight","retryable":true}"#),
            Outcome::Open
        );
        assert_eq!(outcome(429, r#"{"code":"rate_limited"}"#), Outcome::Open);
        assert_eq!(
            outcome(401, r#"{"code":"unauthenticated","retryable":false}"#),
            Outcome::Open
        );
        assert_eq!(outcome(503, "<html>"), Outcome::Open);
    }
}
