//! HTTP to a PSP: one shared connection pool, our own time-outs, and the one distinction that
//! matters afterwards: was anything sent?

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, AUTHORIZATION};
use http::{HeaderValue, StatusCode};
use prometheus::HistogramVec;
use serde::Serialize;
use std::time::Duration;
use tokio::time::Instant;

/// Idle connections kept to one PSP: as many as calls in flight at 1,000 payments/s and 300 ms.
const IDLE_MAX: usize = 512;
/// A PSP closes idle connections sooner or later; we close first.
const IDLE_FOR: Duration = Duration::from_secs(20);
/// An answer beyond this is no payment (the largest real ones are some 4 kB).
const BODY_MAX: usize = 256 * 1024;

/// How long a PSP may take.
#[derive(Clone, Copy, Debug)]
pub struct PspTimeouts {
    /// To accept a connection.
    pub connect: Duration,
    /// To answer, from the first byte sent to the last received.
    pub answer: Duration,
}

/// Connections to all PSPs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connections {
    client: reqwest::Client,
    seconds: HistogramVec,
}

impl Connections {
    /// A pool. `seconds` is `fluxpay_psp_seconds{call,outcome}`.
    pub fn new(timeouts: PspTimeouts, seconds: HistogramVec) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.answer)
            .pool_max_idle_per_host(IDLE_MAX)
            .pool_idle_timeout(IDLE_FOR)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            // Whether to repeat a payment is decided by what is known about it, never down here.
            .retry(reqwest::retry::never())
            .build()?;
        Ok(Self { client, seconds })
    }
}

/// One tenant's way to its PSP.
#[derive(Clone)]
pub(super) struct Line {
    connections: Connections,
    base_url: String,
    authorization: HeaderValue,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub(super) enum Silence {
    /// No connection was made: nothing was sent.
    #[error("the PSP could not be reached")]
    NotSent(#[source] reqwest::Error),
    /// Something may have been sent.
    #[error("the PSP did not answer")]
    NoAnswer(#[source] reqwest::Error),
    /// The answer was too large to be one.
    #[error("the PSP's answer is too large")]
    TooLarge,
}

/// What to call. `idempotency_key` goes with every call that changes something.
pub(super) struct Call<'a> {
    /// For the metric: a word from a closed list.
    pub(super) name: &'static str,
    pub(super) path: &'a str,
    pub(super) idempotency_key: &'a str,
}

impl Line {
    /// Basic authentication as TossPayments wants it: the secret key as user, no password.
    pub(super) fn new(connections: Connections, base_url: &str, secret_key: &str) -> Self {
        let basic = format!("Basic {}", STANDARD.encode(format!("{secret_key}:")));
        let mut authorization = HeaderValue::try_from(basic).expect("base64 is a header value");
        authorization.set_sensitive(true);
        Self {
            connections,
            base_url: base_url.trim_end_matches('/').to_owned(),
            authorization,
        }
    }

    pub(super) async fn get(&self, name: &'static str, path: &str) -> Result<Reply, Silence> {
        let request = self
            .connections
            .client
            .get(format!("{}{path}", self.base_url));
        self.send(name, request).await
    }

    pub(super) async fn post(
        &self,
        call: Call<'_>,
        body: &impl Serialize,
    ) -> Result<Reply, Silence> {
        let url = format!("{}{}", self.base_url, call.path);
        let request = self
            .connections
            .client
            .post(url)
            .header("idempotency-key", call.idempotency_key)
            .json(body);
        self.send(call.name, request).await
    }

    async fn send(
        &self,
        name: &'static str,
        request: reqwest::RequestBuilder,
    ) -> Result<Reply, Silence> {
        let started = Instant::now();
        // English, so that nothing hangs on translated values.
        let request = request
            .header(AUTHORIZATION, &self.authorization)
            .header(ACCEPT_LANGUAGE, "en-US");
        let reply = exchange(request).await;
        let outcome = match &reply {
            Ok(reply) if reply.status.is_success() => "ok",
            Ok(_) => "error",
            Err(_) => "silence",
        };
        self.connections
            .seconds
            .with_label_values(&[name, outcome])
            .observe(started.elapsed().as_secs_f64());
        reply
    }
}

async fn exchange(request: reqwest::RequestBuilder) -> Result<Reply, Silence> {
    let classify = |error: reqwest::Error| {
        if error.is_connect() || error.is_builder() {
            Silence::NotSent(error)
        } else {
            Silence::NoAnswer(error)
        }
    };
    let mut response = request.send().await.map_err(classify)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Silence::NoAnswer)? {
        if body.len() + chunk.len() > BODY_MAX {
            return Err(Silence::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply {
        status,
        body: body.into(),
    })
}
