//! The access log: one JSON object a line, written by its own thread.
//!
//! A request formats its line in a buffer of its thread, copies it into the shared one (a lock of some ten
//! nanoseconds, no allocation) and never waits for the disk. The writer takes the whole buffer at once. When the disk
//! is too slow the buffer is full, lines are dropped, and the drops are counted: a log must not be able
//! to stop the traffic it describes.
//!
//! Never logged: queries, cookies, tokens, bodies, any header but the user agent.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use prometheus::IntCounter;

use crate::config::listen::AccessLog as Target;
use crate::metrics::Outcome;

mod json;

/// Bytes that may wait for the writer: some twenty thousand lines.
const BUFFER_BYTES_MAX: usize = 8 << 20;
/// After the first line of a batch the writer waits for more, so that a storm costs a few large writes.
const BATCH: Duration = Duration::from_millis(20);

/// What is said about one request.
#[derive(Debug)]
pub(crate) struct Record<'r> {
    pub(crate) since_epoch: Duration,
    pub(crate) request_id: &'r str,
    pub(crate) trace_id: [u8; 16],
    pub(crate) tenant: &'r str,
    pub(crate) client: Option<IpAddr>,
    pub(crate) method: &'r str,
    pub(crate) host: &'r str,
    pub(crate) path: &'r str,
    pub(crate) user_agent: &'r str,
    /// 0 when nothing was sent.
    pub(crate) status: u16,
    pub(crate) outcome: Outcome,
    pub(crate) bytes: usize,
    pub(crate) took: Duration,
    pub(crate) upstream: Option<&'r str>,
    pub(crate) tries: u32,
    pub(crate) config: u64,
}

/// A handle to the log; clones write to the same place.
#[derive(Clone, Debug)]
pub(crate) struct AccessLog(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    dropped: IntCounter,
}

#[derive(Debug, Default)]
struct State {
    buffer: Vec<u8>,
    writer_sleeps: bool,
    closed: bool,
}

/// Ends the writer, after it wrote what was waiting, when dropped.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Option<Arc<Shared>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl AccessLog {
    /// Opens the log and starts its writer.
    pub(crate) fn open(target: &Target, dropped: IntCounter) -> io::Result<(Self, Writer)> {
        let out: Box<dyn Write + Send> = match target {
            Target::Off => {
                let writer = Writer {
                    shared: None,
                    thread: None,
                };
                return Ok((Self(None), writer));
            }
            Target::Stdout => Box::new(io::stdout()),
            Target::File(path) => Box::new(open_append(path)?),
        };
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            dropped,
        });
        let of_writer = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write_batches(&of_writer, out))?;
        let writer = Writer {
            shared: Some(Arc::clone(&shared)),
            thread: Some(thread),
        };
        Ok((Self(Some(shared)), writer))
    }

    /// Adds a line.
    pub(crate) fn write(&self, record: &Record<'_>) {
        let Some(shared) = &self.0 else {
            return;
        };
        LINE.with_borrow_mut(|line| {
            line.clear();
            json::line(line, record);
            shared.append(line);
        });
    }
}

thread_local! {
    /// The line being written; kept, so that a line needs no allocation.
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
}

impl Shared {
    fn append(&self, line: &str) {
        let mut state = self.state.lock();
        if state.buffer.len() > BUFFER_BYTES_MAX {
            drop(state);
            self.dropped.inc();
            return;
        }
        state.buffer.extend_from_slice(line.as_bytes());
        // Waking costs a system call, so only a writer that sleeps is woken.
        if std::mem::take(&mut state.writer_sleeps) {
            self.wake.notify_one();
        }
    }
}

fn open_append(path: &std::path::Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

fn write_batches(shared: &Shared, mut out: Box<dyn Write + Send>) {
    let mut batch = Vec::new();
    let mut failing = false;
    loop {
        let mut state = shared.state.lock();
        while state.buffer.is_empty() && !state.closed {
            state.writer_sleeps = true;
            shared.wake.wait(&mut state);
        }
        if !state.closed {
            shared.wake.wait_for(&mut state, BATCH);
        }
        std::mem::swap(&mut state.buffer, &mut batch);
        let closed = state.closed;
        drop(state);
        let written = out.write_all(&batch).and_then(|()| out.flush());
        if let Err(error) = &written
            && !failing
        {
            tracing::error!(%error, "the access log cannot be written; lines are lost");
        }
        failing = written.is_err();
        batch.clear();
        if closed {
            return;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.state.lock().closed = true;
            shared.wake.notify_one();
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the access log's writer panicked");
        }
    }
}

#[cfg(test)]
mod tests;
