//! The PSP's side: every approval and cancel it ever made, as psp-sim lists them.

use serde::Deserialize;
use serde_json::Number;

use super::NoVerdict;

/// What the PSP did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Took money.
    Approval,
    /// Gave money back.
    Cancel,
}

/// One line of the PSP's journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its number in the journal.
    pub seq: u64,
    /// Whose account.
    pub merchant: String,
    /// The PSP's name for the payment.
    pub payment_key: String,
    /// The order it was for.
    pub order_id: String,
    /// Minor units.
    pub minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// The key the request carried.
    pub idempotency_key: Option<String>,
    /// Approval or cancel.
    pub kind: Kind,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    seq: u64,
    merchant: String,
    payment_key: String,
    order_id: String,
    amount: Number,
    currency: String,
    idempotency_key: Option<String>,
    kind: Kind,
}

/// Lines asked for at once.
const PAGE: usize = 5_000;

/// Every line after number `after`, oldest first.
pub(super) async fn approvals(
    client: &reqwest::Client,
    psp: &str,
    after: u64,
) -> Result<Vec<Approval>, NoVerdict> {
    let mut all: Vec<Approval> = Vec::new();
    loop {
        let last = all.last().map_or(after, |approval| approval.seq);
        let url = format!("{psp}/sim/approvals?after={last}&limit={PAGE}");
        let answer = client
            .get(url)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status);
        let page: Vec<Line> = answer
            .map_err(NoVerdict::Psp)?
            .json()
            .await
            .map_err(NoVerdict::Psp)?;
        let full = page.len() == PAGE;
        for line in page {
            all.push(read(line)?);
        }
        if !full {
            return Ok(all);
        }
    }
}

fn read(line: Line) -> Result<Approval, NoVerdict> {
    let amount = line.amount.to_string();
    let minor = minor_units(&amount, &line.currency);
    let minor = minor.ok_or_else(|| {
        NoVerdict::Unreadable(format!(
            "psp-sim lists the amount {amount} {}",
            line.currency
        ))
    })?;
    Ok(Approval {
        seq: line.seq,
        merchant: line.merchant,
        payment_key: line.payment_key,
        order_id: line.order_id,
        minor,
        currency: line.currency,
        idempotency_key: line.idempotency_key,
        kind: line.kind,
    })
}

/// Reads `12.5 USD` as 1250 without a float.
fn minor_units(text: &str, currency: &str) -> Option<i64> {
    let exponent = if matches!(currency, "KRW" | "JPY") {
        0
    } else {
        2
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > exponent {
        return None;
    }
    format!("{whole}{fraction:0<exponent$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        assert_eq!(minor_units("189000", "KRW"), Some(189_000));
        assert_eq!(minor_units("5000.0", "KRW"), Some(5_000));
        assert_eq!(minor_units("12.5", "USD"), Some(1_250));
        assert_eq!(minor_units("0.29", "USD"), Some(29));
        assert_eq!(minor_units("1.5", "KRW"), None);
        assert_eq!(minor_units("1.005", "USD"), None);
    }
}
