//! Keeping the lines' logs on disk: the store holds only their end.
//!
//! Each process writes files of its own, `DIR/<tenant>/<room>/<line>-<process>.jsonl`: nobody appends to what
//! another left, perhaps torn, and `fluxgate line verify` reads any number of copies as one.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use tokio::sync::mpsc;
use waiting_room::journal::Entry;
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

/// The end of a file that is read for its last entry, in bytes.
const LAST: i64 = 64 * 1024;

/// How many numbers were given out in the newest line that has a log here.
pub(super) fn given(dir: &Path, name: &RoomName) -> Option<(LineId, u64)> {
    let files = fs::read_dir(dir.join(&name.tenant).join(&name.room)).ok()?;
    let lasts = files.filter_map(|file| {
        let path = file.ok()?.path();
        let line = path
            .file_stem()?
            .to_str()?
            .split_once('-')?
            .0
            .parse()
            .ok()?;
        Some((LineId(line), last_given(&path)?))
    });
    lasts.max()
}

/// What the last whole entry of a file says.
fn last_given(path: &Path) -> Option<u64> {
    let mut file = File::open(path).ok()?;
    let length = i64::try_from(file.metadata().ok()?.len()).ok()?;
    file.seek(io::SeekFrom::End(-length.min(LAST))).ok()?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).ok()?;
    let mut entries = end.rsplit(|byte| *byte == b'\n');
    entries.find_map(|entry| Some(Entry::parse(entry).ok()?.entry.given))
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

    #[test]
    fn the_end_of_a_log_says_how_many_numbers_were_given() {
        let scratch = devkit::Scratch::new("archive-given").expect("a directory");
        let name = RoomName {
            tenant: "acme".into(),
            room: "sale".into(),
        };
        assert_eq!(given(scratch.path(), &name), None, "there is nothing");
        let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../waiting-room/vectors/journal");
        let log = fs::read_to_string(vectors.join("sale.jsonl")).expect("readable");
        let last = log.lines().last().expect("an entry");
        let said = Entry::parse(last.as_bytes()).expect("an entry").entry.given;
        let dir = scratch.path().join("acme/sale");
        fs::create_dir_all(&dir).expect("made");
        let first = log.lines().next().expect("an entry").to_owned() + "\n";
        for (file, text) in [
            ("7-a.jsonl", first.as_str()),
            // Torn by a power cut.
            ("7-b.jsonl", &format!("{log}{{\"seq\":9")),
            ("7-c.jsonl", ""),
            ("6-a.jsonl", &log),
            ("x.jsonl", &log),
        ] {
            fs::write(dir.join(file), text).expect("written");
        }
        assert_eq!(given(scratch.path(), &name), Some((LineId(7), said)));
    }

    /// A disk that is full for a while costs nothing.
    #[test]
    fn what_the_disk_refused_is_written_later_and_in_order() {
        let scratch = devkit::Scratch::new("archive-refused").expect("a directory");
        let dir = scratch.path().join("lines");
        // Nobody can make a directory where a file is.
        fs::write(&dir, "").expect("written");
        let mut files = Files {
            dir: dir.clone(),
            process: 7,
            open: None,
            refused: VecDeque::new(),
        };
        let part = |entry: &str| LogPart {
            line: LineId(1),
            entries: vec![entry.to_owned()],
        };
        files.take(part("a"));
        files.take(part("b"));
        fs::remove_file(&dir).expect("removed");
        files.take(part("c"));
        assert!(files.refused.is_empty());
        let written = fs::read_to_string(dir.join("1-0000000000000007.jsonl"));
        assert_eq!(written.expect("a file"), "a\nb\nc\n");
    }
}
