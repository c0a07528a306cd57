//! Orders: what a tenant's customer wants to pay for, under the tenant's own reference. What is sold
//! is not ours to know; it travels as metadata.
//!
//! PENDING → PAID → COMPLETED | CANCELLED. An order becomes PAID only in the statement that approves
//! its payment (`payment/sql.rs`), and only from PENDING.

pub mod commands;
pub mod routes;
mod sql;
pub mod state;

pub use state::State;

use crate::clock::Timestamp;
use crate::id::OrderId;
use crate::money::Money;
use serde_json::Value;
use std::fmt;

/// The tenant's own name for an order: 6 to 64 of letters, digits, `_` and `-`, because the PSP
/// takes no other.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Reference(String);

/// A text that is no order reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 6 to 64 characters of A-Z, a-z, 0-9, _ and -")]
pub struct BadReference;

impl Reference {
    /// The reference as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Reference {
    type Err = BadReference;
    fn from_str(text: &str) -> Result<Self, BadReference> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        let good = (6..=64).contains(&text.len()) && text.bytes().all(allowed);
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadReference)
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An order.
#[derive(Clone, Debug)]
pub struct Order {
    /// Our id.
    pub id: OrderId,
    /// The tenant's.
    pub reference: Reference,
    /// Where it stands.
    pub state: State,
    /// What it costs.
    pub money: Money,
    /// The tenant's own notes.
    pub metadata: Value,
    /// What is sold, as the tenant describes it.
    pub items: Value,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_what_the_psp_takes() {
        for good in ["order_123456", "A-1_b2", &"a".repeat(64)] {
            assert!(good.parse::<Reference>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "short",
            "has space",
            "주문번호입니다",
            "semi;colon",
            &"a".repeat(65),
        ] {
            assert_eq!(bad.parse::<Reference>(), Err(BadReference), "{bad}");
        }
    }
}
