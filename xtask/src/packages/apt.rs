//! Driving `apt-get`, and putting its failures into one sentence.

use crate::cargo;
use devkit::find_program;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A package that starts a server when it is installed.
struct Server {
    package: &'static str,
    /// Installed with it, and with every other version of it.
    witness: &'static str,
    service: &'static str,
}

const SERVERS: [Server; 3] = [
    Server {
        package: "postgresql",
        witness: "postgresql-common",
        service: "postgresql",
    },
    Server {
        package: "redis-server",
        witness: "redis-server",
        service: "redis-server",
    },
    Server {
        package: "nginx-light",
        witness: "nginx-common",
        service: "nginx",
    },
];

/// How we may install: as root, or through `sudo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Root,
    Sudo,
}

pub(super) fn install(packages: &[&str]) -> Result<(), String> {
    let list = packages.join(" ");
    if find_program("apt-get").is_none() {
        return Err(format!(
            "this machine lacks {list} and has no apt-get: install them with its own package manager \
             and start again"
        ));
    }
    let right = right().ok_or_else(|| {
        format!(
            "this machine lacks {list}, and you may not install packages here; ask its administrator \
             for: apt-get install {list}"
        )
    })?;
    println!("installing {list} …");
    let brought = servers_to_come(packages, is_installed);
    let mut tried = if lists_are_empty() {
        Err(String::new())
    } else {
        apt(right, &install_args(packages))
    };
    if tried.is_err() {
        // The lists of packages may be missing or too old to fetch anything by.
        tried = apt(right, &["update"]).and_then(|()| apt(right, &install_args(packages)));
    }
    tried.map_err(|output| format!("could not install {list}: {}", explain(&output)))?;
    brought
        .iter()
        .for_each(|service| keep_quiet(right, service));
    Ok(())
}

/// The services that these packages will bring and that are not there yet. One that is there is
/// somebody's, and stays as it is.
fn servers_to_come(packages: &[&str], is_installed: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let coming = SERVERS
        .iter()
        .filter(|server| packages.contains(&server.package));
    coming
        .filter(|server| !is_installed(server.witness))
        .map(|server| server.service)
        .collect()
}

fn is_installed(package: &str) -> bool {
    let query = Command::new("dpkg-query")
        .args(["-W", "-f=${db:Status-Status}", package])
        .output();
    query.is_ok_and(|output| output.stdout == b"installed")
}

fn install_args<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["install", "--yes", "--no-install-recommends"];
    fixed.into_iter().chain(packages.iter().copied()).collect()
}

/// Runs `apt-get`; its output if it fails.
fn apt(right: Right, args: &[&str]) -> Result<(), String> {
    let mut command = privileged(right, "apt-get");
    command
        .args(["-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=2"])
        .args(args);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    keep_log(&output.stdout);
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A command with the right to change the system, which asks no questions and answers in the language
/// that [`explain`] reads. Sudo may ask for a password on the terminal.
fn privileged(right: Right, program: &str) -> Command {
    let settings = ["LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"];
    let mut command = match right {
        Right::Root => Command::new("env"),
        Right::Sudo => {
            let mut sudo = Command::new("sudo");
            sudo.arg("env").env("LC_ALL", "C");
            sudo
        }
    };
    command.args(settings).arg(program);
    command
}

fn right() -> Option<Right> {
    let uid = Command::new("id").arg("-u").output().ok()?;
    if uid.stdout.trim_ascii() == b"0" {
        return Some(Right::Root);
    }
    find_program("sudo")?;
    let asks_nothing = Command::new("sudo")
        .args(["-n", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    // Without a terminal nobody could answer the question for a password.
    let terminal = fs::File::open("/dev/tty").is_ok();
    (asks_nothing || terminal).then_some(Right::Sudo)
}

fn lists_are_empty() -> bool {
    let lists = fs::read_dir("/var/lib/apt/lists")
        .into_iter()
        .flatten()
        .flatten();
    !lists
        .map(|entry| entry.path())
        .any(|path| path.to_string_lossy().contains("_Packages"))
}

/// Stops a server that came with a package, now and at the next boot. Where it never started (in a
/// container) there is nothing to stop, so failing is fine.
fn keep_quiet(right: Right, server: &str) {
    let mut command = if Path::new("/run/systemd/system").is_dir() {
        let mut command = privileged(right, "systemctl");
        command.args(["disable", "--now", server]);
        command
    } else {
        let mut command = privileged(right, "service");
        command.args([server, "stop"]);
        command
    };
    let _ = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

fn keep_log(output: &[u8]) {
    let logs = cargo::root().join(".data/logs");
    // Only for the curious; an install that worked is not spoilt by a log that did not.
    let _ = fs::create_dir_all(&logs).and_then(|()| fs::write(logs.join("apt.log"), output));
}

/// What `apt-get` meant, with the remedy.
fn explain(output: &str) -> String {
    let known = [
        (
            "No space left",
            "the disk is full; free some space and start again",
        ),
        (
            "not enough free space",
            "the disk is full; free some space and start again",
        ),
        (
            "Could not get lock",
            "another package manager is running; let it finish and start again",
        ),
        (
            "Unable to locate package",
            "this release does not have it; Debian 12 or Ubuntu 24.04 do",
        ),
        (
            "Temporary failure resolving",
            "the package server cannot be reached; is there a network?",
        ),
        (
            "Could not connect",
            "the package server cannot be reached; is there a network?",
        ),
        (
            "Failed to fetch",
            "the package server cannot be reached; is there a network?",
        ),
        (
            "a password is required",
            "sudo wants a password and there is no terminal to ask at",
        ),
        (
            "not in the sudoers file",
            "you may not use sudo; ask the machine's administrator",
        ),
        (
            "incorrect password attempt",
            "sudo did not accept the password",
        ),
    ];
    let found = known.iter().find(|(sign, _)| output.contains(sign));
    let last = || {
        output
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or("apt-get failed")
    };
    found.map_or_else(|| last().to_owned(), |(_, sentence)| (*sentence).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_become_a_sentence_with_a_remedy() {
        let cases = [
            (
                "E: You don't have enough free space in /var/cache/apt/archives/.\nE: write: No space left on device",
                "disk is full",
            ),
            (
                "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 12",
                "another package manager",
            ),
            ("E: Unable to locate package chromium", "this release"),
            (
                "W: Failed to fetch http://deb.debian.org/x  Temporary failure resolving 'deb.debian.org'",
                "network",
            ),
            ("sudo: a password is required", "password"),
        ];
        for (output, sentence) in cases {
            let explained = explain(output);
            assert!(explained.contains(sentence), "{output}: {explained}");
        }
    }

    #[test]
    fn a_server_that_is_there_already_is_left_alone() {
        let packages = ["build-essential", "postgresql", "redis-server"];
        let coming = |there: &str| servers_to_come(&packages, |package| package == there);
        assert_eq!(coming("nothing"), ["postgresql", "redis-server"]);
        assert_eq!(coming("postgresql-common"), ["redis-server"]);
        assert_eq!(coming("redis-server"), ["postgresql"]);
    }

    #[test]
    fn an_unknown_failure_shows_what_was_said_last() {
        assert_eq!(
            explain("Reading lists...\nE: Something odd\n\n"),
            "E: Something odd"
        );
        assert_eq!(explain(""), "apt-get failed");
    }
}
