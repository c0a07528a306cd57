//! A private Redis that fails over: one primary, one replica, three Sentinels.

use super::talk::Reply;
use super::{READY_WITHIN, Redis, RedisOptions, address, talk};
use crate::error::{Doing, Error};
use crate::{Launch, Proc, Ready, Scratch, free_port};
use std::fs;
use std::time::Duration;

/// What the Sentinels call the primary.
const SERVICE: &str = "main";
const SENTINELS: usize = 3;
/// How many Sentinels must miss the primary before it counts as down; a majority then elects who fails over.
const QUORUM: usize = 2;
/// How long a Sentinel misses an answer before it believes in a failure. Real ones wait for 5 to 30 s; a
/// test does not, and a second is still more than a busy machine's hiccup.
const DOWN_AFTER: Duration = Duration::from_secs(1);
/// A failed election is tried again after twice this.
const FAILOVER_TIMEOUT: Duration = Duration::from_secs(2);

/// A running primary with a replica and Sentinels that watch them; dropping it ends all five.
///
/// A primary answers before its replica has the write, so a fail-over may lose the last ones, and
/// nothing here prevents it: with `min-replicas-to-write` 0 a primary goes on writing alone. (With 1
/// it stops when the replica has been silent for `min-replicas-max-lag`: less is lost, never
/// nothing.) [`RedisSentinel::cut_replica`] makes sure that writes are lost.
#[derive(Debug)]
pub struct RedisSentinel {
    // Before the servers, so that they do not see them die.
    sentinels: Vec<Sentinel>,
    first: Redis,
    second: Redis,
}

impl RedisSentinel {
    /// Starts all five and waits until clients can come; they have time until [`RedisSentinel::ready`].
    pub fn start() -> Result<Self, Error> {
        let first = Redis::start(lossy())?;
        let second = Redis::start(lossy())?;
        let source = first.port().to_string();
        second.ask(&["REPLICAOF", "127.0.0.1", &source])?;
        // Sentinels look for replicas when they start and then every ten seconds: it is there before.
        let is_copy = || second.role_item(3) == "connected";
        second.process.until(READY_WITHIN, is_copy)?;
        let sentinels = (0..SENTINELS).map(|_| Sentinel::start(first.port()));
        Ok(Self {
            sentinels: sentinels.collect::<Result<_, _>>()?,
            first,
            second,
        })
    }

    /// Waits until the Sentinels know each other and the replica, and could fail over: some 2 s, for as often
    /// they say hello.
    pub fn ready(&self) -> Result<(), Error> {
        self.sentinels.iter().try_for_each(|sentinel| {
            let process = &sentinel.process;
            process.until(READY_WITHIN, || sentinel.could_fail_over())
        })
    }

    /// The URL for clients: it names the Sentinels, who know the primary.
    pub fn url(&self) -> String {
        let nodes = self.sentinels.iter();
        let nodes: Vec<_> = nodes.map(|one| format!("127.0.0.1:{}", one.port)).collect();
        format!(
            "redis-sentinel://{}/?sentinelServiceName={SERVICE}&node={}",
            nodes[0],
            nodes[1..].join("&node=")
        )
    }

    /// The server that is the primary until the first fail-over.
    pub fn first(&self) -> &Redis {
        &self.first
    }

    /// The server that is the replica until then.
    pub fn second(&self) -> &Redis {
        &self.second
    }

    /// The Sentinels' processes.
    pub fn sentinels(&self) -> impl Iterator<Item = &Proc> {
        self.sentinels.iter().map(|sentinel| &sentinel.process)
    }

    /// From now on nothing that the primary writes reaches the replica, for good: the replica is frozen, so
    /// that it cannot connect again, and its connection closed, so that no buffer holds anything for it.
    pub fn cut_replica(&self) -> Result<(), Error> {
        self.second.pause();
        self.first.ask(&["CLIENT", "KILL", "TYPE", "replica"])?;
        Ok(())
    }

    /// Crashes the primary and thaws a replica that was cut from it, with what it has.
    pub fn lose_first(&self) {
        self.first.kill();
        self.second.resume();
    }

    /// Whether the replica has become the primary and every Sentinel says so.
    pub fn has_failed_over(&self) -> bool {
        let port = self.second.port().to_string();
        self.second.role_item(0) == "master" && self.sentinels.iter().all(|one| one.names(&port))
    }
}

/// Forgets everything when it ends, writes without a replica, and copies itself to one at once.
fn lossy() -> RedisOptions {
    let settings = [
        ("min-replicas-to-write", "0"),
        ("repl-diskless-sync-delay", "0"),
    ];
    RedisOptions {
        settings: settings
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
        ..RedisOptions::default()
    }
}

#[derive(Debug)]
struct Sentinel {
    process: Proc,
    port: u16,
    /// Last, so that it goes after the process.
    _scratch: Scratch,
}

impl Sentinel {
    fn start(primary: u16) -> Result<Self, Error> {
        let scratch = Scratch::new("sentinel")?;
        let port = free_port()?;
        // Sentinel keeps what it learns in its configuration file.
        let file = scratch.path().join("sentinel.conf");
        let text = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\n\
             sentinel monitor {SERVICE} 127.0.0.1 {primary} {QUORUM}\n\
             sentinel down-after-milliseconds {SERVICE} {}\n\
             sentinel failover-timeout {SERVICE} {}\n",
            scratch.path().display(),
            DOWN_AFTER.as_millis(),
            FAILOVER_TIMEOUT.as_millis(),
        );
        fs::write(&file, text).doing(|| format!("write {}", file.display()))?;
        let log = scratch.path().join("sentinel.log");
        let launch = Launch::new("sentinel", "redis-server", log)
            .arg(file)
            .arg("--sentinel");
        let process = Proc::spawn(launch)?;
        let ready = Ready::Line(address(port), "PING\r\n", "+PONG");
        process.wait_ready(&ready, READY_WITHIN)?;
        Ok(Self {
            process,
            port,
            _scratch: scratch,
        })
    }

    /// Whether it knows the others and the replica.
    fn could_fail_over(&self) -> bool {
        let known = |of: &str| match talk::ask(address(self.port), &["SENTINEL", of, SERVICE]) {
            Ok(Reply::List(items)) => items.len(),
            _ => 0,
        };
        known("SENTINELS") == SENTINELS - 1 && known("REPLICAS") == 1
    }

    /// Whether it says that the primary is at `port`.
    fn names(&self, port: &str) -> bool {
        let question = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE];
        let answer = talk::ask(address(self.port), &question);
        answer.is_ok_and(|answer| answer.items().get(1).map(Reply::text) == Some(port))
    }
}
