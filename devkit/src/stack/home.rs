//! A demo's directory: keys, data, generated files, logs, and the lock that keeps it to one owner.

use super::{Roster, reach};
use crate::copied::untangled;
use crate::error::{Doing, Error};
use crate::{Scratch, random};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a generated secret.
const SECRET_BYTES: usize = 32;

/// Where a demo lives. Clones are the same place; the last one gone unlocks it.
#[derive(Debug, Clone)]
pub struct Home {
    path: PathBuf,
    _hold: Arc<Hold>,
}

/// What keeps a home: the kernel drops a file lock however its process ends.
#[derive(Debug)]
enum Hold {
    Locked { _file: File },
    Scratch { _scratch: Scratch },
}

impl Home {
    /// A directory that stays. An error if another demo runs in it.
    pub fn kept(path: &Path) -> Result<Self, Error> {
        make_dir(path, 0o711)?;
        // Servers are given paths, and some change their directory.
        let path = path
            .canonicalize()
            .doing(|| format!("find {}", path.display()))?;
        let lock = path.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock);
        let file = file.doing(|| format!("open {}", lock.display()))?;
        let locked = untangled(|| match file.try_lock() {
            Ok(()) => Some(Ok(())),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(cause)) => Some(Err(cause)),
        });
        locked
            .ok_or_else(|| in_use(&path))?
            .doing(|| format!("lock {}", lock.display()))?;
        Self::new(path, Hold::Locked { _file: file })
    }

    /// A directory that goes with its last user.
    pub fn scratch() -> Result<Self, Error> {
        let scratch = Scratch::new("demo")?;
        let path = scratch.path().to_owned();
        Self::new(path, Hold::Scratch { _scratch: scratch })
    }

    fn new(path: PathBuf, hold: Hold) -> Result<Self, Error> {
        furnish(&path)?;
        Ok(Self {
            path,
            _hold: Arc::new(hold),
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The log of a service.
    pub fn log(&self, service: &str) -> PathBuf {
        self.path.join("logs").join(format!("{service}.log"))
    }

    /// Sets the logs of the last run aside, so that what an error shows is of this one.
    pub(super) fn set_logs_aside(&self) {
        let logs = fs::read_dir(self.path.join("logs"))
            .into_iter()
            .flatten()
            .flatten();
        for log in logs
            .map(|entry| entry.path())
            .filter(|path| path.extension() == Some("log".as_ref()))
        {
            // An old log in the way of nobody: appending to it is the worst that can happen.
            let _ = fs::rename(&log, log.with_extension("log.old"));
        }
    }

    /// The file of a key.
    pub fn key(&self, name: &str) -> PathBuf {
        self.path.join("keys").join(name)
    }

    /// What is in a key's file.
    pub fn read_key(&self, name: &str) -> Result<String, Error> {
        let path = self.key(name);
        let text = fs::read_to_string(&path).doing(|| format!("read {}", path.display()))?;
        Ok(text.trim().to_owned())
    }

    /// Where the PostgreSQL cluster is: here, if the account that runs it can get here.
    pub(super) fn cluster(&self) -> Result<PathBuf, Error> {
        reach::cluster(&self.path)
    }

    /// Empties a kept home, wherever its parts are: the next start is the first. Its lock stays,
    /// and so does `tools/`: what was fetched need not be fetched again.
    pub fn clear(&self) -> Result<(), Error> {
        Roster::of(self).end_leftovers();
        let away = fs::read_link(self.path.join("postgres"));
        let here = ["postgres", "redis", "keys", "config", "logs", "lines"];
        for path in here
            .map(|name| self.path.join(name))
            .into_iter()
            .chain(away)
        {
            let removed = match fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => fs::remove_dir_all(&path),
                Ok(_) => fs::remove_file(&path),
                Err(_) => Ok(()),
            };
            removed.doing(|| format!("remove {}", path.display()))?;
        }
        furnish(&self.path)
    }

    /// A key's file, with 32 random bytes in base64 if it is not there yet.
    pub(super) fn secret(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.key(name);
        if !path.exists() {
            write_private(&path, &base64(&random::bytes::<SECRET_BYTES>()?))?;
        }
        Ok(path)
    }

    /// Where a gateway copies the logs of its lines to.
    #[must_use]
    pub fn lines(&self, gateway: usize) -> PathBuf {
        self.path.join("lines").join(gateway.to_string())
    }

    /// Writes a key that somebody else made.
    pub(super) fn write_key(&self, name: &str, text: &str) -> Result<(), Error> {
        write_private(&self.key(name), text)
    }

    /// Writes a service's file anew.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.path.join("config").join(name);
        write_private(&path, text)?;
        Ok(path)
    }
}

fn furnish(path: &Path) -> Result<(), Error> {
    let dirs = [("keys", 0o700), ("logs", 0o755), ("config", 0o700)];
    dirs.iter()
        .try_for_each(|(name, mode)| make_dir(&path.join(name), *mode))
}

fn in_use(path: &Path) -> Error {
    Error::Command {
        what: format!(
            "use {}: another demo runs there; stop it first (Ctrl-C where it runs)",
            path.display()
        ),
        output: String::new(),
    }
}

fn make_dir(path: &Path, mode: u32) -> Result<(), Error> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path);
    made.doing(|| format!("make the directory {}", path.display()))
}

/// Through a second file, so that a crash or a full disk leaves the old text or the new.
fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    let next = path.with_extension("next");
    let write = || {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&next)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        fs::rename(&next, path)
    };
    write().doing(|| format!("write {}", path.display()))
}

/// RFC 4648 section 4, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0, |group, i| {
            group << 8 | usize::from(*chunk.get(i).unwrap_or(&0))
        });
        for place in 0..4 {
            let letter = ALPHABET[group >> (18 - 6 * place) & 63];
            text.push(if place <= chunk.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_agrees_with_the_rfc() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ];
        for (plain, coded) in cases {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn a_secret_is_made_once() {
        let home = Home::scratch().unwrap();
        let path = home.secret("token-1").unwrap();
        let first = fs::read_to_string(&path).unwrap();
        assert_eq!(first.trim().len(), 44);
        home.secret("token-1").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), first);
        assert_eq!(home.read_key("token-1").unwrap(), first.trim());
    }

    #[test]
    fn clearing_spares_the_tools_and_follows_the_link() {
        let scratch = Scratch::new("kept").unwrap();
        let (data, away) = (scratch.path().join("data"), scratch.path().join("away"));
        let home = Home::kept(&data).unwrap();
        let secret = home.secret("token-1").unwrap();
        for dir in [data.join("tools/bin"), away.join("data")] {
            fs::create_dir_all(dir).unwrap();
        }
        std::os::unix::fs::symlink(&away, data.join("postgres")).unwrap();
        home.clear().unwrap();
        assert!(!secret.exists() && !away.exists() && data.join("tools/bin").exists());
        assert!(home.secret("token-1").unwrap().exists());
        assert!(Home::kept(&data).is_err(), "still locked");
    }

    #[test]
    fn a_kept_home_has_one_owner_at_a_time() {
        let scratch = Scratch::new("kept").unwrap();
        let path = scratch.path().join("data");
        let home = Home::kept(&path).unwrap();
        let error = Home::kept(&path).unwrap_err().to_string();
        assert!(error.contains("another demo"), "{error}");
        drop(home);
        Home::kept(&path).unwrap();
    }
}
