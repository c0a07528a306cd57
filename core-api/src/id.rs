//! Names of things: prefixed, time-ordered ids (`pay_`, `ord_`) and the tenant's slug.
//!
//! An id is a UUIDv7 written in Crockford's base32 (26 characters, lower case): it sorts by creation,
//! has no character that is misread aloud, and its prefix says what it names, so that an order's id
//! given where a payment's is wanted is refused at the border.

use crate::clock::Timestamp;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 128 bits in digits of 5 bits: 25.6, so 26; the first carries three bits only.
const DIGITS: usize = 26;

/// A text that is no such id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a valid id of this kind")]
pub struct NotAnId;

fn encode(prefix: &str, id: Uuid) -> String {
    let mut text = String::with_capacity(prefix.len() + DIGITS);
    text.push_str(prefix);
    let value = id.as_u128();
    for digit in (0..DIGITS).rev() {
        let bits = usize::try_from((value >> (digit * 5)) & 31).expect("five bits fit");
        text.push(char::from(ALPHABET[bits]));
    }
    text
}

fn decode(prefix: &str, text: &str) -> Result<Uuid, NotAnId> {
    let digits = text.strip_prefix(prefix).ok_or(NotAnId)?.as_bytes();
    // A first digit above 7 would carry bits beyond the 128th: a second spelling of another id.
    if digits.len() != DIGITS || digits[0] > b'7' {
        return Err(NotAnId);
    }
    let mut value: u128 = 0;
    for digit in digits {
        let bits = ALPHABET
            .iter()
            .position(|known| known == digit)
            .ok_or(NotAnId)?;
        value = (value << 5) | u128::try_from(bits).expect("an index below 32 fits");
    }
    Ok(Uuid::from_u128(value))
}

/// A fresh UUIDv7 for the moment `now`; ids of one millisecond are unordered among themselves.
pub fn fresh(now: Timestamp) -> Uuid {
    let micros = now.as_micros().max(0).unsigned_abs();
    let nanos = u32::try_from(micros % 1_000_000 * 1_000).expect("below one second");
    Uuid::new_v7(uuid::Timestamp::from_unix(
        uuid::NoContext,
        micros / 1_000_000,
        nanos,
    ))
}

macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id for the moment `now`.
            pub fn fresh(now: Timestamp) -> Self {
                Self(fresh(now))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&encode($prefix, self.0))
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                decode($prefix, text).map(Self)
            }
        }
    };
}

prefixed_id!(
    /// Names a payment: `pay_…`.
    PaymentId, "pay_"
);
prefixed_id!(
    /// Names an order: `ord_…`.
    OrderId, "ord_"
);
prefixed_id!(
    /// Names one attempt to collect a payment; what the PSP sees as our idempotency key: `att_…`.
    AttemptId, "att_"
);

/// Names a tenant: 1 to 63 of `a-z`, `0-9` and `-`, not starting with `-`.
///
/// The alphabet is part of the security of [`crate::db`]: a tenant id is safe inside an SQL literal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for TenantId {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > 63 || text.starts_with('-') || !text.bytes().all(allowed)
        {
            return Err(NotAnId);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
