//! Where the chain stands: the last entry's place and hash.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::MOST_NUMBER;

/// The last entry of a chain: 40 bytes that bind everything before them.
///
/// Shown as `<seq>:<64 hexadecimal digits>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The entry's place, from 1; 0 before the first.
    pub seq: u64,
    /// SHA-256 of its bytes, without the newline.
    pub hash: [u8; 32],
}

/// This is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a head is a number, a colon and 64 hexadecimal digits in lower case")]
pub struct HeadError;

/// What somebody noted of a head: its place and at least the first 32 digits of its hash, as a page shows them.
///
/// 32 digits are 128 bits: nobody writes two logs that share them, not even who writes both beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    seq: u64,
    digits: String,
}

/// This was not noted from a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a head is a number, a colon and 32 to 64 hexadecimal digits in lower case")]
pub struct NotedError;

impl Noted {
    /// Fewest digits that prove something.
    pub const FEWEST_DIGITS: usize = 32;

    pub(super) fn is_of(&self, head: &Head) -> bool {
        self.seq == head.seq && Hex(&head.hash).to_string().starts_with(&self.digits)
    }
}

impl From<Head> for Noted {
    fn from(head: Head) -> Self {
        Self {
            seq: head.seq,
            digits: Hex(&head.hash).to_string(),
        }
    }
}

impl FromStr for Noted {
    type Err = NotedError;

    fn from_str(text: &str) -> Result<Self, NotedError> {
        let (seq, digits) = text.split_once(':').ok_or(NotedError)?;
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_hash =
            (Self::FEWEST_DIGITS..=64).contains(&digits.len()) && digits.bytes().all(is_digit);
        let seq: u64 = seq.parse().map_err(|_| NotedError)?;
        let digits = digits.to_owned();
        let noted = Self { seq, digits };
        // No leading zero, no sign.
        let is_whole = is_hash && seq <= MOST_NUMBER && noted.to_string() == text;
        is_whole.then_some(noted).ok_or(NotedError)
    }
}

impl fmt::Display for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.digits)
    }
}

impl Head {
    pub(super) fn of(seq: u64, bytes: &[u8]) -> Self {
        Self {
            seq,
            hash: Sha256::digest(bytes).into(),
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, Hex(&self.hash))
    }
}

impl FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, HeadError> {
        let (seq, hex) = text.split_once(':').ok_or(HeadError)?;
        let seq = seq.parse().map_err(|_| HeadError)?;
        let hash = hash_of_hex(hex.as_bytes()).ok_or(HeadError)?;
        let head = Self { seq, hash };
        // No leading zero, no sign: one head has one form.
        let is_whole = seq <= MOST_NUMBER && head.to_string() == text;
        is_whole.then_some(head).ok_or(HeadError)
    }
}

/// A hash in lower-case hexadecimal digits.
pub(super) struct Hex<'a>(pub(super) &'a [u8; 32]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).expect("hexadecimal digits are ASCII"))
    }
}

/// Reads exactly 64 lower-case hexadecimal digits.
pub(super) fn hash_of_hex(text: &[u8]) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 64 {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(hash)
}
