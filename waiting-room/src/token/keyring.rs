//! Keys: the first signs, all verify, so that a key can be rotated without voiding a single ticket.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;

/// Shortest secret in bytes: the output of the hash, below which HMAC is only as strong as its key.
const MIN_SECRET: usize = 32;
/// A tag is cut to 128 bits (RFC 2104, section 5: at least half of the hash).
pub(super) const MAC_BYTES: usize = 16;
/// Separates keys derived for tokens from any other use of the same secret.
const DOMAIN: &[u8] = b"fluxgate room token v1";

/// The name of a key inside a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(pub u8);

/// The secrets that sign and verify the tokens of every room of a gateway.
#[derive(Clone)]
pub struct Keyring {
    keys: Vec<(KeyId, Vec<u8>)>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|(id, _)| id))
            .finish()
    }
}

impl Keyring {
    /// A ring of keys; the first signs. All gateways of a fleet need the same ring.
    ///
    /// # Errors
    /// When there is no key, a secret is shorter than 32 bytes, or an id is used twice.
    pub fn new(keys: Vec<(KeyId, Vec<u8>)>) -> Result<Self, KeyringError> {
        if keys.is_empty() {
            return Err(KeyringError::Empty);
        }
        for (index, (id, secret)) in keys.iter().enumerate() {
            if secret.len() < MIN_SECRET {
                return Err(KeyringError::Short {
                    id: id.0,
                    length: secret.len(),
                });
            }
            if keys[..index].iter().any(|(other, _)| other == id) {
                return Err(KeyringError::Twice { id: id.0 });
            }
        }
        Ok(Self { keys })
    }

    /// The keys of one room: each an HMAC of the tenant's and the room's name, so that a token can
    /// only be read where it was made.
    #[must_use]
    pub fn seal(&self, tenant: &str, room: &str) -> Seal {
        let keys = self
            .keys
            .iter()
            .map(|(id, secret)| {
                let mut mac = keyed(secret);
                mac.update(DOMAIN);
                for name in [tenant, room] {
                    // Length first: ("ab", "c") and ("a", "bc") must not meet.
                    mac.update(&(name.len() as u64).to_be_bytes());
                    mac.update(name.as_bytes());
                }
                (*id, keyed(&mac.finalize().into_bytes()))
            })
            .collect();
        Seal { keys }
    }
}

/// Signs and verifies the tokens of one room.
#[derive(Clone)]
pub struct Seal {
    keys: Vec<(KeyId, Hmac<Sha256>)>,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|(id, _)| id))
            .finish()
    }
}

impl Seal {
    pub(super) fn signer(&self) -> (KeyId, &Hmac<Sha256>) {
        let (id, mac) = self.keys.first().expect("a keyring is never empty");
        (*id, mac)
    }

    pub(super) fn key(&self, id: KeyId) -> Option<&Hmac<Sha256>> {
        self.keys
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, mac)| mac)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys.iter().map(|(id, _)| *id)
    }

    /// The key that signs now. What must outlive a rotation keeps this id and derives from it.
    #[must_use]
    pub fn signing_key(&self) -> KeyId {
        self.signer().0
    }

    /// A secret of the room for one purpose; `None` if the ring has no such key. The label is text and
    /// so never begins like a token, whose first byte is below 32: the two share no MAC input.
    pub(crate) fn derive(&self, id: KeyId, label: &str, context: &[u8]) -> Option<[u8; 32]> {
        let mut mac = self.key(id)?.clone();
        mac.update(label.as_bytes());
        mac.update(context);
        Some(mac.finalize().into_bytes().into())
    }
}

/// The truncated MAC of `message`. `mac` already holds the key's two pads, so a token costs two
/// compressions.
pub(super) fn tag(mac: &Hmac<Sha256>, message: &[u8]) -> [u8; MAC_BYTES] {
    let mut mac = mac.clone();
    mac.update(message);
    let whole = mac.finalize().into_bytes();
    *whole.first_chunk().expect("SHA-256 gives 32 bytes")
}

/// Whether `presented` is the MAC of `message`, in constant time.
pub(super) fn fits(mac: &Hmac<Sha256>, message: &[u8], presented: &[u8; MAC_BYTES]) -> bool {
    tag(mac, message).ct_eq(presented).into()
}

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).expect("HMAC takes keys of any length")
}

/// Why a list of keys is not a ring. The operator's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyringError {
    /// Nothing to sign with.
    #[error("at least one key is needed")]
    Empty,
    /// Too weak.
    #[error("key {id} has {length} bytes; at least 32 are needed")]
    Short {
        /// The key's id.
        id: u8,
        /// Its length in bytes.
        length: usize,
    },
    /// Ambiguous.
    #[error("key id {id} is used twice")]
    Twice {
        /// The id.
        id: u8,
    },
}
