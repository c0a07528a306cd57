//! A private PostgreSQL, 15 or newer: a cluster of its own in a directory of its own.
//!
//! Local processes of its user (and root) reach it as superuser through the Unix socket, whose
//! directory nobody else may enter. Over TCP, on 127.0.0.1 only, everybody needs a password:
//! otherwise any user of the machine could become superuser of it, and with that run programs as us.

mod binaries;
mod cluster;
mod databases;

pub use databases::{Database, Roles};

use crate::error::Error;
use crate::{DeathSignal, Launch, Proc, Scratch, free_port, wait};
use cluster::Cluster;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

const READY_WITHIN: Duration = Duration::from_secs(60);
/// A fast shutdown has to write what is dirty; under load that takes a while.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// A port is ours by lock, but a stranger may still take it between the check and the bind.
const PORT_TRIES: usize = 5;

/// What a commit means to a [`Postgres`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Nothing is synced: several times faster, and a crash of the *machine* loses data. A crash of
    /// the server alone does not: what was written is with the kernel.
    #[default]
    Fast,
    /// As in production.
    Real,
}

/// How to start a [`Postgres`]. The default is a fast, throw-away one on a free port.
#[derive(Debug, Clone, Default)]
pub struct PostgresOptions {
    /// What a commit means.
    pub durability: Durability,
    /// The port on 127.0.0.1; a free one if `None`.
    pub port: Option<u16>,
    /// Where the cluster is, and stays; a scratch directory if `None`.
    pub dir: Option<PathBuf>,
    /// Settings by name and value, over the ones chosen here.
    pub settings: Vec<(String, String)>,
}

/// A running private PostgreSQL; dropping it ends it.
#[derive(Debug)]
pub struct Postgres {
    process: Proc,
    cluster: Cluster,
    options: PostgresOptions,
    port: u16,
    /// Last, so that it goes after the process.
    _scratch: Scratch,
}

impl Postgres {
    /// Makes the cluster if there is none yet, starts it and waits until it takes connections.
    pub fn start(options: PostgresOptions) -> Result<Self, Error> {
        let scratch = Scratch::new("pg")?;
        let home = options
            .dir
            .clone()
            .unwrap_or_else(|| scratch.path().to_owned());
        let cluster = Cluster::prepare(&home, scratch.path())?;
        let mut tries = if options.port.is_some() {
            1
        } else {
            PORT_TRIES
        };
        loop {
            tries -= 1;
            let port = options.port.map_or_else(free_port, Ok)?;
            match spawn(&cluster, &options, port) {
                Err(Error::PortTaken { .. }) if tries > 0 => {}
                process => {
                    return Ok(Self {
                        process: process?,
                        cluster,
                        options,
                        port,
                        _scratch: scratch,
                    });
                }
            }
        }
    }

    /// The one all tests of a process share, started at first use: a cluster takes two seconds, a
    /// database in it 50 ms, so tests should part by database.
    ///
    /// # Panics
    /// If it cannot be started, with the sentence that says why.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| match Self::start(PostgresOptions::default()) {
            Ok(postgres) => postgres,
            Err(error) => panic!("tests need a private PostgreSQL: {error}"),
        })
    }

    /// Whether this machine has a PostgreSQL that will do.
    pub fn is_installed() -> bool {
        binaries::find().is_ok()
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of its Unix socket.
    pub fn socket_dir(&self) -> &Path {
        &self.cluster.socket
    }

    /// Its process, for the log and the pid.
    pub fn process(&self) -> &Proc {
        &self.process
    }

    /// The path of one of PostgreSQL's own programs (`psql`, `pgbench`) of the same version.
    pub fn program(&self, name: &str) -> PathBuf {
        self.cluster.binaries.join(name)
    }

    /// Shuts it down in order; connections are cut, what is committed is on disk.
    pub fn stop(&self) {
        self.process.interrupt();
        self.process.end_within(STOP_WITHIN);
    }

    /// Crashes it: the postmaster is killed, its children follow.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Starts it again on the same port, after a [`Postgres::stop`] or [`Postgres::kill`] (a
    /// running one is stopped first), with recovery where that is needed.
    pub fn start_again(&mut self) -> Result<(), Error> {
        self.stop();
        self.process = spawn(&self.cluster, &self.options, self.port)?;
        Ok(())
    }
}

fn spawn(cluster: &Cluster, options: &PostgresOptions, port: u16) -> Result<Proc, Error> {
    cluster.forget_dead_postmaster();
    // Orphans of a killed postmaster need a moment to notice; until then the cluster is refused.
    let started = wait::until(READY_WITHIN, || match try_spawn(cluster, options, port) {
        Err(Error::Exited { log, .. }) if log.contains("pre-existing shared memory block") => None,
        outcome => Some(outcome),
    });
    started.unwrap_or_else(|| {
        Err(Error::Command {
            what: "start PostgreSQL: processes of its last run are still there".into(),
            output: String::new(),
        })
    })
}

fn try_spawn(cluster: &Cluster, options: &PostgresOptions, port: u16) -> Result<Proc, Error> {
    let log = cluster.home.join("postgres.log");
    cluster.keep_old_log(&log);
    let launch = Launch::new("postgres", cluster.binaries.join("postgres"), &log)
        .arg("-D")
        .arg(&cluster.data)
        .args(settings(cluster, options, port))
        .dir(&cluster.data)
        .account(cluster.account)
        .death_signal(DeathSignal::Quit);
    let process = Proc::spawn(launch)?;
    let pid_file = cluster.data.join("postmaster.pid");
    let outcome = wait::until(READY_WITHIN, || match process.exited() {
        Some(status) => Some(Err(process.exit_error(status))),
        None => is_ready(&pid_file, process.pid()).then_some(Ok(())),
    });
    match outcome.unwrap_or_else(|| Err(process.not_ready(READY_WITHIN))) {
        Ok(()) => Ok(process),
        Err(Error::Exited { name, log, .. }) if log.contains("Address already in use") => {
            Err(Error::PortTaken { name, port })
        }
        Err(error) => Err(error),
    }
}

/// Whether the postmaster has written that it takes connections: its pid is the first line of the
/// file and its state the eighth. This is what `pg_ctl --wait` looks at.
fn is_ready(pid_file: &Path, pid: u32) -> bool {
    let text = fs::read_to_string(pid_file).unwrap_or_default();
    let mut lines = text.lines();
    let ours = lines.next().and_then(|line| line.trim().parse().ok()) == Some(pid);
    ours && lines.nth(6).is_some_and(|state| state.trim() == "ready")
}

fn settings(cluster: &Cluster, options: &PostgresOptions, port: u16) -> Vec<String> {
    let common = [
        ("listen_addresses", "127.0.0.1".to_owned()),
        ("port", port.to_string()),
        (
            "unix_socket_directories",
            cluster.socket.display().to_string(),
        ),
        ("max_connections", "300".into()),
        ("shared_buffers", "128MB".into()),
        ("timezone", "UTC".into()),
        ("log_timezone", "UTC".into()),
        ("log_line_prefix", "%m [%p] %u@%d ".into()),
    ];
    let fast = [
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
    ];
    let fast = match options.durability {
        Durability::Fast => &fast[..],
        Durability::Real => &[],
    };
    let set = |(name, value): (&str, &str)| ["-c".to_owned(), format!("{name}={value}")];
    let common = common.iter().map(|(name, value)| (*name, value.as_str()));
    let own = options
        .settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    common
        .chain(fast.iter().copied())
        .chain(own)
        .flat_map(set)
        .collect()
}
