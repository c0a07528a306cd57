//! A place moves to another device: `POST handoff` gives the address to open there, `move/<code>` takes the place.
//!
//! Looking at the address changes nothing, since messengers and browsers look at addresses by themselves; the place
//! moves when a person presses the button there.

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue, LOCATION, ORIGIN, REFERER, VARY};
use http::{Method, StatusCode};
use serde_json::json;
use waiting_room::{NotMoved, Outcome};

use super::asking::Asking;
use super::{Facts, told};
use crate::answer::Answer;
use crate::metrics;
use crate::page::moving::{self, Said};
use crate::page::negotiate::Form;
use crate::page::still_url;
use crate::rejection::Rejection;
use crate::rooms::{RESERVED, moment};
use crate::step::identify::{Scheme, authority};

/// Longest address that moves along with a place.
const LONGEST_WANTED: usize = 512;

/// The address by which this visitor's place moves to another device.
pub(super) async fn offer(facts: &Facts<'_>, asking: &Asking<'_>) -> Answer {
    let wanted = wanted(facts);
    let room = &asking.served.room;
    let offered = room.offer_place(asking.asked, wanted, moment()).await;
    let code = match offered {
        Ok(code) => code,
        Err(error) => return refuse(facts, asking, error),
    };
    let scheme = match facts.caller.scheme {
        Scheme::Https => "https",
        Scheme::Http => "http",
    };
    let host = authority(facts.head).unwrap_or_default();
    let room = asking.served.name();
    let url = format!("{scheme}://{host}{RESERVED}{room}/move/{code}");
    match asking.form {
        Form::Json => {
            let body = json!({ "code": code, "url": url }).to_string();
            let kind = HeaderValue::from_static("application/json");
            answer(StatusCode::OK, kind, Bytes::from(body))
        }
        Form::Html => page(asking, (StatusCode::OK, Said::Address(&url))),
    }
}

/// A device opens the address, or takes the place.
pub(super) async fn take(facts: &Facts<'_>, asking: &Asking<'_>, code: &str) -> Answer {
    // Another site must not put its visitors in somebody's place.
    let asks_to = facts.head.method == Method::POST && is_from_here(facts);
    if !asks_to {
        return page(asking, (StatusCode::OK, Said::Question));
    }
    let client = &asking.asked.client;
    let taken = asking.served.room.take_place(code, client, moment()).await;
    let (outcome, wanted) = match taken {
        Ok(taken) => taken,
        Err(error) => return refuse(facts, asking, error),
    };
    let Outcome::Held(held) = &outcome else {
        return told::json(asking, &outcome, StatusCode::OK);
    };
    match asking.form {
        Form::Json => told::json(asking, &outcome, StatusCode::OK),
        Form::Html => {
            let to = still_url(&asking.served.status_url, &wanted);
            let to = HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/"));
            let text = HeaderValue::from_static("text/plain; charset=utf-8");
            let mut answer = answer(StatusCode::SEE_OTHER, text, Bytes::new()).with(LOCATION, to);
            let names = &asking.served.names;
            let tokens = names.ticket_change(asking.told, held.ticket);
            answer.headers.extend(tokens);
            answer.headers.extend(names.no_pass(asking.told));
            answer
        }
    }
}

/// Where the visitor is: the path of the page that asks, if it is one of this site.
pub(super) fn wanted<'r>(facts: &Facts<'r>) -> &'r str {
    let from = text(facts, REFERER).and_then(|url| of_this_site(facts, url));
    from.filter(|path| path.len() <= LONGEST_WANTED && !path.starts_with(RESERVED))
        .unwrap_or("/")
}

pub(super) fn is_from_here(facts: &Facts<'_>) -> bool {
    // A client that does not say is no browser that somebody else's page could use.
    text(facts, ORIGIN).is_none_or(|origin| of_this_site(facts, origin).is_some())
}

/// What follows this site's host in an address.
fn of_this_site<'u>(facts: &Facts<'_>, url: &'u str) -> Option<&'u str> {
    let (_, rest) = url.split_once("://")?;
    let rest = rest.strip_prefix(authority(facts.head)?)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

fn text<'r>(facts: &Facts<'r>, name: HeaderName) -> Option<&'r str> {
    facts.head.headers.get(name)?.to_str().ok()
}

fn refuse(facts: &Facts<'_>, asking: &Asking<'_>, error: NotMoved) -> Answer {
    let (rejection, said) = match error {
        NotMoved::NoPlace => (Rejection::NoPlace, Said::NoPlace),
        NotMoved::Unknown => (Rejection::UnknownCode, Said::Unknown),
        NotMoved::TooMany(wait) => (Rejection::TooManyMoves(wait), Said::NotNow),
        NotMoved::StoreLost => (Rejection::RoomUnavailable, Said::NotNow),
    };
    match asking.form {
        Form::Json => rejection.answer(facts.caller.request_id(), rand::random()),
        Form::Html => page(asking, (rejection.status(), said)),
    }
}

fn page(asking: &Asking<'_>, (status, said): (StatusCode, Said<'_>)) -> Answer {
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let body = moving::page(asking.language(), &asking.served.title, said);
    let mut answer = answer(status, kind, Bytes::from(body));
    answer.headers.extend(moving::headers(asking.language()));
    answer
}

fn answer(status: StatusCode, kind: HeaderValue, body: Bytes) -> Answer {
    Answer::new(status, kind, body, metrics::Outcome::Queued).with(VARY, told::VARIES)
}
