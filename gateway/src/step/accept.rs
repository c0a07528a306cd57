//! Step 1: is this a message we handle at all? Limits on size, and rules of HTTP whose breach lets two
//! servers read one message differently (request smuggling).

use std::ops::ControlFlow;

use http::header::{CONTENT_LENGTH, HOST, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::Authority;
use http::{Uri, Version};

use crate::config::http::Http;
use crate::rejection::Rejection;

/// What each header costs beside its letters, as in HTTP/2's accounting (RFC 9113, 6.5.2): many tiny
/// headers are as costly as a few large ones.
const HEADER_OVERHEAD_BYTES: usize = 32;

/// What the client sent, where the parser repairs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw<'r> {
    /// The whole head, where it says how long the body is in more than one way; else empty. The parser removes
    /// `Content-Length` beside `Transfer-Encoding`, which we refuse (RFC 9112, 6.1 allows it).
    pub(crate) head: &'r [u8],
    /// The request's target, as it goes on to the origin. Of one that is no path the parser makes the path `/`.
    pub(crate) target: &'r [u8],
}

/// Checks a request head.
pub(crate) fn check(head: &Parts, raw: Raw<'_>, limits: &Http) -> ControlFlow<Rejection> {
    let target = head
        .uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target > limits.max_uri_bytes {
        return ControlFlow::Break(Rejection::UriTooLong);
    }
    let sizes = head.headers.iter();
    let size: usize = sizes
        .map(|(name, value)| name.as_str().len() + value.len() + HEADER_OVERHEAD_BYTES)
        .sum();
    if size > limits.max_header_bytes {
        return ControlFlow::Break(Rejection::HeaderTooLarge);
    }
    let bad = |why| ControlFlow::Break(Rejection::BadRequest(why));
    if head.version <= Version::HTTP_11 && !head.headers.contains_key(HOST) {
        return bad("The request has no Host header");
    }
    if !is_told(head, raw.target) {
        return bad("The request's target is neither a path nor the address of one at its Host");
    }
    if head.headers.contains_key(TRANSFER_ENCODING) && has_content_length(raw.head) {
        return bad("The request has both Content-Length and Transfer-Encoding");
    }
    let mut lengths = head.headers.get_all(CONTENT_LENGTH).iter();
    match (lengths.next().map(read_length), lengths.next()) {
        (None, _) => ControlFlow::Continue(()),
        (Some(Some(length)), None) if length <= limits.max_body_bytes => ControlFlow::Continue(()),
        (Some(Some(_)), None) => ControlFlow::Break(Rejection::BodyTooLarge),
        // The parser takes a list of equal lengths for one (RFC 9112, 6.3), and would send it on as it came.
        _ => bad("The request's Content-Length is not one number"),
    }
}

/// Whether the path that is decided by is the one that was asked for: a path, or a whole address at this host (RFC 9112,
/// 3.2). The origin would read anything else in its own way.
fn is_told(head: &Parts, target: &[u8]) -> bool {
    let said = head.uri.path_and_query().map(|said| said.as_str());
    let Some(said) = said.filter(|said| said.starts_with('/')) else {
        return false;
    };
    if target == said.as_bytes() {
        return true;
    }
    let whole = str::from_utf8(target)
        .ok()
        .and_then(|text| text.parse::<Uri>().ok());
    whole.is_some_and(|whole| {
        let is_http = matches!(whole.scheme_str(), Some("http" | "https"));
        let host = whole.authority().map(Authority::as_str);
        let path = whole.path_and_query().map_or("/", |path| path.as_str());
        is_http && path == said && host.is_some_and(|host| is_at(head, host))
    })
}

fn is_at(head: &Parts, host: &str) -> bool {
    let named = head.headers.get(HOST);
    named.is_some_and(|named| named.as_bytes().eq_ignore_ascii_case(host.as_bytes()))
}

/// What the client says its body has, in bytes; `None` also for what is not one number.
pub(crate) fn announced_length(head: &Parts) -> Option<u64> {
    head.headers.get(CONTENT_LENGTH).and_then(read_length)
}

fn read_length(value: &HeaderValue) -> Option<u64> {
    let digits = value.to_str().ok()?.trim();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

fn has_content_length(raw_head: &[u8]) -> bool {
    let name = b"content-length:";
    let mut lines = raw_head.split(|byte| *byte == b'\n');
    lines.any(|line| line.len() > name.len() && line[..name.len()].eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::get("/a?b");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("valid").into_parts().0
    }

    fn refused(head: &Parts, raw: &str, limits: &Http) -> Option<&'static str> {
        refused_at(head, "/a?b", raw, limits)
    }

    fn refused_at(head: &Parts, target: &str, raw: &str, limits: &Http) -> Option<&'static str> {
        let raw = Raw {
            head: raw.as_bytes(),
            target: target.as_bytes(),
        };
        match check(head, raw, limits) {
            ControlFlow::Break(rejection) => Some(rejection.outcome().as_str()),
            ControlFlow::Continue(()) => None,
        }
    }

    #[test]
    fn takes_ordinary_requests() {
        let limits = Http::default();
        assert_eq!(refused(&head(&[("host", "a")]), "", &limits), None);
        let body = [("host", "a"), ("content-length", "1048576")];
        assert_eq!(refused(&head(&body), "", &limits), None);
    }

    #[test]
    fn refuses_what_is_too_large() {
        let limits = Http {
            max_header_bytes: 100,
            max_uri_bytes: 4,
            max_body_bytes: 10,
            ..Http::default()
        };
        let long = "x".repeat(80);
        let large = [("host", "a"), ("x-long", long.as_str())];
        assert_eq!(
            refused(&head(&large), "", &limits),
            Some("header_too_large")
        );
        let body = [("host", "a"), ("content-length", "11")];
        assert_eq!(refused(&head(&body), "", &limits), Some("body_too_large"));
        let short = Http {
            max_uri_bytes: 3,
            ..limits
        };
        assert_eq!(
            refused(&head(&[("host", "a")]), "", &short),
            Some("uri_too_long")
        );
    }

    #[test]
    fn refuses_a_target_that_is_not_the_path_it_is_judged_by() {
        let (head, limits) = (head(&[("host", "A.test:80")]), Http::default());
        for target in [
            "a?b",
            "sale/x",
            "%2Fa?b",
            "../a?b",
            "a.test:80/a?b",
            "http://evil.test/a?b",
            "http://a.test/a?b",
            "ftp://a.test:80/a?b",
            "http://a.test:80/sale?b",
            "*",
            "?x",
            "",
        ] {
            let refused = refused_at(&head, target, "", &limits);
            assert_eq!(refused, Some("bad_request"), "{target}");
        }
        for target in ["/a?b", "http://a.test:80/a?b", "HTTPS://a.test:80/a?b"] {
            assert_eq!(refused_at(&head, target, "", &limits), None, "{target}");
        }
    }

    #[test]
    fn refuses_smuggling_shapes() {
        let limits = Http::default();
        assert_eq!(refused(&head(&[]), "", &limits), Some("bad_request"));
        let chunked = head(&[("host", "a"), ("transfer-encoding", "chunked")]);
        let raw =
            "POST / HTTP/1.1\r\nHost: a\r\nCONTENT-length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(refused(&chunked, raw, &limits), Some("bad_request"));
        for lengths in ["3, 3", "3,3", "+3", "", "0x3"] {
            let listed = head(&[("host", "a"), ("content-length", lengths)]);
            assert_eq!(
                refused(&listed, "", &limits),
                Some("bad_request"),
                "{lengths:?}"
            );
        }
        let twice = head(&[
            ("host", "a"),
            ("content-length", "3"),
            ("content-length", "3"),
        ]);
        assert_eq!(refused(&twice, "", &limits), Some("bad_request"));
        let clean = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(refused(&chunked, clean, &limits), None);
    }
}
