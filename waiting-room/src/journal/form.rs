//! Writing: the one form of an entry.
//!
//! JSON (RFC 8259) without white space, all members in a fixed order, only `event` and `which` left out
//! where there is nothing to say. In texts `"` and `\` are escaped and nothing else; control characters do
//! not occur. Bits are base64url without padding.

use std::fmt;

use base64::{display::Base64Display, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Entry, Event, First, Head, Limits, Opening, Passed, Why, head::Hex};
use crate::value::millis;

impl Entry {
    /// The entry as the line of text that follows `prev` (without a newline), and the chain's new head.
    ///
    /// Figures above [`MOST_NUMBER`](super::MOST_NUMBER) and longer lists than the module allows are
    /// written as they are, and refused by every reader.
    #[must_use]
    pub fn write(&self, prev: &Head) -> (String, Head) {
        let seq = prev.seq.saturating_add(1);
        let line = Line {
            seq,
            prev,
            entry: self,
        }
        .to_string();
        let head = Head::of(seq, line.as_bytes());
        (line, head)
    }
}

struct Line<'a> {
    seq: u64,
    prev: &'a Head,
    entry: &'a Entry,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self.entry;
        let (seq, prev, at) = (self.seq, Hex(&self.prev.hash), entry.at.0);
        let (given, horizon) = (entry.given, entry.horizon);
        let (called, arrived) = (OrNull(&entry.called), OrNull(&entry.arrived));
        let (late, first) = (List(&entry.late), List(&entry.first));
        let (living, active, lapsed) = (entry.living, entry.active, entry.lapsed);
        let (limits, why) = (&entry.limits, OrNull(&entry.why));
        write!(
            f,
            r#"{{"seq":{seq},"prev":"{prev}","at":{at},"given":{given},"horizon":{horizon}"#
        )?;
        write!(
            f,
            r#","called":{called},"arrived":{arrived},"late":{late},"first":{first}"#
        )?;
        write!(
            f,
            r#","living":{living},"active":{active},"lapsed":{lapsed}"#
        )?;
        write!(f, r#","limits":{},"why":{why}"#, Json(limits))?;
        if let Some(event) = &entry.event {
            write!(f, r#","event":{}"#, Json(event))?;
        }
        f.write_str("}")
    }
}

/// A value as JSON.
struct Json<'a, T>(&'a T);
struct OrNull<'a, T>(&'a Option<T>);
struct List<'a, T>(&'a [T]);

impl<'a, T> fmt::Display for OrNull<'a, T>
where
    Json<'a, T>: fmt::Display,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => Json(value).fmt(f),
            None => f.write_str("null"),
        }
    }
}

impl<'a, T> fmt::Display for List<'a, T>
where
    Json<'a, T>: fmt::Display,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, value) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}", Json(value))?;
        }
        f.write_str("]")
    }
}

impl fmt::Display for Json<'_, u64> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Json<'_, u32> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Json<'_, super::Text> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for piece in self.0.as_str().split_inclusive(['"', '\\']) {
            match piece.strip_suffix(['"', '\\']) {
                Some(plain) => write!(f, "{plain}\\{}", &piece[plain.len()..])?,
                None => f.write_str(piece)?,
            }
        }
        f.write_str("\"")
    }
}

impl fmt::Display for Json<'_, Why> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

impl fmt::Display for Json<'_, Passed> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"{{"from":{},"to":{}"#, self.0.from(), self.0.to())?;
        if let Some(bytes) = self.0.which() {
            let which = Base64Display::new(bytes, &URL_SAFE_NO_PAD);
            write!(f, r#","which":"{which}""#)?;
        }
        f.write_str("}")
    }
}

impl fmt::Display for Json<'_, First> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let First { number, by, reason } = self.0;
        let (by, reason) = (Json(by), Json(reason));
        write!(f, r#"{{"number":{number},"by":{by},"reason":{reason}}}"#)
    }
}

impl fmt::Display for Json<'_, Limits> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (active, per_minute) = (OrNull(&self.0.active), OrNull(&self.0.per_minute));
        write!(f, r#"{{"active":{active},"per_minute":{per_minute}}}"#)
    }
}

impl fmt::Display for Json<'_, Event> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event { kind, by, detail } = self.0;
        let (name, by, detail) = (kind.name(), OrNull(by), OrNull(detail));
        write!(f, r#"{{"kind":"{name}","by":{by},"detail":{detail}"#)?;
        if let Some(opening) = kind.opening() {
            write!(f, r#","line":{}"#, Json(opening))?;
        }
        f.write_str("}")
    }
}

impl fmt::Display for Json<'_, Opening> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Opening {
            tenant,
            room,
            line,
            first,
            grace,
            absent_after,
        } = self.0;
        let (tenant, room) = (Json(tenant), Json(room));
        let (line, first) = (line.0, first.0);
        let (grace, absent_after) = (millis(*grace), millis(*absent_after));
        write!(
            f,
            r#"{{"tenant":{tenant},"room":{room},"id":{line},"first":{first}"#
        )?;
        write!(
            f,
            r#","grace_ms":{grace},"absent_after_ms":{absent_after}}}"#
        )
    }
}
