//! The front alone: gateways, their Redis, one room, and an origin that somebody else serves. What the line and the
//! adaptive limit are drilled with, where a core, a shop and PostgreSQL would only take the machine's cores away.

use crate::error::{Doing, Error};
use crate::stack::RoomRules;
use crate::{Launch, Persistence, Proc, Ready, Redis, RedisOptions, Scratch, free_port, random};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// What to start.
#[derive(Debug, Clone)]
pub struct FrontOptions {
    /// The directory with our binaries.
    pub binaries: PathBuf,
    /// How many gateways.
    pub gateways: usize,
    /// The room `flash-sale` at `/sale/**`.
    pub room: RoomRules,
    /// What follows `adaptive:` in the room's configuration, if anything.
    pub adaptive: Option<String>,
}

/// The running front; dropping it stops everything.
#[derive(Debug)]
pub struct Front {
    gateways: Vec<Proc>,
    addresses: Vec<SocketAddr>,
    redis: Redis,
    origin: SocketAddr,
    /// Last, so that it goes after the processes.
    scratch: Scratch,
}

impl Front {
    /// Starts Redis and the gateways, and waits until they are ready.
    ///
    /// # Errors
    /// What could not be started, with its last words.
    pub fn start(options: &FrontOptions) -> Result<Self, Error> {
        let scratch = Scratch::new("front")?;
        let redis = Redis::start(RedisOptions {
            persistence: Persistence::EverySecond,
            ..RedisOptions::default()
        })?;
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let origin = local(free_port()?);
        let mut front = Self {
            gateways: Vec::new(),
            addresses: Vec::new(),
            redis,
            origin,
            scratch,
        };
        for name in ["token", "origin-secret"] {
            let secret: [u8; 32] = random::bytes()?;
            let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            let path = front.scratch.path().join(name);
            fs::write(&path, secret).doing(|| format!("write {}", path.display()))?;
        }
        for index in 0..options.gateways.max(1) {
            let (http, admin) = (local(free_port()?), local(free_port()?));
            front.start_gateway(options, index, (http, admin))?;
        }
        Ok(front)
    }

    /// Where visitors reach the gateways.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The gateways' processes.
    pub fn gateways(&self) -> &[Proc] {
        &self.gateways
    }

    /// The store.
    pub fn redis(&self) -> &Redis {
        &self.redis
    }

    /// Where the gateways look for the origin.
    pub fn origin(&self) -> SocketAddr {
        self.origin
    }

    /// The directory below which the gateways write their line logs.
    pub fn line_logs(&self) -> PathBuf {
        self.scratch.path().join("lines")
    }

    /// Stops everything in order.
    pub fn stop(self) {
        for gateway in &self.gateways {
            gateway.stop(STOP_WITHIN);
        }
        self.redis.stop();
    }

    fn start_gateway(
        &mut self,
        options: &FrontOptions,
        index: usize,
        (http, admin): (SocketAddr, SocketAddr),
    ) -> Result<(), Error> {
        let dir = self.scratch.path();
        let document = self.document(options, index, (http, admin));
        let config = dir.join(format!("gateway-{index}.yaml"));
        fs::write(&config, document).doing(|| format!("write {}", config.display()))?;
        let log = dir.join(format!("gateway-{index}.log"));
        let launch = Launch::new(
            format!("gateway-{index}"),
            options.binaries.join("fluxgate"),
            log,
        )
        .args(["run", "--config"])
        .arg(&config);
        let gateway = Proc::spawn(launch)?;
        gateway.wait_ready(&Ready::Http(admin, "/readyz".into()), READY_WITHIN)?;
        self.gateways.push(gateway);
        self.addresses.push(http);
        Ok(())
    }

    /// A gateway's file. Each has a directory of its own for its log of the line.
    fn document(
        &self,
        options: &FrontOptions,
        index: usize,
        (http, admin): (SocketAddr, SocketAddr),
    ) -> String {
        let room = &options.room;
        let file = |name: &str| -> PathBuf { self.scratch.path().join(name) };
        let logs = |logs: &Path| logs.join(index.to_string());
        let adaptive = options.adaptive.as_ref();
        format!(
            "listen: {{ http: {http}, admin: {admin} }}\n\
             trusted_proxies: [127.0.0.1/32]\n\
             keys: [{{ id: 1, secret: {{ file: {token:?} }} }}]\n\
             store: {{ kind: redis, url: \"{redis}\" }}\n\
             access_log: off\n\
             line_logs: {logs:?}\n\
             http: {{ keepalive: 600s }}\n\
             upstreams:\n\
             \x20 origin: {{ servers: [{origin}], timeout: 30s }}\n\
             tenants:\n\
             \x20 acme:\n\
             \x20   hosts: [127.0.0.1]\n\
             \x20   origin_secret: {{ file: {secret:?} }}\n\
             \x20   rooms:\n\
             \x20     flash-sale:\n\
             {rules}\
             {adaptive}\
             \x20   routes:\n\
             \x20     - {{ match: {{ path: /** }}, to: origin }}\n",
            token = file("token"),
            secret = file("origin-secret"),
            redis = self.redis.url(),
            logs = logs(&self.line_logs()),
            origin = self.origin,
            rules = room.lines(),
            adaptive = adaptive.map_or(String::new(), |rules| format!(
                "        adaptive: {rules}\n"
            )),
        )
    }
}
