//! Opening connections within the machine's limits. A process may hold a bounded number of files, the
//! gateway at the other end too, and a SYN burst overflows the accept queue: so open connections and
//! connection attempts each have a ceiling, and who waits for one waits in the visitor's own latency.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::Fault;

/// A server: where it listens and what it is called in the `Host` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Host and port as they stand in a URL.
    pub authority: String,
    /// Where to connect.
    pub address: SocketAddr,
}

impl Site {
    /// Reads `http://host:port`, resolving the name once. Only plain HTTP is spoken.
    ///
    /// # Errors
    /// A sentence saying what is wrong with the address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = url::Url::parse(text).map_err(|error| format!("{text}: {error}"))?;
        if url.scheme() != "http" {
            return Err(format!("{text}: only http:// addresses can be drilled"));
        }
        let addresses = url
            .socket_addrs(|| None)
            .map_err(|error| format!("{text}: {error}"))?;
        let v4 = addresses.into_iter().find(SocketAddr::is_ipv4);
        let address = v4.ok_or_else(|| format!("{text}: has no IPv4 address"))?;
        Ok(Self {
            authority: url.authority().to_owned(),
            address,
        })
    }
}

/// Ceilings and patience of a [`Dialer`].
#[derive(Clone, Copy, Debug)]
pub struct DialerOptions {
    /// Connections open at once.
    pub max_open: usize,
    /// Connection attempts at once; half of the smallest usual accept queue (128).
    pub max_opening: usize,
    /// How long one request may take, connecting included.
    pub patience: Duration,
}

impl Default for DialerOptions {
    fn default() -> Self {
        Self {
            max_open: 8_000,
            max_opening: 64,
            patience: Duration::from_secs(30),
        }
    }
}

/// Opens connections for all visitors of a run.
#[derive(Clone, Debug)]
pub struct Dialer {
    open: Arc<Semaphore>,
    opening: Arc<Semaphore>,
    options: DialerOptions,
}

/// One keep-alive connection and the slot it occupies; dropping it closes the connection.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) sender: SendRequest<Full<Bytes>>,
    pub(super) used: bool,
    _slot: OwnedSemaphorePermit,
}

impl Dialer {
    /// A dialer that keeps to `options`.
    #[must_use]
    pub fn new(options: DialerOptions) -> Self {
        Self {
            open: Arc::new(Semaphore::new(options.max_open)),
            opening: Arc::new(Semaphore::new(options.max_opening)),
            options,
        }
    }

    /// How long one request may take.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.options.patience
    }

    /// True while over half of the connection slots are free: then idle connections may stay open.
    #[must_use]
    pub fn is_roomy(&self) -> bool {
        self.open.available_permits() * 2 > self.options.max_open
    }

    pub(super) async fn dial(&self, from: Ipv4Addr, to: SocketAddr) -> Result<Socket, Fault> {
        let slot = permit(&self.open).await;
        let opening = permit(&self.opening).await;
        let stream = connect(from, to)
            .await
            .map_err(|error| Fault::Connect(error.kind()))?;
        drop(opening);
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| Fault::Broken)?;
        tokio::spawn(async move {
            // The request in flight reports the failure; an idle connection may end as it likes.
            let _ended = connection.await;
        });
        Ok(Socket {
            sender,
            used: false,
            _slot: slot,
        })
    }
}

async fn permit(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    Arc::clone(semaphore)
        .acquire_owned()
        .await
        .expect("the dialer never closes its semaphores")
}

async fn connect(from: Ipv4Addr, to: SocketAddr) -> std::io::Result<tokio::net::TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if to.ip().is_loopback() {
        socket.bind(SocketAddr::new(IpAddr::V4(from), 0))?;
    }
    let stream = timeout(CONNECT_PATIENCE, socket.connect(to)).await??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Longer than two SYN retransmissions (1 s + 2 s), so that one full accept queue is not an error.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// Raises the soft limit on open files to the hard one and returns it.
#[must_use]
pub fn raise_open_file_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => limit.maximum.unwrap_or(u64::MAX),
        Err(_) => limit.current.unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_or_explained() {
        let site = Site::parse("http://127.0.0.1:8080/x").unwrap();
        assert_eq!(site.authority, "127.0.0.1:8080");
        assert_eq!(site.address.port(), 8080);
        assert!(
            Site::parse("https://127.0.0.1")
                .unwrap_err()
                .contains("only http://")
        );
        assert!(Site::parse("gateway").is_err());
    }
}
