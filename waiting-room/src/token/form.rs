//! How a token is laid out, signed and opened: see the tables in [`super`].

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    Bound, KeyId, Seal, TokenError,
    client::CLIENT_TAG_BYTES,
    keyring::{self, MAC_BYTES},
};
use crate::value::Timestamp;

/// Longest token in bytes: a ticket that waits, was shown a time and is bound to its client, 2 + 44 + 8 + 16. (What is signed of it is 54, and
/// with 55 a hash would take one block more.)
pub(super) const MAX_BYTES: usize = 70;
/// Longest token as text.
const MAX_TEXT: usize = MAX_BYTES.div_ceil(3) * 4;
const VERSION: u8 = 1;
/// In the first byte: the token is bound to a client.
const BOUND: u8 = 0x08;

/// A signed token as the client carries it. Printing it for debugging shows only that it is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenText {
    text: [u8; MAX_TEXT],
    length: usize,
}

impl TokenText {
    /// The base64url text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..self.length]).expect("base64url is ASCII")
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(..)")
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Challenge = 1,
    Ticket = 2,
    Pass = 3,
    Called = 4,
    Work = 5,
    Provisional = 6,
    Shown = 7,
}

impl Seal {
    pub(super) fn write(
        &self,
        kind: Kind,
        bound: Option<&Bound>,
        fill: impl FnOnce(&mut Writer),
    ) -> TokenText {
        let (key, mac) = self.signer();
        let mut writer = Writer {
            bytes: [0; MAX_BYTES],
            length: 0,
        };
        let flag = bound.map_or(0, |_| BOUND);
        writer.bytes(&[VERSION << 4 | flag | kind as u8, key.0]);
        fill(&mut writer);
        if let Some(tag) = bound.and_then(|bound| self.client_tag(key, bound)) {
            writer.bytes(&tag);
        }
        let tag = keyring::tag(mac, &writer.bytes[..writer.length]);
        writer.bytes(&tag);
        let mut text = [0; MAX_TEXT];
        let length = URL_SAFE_NO_PAD
            .encode_slice(&writer.bytes[..writer.length], &mut text)
            .expect("the text buffer fits the longest token");
        TokenText { text, length }
    }

    /// Reads a token, from `bound` if that matters: one that was bound to another client is none.
    pub(super) fn open<'a>(
        &self,
        text: &str,
        bound: Option<&Bound>,
        bytes: &'a mut [u8; MAX_BYTES],
    ) -> Result<(Kind, Reader<'a>), TokenError> {
        if text.len() > MAX_TEXT {
            return Err(TokenError::Malformed);
        }
        let length = URL_SAFE_NO_PAD
            .decode_slice(text, bytes.as_mut_slice())
            .map_err(|_| TokenError::Malformed)?;
        let (signed, tag) = bytes[..length]
            .split_last_chunk::<MAC_BYTES>()
            .filter(|(signed, _)| signed.len() >= 2)
            .ok_or(TokenError::Malformed)?;
        let is_bound = signed[0] & BOUND != 0;
        let kind = kind_of(signed[0] & !BOUND)?;
        let length = kind.body_bytes() + if is_bound { CLIENT_TAG_BYTES } else { 0 };
        if signed.len() - 2 != length {
            return Err(TokenError::Malformed);
        }
        let key = KeyId(signed[1]);
        let mac = self.key(key).ok_or(TokenError::Key)?;
        if !keyring::fits(mac, signed, tag) {
            return Err(TokenError::Signature);
        }
        let (body, client) = signed[2..].split_at(kind.body_bytes());
        // One that is not bound is from before the room bound its tokens: it is at its next renewal.
        if let (true, Some(bound)) = (is_bound, bound)
            && !self.is_of_client(key, bound, client)
        {
            return Err(TokenError::Elsewhere);
        }
        Ok((kind, Reader(body)))
    }
}

impl Kind {
    fn body_bytes(self) -> usize {
        match self {
            Self::Challenge => 6 + 8,
            Self::Ticket => 8 + 8 + 6 + 6 + 4 + 8,
            Self::Pass => 8 + 8 + 6 + 6 + 8,
            Self::Called => 8 + 8 + 6 + 6 + 6 + 8,
            Self::Work => 6 + 8 + 1,
            Self::Provisional => 8 + 6 + 4 + 8,
            Self::Shown => 8 + 8 + 6 + 6 + 4 + 4 + 8,
        }
    }
}

fn kind_of(byte: u8) -> Result<Kind, TokenError> {
    match (byte >> 4, byte & 0x0f) {
        (VERSION, 1) => Ok(Kind::Challenge),
        (VERSION, 2) => Ok(Kind::Ticket),
        (VERSION, 3) => Ok(Kind::Pass),
        (VERSION, 4) => Ok(Kind::Called),
        (VERSION, 5) => Ok(Kind::Work),
        (VERSION, 6) => Ok(Kind::Provisional),
        (VERSION, 7) => Ok(Kind::Shown),
        _ => Err(TokenError::Kind),
    }
}

pub(super) struct Writer {
    bytes: [u8; MAX_BYTES],
    length: usize,
}

impl Writer {
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    /// 48 bits of milliseconds last until the year 10889.
    pub(super) fn time(&mut self, at: Timestamp) {
        self.bytes(&at.0.to_be_bytes()[2..]);
    }
}

/// Reads fields off a body whose length was checked against its kind.
pub(super) struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self
            .0
            .split_first_chunk()
            .expect("the body's length was checked for its kind");
        self.0 = rest;
        *field
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.take())
    }

    /// A byte that is not 0: who means none writes a kind without it, so that a token has one form.
    pub(super) fn positive(&mut self) -> Result<u8, TokenError> {
        let [byte] = self.take();
        Some(byte)
            .filter(|byte| *byte > 0)
            .ok_or(TokenError::Malformed)
    }

    /// A number that is not the largest, which would say that nothing is known: that is another kind too.
    pub(super) fn known(&mut self) -> Result<u32, TokenError> {
        let number = u32::from_be_bytes(self.take());
        Some(number)
            .filter(|number| *number < u32::MAX)
            .ok_or(TokenError::Malformed)
    }

    pub(super) fn time(&mut self) -> Timestamp {
        let mut wide = [0; 8];
        wide[2..].copy_from_slice(&self.take::<6>());
        Timestamp(u64::from_be_bytes(wide))
    }
}
