//! Secrets at rest: AES-256-GCM-SIV under the service's master key, bound to their tenant.
//!
//! GCM-SIV because a repeated nonce then costs nothing but equality. The tenant is the associated
//! data: a sealed secret copied into another tenant's row does not open.

use crate::id::TenantId;
use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

const NONCE: usize = 12;

/// The key that seals every tenant's PSP credentials: 32 bytes, from the environment or a file.
#[derive(Clone)]
pub struct MasterKey(Aes256GcmSiv);

/// A text that is no master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the master key must be 32 bytes in base64")]
pub struct BadMasterKey;

/// A sealed secret that does not open: another key, another tenant, or damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed credentials do not open with this master key")]
pub struct Unopened;

impl MasterKey {
    /// Reads 32 bytes in standard base64, as `openssl rand -base64 32` writes them.
    pub fn parse(text: &str) -> Result<Self, BadMasterKey> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| BadMasterKey)?;
        Aes256GcmSiv::new_from_slice(&bytes)
            .map(Self)
            .map_err(|_| BadMasterKey)
    }

    /// Seals `secret` for `tenant`.
    pub fn seal(&self, tenant: &TenantId, secret: &str) -> Vec<u8> {
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload {
            msg: secret.as_bytes(),
            aad: tenant.as_str().as_bytes(),
        };
        let sealed = self
            .0
            .encrypt(&Nonce::from(nonce), payload)
            .expect("secrets are far below the cipher's limit");
        [&nonce[..], &sealed].concat()
    }

    /// Opens what was sealed for `tenant`.
    pub fn open(&self, tenant: &TenantId, sealed: &[u8]) -> Result<String, Unopened> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(Unopened)?;
        let payload = Payload {
            msg: sealed,
            aad: tenant.as_str().as_bytes(),
        };
        let secret = self
            .0
            .decrypt(&Nonce::from(*nonce), payload)
            .map_err(|_| Unopened)?;
        String::from_utf8(secret).map_err(|_| Unopened)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_tenant_open_a_secret() {
        let key = MasterKey::parse(&STANDARD.encode([7; 32])).unwrap();
        let other = MasterKey::parse(&STANDARD.encode([8; 32])).unwrap();
        let (acme, bolt): (TenantId, TenantId) = ("acme".parse().unwrap(), "bolt".parse().unwrap());
        let sealed = key.seal(&acme, "test_sk_1");
        assert_eq!(key.open(&acme, &sealed).as_deref(), Ok("test_sk_1"));
        assert_eq!(key.open(&bolt, &sealed), Err(Unopened));
        assert_eq!(other.open(&acme, &sealed), Err(Unopened));
        assert_eq!(key.open(&acme, &sealed[..11]), Err(Unopened));
        assert!(!sealed.windows(9).any(|part| part == b"test_sk_1"));
    }

    #[test]
    fn a_short_master_key_is_refused() {
        assert!(MasterKey::parse("c2hvcnQ=").is_err());
    }
}
