//! A payment as it is answered: the wire types, and the one function from a payment to status and
//! body. Requests, replays and background look-ups all answer through it, so that they cannot differ.

use super::{Payment, State};
use crate::http::fields::AmountBody;
use crate::http::{Answer, Code, Envelope, Problem, RequestMeta};
use crate::psp::Refusal;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A payment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentBody {
    #[schema(example = "pay_01jkb5z8s6e1t9v4w2x3y4z5a6")]
    payment_id: String,
    /// Your reference of the order.
    #[schema(example = "order_123456")]
    order_id: String,
    /// READY, IN_PROGRESS, APPROVED, PARTIALLY_REFUNDED, REFUNDED, FAILED, CANCELLED or UNKNOWN.
    #[schema(example = "APPROVED")]
    status: &'static str,
    amount: AmountBody,
    #[schema(example = "CARD")]
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_method: Option<&'static str>,
    /// When the PSP took the money.
    #[schema(example = "2026-02-04T10:30:00Z")]
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_at: Option<String>,
    /// Why no money was taken: the code of the problem a FAILED payment answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_code: Option<&'static str>,
    /// While the outcome is open: when the PSP is asked next. Do not pay again meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_check_at: Option<String>,
    /// While READY: what the customer has to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_action: Option<NextActionBody>,
    #[schema(value_type = Object)]
    metadata: Value,
    created_at: String,
    updated_at: String,
}

/// What has to happen before a READY payment can be collected.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NextActionBody {
    /// `open_payment_window`: open the PSP's window for this order and amount, then confirm with the
    /// paymentKey it returns.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Where to confirm.
    confirm_path: String,
}

impl From<&Payment> for PaymentBody {
    fn from(payment: &Payment) -> Self {
        let id = payment.id.to_string();
        let next_action = (payment.state == State::Ready).then(|| NextActionBody {
            kind: "open_payment_window",
            confirm_path: format!("/api/v1/payments/{id}/confirm"),
        });
        let next_check_at = payment
            .next_look_up
            .filter(|_| payment.state == State::Unknown);
        Self {
            payment_id: id,
            order_id: payment.order_reference.to_string(),
            status: payment.state.as_str(),
            amount: payment.money.into(),
            payment_method: payment.method.map(super::Method::as_str),
            approved_at: payment.approved_at.map(|at| at.to_string()),
            failure_code: payment.refusal.map(Refusal::as_str),
            next_check_at: next_check_at.map(|at| at.to_string()),
            next_action,
            metadata: payment.metadata.clone(),
            created_at: payment.created_at.to_string(),
            updated_at: payment.updated_at.to_string(),
        }
    }
}

/// Status and body for a request that wants `payment` made or confirmed.
pub fn answer(payment: &Payment, meta: &RequestMeta) -> Answer {
    let status = match payment.state {
        State::Ready => StatusCode::CREATED,
        State::InProgress | State::Unknown => StatusCode::ACCEPTED,
        State::Approved | State::PartiallyRefunded | State::Refunded | State::Cancelled => {
            StatusCode::OK
        }
        State::Failed => return failure(payment).render(meta),
    };
    Envelope::answer(status, PaymentBody::from(payment), meta)
}

fn failure(payment: &Payment) -> Problem {
    let code = payment.refusal.map_or(Code::Internal, code_of);
    Problem::new(code)
        .about_payment(payment.id)
        .about_order(&payment.order_reference)
}

fn code_of(refusal: Refusal) -> Code {
    match refusal {
        Refusal::CardDeclined => Code::CardDeclined,
        Refusal::LimitExceeded => Code::LimitExceeded,
        Refusal::CardExpired => Code::CardExpired,
        Refusal::CardLostOrStolen => Code::CardLostOrStolen,
        Refusal::CardInvalid => Code::CardInvalid,
        Refusal::CardNotSupported => Code::CardNotSupported,
        Refusal::AmountBelowMinimum => Code::AmountBelowMinimum,
        Refusal::FraudSuspected => Code::FraudSuspected,
        Refusal::SessionExpired => Code::PaymentSessionExpired,
        Refusal::Cancelled => Code::PaymentCancelled,
        Refusal::AmountMismatch => Code::AmountMismatch,
        Refusal::Misconfigured => Code::PspMisconfigured,
        Refusal::OrderSpent => Code::OrderSpent,
        Refusal::Unreachable => Code::PspUnreachable,
    }
}

/// The payment in an event: what others may know of it.
pub fn event_data(payment: &Payment) -> Value {
    json!({
        "paymentId": payment.id.to_string(),
        "orderId": payment.order_reference.as_str(),
        "status": payment.state.as_str(),
        "amount": { "value": payment.money.minor(), "currency": payment.money.currency().code() },
        "approvedAt": payment.approved_at.map(|at| at.to_string()),
        "failureCode": payment.refusal.map(Refusal::as_str),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_payment_answers_with_the_word_it_is_stored_under() {
        for word in [
            "card_declined",
            "limit_exceeded",
            "payment_session_expired",
            "psp_unreachable",
            "amount_mismatch",
        ] {
            let refusal = Refusal::parse(word).unwrap();
            assert_eq!(code_of(refusal).as_str(), word);
        }
    }
}
