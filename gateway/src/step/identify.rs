//! Step 2: who asks, under which id, for which tenant.
//!
//! Nothing a client says about itself is believed. `X-Forwarded-For` counts only as far as it was
//! written by proxies we were told to trust: the address is the rightmost one that is not theirs.

use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;
use std::sync::Arc;

use http::header::{HOST, HeaderName, HeaderValue};
use http::request::Parts;
use ipnet::IpNet;
use policies::matcher::{Normal, host};

use crate::live::{Live, Tenant};
use crate::rejection::Rejection;
use crate::text::hex;

pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The longest request id taken over from a trusted proxy.
const REQUEST_ID_MAX: usize = 64;

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) request_id: HeaderValue,
    pub(crate) trace: Trace,
    pub(crate) client: IpAddr,
    pub(crate) scheme: Scheme,
}

/// How the client reached us, or the trusted proxy before us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl Caller {
    /// Identifies the caller at the other end of `peer`. `random` is 24 fresh random bytes: an id for the request,
    /// and for its trace where that begins here, and one for our span in it.
    pub(crate) fn identify(
        head: &Parts,
        peer: SocketAddr,
        trusted: &[IpNet],
        random: &[u8; 24],
    ) -> Self {
        let peer = peer.ip().to_canonical();
        let trusts = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
        let through_proxy = trusts(peer);
        let by_proxy = |name: HeaderName| match through_proxy {
            true => head.headers.get(name),
            false => None,
        };
        let inherited = by_proxy(X_REQUEST_ID).filter(|id| is_request_id(id));
        let request_id = inherited.cloned().unwrap_or_else(|| fresh_id(random));
        Self {
            request_id,
            trace: Trace::of(head, random),
            client: match through_proxy {
                true => forwarded_for(head, peer, trusts),
                false => peer,
            },
            scheme: match by_proxy(X_FORWARDED_PROTO) {
                Some(proto) if proto == "https" => Scheme::Https,
                _ => Scheme::Http,
            },
        }
    }

    /// The request id as text.
    pub(crate) fn request_id(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }
}

fn is_request_id(id: &HeaderValue) -> bool {
    let letter = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=REQUEST_ID_MAX).contains(&id.len()) && id.as_bytes().iter().all(letter)
}

fn fresh_id(random: &[u8; 24]) -> HeaderValue {
    let mut text = [0; 32];
    hex(&random[..16], &mut text);
    HeaderValue::from_bytes(&text).expect("hex digits may stand in a header")
}

/// Walks the list from its end, as long as whoever wrote an entry is trusted.
fn forwarded_for(head: &Parts, peer: IpAddr, trusts: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut client = peer;
    let fields = head.headers.get_all(X_FORWARDED_FOR);
    for field in fields.iter().rev() {
        let entries = field.to_str().unwrap_or_default().rsplit(',');
        for entry in entries {
            let Some(address) = address(entry.trim()) else {
                return client;
            };
            client = address;
            if !trusts(client) {
                return client;
            }
        }
    }
    client
}

/// An address as proxies write it: bare, with a port, in brackets.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry.parse::<IpAddr>().ok();
    let with_port = || entry.parse::<SocketAddr>().map(|address| address.ip()).ok();
    let in_brackets = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    bare.or_else(with_port)
        .or_else(in_brackets)
        .map(|address| address.to_canonical())
}

/// W3C trace context: the trace this request belongs to, and our own span in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) id: [u8; 16],
    span: [u8; 8],
    flags: u8,
    /// Whether the trace began before us; only then may its `tracestate` go on.
    pub(crate) continued: bool,
}

/// Sampled: nobody before us decided, so that those behind us may record.
const SAMPLED: u8 = 1;

impl Trace {
    fn of(head: &Parts, random: &[u8; 24]) -> Self {
        let inherited = head
            .headers
            .get(TRACEPARENT)
            .and_then(|value| parse(value.as_bytes()));
        let (id, span) = random.split_at(16);
        let (id, span) = (
            id.try_into().expect("sixteen bytes"),
            span.try_into().expect("eight bytes"),
        );
        match inherited {
            Some((id, flags)) => Self {
                id,
                span,
                flags,
                continued: true,
            },
            None => Self {
                id,
                span,
                flags: SAMPLED,
                continued: false,
            },
        }
    }

    /// The header that tells the upstream.
    pub(crate) fn header(&self) -> HeaderValue {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        hex(&self.id, &mut text[3..35]);
        hex(&self.span, &mut text[36..52]);
        hex(&[self.flags], &mut text[53..]);
        HeaderValue::from_bytes(&text).expect("hex digits may stand in a header")
    }
}

/// `version-traceid-parentid-flags`; later versions may be longer. `None` when it must be ignored.
fn parse(value: &[u8]) -> Option<([u8; 16], u8)> {
    let shape = value.len() >= 55
        && [2, 35, 52].iter().all(|&dash| value[dash] == b'-')
        && value.get(55).is_none_or(|byte| *byte == b'-');
    let version = unhex::<1>(value.get(..2)?)?[0];
    let exact = version != 0 || value.len() == 55;
    if !shape || !exact || version == 0xff {
        return None;
    }
    let id = unhex::<16>(&value[3..35])?;
    let parent = unhex::<8>(&value[36..52])?;
    let flags = unhex::<1>(&value[53..55])?[0];
    (id != [0; 16] && parent != [0; 8]).then_some((id, flags & SAMPLED))
}

/// Lower-case digits only, as the standard says.
fn unhex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    (digits.len() == 2 * N).then_some(bytes)
}

/// Finds the tenant by the request's host, and brings the path into normal form.
pub(crate) fn tenant<'r>(
    head: &'r Parts,
    live: &Live,
) -> ControlFlow<Rejection, (Arc<Tenant>, Normal<'r>)> {
    let Some(host) = authority(head).and_then(host::normal) else {
        return ControlFlow::Break(Rejection::BadRequest("The request's Host is not a host"));
    };
    let Some(tenant) = live.tenant_at(&host) else {
        return ControlFlow::Break(Rejection::UnknownHost);
    };
    match Normal::of(head.uri.path()) {
        Ok(path) => ControlFlow::Continue((Arc::clone(tenant), path)),
        Err(_) => ControlFlow::Break(Rejection::BadRequest(
            "The request's path is not in a form that all servers read alike",
        )),
    }
}

/// The host the client asked for, as it wrote it: `Host`, or HTTP/2's `:authority`.
pub(crate) fn authority(head: &Parts) -> Option<&str> {
    match head.headers.get(HOST) {
        Some(host) => host.to_str().ok(),
        None => head.uri.authority().map(http::uri::Authority::as_str),
    }
}

#[cfg(test)]
mod tests;
