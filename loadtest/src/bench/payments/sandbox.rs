//! Payment keys in bulk, as if that many people had gone through the payment window.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use serde::Deserialize;
use serde_json::json;

use super::NoFigures;

/// psp-sim's account of the tenant.
#[derive(Clone)]
pub(super) struct Sandbox {
    pub(super) url: String,
    pub(super) secret: String,
}

/// One authorised session.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Session {
    pub(super) payment_key: String,
    pub(super) order_id: String,
}

#[derive(Deserialize)]
struct Sessions {
    payments: Vec<Session>,
}

/// Sessions one call may open.
const BATCH: usize = 10_000;
/// What each payment is about, in won.
pub(super) const AMOUNT: u32 = 10_000;

impl Sandbox {
    /// Opens `count` sessions of new orders.
    pub(super) async fn authorise(&self, count: usize) -> Result<Vec<Session>, NoFigures> {
        let client = reqwest::Client::new();
        let mut sessions = Vec::with_capacity(count);
        while sessions.len() < count {
            let batch = BATCH.min(count - sessions.len());
            let run = RandomState::new().hash_one(sessions.len());
            let body = json!({ "orderId": format!("bench-{run:016x}-{{n}}"), "amount": AMOUNT, "currency": "KRW", "count": batch });
            let request = client
                .post(format!("{}/sandbox/v1/authorizations", self.url))
                .basic_auth(&self.secret, Some(""));
            let answer: Sessions = request
                .json(&body)
                .send()
                .await?
                .error_for_status()?
                .json()
                .await?;
            sessions.extend(answer.payments);
        }
        Ok(sessions)
    }
}
