//! What an admitted request carries to the origin: proof that it came through the room.
//!
//! `v1;t=<tenant>;r=<room>;n=<number>;e=<unix seconds>;k=<key>;s=<signature>`, the signature being
//! base64url without padding of HMAC-SHA-256 with the tenant's origin secret over
//! `fluxgate-pass-v1\n<tenant>\n<room>\n<number>\n<expiry>`. An origin that checks it cannot be reached
//! round the gateway.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{HeaderName, HeaderValue};
use sha2::Sha256;
use waiting_room::Admitted;

use super::tokens::X_FLUXGATE_PASS;
use crate::config::secret::Secret;

/// The only key a tenant has so far.
const KEY: u8 = 1;

/// Signs for one room's origin.
pub(crate) struct OriginPass {
    /// Has taken in the label, tenant and room.
    begun: Hmac<Sha256>,
    prefix: String,
}

impl fmt::Debug for OriginPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OriginPass")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl OriginPass {
    pub(crate) fn new(tenant: &str, room: &str, secret: &Secret) -> Self {
        let mut begun =
            Hmac::new_from_slice(secret.reveal()).expect("HMAC takes keys of any length");
        begun.update(format!("fluxgate-pass-v1\n{tenant}\n{room}\n").as_bytes());
        Self {
            begun,
            prefix: format!("v1;t={tenant};r={room};n="),
        }
    }

    /// The header for one admitted request.
    pub(crate) fn told(&self, admitted: &Admitted) -> (HeaderName, HeaderValue) {
        let (number, expiry) = (admitted.number.0, admitted.expires_at.0 / 1_000);
        let mut mac = self.begun.clone();
        mac.update(format!("{number}\n{expiry}").as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        let text = format!("{}{number};e={expiry};k={KEY};s={signature}", self.prefix);
        let value = HeaderValue::from_str(&text);
        (
            X_FLUXGATE_PASS,
            value.expect("names, digits and base64url may stand in a header"),
        )
    }
}

#[cfg(test)]
mod tests {
    use waiting_room::{Number, TicketChange, Timestamp};

    use super::*;

    /// Made with Python's hmac: what an origin in any language computes.
    #[test]
    fn an_origin_can_recompute_it() {
        let secret = Secret::of_bytes(b"0123456789abcdef0123456789abcdef");
        let admitted = Admitted {
            number: Number(1_790_000_000_042),
            expires_at: Timestamp(1_790_000_610_999),
            visit: None,
            pass: None,
            ticket: TicketChange::Keep,
        };
        let (_, value) = OriginPass::new("acme", "flash-sale", &secret).told(&admitted);
        assert_eq!(
            value,
            "v1;t=acme;r=flash-sale;n=1790000000042;e=1790000610;k=1;s=QekbMdFL7ml9q0vX-Be3lPacAP_mPlwqlhEvEazyQsI"
        );
    }
}
