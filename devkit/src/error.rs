//! One error type, written for a person: each message is a sentence that names what failed and,
//! where there is one, the remedy. Nothing here is retried by callers except [`Error::PortTaken`].

use std::fmt;
use std::io;
use std::time::Duration;

/// Why a private server or a child process could not be had.
#[derive(Debug)]
pub enum Error {
    /// A program is not installed on this machine.
    NotInstalled {
        /// What was looked for.
        program: String,
        /// What to type to get it.
        remedy: String,
    },
    /// Somebody else listens where a server of ours has to.
    PortTaken {
        /// Which server wanted the port.
        name: String,
        /// The TCP port on 127.0.0.1.
        port: u16,
    },
    /// A child ended before it was ready, or while it was needed.
    Exited {
        /// The child.
        name: String,
        /// Its exit status, as the system words it.
        status: String,
        /// The last lines of its log.
        log: String,
    },
    /// A child lives but did not become ready in time.
    NotReady {
        /// The child.
        name: String,
        /// How long we waited.
        waited: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// A short-lived command (`initdb`, `psql`, a migration) failed.
    Command {
        /// What it was to do.
        what: String,
        /// What it said.
        output: String,
    },
    /// The operating system refused something.
    Io {
        /// What we were doing, as "create /some/path".
        doing: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInstalled { program, remedy } => {
                write!(f, "{program} is not installed; {remedy}")
            }
            Self::PortTaken { name, port } => {
                write!(f, "port {port} ({name}) is in use by another program")
            }
            Self::Exited { name, status, log } => {
                write!(f, "{name} ended unexpectedly ({status}){}", Tail(log))
            }
            Self::NotReady { name, waited, log } => {
                let seconds = waited.as_secs_f32();
                write!(f, "{name} was not ready after {seconds:.0} s{}", Tail(log))
            }
            Self::Command { what, output } => write!(f, "could not {what}{}", Tail(output)),
            Self::Io { doing, source } if source.kind() == io::ErrorKind::StorageFull => write!(
                f,
                "could not {doing}: the disk is full; free some space and start again"
            ),
            Self::Io { doing, source } => write!(f, "could not {doing}: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Log lines, indented under the sentence they explain.
struct Tail<'a>(&'a str);

impl fmt::Display for Tail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.trim().is_empty() {
            return Ok(());
        }
        f.write_str("; its last words:")?;
        self.0
            .lines()
            .try_for_each(|line| write!(f, "\n    {line}"))
    }
}

/// Says what an I/O call was for, at the call.
pub(crate) trait Doing<T> {
    /// Turns the bare system error into [`Error::Io`].
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io {
            doing: what(),
            source,
        })
    }
}
