//! The admin listener: for operators and their machines, never for visitors.
//!
//! `/healthz` (it serves) and `/readyz` (visitors may be sent here) answer anybody who can reach it. `/metrics` does on a
//! loopback address, and needs the token elsewhere; everything else always does.

mod readiness;
mod rooms;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use pingora::apps::http_app::ServeHttp;
use pingora::protocols::http::ServerSession;
use subtle::ConstantTimeEq;
use tokio::net::TcpStream;

use crate::clock;
use crate::config::secret::Secret;
use crate::drain::Drain;
use crate::live::Live;
use crate::metrics::Metrics;

pub(crate) use readiness::Readiness;

/// What the admin listener serves from.
#[derive(Debug)]
pub(crate) struct Admin {
    pub(crate) live: Arc<ArcSwap<Live>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) drain: Arc<Drain>,
    pub(crate) token: Option<Secret>,
    /// Whether only this machine can reach the listener.
    pub(crate) local: bool,
    /// Where visitors are served. The two listeners begin at their own times, and a gateway that is
    /// called ready before it listens there loses its first visitors.
    pub(crate) visitors: SocketAddr,
    pub(crate) listening: AtomicBool,
    pub(crate) readiness: Readiness,
}

impl Admin {
    fn answer(&self, head: &Parts) -> Response<Vec<u8>> {
        let authorised = self.is_authorised(head);
        let path = head.uri.path();
        let open = matches!(path, "/healthz" | "/readyz") || (path == "/metrics" && self.local);
        if !open && !authorised {
            return unauthorised();
        }
        if !matches!(head.method, Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
        }
        match path {
            "/healthz" | "/readyz" if !self.listening.load(Relaxed) => {
                text(StatusCode::SERVICE_UNAVAILABLE, "starting\n")
            }
            "/healthz" | "/readyz" if self.drain.has_begun() => {
                text(StatusCode::SERVICE_UNAVAILABLE, "draining\n")
            }
            "/readyz" => match self.readiness.missing(&self.live.load()) {
                Some(what) => text(StatusCode::SERVICE_UNAVAILABLE, what),
                None => text(StatusCode::OK, "ok\n"),
            },
            "/healthz" => text(StatusCode::OK, "ok\n"),
            "/metrics" => self.scrape(),
            _ => text(StatusCode::NOT_FOUND, "no such page\n"),
        }
    }

    /// What is under `/admin`: the rooms of operators who have the token.
    async fn operate(&self, session: &mut ServerSession, path: &str) -> Response<Vec<u8>> {
        let is_authorised = self.is_authorised(session.req_header());
        let rooms = path.strip_prefix("/admin/rooms");
        let rooms = rooms.filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let (status, json) = match rooms {
            _ if !is_authorised => rooms::problem(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "the admin token is needed: Authorization: Bearer <token>",
            ),
            Some(rest) => self.rooms(session, rest).await,
            None => rooms::problem(StatusCode::NOT_FOUND, "not_found", "there is /admin/rooms"),
        };
        let mut answer = Response::new(json.to_string().into_bytes());
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        let kind = match status.is_success() {
            true => HeaderValue::from_static("application/json"),
            false => HeaderValue::from_static("application/problem+json"),
        };
        headers.insert(CONTENT_TYPE, kind);
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        finish(answer)
    }

    async fn rooms(&self, session: &mut ServerSession, path: &str) -> rooms::Answer {
        let mut body = Vec::new();
        loop {
            match session.read_request_body().await {
                Ok(Some(part)) if body.len() + part.len() <= rooms::LONGEST_BODY => {
                    body.extend_from_slice(&part);
                }
                Ok(Some(_)) => {
                    let title = "an order has at most 16 KiB";
                    return rooms::problem(StatusCode::PAYLOAD_TOO_LARGE, "too_long", title);
                }
                Ok(None) => break,
                Err(_) => {
                    let title = "the body broke off";
                    return rooms::problem(StatusCode::BAD_REQUEST, "invalid_order", title);
                }
            }
        }
        let live = self.live.load_full();
        let method = session.req_header().method.clone();
        let query = session
            .req_header()
            .uri
            .query()
            .unwrap_or_default()
            .to_owned();
        let asked = (path, query.as_str());
        rooms::answer(&live, &method, asked, &body).await
    }

    /// Finds out whether visitors can connect yet; once they can it is not asked again.
    async fn look_for_listener(&self) {
        if !self.listening.load(Relaxed) {
            let connected = TcpStream::connect(self.visitors).await.is_ok();
            self.listening.store(connected, Relaxed);
        }
    }

    fn is_authorised(&self, head: &Parts) -> bool {
        let Some(token) = &self.token else {
            return false;
        };
        let said = head.headers.get(AUTHORIZATION);
        let said = said.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        said.is_some_and(|said| bool::from(said.ct_eq(token.reveal())))
    }

    /// Brings the figures that are read rather than counted up to date, then writes all.
    fn scrape(&self) -> Response<Vec<u8>> {
        let in_flight = i64::try_from(self.drain.in_flight()).unwrap_or(i64::MAX);
        self.metrics.in_flight.set(in_flight);
        let live = self.live.load();
        let now = clock::millis(clock::now());
        for pool in live.pools() {
            for server in pool.servers() {
                let labels = [pool.name().as_str(), &server.address().to_string()];
                let gauge = self.metrics.ejected.with_label_values(&labels);
                gauge.set(i64::from(server.is_out(now)));
            }
        }
        for tenant in live.tenants() {
            for limiter in &tenant.limiters {
                let labels = [tenant.name.as_str(), limiter.limit.name.as_str()];
                let clients = i64::try_from(limiter.remembered()).unwrap_or(i64::MAX);
                self.metrics
                    .limit_clients
                    .with_label_values(&labels)
                    .set(clients);
                let refused = self.metrics.limit_refused.with_label_values(&labels);
                refused.reset();
                refused.inc_by(limiter.refused());
            }
        }
        let mut answer = Response::new(self.metrics.render());
        let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        answer.headers_mut().insert(CONTENT_TYPE, kind);
        finish(answer)
    }
}

#[async_trait]
impl ServeHttp for Admin {
    async fn response(&self, session: &mut ServerSession) -> Response<Vec<u8>> {
        self.look_for_listener().await;
        let path = session.req_header().uri.path().to_owned();
        match path.strip_prefix("/admin") {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                self.operate(session, &path).await
            }
            _ => self.answer(session.req_header()),
        }
    }
}

fn text(status: StatusCode, body: &'static str) -> Response<Vec<u8>> {
    let mut answer = Response::new(body.as_bytes().to_vec());
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    finish(answer)
}

fn unauthorised() -> Response<Vec<u8>> {
    let mut answer = text(StatusCode::UNAUTHORIZED, "the admin token is needed\n");
    let scheme = HeaderValue::from_static("Bearer");
    answer.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    answer
}

fn finish(mut answer: Response<Vec<u8>>) -> Response<Vec<u8>> {
    let length = HeaderValue::from(answer.body().len());
    let headers = answer.headers_mut();
    headers.insert(CONTENT_LENGTH, length);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests;
