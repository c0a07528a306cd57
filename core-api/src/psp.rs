//! Payment service providers: the port [`Psp`], its adapters, and each tenant's account.
//!
//! The port's words are about knowledge, not about HTTP: an answer either says that money moved, or
//! that it did not, or leaves us in doubt. Doubt is an answer of its own and never an error, because
//! an error invites a retry and a retry with another key charges twice. An adapter classifies by the
//! PSP's code, never by its HTTP status (`toss/classification.rs`).

pub mod account;
mod client;
mod sandbox;
pub mod seal;
pub mod toss;
pub mod webhook;

pub use client::{Connections, PspTimeouts};

use crate::clock::Timestamp;
use crate::id::AttemptId;
use crate::money::Money;
use async_trait::async_trait;

/// What we ask a PSP to collect.
#[derive(Clone, Debug)]
pub struct Charge {
    /// Our name for this attempt; the PSP's idempotency key, the same for every repetition.
    pub attempt: AttemptId,
    /// The tenant's order, known to the PSP under the same name.
    pub order_reference: String,
    /// How much.
    pub money: Money,
    /// The payment window's result; absent only where the PSP needs none.
    pub payment_key: Option<String>,
    /// 0, or the number of the look-up that found the session still unconfirmed long after every
    /// earlier call had ended; see [`Charge::idempotency_key`].
    pub round: u32,
}

impl Charge {
    /// What the PSP recognises a repetition of this attempt by.
    ///
    /// A PSP that failed before it collected gives that failure again to every repetition under the
    /// same key, for days. So a session that the PSP itself, asked after all our calls had had their
    /// time, calls unconfirmed is confirmed in a new round with a key of its own. That cannot charge
    /// twice: the session is the same, and a PSP collects a session once
    /// (docs/decisions/0012-a-new-round.md).
    pub fn idempotency_key(&self) -> String {
        match self.round {
            0 => self.attempt.to_string(),
            round => format!("{}-{round}", self.attempt),
        }
    }
}

/// What a PSP says it did. Compared with the [`Charge`] before it is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The PSP's name for the payment.
    pub payment_key: String,
    /// The order it believes it was for.
    pub order_reference: String,
    /// How much it says it took; `None` when its amount is no amount at all.
    pub money: Option<Money>,
    /// When.
    pub approved_at: Timestamp,
}

/// What differs between a receipt and our charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The receipt is for another payment or order. That one's money is not ours to touch.
    #[error("the PSP answered for another payment")]
    OtherPayment,
    /// The payment is ours, the amount or currency is not what was asked.
    #[error("the PSP took another amount")]
    OtherAmount,
}

impl Receipt {
    /// Compares key, order, amount and currency with ours.
    pub fn check(&self, charge: &Charge) -> Result<(), Mismatch> {
        let other_key = charge
            .payment_key
            .as_ref()
            .is_some_and(|ours| *ours != self.payment_key);
        if other_key || self.order_reference != charge.order_reference {
            return Err(Mismatch::OtherPayment);
        }
        if self.money != Some(charge.money) {
            return Err(Mismatch::OtherAmount);
        }
        Ok(())
    }
}

/// Why no money moved, in words that are the same for every PSP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The issuer declined without a reason we can use.
    CardDeclined,
    /// Over a limit, or not enough balance.
    LimitExceeded,
    /// The card has expired.
    CardExpired,
    /// Stopped, lost or stolen: not to be tried again.
    CardLostOrStolen,
    /// Number or data wrong.
    CardInvalid,
    /// This kind of card is not taken.
    CardNotSupported,
    /// Less than the method's minimum.
    AmountBelowMinimum,
    /// The PSP's fraud rules.
    FraudSuspected,
    /// The window's result is no longer valid.
    SessionExpired,
    /// Cancelled at the PSP before we could book it.
    Cancelled,
    /// Another amount was taken and given back.
    AmountMismatch,
    /// Our credentials or our request are wrong: the operator's to repair, not the customer's.
    Misconfigured,
    /// The PSP holds another payment under this order's reference.
    OrderSpent,
    /// No connection was made, so nothing was sent.
    Unreachable,
}

impl Refusal {
    const ALL: [Self; 14] = [
        Self::CardDeclined,
        Self::LimitExceeded,
        Self::CardExpired,
        Self::CardLostOrStolen,
        Self::CardInvalid,
        Self::CardNotSupported,
        Self::AmountBelowMinimum,
        Self::FraudSuspected,
        Self::SessionExpired,
        Self::Cancelled,
        Self::AmountMismatch,
        Self::Misconfigured,
        Self::OrderSpent,
        Self::Unreachable,
    ];

    /// The stable word for it: in the database, in events, in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CardDeclined => "card_declined",
            Self::LimitExceeded => "limit_exceeded",
            Self::CardExpired => "card_expired",
            Self::CardLostOrStolen => "card_lost_or_stolen",
            Self::CardInvalid => "card_invalid",
            Self::CardNotSupported => "card_not_supported",
            Self::AmountBelowMinimum => "amount_below_minimum",
            Self::FraudSuspected => "fraud_suspected",
            Self::SessionExpired => "payment_session_expired",
            Self::Cancelled => "payment_cancelled",
            Self::AmountMismatch => "amount_mismatch",
            Self::Misconfigured => "psp_misconfigured",
            Self::OrderSpent => "order_spent",
            Self::Unreachable => "psp_unreachable",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|refusal| refusal.as_str() == text)
    }
}

/// What is known after asking a PSP to collect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// Money moved, says the receipt.
    Approved(Receipt),
    /// No money moved, for certain.
    Refused(Refusal),
    /// The PSP will not confirm this session, for this reason. It may have been collected by an
    /// earlier call of ours; a look-up says.
    Unconfirmable(Refusal),
    /// Whether money moved is not known. The text is for the log.
    Doubt(String),
}

/// What a PSP says about a payment when asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Money moved and is still there.
    Done(Receipt),
    /// No money moved, and none will.
    Ended(Refusal),
    /// Authenticated by the customer, not confirmed: a confirm may still come or never came.
    Open,
    /// The PSP does not know it.
    Nothing,
    /// Part of the money was given back behind our back; a person has to look.
    PartlyCancelled,
    /// The PSP could not say.
    Doubt(String),
}

/// What is known after asking a PSP to give all money back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    /// It is given back.
    Done,
    /// Whether it was is not known, or it was refused; ask again.
    Doubt(String),
}

/// A payment service provider, for one tenant's account.
#[async_trait]
pub trait Psp: Send + Sync {
    /// Whether a payment needs the result of the PSP's payment window before it can be collected.
    fn needs_window(&self) -> bool;

    /// Collects `charge`. Repeating it with the same attempt never charges twice.
    async fn confirm(&self, charge: &Charge) -> Confirmed;

    /// Asks what became of `charge`.
    async fn look_up(&self, charge: &Charge) -> Found;

    /// Gives back everything taken under `payment_key` for `charge`; repeatable.
    async fn give_back(&self, charge: &Charge, payment_key: &str) -> Returned;
}

#[cfg(test)]
mod tests;
