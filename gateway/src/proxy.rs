//! The request's life as Pingora calls it, one step a hook.
//!
//! This module and its children are the only ones that know Pingora's rules: that `Ok(true)` from
//! `request_filter` means "answered", that an `Err` closes the client's connection, that a direct
//! answer runs no response filter, that a panic skips `logging`. `error_while_proxy` is deliberately
//! not overridden: its default is what keeps a payment from being sent twice.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::request::Parts;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::modules::http::HttpModules;
use pingora::prelude::{Error, ErrorSource, ErrorType, HttpPeer};
use pingora::proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session};

use crate::access_log::AccessLog;
use crate::answer::Answer;
use crate::clock;
use crate::drain::Drain;
use crate::live::Live;
use crate::metrics::{Metrics, Outcome};
use crate::rejection::Rejection;
use crate::step::identify::Caller;
use crate::step::room::{self, Facts};
use crate::step::{accept, identify, observe, policy, route};

mod direct;
mod exchange;
mod failure;
mod forward;
mod send;
mod stay;
mod visit;

pub(crate) use direct::Written;
use exchange::{Answered, Exchange};
use stay::Stay;

/// Tries at most, over all servers of the upstream. A fourth would only find what three found.
pub(crate) const TRIES_MAX: u32 = 3;

/// How long what is left of a refused request's body may take to arrive before the connection is
/// closed after all. Without a bound a client could feed it for ever.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// How long a stream (WebSocket, server-sent events) may be silent. Keep-alives of both are far shorter.
const STREAM_IDLE: Duration = Duration::from_secs(300);

/// The proxy: shared parts, no state of its own.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    pub(crate) live: Arc<ArcSwap<Live>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) log: AccessLog,
    pub(crate) drain: Arc<Drain>,
}

impl Gateway {
    /// Steps 1 to 5. What they find out is kept in `ctx`; what breaks off is the answer to send.
    async fn decide(
        &self,
        head: &Parts,
        raw: accept::Raw<'_>,
        ctx: &mut Exchange,
    ) -> ControlFlow<Answer> {
        let live = Arc::clone(&ctx.live);
        let caller = Caller::identify(head, ctx.peer, &live.trusted_proxies, &rand::random());
        let caller = ctx.caller.insert(caller);
        let refuse = |rejection: &Rejection| {
            ControlFlow::Break(rejection.answer(caller.request_id(), rand::random()))
        };
        let tenant = &mut ctx.tenant;
        let checked = (|| {
            accept::check(head, raw, &live.http)?;
            let (found, path) = identify::tenant(head, &live)?;
            let found = tenant.insert(found);
            policy::charge_client(found, caller.client)?;
            ControlFlow::Continue((Arc::clone(found), path))
        })();
        let (tenant, path) = match checked {
            ControlFlow::Continue(found) => found,
            ControlFlow::Break(rejection) => return refuse(&rejection),
        };
        let facts = Facts {
            head,
            path: &path,
            tenant: &tenant,
            caller,
        };
        ctx.admission = room::enter(&facts).await?;
        let routed = (|| {
            policy::charge_shared(&tenant, caller.client)?;
            route::choose(&tenant, &path)
        })();
        match routed {
            ControlFlow::Continue(pool) => ctx.pool = Some(pool),
            ControlFlow::Break(rejection) => return refuse(&rejection),
        }
        ControlFlow::Continue(())
    }
}

impl Gateway {
    /// Counts and logs a request that was answered with so a status and so many bytes of a body. Says when that was.
    fn record(&self, head: &Parts, ctx: &mut Exchange, (status, bytes): (u16, usize)) -> Instant {
        ctx.logged = true;
        let ended = clock::now();
        observe::record(
            &observe::Ended {
                head,
                caller: ctx.caller.as_ref(),
                tenant: ctx.tenant.as_deref(),
                status,
                outcome: ctx.outcome,
                bytes,
                took: ended.saturating_duration_since(ctx.started),
                upstream: ctx.pool.as_ref().map(|pool| pool.name().as_str()),
                tries: ctx.tries,
                config: ctx.live.version,
            },
            &self.metrics,
            &self.log,
        );
        ended
    }
}

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = Exchange;

    fn new_ctx(&self) -> Exchange {
        Exchange::new(
            self.live.load_full(),
            Arc::clone(&self.metrics),
            self.drain.enter(),
        )
    }

    /// None: the default would put a disabled compression module on every request's path.
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    async fn early_request_filter(
        &self,
        session: &mut Session,
        ctx: &mut Exchange,
    ) -> pingora::Result<()> {
        let http = ctx.live.http;
        if let Some(peer) = session.client_addr().and_then(|address| address.as_inet()) {
            ctx.peer = *peer;
        }
        // Off already for HTTP/1.0 clients that did not ask for it, and while the process stops.
        if session.get_keepalive().is_some() {
            session.set_keepalive(Some(http.keepalive.as_secs()));
        }
        session.set_read_timeout(Some(http.body_timeout));
        session.set_write_timeout(Some(http.body_timeout));
        session.set_total_drain_timeout(Some(DRAIN_TIME));
        Ok(())
    }

    async fn request_filter(
        &self,
        session: &mut Session,
        ctx: &mut Exchange,
    ) -> pingora::Result<bool> {
        let head = session.req_header();
        // The parser repairs a head with both framings, so what was sent is looked at, in that case only.
        let raw_head = match head.headers.contains_key(TRANSFER_ENCODING) {
            true => session.as_http1().map(|http| http.get_headers_raw_bytes()),
            false => None,
        };
        let raw = accept::Raw {
            head: &raw_head.unwrap_or_default(),
            target: head.raw_path(),
        };
        match self.decide(head, raw, ctx).await {
            ControlFlow::Continue(()) => Ok(false),
            ControlFlow::Break(answer) => {
                self.send(session, ctx, answer).await;
                Ok(true)
            }
        }
    }

    async fn upstream_peer(
        &self,
        session: &mut Session,
        ctx: &mut Exchange,
    ) -> pingora::Result<Box<HttpPeer>> {
        let now = clock::now();
        let (Some(pool), tried) = (ctx.pool.clone(), ctx.tried) else {
            return Error::e_explain(ErrorType::InternalError, "no upstream was chosen");
        };
        let deadline = *ctx
            .deadline
            .get_or_insert(now + pool.definition.settings.timeout);
        let left = deadline.saturating_duration_since(now);
        if left.is_zero() {
            return Err(
                Error::explain(ErrorType::ReadTimedout, "the time for all tries is up").into_up(),
            );
        }
        let Some(lease) = pool.choose(tried, rand::random(), clock::millis(now)) else {
            return Err(
                Error::explain(ErrorType::ConnectError, "every server was tried").into_up(),
            );
        };
        ctx.streams = session.is_upgrade_req() || wants_events(session.req_header());
        let mut peer = lease.server().peer();
        peer.options.read_timeout = Some(if ctx.streams { STREAM_IDLE } else { left });
        ctx.lease = Some(lease);
        ctx.tries += 1;
        Ok(Box::new(peer))
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        ctx: &mut Exchange,
        mut error: Box<Error>,
    ) -> Box<Error> {
        self.blame_server(ctx, failure::kind(&error));
        ctx.measure();
        ctx.measured(Answered::Badly);
        if let Some(lease) = ctx.lease.take() {
            ctx.tried.insert(lease.index());
        }
        let another = ctx
            .pool
            .as_ref()
            .is_some_and(|pool| pool.has_untried(ctx.tried));
        // Nothing of the request was sent, so that every method may be tried elsewhere.
        error.set_retry(another && ctx.tries < TRIES_MAX);
        error
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        upstream: &mut RequestHeader,
        ctx: &mut Exchange,
    ) -> pingora::Result<()> {
        // How fast a client sends its body says nothing of the origin: then the clock starts at the body's end.
        if !announces_body(session.req_header()) {
            ctx.measure();
        }
        forward::request(session.req_header(), upstream, ctx)
    }

    async fn request_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        ctx: &mut Exchange,
    ) -> pingora::Result<()> {
        ctx.stays()?;
        if end_of_stream && ctx.measured.is_none() && !ctx.streams {
            ctx.measure();
        }
        ctx.body_bytes += body.as_ref().map_or(0, |body| body.len() as u64);
        // Only chunked bodies come here without having been measured by their announced length.
        match ctx.body_bytes > ctx.live.http.max_body_bytes {
            true => Error::e_explain(ErrorType::HTTPStatus(413), "body over the limit"),
            false => Ok(()),
        }
    }

    async fn upstream_response_filter(
        &self,
        _session: &mut Session,
        upstream: &mut ResponseHeader,
        ctx: &mut Exchange,
    ) -> pingora::Result<()> {
        ctx.measured(match upstream.status.is_server_error() {
            true => Answered::Badly,
            false => Answered::Well,
        });
        match upstream.status.as_u16() {
            status @ (502..=504) => self.blame_server(ctx, failure::status_kind(status)),
            _ => {
                if let Some(lease) = &ctx.lease {
                    lease.server().succeeded();
                }
            }
        }
        Ok(())
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut Exchange,
    ) -> pingora::Result<()> {
        if self.drain.has_begun() {
            session.set_keepalive(None);
        }
        ctx.outcome = Outcome::Proxied;
        visit::heed(response, ctx).await;
        ctx.streams &= is_stream(response) || is_not_final(response);
        if ctx.streams && !is_not_final(response) {
            ctx.stay = Stay::begin(&self.live, &ctx.admission);
        }
        forward::response(response, ctx)
    }

    fn upstream_response_body_filter(
        &self,
        _session: &mut Session,
        _body: &mut Option<Bytes>,
        end_of_stream: bool,
        ctx: &mut Exchange,
    ) -> pingora::Result<Option<Duration>> {
        let late = |deadline: Instant| clock::now() >= deadline;
        if !end_of_stream && !ctx.streams && ctx.deadline.is_some_and(late) {
            let error = Error::explain(ErrorType::ReadTimedout, "the answer took too long");
            return Err(error.into_up());
        }
        ctx.stays().map(|()| None)
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        ctx: &mut Exchange,
    ) -> FailToProxy {
        if error.esource() == &ErrorSource::Upstream {
            ctx.measured(Answered::Badly);
        }
        self.failed(session, error, ctx).await
    }

    async fn logging(&self, session: &mut Session, _error: Option<&Error>, ctx: &mut Exchange) {
        let written = session
            .response_written()
            .map(|response| response.status.as_u16());
        let sent = (written.unwrap_or(0), session.body_bytes_sent());
        self.record(session.req_header(), ctx, sent);
    }

    /// Never: the access log and the metrics say it, with bounded cost, and without the query.
    fn suppress_error_log(&self, _session: &Session, _ctx: &Exchange, error: &Error) -> bool {
        tracing::debug!(%error, "request failed");
        true
    }

    fn suppress_proxy_warn_log(
        &self,
        _session: &Session,
        _ctx: &Exchange,
        error: &Error,
        _context: ProxyWarnLogContext,
    ) -> bool {
        tracing::debug!(%error, "try failed");
        true
    }

    /// Without the query, which may hold a secret.
    fn request_summary(&self, session: &Session, _ctx: &Exchange) -> String {
        let head = session.req_header();
        format!("{} {}", head.method, head.uri.path())
    }
}

/// Whether another answer follows this one (RFC 9110, section 15.2).
fn is_not_final(response: &ResponseHeader) -> bool {
    response.status.is_informational() && response.status != StatusCode::SWITCHING_PROTOCOLS
}

/// Whether an answer goes on for as long as both sides like.
fn is_stream(response: &ResponseHeader) -> bool {
    let kind = response.headers.get(CONTENT_TYPE);
    let is_events = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    response.status == StatusCode::SWITCHING_PROTOCOLS || is_events
}

/// As every `EventSource` asks, and nobody else (HTML, section 9.2.2).
fn wants_events(head: &Parts) -> bool {
    let accept = head.headers.get(ACCEPT);
    accept.is_some_and(|accept| accept == "text/event-stream")
}

fn announces_body(head: &Parts) -> bool {
    let length = head.headers.get(CONTENT_LENGTH);
    length.is_some_and(|length| length != "0") || head.headers.contains_key(TRANSFER_ENCODING)
}
