//! Who a process is. A pid alone is not an answer, since the kernel hands it out again; pid and
//! start time together are unique until the next boot.

use std::fmt;
use std::fs;
use std::str::FromStr;

/// A process that can be told from a later one with the same pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The process id.
    pub pid: u32,
    /// Kernel clock ticks between boot and the start of the process.
    pub started: u64,
}

impl Identity {
    /// The calling process.
    pub fn own() -> Self {
        Self::of(std::process::id()).expect("a running process is listed in /proc")
    }

    /// The process with this pid, or `None` where there is none, or only its zombie.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the command in brackets and may itself hold blanks and brackets.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?;
        let started = fields.nth(18)?.parse().ok()?;
        (state != "Z" && state != "X").then_some(Self { pid, started })
    }

    /// Whether this very process still runs.
    pub fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.pid, self.started)
    }
}

impl FromStr for Identity {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (pid, started) = text.split_once('.').ok_or(())?;
        let pid = pid.parse().map_err(|_| ())?;
        let started = started.parse().map_err(|_| ())?;
        Ok(Self { pid, started })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_being_written_down() {
        let own = Identity::own();
        assert_eq!(own.to_string().parse(), Ok(own));
        assert!(own.is_alive());
    }

    #[test]
    fn a_later_process_with_the_same_pid_is_somebody_else() {
        let own = Identity::own();
        assert!(
            !Identity {
                started: own.started + 1,
                ..own
            }
            .is_alive()
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "1", "1.", ".1", "a.b", "1.2.3"] {
            assert!(text.parse::<Identity>().is_err(), "{text}");
        }
    }
}
