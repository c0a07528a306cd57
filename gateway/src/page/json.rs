//! The status for apps: `application/json`, numbers and names, not sentences.
//!
//! Written by hand: the members are few and fixed, and a poll then costs one allocation.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use crate::text::{push_json, push_number, push_time, push_word};

use super::status::{Chance, Held, Method, Reason, Status};

/// A further member's name as it stands in the object: one piece to copy.
macro_rules! named {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}

/// Enough for every status with a room id of usual length, so that the buffer never grows.
const USUAL_LENGTH: usize = 768;

/// The status as `application/json`: every member, null where nothing is known. A request that wanted to change
/// something gets one more, `"request_carried_out":false`: it has to be sent again once admitted.
pub(crate) fn body(status: &Status<'_>, held: Held) -> Bytes {
    let mut out = String::with_capacity(USUAL_LENGTH);
    let mut object = Object::begin(&mut out, Nothing::IsNull, status.room);
    figures(&mut object, status);
    object.time(named!("called_at"), status.called_at_ms);
    object.word(named!("method"), Some(Method::name(status.method)));
    object.text(named!("commitment"), status.commitment);
    object.text(named!("draw_list"), status.draw_list);
    object.text(named!("message"), status.message);
    object.text(named!("log_head"), status.log_head);
    object.text(named!("handoff_url"), status.handoff_url);
    if held == Held::Change {
        out.push_str(named!("request_carried_out"));
        out.push_str("false");
    }
    out.push('}');
    Bytes::from(out)
}

/// Appends what the page's script asks of a status, for the first time on the page itself; safe inside a
/// `<script>`. The page shows the rest already, and bytes count there: nothing is said of what is not known.
pub(super) fn push_for_script(out: &mut String, status: &Status<'_>) {
    let mut object = Object::begin(out, Nothing::IsLeftOut, status.room);
    figures(&mut object, status);
    out.push('}');
}

/// What changes while a visitor waits.
fn figures(object: &mut Object<'_>, status: &Status<'_>) {
    object.word(named!("state"), Some(status.state.name()));
    object.word(named!("reason"), status.reason.map(Reason::name));
    object.number(named!("position"), status.position);
    object.number(named!("ahead"), status.ahead);
    object.number(named!("behind"), status.behind);
    match status.eta {
        Some(eta) => {
            object.number(named!("eta_seconds\":{\"p50"), Some(eta.p50));
            object.number(named!("p90"), Some(eta.p90));
            object.out.push('}');
        }
        None => object.number(named!("eta_seconds"), None),
    }
    object.number(named!("poll_after_ms"), Some(status.poll_after_ms));
    object.text(named!("ticket"), status.ticket);
    object.time(named!("claim_deadline"), status.claim_deadline_ms);
    object.time(named!("opens_at"), status.opens_at_ms);
    object.time(named!("updated_at"), Some(status.updated_at_ms));
    object.word(named!("chance"), status.chance.map(Chance::name));
    object.number(named!("past_error_s"), status.past_error_s);
    match status.work {
        Some(work) => {
            object.text(named!("work\":{\"nonce"), Some(work.nonce));
            object.number(named!("bits"), Some(work.bits.into()));
            object.out.push('}');
        }
        None => object.text(named!("work"), None),
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
}

impl<'o> Object<'o> {
    /// With its first member, which is always there.
    fn begin(out: &'o mut String, nothing: Nothing, room: &str) -> Self {
        out.push_str("{\"room\":");
        push_json(out, room);
        Self { out, nothing }
    }

    /// `name` is one that is [`named`].
    fn member<T>(&mut self, name: &str, value: Option<T>, write: impl FnOnce(&mut String, T)) {
        match value {
            Some(value) => {
                self.out.push_str(name);
                write(self.out, value);
            }
            None if self.nothing == Nothing::IsNull => {
                self.out.push_str(name);
                self.out.push_str("null");
            }
            None => {}
        }
    }

    /// A name of ours.
    fn word(&mut self, name: &str, word: Option<&str>) {
        self.member(name, word, push_word);
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
