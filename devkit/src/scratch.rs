//! Directories for servers and tests that go away by themselves: on drop, and, after a `kill -9`, at
//! the next start of any process of this user that wants one.
//!
//! They lie directly under the system's temporary directory, since a path to a Unix socket may
//! have no more than 107 characters.

use crate::Identity;
use crate::error::{Doing, Error};
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory of one process, removed with all it holds when dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes an empty directory; `label` only helps whoever looks at it.
    pub fn new(label: &str) -> Result<Self, Error> {
        static SWEEP: Once = Once::new();
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let home = home()?;
        SWEEP.call_once(sweep);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = home.join(format!("{}.{number}.{label}", Identity::own()));
        make_dir(&path)?;
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Whatever cannot be removed now is swept at the next start.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes what processes of this user left behind when they were killed. Never touches a living
/// process's directory, so it may be called at any time.
pub fn sweep() {
    let entries = home().ok().and_then(|home| fs::read_dir(home).ok());
    for entry in entries.into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(owner_of);
        if owner.is_some_and(|process| !process.is_alive()) {
            // Another process may be sweeping too; either of us is enough.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The process a scratch directory's name says it belongs to.
fn owner_of(name: &str) -> Option<Identity> {
    let mut parts = name.splitn(3, '.');
    let (pid, started) = (parts.next()?, parts.next()?);
    format!("{pid}.{started}").parse().ok()
}

/// The directory of this user that all scratch directories and port locks are in.
pub(crate) fn home() -> Result<PathBuf, Error> {
    let uid = rustix::process::geteuid().as_raw();
    let home = std::env::temp_dir().join(format!("fluxgate-{uid}"));
    if !home.is_dir() {
        make_dir(&home)?;
    }
    let owner = fs::symlink_metadata(&home)
        .doing(|| format!("look at {}", home.display()))?
        .uid();
    if owner != uid {
        // Names under /tmp can be taken by anybody; what we would put there is ours alone.
        return Err(Error::Command {
            what: format!(
                "use {}: it belongs to another user; set TMPDIR",
                home.display()
            ),
            output: String::new(),
        });
    }
    Ok(home)
}

/// A directory others may pass through (a server under another account has its data below) but
/// not list. One that is there already is fine.
fn make_dir(path: &Path) -> Result<(), Error> {
    let made = DirBuilder::new().recursive(true).mode(0o711).create(path);
    made.and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o711)))
        .doing(|| format!("make the directory {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_removed_on_drop_with_all_it_holds() {
        let scratch = Scratch::new("drop").unwrap();
        let path = scratch.path().to_owned();
        fs::create_dir_all(path.join("a/b")).unwrap();
        drop(scratch);
        assert!(!path.exists());
    }

    #[test]
    fn sweeping_takes_what_the_dead_left_and_spares_the_living() {
        let living = Scratch::new("living").unwrap();
        // A process with our pid that started before us can only be dead.
        let dead = Identity {
            started: 1,
            ..Identity::own()
        };
        let left = home().unwrap().join(format!("{dead}.0.left"));
        fs::create_dir_all(left.join("data")).unwrap();
        sweep();
        assert!(!left.exists());
        assert!(living.path().exists());
    }
}
