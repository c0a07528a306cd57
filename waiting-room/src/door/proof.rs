//! Proof of work: a counter such that SHA-256(nonce ‖ "." ‖ counter) begins with so many zero bits.
//!
//! The nonce is a digest of the signed challenge, its signature included. So it was never seen before the challenge
//! was made, nothing has to be kept for it, and a proof is worth nothing for another challenge.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// Separates this digest from any other of a token.
const LABEL: &[u8] = b"fluxgate room work v1:";
/// A counter of 64 bits has so many digits at most. With the nonce it fits one block of SHA-256.
const DIGITS: usize = 20;

/// What the work of one challenge is for: 128 bits as base64url.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct WorkNonce([u8; 22]);

impl WorkNonce {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base64url is ASCII")
    }
}

impl fmt::Debug for WorkNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The nonce of a challenge, from its token.
#[must_use]
pub fn nonce(token: &str) -> WorkNonce {
    let mut hash = Sha256::new_with_prefix(LABEL);
    hash.update(token.as_bytes());
    let digest = hash.finalize();
    let mut text = [0; 22];
    URL_SAFE_NO_PAD
        .encode_slice(&digest[..16], &mut text)
        .expect("16 bytes are 22 letters");
    WorkNonce(text)
}

/// Whether `counter` is the work that `nonce` asks for. A counter is decimal digits, 20 at most; anything else
/// proves nothing.
#[must_use]
pub fn proves(nonce: &WorkNonce, counter: &str, bits: u8) -> bool {
    let digits = counter.as_bytes();
    if digits.is_empty() || digits.len() > DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let mut hash = Sha256::new_with_prefix(nonce.0);
    hash.update(b".");
    hash.update(digits);
    let digest = hash.finalize();
    let front = digest
        .first_chunk()
        .map_or(0, |front| u64::from_be_bytes(*front));
    front.leading_zeros() >= u32::from(bits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn solve(nonce: &WorkNonce, bits: u8) -> String {
        let counters = (0_u64..).map(|counter| counter.to_string());
        let mut counters = counters.filter(|counter| proves(nonce, counter, bits));
        counters.next().expect("there always is one")
    }

    #[test]
    fn the_pages_worker_and_this_agree() {
        // What the worker of the queue page found for this nonce and 16 bits.
        let nonce = WorkNonce(*b"kX3v9Q2mTzN7bW4LrC8dYg");
        assert_eq!(solve(&nonce, 16), WORKERS_ANSWER);
        assert_eq!(solve(&nonce, 0), "0");
    }

    const WORKERS_ANSWER: &str = "19618";

    #[test]
    fn a_proof_is_for_one_challenge_and_as_hard_as_that() {
        let (one, other) = (nonce("one"), nonce("other"));
        let counter = solve(&one, 12);
        assert!(proves(&one, &counter, 8), "harder than needed is enough");
        assert!(!proves(&other, &counter, 12));
        assert!(!proves(&one, &counter, 64));
    }

    proptest! {
        #[test]
        fn what_is_no_counter_proves_nothing(counter in "\\PC{0,40}") {
            let is_counter = (1..=DIGITS).contains(&counter.len()) && counter.bytes().all(|b| b.is_ascii_digit());
            prop_assert_eq!(proves(&nonce("x"), &counter, 0), is_counter);
        }
    }
}
