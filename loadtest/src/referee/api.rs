//! What the tenant is told: the API must list the very payments the database holds.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Books, Finding, NoVerdict};

/// How to ask the core as one tenant.
#[derive(Clone)]
pub struct ApiAccess {
    /// The core, as `http://host:port`.
    pub core: String,
    /// The tenant whose key this is.
    pub tenant: String,
    /// A secret API key.
    pub key: String,
}

impl std::fmt::Debug for ApiAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiAccess")
            .field("core", &self.core)
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    items: Vec<Listed>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    payment_id: String,
    order_id: String,
    status: String,
    amount: Amount,
}

#[derive(Deserialize)]
struct Amount {
    value: i64,
    currency: String,
}

#[derive(Deserialize)]
struct Record {
    sequence: u32,
    to: String,
}

/// Audit trails read over the API, the newest payments' first.
const TRAILS: usize = 20;

/// Compares the tenant's list with the books; states may move while it is paged through, so only settled
/// payments are compared by state.
pub(super) async fn agrees(
    client: &reqwest::Client,
    api: &ApiAccess,
    books: &Books,
) -> Result<Finding, NoVerdict> {
    let mut finding = Finding::new(
        2,
        "the API lists the payments the database holds, each with its audit trail",
    );
    finding.converges = true;
    let listed = list(client, api).await?;
    finding.count("payments listed", listed.len());
    for payment in listed.iter().take(TRAILS) {
        let trail: Vec<Record> = get(
            client,
            api,
            &format!("payments/{}/audit", payment.payment_id),
        )
        .await?;
        let gapless = trail
            .iter()
            .zip(1..)
            .all(|(record, place)| record.sequence == place);
        let ends = trail
            .last()
            .is_some_and(|record| record.to == payment.status || !settled(&payment.status));
        if !gapless || !ends {
            finding.violation(format!(
                "the audit trail of {} does not lead to {}",
                payment.payment_id, payment.status
            ));
        }
    }
    let mut told: BTreeMap<(String, i64), i64> = BTreeMap::new();
    for payment in listed
        .into_iter()
        .filter(|payment| settled(&payment.status))
    {
        let id = format!(
            "{} {} {}",
            payment.order_id, payment.status, payment.amount.currency
        );
        *told.entry((id, payment.amount.value)).or_insert(0) += 1;
    }
    for payment in books
        .payments
        .iter()
        .filter(|payment| payment.tenant == api.tenant && settled(&payment.state))
    {
        let id = format!(
            "{} {} {}",
            payment.order_reference, payment.state, payment.currency
        );
        let missing = told
            .get_mut(&(id.clone(), payment.amount))
            .is_none_or(|left| {
                *left -= 1;
                *left < 0
            });
        if missing {
            finding.violation(format!("the API does not list {id} {}", payment.amount));
        }
    }
    Ok(finding)
}

fn settled(state: &str) -> bool {
    matches!(
        state,
        "APPROVED" | "FAILED" | "CANCELLED" | "REFUNDED" | "PARTIALLY_REFUNDED"
    )
}

async fn list(client: &reqwest::Client, api: &ApiAccess) -> Result<Vec<Listed>, NoVerdict> {
    let (mut all, mut path) = (Vec::new(), "payments?limit=100".to_owned());
    loop {
        let page: Page = get(client, api, &path).await?;
        all.extend(page.items);
        match page.next_cursor {
            Some(cursor) => path = format!("payments?limit=100&cursor={cursor}"),
            None => return Ok(all),
        }
    }
}

async fn get<T: for<'de> Deserialize<'de>>(
    client: &reqwest::Client,
    api: &ApiAccess,
    path: &str,
) -> Result<T, NoVerdict> {
    let request = client
        .get(format!("{}/api/v1/{path}", api.core))
        .bearer_auth(&api.key);
    let answer = request
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(NoVerdict::Api)?;
    let envelope: Envelope<T> = answer.json().await.map_err(NoVerdict::Api)?;
    Ok(envelope.data)
}
