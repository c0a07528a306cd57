//! Where the process listens, with how many threads, how it stops and where it logs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use policies::diagnostic::{Complaint, Diagnostics};
use policies::document::{Said, Scalar};
use policies::unit::Pause;
use serde::Deserialize;

/// Most threads one can ask for; more than any machine gains from.
const THREADS_MAX: u16 = 512;

/// Listeners and threads. A change needs a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listen {
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// Threads that serve requests.
    pub(crate) threads: usize,
    /// One runtime whose threads share work, or one runtime a thread with connections pinned to it.
    pub(crate) work_stealing: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListenDocument {
    http: Said<SocketAddr>,
    admin: Said<SocketAddr>,
}

impl ListenDocument {
    pub(super) fn compile(
        self,
        threads: Option<Said<u16>>,
        work_stealing: Option<Said<bool>>,
        told: &mut Diagnostics,
    ) -> Option<Listen> {
        let place = self.admin.place();
        let (http, admin) = (self.http.take(told), self.admin.take(told));
        if http.is_some() && http == admin {
            let both = Complaint::new("`http` and `admin` are the same address");
            told.push(
                both.hint("the admin listener is never open to visitors")
                    .at(place),
            );
        }
        let threads = match threads {
            None => Some(available()),
            Some(said) => {
                let place = said.place();
                said.take(told).filter(|threads| {
                    let fits = (1..=THREADS_MAX).contains(threads);
                    if !fits {
                        let odd = Complaint::new(format!("{threads} threads cannot be"));
                        told.push(odd.hint(format!("1 to {THREADS_MAX}")).at(place));
                    }
                    fits
                })
            }
        };
        let work_stealing = match work_stealing {
            None => Some(true),
            Some(said) => said.take(told),
        };
        Some(Listen {
            http: http?,
            admin: admin?,
            threads: usize::from(threads?),
            work_stealing: work_stealing?,
        })
    }
}

fn available() -> u16 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u16::try_from(cores).unwrap_or(THREADS_MAX).min(THREADS_MAX)
}

/// How SIGTERM is obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shutdown {
    /// For so long `/readyz` says no while everything is still served, so that a balancer can look away.
    pub(crate) linger: Duration,
    /// For at most so long after that requests in flight may finish.
    pub(crate) drain: Duration,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShutdownDocument {
    linger: Option<Said<Pause>>,
    drain: Option<Said<Pause>>,
}

impl ShutdownDocument {
    pub(super) fn compile(self, told: &mut Diagnostics) -> Option<Shutdown> {
        let mut take = |said: Option<Said<Pause>>, default| match said {
            None => Some(default),
            Some(said) => said.take(told).map(Pause::get),
        };
        let linger = take(self.linger, Duration::ZERO);
        let drain = take(self.drain, Duration::from_secs(10));
        Some(Shutdown {
            linger: linger?,
            drain: drain?,
        })
    }
}

/// Where the access log goes: one JSON object a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AccessLog {
    Off,
    Stdout,
    File(PathBuf),
}

impl Scalar for AccessLog {
    fn read(text: &str) -> Result<Self, Complaint> {
        match text {
            "off" | "false" => Ok(Self::Off),
            "stdout" => Ok(Self::Stdout),
            path if path.contains('/') => Ok(Self::File(path.into())),
            _ => Err(
                Complaint::new(format!("`{text}` is no place for the access log"))
                    .hint("write stdout, off, or a path with a slash in it"),
            ),
        }
    }
}
