//! Copying the line's log out of the store, for whoever archives it: the store keeps only its end. And the other way: a
//! store that forgot its end is given it back.

use std::collections::BTreeMap;

use super::Driver;
use crate::{
    journal::Entry,
    line::Line,
    store::{KEPT_ENTRIES, StoreError},
    value::{LineId, Number},
};

/// So many entries may be added between the reading of the line and that of its log; of more, all that are kept are read.
const MEANWHILE: u32 = 8;
/// Entries that are remembered: 16 seconds of a line that calls with every tick, 24 kB.
const REMEMBERED: usize = 64;

/// How far the log was copied, and what was not taken yet.
#[derive(Debug, Default)]
pub(super) struct Copied {
    is_wanted: bool,
    line: Option<LineId>,
    seq: u64,
    entries: Vec<String>,
    /// The last entries that this gateway has written, or copied; by their numbers.
    recent: BTreeMap<u64, String>,
    /// Numbers below were given out in a line, by a log that outlived the process that kept it.
    remembered: Option<(LineId, Number)>,
}

/// Entries of a line's log, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPart {
    /// The line.
    pub line: LineId,
    /// Each a line of text without its newline.
    pub entries: Vec<String>,
}

impl Copied {
    /// An entry that this gateway has written: nobody else may have read it when the store forgets it.
    pub(super) fn note(&mut self, line: &Line, entry: &str) {
        self.turn_to(line.id);
        self.remember(line.log.seq, entry.to_owned());
    }

    /// The remembered entries of `ours` that a store lacks that is back at `theirs`.
    pub(super) fn beyond(&self, theirs: Option<&Line>, ours: &Line) -> Vec<String> {
        if self.line != Some(ours.id) {
            return Vec::new();
        }
        let theirs = theirs.filter(|line| line.id == ours.id);
        let first = theirs.map_or(1, |line| line.log.seq + 1);
        let known = self.recent.iter();
        let lacking = known.filter(|(seq, _)| (first..=ours.log.seq).contains(seq));
        lacking.map(|(_, entry)| entry.clone()).collect()
    }

    pub(super) fn remembered(&self, line: LineId) -> Option<Number> {
        let of_line = self.remembered.filter(|(of, _)| *of == line);
        of_line.map(|(_, next)| next)
    }

    fn turn_to(&mut self, line: LineId) {
        if self.line != Some(line) {
            (self.line, self.seq) = (Some(line), 0);
            self.entries.clear();
            self.recent.clear();
        }
    }

    fn remember(&mut self, seq: u64, entry: String) {
        self.recent.insert(seq, entry);
        while self.recent.len() > REMEMBERED {
            self.recent.pop_first();
        }
    }

    /// Takes the entries up to the number `end` out of what was `read` and is remembered. False if some are missing;
    /// where `is_all` was read that is kept, the others are taken all the same.
    fn copy(&mut self, read: Vec<String>, end: u64, is_all: bool) -> bool {
        let missing = self.seq + 1..=end;
        let remembered = self.recent.iter();
        let remembered = remembered.filter(|(seq, _)| missing.contains(seq));
        let remembered = remembered.map(|(seq, entry)| (*seq, entry.clone()));
        let read = read.into_iter().filter_map(|entry| {
            let parsed = Entry::parse(entry.as_bytes()).ok()?;
            Some((parsed.head.seq, entry))
        });
        let found: BTreeMap<_, _> = remembered
            .chain(read)
            .filter(|(seq, _)| missing.contains(seq))
            .collect();
        let is_whole = found.len() as u64 == end.saturating_sub(self.seq);
        if !is_whole && !is_all {
            return false;
        }
        for (seq, entry) in found {
            self.entries.push(entry.clone());
            self.remember(seq, entry);
        }
        self.seq = end;
        is_whole
    }
}

impl Driver {
    /// Copies the log from now on; [`Driver::take_log`] hands it out.
    pub fn keep_log(&mut self) {
        self.log.is_wanted = true;
    }

    /// How many numbers the line has given out, as far as this gateway has read.
    #[must_use]
    pub fn given(&self) -> Option<(LineId, u64)> {
        let seen = self.inner.snapshot.load();
        let line_and_next = seen.as_ref().map(|seen| (seen.line.id, seen.next));
        line_and_next.map(|(line, next)| (line, next.since(Number(line.0))))
    }

    /// `given` numbers were given out in that line, by a log that a process before this one has kept: a store that comes
    /// back with less has forgotten.
    pub fn remember(&mut self, line: LineId, given: u64) {
        self.log.remembered = Some((line, Number(line.0).plus(given)));
    }

    /// What was added to the log since the last call, as far as this gateway has read.
    pub fn take_log(&mut self) -> Option<LogPart> {
        let line = self.log.line.filter(|_| !self.log.entries.is_empty())?;
        let entries = std::mem::take(&mut self.log.entries);
        Some(LogPart { line, entries })
    }

    pub(super) async fn copy_log(&mut self, line: &Line) -> Result<(), StoreError> {
        if !self.log.is_wanted {
            return Ok(());
        }
        self.log.turn_to(line.id);
        let missing = line.log.seq.saturating_sub(self.log.seq);
        if missing == 0 {
            return Ok(());
        }
        let count = u32::try_from(missing).unwrap_or(KEPT_ENTRIES);
        let few = count.saturating_add(MEANWHILE).min(KEPT_ENTRIES);
        for count in [few, KEPT_ENTRIES] {
            let read = self.inner.store.log(count).await?;
            if self.log.copy(read, line.log.seq, count == KEPT_ENTRIES) {
                break;
            }
        }
        Ok(())
    }

    /// Copies what the last step of a room that ends has added.
    pub async fn finish_log(&mut self) {
        let finished = async {
            let head = self.inner.store.head().await?;
            match super::decode(&head)? {
                Some(line) => self.copy_log(&line).await,
                None => Ok(()),
            }
        };
        if let Err(error) = finished.await {
            tracing::debug!(%error, "the last entries of the log are missing in this copy");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{journal::Head, value::Timestamp};

    /// A log of so many entries.
    fn log(entries: u64) -> Vec<String> {
        let mut head = Head {
            seq: 0,
            hash: [7; 32],
        };
        let entries = (1..=entries).map(|seq| {
            let entry = Entry::quiet(Timestamp(1_790_000_000_000 + seq));
            let (line, next) = entry.write(&head);
            head = next;
            line
        });
        entries.collect()
    }

    /// A copy that stands at the third entry, and whose own tick wrote the fifth.
    fn at_three(all: &[String]) -> Copied {
        let mut copied = Copied {
            line: Some(LineId(1)),
            seq: 3,
            ..Copied::default()
        };
        copied.remember(5, all[4].clone());
        copied
    }

    #[test]
    fn entries_that_are_added_between_two_reads_push_none_out() {
        let all = log(6);
        // The line was read at five, a sixth came, and the last two and some were read.
        for from in 0..=3 {
            let mut copied = at_three(&all);
            assert!(copied.copy(all[from..].to_vec(), 5, false), "from {from}");
            assert_eq!((&copied.entries[..], copied.seq), (&all[3..5], 5));
        }
        let mut copied = at_three(&all);
        assert!(!copied.copy(all[4..].to_vec(), 5, false));
        assert_eq!(
            (copied.entries.len(), copied.seq),
            (0, 3),
            "the fourth is missing"
        );
    }

    /// The fourth and the fifth were lost before anybody had read them.
    #[test]
    fn what_the_store_forgot_is_taken_from_who_wrote_it_and_waits_for_nothing_else() {
        let all = log(6);
        let mut copied = at_three(&all);
        assert!(!copied.copy(Vec::new(), 5, true), "the fourth is nowhere");
        assert_eq!((&copied.entries[..], copied.seq), (&all[4..5], 5));
        assert!(copied.copy(all[5..].to_vec(), 6, false), "and it goes on");
    }

    #[test]
    fn a_store_is_given_back_only_what_it_lacks() {
        let all = log(6);
        let at = |seq| {
            let mut line = Line::open(Timestamp(1), 0);
            line.id = LineId(1);
            line.log.seq = seq;
            line
        };
        let mut copied = at_three(&all);
        copied.remember(4, all[3].clone());
        assert_eq!(copied.beyond(None, &at(5)), all[3..5]);
        assert_eq!(copied.beyond(Some(&at(4)), &at(5)), all[4..5]);
        assert_eq!(copied.beyond(Some(&at(4)), &at(4)), all[..0]);
        let older = Line::open(Timestamp(0), 0);
        assert_eq!(
            copied.beyond(Some(&older), &at(5)),
            all[3..5],
            "of another line"
        );
        assert_eq!(copied.beyond(None, &older), all[..0], "not of ours");
    }
}
