//! Several copies of one log as one: each gateway writes its own, and each may have holes.

use std::io::{self, BufRead, Read as _};

use thiserror::Error;

use super::{Entry, MOST_LINE, ParseError, Place, Report, Verifier, Written, report::Fault};

/// Why there is no report. Nothing a log says leads here: that is a finding.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// A file could not be read to its end.
    #[error("file {file} cannot be read")]
    Read {
        /// Which, from 1.
        file: u64,
        /// Why.
        source: io::Error,
    },
}

/// Replays the copies of one line's log as one: what one copy lacks, another may have. Where two have the
/// same entry, they must be the same, byte for byte.
///
/// Each copy is read once, from front to back, and one line of each is kept: at most 32 MiB a copy.
///
/// # Errors
/// When a file cannot be read.
pub fn verify<R: BufRead>(
    files: impl IntoIterator<Item = R>,
    mut verifier: Verifier,
) -> Result<Report, VerifyError> {
    let mut copies = Vec::new();
    for (file, reader) in (1..).zip(files) {
        let mut copy = Copy {
            file,
            reader,
            line: 0,
            next: None,
        };
        copy.advance(&mut verifier)?;
        copies.push(copy);
    }
    while let Some(chosen) = choose(&copies, &verifier) {
        let Some(written) = copies[chosen].next.take() else {
            break;
        };
        verifier.take(&written);
        let (taken, file) = (written.head, copies[chosen].file);
        // A line may be large: it goes before the next one comes.
        drop(written);
        copies[chosen].advance(&mut verifier)?;
        for (index, copy) in copies.iter_mut().enumerate() {
            let other = copy.next.as_ref().map(|next| next.head);
            let Some(other) = other.filter(|o| index != chosen && o.seq == taken.seq) else {
                continue;
            };
            if other.hash != taken.hash {
                let fault = Fault::Differs(file, copy.file);
                verifier.find(Place::Entry(other.seq), fault);
            }
            copy.advance(&mut verifier)?;
        }
    }
    Ok(verifier.finish())
}

/// The copy whose entry comes next: the lowest place, and of several the one that follows the chain.
fn choose<R>(copies: &[Copy<R>], verifier: &Verifier) -> Option<usize> {
    let head = verifier.head().map(|head| head.hash);
    let next = copies.iter().enumerate().filter_map(|(index, copy)| {
        let next = copy.next.as_ref()?;
        let follows = Some(next.prev) == head;
        Some((next.head.seq, !follows, index))
    });
    next.min().map(|(.., index)| index)
}

struct Copy<R> {
    file: u64,
    reader: R,
    /// Lines read, also those that are no entries.
    line: u64,
    /// The entry to be taken next; `None` at the end.
    next: Option<Written>,
}

impl<R: BufRead> Copy<R> {
    /// Reads on to the next entry; lines that are none are findings.
    fn advance(&mut self, verifier: &mut Verifier) -> Result<(), VerifyError> {
        self.next = None;
        let file = self.file;
        let failed = |source| VerifyError::Read { file, source };
        while let Some(line) = self.read_line().map_err(failed)? {
            self.line += 1;
            match line {
                Ok(written) => {
                    self.next = Some(written);
                    break;
                }
                Err(error) => verifier.find(Place::Line(file, self.line), Fault::Unreadable(error)),
            }
        }
        Ok(())
    }

    /// One line, of which no more is kept than a line may have; `None` at the end.
    fn read_line(&mut self) -> io::Result<Option<Result<Written, ParseError>>> {
        let mut line = Vec::new();
        let most = MOST_LINE as u64 + 1;
        let read = self
            .reader
            .by_ref()
            .take(most)
            .read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() > MOST_LINE {
            self.reader.skip_until(b'\n')?;
        }
        Ok(Some(Entry::parse(&line)))
    }
}
