//! Where an order may stand and how it may move. Values only.

/// Where an order stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Not paid.
    Pending,
    /// Paid, not yet served.
    Paid,
    /// Served.
    Completed,
    /// Given up; what was paid is given back.
    Cancelled,
}

impl State {
    const ALL: [Self; 4] = [Self::Pending, Self::Paid, Self::Completed, Self::Cancelled];

    /// The `state` column and the API's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Paid => "PAID",
            Self::Completed => "COMPLETED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A payment is only begun for an order in this state, and only it becomes [`State::Paid`]; the
/// statements of `payment/sql.rs` carry both as their guards.
pub const PAYABLE: State = State::Pending;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_reads_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
    }
}
