//! Binding a token to the client it was given to.
//!
//! The tag in the token is keyed: whoever stole one cannot look for a user agent that happens to fit.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{KeyId, Seal};

/// Bytes of the tag. A thief has to try 2^63 requests on average.
pub(super) const CLIENT_TAG_BYTES: usize = 8;
const LABEL: &str = "fluxgate room client";

/// Who a client is, as far as tokens are bound to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound([u8; 32]);

impl Bound {
    /// A client by its network and, where that counts too, by what it calls itself.
    #[must_use]
    pub fn to(network: [u8; 8], agent: Option<&[u8]>) -> Self {
        // The network has a fixed width, so that nothing said about the agent reaches into it.
        let mut hash = Sha256::new_with_prefix(network);
        hash.update([u8::from(agent.is_some())]);
        hash.update(agent.unwrap_or_default());
        Self(hash.finalize().into())
    }
}

impl Seal {
    pub(super) fn client_tag(&self, key: KeyId, client: &Bound) -> Option<[u8; CLIENT_TAG_BYTES]> {
        let whole = self.derive(key, LABEL, &client.0)?;
        whole.first_chunk().copied()
    }

    pub(super) fn is_of_client(&self, key: KeyId, client: &Bound, tag: &[u8]) -> bool {
        let expected = self.client_tag(key, client);
        expected.is_some_and(|expected| expected.ct_eq(tag).into())
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        token::{Claimant, Keyring, Pass, Ticket, TokenError, Told},
        value::{LineId, Number, Timestamp},
    };

    use super::*;

    fn seal(ids: &[u8]) -> Seal {
        let keys = ids.iter().map(|id| (KeyId(*id), vec![*id; 32]));
        let ring = Keyring::new(keys.collect()).expect("a ring");
        ring.seal("acme", "sale")
    }

    const TICKET: Ticket = Ticket {
        line: LineId(5),
        number: Number(6),
        joined_at: Timestamp(7),
        told: Told::Called {
            at: Timestamp(8),
            until: Timestamp(9),
        },
        secret: 10,
    };

    const PASS: Pass = Pass {
        line: LineId(5),
        number: Number(6),
        issued_at: Timestamp(7),
        expires_at: Timestamp(900),
        secret: 10,
    };

    #[test]
    fn a_bound_token_is_worth_nothing_elsewhere() {
        let (seal, home, away) = (
            seal(&[1]),
            [4, 192, 0, 2, 0, 0, 0, 0],
            [4, 192, 0, 3, 0, 0, 0, 0],
        );
        let owner = Bound::to(home, Some(b"Browser"));
        let ticket = seal.ticket_for(&TICKET, Some(&owner));
        let pass = seal.pass_for(&PASS, Some(&owner));
        assert!(ticket.as_str().len() < 100 && pass.as_str().len() < 100);
        let read = |client: Option<Bound>| {
            (
                seal.read_claimant_of(ticket.as_str(), client.as_ref()),
                seal.read_pass_of(pass.as_str(), Timestamp(8), client.as_ref()),
            )
        };
        let ours = (Ok(Claimant::Ticket(TICKET)), Ok(PASS));
        assert_eq!(read(Some(owner)), ours);
        let thieves = [
            Bound::to(away, Some(b"Browser")),
            Bound::to(home, Some(b"curl")),
            Bound::to(home, None),
            Bound::to(home, Some(b"")),
        ];
        for thief in thieves {
            let nothing = (Err(TokenError::Elsewhere), Err(TokenError::Elsewhere));
            assert_eq!(read(Some(thief)), nothing);
        }
        assert_eq!(
            read(None),
            ours,
            "a room that binds no more honours what it gave"
        );
    }

    #[test]
    fn tokens_from_before_the_binding_and_before_a_rotation_stay_good() {
        let owner = Bound::to([6; 8], None);
        let old = seal(&[1]);
        let (loose, bound) = (old.pass(&PASS), old.pass_for(&PASS, Some(&owner)));
        let rotated = seal(&[2, 1]);
        for pass in [loose, bound] {
            let read = rotated.read_pass_of(pass.as_str(), Timestamp(8), Some(&owner));
            assert_eq!(read, Ok(PASS));
        }
    }

    #[test]
    fn the_binding_cannot_be_cut_off() {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let seal = seal(&[1]);
        let pass = seal.pass_for(&PASS, Some(&Bound::to([6; 8], None)));
        let mut bytes = URL_SAFE_NO_PAD.decode(pass.as_str()).expect("base64url");
        bytes[0] &= !8;
        let read = |bytes: &[u8]| seal.read_pass(&URL_SAFE_NO_PAD.encode(bytes), Timestamp(8));
        assert_eq!(read(&bytes), Err(TokenError::Malformed));
        let end = bytes.len() - 16;
        bytes.drain(end - CLIENT_TAG_BYTES..end);
        assert_eq!(read(&bytes), Err(TokenError::Signature));
    }
}
