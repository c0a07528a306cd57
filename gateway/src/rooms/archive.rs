//! Keeping the lines' logs on disk: the store holds only their end.
//!
//! Each process writes files of its own, `DIR/<tenant>/<room>/<line>-<process>.jsonl`: nobody appends to what
//! another left, perhaps torn, and `fluxgate line verify` reads any number of copies as one.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::path::PathBuf;
use std::thread::JoinHandle;

use tokio::sync::mpsc;
use waiting_room::{LineId, LogPart, RoomName};

/// Parts on their way to the disk, and as many that it refused. A disk that stands still or is full for longer than this
/// many ticks with an entry costs entries in this copy; others have them.
const MOST_UNDERWAY: usize = 256;

/// Where a room's driver leaves what it copied.
#[derive(Debug)]
pub(super) struct Archive {
    parts: mpsc::Sender<LogPart>,
    writer: JoinHandle<()>,
}

impl Archive {
    /// Files under `dir`, written by a thread of their own until the archive is dropped.
    pub(super) fn open(dir: PathBuf, name: &RoomName, process: u64) -> Self {
        let (parts, mut next) = mpsc::channel::<LogPart>(MOST_UNDERWAY);
        let mut files = Files {
            dir: dir.join(&name.tenant).join(&name.room),
            process,
            open: None,
            refused: VecDeque::new(),
        };
        // A thread for as long as the room lives: the runtime's own are for what ends.
        let writer = std::thread::spawn(move || {
            while let Some(part) = next.blocking_recv() {
                files.take(part);
            }
            files.give_up();
        });
        Self { parts, writer }
    }

    /// Waits until all is written: a process that ends does not take entries along.
    pub(super) async fn close(self) {
        drop(self.parts);
        let written = tokio::task::spawn_blocking(|| self.writer.join());
        if !matches!(written.await, Ok(Ok(()))) {
            tracing::error!("the last entries of the line's log may be missing in this copy");
        }
    }

    /// Takes a part to the disk, or says that it had to be dropped.
    pub(super) fn add(&self, part: LogPart) {
        if let Err(error) = self.parts.try_send(part) {
            tracing::error!(%error, "entries of the line's log are missing in this copy: the disk is too slow");
        }
    }
}

#[derive(Debug)]
struct Files {
    dir: PathBuf,
    process: u64,
    open: Option<(LineId, File)>,
    /// What the disk did not take, oldest first: tried again with the next part, so that the order stays.
    refused: VecDeque<LogPart>,
}

impl Files {
    fn take(&mut self, part: LogPart) {
        self.refused.push_back(part);
        let is_news = self.refused.len() == 1;
        while let Some(part) = self.refused.pop_front() {
            let Err(error) = self.append(&part) else {
                continue;
            };
            self.open = None;
            if is_news {
                let dir = self.dir.display();
                tracing::warn!(%error, %dir, "the line's log cannot be written; it is tried again");
            }
            self.refused.push_front(part);
            break;
        }
        if self.refused.len() > MOST_UNDERWAY {
            self.refused.pop_front();
            tracing::error!(dir = %self.dir.display(), "entries of the line's log are missing in this copy");
        }
    }

    /// There is no next part.
    fn give_up(&self) {
        if !self.refused.is_empty() {
            tracing::error!(dir = %self.dir.display(), "the last entries of the line's log are missing in this copy");
        }
    }

    fn append(&mut self, part: &LogPart) -> io::Result<()> {
        let mut file = match self.open.take() {
            Some((line, file)) if line == part.line => file,
            _ => self.create(part.line)?,
        };
        let mut text = part.entries.join("\n");
        text.push('\n');
        let whole = file.stream_position()?;
        if let Err(error) = file.write_all(text.as_bytes()) {
            // Half an entry would look like tampering.
            file.set_len(whole)?;
            return Err(error);
        }
        self.open = Some((part.line, file));
        Ok(())
    }

    fn create(&self, line: LineId) -> io::Result<File> {
        fs::create_dir_all(&self.dir)?;
        let name = format!("{}-{:016x}.jsonl", line.0, self.process);
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.join(name))?;
        file.seek(io::SeekFrom::End(0))?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_one_file_and_grows() {
        let dir =
            std::env::temp_dir().join(format!("fluxgate-archive-{:x}", rand::random::<u64>()));
        let mut files = Files {
            dir: dir.clone(),
            process: 7,
            open: None,
            refused: VecDeque::new(),
        };
        let part = |line, entries: &[&str]| LogPart {
            line: LineId(line),
            entries: entries.iter().map(|entry| (*entry).to_owned()).collect(),
        };
        for (line, entries) in [(1, &["a", "b"][..]), (1, &["c"]), (2, &["d"]), (1, &["e"])] {
            files.append(&part(line, entries)).expect("written");
        }
        let read = |name: &str| fs::read_to_string(dir.join(name)).expect("a file");
        assert_eq!(read("1-0000000000000007.jsonl"), "a\nb\nc\ne\n");
        assert_eq!(read("2-0000000000000007.jsonl"), "d\n");
        fs::remove_dir_all(&dir).expect("removed");
    }
}
