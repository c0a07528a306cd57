//! TossPayments' objects, as far as we read them. Unknown members and values will appear and are
//! ignored; an amount may be written with a decimal point.

use crate::clock::Timestamp;
use crate::money::{Currency, Money};
use crate::psp::{Charge, Receipt};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// `POST /v1/payments/confirm`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfirmBody<'a> {
    pub(super) payment_key: &'a str,
    pub(super) order_id: &'a str,
    pub(super) amount: serde_json::Number,
}

/// `POST /v1/payments/{paymentKey}/cancel`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CancelBody<'a> {
    pub(super) cancel_reason: &'a str,
}

/// The error object.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody {
    pub(super) code: String,
    #[serde(default)]
    pub(super) message: String,
}

/// The Payment object.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentBody {
    pub(super) payment_key: String,
    pub(super) order_id: String,
    pub(super) status: String,
    currency: String,
    total_amount: Decimal,
    approved_at: Option<String>,
}

impl PaymentBody {
    /// The receipt of a payment that is DONE; `None` if it lacks its time of approval.
    pub(super) fn receipt(&self) -> Option<Receipt> {
        let currency: Option<Currency> = self.currency.parse().ok();
        Some(Receipt {
            payment_key: self.payment_key.clone(),
            order_reference: self.order_id.clone(),
            money: currency
                .and_then(|currency| Money::from_major(self.total_amount, currency).ok()),
            approved_at: Timestamp::parse(self.approved_at.as_deref()?)?,
        })
    }
}

/// The amount as TossPayments wants it: an integer for won, a decimal for dollars.
pub(in crate::psp) fn amount_of(charge: &Charge) -> serde_json::Number {
    let major = charge.money.to_major();
    let written = major.to_string();
    serde_json::from_str(&written).expect("a decimal is a JSON number")
}
