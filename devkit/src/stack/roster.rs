//! Who belongs to a kept demo, written down, so that a start after a `kill -9` can end what the kernel
//! did not. (It nearly always does: see `proc.rs`.)

use super::Home;
use crate::error::{Doing, Error};
use crate::{Identity, Proc, wait};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// PostgreSQL's own last shutdown may have much to write.
const LEFTOVERS_END_WITHIN: Duration = Duration::from_secs(20);

/// The list of one demo's processes.
#[derive(Debug)]
pub(super) struct Roster {
    list: PathBuf,
}

impl Roster {
    /// The list in this home, whose lock keeps it to one owner.
    pub(super) fn of(home: &Home) -> Self {
        Self {
            list: home.path().join("processes"),
        }
    }

    /// Writes down who runs now.
    pub(super) fn write<'a>(&self, processes: impl Iterator<Item = &'a Proc>) -> Result<(), Error> {
        let text: String = processes
            .map(|process| format!("{} {}\n", process.identity(), process.name()))
            .collect();
        fs::write(&self.list, text).doing(|| format!("write {}", self.list.display()))
    }

    /// Ends what is left of a stack whose owner was killed, last started first.
    pub(super) fn end_leftovers(&self) {
        let text = fs::read_to_string(&self.list).unwrap_or_default();
        let leftovers: Vec<Identity> = text
            .lines()
            .filter_map(|line| line.split(' ').next()?.parse().ok())
            .filter(|process: &Identity| process.is_alive())
            .collect();
        // SIGQUIT is PostgreSQL's immediate shutdown, which takes its children along.
        leftovers
            .iter()
            .for_each(|process| signal(*process, Signal::QUIT));
        let gone = || {
            leftovers
                .iter()
                .all(|process| !process.is_alive())
                .then_some(())
        };
        if wait::until(LEFTOVERS_END_WITHIN, gone).is_none() {
            leftovers
                .iter()
                .for_each(|process| signal(*process, Signal::KILL));
        }
        self.clear();
    }

    /// Nobody runs any more.
    pub(super) fn clear(&self) {
        let _ = fs::remove_file(&self.list);
    }
}

fn signal(process: Identity, signal: Signal) {
    let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid.filter(|_| process.is_alive()) {
        // It may end by itself just now, which is all we want.
        let _ = kill_process(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Launch;
    use std::io::Write;

    #[test]
    fn leftovers_are_ended_and_strangers_with_an_old_pid_are_not() {
        let home = Home::scratch().unwrap();
        let roster = Roster::of(&home);
        let sleeper = |name| Proc::spawn(Launch::new(name, "sleep", home.log(name)).arg("600"));
        let (left, stranger) = (sleeper("left").unwrap(), sleeper("stranger").unwrap());
        roster.write([&left].into_iter()).unwrap();
        let old = Identity {
            started: 1,
            ..stranger.identity()
        };
        let mut list = fs::OpenOptions::new()
            .append(true)
            .open(&roster.list)
            .unwrap();
        writeln!(list, "{old} stranger").unwrap();
        roster.end_leftovers();
        assert!(left.wait_exit(Duration::from_secs(5)).is_some());
        assert!(stranger.exited().is_none());
        assert!(!roster.list.exists());
    }
}
