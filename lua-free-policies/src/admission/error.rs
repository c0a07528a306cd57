//! What may be wrong with a room's rules.

use thiserror::Error;

use super::{adaptive::AdaptiveError, bots::BotsError, share::SharingError};

/// Why an admission rule cannot be used. The operator's fault; nothing to retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AdmissionError {
    /// Neither limit was given, so the room would hold nobody back.
    #[error("a room needs `capacity.active` or `capacity.per_minute` (or both), or a `share`")]
    Unlimited,
    /// A limit of zero would hold everybody for ever.
    #[error("`{key}` must be at least 1")]
    Zero {
        /// The key in the room's section.
        key: &'static str,
    },
    /// A duration outside what the room can keep.
    #[error("`{key}` must be between {low}s and {high}s")]
    OutOfRange {
        /// The key in the room's section.
        key: &'static str,
        /// Smallest allowed value, in seconds.
        low: u64,
        /// Largest allowed value, in seconds.
        high: u64,
    },
    /// A rule of the adaptive limit.
    #[error(transparent)]
    Adaptive(AdaptiveError),
    /// The part in a share.
    #[error(transparent)]
    Sharing(SharingError),
    /// A rule for newcomers.
    #[error(transparent)]
    Bots(BotsError),
}
