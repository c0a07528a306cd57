//! The JSON of one line, written by hand: the shape is fixed and this is on every request's path.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::Record;
use crate::text::{hex, push_json, push_number, push_time};

/// The longest user agent that is kept; the rest is cut.
const USER_AGENT_MAX: usize = 200;

/// Appends one line with its newline.
pub(super) fn line(out: &mut String, record: &Record<'_>) {
    out.push_str(r#"{"ts":""#);
    push_time(out, record.since_epoch, 6);
    out.push_str(r#"","request_id":"#);
    push_json(out, record.request_id);
    out.push_str(r#","trace_id":""#);
    let mut digits = [0; 32];
    hex(&record.trace_id, &mut digits);
    out.push_str(str::from_utf8(&digits).unwrap_or_default());
    out.push_str(r#"","tenant":"#);
    push_json(out, record.tenant);
    if let Some(client) = record.client {
        out.push_str(r#","client":""#);
        address(out, client);
        out.push('"');
    }
    out.push_str(r#","method":"#);
    push_json(out, record.method);
    out.push_str(r#","host":"#);
    push_json(out, record.host);
    out.push_str(r#","path":"#);
    push_json(out, record.path);
    out.push_str(r#","user_agent":"#);
    push_json(out, cut(record.user_agent));
    out.push_str(r#","status":"#);
    push_number(out, record.status.into());
    out.push_str(r#","outcome":""#);
    out.push_str(record.outcome.as_str());
    out.push_str(r#"","bytes":"#);
    push_number(out, record.bytes as u64);
    out.push_str(r#","us":"#);
    push_number(
        out,
        u64::try_from(record.took.as_micros()).unwrap_or(u64::MAX),
    );
    out.push_str(r#","config":"#);
    push_number(out, record.config);
    if let Some(upstream) = record.upstream {
        out.push_str(r#","upstream":""#);
        out.push_str(upstream);
        out.push_str(r#"","tries":"#);
        push_number(out, record.tries.into());
    }
    out.push_str("}\n");
}

fn address(out: &mut String, address: IpAddr) {
    let IpAddr::V4(v4) = address else {
        write!(out, "{address}").expect("a String takes any write");
        return;
    };
    for (place, part) in v4.octets().into_iter().enumerate() {
        if place > 0 {
            out.push('.');
        }
        push_number(out, part.into());
    }
}

fn cut(text: &str) -> &str {
    match text.len() > USER_AGENT_MAX {
        true => &text[..text.floor_char_boundary(USER_AGENT_MAX)],
        false => text,
    }
}
