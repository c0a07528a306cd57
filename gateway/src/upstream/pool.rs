//! A pool: the servers of one upstream, with their health, load and prepared peers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use pingora::upstreams::peer::{HttpPeer, Peer as _};
use policies::name::Name;

use super::balance::{self, Set};
use super::health::Health;
use crate::config::upstream::{Balance, Settings, Upstream};

/// An idle connection to a server is dropped after so long: well under the keep-alive of usual servers
/// (nginx 75 s, Node 5 s is the short exception), so that a request seldom meets a closing connection.
const IDLE: Duration = Duration::from_secs(4);

/// One server.
#[derive(Debug)]
pub(crate) struct Server {
    /// Address and options, made once and cloned for each request.
    peer: HttpPeer,
    health: Health,
    in_flight: AtomicUsize,
    settings: Settings,
}

impl Server {
    fn new(address: std::net::SocketAddr, settings: Settings, group: u64) -> Self {
        let mut peer = HttpPeer::new(address, false, String::new());
        // Upstreams do not share connections even when they share an address.
        peer.group_key = group;
        let options = peer
            .get_mut_peer_options()
            .expect("an HTTP peer has options");
        options.connection_timeout = Some(settings.connect_timeout);
        options.total_connection_timeout = Some(settings.connect_timeout);
        options.read_timeout = Some(settings.timeout);
        options.write_timeout = Some(settings.timeout);
        options.idle_timeout = Some(IDLE);
        Self {
            peer,
            health: Health::default(),
            in_flight: AtomicUsize::new(0),
            settings,
        }
    }

    /// A peer for one request, ready for Pingora.
    pub(crate) fn peer(&self) -> HttpPeer {
        self.peer.clone()
    }

    /// The address, as text.
    pub(crate) fn address(&self) -> &pingora::protocols::l4::socket::SocketAddr {
        &self.peer._address
    }

    /// A request got an answer.
    pub(crate) fn succeeded(&self) {
        self.health.succeeded();
    }

    /// A request failed; returns for how long the server is ejected, if it is now.
    pub(crate) fn failed(&self, now_ms: u64) -> Option<Duration> {
        self.health.failed(self.settings.health, now_ms)
    }

    pub(crate) fn is_out(&self, now_ms: u64) -> bool {
        self.health.is_out(now_ms)
    }
}

/// A request on its way to a server. Counts as its load until dropped, on whatever path that happens.
#[derive(Debug)]
pub(crate) struct Lease {
    server: Arc<Server>,
    index: usize,
}

impl Lease {
    fn new(server: Arc<Server>, index: usize) -> Self {
        server.in_flight.fetch_add(1, Relaxed);
        Self { server, index }
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Its place in the pool.
    pub(crate) fn index(&self) -> usize {
        self.index
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.server.in_flight.fetch_sub(1, Relaxed);
    }
}

/// The servers of one upstream.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) definition: Upstream,
    servers: Vec<Arc<Server>>,
    turn: AtomicU64,
}

impl Pool {
    /// Builds the pool. Servers of `previous` with the same address and settings keep their health,
    /// load and connections.
    pub(crate) fn build(definition: Upstream, previous: Option<&Self>) -> Self {
        let group = group_key(&definition.name);
        let kept = |address| {
            let servers = previous
                .map(|pool| pool.servers.as_slice())
                .unwrap_or_default();
            let same = |server: &&Arc<Server>| {
                server.settings == definition.settings
                    && server.address().as_inet() == Some(&address)
            };
            servers.iter().find(same).cloned()
        };
        let fresh = |address| Arc::new(Server::new(address, definition.settings, group));
        let addresses = definition.servers.iter().copied();
        let servers = addresses
            .map(|address| kept(address).unwrap_or_else(|| fresh(address)))
            .collect();
        Self {
            definition,
            servers,
            turn: AtomicU64::new(0),
        }
    }

    pub(crate) fn name(&self) -> &Name {
        &self.definition.name
    }

    pub(crate) fn servers(&self) -> &[Arc<Server>] {
        &self.servers
    }

    /// Whether a server is left that this request has not tried.
    pub(crate) fn has_untried(&self, tried: Set) -> bool {
        !Set::first(self.servers.len()).without(tried).is_empty()
    }

    /// Chooses a server for a request that has `tried` some already. Ejected servers are passed over,
    /// unless all are ejected: an upstream that is probably down is still a better bet than a refusal.
    pub(crate) fn choose(&self, tried: Set, random: u64, now_ms: u64) -> Option<Lease> {
        let untried = Set::first(self.servers.len()).without(tried);
        let mut out = Set::EMPTY;
        for (index, server) in self.servers.iter().enumerate() {
            if server.is_out(now_ms) {
                out.insert(index);
            }
        }
        let healthy = untried.without(out);
        let candidates = match healthy.is_empty() {
            true => untried,
            false => healthy,
        };
        let load = |index: usize| self.servers[index].in_flight.load(Relaxed);
        let index = match self.definition.balance {
            Balance::P2c => balance::p2c(candidates, random, load),
            Balance::RoundRobin => {
                balance::round_robin(candidates, self.turn.fetch_add(1, Relaxed))
            }
        }?;
        Some(Lease::new(Arc::clone(&self.servers[index]), index))
    }
}

/// FNV-1a of the name: any two upstreams of a file differ in it for certain enough, and a collision
/// only lets them share connections.
fn group_key(name: &Name) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325;
    name.as_str().bytes().fold(start, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use policies::document::Scalar;

    use super::*;
    use crate::config::upstream::PassiveHealth;

    fn upstream(servers: &[&str], balance: Balance) -> Upstream {
        Upstream {
            name: Name::read("shop").expect("valid"),
            servers: servers
                .iter()
                .map(|text| text.parse().expect("address"))
                .collect(),
            balance,
            settings: Settings {
                connect_timeout: Duration::from_secs(1),
                timeout: Duration::from_secs(1),
                health: PassiveHealth {
                    failures: 1.try_into().expect("not zero"),
                    eject: Duration::from_secs(5),
                },
            },
        }
    }

    #[test]
    fn an_ejected_server_is_passed_over_until_its_time_is_up() {
        let pool = Pool::build(
            upstream(&["127.0.0.1:1", "127.0.0.1:2"], Balance::RoundRobin),
            None,
        );
        let first = pool.choose(Set::EMPTY, 0, 0).expect("a server");
        assert_eq!(first.server().failed(0), Some(Duration::from_secs(5)));
        for _ in 0..4 {
            let other = pool.choose(Set::EMPTY, 0, 100).expect("a server");
            assert_ne!(other.index(), first.index());
        }
        let later: Vec<usize> = (0..2)
            .filter_map(|_| pool.choose(Set::EMPTY, 0, 5_000))
            .map(|lease| lease.index())
            .collect();
        assert!(later.contains(&first.index()));
    }

    #[test]
    fn when_all_are_ejected_all_are_tried() {
        let pool = Pool::build(upstream(&["127.0.0.1:1"], Balance::P2c), None);
        pool.servers()[0].failed(0);
        assert!(pool.choose(Set::EMPTY, 0, 1).is_some());
        let mut tried = Set::EMPTY;
        tried.insert(0);
        assert!(pool.choose(tried, 0, 1).is_none());
        assert!(!pool.has_untried(tried));
    }

    #[test]
    fn a_lease_is_load_until_dropped() {
        let pool = Pool::build(upstream(&["127.0.0.1:1"], Balance::P2c), None);
        let lease = pool.choose(Set::EMPTY, 0, 0).expect("a server");
        assert_eq!(pool.servers()[0].in_flight.load(Relaxed), 1);
        drop(lease);
        assert_eq!(pool.servers()[0].in_flight.load(Relaxed), 0);
    }

    #[test]
    fn a_rebuilt_pool_keeps_servers_that_did_not_change() {
        let old = Pool::build(
            upstream(&["127.0.0.1:1", "127.0.0.1:2"], Balance::P2c),
            None,
        );
        old.servers()[0].failed(0);
        let new = Pool::build(
            upstream(&["127.0.0.1:3", "127.0.0.1:1"], Balance::P2c),
            Some(&old),
        );
        assert!(new.servers()[1].is_out(1));
        assert!(!new.servers()[0].is_out(1));
    }
}
