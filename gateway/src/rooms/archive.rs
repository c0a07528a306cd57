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
use waiting_room::{Driver, LineId, LogPart, RoomName};

/// Parts on their way to the disk, and as many that it refused. A disk that stands still or is full for longer than this
/// many ticks with an entry costs entries in this copy; others have them.
const MOST_UNDERWAY: usize = 256;

/// Where a room's driver leaves what it copied.
#[derive(Debug)]
pub(super) struct Archive {
    kept: mpsc::Sender<Kept>,
    writer: JoinHandle<()>,
    /// How many numbers were given out as of the last steps.
    past: VecDeque<u64>,
    noted: (LineId, u64),
}

/// What is kept.
#[derive(Debug)]
enum Kept {
    Part(LogPart),
    /// So many numbers may have been given out in that line.
    Given(LineId, u64),
}

/// Steps in a second: so long may a store lag behind what it has said.
const A_SECOND: usize = 4;
/// The file of [`Kept::Given`], beside the logs: hidden, so that whoever names all logs does not name it.
const GIVEN: &str = ".given";

/// The end of a file that is read for its last entry, in bytes.
const LAST: i64 = 64 * 1024;

/// How many numbers may have been given out in the newest line that has a log here.
pub(super) fn given(dir: &Path, name: &RoomName) -> Option<(LineId, u64)> {
    let dir = dir.join(&name.tenant).join(&name.room);
    let noted = fs::read_to_string(dir.join(GIVEN)).ok();
    let noted = noted.and_then(|text| {
        let (line, given) = text.trim_end().split_once(' ')?;
        Some((LineId(line.parse().ok()?), given.parse().ok()?))
    });
    let files = fs::read_dir(dir).ok()?;
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
    lasts.chain(noted).max()
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
        let (kept, mut next) = mpsc::channel(MOST_UNDERWAY);
        let mut files = Files {
            dir: dir.join(&name.tenant).join(&name.room),
            process,
            open: None,
            refused: VecDeque::new(),
        };
        // A thread for as long as the room lives: the runtime's own are for what ends.
        let writer = std::thread::spawn(move || {
            while let Some(kept) = next.blocking_recv() {
                match kept {
                    Kept::Part(part) => files.take(part),
                    Kept::Given(line, given) => files.note(line, given),
                }
            }
            files.give_up();
        });
        Self {
            kept,
            writer,
            past: VecDeque::new(),
            noted: (LineId(0), 0),
        }
    }

    /// What the driver's last step brought.
    pub(super) fn follow(&mut self, driver: &mut Driver) {
        if let Some(part) = driver.take_log() {
            self.add(part);
        }
        if let Some(given) = driver.given() {
            self.note(given);
        }
    }

    /// What the last step of all has brought.
    pub(super) async fn finish(mut self, driver: &mut Driver) {
        driver.finish_log().await;
        self.follow(driver);
        if let Some(given) = driver.given() {
            // A process that ends in peace knows all that it has given.
            self.note_bound(given);
        }
        self.close().await;
    }

    /// Waits until all is written: a process that ends does not take entries along.
    async fn close(self) {
        drop(self.kept);
        let written = tokio::task::spawn_blocking(|| self.writer.join());
        if !matches!(written.await, Ok(Ok(()))) {
            tracing::error!("the last entries of the line's log may be missing in this copy");
        }
    }

    /// Takes a part to the disk, or says that it had to be dropped.
    fn add(&self, part: LogPart) {
        if let Err(error) = self.kept.try_send(Kept::Part(part)) {
            tracing::error!(%error, "entries of the line's log are missing in this copy: the disk is too slow");
        }
    }

    /// Notes with every step how many numbers were given out, and as many more as in the last second: a process that
    /// dies now, with a store that loses that second, does not give them out again when both are back.
    fn note(&mut self, (line, given): (LineId, u64)) {
        if self.noted.0 != line {
            self.past.clear();
        }
        self.past.push_back(given);
        while self.past.len() > A_SECOND + 1 {
            self.past.pop_front();
        }
        let lately = given.saturating_sub(self.past[0]);
        self.note_bound((line, given.saturating_add(lately)));
    }

    fn note_bound(&mut self, (line, bound): (LineId, u64)) {
        // A slow disk is for the log.
        let has_room = self.kept.capacity() > MOST_UNDERWAY / 2;
        let is_news = self.noted != (line, bound);
        if is_news && has_room && self.kept.try_send(Kept::Given(line, bound)).is_ok() {
            self.noted = (line, bound);
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

    fn note(&self, line: LineId, given: u64) {
        let written = fs::create_dir_all(&self.dir)
            .and_then(|()| fs::write(self.dir.join(GIVEN), format!("{} {given}\n", line.0)));
        if let Err(error) = written {
            tracing::debug!(%error, "how many numbers were given is not noted");
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
        for (noted, line, then) in [
            (format!("7 {}\n", said + 5), 7, said + 5),
            ("7 1\n".to_owned(), 7, said),
            ("8 3\n".to_owned(), 8, 3),
            ("torn".to_owned(), 7, said),
        ] {
            fs::write(dir.join(GIVEN), noted).expect("written");
            assert_eq!(given(scratch.path(), &name), Some((LineId(line), then)));
        }
    }

    /// Twenty a step: what may be lost is as much as came in the last second.
    #[tokio::test]
    async fn what_may_have_been_given_is_noted_ahead_and_exactly_at_the_end() {
        let scratch = devkit::Scratch::new("archive-noted").expect("a directory");
        let name = RoomName {
            tenant: "acme".into(),
            room: "sale".into(),
        };
        let noted = || given(scratch.path(), &name);
        let mut archive = Archive::open(scratch.path().to_owned(), &name, 7);
        for step in 1..=9 {
            archive.note((LineId(5), 20 * step));
        }
        archive.close().await;
        assert_eq!(noted(), Some((LineId(5), 180 + 80)));
        let mut archive = Archive::open(scratch.path().to_owned(), &name, 8);
        archive.note((LineId(5), 180));
        archive.note_bound((LineId(5), 190));
        archive.close().await;
        assert_eq!(noted(), Some((LineId(5), 190)));
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
