//! The Payment object of API version 2022-11-16, field by field as the provider writes it.
//!
//! Values are Korean unless English was asked for, most objects are null, and amounts are JSON
//! numbers: a client has to live with all three.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Number, Value};

use crate::book::{Canceled, Payment, Status};
use crate::clock::seoul;
use crate::language::Language;

/// A Payment object as JSON text. `delta` falsifies the total by so many minor units.
pub(crate) fn payment_json(payment: &Payment, language: Language, delta: i64) -> Vec<u8> {
    serde_json::to_vec(&Wire::of(payment, language, delta)).expect("strings and numbers are JSON")
}

/// The same as a value inside a webhook.
pub(crate) fn payment_value(payment: &Payment) -> Value {
    serde_json::to_value(Wire::of(payment, Language::Korean, 0))
        .expect("strings and numbers are JSON")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(rename = "mId")]
    m_id: String,
    version: &'static str,
    payment_key: &'a str,
    status: &'static str,
    last_transaction_key: Option<&'a str>,
    order_id: &'a str,
    order_name: &'a str,
    requested_at: String,
    approved_at: Option<String>,
    use_escrow: bool,
    culture_expense: bool,
    card: Option<WireCard>,
    virtual_account: Option<()>,
    transfer: Option<()>,
    mobile_phone: Option<()>,
    gift_certificate: Option<()>,
    cash_receipt: Option<()>,
    cash_receipts: Option<()>,
    discount: Option<()>,
    cancels: Option<Vec<WireCancel<'a>>>,
    secret: Option<()>,
    #[serde(rename = "type")]
    kind: &'static str,
    easy_pay: Option<()>,
    country: &'static str,
    failure: Option<WireFailure<'a>>,
    is_partial_cancelable: bool,
    receipt: Option<()>,
    checkout: Option<()>,
    currency: &'static str,
    total_amount: Number,
    balance_amount: Number,
    supplied_amount: Number,
    vat: Number,
    tax_free_amount: Number,
    tax_exemption_amount: Number,
    method: Option<&'static str>,
    metadata: Option<()>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireCard {
    issuer_code: &'static str,
    acquirer_code: &'static str,
    number: &'static str,
    installment_plan_months: u8,
    is_interest_free: bool,
    interest_payer: Option<()>,
    approve_no: &'static str,
    use_card_point: bool,
    card_type: &'static str,
    owner_type: &'static str,
    acquire_status: &'static str,
    amount: Number,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireCancel<'a> {
    transaction_key: &'a str,
    cancel_reason: &'a str,
    tax_exemption_amount: Number,
    canceled_at: String,
    easy_pay_discount_amount: Number,
    receipt_key: Option<()>,
    cancel_amount: Number,
    tax_free_amount: Number,
    refundable_amount: Number,
    cancel_status: &'static str,
    cancel_request_id: Option<()>,
}

#[derive(Serialize)]
struct WireFailure<'a> {
    code: &'a str,
    message: &'static str,
}

impl<'a> Wire<'a> {
    fn of(payment: &'a Payment, language: Language, delta: i64) -> Self {
        let amount = |minor: i64| payment.total.with_minor(minor).to_json();
        let vat = value_added_tax(payment.balance);
        let chosen =
            !matches!(payment.status, Status::Ready | Status::Expired) && payment.failure.is_none();
        let korean = language == Language::Korean;
        Self {
            m_id: payment.merchant.mid(),
            version: "2022-11-16",
            payment_key: &payment.key,
            status: payment.status.name(),
            last_transaction_key: payment.last_transaction_key.as_deref(),
            order_id: &payment.order_id,
            order_name: &payment.order_name,
            requested_at: seoul(payment.requested_at),
            approved_at: payment.approved_at.map(seoul),
            use_escrow: false,
            culture_expense: false,
            card: chosen.then(|| WireCard::of(payment, language)),
            virtual_account: None,
            transfer: None,
            mobile_phone: None,
            gift_certificate: None,
            cash_receipt: None,
            cash_receipts: None,
            discount: None,
            cancels: cancels(payment),
            secret: None,
            kind: "NORMAL",
            easy_pay: None,
            country: "KR",
            failure: payment.failure.as_ref().map(|why| WireFailure {
                code: why.code(),
                message: why.message(language),
            }),
            is_partial_cancelable: true,
            receipt: None,
            checkout: None,
            currency: payment.total.currency.code(),
            total_amount: amount(payment.total.minor + delta),
            balance_amount: amount(payment.balance + delta),
            supplied_amount: amount(payment.balance - vat),
            vat: amount(vat),
            tax_free_amount: Number::from(0),
            tax_exemption_amount: Number::from(0),
            method: chosen.then_some(if korean { "카드" } else { "Card" }),
            metadata: None,
        }
    }
}

impl WireCard {
    fn of(payment: &Payment, language: Language) -> Self {
        let (card_type, owner_type) = match language {
            Language::Korean => ("신용", "개인"),
            Language::English => ("Credit", "Personal"),
        };
        Self {
            issuer_code: payment.card.issuer,
            acquirer_code: payment.card.issuer,
            number: payment.card.masked,
            installment_plan_months: 0,
            is_interest_free: false,
            interest_payer: None,
            approve_no: "00000000",
            use_card_point: false,
            card_type,
            owner_type,
            acquire_status: if payment.status == Status::Canceled {
                "CANCELED"
            } else {
                "READY"
            },
            amount: payment.total.to_json(),
        }
    }
}

fn cancels(payment: &Payment) -> Option<Vec<WireCancel<'_>>> {
    let wire = |cancel| WireCancel::of(payment, cancel);
    (!payment.cancels.is_empty()).then(|| payment.cancels.iter().map(wire).collect())
}

impl<'a> WireCancel<'a> {
    fn of(payment: &Payment, cancel: &'a Canceled) -> Self {
        let amount = |minor: i64| payment.total.with_minor(minor).to_json();
        let at: Timestamp = cancel.at;
        Self {
            transaction_key: &cancel.transaction_key,
            cancel_reason: &cancel.reason,
            tax_exemption_amount: Number::from(0),
            canceled_at: seoul(at),
            easy_pay_discount_amount: Number::from(0),
            receipt_key: None,
            cancel_amount: amount(cancel.amount),
            tax_free_amount: Number::from(0),
            refundable_amount: amount(cancel.refundable),
            cancel_status: "DONE",
            cancel_request_id: None,
        }
    }
}

/// The tax inside a price that includes it: an eleventh, rounded half up.
fn value_added_tax(total: i64) -> i64 {
    (total * 2 + 11) / 22
}

#[cfg(test)]
mod tests {
    use super::value_added_tax;

    #[test]
    fn the_tax_is_an_eleventh_rounded_half_up() {
        let cases = [
            (0, 0),
            (100, 9),
            (110, 10),
            (15_000, 1_364),
            (42_000, 3_818),
        ];
        for (total, vat) in cases {
            assert_eq!(value_added_tax(total), vat, "{total}");
        }
    }
}
