//! What to start, and as whom.

use crate::Account;
use crate::error::{Doing, Error};
use rustix::process::Signal;
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the kernel sends a child when we are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeathSignal {
    /// SIGKILL: for everything that has no children of its own and survives a crash.
    #[default]
    Kill,
    /// SIGQUIT: PostgreSQL's immediate shutdown, which takes its own children along.
    Quit,
    /// SIGTERM: for what must put things in order.
    Term,
}

impl DeathSignal {
    pub(super) fn signal(self) -> Signal {
        match self {
            Self::Kill => Signal::KILL,
            Self::Quit => Signal::QUIT,
            Self::Term => Signal::TERM,
        }
    }

    /// As `setpriv` calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Kill => "KILL",
            Self::Quit => "QUIT",
            Self::Term => "TERM",
        }
    }
}

/// A child to be: built up, then given to [`Proc::spawn`](crate::Proc::spawn).
#[derive(Debug)]
pub struct Launch {
    pub(super) name: String,
    program: PathBuf,
    pub(super) log: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    dir: Option<PathBuf>,
    account: Option<Account>,
    pub(super) death: DeathSignal,
}

impl Launch {
    /// A child called `name` in messages that runs `program` (a path, or a name on `PATH`) and
    /// prints to the end of the file `log`, both streams.
    pub fn new(name: impl Into<String>, program: impl AsRef<Path>, log: impl AsRef<Path>) -> Self {
        Self {
            name: name.into(),
            program: program.as_ref().to_owned(),
            log: log.as_ref().to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            dir: None,
            account: None,
            death: DeathSignal::default(),
        }
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds several arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets one variable of its environment, which otherwise is ours.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets its clock off this machine's by so many seconds, with a sign, as `+1.5`; distances in time stay right.
    ///
    /// # Errors
    /// When the library that does it is not installed.
    pub(crate) fn clock(self, off: &str) -> Result<Self, Error> {
        let library = clock_library().ok_or_else(|| Error::NotInstalled {
            program: "libfaketime".into(),
            remedy: "`apt-get install faketime` brings it".into(),
        })?;
        Ok(self
            .env("LD_PRELOAD", library)
            .env("FAKETIME", off)
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1"))
    }

    /// Sets its working directory.
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    /// Runs it as another user; `None` means as ourselves.
    pub fn account(mut self, account: Option<Account>) -> Self {
        self.account = account;
        self
    }

    /// What it is sent when we are gone, and when its handle is dropped.
    pub fn death_signal(mut self, death: DeathSignal) -> Self {
        self.death = death;
        self
    }

    pub(super) fn into_command(self) -> Result<Command, Error> {
        let program = installed(&self.program)?;
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.doing(|| format!("open the log {}", self.log.display()))?;
        let also = log
            .try_clone()
            .doing(|| format!("open the log {}", self.log.display()))?;
        let mut command = Command::new(installed(Path::new("setpriv"))?);
        command.args(["--pdeathsig", self.death.name()]);
        if let Some(Account { uid, gid }) = self.account {
            command
                .arg(format!("--reuid={uid}"))
                .arg(format!("--regid={gid}"));
            command.arg("--clear-groups");
        }
        command
            .arg("--")
            .arg(program)
            .args(self.args)
            .envs(self.env);
        if let Some(dir) = self.dir {
            command.current_dir(dir);
        }
        command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(also)
            .process_group(0);
        Ok(command)
    }
}

/// A command of the caller's own terminal that is sent `death` when the calling thread ends: for what
/// is waited for, as a build. Without `setpriv` it is the plain command.
pub fn tied(program: impl AsRef<OsStr>, death: DeathSignal) -> Command {
    let Ok(setpriv) = installed(Path::new("setpriv")) else {
        return Command::new(program);
    };
    let mut command = Command::new(setpriv);
    command
        .args(["--pdeathsig", death.name(), "--"])
        .arg(program);
    command
}

/// The full path of a program, or the error that it is not there. (`setpriv` would only say so in
/// the child's log.)
pub(crate) fn installed(program: &Path) -> Result<PathBuf, Error> {
    let found = if program.components().count() > 1 {
        program.is_file().then(|| program.to_owned())
    } else {
        on_path(program)
    };
    found.ok_or_else(|| Error::NotInstalled {
        program: program.display().to_string(),
        remedy: remedy(program).to_owned(),
    })
}

/// The library that answers a program's questions for the time, if it is installed: below `/usr/lib/MACHINE/`.
pub fn clock_library() -> Option<PathBuf> {
    let machines = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten();
    let mut found = machines.map(|machine| machine.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|library| library.is_file())
}

/// Where a program is, for whoever wants to install it otherwise.
pub fn find_program(name: &str) -> Option<PathBuf> {
    on_path(Path::new(name))
}

/// Where `program` is on `PATH`, or in the system's own directories, which an ordinary user's
/// `PATH` leaves out.
fn on_path(program: &Path) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    dirs.map(|dir| dir.join(program))
        .find(|candidate| candidate.is_file())
}

fn remedy(program: &Path) -> &'static str {
    match program.file_name().and_then(OsStr::to_str) {
        Some("setpriv") => "`apt-get install util-linux` brings it",
        Some("redis-server") => "`apt-get install redis-server` brings it",
        Some("nginx") => "`apt-get install nginx-light` brings it",
        Some("fluxgate" | "fluxpay" | "psp-sim" | "demo-shop") => "`cargo build` makes it",
        _ => "install it and start again",
    }
}
