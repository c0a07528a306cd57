//! A private Redis that can be frozen, stopped, crashed and started again on its port; alone, failing over
//! under Sentinels, or as a Cluster.

mod cluster;
mod sentinel;
mod talk;

pub use cluster::{RedisCluster, SlotMove};
pub use sentinel::RedisSentinel;
pub use talk::Reply;

use crate::error::{Doing, Error};
use crate::{Launch, Proc, Ready, Scratch, free_port};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

const READY_WITHIN: Duration = Duration::from_secs(15);
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// A port is ours by lock, but a stranger may still take it between the check and the bind.
const PORT_TRIES: usize = 5;

/// What a Redis remembers across a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Persistence {
    /// Nothing: it comes back empty.
    #[default]
    None,
    /// Every write, synced before it is answered: a crash loses nothing.
    EveryWrite,
    /// Every write, synced once a second: a crash loses the last second.
    EverySecond,
}

/// How to start a [`Redis`]. The default is an empty one on a free port that forgets everything.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// What survives a restart.
    pub persistence: Persistence,
    /// The port on 127.0.0.1; a free one if `None`.
    pub port: Option<u16>,
    /// Where data and log go, and stay; a scratch directory if `None`.
    pub dir: Option<PathBuf>,
    /// More settings, by name and value.
    pub settings: Vec<(String, String)>,
}

/// A running private Redis; dropping it ends it.
#[derive(Debug)]
pub struct Redis {
    process: Proc,
    options: RedisOptions,
    port: u16,
    dir: PathBuf,
    /// Last, so that it goes after the process.
    _scratch: Option<Scratch>,
}

impl Redis {
    /// Starts one and waits until it answers.
    pub fn start(options: RedisOptions) -> Result<Self, Error> {
        let scratch = match options.dir {
            Some(_) => None,
            None => Some(Scratch::new("redis")?),
        };
        let dir = options
            .dir
            .as_deref()
            .or(scratch.as_ref().map(Scratch::path));
        let dir = dir.expect("one of the two is there").to_owned();
        fs::create_dir_all(&dir).doing(|| format!("make the directory {}", dir.display()))?;
        let mut tries = if options.port.is_some() {
            1
        } else {
            PORT_TRIES
        };
        loop {
            tries -= 1;
            let port = options.port.map_or_else(free_port, Ok)?;
            match spawn(&options, port, &dir) {
                Err(Error::PortTaken { .. }) if tries > 0 => {}
                process => {
                    return Ok(Self {
                        process: process?,
                        options,
                        port,
                        dir,
                        _scratch: scratch,
                    });
                }
            }
        }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        address(self.port)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its process, for signals and the log: [`Proc::pause`] freezes it, [`Proc::resume`] thaws it.
    pub fn process(&self) -> &Proc {
        &self.process
    }

    /// Asks it one command, word by word.
    pub fn ask(&self, words: &[&str]) -> Result<Reply, Error> {
        talk::ask(self.address(), words)
    }

    /// Freezes it: connections stay, nothing is answered.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Thaws it.
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Shuts it down in order; what it persists is on disk afterwards.
    pub fn stop(&self) {
        self.process.stop(STOP_WITHIN);
    }

    /// Crashes it.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Starts it again on the same port, after a [`Redis::stop`] or [`Redis::kill`] (a running one
    /// is stopped first), with what its persistence kept.
    pub fn start_again(&mut self) -> Result<(), Error> {
        self.stop();
        self.process = spawn(&self.options, self.port, &self.dir)?;
        Ok(())
    }
}

impl Redis {
    /// An item of what it says about its part in replication; empty if there is none, or no answer.
    fn role_item(&self, index: usize) -> String {
        let role = self.ask(&["ROLE"]);
        let item = role.as_ref().map(|role| role.items().get(index));
        item.ok().flatten().map_or("", Reply::text).to_owned()
    }
}

fn address(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn spawn(options: &RedisOptions, port: u16, dir: &Path) -> Result<Proc, Error> {
    let log = dir.join("redis.log");
    let (append, sync) = match options.persistence {
        Persistence::None => ("no", "everysec"),
        Persistence::EveryWrite => ("yes", "always"),
        Persistence::EverySecond => ("yes", "everysec"),
    };
    let launch = Launch::new("redis", "redis-server", &log)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .arg("--dir")
        .arg(dir)
        .args(["--save", "", "--appendonly", append, "--appendfsync", sync])
        .args(["--maxmemory-policy", "noeviction", "--daemonize", "no"])
        .args(
            options
                .settings
                .iter()
                .flat_map(|(name, value)| [format!("--{name}"), value.clone()]),
        );
    let process = Proc::spawn(launch)?;
    let ready = Ready::Line(address(port), "PING\r\n", "+PONG");
    process
        .wait_ready(&ready, READY_WITHIN)
        .map_err(|error| match error {
            Error::Exited { name, log, .. } if log.contains("Address already in use") => {
                Error::PortTaken { name, port }
            }
            other => other,
        })?;
    Ok(process)
}
