//! One connection to one Redis that knows when it was made.
//!
//! fred can reconnect by itself and then replays what was in flight: an INCRBY twice is a number lost,
//! and a new connection to a failed-over server looks like the old one. So its reconnecting is off. A
//! task of ours makes a new client after each break and counts them: a command runs in the session it
//! was started in, or fails. What a Cluster's node refuses, because it has not the slot, fails too.

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
    types::{ConnectHandle, config::TcpConfig},
};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::wire::{Argument, command};
use crate::store::StoreError;

/// Between two attempts to connect: short, since every gateway of a fleet must be back within the
/// time in which the room settles.
pub(super) const RETRY: Duration = Duration::from_millis(100);
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A server that answers nothing for so long is as good as gone.
const SILENT: Duration = Duration::from_secs(3);
/// It is asked this often whether it is there. fred can watch for silence too, but counts from the last
/// command it sent: a busy gateway would never notice.
const PULSE: Duration = Duration::from_millis(500);
/// Two gateways that lost the same server have both connected again after this: they notice within half a
/// second of each other ([`PULSE`]), an attempt takes [`CONNECT_TIMEOUT`] and starts [`RETRY`] after the
/// last, and a step follows within a tick. 1.85 s, and the rest for a busy machine.
pub(super) const LATEST_TOGETHER: Duration = Duration::from_secs(3);
/// Commands that may wait for the socket; beyond, they fail at once.
const MOST_QUEUED: usize = 16_384;

/// Numbers the connections of one store, whichever server they go to.
#[derive(Clone, Debug, Default)]
pub(super) struct Sessions(Arc<AtomicU64>);

impl Sessions {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::AcqRel) + 1
    }
}

/// A connection, remade in the background.
#[derive(Debug)]
pub(super) struct Link {
    plan: Plan,
    current: Arc<Current>,
    keeper: OnceLock<JoinHandle<()>>,
}

#[derive(Clone, Debug)]
struct Plan {
    config: Config,
    timeout: Duration,
    sessions: Sessions,
}

#[derive(Debug, Default)]
struct Current {
    client: ArcSwapOption<Client>,
    session: AtomicU64,
}

impl Link {
    /// A link to the one server of `config` that is not connected yet; commands are given up after
    /// `timeout`.
    pub(super) fn new(config: &Config, timeout: Duration, sessions: &Sessions) -> Self {
        Self {
            plan: Plan {
                config: config.clone(),
                timeout,
                sessions: sessions.clone(),
            },
            current: Arc::default(),
            keeper: OnceLock::new(),
        }
    }

    /// Connects from now on, in a task on the current runtime.
    pub(super) fn connect(&self) {
        self.keeper
            .get_or_init(|| tokio::spawn(keep(self.plan.clone(), Arc::clone(&self.current))));
    }

    /// The session's number, from 1, not used by any other link; 0 while there is no connection.
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

async fn keep(plan: Plan, current: Arc<Current>) {
    loop {
        let client = plan.client();
        let mut connection = Connection(client.connect());
        let connected = tokio::select! {
            connected = client.wait_for_connect() => connected,
            // An attempt that failed before it was waited for.
            ended = &mut connection.0 => ended.unwrap_or(Ok(())).and(Err(Error::new_canceled())),
        };
        match connected {
            Ok(()) => {
                warn_of_eviction(&client).await;
                // The session is counted before anybody can use the client.
                current
                    .session
                    .store(plan.sessions.next(), Ordering::Release);
                current.client.store(Some(Arc::new(client.clone())));
                tokio::select! {
                    ended = &mut connection.0 => tracing::debug!(?ended, "connection to the room store ended"),
                    () = silence(&client) => tracing::debug!("the room store is silent"),
                }
                current.client.store(None);
            }
            Err(error) => tracing::debug!(%error, "room store not reachable"),
        }
        drop(connection);
        sleep(RETRY).await;
    }
}

/// fred's task that has the socket. It would live on without anybody who holds its client.
struct Connection(ConnectHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Ends when the server has been silent for [`SILENT`].
async fn silence(client: &Client) {
    let answer = async || {
        loop {
            sleep(PULSE).await;
            let nothing = Vec::<Argument>::new();
            if client
                .custom::<Value, _>(command("PING"), nothing)
                .await
                .is_ok()
            {
                return;
            }
        }
    };
    while timeout(SILENT, answer()).await.is_ok() {}
}

impl Plan {
    fn client(&self) -> Client {
        let performance = PerformanceConfig {
            default_command_timeout: self.timeout,
            ..PerformanceConfig::default()
        };
        let connection = ConnectionConfig {
            connection_timeout: CONNECT_TIMEOUT,
            internal_command_timeout: CONNECT_TIMEOUT,
            max_command_attempts: 1,
            // A transaction would be sent after an ASK, without the WATCH that it depends on.
            max_redirections: 0,
            max_command_buffer_len: MOST_QUEUED,
            // Off by default, and then every pipeline waits for an acknowledgement.
            tcp: TcpConfig {
                nodelay: Some(true),
                ..TcpConfig::default()
            },
            ..ConnectionConfig::default()
        };
        Client::new(
            self.config.clone(),
            Some(performance),
            Some(connection),
            None,
        )
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
