//! Operators and their rooms: `GET /admin/rooms`, `GET` and `POST /admin/rooms/{tenant}/{room}`, its
//! `GET …/history`, and `GET …/tickets/{code}` for a help desk.
//!
//! A `POST` is one order as JSON with the operator's name, as in `{"order":"pause","on":true,"by":"kim"}`; it stands
//! for the whole fleet within a tick, is kept in the room's store and written to the line's log.

mod history;
mod members;
mod ticket;

use std::sync::Arc;

use http::{Method, StatusCode};
use policies::admission::adaptive::Unit;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use waiting_room::line::Line;
use waiting_room::orders::{MOST_FIRST, Order, Word};
use waiting_room::room::Gauges;
use waiting_room::{Footing, NotTaken, Number, Timestamp};

use crate::live::Live;
use crate::rooms::{Served, now};

use members::Members;

/// Longest body of an order, in bytes.
pub(super) const LONGEST_BODY: usize = 16 * 1024;

/// An answer: status and JSON.
pub(super) type Answer = (StatusCode, Value);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    /// The code that its holder reads off the page; or its number in the line's log.
    ticket: Option<String>,
    number: Option<u64>,
    reason: String,
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    code: &'a str,
}

/// Answers a request to `path`, what follows `/admin/rooms`, with its query.
pub(super) async fn answer(
    live: &Live,
    method: &Method,
    (path, query): (&str, &str),
    body: &[u8],
) -> Answer {
    let reads = *method == Method::GET || *method == Method::HEAD;
    if path.is_empty() || path == "/" {
        if !reads {
            return not_allowed("only GET: an order is for one room");
        }
        let served = live.tenants().flat_map(|tenant| &tenant.rooms);
        let rooms: Vec<Value> = served.map(|served| state(served)).collect();
        return (StatusCode::OK, json!({ "rooms": rooms }));
    }
    let mut parts = path.split('/').skip(1);
    let [tenant, room] = [parts.next(), parts.next()].map(Option::unwrap_or_default);
    let Some(served) = live.room(tenant, room) else {
        let title = "no room of this name";
        return problem(StatusCode::NOT_FOUND, "unknown_room", title);
    };
    match [parts.next(), parts.next(), parts.next()] {
        [None, ..] if reads => (StatusCode::OK, state(served)),
        [None, ..] if *method == Method::POST => order(served, body).await,
        [None, ..] => not_allowed("GET or POST"),
        [Some("history"), None, _] if reads => history::answer(served, query),
        [Some("tickets"), Some(code), None] if reads => ticket::answer(served, code),
        [Some("history"), None, _] | [Some("tickets"), Some(_), None] => not_allowed("only GET"),
        _ => problem(
            StatusCode::NOT_FOUND,
            "not_found",
            "a room has its history and its tickets",
        ),
    }
}

fn not_allowed(title: &str) -> Answer {
    problem(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", title)
}

async fn order(served: &Arc<Served>, body: &[u8]) -> Answer {
    let invalid = |title: &str| problem(StatusCode::BAD_REQUEST, "invalid_order", title);
    let Members(mut said) = match serde_json::from_slice(body) {
        Ok(said) => said,
        Err(error) => return invalid(&format!("not an order: {error}")),
    };
    let Some(Value::String(by)) = said.remove("by") else {
        return invalid("not an order: `by` says who gives it");
    };
    let word = match word(served, said) {
        Ok(word) => word,
        Err(title) => return invalid(&title),
    };
    if let Err(title) = allowed(served, &word) {
        return invalid(title);
    }
    let order = match Order::new(rand::random(), now(), &by, word) {
        Ok(order) => order,
        Err(error) => return invalid(&error.to_string()),
    };
    let taken = served.room.order(&order).await;
    if taken == Err(NotTaken::Said) {
        return invalid(OTHER_BEACON);
    }
    if let Err(error) = taken {
        tracing::warn!(
            tenant = %served.tenant(), room = %served.name(), by = %order.by, order = ?order.word, %error,
            "an order was not taken"
        );
        return problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "store_lost",
            "the room's store does not answer; the order may stand all the same",
        );
    }
    tracing::info!(
        tenant = %served.tenant(), room = %served.name(), by = %order.by, order = ?order.word, "an order"
    );
    (StatusCode::OK, json!({ "taken": shown(served, &order) }))
}

/// An order as operators read it: a ticket by its number in the line's log.
fn shown(served: &Served, order: &Order) -> Value {
    let mut order = order.clone();
    if let (Word::First { number, .. }, Some(seen)) = (&mut order.word, served.room.snapshot()) {
        *number = number.saturating_sub(seen.line.id.0);
    }
    json!(order)
}

const OTHER_BEACON: &str = "another value was said for this draw, and the first one counts";

/// What makes sense for this room at this time.
fn allowed(served: &Served, word: &Word) -> Result<(), &'static str> {
    match word {
        Word::First { number, .. } => {
            let seen = served.room.snapshot();
            let standing = seen.as_ref().map_or(0, |seen| seen.orders.firsts().len());
            match seen.is_some_and(|seen| seen.may_be_first(Number(*number))) {
                _ if standing >= MOST_FIRST => Err("too many tickets wait to be called first"),
                true => Ok(()),
                false => Err("nobody waits in the line with this ticket"),
            }
        }
        Word::Beacon { opens_at, value } => {
            let seen = served.room.snapshot();
            let said = seen
                .as_ref()
                .and_then(|seen| seen.orders.beacon(Timestamp(*opens_at)));
            if said.is_some_and(|said| said != value) {
                return Err(OTHER_BEACON);
            }
            let lot = seen.as_ref().and_then(|seen| seen.line.lot.as_ref());
            let lot = lot.filter(|lot| lot.opens_at.0 == *opens_at);
            let event = served.rules().schedule.event(*opens_at);
            let said = event.is_some_and(|event| event.beacon.is_some());
            match lot {
                None if !said => Err("no lottery with a beacon opens then"),
                Some(lot) if lot.beacon_name.is_none() => {
                    Err("no lottery with a beacon opens then")
                }
                Some(lot) if lot.drawn.is_some() => Err("it was drawn"),
                _ if event.is_none_or(|event| event.closes_at <= now().0) => {
                    Err("its event is over")
                }
                Some(lot) if lot.digest.is_some() => Ok(()),
                _ => {
                    Err("its list is not public yet: a value that was known before proves nothing")
                }
            }
        }
        _ => Ok(()),
    }
}

/// The order itself.
fn word(served: &Served, mut said: Map<String, Value>) -> Result<Word, String> {
    let invalid = |error| format!("not an order: {error}");
    if said.get("order").and_then(Value::as_str) != Some("first") {
        return serde_json::from_value(Value::Object(said)).map_err(invalid);
    }
    said.remove("order");
    let first: First = serde_json::from_value(Value::Object(said)).map_err(invalid)?;
    let unknown = "no ticket of the present line has this code";
    let number = match (&first.ticket, first.number) {
        (Some(code), None) => served.room.number_of(code).ok_or(unknown)?.0,
        (None, Some(number)) => {
            let seen = served.room.snapshot().ok_or("the room is starting")?;
            seen.line.id.0.saturating_add(number)
        }
        _ => return Err("say whose: `ticket`, or `number`".to_owned()),
    };
    let reason = first.reason;
    Ok(Word::First { number, reason })
}

/// How a room stands.
fn state(served: &Served) -> Value {
    let gauges = served.room.gauges(now());
    let name = json!({ "tenant": served.tenant().as_str(), "room": served.name().as_str() });
    let Some(seen) = served.room.snapshot() else {
        return json!({ "name": name, "state": "starting" });
    };
    let line = &seen.line;
    let limit = |limit: u32| (limit > 0).then_some(limit);
    let standing = seen.orders.standing(now());
    json!({
        "name": name,
        "line": line.id.0,
        "why": why(served, line, &gauges),
        "opens_at": line.opens_at.map(|at| at.0),
        "event": served.rules().schedule.events().iter().find(|event| now().0 < event.closes_at).map(|event| json!({
            "prequeue_at": event.prequeue_at,
            "opens_at": event.opens_at,
            "closes_at": event.closes_at,
            "method": event.method.name(),
            "beacon": event.beacon,
        })),
        "takes_newcomers": !line.is_shut,
        "limits": { "active": limit(line.limits[0]), "per_minute": limit(line.limits[1]) },
        "in_force": in_force(line, &gauges),
        "share": served.rules().share.as_ref().map(|share| json!({
            "of": share.as_str(),
            "may": gauges.may_by_kind().collect::<std::collections::BTreeMap<_, _>>(),
        })),
        "waiting": gauges.waiting,
        "late": line.late.count,
        "inside_or_called": gauges.occupied,
        "reserved": gauges.reserved,
        "called_last_minute": gauges.called_last_minute,
        "per_second": line.pace.per_second,
        "past_error_ms": gauges.past_error_ms,
        "stock": gauges.stock,
        "tick_age_ms": gauges.tick_age_ms,
        "given": seen.next.since(Number(line.id.0)),
        "snapshot_age_ms": gauges.snapshot_age_ms,
        "log_head": line.log.to_string(),
        "orders": standing.map(|order| shown(served, order)).collect::<Vec<_>>(),
        "lottery": line.lot.as_ref().map(|lot| json!({
            "opens_at": lot.opens_at.0,
            "count": lot.count(),
            "digest": lot.digest.map(|digest| digest.to_string()),
            "beacon": lot.drawn.as_ref().and_then(|drawn| drawn.beacon.clone()),
        })),
    })
}

/// Why nobody or fewer are called, as far as this gateway knows.
fn why(served: &Served, line: &Line, gauges: &Gauges) -> Option<&'static str> {
    let is_all_taken =
        gauges.waiting > 0 && gauges.stock.is_some_and(|left| left <= gauges.occupied);
    match served.room.footing() {
        Footing::WrongClock => Some("wrong_clock"),
        Footing::None => Some("store_lost"),
        Footing::Firm => match line.why {
            Some(why) => Some(why.name()),
            None => is_all_taken.then_some("stock"),
        },
    }
}

/// The lowest of all that bounds the line now, and what that is: `capacity`, `stock`, `adaptive` or `share`.
fn in_force(line: &Line, gauges: &Gauges) -> Value {
    let least = |bounds: [(&'static str, Option<u32>); 4]| {
        let said = bounds
            .into_iter()
            .filter_map(|(by, most)| Some((most?, by)));
        let (most, by) = said.min_by_key(|(most, _)| *most).unzip();
        json!({ "most": most, "by": by })
    };
    let own = |limit: u32| (limit > 0).then_some(limit);
    let adaptive = |unit| {
        let limit = line.adaptive.filter(|limit| limit.unit() == unit);
        limit.map(|limit| limit.get())
    };
    let share = |kind: usize| line.may.map(|may| may[kind]).filter(|may| *may < u32::MAX);
    let stock = gauges
        .stock
        .map(|left| u32::try_from(left).unwrap_or(u32::MAX));
    json!({
        "active": least([
            ("capacity", own(line.limits[0])),
            ("stock", stock),
            ("adaptive", adaptive(Unit::Seats)),
            ("share", share(0)),
        ]),
        "per_minute": least([
            ("capacity", own(line.limits[1])),
            ("stock", None),
            ("adaptive", adaptive(Unit::PerMinute)),
            ("share", share(1)),
        ]),
    })
}

/// What is wrong, as RFC 9457 has it, with a stable code.
pub(super) fn problem(status: StatusCode, code: &str, title: &str) -> Answer {
    let problem = Problem {
        r#type: "about:blank",
        title,
        status: status.as_u16(),
        code,
    };
    (status, json!(problem))
}
