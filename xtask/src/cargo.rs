//! Building our own programs, and where they are then.

use devkit::DeathSignal;
use std::env;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::process::Command;

/// With less than this a failed build has failed for want of space.
const SPACE_LEFT_MB: u64 = 100;

/// How programs are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Profile {
    /// Ready in minutes, fast enough to drill with.
    #[default]
    Dev,
    /// Fat LTO, one codegen unit: for figures.
    Release,
}

impl Profile {
    fn dir(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("xtask is a folder of the workspace")
}

/// Builds every program of the workspace, always all of them: another selection would be another set
/// of features, and the dependencies would be compiled again. Gives the directory they are in.
pub(crate) fn build(profile: Profile) -> Result<PathBuf, String> {
    println!("building (the first time takes some minutes) …");
    let mut build = compile(&["build", "--workspace", "--exclude", "xtask", "--bins"]);
    if profile == Profile::Release {
        build.arg("--release");
    }
    succeed(build, "the build").map_err(|error| match free_megabytes(root()) {
        Some(left) if left < SPACE_LEFT_MB => {
            format!("{error}: the disk is full; free some space and start again")
        }
        _ => error,
    })?;
    Ok(target()?.join(profile.dir()))
}

/// A cargo that compiles: with its progress bar on a terminal, without a line for each of hundreds of
/// crates in a log.
pub(crate) fn compile(args: &[&str]) -> Command {
    let mut command = cargo(args);
    if !stderr().is_terminal() {
        command.env("CARGO_TERM_QUIET", "true");
    }
    command
}

/// Every lint on every target.
pub(crate) fn lints() -> Command {
    compile(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ])
}

/// Whatever the caller's environment says, queries are checked by the committed data.
pub(crate) fn offline(mut command: Command) -> Command {
    command
        .env("SQLX_OFFLINE", "true")
        .env_remove("DATABASE_URL");
    // Ours, as cargo told it: some build scripts are run anew when these change.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// A cargo of the same toolchain that ends when we do.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = devkit::tied(&program, DeathSignal::Term);
    command.args(args).current_dir(root());
    command
}

/// One of our own programs, ending when we do.
pub(crate) fn program(binaries: &Path, name: &str) -> Command {
    devkit::tied(binaries.join(name), DeathSignal::Term)
}

/// Space left where `path` is, in MB.
fn free_megabytes(path: &Path) -> Option<u64> {
    let output = Command::new("df")
        .args(["--output=avail", "-BM"])
        .arg(path)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines()
        .last()?
        .trim()
        .trim_end_matches('M')
        .parse()
        .ok()
}

/// Runs a command with our own terminal.
pub(crate) fn succeed(mut command: Command, what: &str) -> Result<(), String> {
    let status = command
        .status()
        .map_err(|error| format!("could not run {what}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{what} failed ({status})"))
    }
}

/// The target directory: we are in its `debug` (or `release`) ourselves.
pub(crate) fn target() -> Result<PathBuf, String> {
    let own =
        env::current_exe().map_err(|error| format!("cannot find our own program: {error}"))?;
    let target = own.ancestors().nth(2).map(Path::to_owned);
    target.ok_or_else(|| format!("{} is not in a target directory", own.display()))
}
