//! Whether a process outlived the tests: one of our own programs, or a server that lives in the
//! scratch directory of a test process that is gone.

use crate::cargo;
use devkit::{Identity, Scratch, wait};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Children die by a signal that the kernel sends when their parent ends; so long may that take.
const GRACE: Duration = Duration::from_secs(5);

/// A process of this machine, as far as we may look at it.
#[derive(Debug)]
struct Process {
    identity: Identity,
    program: PathBuf,
    dir: PathBuf,
}

pub(super) fn check() -> Result<(), String> {
    let target = cargo::target()?;
    let scratch = Scratch::new("leftovers").map_err(|error| error.to_string())?;
    let home = scratch.path().parent().unwrap_or(scratch.path());
    let left = || -> Vec<Process> {
        let outlived = |process: &Process| is_left(process, Identity::own(), &target, home);
        processes().filter(outlived).collect()
    };
    if wait::until(GRACE, || left().is_empty().then_some(())).is_some() {
        return Ok(());
    }
    let names: Vec<_> = left()
        .iter()
        .map(|process| format!("{} ({})", process.program.display(), process.identity.pid))
        .collect();
    match names.as_slice() {
        [] => Ok(()),
        names => Err(format!(
            "outlived the tests: {}; a test must hold what it starts (devkit::Proc)",
            names.join(", ")
        )),
    }
}

/// Whatever ran before us is somebody's demo and none of the tests' business.
fn is_left(process: &Process, own: Identity, target: &Path, scratch: &Path) -> bool {
    let later = process.identity.started >= own.started && process.identity != own;
    later && (process.program.starts_with(target) || is_orphaned(&process.dir, scratch))
}

/// Whether a directory belongs to a process that is gone.
fn is_orphaned(dir: &Path, scratch: &Path) -> bool {
    let entry = dir
        .strip_prefix(scratch)
        .ok()
        .and_then(|below| below.iter().next());
    let owner = entry.and_then(|name| {
        let mut parts = name.to_str()?.splitn(3, '.');
        format!("{}.{}", parts.next()?, parts.next()?)
            .parse::<Identity>()
            .ok()
    });
    owner.is_some_and(|owner| !owner.is_alive())
}

/// All processes that this user may look at.
fn processes() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let identity = Identity::of(entry.file_name().to_str()?.parse().ok()?)?;
        Some(Process {
            identity,
            program: fs::read_link(entry.path().join("exe")).ok()?,
            dir: fs::read_link(entry.path().join("cwd")).ok()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use devkit::{DeathSignal, find_program, tied};

    #[test]
    fn a_program_of_ours_is_seen_while_it_runs_and_not_afterwards() {
        let target = Scratch::new("target").unwrap();
        let program = target.path().join("server");
        fs::copy(find_program("sleep").unwrap(), &program).unwrap();
        let mut child = tied(&program, DeathSignal::Kill)
            .arg("600")
            .spawn()
            .unwrap();
        let seen = || {
            let own = Identity::own();
            let left = |process: &Process| is_left(process, own, target.path(), Path::new("/none"));
            processes().find(left)
        };
        let found = wait::until(GRACE, seen);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found.expect("it runs").identity.pid, child.id());
        assert!(seen().is_none());
    }

    #[test]
    fn a_server_is_left_when_its_owner_is_gone() {
        let (own, home) = (Identity::own(), Path::new("/tmp/fluxgate-0"));
        let dead = Identity { started: 1, ..own };
        let in_dir_of = |owner: Identity| Process {
            identity: Identity {
                pid: 1,
                started: own.started + 1,
            },
            program: "/usr/bin/redis-server".into(),
            dir: home.join(format!("{owner}.0.redis/data")),
        };
        let target = Path::new("/none");
        assert!(is_left(&in_dir_of(dead), own, target, home));
        assert!(!is_left(&in_dir_of(own), own, target, home));
    }

    #[test]
    fn what_ran_before_us_is_none_of_our_business() {
        let own = Identity {
            pid: 2,
            started: 10,
        };
        let demo = |started| Process {
            identity: Identity { pid: 3, started },
            program: "/repo/target/debug/fluxgate".into(),
            dir: "/".into(),
        };
        let is_left = |process| {
            is_left(
                &process,
                own,
                Path::new("/repo/target"),
                Path::new("/tmp/x"),
            )
        };
        assert!(!is_left(demo(9)));
        assert!(is_left(demo(10)));
    }
}
