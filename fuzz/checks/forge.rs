//! Who has the key: signs any bytes, by docs/tokens.md and without the code that is checked.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The network that bound tokens belong to.
pub(crate) const HOME: [u8; 8] = [4, 192, 0, 2, 0, 0, 0, 0];
/// What their client calls itself.
pub(crate) const AGENT: &[u8] = b"Browser/1.0";

/// These bytes as a token of the room: with the client's tag where they say that they are bound, and
/// with a signature that fits. The second byte names the key; 1 signs whatever it says.
pub(crate) fn signed(bytes: &[u8]) -> String {
    let names = ["acme", "flash-sale"].map(|name| {
        let length = (name.len() as u64).to_be_bytes();
        [&length, name.as_bytes()].concat()
    });
    let key = mac(&[1; 32], &[b"fluxgate room token v1", &*names.concat()]);
    let mut signed = bytes.to_vec();
    if let Some(id) = signed.get_mut(1) {
        *id = 1;
    }
    if bytes.first().is_some_and(|first| first & 8 != 0) {
        let client = Sha256::digest([&HOME, &[1_u8] as &[u8], AGENT].concat());
        signed.extend(&mac(&key, &[b"fluxgate room client", &client])[..8]);
    }
    let tag = mac(&key, &[&signed]);
    signed.extend(&tag[..16]);
    text(&signed)
}

/// As a token is written.
pub(crate) fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token's bytes.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("we wrote it")
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}
