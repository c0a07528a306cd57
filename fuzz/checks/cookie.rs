//! What must hold of the gateway's cookie reader, whatever the headers: it agrees with a plainer reader
//! below, and nobody else's cookie changes what it finds.
//!
//! An input is a byte for the scheme, then a header a line, whose first byte says which one it is. The
//! program of the fuzzer and a test of the gateway, which replays the seeds, share this file.

use http::header::{COOKIE, HeaderMap, HeaderValue};

use super::tokens::{Carrier, Own, TokenNames};
use crate::step::identify::Scheme;

const ROOM: &str = "sale";
/// The names, written out: a rule about names is not checked by the code that makes them.
const OVER_TLS: [&str; 3] = ["__Host-fg_t_sale", "__Host-fg_p_sale", "__Host-fg_i_sale"];
const IN_CLEAR: [&str; 3] = ["fg_t_sale", "fg_p_sale", "fg_i_sale"];

/// Ticket, pass and invitation of a request, and how the first two came.
#[derive(Debug, PartialEq, Eq)]
struct Found<'r> {
    ticket: Option<&'r str>,
    pass: Option<&'r str>,
    invitation: Option<&'r str>,
    carrier: Option<Carrier>,
}

impl<'r> Found<'r> {
    /// What the gateway finds.
    fn by_gateway(headers: &'r HeaderMap, scheme: Scheme) -> Self {
        let names = TokenNames::of(ROOM);
        let own = Own::of(headers);
        let (presented, carrier) = names.presented(&own, scheme);
        Self {
            ticket: presented.ticket,
            pass: presented.pass,
            invitation: names.invitation(&own, scheme),
            carrier,
        }
    }

    /// What there is to find: a header before a cookie, the first of a name, the whole name.
    fn by_rule(headers: &'r HeaderMap, scheme: Scheme) -> Self {
        let header = |name| headers.get(name).and_then(|value| text(value.as_bytes()));
        let [ticket, pass, invitation] = match scheme {
            Scheme::Https => OVER_TLS,
            Scheme::Http => IN_CLEAR,
        };
        let (in_ticket, in_pass) = (header("x-fluxgate-ticket"), header("x-fluxgate-pass"));
        let has_header = in_ticket.is_some() || in_pass.is_some();
        let cookies = [ticket, pass].map(|name| first(headers, name));
        let (tokens, carrier) = match (has_header, cookies) {
            (true, _) => ([in_ticket, in_pass], Some(Carrier::Header)),
            (false, [None, None]) => ([None, None], None),
            (false, cookies) => (cookies, Some(Carrier::Cookie)),
        };
        Self {
            ticket: tokens[0],
            pass: tokens[1],
            invitation: match headers.contains_key("x-fluxgate-invitation") {
                true => header("x-fluxgate-invitation"),
                false => first(headers, invitation),
            },
            carrier,
        }
    }
}

/// Checks one input.
///
/// # Panics
/// When something does not hold.
pub(crate) fn check(bytes: &[u8]) {
    let (scheme, lines) = match bytes.split_first() {
        Some((b's', lines)) => (Scheme::Https, lines),
        Some((_, lines)) => (Scheme::Http, lines),
        None => return,
    };
    let headers = headers(lines);
    let found = Found::by_gateway(&headers, scheme);
    assert_eq!(found, Found::by_rule(&headers, scheme));
    let others = strangers(headers.clone(), scheme);
    assert_eq!(Found::by_gateway(&others, scheme), found);
}

fn headers(lines: &[u8]) -> HeaderMap {
    let lines = lines.split(|byte| *byte == b'\n');
    let pairs = lines.filter_map(|line| {
        let (first, value) = line.split_first()?;
        let name = match first {
            b't' => "x-fluxgate-ticket",
            b'p' => "x-fluxgate-pass",
            b'i' => "x-fluxgate-invitation",
            _ => "cookie",
        };
        Some((name, HeaderValue::from_bytes(value).ok()?))
    });
    // One after the other: a name that comes twice keeps both.
    pairs.fold(HeaderMap::new(), |mut map, (name, value)| {
        map.append(name, value);
        map
    })
}

/// The same request with cookies of others in it, in the same field and in a field of their own. The names
/// of the other scheme are others', too.
fn strangers(mut headers: HeaderMap, scheme: Scheme) -> HeaderMap {
    let wrong = match scheme {
        Scheme::Https => IN_CLEAR,
        Scheme::Http => OVER_TLS,
    };
    let fields: Vec<_> = headers.get_all(COOKIE).iter().cloned().collect();
    headers.remove(COOKIE);
    headers.append(
        COOKIE,
        HeaderValue::from_static("fg_t_sale2=no; xfg_p_sale=no"),
    );
    for field in fields {
        let theirs = wrong.map(|name| format!("{name}=no;")).concat();
        // A name in Korean, as shops do set them, in bytes that are not ASCII.
        let mixed = [
            theirs.as_bytes(),
            "name=홍길동;\u{1f600};".as_bytes(),
            b"\xc8\xab=\xff;",
            field.as_bytes(),
        ]
        .concat();
        let mixed = HeaderValue::from_bytes(&mixed).expect("made of what may stand there");
        headers.append(COOKIE, mixed);
    }
    headers
}

/// The value of the first cookie of this name that is text.
fn first<'r>(headers: &'r HeaderMap, name: &str) -> Option<&'r str> {
    let fields = headers.get_all(COOKIE).into_iter();
    let mut pairs = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
    pairs.find_map(|pair| {
        let rest = pair.trim_ascii().strip_prefix(name.as_bytes())?;
        std::str::from_utf8(rest.strip_prefix(b"=")?).ok()
    })
}

/// What a header of ours may say to be read at all: visible ASCII, blanks and tabs.
fn text(bytes: &[u8]) -> Option<&str> {
    let is_visible = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
    let text = std::str::from_utf8(bytes).ok();
    text.filter(|text| text.as_bytes().iter().all(is_visible))
}
