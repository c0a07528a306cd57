//! Bytes that are published: written in lower-case hexadecimal and read no other way, so that one value
//! has one text.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The output of SHA-256.
pub type Hash = Bytes<32>;
/// What makes a ticket's leaf its own.
pub type Tag = Bytes<16>;

/// `N` public bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bytes<const N: usize>(pub [u8; N]);

/// A public value that could not be known when the list was closed: 1 to 1,024 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Beacon(Vec<u8>);

impl Beacon {
    /// What its bytes say, if they are a text that can be shown.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.0).ok()?;
        (!text.chars().any(char::is_control)).then_some(text)
    }
}

/// Why a text is not the bytes that were expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BytesError {
    /// Another character than `0-9a-f`, or half a byte.
    #[error("bytes are written as pairs of the characters 0-9 and a-f")]
    Hex,
    /// Too short or too long.
    #[error("{found} bytes are not a length that is allowed here")]
    Length {
        /// How many there are.
        found: usize,
    },
}

impl Hash {
    /// SHA-256 of the parts, one after the other.
    pub(super) fn of<const PARTS: usize>(parts: [&[u8]; PARTS]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

impl Beacon {
    const MAX_BYTES: usize = 1024;

    /// A beacon of these bytes.
    ///
    /// # Errors
    /// When there is none or more than 1,024.
    pub fn new(bytes: Vec<u8>) -> Result<Self, BytesError> {
        match bytes.len() {
            1..=Self::MAX_BYTES => Ok(Self(bytes)),
            found => Err(BytesError::Length { found }),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<const N: usize> FromStr for Bytes<N> {
    type Err = BytesError;

    fn from_str(text: &str) -> Result<Self, BytesError> {
        let bytes = read(text)?;
        let found = bytes.len();
        let exact = bytes.try_into().map_err(|_| BytesError::Length { found })?;
        Ok(Self(exact))
    }
}

impl FromStr for Beacon {
    type Err = BytesError;

    fn from_str(text: &str) -> Result<Self, BytesError> {
        Self::new(read(text)?)
    }
}

fn read(text: &str) -> Result<Vec<u8>, BytesError> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pair = |pair: &[u8]| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(pair).collect();
    bytes.ok_or(BytesError::Hex)
}

/// Sixteen bytes at a time: every picture of a line has its log's head in it.
fn write(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for part in bytes.chunks(16) {
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(part) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 0xf)];
        }
        let text = str::from_utf8(&text[..part.len() * 2]).map_err(|_| fmt::Error)?;
        f.write_str(text)?;
    }
    Ok(())
}

impl<const N: usize> fmt::Display for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(&self.0, f)
    }
}

impl<const N: usize> fmt::Debug for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(&self.0, f)
    }
}

impl fmt::Display for Beacon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(&self.0, f)
    }
}

impl fmt::Debug for Beacon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(&self.0, f)
    }
}

impl<const N: usize> Serialize for Bytes<N> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Serialize for Beacon {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bytes<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Beacon {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
