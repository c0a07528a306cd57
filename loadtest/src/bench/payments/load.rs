//! The load: a fixed number of keep-alive connections that take payments from a list, either as fast as they
//! are answered or each at its time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::sandbox::{AMOUNT, Session};
use super::{NoFigures, Part};
use crate::clock::{Clock, Moment};
use crate::figures::quantiles;
use crate::wire::Site;

/// When payments are sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pacing {
    /// As soon as a connection is free, for so long.
    Closed { lasts: Duration },
    /// So many a second, whatever the answers do.
    Open { rate: u32 },
}

/// Where payments go.
#[derive(Debug)]
pub(super) struct Load {
    site: Site,
    authorization: String,
    clock: Clock,
    connections: usize,
}

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Tallied {
    latencies: Vec<Duration>,
    others: BTreeMap<String, u64>,
    took: Duration,
}

struct Shift {
    sessions: Vec<Session>,
    next: AtomicUsize,
    start: Moment,
    pacing: Pacing,
}

impl Load {
    pub(super) fn new(
        core: &str,
        key: &str,
        clock: Clock,
        connections: usize,
    ) -> Result<Self, NoFigures> {
        let site = Site::parse(core).map_err(NoFigures::Unexpected)?;
        Ok(Self {
            site,
            authorization: format!("Bearer {key}"),
            clock,
            connections,
        })
    }

    /// Pays for `sessions` and returns what came of it.
    pub(super) async fn run(self: &Arc<Self>, sessions: Vec<Session>, pacing: Pacing) -> Tallied {
        let start = self.clock.now();
        let shift = Arc::new(Shift {
            sessions,
            next: AtomicUsize::new(0),
            start,
            pacing,
        });
        let mut workers = JoinSet::new();
        for _ in 0..self.connections {
            workers.spawn(Arc::clone(self).work(Arc::clone(&shift)));
        }
        let mut all = Tallied::default();
        for worker in workers.join_all().await {
            all.latencies.extend(worker.latencies);
            worker
                .others
                .into_iter()
                .for_each(|(what, count)| *all.others.entry(what).or_default() += count);
        }
        all.took = self.clock.now().since(start);
        all
    }

    async fn work(self: Arc<Self>, shift: Arc<Shift>) -> Tallied {
        let mut tallied = Tallied::default();
        let mut connection = None;
        while let Some((session, due)) = shift.take(self.clock.now()) {
            self.clock.sleep_until(due).await;
            let outcome = self.pay(&mut connection, session).await;
            match outcome {
                Ok(StatusCode::OK) => tallied.latencies.push(self.clock.now().since(due)),
                Ok(status) => {
                    *tallied
                        .others
                        .entry(format!("status {}", status.as_u16()))
                        .or_default() += 1
                }
                Err(fault) => {
                    connection = None;
                    *tallied.others.entry(fault).or_default() += 1;
                }
            }
        }
        tallied
    }

    async fn pay(
        &self,
        connection: &mut Option<SendRequest<Full<Bytes>>>,
        session: &Session,
    ) -> Result<StatusCode, String> {
        if connection.as_ref().is_none_or(SendRequest::is_closed) {
            *connection = Some(
                connect(self.site.address)
                    .await
                    .map_err(|error| error.to_string())?,
            );
        }
        let sender = connection.as_mut().expect("it was opened just now");
        sender.ready().await.map_err(|error| error.to_string())?;
        let response = sender
            .send_request(self.request(session))
            .await
            .map_err(|error| error.to_string())?;
        let status = response.status();
        response
            .into_body()
            .collect()
            .await
            .map_err(|error| error.to_string())?;
        Ok(status)
    }

    fn request(&self, session: &Session) -> Request<Full<Bytes>> {
        let (order, key) = (&session.order_id, &session.payment_key);
        let body = format!(
            r#"{{"orderId":"{order}","amount":{AMOUNT},"currency":"KRW","paymentKey":"{key}"}}"#
        );
        Request::post("/api/v1/payments")
            .header(HOST, &self.site.authority)
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/json")
            .header("x-idempotency-key", format!("bench-{order}"))
            .body(Full::new(Bytes::from(body)))
            .expect("ids of the sandbox are plain ASCII")
    }
}

impl Shift {
    /// The next payment and when it is due; `None` when the shift is over.
    fn take(&self, now: Moment) -> Option<(&Session, Moment)> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let session = self.sessions.get(index)?;
        match self.pacing {
            Pacing::Closed { lasts } => (now.since(self.start) < lasts).then_some((session, now)),
            Pacing::Open { rate } => {
                let offset =
                    Duration::from_micros(index as u64 * 1_000_000 / u64::from(rate.max(1)));
                Some((session, self.start.plus(offset)))
            }
        }
    }
}

impl Tallied {
    pub(super) fn part(self, name: String) -> Part {
        let per_second = self.latencies.len() as f64 / self.took.as_secs_f64();
        Part {
            name,
            per_second,
            latency: quantiles(self.latencies.into_iter()),
            others: self.others.into_iter().collect(),
        }
    }
}

async fn connect(
    to: SocketAddr,
) -> Result<SendRequest<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // The request in flight reports the failure.
        let _ended = connection.await;
    });
    Ok(sender)
}
