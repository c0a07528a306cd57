//! Who is asking, as far as a shop without accounts knows: a random cookie, a language, an address.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{COOKIE, HOST};
use http::{HeaderMap, HeaderValue};

use crate::language::Language;

/// The cookie's name.
pub const COOKIE_NAME: &str = "shop_visitor";
/// 16 random bytes in base64url.
const ID_LENGTH: usize = 22;
/// How long a visitor is remembered, in seconds: 30 days, as long as a receipt is of interest.
const REMEMBERED: u32 = 30 * 86_400;

/// A visitor.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Whose purchases are whose. Random, and no personal data.
    pub id: String,
    /// Whether the browser brought the id; a new one has to be set.
    pub known: bool,
    /// What to speak.
    pub language: Language,
    /// Where from, as the gateway saw it.
    pub address: Option<IpAddr>,
    /// Scheme and host the visitor came to, as the gateway saw it.
    pub base: Option<String>,
}

impl Visitor {
    /// Reads a visitor from a request that came through the gateway.
    pub fn of(headers: &HeaderMap) -> Self {
        let brought = cookie(headers, COOKIE_NAME).filter(|id| is_id(id));
        Self {
            known: brought.is_some(),
            id: brought.map_or_else(new_id, str::to_owned),
            language: Language::of(headers),
            address: first(headers, "x-forwarded-for").and_then(|text| text.parse().ok()),
            base: base(headers),
        }
    }

    /// The `Set-Cookie` that makes a new visitor known.
    pub fn set_cookie(&self) -> Option<HeaderValue> {
        if self.known {
            return None;
        }
        let secure = match &self.base {
            Some(base) if base.starts_with("https:") => "; Secure",
            _ => "",
        };
        let cookie = format!(
            "{COOKIE_NAME}={}; Path=/; Max-Age={REMEMBERED}; HttpOnly; SameSite=Lax{secure}",
            self.id
        );
        Some(HeaderValue::from_str(&cookie).expect("base64url is a header value"))
    }
}

/// An order id nobody can guess: 26 letters and digits, 134 bits.
pub fn order_id() -> String {
    use rand::RngExt;
    const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut random = rand::rng();
    let letters = (0..26).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]));
    std::iter::once("dw_".to_owned())
        .chain(letters.map(String::from))
        .collect()
}

fn new_id() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>())
}

fn is_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    text.len() == ID_LENGTH && text.bytes().all(plain)
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == name).then_some(value)
    })
}

fn first<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let value = headers.get(name)?.to_str().ok()?;
    value
        .split(',')
        .next()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

fn base(headers: &HeaderMap) -> Option<String> {
    let host = first(headers, "x-forwarded-host").or_else(|| first(headers, HOST.as_str()))?;
    let scheme = match first(headers, "x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
    host.bytes()
        .all(plain)
        .then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_known_visitor_keeps_the_cookie_and_a_new_one_gets_it() {
        let new = Visitor::of(&HeaderMap::new());
        let set = new.set_cookie().unwrap().to_str().unwrap().to_owned();
        assert!(
            set.contains("HttpOnly; SameSite=Lax") && !set.contains("Secure"),
            "{set}"
        );
        let line = format!("other=1; {COOKIE_NAME}={}", new.id);
        let known = Visitor::of(&headers(&[("cookie", &line)]));
        assert_eq!((known.id, known.known), (new.id, true));
    }

    #[test]
    fn a_cookie_of_another_shape_is_no_cookie() {
        for value in ["", "short", "'; DROP TABLE purchase; --", &"a".repeat(23)] {
            let line = format!("{COOKIE_NAME}={value}");
            assert!(
                !Visitor::of(&headers(&[("cookie", &line)])).known,
                "{value}"
            );
        }
    }

    #[test]
    fn address_and_host_are_the_gateways_word() {
        let visitor = Visitor::of(&headers(&[
            ("x-forwarded-for", "203.0.113.9, 10.0.0.1"),
            ("x-forwarded-host", "shop.acme.test"),
            ("x-forwarded-proto", "https"),
            ("host", "127.0.0.1:8100"),
        ]));
        assert_eq!(visitor.address, "203.0.113.9".parse().ok());
        assert_eq!(visitor.base.as_deref(), Some("https://shop.acme.test"));
        assert!(
            visitor
                .set_cookie()
                .unwrap()
                .to_str()
                .unwrap()
                .ends_with("; Secure")
        );
        let odd = Visitor::of(&headers(&[("host", "shop.test/evil?")]));
        assert_eq!(odd.base, None);
    }

    #[test]
    fn order_ids_fit_the_payment_core_and_the_provider() {
        let id = order_id();
        assert!((6..=64).contains(&id.len()));
        assert!(
            id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'),
            "{id}"
        );
        assert_ne!(id, order_id());
    }
}
