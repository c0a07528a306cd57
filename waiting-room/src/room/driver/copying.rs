//! Copying the line's log out of the store, for whoever archives it: the store keeps only its end.

use super::Driver;
use crate::{
    journal::Entry,
    line::Line,
    store::{KEPT_ENTRIES, StoreError},
    value::LineId,
};

/// So many entries may be added between the reading of the line and that of its log; of more, the copy waits for the next step.
const MEANWHILE: u32 = 8;

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
        let count = u32::try_from(missing).unwrap_or(KEPT_ENTRIES);
        let count = count.saturating_add(MEANWHILE).min(KEPT_ENTRIES);
        let read = self.inner.store.log(count).await?;
        let news = news(read, (self.log.seq, line.log.seq), count == KEPT_ENTRIES);
        if let Some(news) = news {
            self.log.entries.extend(news);
            self.log.seq = line.log.seq;
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

/// Of the entries `read` those after the first number and up to the second: later ticks may have added some since the line
/// was read, which wait for the next step. None if there are gaps, but for what is not `kept` any more.
fn news(read: Vec<String>, (copied, end): (u64, u64), is_all: bool) -> Option<Vec<String>> {
    let numbered = read.into_iter().filter_map(|entry| {
        let parsed = Entry::parse(entry.as_bytes()).ok()?;
        Some((parsed.head.seq, entry))
    });
    let new: Vec<_> = numbered
        .filter(|(seq, _)| (copied + 1..=end).contains(seq))
        .collect();
    let first = new.first().map(|(seq, _)| *seq)?;
    let last = new.last().map(|(seq, _)| *seq)?;
    let is_whole = last == end && (first == copied + 1 || is_all);
    is_whole.then(|| new.into_iter().map(|(_, entry)| entry).collect())
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

    #[test]
    fn entries_that_are_added_between_two_reads_push_none_out() {
        let all = log(6);
        // Three were copied, the line was read at five, a sixth came, and the last two and some were read.
        for from in 0..=3 {
            let news = news(all[from..].to_vec(), (3, 5), false);
            assert_eq!(news.as_deref(), Some(&all[3..5]), "from {from}");
        }
        assert_eq!(
            news(all[4..].to_vec(), (3, 5), false),
            None,
            "the fourth is missing"
        );
        assert_eq!(
            news(all[4..].to_vec(), (3, 5), true).as_deref(),
            Some(&all[4..5]),
            "it is kept no more"
        );
        assert_eq!(
            news(all[..4].to_vec(), (3, 5), false),
            None,
            "older than the line"
        );
    }
}
