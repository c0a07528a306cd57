//! The room's own addresses under `/.fluxgate/<room>/`: `status`, `claim`, `leave`, `handoff` and `move` for
//! visitors, `visit` for the origin.
//!
//! They answer JSON to scripts and apps, and pages to browsers without scripts.

use bytes::Bytes;
use http::header::{ALLOW, HeaderValue, LOCATION, VARY};
use http::{Method, StatusCode};
use waiting_room::{Outcome, State};

use super::asking::Asking;
use super::rules::{self, Decision};
use super::{Facts, denied, moving, published, told};
use crate::answer::Answer;
use crate::metrics;
use crate::page::negotiate::Form;
use crate::page::original_of_still;
use crate::rejection::Rejection;
use crate::rooms::{Served, Word, X_FLUXGATE_VISIT, moment};

/// Answers a request to `address`, what follows `/.fluxgate/`.
pub(super) async fn answer(facts: &Facts<'_>, address: &str) -> Answer {
    let found = address.split_once('/').and_then(|(name, verb)| {
        let mut rooms = facts.tenant.rooms.iter();
        Some((rooms.find(|served| served.name().as_str() == name)?, verb))
    });
    let Some((served, verb)) = found else {
        return nothing_here(facts);
    };
    if rules::decide(served.rules(), facts) == Decision::Deny {
        return denied(served, facts);
    }
    let mut asking = Asking::of(facts, served);
    // No form of the shop's comes here, so none can be lost.
    asking.is_safe = true;
    let method = &facts.head.method;
    match verb {
        "status" if matches!(*method, Method::GET | Method::HEAD) => status(facts, &asking).await,
        "claim" if *method == Method::POST => claim(&asking).await,
        "leave" if *method == Method::POST => leave(facts, &asking).await,
        "visit" if *method == Method::POST => visit(facts, served),
        "handoff" if *method == Method::POST => moving::offer(facts, &asking).await,
        "log" if matches!(*method, Method::GET | Method::HEAD) => {
            let published = published::log(served).await;
            published.unwrap_or_else(|| not_now(facts))
        }
        "lottery" if matches!(*method, Method::GET | Method::HEAD) => {
            let published = published::lottery(&asking).await;
            published.unwrap_or_else(|| match served.room.snapshot() {
                Some(_) => nothing_here(facts),
                None => not_now(facts),
            })
        }
        "status" | "log" | "lottery" => not_allowed("GET, HEAD"),
        "claim" | "leave" | "visit" | "handoff" => not_allowed("POST"),
        _ => match verb.strip_prefix("move/") {
            Some(code) if matches!(*method, Method::GET | Method::HEAD | Method::POST) => {
                moving::take(facts, &asking, code).await
            }
            Some(_) => not_allowed("GET, HEAD, POST"),
            None => nothing_here(facts),
        },
    }
}

/// A poll. Asked for as a page it is the one that does not refresh by itself: its query says where the
/// visitor wanted to go.
async fn status(facts: &Facts<'_>, asking: &Asking<'_>) -> Answer {
    let outcome = asking.served.room.status(asking.asked, moment()).await;
    if asking.form == Form::Json {
        return told::json(asking, &outcome, StatusCode::OK);
    }
    let original = facts.head.uri.query().and_then(original_of_still);
    let original = original.as_deref().unwrap_or("/");
    match outcome {
        Outcome::Admitted(admitted) => {
            let mut answer = redirect(original);
            answer.headers.extend(asking.new_tokens(&admitted));
            answer
        }
        Outcome::Held(held) => told::still(asking, &held, original),
    }
}

/// The visible act of coming in.
async fn claim(asking: &Asking<'_>) -> Answer {
    let outcome = asking.served.room.claim(asking.asked, moment()).await;
    let status = match outcome {
        Outcome::Admitted(_) => StatusCode::OK,
        Outcome::Held(_) => StatusCode::CONFLICT,
    };
    told::json(asking, &outcome, status)
}

async fn leave(facts: &Facts<'_>, asking: &Asking<'_>) -> Answer {
    // Another site must not throw this one's visitors out.
    if !moving::is_from_here(facts) {
        return Rejection::Denied.answer(facts.caller.request_id(), rand::random());
    }
    let outcome = asking.served.room.leave(asking.asked, moment()).await;
    let left = match &outcome {
        Outcome::Held(held) if held.status.state == State::Left => held,
        Outcome::Held(_) | Outcome::Admitted(_) => {
            return told::json(asking, &outcome, StatusCode::SERVICE_UNAVAILABLE);
        }
    };
    let mut answer = match asking.form {
        Form::Json => told::json(asking, &outcome, StatusCode::OK),
        Form::Html => told::still(asking, left, moving::wanted(facts)),
    };
    // Some clients forget only one of two cookies that an answer takes away.
    if asking.asked.presented.pass.is_some() {
        let gone = asking.served.names.no_pass(asking.told);
        answer.headers.extend(gone);
    }
    answer
}

const UNSIGNED: &str = "X-Fluxgate-Visit does not say `done` with the origin's signature";

/// The origin says, beside any answer of its own, that a visit is over.
fn visit(facts: &Facts<'_>, served: &Served) -> Answer {
    let said = facts.head.headers.get(X_FLUXGATE_VISIT);
    match said.and_then(|said| served.visits.read(said)) {
        Some((number, Word::Done)) => {
            served.room.release(number);
            let text = HeaderValue::from_static("text/plain; charset=utf-8");
            Answer::new(
                StatusCode::NO_CONTENT,
                text,
                Bytes::new(),
                metrics::Outcome::Queued,
            )
        }
        _ => Rejection::BadRequest(UNSIGNED).answer(facts.caller.request_id(), rand::random()),
    }
}

/// Only to a path of this very host: whatever else an address says is taken for `/`.
pub(super) fn redirect(original: &str) -> Answer {
    let is_path = original.starts_with('/')
        && !original.starts_with("//")
        && !original.starts_with("/\\")
        && original.bytes().all(|byte| byte.is_ascii_graphic());
    let to = if is_path { original } else { "/" };
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    Answer::new(
        StatusCode::SEE_OTHER,
        text,
        Bytes::new(),
        metrics::Outcome::Queued,
    )
    .with(LOCATION, to)
    .with(VARY, told::VARIES)
}

fn nothing_here(facts: &Facts<'_>) -> Answer {
    Rejection::NoRoute.answer(facts.caller.request_id(), rand::random())
}

fn not_now(facts: &Facts<'_>) -> Answer {
    Rejection::RoomUnavailable.answer(facts.caller.request_id(), rand::random())
}

fn not_allowed(allowed: &'static str) -> Answer {
    let problem = HeaderValue::from_static("application/problem+json");
    let body = r#"{"type":"about:blank","title":"This address takes another method","status":405,"code":"method_not_allowed"}"#;
    let body = Bytes::from_static(body.as_bytes());
    Answer::new(
        StatusCode::METHOD_NOT_ALLOWED,
        problem,
        body,
        metrics::Outcome::Queued,
    )
    .with(ALLOW, HeaderValue::from_static(allowed))
}
