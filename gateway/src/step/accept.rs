//! Step 1: is this a message we handle at all? Limits on size, and rules of HTTP whose breach lets two
//! servers read one message differently (request smuggling).

use std::ops::ControlFlow;

use http::Version;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;

use crate::config::http::Http;
use crate::rejection::Rejection;

/// What each header costs beside its letters, as in HTTP/2's accounting (RFC 9113, 6.5.2): many tiny
/// headers are as costly as a few large ones.
const HEADER_OVERHEAD_BYTES: usize = 32;

/// Checks a request head. `raw_head` is what the client sent, since the parser repairs some of it: it
/// removes `Content-Length` beside `Transfer-Encoding`, which we refuse (RFC 9112, 6.1 allows it).
pub(crate) fn check(head: &Parts, raw_head: &[u8], limits: &Http) -> ControlFlow<Rejection> {
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
    if head.headers.contains_key(TRANSFER_ENCODING) && has_content_length(raw_head) {
        return bad("The request has both Content-Length and Transfer-Encoding");
    }
    match announced_length(head) {
        Some(length) if length > limits.max_body_bytes => {
            ControlFlow::Break(Rejection::BodyTooLarge)
        }
        _ => ControlFlow::Continue(()),
    }
}

/// What the client says its body has, in bytes. The parser made sure that it is one number.
pub(crate) fn announced_length(head: &Parts) -> Option<u64> {
    let value = head.headers.get(CONTENT_LENGTH)?;
    value.to_str().ok()?.trim().parse().ok()
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
        match check(head, raw.as_bytes(), limits) {
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
    fn refuses_smuggling_shapes() {
        let limits = Http::default();
        assert_eq!(refused(&head(&[]), "", &limits), Some("bad_request"));
        let chunked = head(&[("host", "a"), ("transfer-encoding", "chunked")]);
        let raw =
            "POST / HTTP/1.1\r\nHost: a\r\nCONTENT-length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(refused(&chunked, raw, &limits), Some("bad_request"));
        let clean = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(refused(&chunked, clean, &limits), None);
    }
}
