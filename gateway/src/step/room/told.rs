//! The room's outcome as an answer: a page or JSON, with the tokens and the headers that belong to it.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, VARY};
use waiting_room::chance::Chance;
use waiting_room::snapshot::Snapshot;
use waiting_room::standing::Why;
use waiting_room::status::Work;
use waiting_room::{self as room, Code, Held, Outcome, Timestamp};

use super::asking::Asking;
use crate::answer::Answer;
use crate::metrics;
use crate::page::negotiate::Form;
use crate::page::{self, Refresh, Visit, json, still_url};
use crate::rooms::now;

/// What an answer of the room depends on besides its address.
pub(super) const VARIES: HeaderValue = HeaderValue::from_static("Accept, Accept-Language, Cookie");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The answer to a request that was held: what the visitor gets instead of what it asked for.
pub(super) fn instead(asking: &Asking<'_>, held: &Held) -> Answer {
    let code = asking.served.rules().queued_status;
    let answer = match asking.form {
        Form::Json => {
            let known = Known::of(asking, held);
            let body = json::body(&status(asking, held, &known), met(asking));
            let answer = Answer::new(code, JSON, body, metrics::Outcome::Queued);
            with_tokens(answer, asking, held)
        }
        Form::Html => {
            let stop = still_url(&asking.served.status_url, asking.original);
            let sight = Sight {
                original: asking.original,
                refresh: Refresh::Itself { stop: &stop },
            };
            html(asking, held, (&sight, code))
        }
    };
    answer
        .with(RETRY_AFTER, seconds(held.status.poll_after))
        .with(VARY, VARIES)
}

/// The page that does not refresh by itself.
pub(super) fn still(asking: &Asking<'_>, held: &Held, original: &str) -> Answer {
    let sight = Sight {
        original,
        refresh: Refresh::OnRequest,
    };
    html(asking, held, (&sight, StatusCode::OK)).with(VARY, VARIES)
}

/// The status as JSON, with the tokens that came with it.
pub(super) fn json(asking: &Asking<'_>, outcome: &Outcome, code: StatusCode) -> Answer {
    match outcome {
        Outcome::Held(held) => {
            let known = Known::of(asking, held);
            let body = json::body(&status(asking, held, &known), page::Held::Reading);
            let answer = Answer::new(code, JSON, body, metrics::Outcome::Queued).with(VARY, VARIES);
            with_tokens(answer, asking, held)
        }
        Outcome::Admitted(admitted) => {
            let body = json::body(&inside(asking), page::Held::Reading);
            let mut answer =
                Answer::new(code, JSON, body, metrics::Outcome::Queued).with(VARY, VARIES);
            answer.headers.extend(asking.new_tokens(admitted));
            answer
        }
    }
}

/// What a page shows besides the status.
struct Sight<'a> {
    original: &'a str,
    refresh: Refresh<'a>,
}

fn html(asking: &Asking<'_>, held: &Held, (sight, code): (&Sight<'_>, StatusCode)) -> Answer {
    let served = asking.served;
    let known = Known::of(asking, held);
    let pages = &served.pages;
    let visit = Visit {
        status: status(asking, held, &known),
        room_name: &served.title,
        status_url: &served.status_url,
        claim_url: &served.claim_url,
        leave_url: Some(&served.leave_url),
        original: sight.original,
        held: met(asking),
        refresh: sight.refresh,
    };
    let body = pages.body(asking.language(), &visit);
    let mut answer = Answer::new(code, HTML, body, metrics::Outcome::Queued);
    let headers = pages.headers(asking.language(), &visit.status).iter();
    answer
        .headers
        .extend(headers.filter(|(name, _)| *name != CONTENT_TYPE).cloned());
    with_tokens(answer, asking, held)
}

fn with_tokens(mut answer: Answer, asking: &Asking<'_>, held: &Held) -> Answer {
    answer
        .headers
        .extend(asking.served.names.ticket_change(asking.told, held.ticket));
    answer
}

fn met(asking: &Asking<'_>) -> page::Held {
    match asking.is_safe {
        true => page::Held::Reading,
        false => page::Held::Change,
    }
}

fn status<'a>(asking: &Asking<'a>, held: &Held, known: &'a Known) -> page::Status<'a> {
    let said = &held.status;
    let seen = known.seen.as_deref();
    let is_drawn_later = said.in_draw && seen.is_some_and(awaits_a_draw);
    page::Status {
        room: asking.served.name().as_str(),
        state: match said.state {
            room::State::NotOpen => page::State::NotOpen,
            room::State::Waiting => page::State::Waiting,
            room::State::Paused => page::State::Paused,
            room::State::Called => page::State::Called,
            room::State::Admitted => page::State::Admitted,
            room::State::SoldOut => page::State::SoldOut,
            room::State::Closed => page::State::Closed,
            room::State::Left => page::State::Left,
        },
        reason: said.reason.map(reason),
        position: said.position().map(u64::from),
        ahead: said.ahead.map(u64::from),
        behind: said.behind.map(u64::from),
        eta: said.eta.map(|eta| page::Eta {
            p50: eta.p50.as_secs(),
            p90: eta.p90.as_secs(),
        }),
        poll_after_ms: u64::try_from(said.poll_after.as_millis()).unwrap_or(u64::MAX),
        ticket: known.code.as_ref().map(Code::as_str),
        called_at_ms: said.called_at.map(|Timestamp(at)| at),
        claim_deadline_ms: said.claim_until.map(|Timestamp(at)| at),
        opens_at_ms: said.opens_at.map(|Timestamp(at)| at),
        updated_at_ms: said.updated_at.0,
        chance: said.chance.map(|chance| match chance {
            Chance::Likely => page::Chance::Likely,
            Chance::Possible => page::Chance::Possible,
            Chance::Unlikely => page::Chance::Unlikely,
            Chance::NoneLeft => page::Chance::NoneLeft,
        }),
        past_error_s: said.past_error.map(|error| error.as_secs()),
        method: match is_drawn_later {
            true => page::Method::Lottery,
            false => page::Method::Fifo,
        },
        commitment: seen
            .filter(|seen| is_drawn_later || seen.draw_list.is_some())
            .and_then(|seen| seen.commitment.as_deref()),
        draw_list: seen.and_then(|seen| seen.draw_list.as_deref()),
        handoff_url: has_place(said).then_some(&*asking.served.handoff_url),
        message: seen.and_then(|seen| seen.orders.announced()),
        log_head: seen.map(|seen| &*seen.log_head),
        work: known.work.as_ref().map(|work| page::Work {
            nonce: work.nonce.as_str(),
            bits: work.bits,
        }),
    }
}

fn reason(why: room::Reason) -> page::Reason {
    match why {
        room::Reason::Joining => page::Reason::Joining,
        room::Reason::StoreLost => page::Reason::StoreLost,
        room::Reason::Moved => page::Reason::Moved,
        room::Reason::Provisional => page::Reason::Provisional,
        room::Reason::LateLane => page::Reason::LateLane,
        room::Reason::NewNumber => page::Reason::NewNumber,
        room::Reason::Paused => page::Reason::Paused,
        room::Reason::Drawing => page::Reason::Drawing,
        room::Reason::OriginSlow => page::Reason::OriginSlow,
        room::Reason::LimitChanged => page::Reason::LimitChanged,
        room::Reason::Slower => page::Reason::Slower,
        room::Reason::TooManyJoins => page::Reason::TooManyJoins,
        room::Reason::InvitationRequired => page::Reason::InvitationRequired,
        room::Reason::InvitationUsed => page::Reason::InvitationUsed,
    }
}

/// Whether there is a place that could move to another device.
fn has_place(said: &room::Status) -> bool {
    use room::State::{Called, NotOpen, Paused, Waiting};
    said.code.is_some() && matches!(said.state, NotOpen | Waiting | Paused | Called)
}

/// Whether those who wait now will be drawn by lot.
fn awaits_a_draw(seen: &Snapshot) -> bool {
    let line = &seen.line;
    let is_next = line.promised.map(|promised| promised.opens_at) == line.opens_at;
    match line.why {
        Some(Why::NotOpen | Why::Drawing) => {
            line.lot.as_ref().is_some_and(|lot| lot.drawn.is_none())
        }
        // Before the pre-queue.
        Some(Why::Closed) => line.promised.is_some() && is_next,
        _ => false,
    }
}

/// The status of somebody who is in.
fn inside<'a>(asking: &Asking<'a>) -> page::Status<'a> {
    page::Status {
        poll_after_ms: POLL_INSIDE_MS,
        ..page::Status::of(
            asking.served.name().as_str(),
            page::State::Admitted,
            now().0,
        )
    }
}

/// Somebody who is in has nothing to ask; who asks all the same is not sent away for ever.
const POLL_INSIDE_MS: u64 = 30_000;

/// What a status borrows from: the line as this gateway knows it, and the ticket's name.
struct Known {
    seen: Option<Arc<Snapshot>>,
    code: Option<Code>,
    work: Option<Work>,
}

impl Known {
    fn of(asking: &Asking<'_>, held: &Held) -> Self {
        Self {
            seen: asking.served.room.snapshot(),
            code: held.status.code,
            work: held.status.work,
        }
    }
}

/// `Retry-After`: whole seconds, at least one.
fn seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_millis().div_ceil(1_000).max(1) as u64)
}
