//! Where a payment may stand and how it may move: a flat match on (state, event). Values only; the
//! same guards stand in the statements of `sql.rs`.

/// Where a payment stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Waits for the result of the payment window.
    Ready,
    /// The PSP is being asked to collect.
    InProgress,
    /// The money was taken and booked.
    Approved,
    /// Part of it was given back.
    PartiallyRefunded,
    /// All of it was given back.
    Refunded,
    /// No money moved, or it was given back before it was booked.
    Failed,
    /// Given up before the PSP was asked.
    Cancelled,
    /// The PSP was asked and its answer is not known; it is being asked what happened.
    Unknown,
}

/// What can happen to a payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The PSP is about to be asked to collect.
    Start,
    /// The PSP's answer is in doubt.
    Doubt,
    /// The PSP took exactly our money.
    Approve,
    /// For certain, no money is taken.
    Fail,
}

/// A move that does not exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IllegalMove {
    /// It is settled; what comes later does not change it.
    #[error("the payment is settled")]
    AlreadySettled,
    /// The PSP has been asked before.
    #[error("the payment was started before")]
    AlreadyStarted,
    /// The PSP was never asked.
    #[error("the payment was not started")]
    NotStarted,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Ready,
        Self::InProgress,
        Self::Approved,
        Self::PartiallyRefunded,
        Self::Refunded,
        Self::Failed,
        Self::Cancelled,
        Self::Unknown,
    ];

    /// Where `event` leads from here.
    pub fn next(self, event: Event) -> Result<Self, IllegalMove> {
        use Event::{Approve, Doubt, Fail, Start};
        match (self, event) {
            (Self::Ready, Start) => Ok(Self::InProgress),
            (Self::InProgress | Self::Unknown, Doubt) => Ok(Self::Unknown),
            (Self::InProgress | Self::Unknown, Approve) => Ok(Self::Approved),
            (Self::InProgress | Self::Unknown, Fail) => Ok(Self::Failed),
            (Self::InProgress | Self::Unknown, Start) => Err(IllegalMove::AlreadyStarted),
            (Self::Ready, Doubt | Approve | Fail) => Err(IllegalMove::NotStarted),
            (
                Self::Approved
                | Self::PartiallyRefunded
                | Self::Refunded
                | Self::Failed
                | Self::Cancelled,
                _,
            ) => Err(IllegalMove::AlreadySettled),
        }
    }

    /// Whether the PSP was asked and the outcome is open.
    pub fn is_open(self) -> bool {
        matches!(self, Self::InProgress | Self::Unknown)
    }

    /// The `state` column and the API's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::InProgress => "IN_PROGRESS",
            Self::Approved => "APPROVED",
            Self::PartiallyRefunded => "PARTIALLY_REFUNDED",
            Self::Refunded => "REFUNDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The outbox's word for arriving here.
    pub fn event_kind(self) -> &'static str {
        match self {
            Self::Ready => "payment.ready",
            Self::InProgress => "payment.started",
            Self::Approved => "payment.approved",
            Self::PartiallyRefunded => "payment.partially_refunded",
            Self::Refunded => "payment.refunded",
            Self::Failed => "payment.failed",
            Self::Cancelled => "payment.cancelled",
            Self::Unknown => "payment.unknown",
        }
    }
}

/// A text that is no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a payment status")]
pub struct UnknownState;

impl std::str::FromStr for State {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(UnknownState)
    }
}
