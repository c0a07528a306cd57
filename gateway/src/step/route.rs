//! Step 5: which upstream, and what it is told about the request.

use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Arc;

use http::header::{COOKIE, FORWARDED, HeaderMap, HeaderName, HeaderValue};
use policies::matcher::Normal;

use crate::live::Tenant;
use crate::rejection::Rejection;
use crate::step::identify::{TRACEPARENT, X_FORWARDED_FOR, X_FORWARDED_PROTO, X_REQUEST_ID};
use crate::upstream::Pool;

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FLUXGATE_TENANT: HeaderName = HeaderName::from_static("x-fluxgate-tenant");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Prefixes of cookies that are ours and no origin's business: whoever has one has the place in line.
const OUR_COOKIES: [&[u8]; 2] = [b"fg_", b"__Host-fg_"];

/// The upstream for a path.
pub(crate) fn choose(tenant: &Tenant, path: &Normal<'_>) -> ControlFlow<Rejection, Arc<Pool>> {
    match tenant.route(path) {
        Some(pool) => ControlFlow::Continue(Arc::clone(pool)),
        None => ControlFlow::Break(Rejection::NoRoute),
    }
}

/// What must not reach the origin as the client sent it: everything that looks as if a gateway had
/// said it. A name with an underscore is such a thing too, since many application servers read
/// `X_Forwarded_For` and `X-Forwarded-For` as one.
pub(crate) fn spoofable(headers: &HeaderMap) -> Vec<HeaderName> {
    let names = headers.keys();
    names
        .filter(|name| {
            let text = name.as_str();
            text.starts_with("x-forwarded-")
                || text.starts_with("x-fluxgate-")
                || *name == FORWARDED
                || matches!(
                    text,
                    // Another address than the one that is known here.
                    "x-real-ip" | "true-client-ip" | "x-client-ip" | "client-ip"
                    // Another path than the one that was judged: some frameworks go by these.
                        | "x-original-url" | "x-rewrite-url" | "x-original-uri"
                )
                || text.contains('_')
        })
        .cloned()
        .collect()
}

/// What the origin is told instead.
pub(crate) fn told(
    tenant: &Tenant,
    caller: &crate::step::identify::Caller,
    host: Option<&HeaderValue>,
) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let host = host.map(|host| (X_FORWARDED_HOST, host.clone()));
    [
        (X_FORWARDED_FOR, address(caller.client)),
        (
            X_FORWARDED_PROTO,
            HeaderValue::from_static(caller.scheme.as_str()),
        ),
        (X_REQUEST_ID, caller.request_id.clone()),
        (TRACEPARENT, caller.trace.header()),
        (X_FLUXGATE_TENANT, tenant.header.clone()),
    ]
    .into_iter()
    .chain(host)
}

/// Names that go when the trace begins here: state of a trace that was not continued.
pub(crate) fn orphaned_trace_state() -> HeaderName {
    TRACESTATE
}

fn address(client: IpAddr) -> HeaderValue {
    HeaderValue::from_str(&client.to_string()).expect("an address may stand in a header")
}

/// The cookies without ours; `None` when none of them is ours, `Some(None)` when all are.
pub(crate) fn foreign_cookies(headers: &HeaderMap) -> Option<Option<HeaderValue>> {
    let fields = || headers.get_all(COOKIE).iter();
    let ours = |cookie: &[u8]| OUR_COOKIES.iter().any(|prefix| cookie.starts_with(prefix));
    let cookies = |field: &'_ HeaderValue| -> Vec<Vec<u8>> {
        let parts = field.as_bytes().split(|byte| *byte == b';');
        parts.map(|part| part.trim_ascii().to_vec()).collect()
    };
    let has_ours = fields().any(|field| {
        let mut parts = field.as_bytes().split(|byte| *byte == b';');
        parts.any(|part| ours(part.trim_ascii()))
    });
    if !has_ours {
        return None;
    }
    let kept: Vec<Vec<u8>> = fields()
        .flat_map(cookies)
        .filter(|cookie| !ours(cookie) && !cookie.is_empty())
        .collect();
    match kept.is_empty() {
        true => Some(None),
        false => Some(HeaderValue::from_bytes(&kept.join(&b"; "[..])).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().expect("name");
                (name, HeaderValue::from_str(value).expect("value"))
            })
            .collect()
    }

    #[test]
    fn names_that_only_a_gateway_may_say_are_found() {
        let sent = headers(&[
            ("X-Forwarded-For", "6.6.6.6"),
            ("x_forwarded_for", "6.6.6.6"),
            ("X-Fluxgate-Pass", "v1"),
            ("Forwarded", "for=6.6.6.6"),
            ("X-Real-IP", "6.6.6.6"),
            ("X-Rewrite-URL", "/sale"),
            ("X-Tenant-Id", "acme"),
            ("Accept", "*/*"),
        ]);
        let mut found: Vec<String> = spoofable(&sent).iter().map(ToString::to_string).collect();
        found.sort();
        assert_eq!(
            found,
            [
                "forwarded",
                "x-fluxgate-pass",
                "x-forwarded-for",
                "x-real-ip",
                "x-rewrite-url",
                "x_forwarded_for"
            ]
        );
    }

    #[test]
    fn our_cookies_are_taken_out_and_the_rest_stays() {
        let cookies = |text: &str| foreign_cookies(&headers(&[("cookie", text)]));
        assert_eq!(cookies("a=1; b=2"), None);
        assert_eq!(cookies("fg_t_sale=x"), Some(None));
        let kept = cookies("a=1; __Host-fg_p_sale=x; b=\"2\";fg_t_sale=y");
        assert_eq!(kept, Some(Some(HeaderValue::from_static("a=1; b=\"2\""))));
        assert_eq!(cookies("xfg_=1"), None);
    }
}
