//! Copying the line's log out of the store, for whoever archives it: the store keeps only its end.

use super::Driver;
use crate::{
    line::Line,
    store::{KEPT_ENTRIES, StoreError},
    value::LineId,
};

/// How far the log was copied, and what was not taken yet.
#[derive(Debug, Default)]
pub(super) struct Copied {
    is_wanted: bool,
    line: Option<LineId>,
    seq: u64,
    entries: Vec<String>,
}

/// Entries of a line's log, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPart {
    /// The line.
    pub line: LineId,
    /// Each a line of text without its newline.
    pub entries: Vec<String>,
}

impl Driver {
    /// Copies the log from now on; [`Driver::take_log`] hands it out.
    pub fn keep_log(&mut self) {
        self.log.is_wanted = true;
    }

    /// What was added to the log since the last call, as far as this gateway has read.
    pub fn take_log(&mut self) -> Option<LogPart> {
        let line = self.log.line.filter(|_| !self.log.entries.is_empty())?;
        let entries = std::mem::take(&mut self.log.entries);
        Some(LogPart { line, entries })
    }

    pub(super) async fn copy_log(&mut self, line: &Line) -> Result<(), StoreError> {
        let log = &mut self.log;
        if !log.is_wanted {
            return Ok(());
        }
        if log.line != Some(line.id) {
            (log.line, log.seq) = (Some(line.id), 0);
            log.entries.clear();
        }
        let missing = line.log.seq.saturating_sub(log.seq);
        if missing == 0 {
            return Ok(());
        }
        let count = u32::try_from(missing)
            .unwrap_or(KEPT_ENTRIES)
            .min(KEPT_ENTRIES);
        let read = self.inner.store.log(count).await?;
        // A later tick may have added entries meanwhile: those wait for the next step.
        let ours = read.iter().rposition(|entry| is_entry(entry, line.log.seq));
        if let Some(last) = ours {
            let first = (last + 1).saturating_sub(usize::try_from(missing).unwrap_or(usize::MAX));
            self.log.entries.extend_from_slice(&read[first..=last]);
            self.log.seq = line.log.seq;
        }
        Ok(())
    }
}

fn is_entry(entry: &str, seq: u64) -> bool {
    crate::journal::Entry::parse(entry.as_bytes()).is_ok_and(|written| written.head.seq == seq)
}
