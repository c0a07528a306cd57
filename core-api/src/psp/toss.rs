//! TossPayments, core API 2022-11-16, over HTTP.
//!
//! Lost answers are found by asking for the payment by its key, or by our order where the key is not
//! known. The idempotency key protects for 15 days and does not look at the body, so every answer is
//! compared with what was asked before anybody believes it ([`crate::psp::Receipt::check`]).

mod classification;
mod wire;

pub(super) use wire::amount_of;

use super::client::{Call, Connections, Line, Reply, Silence};
use super::{Charge, Confirmed, Found, Psp, Refusal, Returned};
use crate::http::problem::chain;
use async_trait::async_trait;
use classification::Class;
use serde::de::DeserializeOwned;
use wire::{CancelBody, ConfirmBody, ErrorBody, PaymentBody};

/// One tenant's TossPayments account.
pub struct Toss {
    line: Line,
}

impl std::fmt::Debug for Toss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Toss")
    }
}

impl Toss {
    /// An account at `base_url` (`https://api.tosspayments.com`) with a `test_sk_…` or `live_sk_…` key.
    pub fn new(connections: Connections, base_url: &str, secret_key: &str) -> Self {
        Self {
            line: Line::new(connections, base_url, secret_key),
        }
    }

    pub(super) fn line(&self) -> &Line {
        &self.line
    }

    /// Confirms a payment whose key is known.
    pub(super) async fn confirm_key(&self, charge: &Charge, payment_key: &str) -> Confirmed {
        let body = ConfirmBody {
            payment_key,
            order_id: &charge.order_reference,
            amount: amount_of(charge),
        };
        let key = charge.idempotency_key();
        let call = Call {
            name: "confirm",
            path: "/v1/payments/confirm",
            idempotency_key: &key,
        };
        match self.line.post(call, &body).await {
            Ok(reply) => read_confirm(&reply),
            Err(silence @ Silence::NotSent(_)) => {
                tracing::warn!(error = chain(&silence), "the PSP could not be reached");
                Confirmed::Refused(Refusal::Unreachable)
            }
            Err(silence) => Confirmed::Doubt(chain(&silence)),
        }
    }

    /// Asks for a payment by its key.
    pub(super) async fn look_up_key(&self, payment_key: &str) -> Found {
        let path = format!("/v1/payments/{}", path_segment(payment_key));
        read_look_up(self.line.get("get", &path).await)
    }
}

#[async_trait]
impl Psp for Toss {
    fn needs_window(&self) -> bool {
        true
    }

    async fn confirm(&self, charge: &Charge) -> Confirmed {
        match &charge.payment_key {
            Some(key) => self.confirm_key(charge, key).await,
            None => Confirmed::Refused(Refusal::Misconfigured),
        }
    }

    async fn look_up(&self, charge: &Charge) -> Found {
        match &charge.payment_key {
            Some(key) => self.look_up_key(key).await,
            None => {
                let path = format!(
                    "/v1/payments/orders/{}",
                    path_segment(&charge.order_reference)
                );
                read_look_up(self.line.get("get", &path).await)
            }
        }
    }

    async fn give_back(&self, charge: &Charge, payment_key: &str) -> Returned {
        let path = format!("/v1/payments/{}/cancel", path_segment(payment_key));
        let key = format!("{}-back", charge.attempt);
        let call = Call {
            name: "cancel",
            path: &path,
            idempotency_key: &key,
        };
        let body = CancelBody {
            cancel_reason: "amount differs from the order",
        };
        match self.line.post(call, &body).await {
            Ok(reply) if reply.status.is_success() => match parse::<PaymentBody>(&reply) {
                Ok(payment) if payment.status == "CANCELED" => Returned::Done,
                Ok(payment) => Returned::Doubt(format!("status {}", payment.status)),
                Err(why) => Returned::Doubt(why),
            },
            Ok(reply) => match parse::<ErrorBody>(&reply) {
                // Our own earlier cancel, whose answer was lost.
                Ok(error) if error.code == "ALREADY_CANCELED_PAYMENT" => Returned::Done,
                Ok(error) => Returned::Doubt(format!("{} {}", error.code, error.message)),
                Err(why) => Returned::Doubt(why),
            },
            Err(silence) => Returned::Doubt(chain(&silence)),
        }
    }
}

pub(super) fn parse<T: DeserializeOwned>(reply: &Reply) -> Result<T, String> {
    serde_json::from_slice(&reply.body)
        .map_err(|error| format!("HTTP {}: {error}", reply.status.as_u16()))
}

pub(super) fn read_confirm(reply: &Reply) -> Confirmed {
    if reply.status.is_success() {
        return match parse::<PaymentBody>(reply) {
            Ok(payment) if payment.status == "DONE" => payment.receipt().map_or_else(
                || Confirmed::Doubt("DONE without approvedAt".into()),
                Confirmed::Approved,
            ),
            Ok(payment) => Confirmed::Doubt(format!("confirmed with status {}", payment.status)),
            Err(why) => Confirmed::Doubt(why),
        };
    }
    let error = match parse::<ErrorBody>(reply) {
        Ok(error) => error,
        Err(why) => return Confirmed::Doubt(why),
    };
    match classification::of_confirm(&error.code) {
        Class::Refused(Refusal::Misconfigured) => {
            tracing::error!(
                alarm = "psp_misconfigured",
                code = error.code,
                message = error.message,
                "the PSP does not accept us"
            );
            Confirmed::Refused(Refusal::Misconfigured)
        }
        Class::Refused(refusal) => Confirmed::Refused(refusal),
        Class::Unconfirmable(refusal) => Confirmed::Unconfirmable(refusal),
        Class::Doubt => Confirmed::Doubt(format!("{} {}", error.code, error.message)),
    }
}

fn read_look_up(reply: Result<Reply, Silence>) -> Found {
    let reply = match reply {
        Ok(reply) => reply,
        Err(silence) => return Found::Doubt(chain(&silence)),
    };
    if !reply.status.is_success() {
        return match parse::<ErrorBody>(&reply) {
            Ok(error) if error.code == "NOT_FOUND_PAYMENT" => Found::Nothing,
            Ok(error) => Found::Doubt(format!("{} {}", error.code, error.message)),
            Err(why) => Found::Doubt(why),
        };
    }
    let payment = match parse::<PaymentBody>(&reply) {
        Ok(payment) => payment,
        Err(why) => return Found::Doubt(why),
    };
    match payment.status.as_str() {
        "DONE" => payment.receipt().map_or_else(
            || Found::Doubt("DONE without approvedAt".into()),
            Found::Done,
        ),
        "ABORTED" => Found::Ended(Refusal::CardDeclined),
        "EXPIRED" => Found::Ended(Refusal::SessionExpired),
        "CANCELED" => Found::Ended(Refusal::Cancelled),
        "PARTIAL_CANCELED" => Found::PartlyCancelled,
        "READY" | "IN_PROGRESS" => Found::Open,
        other => Found::Doubt(format!("status {other}")),
    }
}

/// Percent-encodes what a path segment may not hold (billing keys end in `=`).
fn path_segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests;
