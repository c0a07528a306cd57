//! The JSON of one line, written by hand: the shape is fixed and this is on every request's path.

use std::io::Write as _;

use super::Record;

/// The longest user agent that is kept; the rest is cut.
const USER_AGENT_MAX: usize = 200;

/// The text of the second that the last line was written in: formatting a date costs more than all the
/// rest of a line, and thousands of lines share one.
#[derive(Debug)]
pub(super) struct Second {
    number: u64,
    text: String,
}

impl Default for Second {
    fn default() -> Self {
        Self {
            number: u64::MAX,
            text: String::new(),
        }
    }
}

impl Second {
    fn text(&mut self, number: u64) -> &str {
        if self.number != number {
            let seconds = i64::try_from(number).unwrap_or(0);
            let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
            self.text = time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            self.number = number;
        }
        &self.text
    }
}

/// Appends one line with its newline.
pub(super) fn line(out: &mut Vec<u8>, second: &mut Second, record: &Record<'_>) {
    let time = second.text(record.since_epoch.as_secs());
    // Writing to a Vec cannot fail.
    let _ = write!(
        out,
        r#"{{"ts":"{time}.{:06}Z","request_id":"#,
        record.since_epoch.subsec_micros()
    );
    text(out, record.request_id);
    out.extend_from_slice(br#","trace_id":""#);
    hex(out, &record.trace_id);
    out.extend_from_slice(br#"","tenant":"#);
    text(out, record.tenant);
    if let Some(client) = record.client {
        let _ = write!(out, r#","client":"{client}""#);
    }
    let pairs = [
        ("method", record.method),
        ("host", record.host),
        ("path", record.path),
        ("user_agent", cut(record.user_agent)),
    ];
    for (name, value) in pairs {
        let _ = write!(out, r#","{name}":"#);
        text(out, value);
    }
    let _ = write!(
        out,
        r#","status":{},"outcome":"{}","bytes":{},"us":{},"config":{}"#,
        record.status,
        record.outcome.as_str(),
        record.bytes,
        record.took.as_micros(),
        record.config,
    );
    if let Some(upstream) = record.upstream {
        let _ = write!(out, r#","upstream":"{upstream}","tries":{}"#, record.tries);
    }
    out.extend_from_slice(b"}\n");
}

fn cut(text: &str) -> &str {
    match text.len() > USER_AGENT_MAX {
        true => &text[..text.floor_char_boundary(USER_AGENT_MAX)],
        false => text,
    }
}

/// Lower-case hex.
pub(crate) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 0xf] {
            out.push(crate::step::identify::HEX[usize::from(nibble)]);
        }
    }
}

/// A JSON string with its quotes.
fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    if text.as_bytes().iter().all(plain) {
        out.extend_from_slice(text.as_bytes());
    } else {
        for byte in text.bytes() {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                0..=0x1f => {
                    let _ = write!(out, "\\u{byte:04x}");
                }
                _ => out.push(byte),
            }
        }
    }
    out.push(b'"');
}
