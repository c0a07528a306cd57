//! How tokens travel: in cookies for browsers, in headers for apps.

use std::iter;

use bytes::Bytes;
use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use waiting_room::{Presented, TicketChange, TokenText};

use crate::step::identify::Scheme;
use crate::text::push_number;

/// A ticket or challenge.
const TICKET: &str = "x-fluxgate-ticket";
/// A pass; towards the origin, the gateway's statement.
const PASS: &str = "x-fluxgate-pass";
/// An invitation, for apps.
const INVITATION: &str = "x-fluxgate-invitation";
/// A proof of work: what the queue page or an app found.
const WORK: &str = "x-fluxgate-work";

pub(crate) const X_FLUXGATE_TICKET: HeaderName = HeaderName::from_static(TICKET);
pub(crate) const X_FLUXGATE_PASS: HeaderName = HeaderName::from_static(PASS);

/// What a request says to its room in headers of the room's own. All are found in one pass, which costs as much as
/// looking one of them up; most requests have none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own<'r> {
    ticket: Option<&'r HeaderValue>,
    pass: Option<&'r HeaderValue>,
    invitation: Option<&'r HeaderValue>,
    work: Option<&'r HeaderValue>,
    headers: &'r HeaderMap,
}

impl<'r> Own<'r> {
    pub(crate) fn of(headers: &'r HeaderMap) -> Self {
        let mut own = Self {
            ticket: None,
            pass: None,
            invitation: None,
            work: None,
            headers,
        };
        for (name, value) in headers {
            let slot = match name.as_str() {
                TICKET => &mut own.ticket,
                PASS => &mut own.pass,
                INVITATION => &mut own.invitation,
                WORK => &mut own.work,
                _ => continue,
            };
            // Of two with one name the first counts.
            slot.get_or_insert(value);
        }
        own
    }

    /// A proof of work.
    pub(crate) fn work(&self) -> Option<&'r str> {
        self.work.and_then(text)
    }
}

/// How long a browser keeps a ticket. Longer than any line; the token's own rules decide earlier.
const TICKET_DAYS: u64 = 2;
/// How long a browser keeps a pass that has run out.
const PASS_KEPT_SECONDS: u64 = 24 * 3_600;
/// How long it keeps an invitation: as long as its use is remembered.
const INVITATION_DAYS: u64 = 30;

/// The names of a room's cookies. Under TLS they carry a prefix by which a browser guarantees that
/// they were set by this very host, over TLS, for all its paths.
#[derive(Debug)]
pub(crate) struct TokenNames {
    ticket: String,
    pass: String,
    invitation: String,
}

/// By which way a client carries its tokens, and so how it is given new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Cookie,
    Header,
    /// Nothing yet, and it asks for JSON: it may be a script with cookies or an app without.
    Both,
}

const PREFIX: &str = "__Host-";

impl TokenNames {
    pub(crate) fn of(room: &str) -> Self {
        // With the prefix; without TLS its letters are left away.
        Self {
            ticket: format!("{PREFIX}fg_t_{room}"),
            pass: format!("{PREFIX}fg_p_{room}"),
            invitation: format!("{PREFIX}fg_i_{room}"),
        }
    }

    fn ticket(&self, scheme: Scheme) -> &str {
        name(&self.ticket, scheme)
    }

    fn pass(&self, scheme: Scheme) -> &str {
        name(&self.pass, scheme)
    }

    /// The tokens of a request, and how they came. A header goes before a cookie.
    pub(crate) fn presented<'r>(
        &self,
        own: &Own<'r>,
        scheme: Scheme,
    ) -> (Presented<'r>, Option<Carrier>) {
        let in_header = Presented {
            ticket: own.ticket.and_then(text),
            pass: own.pass.and_then(text),
        };
        if in_header.ticket.is_some() || in_header.pass.is_some() {
            return (in_header, Some(Carrier::Header));
        }
        let (ticket, pass) = (self.ticket(scheme), self.pass(scheme));
        let mut in_cookies = Presented::default();
        for (name, value) in own.headers.get_all(COOKIE).iter().flat_map(cookies) {
            let slot = match name {
                name if name == ticket.as_bytes() => &mut in_cookies.ticket,
                name if name == pass.as_bytes() => &mut in_cookies.pass,
                _ => continue,
            };
            // Of two with one name the first counts: browsers send the closer one first.
            *slot = slot.or_else(|| str::from_utf8(value).ok());
        }
        let any = in_cookies.ticket.is_some() || in_cookies.pass.is_some();
        (in_cookies, any.then_some(Carrier::Cookie))
    }

    /// The invitation that comes with a request. A header goes before a cookie.
    pub(crate) fn invitation<'r>(&self, own: &Own<'r>, scheme: Scheme) -> Option<&'r str> {
        if let Some(value) = own.invitation {
            return text(value);
        }
        let wanted = name(&self.invitation, scheme);
        let mut all = own.headers.get_all(COOKIE).iter().flat_map(cookies);
        all.find_map(|(name, value)| match name == wanted.as_bytes() {
            true => str::from_utf8(value).ok(),
            false => None,
        })
    }

    /// What puts an invitation into the browser's keeping.
    pub(crate) fn invited(&self, text: &str, scheme: Scheme) -> HeaderValue {
        let age = INVITATION_DAYS * 24 * 3_600;
        cookie(name(&self.invitation, scheme), text, (age, scheme))
    }

    /// What a change of the ticket tells the client.
    pub(crate) fn ticket_change(
        &self,
        to: Told,
        change: TicketChange,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let name = self.ticket(to.scheme);
        let (text, age) = match &change {
            TicketChange::Keep => return Vec::new(),
            TicketChange::Set(text) => (text.as_str(), TICKET_DAYS * 24 * 3_600),
            TicketChange::Drop => ("", 0),
        };
        let mut headers = Vec::with_capacity(2);
        if to.carrier != Carrier::Header {
            headers.push((SET_COOKIE, cookie(name, text, (age, to.scheme))));
        }
        if to.carrier != Carrier::Cookie && !text.is_empty() {
            headers.push((X_FLUXGATE_TICKET, value(text)));
        }
        headers
    }

    /// What a new pass, good for `seconds`, tells the client.
    pub(crate) fn new_pass(
        &self,
        to: Told,
        pass: &TokenText,
        seconds: u64,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::with_capacity(2);
        if to.carrier != Carrier::Header {
            // A visit may go on for longer than its pass says, by a stream that is open.
            let age = seconds + PASS_KEPT_SECONDS;
            let set = cookie(self.pass(to.scheme), pass.as_str(), (age, to.scheme));
            headers.push((SET_COOKIE, set));
        }
        if to.carrier != Carrier::Cookie {
            headers.push((X_FLUXGATE_PASS, value(pass.as_str())));
        }
        headers
    }

    /// What takes the pass away again.
    pub(crate) fn no_pass(&self, to: Told) -> Vec<(HeaderName, HeaderValue)> {
        match to.carrier {
            Carrier::Header => Vec::new(),
            _ => vec![(SET_COOKIE, cookie(self.pass(to.scheme), "", (0, to.scheme)))],
        }
    }
}

/// Whom tokens are given to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) carrier: Carrier,
    pub(crate) scheme: Scheme,
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

fn name(prefixed: &str, scheme: Scheme) -> &str {
    match scheme {
        Scheme::Https => prefixed,
        Scheme::Http => &prefixed[PREFIX.len()..],
    }
}

/// Names and values, as bytes: a shop's own cookies may hold anything, and browsers send all of them in one field. One that
/// is no text hides no other.
fn cookies(field: &HeaderValue) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = Some(field.as_bytes());
    let pairs = iter::from_fn(move || {
        let (pair, left) = cut(rest?, b';');
        rest = left;
        Some(pair.trim_ascii())
    });
    pairs.filter_map(|pair| match cut(pair, b'=') {
        (name, Some(value)) => Some((name, value)),
        (_, None) => None,
    })
}

/// What is before the first of these bytes, and what is behind it, if there is one.
fn cut(bytes: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(at, bytes) {
        Some(found) => (&bytes[..found], Some(&bytes[found + 1..])),
        None => (bytes, None),
    }
}

fn cookie(name: &str, text: &str, (age, scheme): (u64, Scheme)) -> HeaderValue {
    let mut line = String::with_capacity(192);
    line.extend([name, "=", text, "; Path=/; Max-Age="]);
    push_number(&mut line, age);
    line.push_str("; HttpOnly; SameSite=Lax");
    if scheme == Scheme::Https {
        line.push_str("; Secure");
    }
    HeaderValue::from_maybe_shared(Bytes::from(line)).expect(FITS)
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect(FITS)
}

const FITS: &str = "room names and base64url may stand in a header";

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    fn ticket_of(pairs: &[(&'static str, &'static str)], scheme: Scheme) -> Option<String> {
        let headers = headers(pairs);
        let (presented, _) = TokenNames::of("sale").presented(&Own::of(&headers), scheme);
        presented.ticket.map(str::to_owned)
    }

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let line = [("cookie", "a=b; xfg_t_sale=no; fg_t_sale=yes; fg_t_sale2=no")];
        assert_eq!(ticket_of(&line, Scheme::Http).as_deref(), Some("yes"));
        assert_eq!(
            ticket_of(&line, Scheme::Https),
            None,
            "without the prefix it proves nothing"
        );
        let line = [("cookie", "__Host-fg_t_sale=tls")];
        assert_eq!(ticket_of(&line, Scheme::Https).as_deref(), Some("tls"));
        for odd in ["", ";;;", "fg_t_sale", "=;=", "fg_t_sale =x"] {
            let map = HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(odd))]);
            let (presented, carrier) =
                TokenNames::of("sale").presented(&Own::of(&map), Scheme::Http);
            assert_eq!((presented.ticket, carrier), (None, None), "{odd:?}");
        }
    }

    #[test]
    fn a_cookie_of_the_shop_in_any_bytes_hides_none_of_ours() {
        for theirs in ["name=홍길동".as_bytes(), b"name=\xc8\xab", b"\xff"] {
            let field = [theirs, b"; fg_t_sale=yes"].concat();
            let field = HeaderValue::from_bytes(&field).expect("not a control character");
            let map = HeaderMap::from_iter([(COOKIE, field)]);
            let (presented, _) = TokenNames::of("sale").presented(&Own::of(&map), Scheme::Http);
            assert_eq!(presented.ticket, Some("yes"), "{theirs:?}");
        }
    }

    #[test]
    fn a_header_goes_before_a_cookie_and_is_answered_in_kind() {
        let both = [
            ("cookie", "fg_t_sale=cookie"),
            ("x-fluxgate-ticket", "header"),
        ];
        assert_eq!(ticket_of(&both, Scheme::Http).as_deref(), Some("header"));
        let told = Told {
            carrier: Carrier::Header,
            scheme: Scheme::Http,
        };
        let dropped = TokenNames::of("sale").ticket_change(told, TicketChange::Drop);
        assert!(dropped.is_empty(), "an app forgets a ticket by itself");
    }

    #[test]
    fn cookies_are_locked_away_from_scripts_and_other_sites() {
        let told = Told {
            carrier: Carrier::Cookie,
            scheme: Scheme::Https,
        };
        let set = TokenNames::of("sale").ticket_change(told, TicketChange::Drop);
        assert_eq!(
            set[0].1,
            "__Host-fg_t_sale=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
        );
    }
}
