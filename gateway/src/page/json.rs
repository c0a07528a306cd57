//! The status for apps: `application/json`, numbers and names, not sentences.
//!
//! Written by hand: the members are few and fixed, and a poll then costs one allocation.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use crate::text::{push_json, push_number, push_time};

use super::status::{Chance, Held, Method, Reason, Status};

/// Enough for every status with a room id of usual length, so that the buffer never grows.
const USUAL_LENGTH: usize = 768;

/// The status as `application/json`: every member, null where nothing is known. A request that wanted to change
/// something gets one more, `"request_carried_out":false`: it has to be sent again once admitted.
pub(crate) fn body(status: &Status<'_>, held: Held) -> Bytes {
    let mut out = String::with_capacity(USUAL_LENGTH);
    let mut object = Object::begin(&mut out, Nothing::IsNull);
    figures(&mut object, status);
    object.time("called_at", status.called_at_ms);
    object.text("method", Some(Method::name(status.method)));
    object.text("commitment", status.commitment);
    object.text("message", status.message);
    object.text("log_head", status.log_head);
    object.text("handoff_url", status.handoff_url);
    if held == Held::Change {
        object.name("request_carried_out");
        out.push_str("false");
    }
    out.push('}');
    Bytes::from(out)
}

/// Appends what the page's script asks of a status, for the first time on the page itself; safe inside a
/// `<script>`. The page shows the rest already, and bytes count there: nothing is said of what is not known.
pub(super) fn push_for_script(out: &mut String, status: &Status<'_>) {
    figures(&mut Object::begin(out, Nothing::IsLeftOut), status);
    out.push('}');
}

/// What changes while a visitor waits.
fn figures(object: &mut Object<'_>, status: &Status<'_>) {
    object.text("room", Some(status.room));
    object.text("state", Some(status.state.name()));
    object.text("reason", status.reason.map(Reason::name));
    object.number("position", status.position);
    object.number("ahead", status.ahead);
    object.number("behind", status.behind);
    match status.eta {
        Some(eta) => {
            object.number("eta_seconds\":{\"p50", Some(eta.p50));
            object.number("p90", Some(eta.p90));
            object.out.push('}');
        }
        None => object.number("eta_seconds", None),
    }
    object.number("poll_after_ms", Some(status.poll_after_ms));
    object.text("ticket", status.ticket);
    object.time("claim_deadline", status.claim_deadline_ms);
    object.time("opens_at", status.opens_at_ms);
    object.time("updated_at", Some(status.updated_at_ms));
    object.text("chance", status.chance.map(Chance::name));
    object.number("past_error_s", status.past_error_s);
    match status.work {
        Some(work) => {
            object.text("work\":{\"nonce", Some(work.nonce));
            object.number("bits", Some(work.bits.into()));
            object.out.push('}');
        }
        None => object.text("work", None),
    }
}

/// How a member is written of which nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nothing {
    IsNull,
    IsLeftOut,
}

/// An object being written, up to its last bracket.
struct Object<'o> {
    out: &'o mut String,
    nothing: Nothing,
    separator: char,
}

impl<'o> Object<'o> {
    fn begin(out: &'o mut String, nothing: Nothing) -> Self {
        Self {
            out,
            nothing,
            separator: '{',
        }
    }

    fn name(&mut self, name: &str) {
        self.out.push(self.separator);
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
        self.separator = ',';
    }

    fn member<T>(&mut self, name: &str, value: Option<T>, write: impl FnOnce(&mut String, T)) {
        match value {
            Some(value) => {
                self.name(name);
                write(self.out, value);
            }
            None if self.nothing == Nothing::IsNull => {
                self.name(name);
                self.out.push_str("null");
            }
            None => {}
        }
    }

    fn text(&mut self, name: &str, text: Option<&str>) {
        self.member(name, text, push_json);
    }

    fn number(&mut self, name: &str, number: Option<u64>) {
        self.member(name, number, push_number);
    }

    fn time(&mut self, name: &str, at_ms: Option<u64>) {
        self.member(name, at_ms, |out, at_ms| {
            let at = Duration::from_millis(at_ms);
            out.push('"');
            push_time(out, at, 3);
            out.push('"');
        });
    }
}

/// A time; one past the year 9999 is shown as the end of that year.
pub(super) fn timestamp(at_ms: u64) -> Timestamp {
    i64::try_from(at_ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .unwrap_or(Timestamp::MAX)
}
