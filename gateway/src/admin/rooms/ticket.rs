//! A help desk's question: how does the ticket stand whose code a visitor reads off the page?

use http::StatusCode;
use serde_json::{Value, json};
use waiting_room::snapshot::Place;

use super::{Answer, problem};
use crate::rooms::{Served, now};

/// `number` is the ticket's number in the line's log, as `fluxgate line verify --number` takes it.
pub(super) fn answer(served: &Served, code: &str) -> Answer {
    let Some(found) = served.room.find(code, now()) else {
        let title = "no ticket of the present line has this code";
        return problem(StatusCode::NOT_FOUND, "unknown_ticket", title);
    };
    let (state, more) = told(found.place, found.is_inside);
    let mut answer = json!({ "ticket": code, "number": found.number, "state": state });
    if let (Some(answer), Value::Object(more)) = (answer.as_object_mut(), more) {
        answer.extend(more);
    }
    (StatusCode::OK, answer)
}

fn told(place: Place, is_inside: bool) -> (&'static str, Value) {
    match place {
        Place::Left => ("left", Value::Null),
        _ if is_inside => ("inside", Value::Null),
        Place::Waiting { ahead, behind } => {
            ("waiting", json!({ "ahead": ahead, "behind": behind }))
        }
        Place::Late { ahead } => ("late", json!({ "ahead": ahead })),
        Place::Called { at, until } => (
            "called",
            json!({ "called_at": at.0, "claim_until": until.0 }),
        ),
        Place::Claimed { .. } => ("inside", Value::Null),
        Place::Spent => ("visit_over", Value::Null),
        Place::Missed => ("missed", Value::Null),
        Place::Void => ("forgotten", Value::Null),
    }
}
