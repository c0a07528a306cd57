//! One connection to Redis that knows when it was made.
//!
//! fred can reconnect by itself and then replays what was in flight: an INCRBY twice is a number lost,
//! and a new connection to a failed-over server looks like the old one. So its reconnecting is off. A
//! task of ours makes a new client after each break and counts them: a command runs in the session it
//! was started in, or fails.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use fred::{
    prelude::*,
    types::config::{TcpConfig, UnresponsiveConfig},
};
use tokio::task::JoinHandle;

use super::wire::{Argument, command};
use crate::store::StoreError;

/// Between two attempts to connect: short, since every gateway of a fleet must be back within the
/// time in which the room settles.
const RETRY: Duration = Duration::from_millis(100);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Two gateways that lost the same server have both connected again after this: they notice within half a
/// second of each other ([`connection`]), an attempt takes [`CONNECT_TIMEOUT`] and starts [`RETRY`] after the
/// last, and a step follows within a tick. 1.85 s, and the rest for a busy machine.
pub(super) const LATEST_TOGETHER: Duration = Duration::from_secs(3);
/// A server that leaves a command unanswered this long is as good as gone.
const UNRESPONSIVE: Duration = Duration::from_secs(3);
/// Commands that may wait for the socket; beyond, they fail at once.
const MOST_QUEUED: usize = 16_384;

/// A connection, remade in the background.
#[derive(Debug)]
pub(super) struct Link {
    config: Config,
    timeout: Duration,
    current: Arc<Current>,
    keeper: OnceLock<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Current {
    client: ArcSwapOption<Client>,
    session: AtomicU64,
}

impl Link {
    /// A link to `url` that is not connected yet; commands are given up after `timeout`.
    pub(super) fn to(url: &str, timeout: Duration) -> Result<Self, StoreError> {
        let config = Config::from_url(url)
            .map_err(|error| StoreError::Unexpected(format!("not a Redis URL: {error}")))?;
        Ok(Self {
            config,
            timeout,
            current: Arc::default(),
            keeper: OnceLock::new(),
        })
    }

    /// Connects from now on, in a task on the current runtime.
    pub(super) fn connect(&self) {
        self.keeper.get_or_init(|| {
            let (config, current) = (self.config.clone(), Arc::clone(&self.current));
            tokio::spawn(keep(config, self.timeout, current))
        });
    }

    /// The session's number, from 1; 0 while there is no connection.
    pub(super) fn session(&self) -> u64 {
        match self.current.client.load().as_ref() {
            Some(client) if client.is_connected() => self.current.session.load(Ordering::Acquire),
            _ => 0,
        }
    }

    /// The connected client.
    pub(super) fn client(&self) -> Result<Arc<Client>, StoreError> {
        let client = self.current.client.load_full();
        client
            .filter(|client| client.is_connected())
            .ok_or_else(|| StoreError::Unavailable("not connected".into()))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.get() {
            keeper.abort();
        }
    }
}

async fn keep(config: Config, timeout: Duration, current: Arc<Current>) {
    loop {
        let client = Client::new(
            config.clone(),
            Some(performance(timeout)),
            Some(connection()),
            None,
        );
        match client.init().await {
            Ok(connected) => {
                warn_of_eviction(&client).await;
                // The session is counted before anybody can use the client.
                current.session.fetch_add(1, Ordering::AcqRel);
                current.client.store(Some(Arc::new(client)));
                // Ends when the connection does.
                let ended = connected.await;
                current.client.store(None);
                tracing::debug!(?ended, "connection to the room store ended");
            }
            Err(error) => tracing::debug!(%error, "room store not reachable"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

fn performance(timeout: Duration) -> PerformanceConfig {
    PerformanceConfig {
        default_command_timeout: timeout,
        ..PerformanceConfig::default()
    }
}

fn connection() -> ConnectionConfig {
    ConnectionConfig {
        connection_timeout: CONNECT_TIMEOUT,
        internal_command_timeout: CONNECT_TIMEOUT,
        max_command_attempts: 1,
        max_command_buffer_len: MOST_QUEUED,
        // Off by default, and then every pipeline waits for an acknowledgement.
        tcp: TcpConfig {
            nodelay: Some(true),
            ..TcpConfig::default()
        },
        unresponsive: UnresponsiveConfig {
            max_timeout: Some(UNRESPONSIVE),
            interval: Duration::from_millis(500),
        },
        ..ConnectionConfig::default()
    }
}

/// A server that evicts keys under pressure would forget places. It may not let us ask; then we
/// cannot warn.
async fn warn_of_eviction(client: &Client) {
    let asked = vec![Argument::from("GET"), Argument::from("maxmemory-policy")];
    let policy: Result<Vec<String>, _> = client.custom(command("CONFIG"), asked).await;
    if let Ok([_, policy]) = policy.as_deref()
        && policy != "noeviction"
    {
        tracing::warn!(
            policy,
            "set Redis' maxmemory-policy to noeviction: evicted keys are lost places"
        );
    }
}
