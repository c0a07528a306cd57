//! Form tokens: a checkout is only taken from a page this shop made for this visitor.
//!
//! The token is an HMAC of the visitor's cookie, so both instances of the shop can check it and
//! nothing is stored. Another site can neither read the cookie nor make the token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config::Secret;

/// Makes and checks tokens.
#[derive(Debug)]
pub struct Forms {
    key: Secret,
}

impl Forms {
    /// A key of its own is derived from the origin's secret, which both instances share.
    pub fn new(origin_secret: &Secret) -> Self {
        let derived = mac(origin_secret.reveal(), b"demo-shop form key v1").finalize();
        Self {
            key: Secret::new(derived.into_bytes().to_vec()),
        }
    }

    /// The token for a visitor's form.
    pub fn token(&self, visitor: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(visitor).finalize().into_bytes())
    }

    /// Whether a token was made for this visitor, compared in constant time.
    pub fn is_good(&self, visitor: &str, token: &str) -> bool {
        let token = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        self.mac(visitor).verify_slice(&token).is_ok()
    }

    fn mac(&self, visitor: &str) -> Hmac<Sha256> {
        mac(self.key.reveal(), visitor.as_bytes())
    }
}

fn mac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_visitor_at_every_instance_and_for_nobody_else() {
        let forms = Forms::new(&Secret::new(b"origin".to_vec()));
        let token = forms.token("alice");
        assert!(Forms::new(&Secret::new(b"origin".to_vec())).is_good("alice", &token));
        assert!(!forms.is_good("bob", &token));
        assert!(!forms.is_good("alice", ""));
        assert!(!forms.is_good("alice", "???"));
        assert!(!Forms::new(&Secret::new(b"other".to_vec())).is_good("alice", &token));
    }
}
