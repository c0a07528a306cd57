//! Where PostgreSQL's programs are. Debian keeps them off `PATH`, one directory a version.

use crate::error::Error;
use crate::proc::installed;
use std::fs;
use std::path::{Path, PathBuf};

/// The oldest version the migrations are written for.
const OLDEST: u32 = 15;
/// Names another directory of PostgreSQL programs, to test against another version.
const OVERRIDE: &str = "FLUXGATE_POSTGRES_BIN";
const DEBIAN: &str = "/usr/lib/postgresql";

/// The directory with the programs of the newest version there is.
pub(super) fn find() -> Result<PathBuf, Error> {
    if let Some(dir) = std::env::var_os(OVERRIDE) {
        return Ok(dir.into());
    }
    newest(Path::new(DEBIAN))
        .or_else(on_path)
        .ok_or_else(|| Error::NotInstalled {
            program: format!("PostgreSQL {OLDEST} or newer"),
            remedy: "`apt-get install postgresql` brings it (Debian 12, Ubuntu 24.04 or newer)"
                .into(),
        })
}

fn newest(versions: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(versions).ok()?.flatten();
    let candidates = entries.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        let bin = entry.path().join("bin");
        (version >= OLDEST && bin.join("initdb").is_file()).then_some((version, bin))
    });
    candidates.max().map(|(_, bin)| bin)
}

/// For systems that do put them on `PATH`; a link there leads to the directory with the others.
fn on_path() -> Option<PathBuf> {
    let initdb = installed(Path::new("initdb")).ok()?.canonicalize().ok()?;
    initdb.parent().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scratch;

    fn install(versions: &Path, version: &str) {
        let bin = versions.join(version).join("bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join("initdb"), "").unwrap();
    }

    #[test]
    fn the_newest_version_wins_and_too_old_ones_do_not_count() {
        let scratch = Scratch::new("versions").unwrap();
        let versions = scratch.path();
        install(versions, "9.6");
        install(versions, "14");
        assert_eq!(newest(versions), None);
        install(versions, "15");
        install(versions, "18");
        fs::create_dir_all(versions.join("19/bin")).unwrap();
        assert_eq!(newest(versions), Some(versions.join("18/bin")));
    }
}
