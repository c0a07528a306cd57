//! What is sent through the store four times a second.

use thiserror::Error;

/// Bytes this build cannot read. The store holds something else, or a newer gateway wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the origin's health or the limit's record cannot be read by this version")]
pub struct CodecError;
