//! The user a server runs as. PostgreSQL refuses to run as root, so a root caller lends it another
//! account; an ordinary user runs everything as themselves.

use crate::error::{Doing, Error};
use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

/// A user and group of this machine, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
}

impl Account {
    /// The account for a server that must not be root: `None` if we are not root ourselves, else
    /// `postgres` (which the package creates), else `nobody`.
    pub fn unprivileged() -> Result<Option<Self>, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd").doing(|| "read /etc/passwd".into())?;
        let account = ["postgres", "nobody"]
            .iter()
            .find_map(|name| find(&users, name));
        account.map(Some).ok_or_else(|| Error::NotInstalled {
            program: "a user that PostgreSQL may run as".into(),
            remedy: "it refuses to run as root: `adduser --system --group postgres` makes one"
                .into(),
        })
    }

    /// Hands a file or directory to this account.
    pub(crate) fn own(self, path: &Path) -> Result<(), Error> {
        chown(path, Some(self.uid), Some(self.gid))
            .doing(|| format!("hand {} to user {}", path.display(), self.uid))
    }
}

/// A user's ids in the text of `/etc/passwd`.
fn find(users: &str, name: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == name;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        found.then_some(Account { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_user_by_its_whole_name() {
        let users = "postgres2:x:7:8::/:/bin/sh\n\npostgres:x:101:104:PostgreSQL:/var:/bin/sh\n";
        assert_eq!(
            find(users, "postgres"),
            Some(Account { uid: 101, gid: 104 })
        );
        assert_eq!(find(users, "nobody"), None);
    }
}
