//! What names a request: the caller's trace if it has one, else its request id, else a new name.

use super::{Code, Problem};
use crate::clock::{Clock, Timestamp};
use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use std::sync::Arc;

/// The name and time of a request, for its answer, its log lines and its audit records.
#[derive(Clone, Debug)]
pub struct RequestMeta {
    /// 32 hex digits of a W3C trace id, or the caller's own request id (1 to 64 characters).
    pub trace_id: Arc<str>,
    /// When the request came in.
    pub at: Timestamp,
}

impl RequestMeta {
    /// Reads `traceparent`, then `X-Request-Id`; what is malformed is treated as absent.
    pub fn of(headers: &HeaderMap, clock: &Clock) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let trace_id = text("traceparent")
            .and_then(trace_of)
            .or_else(|| text("x-request-id").filter(|id| is_request_id(id)))
            .map_or_else(
                || format!("{:032x}", rand::random::<u128>()).into(),
                Arc::from,
            );
        Self {
            trace_id,
            at: clock.now(),
        }
    }
}

/// The trace id of `00-<32 hex>-<16 hex>-<2 hex>`; all zeros means none.
fn trace_of(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.split('-');
    let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let whole = version.len() == 2 && trace.len() == 32 && span.len() == 16 && version != "ff";
    (whole && is_hex(trace) && is_hex(span) && trace.bytes().any(|b| b != b'0')).then_some(trace)
}

fn is_request_id(id: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=64).contains(&id.len()) && id.bytes().all(allowed)
}

impl<S: Sync> FromRequestParts<S> for RequestMeta {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let meta = parts.extensions.get::<Self>().cloned();
        meta.ok_or_else(|| Problem::new(Code::Internal).detail("The request was not framed."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(headers: &[(&'static str, &str)]) -> String {
        let headers = headers
            .iter()
            .map(|(n, v)| (http::HeaderName::from_static(n), v.parse().unwrap()))
            .collect();
        RequestMeta::of(&headers, &Clock::system())
            .trace_id
            .to_string()
    }

    #[test]
    fn the_callers_trace_is_kept() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(
            named(&[("traceparent", parent), ("x-request-id", "r-1")]),
            "4bf92f3577b34da6a3ce929d0e0e4736"
        );
        assert_eq!(named(&[("x-request-id", "r-1")]), "r-1");
    }

    #[test]
    fn a_malformed_name_is_replaced() {
        let none = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        for headers in [
            &[("traceparent", none)][..],
            &[("traceparent", "x")],
            &[("x-request-id", "a b\"c")],
            &[],
        ] {
            let name = named(headers);
            assert_eq!(
                (name.len(), name.bytes().all(|b| b.is_ascii_hexdigit())),
                (32, true),
                "{headers:?}"
            );
        }
    }
}
