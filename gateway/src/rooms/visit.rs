//! What an origin says of a visit: that it is over, or must not end while a payment is on its way.
//!
//! `X-Fluxgate-Visit: v1;n=<number>;done;s=<signature>` or `…;hold=<unix seconds>;s=<signature>`, the number being
//! the one in [`X-Fluxgate-Pass`](super::origin), the signature base64url without padding of HMAC-SHA-256 with the
//! tenant's origin secret over `fluxgate-visit-v1\n<tenant>\n<room>\n<number>\n<word>`, and the word `done` or
//! `hold=<unix seconds>`. Signed, so that nothing a visitor can make an origin repeat frees or keeps a seat.

use std::fmt;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{HeaderName, HeaderValue};
use sha2::Sha256;
use waiting_room::{Number, Timestamp};

use crate::config::secret::Secret;

/// In an answer of the origin, or in a request to the room's `visit` address.
pub(crate) const X_FLUXGATE_VISIT: HeaderName = HeaderName::from_static("x-fluxgate-visit");

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The visit is over: the seat is free.
    Done,
    /// It must not end before then.
    Hold(Timestamp),
}

/// Reads what one room's origin says.
pub(crate) struct VisitWords {
    /// Has taken in the label, tenant and room.
    begun: Hmac<Sha256>,
}

impl fmt::Debug for VisitWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VisitWords(..)")
    }
}

impl VisitWords {
    pub(crate) fn new(tenant: &str, room: &str, secret: &Secret) -> Self {
        let mut begun =
            Hmac::new_from_slice(secret.reveal()).expect("HMAC takes keys of any length");
        begun.update(format!("fluxgate-visit-v1\n{tenant}\n{room}\n").as_bytes());
        Self { begun }
    }

    /// Of whom something is said, and what; `None` if the origin did not say it.
    pub(crate) fn read(&self, said: &HeaderValue) -> Option<(Number, Word)> {
        let rest = said.to_str().ok()?.strip_prefix("v1;n=")?;
        let (number, rest) = rest.split_once(';')?;
        let (word, signature) = rest.split_once(";s=")?;
        let mut mac = self.begun.clone();
        mac.update(format!("{number}\n{word}").as_bytes());
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        // In constant time.
        mac.verify_slice(&signature).ok()?;
        let word = match word.strip_prefix("hold=") {
            Some(seconds) => {
                let until = Duration::from_secs(seconds.parse().ok()?);
                Word::Hold(Timestamp(0).plus(until))
            }
            None if word == "done" => Word::Done,
            None => return None,
        };
        Some((Number(number.parse().ok()?), word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> VisitWords {
        let secret = Secret::of_bytes(b"0123456789abcdef0123456789abcdef");
        VisitWords::new("acme", "flash-sale", &secret)
    }

    fn read(text: &'static str) -> Option<(Number, Word)> {
        words().read(&HeaderValue::from_static(text))
    }

    /// Made with Python's hmac: what an origin in any language computes.
    #[test]
    fn an_origin_in_any_language_can_say_it() {
        let number = Number(1_790_000_000_042);
        assert_eq!(
            read("v1;n=1790000000042;done;s=Er82BUhJDnosA-m4BwmlLRuYb2tZCi6pLDNA-V83XRc"),
            Some((number, Word::Done))
        );
        assert_eq!(
            read(
                "v1;n=1790000000042;hold=1790000900;s=3Igk0OFiHDKWcVydp8mqFJ0jCisN-T09KR5UQkUK534"
            ),
            Some((number, Word::Hold(Timestamp(1_790_000_900_000))))
        );
    }

    #[test]
    fn what_the_origin_did_not_say_is_not_heard() {
        for text in [
            "",
            "v1",
            "v1;n=1790000000042;done",
            "v1;n=1790000000042;done;s=",
            "v1;n=1790000000043;done;s=Er82BUhJDnosA-m4BwmlLRuYb2tZCi6pLDNA-V83XRc",
            "v1;n=1790000000042;hold=1790000900;s=Er82BUhJDnosA-m4BwmlLRuYb2tZCi6pLDNA-V83XRc",
            "v1;n=1790000000042;hold=x;s=3Igk0OFiHDKWcVydp8mqFJ0jCisN-T09KR5UQkUK534",
            "v2;n=1790000000042;done;s=Er82BUhJDnosA-m4BwmlLRuYb2tZCi6pLDNA-V83XRc",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
