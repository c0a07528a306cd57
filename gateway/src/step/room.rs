//! Step 4: the waiting room. It answers for its own addresses and for visitors who must wait; those
//! admitted go on, with what the origin and the client are to be told.
//!
//! Nothing is decided here: request facts become a verb of [`waiting_room::Room`], and its outcome
//! becomes an answer.

mod asking;
mod invited;
mod moving;
mod published;
mod reserved;
mod rules;
mod told;

use std::ops::ControlFlow;
use std::sync::Arc;

use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use policies::matcher::Normal;
use waiting_room::counts::Event;
use waiting_room::{Admitted, Held, Number, Outcome, Reason, Visit};

use crate::answer::Answer;
use crate::live::Tenant;
use crate::rejection::Rejection;
use crate::rooms::{RESERVED, Served, Told, moment, now};
use crate::step::identify::Caller;
use asking::Asking;
use rules::Decision;

/// All that the room may know of a request.
#[derive(Debug)]
pub(crate) struct Facts<'r> {
    pub(crate) head: &'r Parts,
    pub(crate) path: &'r Normal<'r>,
    pub(crate) tenant: &'r Arc<Tenant>,
    pub(crate) caller: &'r Caller,
}

/// What an admitted request takes along.
#[derive(Clone, Debug, Default)]
pub(crate) struct Admission {
    /// The room that let it through.
    pub(crate) served: Option<Arc<Served>>,
    /// The pass it came in with, if it has a seat, and how it is carried.
    pub(crate) visit: Option<(Visit, Told)>,
    /// For the origin: the signed pass.
    pub(crate) to_origin: Vec<(HeaderName, HeaderValue)>,
    /// For the client: a new or renewed token.
    pub(crate) to_client: Vec<(HeaderName, HeaderValue)>,
}

/// Lets the request through, or answers it. The first room whose path fits decides.
pub(crate) async fn enter(facts: &Facts<'_>) -> ControlFlow<Answer, Admission> {
    if let Some(address) = facts.path.as_str().strip_prefix(RESERVED) {
        return ControlFlow::Break(reserved::answer(facts, address).await);
    }
    let mut rooms = facts.tenant.rooms.iter();
    let Some(served) = rooms.find(|served| served.rules().path.matches(facts.path)) else {
        return ControlFlow::Continue(Admission::default());
    };
    match rules::decide(served.rules(), facts) {
        Decision::Deny => return ControlFlow::Break(denied(served, facts)),
        Decision::Bypass => {
            served.room.counts().add(Event::Bypassed);
            return ControlFlow::Continue(Admission::default());
        }
        Decision::Room => {}
    }
    if let Some(answer) = invited::taken_in(served, facts) {
        return ControlFlow::Break(answer);
    }
    let asking = Asking::of(facts, served);
    match served.room.enter(asking.asked, moment()).await {
        Outcome::Admitted(admitted) => ControlFlow::Continue(Admission {
            served: Some(Arc::clone(served)),
            visit: admitted.visit.map(|visit| (visit, asking.told)),
            to_origin: vec![served.origin.told(&admitted)],
            to_client: asking.new_tokens(&admitted),
        }),
        Outcome::Held(held) if served.rules().shadow => {
            // Every stranger is shown a challenge first, and in an idle room nobody notices.
            if held.status.reason != Some(Reason::Joining) {
                served.room.counts().add(Event::Shadowed);
            }
            ControlFlow::Continue(shadowed(served, &asking, &held))
        }
        Outcome::Held(held) => ControlFlow::Break(told::instead(&asking, &held)),
    }
}

/// A room in shadow lets through whom it would have held, and they keep their place in a line that holds nobody.
fn shadowed(served: &Arc<Served>, asking: &Asking<'_>, held: &Held) -> Admission {
    let unseated = Admitted {
        number: Number(0),
        expires_at: now().plus(served.rules().admission.session().ttl()),
        visit: None,
        pass: None,
        ticket: held.ticket,
    };
    Admission {
        served: Some(Arc::clone(served)),
        visit: None,
        to_origin: vec![served.origin.told(&unseated)],
        to_client: asking.new_tokens(&unseated),
    }
}

/// Refused by a rule of the room.
fn denied(served: &Served, facts: &Facts<'_>) -> Answer {
    served.room.counts().add(Event::Denied);
    Rejection::Denied.answer(facts.caller.request_id(), rand::random())
}
