//! Why a token counts as none.

use thiserror::Error;

/// Why a token counts as none. Only for counting: the visitor is treated as if they had sent nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum TokenError {
    /// Not base64url, or of a wrong length.
    #[error("not a token")]
    Malformed,
    /// A kind or version this build does not know, or a kind that does not belong here.
    #[error("a token of another kind or version")]
    Kind,
    /// Signed by a key that is not in the ring.
    #[error("signed by an unknown key")]
    Key,
    /// The MAC does not fit: tampered with, or made for another tenant or room.
    #[error("the signature does not fit")]
    Signature,
    /// Authentic, but its time is over.
    #[error("expired")]
    Expired,
    /// Authentic, but bound to another client.
    #[error("bound to another client")]
    Elsewhere,
}

impl TokenError {
    /// The name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Kind => "kind",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::Elsewhere => "elsewhere",
        }
    }
}
