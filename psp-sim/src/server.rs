//! The accept loop. It is our own, and not axum's, for two reasons: a fault may close a connection
//! without an answer, and a stop tells open connections so.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::toss::Vanish;

/// How long a client may take to send its request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long running requests may take after a stop was asked for.
const DRAIN: Duration = Duration::from_secs(5);

/// The answer was one that must not be given.
#[derive(Debug, thiserror::Error)]
#[error("the connection was closed by a fault rule")]
struct Vanished;

/// Serves until `stop` turns true, then lets running requests finish.
pub async fn serve(listener: TcpListener, router: Router, stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let mut waiting = stop.clone();
    let mut stopped = pin!(asked(&mut waiting));
    loop {
        tokio::select! {
            () = &mut stopped => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, router.clone(), stop.clone()));
                }
                // Out of descriptors, or the peer is gone already: the next accept may work.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
}

/// Resolves once a stop was asked for; a sender that is gone asks for one as well.
async fn asked(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn connection(stream: TcpStream, router: Router, mut stop: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no-delay could not be set; answers may be late");
    }
    let tower = TowerToHyperService::new(router);
    let service = service_fn(move |request| {
        let answering = tower.call(request);
        async move {
            let response = answering
                .await
                .unwrap_or_else(|never: Infallible| match never {});
            match response.extensions().get::<Vanish>() {
                Some(Vanish) => Err(Vanished),
                None => Ok(response),
            }
        }
    });
    let mut serving = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = asked(&mut stop) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
