//! The connection, before there is a request: the deadline for a whole head, which Pingora lacks.
//!
//! Pingora limits the time of each read, so that a client that sends one byte now and then holds a
//! connection for ever. Here a head must be complete within `http.header_timeout` of its first byte
//! (the first head of a connection: of the connection's beginning). While a kept connection is idle
//! only the keep-alive runs.
//!
//! The loop over a connection's requests is ours rather than Pingora's, because only the loop knows
//! where a head begins: a wrapper that guessed it from the bytes would take the rest of a body for one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora::apps::{HttpServerApp as _, ServerApp};
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;

use crate::proxy::Gateway;

mod guarded;

use guarded::Guarded;

/// Serves connections with the proxy, guarding the time of their heads.
pub(crate) struct Edge {
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
        let mut stream: Stream = Box::new(Guarded::new(stream, self.header_timeout));
        let mut settings = None;
        loop {
            let mut session = ServerSession::new_http1(stream);
            match settings {
                Some(settings) => {
                    pingora::apps::HttpPersistentSettings::apply_to_session(settings, &mut session)
                }
                None if *shutdown.borrow() => session.set_keepalive(None),
                // Longer than the guard, so that the guard decides.
                None => session.set_keepalive(Some(self.header_timeout.as_secs() + 1)),
            }
            let reused = self.proxy.process_new_http(session, shutdown).await?;
            (stream, settings) = reused.consume();
            stream = Guarded::expect_head(stream);
        }
    }

    async fn cleanup(&self) {
        self.proxy.http_cleanup().await;
    }
}
