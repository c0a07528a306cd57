//! The status for apps: `application/json`, numbers not sentences.
//!
//! Written by hand: the members are few and fixed, and a poll then costs one allocation.

use std::fmt::Write as _;

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    escape::push_json,
    status::{Held, Status},
};

/// Enough for every status with a room id of usual length, so that the buffer never grows.
const USUAL_LENGTH: usize = 512;

/// The status as `application/json`. A request that wanted to change something gets one member more,
/// `"request_carried_out":false`: it has to be sent again once admitted.
pub(crate) fn body(status: &Status<'_>, held: Held) -> Bytes {
    let mut out = String::with_capacity(USUAL_LENGTH);
    push(&mut out, status, held);
    Bytes::from(out)
}

/// Appends the object; safe inside a `<script>` too.
pub(super) fn push(out: &mut String, status: &Status<'_>, held: Held) {
    out.push_str("{\"room\":");
    push_json(out, status.room);
    out.push_str(",\"state\":");
    push_json(out, status.state.name());
    out.push_str(",\"reason\":");
    push_text(out, status.reason.map(super::Reason::name));
    push_number(out, "position", status.position);
    push_number(out, "ahead", status.ahead);
    push_number(out, "behind", status.behind);
    match status.eta {
        Some(eta) => {
            push_number(out, "eta_seconds\":{\"p50", Some(eta.p50));
            push_number(out, "p90", Some(eta.p90));
            out.push('}');
        }
        None => out.push_str(",\"eta_seconds\":null"),
    }
    push_number(out, "poll_after_ms", Some(status.poll_after_ms));
    out.push_str(",\"ticket\":");
    push_text(out, status.ticket);
    push_time(out, "called_at", status.called_at_ms);
    push_time(out, "claim_deadline", status.claim_deadline_ms);
    push_time(out, "opens_at", status.opens_at_ms);
    push_time(out, "updated_at", Some(status.updated_at_ms));
    if held == Held::Change {
        out.push_str(",\"request_carried_out\":false");
    }
    out.push('}');
}

fn push_text(out: &mut String, text: Option<&str>) {
    match text {
        Some(text) => push_json(out, text),
        None => out.push_str("null"),
    }
}

fn push_number(out: &mut String, name: &str, number: Option<u64>) {
    match number {
        Some(number) => write!(out, ",\"{name}\":{number}"),
        None => write!(out, ",\"{name}\":null"),
    }
    .expect("a String takes any write");
}

fn push_time(out: &mut String, name: &str, at_ms: Option<u64>) {
    match at_ms {
        Some(at_ms) => write!(out, ",\"{name}\":\"{:.3}\"", timestamp(at_ms)),
        None => write!(out, ",\"{name}\":null"),
    }
    .expect("a String takes any write");
}

/// A time; one past the year 9999 is shown as the end of that year.
pub(super) fn timestamp(at_ms: u64) -> Timestamp {
    i64::try_from(at_ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .unwrap_or(Timestamp::MAX)
}
