//! Limits on what a client may send and how long it may take.

use std::time::Duration;

use policies::diagnostic::{Complaint, Diagnostics};
use policies::document::Said;
use policies::unit::{ByteSize, Period};
use serde::Deserialize;

/// What a client may send, and in which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Http {
    /// All header names and values together. Beyond: 431.
    pub(crate) max_header_bytes: usize,
    /// The path and query. Beyond: 414.
    pub(crate) max_uri_bytes: usize,
    /// The body, announced or chunked. Beyond: 413.
    pub(crate) max_body_bytes: u64,
    /// How long an idle connection is kept. Whole seconds, at least one.
    pub(crate) keepalive: Duration,
    /// From the first byte of a request to the end of its head, however it dribbles in.
    pub(crate) header_timeout: Duration,
    /// The longest silence within a body.
    pub(crate) body_timeout: Duration,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpDocument {
    max_header_bytes: Option<Said<ByteSize>>,
    max_uri_bytes: Option<Said<ByteSize>>,
    max_body_bytes: Option<Said<ByteSize>>,
    keepalive: Option<Said<Period>>,
    header_timeout: Option<Said<Period>>,
    body_timeout: Option<Said<Period>>,
}

/// The parser holds one mebibyte of head at most, so a greater limit would be a promise not kept.
const HEAD_BYTES_MAX: u64 = 512 << 10;

impl HttpDocument {
    pub(super) fn compile(self, told: &mut Diagnostics) -> Option<Http> {
        let header = bounded(self.max_header_bytes, 16 << 10, HEAD_BYTES_MAX, told);
        let uri = bounded(self.max_uri_bytes, 8 << 10, HEAD_BYTES_MAX, told);
        let body = take(
            self.max_body_bytes.map(|said| said.take(told)),
            1 << 20,
            ByteSize::bytes,
        );
        let keepalive = whole_seconds(self.keepalive, told);
        let mut time = |said: Option<Said<Period>>, default| {
            take(
                said.map(|said| said.take(told)),
                Duration::from_secs(default),
                Period::get,
            )
        };
        let (header_timeout, body_timeout) =
            (time(self.header_timeout, 10), time(self.body_timeout, 15));
        Some(Http {
            max_header_bytes: header?,
            max_uri_bytes: uri?,
            max_body_bytes: body?,
            keepalive: keepalive?,
            header_timeout: header_timeout?,
            body_timeout: body_timeout?,
        })
    }
}

/// The default for what was not said, the value for what was said well.
fn take<T, V>(said: Option<Option<T>>, default: V, get: impl FnOnce(T) -> V) -> Option<V> {
    match said {
        None => Some(default),
        Some(value) => value.map(get),
    }
}

fn bounded(
    said: Option<Said<ByteSize>>,
    default: u64,
    most: u64,
    told: &mut Diagnostics,
) -> Option<usize> {
    let place = said.as_ref().map(Said::place).unwrap_or_default();
    let bytes = take(said.map(|said| said.take(told)), default, ByteSize::bytes)?;
    if bytes > most {
        let large = Complaint::new(format!("{bytes} bytes are more than the gateway holds"));
        told.push(large.hint(format!("at most {}KiB", most >> 10)).at(place));
    }
    usize::try_from(bytes).ok()
}

fn whole_seconds(said: Option<Said<Period>>, told: &mut Diagnostics) -> Option<Duration> {
    let place = said.as_ref().map(Said::place).unwrap_or_default();
    let time = take(
        said.map(|said| said.take(told)),
        Duration::from_secs(60),
        Period::get,
    )?;
    if time.subsec_millis() != 0 {
        let odd = Complaint::new("connections are kept for whole seconds");
        told.push(odd.hint("write it like 60s").at(place));
    }
    Some(time)
}

impl Default for Http {
    fn default() -> Self {
        HttpDocument::default()
            .compile(&mut Diagnostics::new())
            .expect("defaults need no complaint")
    }
}
