//! One payment and its states. Every move is a flat match on (status, event): the new status or a
//! named refusal, no I/O.
//!
//! ```text
//! READY --authenticate--> IN_PROGRESS --confirm--> DONE --cancel--> PARTIAL_CANCELED / CANCELED
//! READY, IN_PROGRESS --time over--> EXPIRED      READY --abandon, IN_PROGRESS --declined--> ABORTED
//! ```

use jiff::{SignedDuration, Timestamp};

use crate::merchant::Merchant;
use crate::money::Money;
use crate::refusal::{self, Refusal};

/// How long the window may stand open (READY).
const WINDOW_LIFE: SignedDuration = SignedDuration::from_mins(30);
/// How long after authentication a confirm is accepted (IN_PROGRESS).
const CONFIRM_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The window is open.
    Ready,
    /// The customer authenticated; the merchant has ten minutes to confirm.
    InProgress,
    /// Approved: money moved.
    Done,
    /// Part of it was taken back.
    PartialCanceled,
    /// All of it was taken back.
    Canceled,
    /// Ended without an approval.
    Aborted,
    /// Nobody finished it in time.
    Expired,
}

impl Status {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::InProgress => "IN_PROGRESS",
            Self::Done => "DONE",
            Self::PartialCanceled => "PARTIAL_CANCELED",
            Self::Canceled => "CANCELED",
            Self::Aborted => "ABORTED",
            Self::Expired => "EXPIRED",
        }
    }

    /// Whether money was ever approved.
    pub fn was_approved(self) -> bool {
        matches!(self, Self::Done | Self::PartialCanceled | Self::Canceled)
    }
}

/// The test card a customer chose, which decides what the issuer says at confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Card {
    /// Two-character issuer code of the provider's table.
    pub issuer: &'static str,
    /// The masked number a Payment object shows.
    pub masked: &'static str,
    /// What the issuer answers to the confirm, if it declines.
    pub declines: Option<&'static str>,
}

impl Card {
    /// Approves everything.
    pub const GOOD: Self = Self {
        issuer: "41",
        masked: "43301234****789*",
        declines: None,
    };
    /// Authenticates, and is over its limit when the merchant confirms.
    pub const OVER_LIMIT: Self = Self {
        issuer: "11",
        masked: "53652510****234*",
        declines: Some("REJECT_CARD_PAYMENT"),
    };
}

/// Where the window sends the customer's browser.
#[derive(Clone, Debug)]
pub struct ReturnUrls {
    /// After authentication.
    pub success: String,
    /// After a cancel or a decline.
    pub fail: String,
}

/// What opening a session takes.
#[derive(Clone, Debug)]
pub struct NewPayment {
    /// Whose payment.
    pub merchant: Merchant,
    /// The merchant's own reference, already checked.
    pub order_id: String,
    /// What is bought.
    pub order_name: String,
    /// How much.
    pub total: Money,
    /// The window's way back; none for a session without a browser.
    pub urls: Option<ReturnUrls>,
}

/// A merchant's confirm.
#[derive(Clone, Debug, Default)]
pub struct Confirmation {
    /// The order the merchant believes it confirms.
    pub order_id: String,
    /// The amount the merchant believes it confirms, as its decimal text.
    pub amount: String,
    /// The caller's key, for the journal.
    pub idempotency_key: Option<String>,
    /// By how many minor units the approval is off: 0 but for the `wrong_amount` fault.
    pub amount_delta: i64,
}

/// A merchant's cancellation.
#[derive(Clone, Debug, Default)]
pub struct Cancellation {
    /// Why, for the record.
    pub reason: String,
    /// How much as its decimal text; none takes back all that is left.
    pub amount: Option<String>,
    /// The caller's key, for the journal.
    pub idempotency_key: Option<String>,
    /// The transaction's own key.
    pub transaction_key: String,
}

/// One entry of `cancels[]`.
#[derive(Clone, Debug)]
pub struct Canceled {
    /// Minor units taken back.
    pub amount: i64,
    /// Minor units that could still be taken back afterwards.
    pub refundable: i64,
    /// The merchant's words.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// The transaction's own key.
    pub transaction_key: String,
}

/// A payment in the book.
#[derive(Clone, Debug)]
pub struct Payment {
    /// The provider's key.
    pub key: String,
    /// Whose, which order, what for.
    pub merchant: Merchant,
    /// The merchant's own reference.
    pub order_id: String,
    /// What is bought.
    pub order_name: String,
    /// The amount of the session, then of the approval.
    pub total: Money,
    /// What could still be canceled, in minor units.
    pub balance: i64,
    /// Where it stands.
    pub status: Status,
    /// When the session was opened.
    pub requested_at: Timestamp,
    /// When it was approved.
    pub approved_at: Option<Timestamp>,
    /// When a READY or IN_PROGRESS payment expires.
    pub expires_at: Timestamp,
    /// The card chosen in the window.
    pub card: Card,
    /// The window's way back.
    pub urls: Option<ReturnUrls>,
    /// Key of the newest transaction (approval or cancellation).
    pub last_transaction_key: Option<String>,
    /// Every cancellation.
    pub cancels: Vec<Canceled>,
    /// Why it was ABORTED.
    pub failure: Option<Refusal>,
}

impl Payment {
    /// A session that was just opened.
    pub fn open(key: String, new: NewPayment, now: Timestamp) -> Self {
        Self {
            key,
            merchant: new.merchant,
            order_id: new.order_id,
            order_name: new.order_name,
            total: new.total,
            balance: new.total.minor,
            status: Status::Ready,
            requested_at: now,
            approved_at: None,
            expires_at: now + WINDOW_LIFE,
            card: Card::GOOD,
            urls: new.urls,
            last_transaction_key: None,
            cancels: Vec::new(),
            failure: None,
        }
    }

    /// Lets time pass: an unfinished payment whose time is over is EXPIRED.
    pub fn observe(&mut self, now: Timestamp) {
        if matches!(self.status, Status::Ready | Status::InProgress) && now >= self.expires_at {
            self.status = Status::Expired;
        }
    }

    /// The customer authenticated. Doing it twice (a double click) changes nothing.
    pub fn authenticate(&mut self, card: Card, now: Timestamp) -> Result<(), Refusal> {
        match self.status {
            Status::Ready => {
                self.status = Status::InProgress;
                self.card = card;
                self.expires_at = now + CONFIRM_LIFE;
                Ok(())
            }
            Status::InProgress => Ok(()),
            Status::Expired => Err(refusal::NOT_FOUND_PAYMENT_SESSION),
            Status::Aborted => Err(refusal::PAY_PROCESS_ABORTED),
            Status::Done | Status::PartialCanceled | Status::Canceled => {
                Err(refusal::ALREADY_PROCESSED_PAYMENT)
            }
        }
    }

    /// The window was left without authentication.
    pub fn abandon(&mut self, why: &Refusal) -> Result<(), Refusal> {
        match self.status {
            Status::Ready => {
                self.abort(why.clone());
                Ok(())
            }
            Status::Aborted => Ok(()),
            Status::Expired => Err(refusal::NOT_FOUND_PAYMENT_SESSION),
            Status::InProgress | Status::Done | Status::PartialCanceled | Status::Canceled => {
                Err(refusal::ALREADY_PROCESSED_PAYMENT)
            }
        }
    }

    /// The issuer said no after authentication.
    pub fn decline(&mut self, why: &Refusal) -> Result<(), Refusal> {
        match self.status {
            Status::InProgress => {
                self.abort(why.clone());
                Ok(())
            }
            Status::Ready | Status::Expired | Status::Aborted => {
                Err(refusal::NOT_FOUND_PAYMENT_SESSION)
            }
            Status::Done | Status::PartialCanceled | Status::Canceled => {
                Err(refusal::ALREADY_PROCESSED_PAYMENT)
            }
        }
    }

    /// Checks a confirm against what was authenticated, before the issuer is asked.
    pub fn check_confirm(&self, confirmation: &Confirmation) -> Result<(), Refusal> {
        match self.status {
            Status::InProgress => {}
            Status::Ready | Status::Expired | Status::Aborted => {
                return Err(refusal::NOT_FOUND_PAYMENT_SESSION);
            }
            Status::Done | Status::PartialCanceled | Status::Canceled => {
                return Err(refusal::ALREADY_PROCESSED_PAYMENT);
            }
        }
        if confirmation.order_id != self.order_id {
            return Err(refusal::FORBIDDEN_REQUEST);
        }
        match Money::parse(&confirmation.amount, self.total.currency) {
            Some(amount) if amount == self.total => Ok(()),
            _ => Err(refusal::INVALID_REQUEST),
        }
    }

    /// The issuer's answer to a confirm that passed [`Self::check_confirm`].
    pub fn settle(
        &mut self,
        confirmation: &Confirmation,
        transaction: String,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if let Some(code) = self.card.declines {
            self.abort(Refusal::named(code));
            return Err(Refusal::named(code));
        }
        self.total = self
            .total
            .with_minor(self.total.minor + confirmation.amount_delta);
        self.balance = self.total.minor;
        self.status = Status::Done;
        self.approved_at = Some(now);
        self.last_transaction_key = Some(transaction);
        Ok(())
    }

    /// Ends the payment without an approval.
    fn abort(&mut self, why: Refusal) {
        self.status = Status::Aborted;
        self.failure = Some(why);
    }

    /// Takes back all or part.
    pub fn cancel(&mut self, cancellation: &Cancellation, now: Timestamp) -> Result<(), Refusal> {
        match self.status {
            Status::Done | Status::PartialCanceled => {}
            Status::Canceled => return Err(refusal::ALREADY_CANCELED_PAYMENT),
            Status::Ready | Status::InProgress | Status::Aborted | Status::Expired => {
                return Err(refusal::NOT_CANCELABLE_PAYMENT);
            }
        }
        let amount = match &cancellation.amount {
            None => self.balance,
            Some(text) => {
                let parsed = Money::parse(text, self.total.currency);
                parsed.ok_or(refusal::INVALID_REQUEST)?.minor
            }
        };
        if amount == 0 || amount > self.balance {
            return Err(refusal::NOT_CANCELABLE_AMOUNT);
        }
        self.balance -= amount;
        self.status = if self.balance == 0 {
            Status::Canceled
        } else {
            Status::PartialCanceled
        };
        self.last_transaction_key = Some(cancellation.transaction_key.clone());
        self.cancels.push(Canceled {
            amount,
            refundable: self.balance,
            reason: cancellation.reason.clone(),
            at: now,
            transaction_key: cancellation.transaction_key.clone(),
        });
        Ok(())
    }
}
