//! A cluster on disk: made once by `initdb`, then found again.

use super::binaries;
use crate::error::{Doing, Error};
use crate::{Account, Identity, random};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The files of a cluster, and who owns them.
#[derive(Debug)]
pub(super) struct Cluster {
    /// Holds everything below that stays.
    pub(super) home: PathBuf,
    /// PostgreSQL's own directory.
    pub(super) data: PathBuf,
    /// Where the Unix socket goes.
    pub(super) socket: PathBuf,
    /// PostgreSQL's programs.
    pub(super) binaries: PathBuf,
    /// Who runs it; `None` is us.
    pub(super) account: Option<Account>,
    /// The password of every role, for TCP.
    pub(super) password: String,
}

impl Cluster {
    /// The cluster under `home`, made if there is none. The socket goes below `short`, since the
    /// path of a socket is limited.
    pub(super) fn prepare(home: &Path, short: &Path) -> Result<Self, Error> {
        let binaries = binaries::find()?;
        fs::create_dir_all(home).doing(|| format!("make the directory {}", home.display()))?;
        let data = home.join("data");
        let account = match fs::metadata(&data) {
            // An old cluster goes on under whom it was made.
            Ok(old) if old.uid() != 0 && rustix::process::geteuid().is_root() => Some(Account {
                uid: old.uid(),
                gid: old.gid(),
            }),
            _ => Account::unprivileged()?,
        };
        let socket = short.join("socket");
        private_dir(&socket, account)?;
        let password = password(&home.join("password"))?;
        let (home, data) = (home.to_owned(), data);
        let cluster = Self {
            home,
            data,
            socket,
            binaries,
            account,
            password,
        };
        if !cluster.data.join("devkit-complete").exists() {
            cluster.init()?;
        }
        Ok(cluster)
    }

    /// Runs `initdb`. A mark is written last, so that one which was interrupted is done again.
    fn init(&self) -> Result<(), Error> {
        let removed = fs::remove_dir_all(&self.data);
        if self.data.exists() {
            removed.doing(|| format!("remove the unfinished {}", self.data.display()))?;
        }
        private_dir(&self.data, self.account)?;
        let handed = self.data.with_extension("password");
        fs::write(&handed, &self.password).doing(|| format!("write {}", handed.display()))?;
        let private = fs::set_permissions(&handed, Permissions::from_mode(0o600));
        private.doing(|| format!("protect {}", handed.display()))?;
        if let Some(account) = self.account {
            account.own(&handed)?;
        }
        let mut initdb = self.command("initdb");
        initdb
            .arg("-D")
            .arg(&self.data)
            .arg("--pwfile")
            .arg(&handed);
        initdb.args([
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        initdb.args([
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "--no-instructions",
        ]);
        let made = run(initdb, "make a PostgreSQL cluster");
        let _ = fs::remove_file(&handed);
        made?;
        let mark = self.data.join("devkit-complete");
        fs::write(&mark, "").doing(|| format!("write {}", mark.display()))
    }

    /// One of PostgreSQL's programs, as the user who runs the cluster.
    pub(super) fn command(&self, program: &str) -> Command {
        let program = self.binaries.join(program);
        let mut command = match self.account {
            None => Command::new(program),
            Some(Account { uid, gid }) => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={uid}"))
                    .arg(format!("--regid={gid}"));
                command.args(["--clear-groups", "--"]).arg(program);
                command
            }
        };
        // Ours may be a directory that user cannot enter.
        command.current_dir("/").env("LC_ALL", "C");
        command
    }

    /// Removes the pid file of a postmaster that is gone. PostgreSQL does so itself unless its old
    /// pid has been given to somebody else in the meantime, as happens after a reboot.
    pub(super) fn forget_dead_postmaster(&self) {
        let file = self.data.join("postmaster.pid");
        let Ok(text) = fs::read_to_string(&file) else {
            return;
        };
        let pid = text
            .lines()
            .next()
            .and_then(|line| line.trim().parse().ok());
        if !pid.is_some_and(|pid| is_postmaster(pid, &self.data)) {
            let _ = fs::remove_file(file);
        }
    }

    /// Sets the log of the last run aside, so that what an error shows is of this one.
    pub(super) fn keep_old_log(&self, log: &Path) {
        let _ = fs::rename(log, log.with_extension("log.old"));
    }
}

/// Whether this process is a PostgreSQL server of this data directory.
fn is_postmaster(pid: u32, data: &Path) -> bool {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).into_owned();
    Identity::of(pid).is_some() && line.contains(&data.display().to_string())
}

/// Runs a command to its end; its output if it fails is the error.
pub(super) fn run(mut command: Command, what: &str) -> Result<String, Error> {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().doing(|| what.to_owned())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if status.success() {
        return Ok(text(&stdout));
    }
    Err(Error::Command {
        what: what.to_owned(),
        output: text(&stderr),
    })
}

fn private_dir(path: &Path, account: Option<Account>) -> Result<(), Error> {
    fs::create_dir_all(path)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o700)))
        .doing(|| format!("make the directory {}", path.display()))?;
    account.map_or(Ok(()), |account| account.own(path))
}

/// The password in `file`, made up at first.
fn password(file: &Path) -> Result<String, Error> {
    if let Ok(known) = fs::read_to_string(file) {
        return Ok(known);
    }
    let password: String = random::bytes::<16>()?
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    fs::write(file, &password)
        .and_then(|()| fs::set_permissions(file, Permissions::from_mode(0o600)))
        .doing(|| format!("write {}", file.display()))?;
    Ok(password)
}
