//! Invitations: signed tokens that an operator gives to people, each good for one living place in one room.
//!
//! | bytes | content |
//! | --- | --- |
//! | 1 | version: 1 |
//! | 8 | id: random, names the invitation |
//! | 6 | expires_at in milliseconds since the epoch; 0 for never |
//! | 16 | HMAC-SHA-256 of all before, truncated |
//!
//! In base64url without padding: 42 letters. The key is derived from the operator's secret for one tenant's room, so that
//! an invitation to another room is none here, and the secret may be used for several rooms.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::value::Timestamp;

const VERSION: u8 = 1;
const MAC_BYTES: usize = 16;
const SIGNED_BYTES: usize = 1 + 8 + 6;
const BYTES: usize = SIGNED_BYTES + MAC_BYTES;
/// Separates this use of the secret from any other.
const DOMAIN: &[u8] = b"fluxgate room invitation v1";

/// Names an invitation; it is no secret, and opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InvitationId(pub u64);

/// Makes and reads the invitations to one room.
#[derive(Clone)]
pub struct Inviter(Hmac<Sha256>);

impl fmt::Debug for Inviter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inviter(..)")
    }
}

impl Inviter {
    /// For a room of a tenant, by a secret of at least 32 bytes.
    #[must_use]
    pub fn new(secret: &[u8], tenant: &str, room: &str) -> Self {
        let mut mac = keyed(secret);
        mac.update(DOMAIN);
        for name in [tenant, room] {
            mac.update(&(name.len() as u64).to_be_bytes());
            mac.update(name.as_bytes());
        }
        Self(keyed(&mac.finalize().into_bytes()))
    }

    /// The text of an invitation, good until `expires_at` or for ever.
    #[must_use]
    pub fn invite(&self, id: InvitationId, expires_at: Option<Timestamp>) -> String {
        let mut bytes = [0; BYTES];
        bytes[0] = VERSION;
        bytes[1..9].copy_from_slice(&id.0.to_be_bytes());
        let at = expires_at.map_or(0, |Timestamp(at)| at);
        bytes[9..SIGNED_BYTES].copy_from_slice(&at.to_be_bytes()[2..]);
        let tag = self.tag(&bytes[..SIGNED_BYTES]);
        bytes[SIGNED_BYTES..].copy_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Which invitation `text` is.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(&self, text: &str, now: Timestamp) -> Result<InvitationId, InvitationError> {
        // One more than needed, since a longer text must not be cut to one that fits.
        let mut bytes = [0; BYTES + 2];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes);
        if length != Ok(BYTES) || bytes[0] != VERSION {
            return Err(InvitationError::Malformed);
        }
        let (signed, tag) = bytes[..BYTES].split_at(SIGNED_BYTES);
        if !bool::from(self.tag(signed).ct_eq(tag)) {
            return Err(InvitationError::Signature);
        }
        let mut wide = [[0; 8]; 2];
        wide[0].copy_from_slice(&signed[1..9]);
        wide[1][2..].copy_from_slice(&signed[9..]);
        let [id, expires_at] = wide.map(u64::from_be_bytes);
        if expires_at != 0 && expires_at <= now.0 {
            return Err(InvitationError::Expired);
        }
        Ok(InvitationId(id))
    }

    fn tag(&self, signed: &[u8]) -> [u8; MAC_BYTES] {
        let mut mac = self.0.clone();
        mac.update(signed);
        let whole = mac.finalize().into_bytes();
        *whole.first_chunk().expect("SHA-256 gives 32 bytes")
    }
}

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).expect("HMAC takes keys of any length")
}

/// Why a text is no invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvitationError {
    /// Not of that form, or of a version this build does not know.
    #[error("not an invitation")]
    Malformed,
    /// Forged, or for another room.
    #[error("the signature does not fit")]
    Signature,
    /// Its time is over.
    #[error("expired")]
    Expired,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn inviter() -> Inviter {
        Inviter::new(&[7; 32], "acme", "sale")
    }

    #[test]
    fn what_was_signed_is_read_until_it_expires() {
        let id = InvitationId(u64::MAX - 1);
        let (always, soon) = (
            inviter().invite(id, None),
            inviter().invite(id, Some(Timestamp(NOW.0 + 1))),
        );
        assert_eq!((always.len(), soon.len()), (42, 42));
        assert_eq!(inviter().read(&always, Timestamp(u64::MAX)), Ok(id));
        assert_eq!(inviter().read(&soon, NOW), Ok(id));
        let over = inviter().read(&soon, Timestamp(NOW.0 + 1));
        assert_eq!(over, Err(InvitationError::Expired));
    }

    /// The form is a contract with every invitation that was sent out. Made with Python's hmac and struct.
    #[test]
    fn an_invitation_of_the_documented_vector() {
        let text = inviter().invite(InvitationId(42), Some(NOW));
        assert_eq!(text, "AQAAAAAAAAAqAaDEUGwAV0HMlK58OSZKqWfQjJEGhg");
    }

    #[test]
    fn one_to_another_room_is_none_here() {
        let text = inviter().invite(InvitationId(1), None);
        for (secret, tenant, room) in [
            ([7; 32], "acme", "other"),
            ([7; 32], "acmes", "ale"),
            ([8; 32], "acme", "sale"),
        ] {
            let other = Inviter::new(&secret, tenant, room);
            assert_eq!(other.read(&text, NOW), Err(InvitationError::Signature));
        }
    }

    proptest! {
        #[test]
        fn no_changed_text_is_an_invitation(at in 0_usize..42, letter in "[A-Za-z0-9_=-]") {
            let text = inviter().invite(InvitationId(1), None);
            let mut changed = text.clone();
            changed.replace_range(at..=at, &letter);
            prop_assume!(changed != text);
            prop_assert!(inviter().read(&changed, NOW).is_err());
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,60}") {
            prop_assert!(inviter().read(&text, NOW).is_err());
        }
    }
}
