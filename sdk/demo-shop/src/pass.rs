//! The gateway's signed statement that a visitor was admitted.
//!
//! `X-Fluxgate-Pass: v1;t=<tenant>;r=<room>;n=<number>;e=<unix seconds>;k=<key id>;s=<signature>`,
//! where the signature is base64url without padding of HMAC-SHA256 over
//! `fluxgate-pass-v1\n<tenant>\n<room>\n<number>\n<expiry>`. An origin that checks it cannot be
//! reached round the waiting room.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config::Secret;

/// The header.
pub const HEADER: &str = "x-fluxgate-pass";

/// What the shop says of a visit.
pub const VISIT_HEADER: &str = "x-fluxgate-visit";

/// Whose passes are good here.
#[derive(Debug)]
pub struct PassCheck {
    /// What the gateway signs with for this origin.
    pub secret: Secret,
    /// The tenant this shop is.
    pub tenant: String,
    /// The room in front of the sale.
    pub room: String,
}

/// A pass that was checked. Nothing on `/sale/**` is answered without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The visitor's number in the line.
    pub number: u64,
}

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// There is no header: the request went round the gateway.
    #[error("no pass")]
    Missing,
    /// It cannot be read.
    #[error("the pass is malformed")]
    Malformed,
    /// The signature is not the gateway's.
    #[error("the pass is forged")]
    Forged,
    /// It was signed for another tenant or room.
    #[error("the pass is for another room")]
    Foreign,
    /// Its time is over.
    #[error("the pass has expired")]
    Expired,
}

#[derive(Default)]
struct Fields<'a> {
    tenant: &'a str,
    room: &'a str,
    number: &'a str,
    expires: &'a str,
    signature: &'a str,
}

impl PassCheck {
    /// Checks a pass header at a moment in Unix seconds. The signature is compared in constant time
    /// and before anything it covers is believed.
    pub fn check(&self, header: Option<&str>, now: u64) -> Result<Admitted, NotAdmitted> {
        let fields = parse(header.ok_or(NotAdmitted::Missing)?).ok_or(NotAdmitted::Malformed)?;
        let signature = URL_SAFE_NO_PAD
            .decode(fields.signature)
            .map_err(|_| NotAdmitted::Malformed)?;
        let signed = self.sign(&fields);
        signed
            .verify_slice(&signature)
            .map_err(|_| NotAdmitted::Forged)?;
        if fields.tenant != self.tenant || fields.room != self.room {
            return Err(NotAdmitted::Foreign);
        }
        let number = fields.number.parse().map_err(|_| NotAdmitted::Malformed)?;
        let expires: u64 = fields.expires.parse().map_err(|_| NotAdmitted::Malformed)?;
        if expires <= now {
            Err(NotAdmitted::Expired)
        } else {
            Ok(Admitted { number })
        }
    }

    /// What [`VISIT_HEADER`] says of a visitor: do not let the pass end before `until`, in Unix seconds.
    pub fn hold(&self, Admitted { number }: Admitted, until: u64) -> String {
        let (number, word) = (number.to_string(), format!("hold={until}"));
        let mac = self.mac(
            "fluxgate-visit-v1",
            [&self.tenant, &self.room, &number, &word],
        );
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        format!("v1;n={number};{word};s={signature}")
    }

    fn sign(&self, fields: &Fields<'_>) -> Hmac<Sha256> {
        let fields = [fields.tenant, fields.room, fields.number, fields.expires];
        self.mac("fluxgate-pass-v1", fields)
    }

    fn mac(&self, label: &str, fields: [&str; 4]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.reveal())
            .expect("HMAC takes keys of any length");
        mac.update(label.as_bytes());
        for field in fields {
            mac.update(b"\n");
            mac.update(field.as_bytes());
        }
        mac
    }
}

/// The fields of a version 1 pass; unknown ones are ignored, so that later gateways may add some.
fn parse(header: &str) -> Option<Fields<'_>> {
    let mut parts = header.split(';');
    if parts.next() != Some("v1") {
        return None;
    }
    let mut fields = Fields::default();
    for part in parts {
        match part.split_once('=')? {
            ("t", value) => fields.tenant = value,
            ("r", value) => fields.room = value,
            ("n", value) => fields.number = value,
            ("e", value) => fields.expires = value,
            ("s", value) => fields.signature = value,
            _ => {}
        }
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written out with an independent implementation of the contract (Python's `hmac`), for the
    /// secret of 32 bytes `s`, tenant acme, room flash-sale, number 7, expiry 2000000000.
    const KNOWN: &str =
        "v1;t=acme;r=flash-sale;n=7;e=2000000000;k=1;s=avA_LN_GRUJXGRF0M77ALhhtjxar8HSayH_BtAirPIc";

    fn check() -> PassCheck {
        let (tenant, room) = ("acme".to_owned(), "flash-sale".to_owned());
        PassCheck {
            secret: Secret::new(vec![b's'; 32]),
            tenant,
            room,
        }
    }

    #[test]
    fn the_gateways_pass_is_good_until_its_last_second() {
        let check = check();
        assert_eq!(
            check.check(Some(KNOWN), 1_999_999_999),
            Ok(Admitted { number: 7 })
        );
        assert_eq!(
            check.check(Some(KNOWN), 2_000_000_000),
            Err(NotAdmitted::Expired)
        );
    }

    #[test]
    fn every_changed_field_is_noticed() {
        let changes = [
            ("n=7", "n=8"),
            ("e=2000000000", "e=2000000001"),
            ("t=acme", "t=acne"),
            ("r=flash", "r=slash"),
        ];
        for (from, to) in changes {
            let changed = KNOWN.replace(from, to);
            assert_eq!(
                check().check(Some(&changed), 0),
                Err(NotAdmitted::Forged),
                "{changed}"
            );
        }
        let other_key = PassCheck {
            secret: Secret::new(vec![b't'; 32]),
            ..check()
        };
        assert_eq!(other_key.check(Some(KNOWN), 0), Err(NotAdmitted::Forged));
    }

    #[test]
    fn a_pass_of_another_room_or_tenant_is_foreign() {
        let elsewhere = PassCheck {
            room: "other".to_owned(),
            ..check()
        };
        assert_eq!(elsewhere.check(Some(KNOWN), 0), Err(NotAdmitted::Foreign));
        let someone = PassCheck {
            tenant: "other".to_owned(),
            ..check()
        };
        assert_eq!(someone.check(Some(KNOWN), 0), Err(NotAdmitted::Foreign));
    }

    #[test]
    fn what_is_no_pass_is_refused_without_a_panic() {
        assert_eq!(check().check(None, 0), Err(NotAdmitted::Missing));
        for text in ["", "v1", "v2;t=acme", "v1;t", "v1;s=!!!", "v1;;", "v1;s="] {
            let refused = check().check(Some(text), 0).unwrap_err();
            assert!(
                matches!(refused, NotAdmitted::Malformed | NotAdmitted::Forged),
                "{text}: {refused}"
            );
        }
    }
}
