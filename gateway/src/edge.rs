//! The connection, before there is a request: the deadline for a whole head, which Pingora lacks.
//!
//! Pingora limits the time of each read, so that a client that sends one byte now and then holds a
//! connection for ever. Here a head must be complete within `http.header_timeout` of its first byte
//! (the first head of a connection: of the connection's beginning). While a kept connection is idle
//! only the keep-alive runs. Polls of the queue are answered right here ([`polls`]).
//!
//! The loop over a connection's requests is ours rather than Pingora's, because only the loop knows
//! where a head begins: a wrapper that guessed it from the bytes would take the rest of a body for one.

use std::future::Future as _;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use async_trait::async_trait;
use pingora::apps::{HttpServerApp as _, ServerApp};
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;

use crate::clock;
use crate::proxy::Gateway;

mod guarded;
mod polls;

use guarded::Guarded;
use polls::Next;

/// Serves connections with the proxy, guarding the time of their heads.
pub(crate) struct Edge {
    /// The same steps, for polls that need no Pingora session.
    pub(crate) gateway: Gateway,
    pub(crate) proxy: Arc<HttpProxy<Gateway>>,
    /// For one whole head.
    pub(crate) header_timeout: Duration,
}

#[async_trait]
impl ServerApp for Edge {
    async fn process_new(
        self: &Arc<Self>,
        stream: Stream,
        shutdown: &ShutdownWatch,
    ) -> Option<Stream> {
        let digest = stream.get_socket_digest();
        let peer =
            digest.and_then(|digest| digest.peer_addr().and_then(|peer| peer.as_inet().copied()));
        let mut guarded = Box::new(Guarded::new(stream, self.header_timeout));
        let mut settings = None;
        // Asked once, so that an idle connection hears of it and a busy one pays nothing.
        let mut stops = shutdown.clone();
        let mut stops = pin!(async move { stops.changed().await });
        let mut asked = false;
        let mut is_stopping = |context: &mut Context<'_>| {
            if std::mem::replace(&mut asked, true) {
                self.gateway.drain.has_begun() && *shutdown.borrow()
            } else {
                *shutdown.borrow() || stops.as_mut().poll(context).is_ready()
            }
        };
        loop {
            if let Some(peer) = peer {
                let next = polls::serve(&self.gateway, &mut guarded, peer, &mut is_stopping).await;
                if next == Next::Ended {
                    return None;
                }
            }
            let mut session = ServerSession::new_http1(guarded);
            match settings {
                Some(settings) => {
                    pingora::apps::HttpPersistentSettings::apply_to_session(settings, &mut session)
                }
                None if *shutdown.borrow() => session.set_keepalive(None),
                // Longer than the guard, so that the guard decides.
                None => session.set_keepalive(Some(self.header_timeout.as_secs() + 1)),
            }
            let reused = self.proxy.process_new_http(session, shutdown).await?;
            let stream;
            (stream, settings) = reused.consume();
            guarded = Guarded::of(stream);
            guarded.expect_next(clock::now() + self.gateway.live.load().http.keepalive);
        }
    }

    async fn cleanup(&self) {
        self.proxy.http_cleanup().await;
    }
}
