//! Payments: one attempt to collect an order's money, told truthfully.
//!
//! The story of a payment, in the order of the code: [`commands`] asks "seen before?", records the
//! intent ([`sql`]: one statement), asks the PSP outside any transaction, and records the outcome (one
//! statement again). Between the two a crash leaves a leased saga row; [`resolution`] decides, from what
//! the PSP says when asked again, what happened. Both ways end in the same [`commands::settle`], whose
//! statement is guarded by the state, the attempt and the fence, so that it takes effect once.
//!
//! UNKNOWN is a state and not a failure: the order stays locked, nobody is charged again, and the
//! PSP is asked after 1, 2, 4, 8 and 15 s and on.

pub mod answer;
pub mod commands;
mod metrics;
pub mod resolution;
pub mod routes;
mod sql;
pub mod state;

pub use commands::{PaymentRules, Payments};
pub use metrics::PaymentMetrics;
pub use state::State;

use crate::clock::Timestamp;
use crate::id::{AttemptId, OrderId, PaymentId};
use crate::money::Money;
use crate::order::Reference;
use crate::psp::{Charge, Refusal};
use serde_json::Value;

/// A payment.
#[derive(Clone, Debug)]
pub struct Payment {
    /// Its name.
    pub id: PaymentId,
    /// The order it pays.
    pub order: OrderId,
    /// The same, by the tenant's reference.
    pub order_reference: Reference,
    /// Where it stands.
    pub state: State,
    /// Moves so far, its creation included.
    pub version: i32,
    /// What it collects.
    pub money: Money,
    /// How the customer wanted to pay, if said.
    pub method: Option<Method>,
    /// The tenant's notes.
    pub metadata: Value,
    /// The PSP's name for it, once known.
    pub payment_key: Option<String>,
    /// Our name for the attempt.
    pub attempt: AttemptId,
    /// The key of the request that set the attempt going.
    pub idempotency_key: String,
    /// The trace of that request.
    pub trace_id: String,
    /// Why it failed.
    pub refusal: Option<Refusal>,
    /// When the PSP took the money.
    pub approved_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
    /// When the PSP is asked next; only while the outcome is open.
    pub next_look_up: Option<Timestamp>,
    /// When the PSP was first asked to collect; only while the outcome is open.
    pub open_since: Option<Timestamp>,
}

impl Payment {
    /// What the PSP is asked to collect.
    pub fn charge(&self) -> Charge {
        Charge {
            attempt: self.attempt,
            order_reference: self.order_reference.to_string(),
            money: self.money,
            payment_key: self.payment_key.clone(),
            round: 0,
        }
    }
}

/// How a customer pays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// A credit or debit card.
    Card,
    /// A wallet, such as KakaoPay.
    EasyPay,
    /// From a bank account.
    Transfer,
    /// On the telephone bill.
    MobilePhone,
    /// A gift certificate.
    GiftCertificate,
}

impl Method {
    const ALL: [Self; 5] = [
        Self::Card,
        Self::EasyPay,
        Self::Transfer,
        Self::MobilePhone,
        Self::GiftCertificate,
    ];

    /// The `method` column and the API's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Card => "CARD",
            Self::EasyPay => "EASY_PAY",
            Self::Transfer => "TRANSFER",
            Self::MobilePhone => "MOBILE_PHONE",
            Self::GiftCertificate => "GIFT_CERTIFICATE",
        }
    }
}

/// A text that is no way to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be CARD, EASY_PAY, TRANSFER, MOBILE_PHONE or GIFT_CERTIFICATE")]
pub struct UnknownMethod;

impl std::str::FromStr for Method {
    type Err = UnknownMethod;
    fn from_str(text: &str) -> Result<Self, UnknownMethod> {
        Self::ALL
            .into_iter()
            .find(|method| method.as_str() == text)
            .ok_or(UnknownMethod)
    }
}

#[cfg(test)]
mod tests;
