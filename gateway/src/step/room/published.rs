//! What anybody may read to check a room: `/.fluxgate/<room>/log`, the end of its log, and `/.fluxgate/<room>/lottery`.

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderValue;
use serde_json::json;
use waiting_room::{Announced, Timestamp};

use super::asking::Asking;
use crate::answer::Answer;
use crate::metrics;
use crate::rooms::{Served, now};

/// The log's end is read from the store at most once in this time, however many ask.
const LOG_FOR_MS: u64 = 2_000;

/// The last entries of the log, one a line; none if they could not be read yet: an empty log would be a lie.
pub(super) async fn log(served: &Served) -> Option<Answer> {
    let mut kept = served.log_end.lock().await;
    if kept.0.0.abs_diff(now().0) >= LOG_FOR_MS {
        match served.room.log_end().await {
            Ok(entries) => {
                let mut text = entries.join("\n");
                text.push('\n');
                *kept = (now(), Some(Bytes::from(text)));
            }
            Err(error) => {
                tracing::debug!(%error, "the end of the log cannot be read");
                // All who ask meanwhile get the old one, rather than to wait for the store one after the other.
                kept.0 = now();
            }
        }
    }
    let text = kept.1.clone()?;
    Some(answer("application/jsonl; charset=utf-8", text))
}

/// The lottery: what it is bound by before it is drawn; afterwards its record, with the proof of the visitor's own
/// ticket, and what binds the next.
pub(super) async fn lottery(asking: &Asking<'_>) -> Option<Answer> {
    let room = &asking.served.room;
    let published = room.lottery(asking.asked, now(), rfc3339).await?;
    let announced = |of: &Announced| {
        json!({
            "opens_at": rfc3339(of.opens_at),
            "commitment": of.commitment.to_string(),
            "beacon_name": of.beacon_name,
        })
    };
    let body = match (&published.record, &published.next) {
        (Some(record), None) => record.to_json(),
        (Some(record), Some(next)) => {
            json!({ "record": record, "next": announced(next) }).to_string()
        }
        (None, next) => {
            let of = published.present.as_ref().or(next.as_ref())?;
            let mut body = announced(of);
            body["count"] = json!(published.list.map(|(count, _)| count));
            body["digest"] = json!(published.list.map(|(_, digest)| digest.to_string()));
            body.to_string()
        }
    };
    Some(answer("application/json", Bytes::from(body)))
}

fn rfc3339(at: Timestamp) -> String {
    let ms = i64::try_from(at.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms)
        .unwrap_or(jiff::Timestamp::MAX)
        .to_string()
}

fn answer(kind: &'static str, body: Bytes) -> Answer {
    let kind = HeaderValue::from_static(kind);
    Answer::new(StatusCode::OK, kind, body, metrics::Outcome::Queued)
}
