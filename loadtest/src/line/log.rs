//! What the line's own log says of the drill: calls, calls that nobody answered, and the most seats taken. Several
//! gateways write copies; an entry is counted once.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use serde::Deserialize;

/// Sums over the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LogFigures {
    pub(super) entries: u64,
    /// Calls whose grace ended without anybody coming.
    pub(super) lapsed: u64,
    /// The most seats taken after a tick.
    pub(super) most_active: u64,
    /// The most people waiting.
    pub(super) most_living: u64,
    /// Entries with more seats taken than their own limit.
    pub(super) over_limit: u64,
}

#[derive(Debug, Deserialize)]
struct Entry {
    seq: u64,
    living: u64,
    active: u64,
    lapsed: u64,
    limits: EntryLimits,
}

#[derive(Debug, Deserialize)]
struct EntryLimits {
    active: Option<u64>,
}

/// Reads every `.jsonl` below `directory`. A line that cannot be read (the last one may be cut off) is left out.
pub(super) fn read(directory: &Path) -> LogFigures {
    let mut entries = BTreeMap::new();
    collect(directory, &mut entries);
    of(entries.into_values())
}

fn of(entries: impl Iterator<Item = Entry>) -> LogFigures {
    entries.fold(LogFigures::default(), |sum, entry| LogFigures {
        entries: sum.entries + 1,
        lapsed: sum.lapsed + entry.lapsed,
        most_active: sum.most_active.max(entry.active),
        most_living: sum.most_living.max(entry.living),
        over_limit: sum.over_limit
            + u64::from(
                entry
                    .limits
                    .active
                    .is_some_and(|limit| entry.active > limit),
            ),
    })
}

/// The line whose copy a file is: `<line>-<process>.jsonl`.
fn line_of(file: &OsStr) -> String {
    let name = file.to_string_lossy();
    name.split('-').next().unwrap_or_default().to_owned()
}

fn collect(directory: &Path, entries: &mut BTreeMap<(String, u64), Entry>) {
    for found in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = found.path();
        if path.is_dir() {
            collect(&path, entries);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        for entry in text
            .lines()
            .filter_map(|line| serde_json::from_str::<Entry>(line).ok())
        {
            entries.insert((line_of(&found.file_name()), entry.seq), entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_which_two_gateways_wrote_copies_counts_once() {
        let scratch = devkit::Scratch::new("log-figures").expect("a directory");
        let entry = |seq| {
            format!(
                r#"{{"seq":{seq},"living":6,"active":1,"lapsed":2,"limits":{{"active":3,"per_minute":9}}}}"#
            )
        };
        for (name, text) in [
            ("17-0a.jsonl", format!("{}\n{}\n", entry(1), entry(2))),
            ("17-0b.jsonl", format!("{}\n{}\n", entry(2), entry(3))),
            ("18-0a.jsonl", format!("{}\n", entry(1))),
        ] {
            std::fs::write(scratch.path().join(name), text).expect("writable");
        }
        let sum = read(scratch.path());
        assert_eq!((sum.entries, sum.lapsed), (4, 8));
    }

    #[test]
    fn entries_add_up_and_a_full_room_is_within_its_limit() {
        let text = [
            r#"{"seq":1,"prev":"x","at":1,"given":5,"horizon":2,"called":null,"arrived":null,"late":[],"first":[],"living":7,"active":3,"lapsed":1,"limits":{"active":3,"per_minute":null},"why":null}"#,
            r#"{"seq":2,"living":6,"active":4,"lapsed":2,"limits":{"active":3,"per_minute":9}}"#,
        ];
        let entries = text
            .iter()
            .map(|line| serde_json::from_str(line).expect("an entry"));
        let sum = of(entries);
        assert_eq!(
            (sum.entries, sum.lapsed, sum.most_active, sum.most_living),
            (2, 3, 4, 7)
        );
        assert_eq!(sum.over_limit, 1);
    }
}
