//! `GET /admin/rooms/{tenant}/{room}/history?from=&step=`: the last day in columns, for charts.

use http::StatusCode;
use serde_json::{Value, json};
use waiting_room::Timestamp;
use waiting_room::history::{Columns, MINUTES, Span};

use super::{Answer, problem};
use crate::rooms::{Served, now};

const MINUTE_S: u64 = 60;
const DAY_S: u64 = MINUTES as u64 * MINUTE_S;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    from: Option<Timestamp>,
    /// In minutes.
    step: u32,
}

pub(super) fn answer(served: &Served, query: &str) -> Answer {
    match read(query) {
        Ok(asked) => {
            let to = now();
            let from = asked.from.unwrap_or(Timestamp(0));
            let columns = served.room.history(from, to, asked.step);
            (StatusCode::OK, columns_of(served, &columns))
        }
        Err(title) => problem(StatusCode::BAD_REQUEST, "invalid_history", &title),
    }
}

fn read(query: &str) -> Result<Asked, String> {
    let mut asked = Asked {
        from: None,
        step: 1,
    };
    // Names and numbers: nothing here needs to be escaped.
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| format!("`{name}` is a whole number"))
        };
        match name {
            "from" => asked.from = Some(Timestamp(number()?)),
            "step" => {
                let seconds = number()?;
                if !(MINUTE_S..=DAY_S).contains(&seconds) || seconds % MINUTE_S != 0 {
                    return Err("`step` is in seconds: whole minutes, at most a day".to_owned());
                }
                asked.step = u32::try_from(seconds / MINUTE_S).unwrap_or(u32::MAX);
            }
            other => return Err(format!("unknown parameter `{other}`: from and step")),
        }
    }
    Ok(asked)
}

fn columns_of(served: &Served, columns: &Columns) -> Value {
    let column = |read: fn(&Span) -> Value| -> Value {
        let spans = columns.spans.iter();
        spans
            .map(|span| span.as_ref().map_or(Value::Null, read))
            .collect()
    };
    json!({
        "name": { "tenant": served.tenant().as_str(), "room": served.name().as_str() },
        "from": columns.from.0,
        "step": columns.step.as_secs(),
        "arrivals": column(|span| json!(span.arrivals)),
        "waiting": column(|span| json!(span.waiting)),
        "called": column(|span| json!(span.called)),
        "claimed": column(|span| json!(span.claimed)),
        "lapsed": column(|span| json!(span.lapsed)),
        "left": column(|span| json!(span.left)),
        "active": column(|span| json!(span.active)),
        "limit": column(|span| json!((span.limit > 0).then_some(span.limit))),
        "rate": column(|span| json!(f64::from(span.pace) / 10.0)),
        "origin_p95_ms": column(|span| json!(span.origin_p95_ms)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read() {
        let all = Asked {
            from: None,
            step: 1,
        };
        assert_eq!(read(""), Ok(all));
        let some = Asked {
            from: Some(Timestamp(1_790_000_000_000)),
            step: 5,
        };
        assert_eq!(read("from=1790000000000&step=300"), Ok(some));
    }

    #[test]
    fn nonsense_is_refused() {
        for query in [
            "step=30",
            "step=90",
            "step=90000",
            "from=yesterday",
            "until=3",
        ] {
            assert!(read(query).is_err(), "{query}");
        }
    }
}
