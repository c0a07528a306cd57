//! A child process whose life is tied to ours.
//!
//! However we end, the kernel sends the child its [`DeathSignal`]: `setpriv --pdeathsig` asks for
//! that between fork and exec, where safe Rust cannot. The signal fires when the *thread* that forked
//! ends, hence all forks happen on one thread that never does (`proc/spawner.rs`). A child gets a
//! process group of its own, so that a Ctrl-C in the terminal reaches us alone and we can stop our
//! children in order.

mod launch;
mod ready;
mod spawner;

pub(crate) use launch::installed;
pub use launch::{DeathSignal, Launch, clock_library, find_program, tied};
pub use ready::Ready;

use crate::error::{Doing, Error};
use crate::{Identity, wait};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many lines of a log an error shows.
const TAIL_LINES: usize = 15;
/// How long a child has, once told to die, before it is killed.
const LAST_GRACE: Duration = Duration::from_secs(5);

/// A running child. Dropping it ends it.
#[derive(Debug)]
pub struct Proc {
    name: String,
    log: PathBuf,
    death: DeathSignal,
    identity: Identity,
    child: Mutex<Child>,
}

impl Proc {
    /// Starts what `launch` describes; returns as soon as it runs, not when it is ready.
    pub fn spawn(launch: Launch) -> Result<Self, Error> {
        let Launch {
            name, log, death, ..
        } = &launch;
        let (name, log, death) = (name.clone(), log.clone(), *death);
        let child = spawner::spawn(launch.into_command()?).doing(|| format!("start {name}"))?;
        let pid = child.id();
        // A child that is dead already has no start time any more; its exit status tells the rest.
        let identity = Identity::of(pid).unwrap_or(Identity { pid, started: 0 });
        Ok(Self {
            name,
            log,
            death,
            identity,
            child: Mutex::new(child),
        })
    }

    /// What it was called at its launch.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.identity.pid
    }

    /// Its process id and start time, to be recognised by another process later.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// The file with everything it printed.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The last lines it printed, for a message to a person.
    pub fn log_tail(&self) -> String {
        log_tail(&self.log)
    }

    /// How it ended, or `None` while it runs.
    pub fn exited(&self) -> Option<ExitStatus> {
        self.child().try_wait().ok().flatten()
    }

    /// How it ended, with its last words, for a message to a person; empty while it runs.
    pub fn why_it_fell(&self) -> String {
        self.exited()
            .map(|status| self.exit_error(status).to_string())
            .unwrap_or_default()
    }

    /// Waits until it has ended, at most `within`.
    pub fn wait_exit(&self, within: Duration) -> Option<ExitStatus> {
        wait::until(within, || self.exited())
    }

    /// Waits until it is ready; an error at once if it ends instead.
    pub fn wait_ready(&self, ready: &Ready, within: Duration) -> Result<(), Error> {
        self.until(within, || ready.holds())
    }

    /// Waits until `condition` holds for it; an error at once if it ends instead.
    pub(crate) fn until(
        &self,
        within: Duration,
        condition: impl Fn() -> bool,
    ) -> Result<(), Error> {
        let outcome = wait::until(within, || match self.exited() {
            Some(status) => Some(Err(self.exit_error(status))),
            None => condition().then_some(Ok(())),
        });
        outcome.unwrap_or_else(|| Err(self.not_ready(within)))
    }

    /// SIGTERM: asks it to finish and end.
    pub fn term(&self) {
        self.signal(Signal::TERM);
    }

    /// SIGHUP: asks it to reload.
    pub fn hangup(&self) {
        self.signal(Signal::HUP);
    }

    /// SIGINT.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// SIGSTOP: freezes it; its sockets stay open and nobody answers.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// SIGCONT: thaws what [`Proc::pause`] froze.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// SIGKILL, and waits until it is gone: a crash.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
        let _ = self.child().wait();
    }

    /// Asks it to end, and kills it if it has not after `grace`.
    pub fn stop(&self, grace: Duration) -> ExitStatus {
        self.term();
        self.end_within(grace)
    }

    /// The error that says it ended.
    pub(crate) fn exit_error(&self, status: ExitStatus) -> Error {
        let log = self.log_tail();
        Error::Exited {
            name: self.name.clone(),
            status: status.to_string(),
            log,
        }
    }

    /// The error that says it takes too long.
    pub(crate) fn not_ready(&self, waited: Duration) -> Error {
        Error::NotReady {
            name: self.name.clone(),
            waited,
            log: self.log_tail(),
        }
    }

    pub(crate) fn end_within(&self, grace: Duration) -> ExitStatus {
        if let Some(status) = self.wait_exit(grace) {
            return status;
        }
        self.signal(Signal::KILL);
        self.child()
            .wait()
            .expect("a child of ours can be waited for")
    }

    fn signal(&self, signal: Signal) {
        let mut child = self.child();
        // Not reaped yet, so the pid is still this child's and no stranger is hit.
        if let Ok(None) = child.try_wait() {
            let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            let _ = kill_process(pid.expect("a pid is a positive number"), signal);
        }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Proc {
    fn drop(&mut self) {
        self.resume();
        self.signal(self.death.signal());
        self.end_within(LAST_GRACE);
    }
}

/// The last lines of a log file; empty if it cannot be read.
pub(crate) fn log_tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
