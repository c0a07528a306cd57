//! Where a root caller's PostgreSQL cluster can be: its account must be able to get there, and cannot
//! below `/root`, where root's checkouts often are.

use crate::Account;
use crate::error::{Doing, Error};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

/// Root's own directory for clusters that cannot be with their home. Survives a reboot.
const AWAY: &str = "/var/tmp/fluxgate-0";

/// `postgres/` in `home` if it can be there, else a directory below [`AWAY`] that a link in `home`
/// leads to.
pub(super) fn cluster(home: &Path) -> Result<PathBuf, Error> {
    let here = home.join("postgres");
    let Some(account) = Account::unprivileged()? else {
        return Ok(here);
    };
    if home.ancestors().all(|dir| may_enter(account, dir)) && !here.is_symlink() {
        return Ok(here);
    }
    let away = Path::new(AWAY).join(
        home.display()
            .to_string()
            .trim_matches('/')
            .replace('/', "-"),
    );
    let made = DirBuilder::new().recursive(true).mode(0o711).create(&away);
    made.doing(|| format!("make the directory {}", away.display()))?;
    if fs::symlink_metadata(AWAY)
        .doing(|| format!("look at {AWAY}"))?
        .uid()
        != 0
    {
        let what = format!("use {AWAY}: it belongs to another user; remove it");
        return Err(Error::Command {
            what,
            output: String::new(),
        });
    }
    if !here.is_symlink() {
        symlink(&away, &here).doing(|| format!("link {}", here.display()))?;
    }
    Ok(away)
}

/// Whether an account may pass through a directory, by the mode bits.
fn may_enter(account: Account, dir: &Path) -> bool {
    let Ok(found) = fs::metadata(dir) else {
        return true;
    };
    let bit = match (found.uid() == account.uid, found.gid() == account.gid) {
        (true, _) => 0o100,
        (_, true) => 0o010,
        _ => 0o001,
    };
    found.mode() & bit != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scratch;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_closed_directory_cannot_be_entered_by_others() {
        let scratch = Scratch::new("reach").unwrap();
        let stranger = Account {
            uid: 4_000_000,
            gid: 4_000_000,
        };
        assert!(may_enter(stranger, scratch.path()));
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!may_enter(stranger, scratch.path()));
    }
}
