//! What changes in a request on its way to the upstream and in an answer on its way back.
//!
//! Pingora has taken out the hop-by-hop headers before this.

use http::header::{CACHE_CONTROL, COOKIE, HOST, HeaderName, SERVER};
use http::request::Parts;
use pingora::http::{RequestHeader, ResponseHeader};

use super::exchange::Exchange;
use crate::clock;
use crate::rooms::now;
use crate::step::identify::X_REQUEST_ID;
use crate::step::route;

/// How many units the origin has left to sell. For the room alone; clients do not see it.
const X_FLUXGATE_REMAINING: HeaderName = HeaderName::from_static("x-fluxgate-remaining");

/// Takes out what only a gateway may say, and says it.
pub(super) fn request(
    head: &Parts,
    upstream: &mut RequestHeader,
    ctx: &Exchange,
) -> pingora::Result<()> {
    // What was judged goes on, and as a path (RFC 9112, 3.2.1), also if a whole address was asked for.
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    if upstream.raw_path() != path.as_bytes() {
        upstream.set_raw_path(path.as_bytes())?;
    }
    for name in route::spoofable(&upstream.headers) {
        upstream.remove_header(&name);
    }
    if let Some(cookies) = route::foreign_cookies(&upstream.headers) {
        upstream.remove_header(&COOKIE);
        if let Some(cookies) = cookies {
            upstream.insert_header(COOKIE, cookies)?;
        }
    }
    let (Some(caller), Some(tenant)) = (&ctx.caller, &ctx.tenant) else {
        return Ok(());
    };
    if !caller.trace.continued {
        upstream.remove_header(&route::orphaned_trace_state());
    }
    for (name, value) in route::told(tenant, caller, head.headers.get(HOST)) {
        upstream.insert_header(name, value)?;
    }
    for (name, value) in &ctx.admission.to_origin {
        upstream.insert_header(name.clone(), value.clone())?;
    }
    Ok(())
}

/// Adds the request's id and what the room has to say; takes out which software the origin runs.
pub(super) fn response(response: &mut ResponseHeader, ctx: &Exchange) -> pingora::Result<()> {
    if super::is_not_final(response) {
        return Ok(());
    }
    response.remove_header(&SERVER);
    if let Some(left) = response.remove_header(&X_FLUXGATE_REMAINING)
        && let Some(served) = &ctx.admission.served
        && let Some(left) = left.to_str().ok().and_then(|text| text.trim().parse().ok())
    {
        // Of two answers that of the later request knows more, whichever comes first.
        let took = clock::now().saturating_duration_since(ctx.started);
        served.room.remaining(left, now().minus(took));
    }
    if let Some(caller) = &ctx.caller {
        response.insert_header(X_REQUEST_ID, caller.request_id.clone())?;
    }
    if !ctx.admission.to_client.is_empty() {
        // A pass is one visitor's: whatever the origin said, no cache between here and there may keep it.
        response.insert_header(CACHE_CONTROL, "private, no-store")?;
    }
    for (name, value) in &ctx.admission.to_client {
        response.append_header(name.clone(), value.clone())?;
    }
    Ok(())
}
