//! Upstreams: groups of servers that answer alike.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use policies::diagnostic::{Complaint, Diagnostics};
use policies::document::{Entries, Said, Scalar};
use policies::name::Name;
use policies::unit::Period;
use serde::Deserialize;

/// Servers of one upstream at most: their state of health is handled as the bits of one word.
pub(crate) const SERVERS_MAX: usize = 64;

/// A group of servers and how to talk to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upstream {
    pub(crate) name: Name,
    pub(crate) servers: Vec<SocketAddr>,
    pub(crate) balance: Balance,
    pub(crate) settings: Settings,
}

/// How to talk to each server of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// To open one connection; then another server is tried, if there is one.
    pub(crate) connect_timeout: Duration,
    /// From the choice of a server to the end of its answer, all tries together. Streams (WebSocket,
    /// server-sent events) are exempt once they have begun.
    pub(crate) timeout: Duration,
    pub(crate) health: PassiveHealth,
}

/// When a server is taken for dead by what requests to it meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PassiveHealth {
    /// So many failures in a row eject a server.
    pub(crate) failures: NonZeroU32,
    /// For so long the first time, doubling up to 32 times as long while it does not recover.
    pub(crate) eject: Duration,
}

/// How a server is chosen among the healthy ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Balance {
    /// The less busy of two at random.
    P2c,
    /// One after the other.
    RoundRobin,
}

impl Scalar for Balance {
    fn read(text: &str) -> Result<Self, Complaint> {
        match text {
            "p2c" => Ok(Self::P2c),
            "round_robin" => Ok(Self::RoundRobin),
            _ => Err(Complaint::unknown("balance", text, ["p2c", "round_robin"])),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UpstreamDocument {
    servers: Vec<Said<SocketAddr>>,
    balance: Option<Said<Balance>>,
    connect_timeout: Option<Said<Period>>,
    timeout: Option<Said<Period>>,
    #[serde(default)]
    passive_health: HealthDocument,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct HealthDocument {
    failures: Option<Said<NonZeroU32>>,
    eject: Option<Said<Period>>,
}

pub(super) fn compile(
    said: Entries<Name, UpstreamDocument>,
    told: &mut Diagnostics,
) -> Vec<Upstream> {
    let mut upstreams = Vec::with_capacity(said.0.len());
    for (name, document) in said.0 {
        let place = name.place();
        let Some(name) = name.take(told) else {
            continue;
        };
        let count = document.servers.len();
        let servers: Vec<SocketAddr> = document
            .servers
            .into_iter()
            .filter_map(|server| server.take(told))
            .collect();
        if count == 0 || count > SERVERS_MAX {
            let odd = Complaint::new(format!("upstream `{name}` has {count} servers"));
            told.push(
                odd.hint(format!(
                    "1 to {SERVERS_MAX}, like servers: [127.0.0.1:8081]"
                ))
                .at(place),
            );
        }
        let mut period = |said: Option<Said<Period>>, default: u64| match said {
            None => Duration::from_secs(default),
            // After a complaint the value is not used.
            Some(said) => said.take(told).map_or(Duration::ZERO, Period::get),
        };
        let settings = Settings {
            connect_timeout: period(document.connect_timeout, 1),
            timeout: period(document.timeout, 30),
            health: PassiveHealth {
                eject: period(document.passive_health.eject, 5),
                failures: document
                    .passive_health
                    .failures
                    .and_then(|said| said.take(told))
                    .unwrap_or(FAILURES),
            },
        };
        let balance = document.balance.and_then(|said| said.take(told));
        upstreams.push(Upstream {
            name,
            servers,
            balance: balance.unwrap_or(Balance::P2c),
            settings,
        });
    }
    upstreams
}

/// Failures in a row before a server is ejected, when nothing is said.
const FAILURES: NonZeroU32 = NonZeroU32::new(3).expect("not zero");
