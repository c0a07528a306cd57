//! Obeying signals that end the process.
//!
//! Pingora's own graceful stop sleeps its whole grace period even when nothing is left to do, drops
//! idle connections at once, and lets answers promise a keep-alive that will not be kept. So the drain
//! is done here, before Pingora hears of the signal: `/readyz` says no, every answer says
//! `Connection: close`, and once nothing is in flight the process goes. Pingora's grace period is then
//! only the last second of stragglers.

use std::sync::Arc;

use async_trait::async_trait;
use pingora::server::{ShutdownSignal, ShutdownSignalWatch};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};

use crate::config::listen::Shutdown;
use crate::drain::Drain;

/// Pingora's grace period after our drain, in seconds; it cannot be shorter than one, or a request that
/// arrived in the last moment would be cut.
pub(crate) const LAST_GRACE_SECONDS: u64 = 1;

/// Waits for a signal, drains, and only then tells Pingora.
#[derive(Debug)]
pub(crate) struct Signals {
    pub(crate) drain: Arc<Drain>,
    pub(crate) shutdown: Shutdown,
}

#[async_trait]
impl ShutdownSignalWatch for Signals {
    async fn recv(&self) -> ShutdownSignal {
        let listen = |kind| signal(kind).expect("a process may listen for signals");
        let mut terminate = listen(SignalKind::terminate());
        let mut interrupt = listen(SignalKind::interrupt());
        // Would hand the listeners to a successor. None is ever waiting, so it is an ordinary stop.
        let mut quit = listen(SignalKind::quit());
        tokio::select! {
            _ = interrupt.recv() => return ShutdownSignal::FastShutdown,
            _ = terminate.recv() => {}
            _ = quit.recv() => {}
        }
        tracing::info!(in_flight = self.drain.in_flight(), "draining");
        self.drain.begin();
        let drained = async {
            sleep(self.shutdown.linger).await;
            timeout(self.shutdown.drain, self.drain.idle())
                .await
                .is_ok()
        };
        tokio::select! {
            complete = drained => {
                let left = self.drain.in_flight();
                tracing::info!(complete, left, "stopping");
                ShutdownSignal::GracefulTerminate
            }
            // A second signal: whoever sent it does not want to wait.
            _ = terminate.recv() => ShutdownSignal::FastShutdown,
            _ = interrupt.recv() => ShutdownSignal::FastShutdown,
        }
    }
}
