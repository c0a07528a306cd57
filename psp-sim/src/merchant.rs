//! Who is calling: a merchant is known by its test secret key, sent as a Basic user name.
//!
//! Every well-formed test key is its own merchant, so that a drill can make as many as it likes.
//! A client key and its secret differ only in the prefix: `test_ck_X` belongs to `test_sk_X`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};

use crate::refusal::{self, Refusal};

/// (secret prefix, client prefix) of the two key sets: API keys and widget keys.
const KEY_SETS: [(&str, &str); 2] = [("test_sk_", "test_ck_"), ("test_gsk_", "test_gck_")];

/// Longest key that is taken for one.
const KEY_MAX: usize = 200;

/// A merchant account.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Merchant(Arc<str>);

impl Merchant {
    /// From a secret key; `None` when it is not a test secret key.
    pub fn from_secret(secret: &str) -> Option<Self> {
        let known = KEY_SETS
            .iter()
            .any(|(prefix, _)| named(secret, prefix).is_some());
        known.then(|| Self(secret.into()))
    }

    /// The merchant a browser's client key belongs to.
    pub fn from_client_key(client: &str) -> Option<Self> {
        KEY_SETS.iter().find_map(|(secret_prefix, client_prefix)| {
            let name = named(client, client_prefix)?;
            Some(Self(format!("{secret_prefix}{name}").into()))
        })
    }

    /// From `Authorization: Basic base64(secret + ":")`, with the provider's own refusals.
    pub fn authenticate(headers: &HeaderMap) -> Result<Self, Refusal> {
        let header = headers
            .get(AUTHORIZATION)
            .ok_or(refusal::UNAUTHORIZED_KEY)?;
        let encoded = header
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix("Basic "))
            .ok_or(refusal::INCORRECT_BASIC_AUTH_FORMAT)?;
        let decoded = STANDARD.decode(encoded).ok();
        let pair = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        let secret = pair.as_deref().and_then(|pair| pair.strip_suffix(':'));
        let secret = secret.ok_or(refusal::INCORRECT_BASIC_AUTH_FORMAT)?;
        Self::from_secret(secret).ok_or(refusal::UNAUTHORIZED_KEY)
    }

    /// The secret key: the merchant's identity in the book, the journal and the webhook table.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// `mId` of a Payment object: public, so derived from the secret one way.
    pub fn mid(&self) -> String {
        let digest = Sha256::digest(self.0.as_bytes());
        let tail: String = digest
            .iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("tflux{tail}")
    }
}

/// A test key is made up and safe to show, yet logs stay free of anything shaped like a secret.
impl std::fmt::Debug for Merchant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Merchant({})", self.mid())
    }
}

fn named<'k>(key: &'k str, prefix: &str) -> Option<&'k str> {
    let name = key.strip_prefix(prefix)?;
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    (!name.is_empty() && key.len() <= KEY_MAX && plain).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn basic_auth_is_accepted_or_refused_like_the_provider_does() {
        let basic = |pair: &str| header(&format!("Basic {}", STANDARD.encode(pair)));
        let check = |headers: &HeaderMap| Merchant::authenticate(headers).map(|_| ());
        assert_eq!(check(&basic("test_sk_acme:")), Ok(()));
        assert_eq!(check(&basic("test_gsk_acme:")), Ok(()));
        assert_eq!(check(&HeaderMap::new()), Err(refusal::UNAUTHORIZED_KEY));
        assert_eq!(
            check(&basic("live_sk_acme:")),
            Err(refusal::UNAUTHORIZED_KEY)
        );
        assert_eq!(
            check(&basic("test_ck_acme:")),
            Err(refusal::UNAUTHORIZED_KEY)
        );
        assert_eq!(
            check(&basic("test_sk_acme")),
            Err(refusal::INCORRECT_BASIC_AUTH_FORMAT)
        );
        assert_eq!(
            check(&header("Bearer x")),
            Err(refusal::INCORRECT_BASIC_AUTH_FORMAT)
        );
        assert_eq!(
            check(&header("Basic !!!")),
            Err(refusal::INCORRECT_BASIC_AUTH_FORMAT)
        );
    }

    #[test]
    fn a_client_key_leads_to_the_merchant_of_its_secret() {
        let secret = Merchant::from_secret("test_sk_acme");
        assert_eq!(Merchant::from_client_key("test_ck_acme"), secret);
        assert_eq!(Merchant::from_client_key("test_sk_acme"), None);
        assert_ne!(Merchant::from_client_key("test_gck_acme"), secret);
    }

    #[test]
    fn debug_output_never_holds_the_key() {
        let merchant = Merchant::from_secret("test_sk_acme").unwrap();
        assert!(!format!("{merchant:?}").contains("acme"));
    }
}
