//! One request and its answer: record, faults, act, answer.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::wire::payment_json;
use super::{Call, Command};
use crate::Sim;
use crate::book::Payment;
use crate::faults::{Op, Plan};
use crate::idempotency::{Answer, Seen, Slot};
use crate::language::Language;
use crate::refusal::{self, Refusal};
use crate::secret;
use crate::webhook::Timing;

/// Marks a response that must never be written: the server closes the connection instead.
#[derive(Clone, Copy, Debug)]
pub struct Vanish;

/// Answers a call.
pub(crate) async fn exchange(
    sim: Arc<Sim>,
    parts: &Parts,
    call: Result<Call, Refusal>,
) -> Response {
    let call = match call {
        Ok(call) => call,
        Err(why) => return respond(refuse(&why, Language::of(&parts.headers))),
    };
    sim.stats.request(call.op);
    let slot = match call
        .scope
        .map(|scope| sim.records.begin(scope, sim.clock.now()))
    {
        Some(Seen::Answered(answer)) => {
            sim.stats.replayed();
            return respond(answer);
        }
        Some(Seen::Running) => {
            sim.stats.refused_in_flight();
            return respond(refuse(
                &refusal::IDEMPOTENT_REQUEST_PROCESSING,
                call.language,
            ));
        }
        Some(Seen::Never(slot)) => Some(slot),
        None => None,
    };
    let plan = plan(&sim, &call);
    if plan.wait_before.is_zero() && plan.wait_after.is_zero() {
        return finish(act(&sim, &call, &plan), slot, &plan);
    }
    let language = call.language;
    tokio::spawn(at_leisure(sim, call, plan, slot))
        .await
        .unwrap_or_else(|_| respond(refuse(&Refusal::named("COMMON_ERROR"), language)))
}

/// The same with pauses, in a task that outlives an impatient client.
async fn at_leisure(sim: Arc<Sim>, call: Call, plan: Plan, slot: Option<Slot>) -> Response {
    tokio::time::sleep(plan.wait_before).await;
    let answer = act(&sim, &call, &plan);
    tokio::time::sleep(plan.wait_after).await;
    finish(answer, slot, &plan)
}

fn finish(answer: Answer, slot: Option<Slot>, plan: &Plan) -> Response {
    if let Some(slot) = slot {
        slot.answer(answer.clone());
    }
    let mut response = respond(answer);
    if plan.drop_after {
        response.extensions_mut().insert(Vanish);
    }
    response
}

/// Carries out a call. No awaiting in here: nothing can cut it in two.
fn act(sim: &Sim, call: &Call, plan: &Plan) -> Answer {
    let outcome = match &call.test_code {
        Some(code) => Err(Refusal::named(code)),
        None => carry_out(sim, call, plan),
    };
    let outcome = match &plan.refuse_after {
        Some(why) => Err(why.clone()),
        None => outcome,
    };
    outcome.unwrap_or_else(|why| refuse(&why, call.language))
}

fn carry_out(sim: &Sim, call: &Call, plan: &Plan) -> Result<Answer, Refusal> {
    let command = call.command.as_ref().map_err(Refusal::clone)?;
    let now = sim.clock.now();
    if let Some(why) = &plan.refuse_before {
        decline(sim, call, why);
        return Err(why.clone());
    }
    let merchant = &call.merchant;
    let payment = match command {
        Command::Confirm {
            payment_key,
            confirmation,
        } => {
            let mut confirmation = confirmation.clone();
            confirmation.amount_delta = plan.amount_delta;
            let confirmed = sim.book.confirm(merchant, payment_key, &confirmation, now);
            if let Some(moved) = &confirmed.moved {
                notify(sim, moved, plan);
            }
            return confirmed
                .result
                .map(|payment| payment_answer(&payment, call.language, 0));
        }
        Command::Cancel {
            payment_key,
            cancellation,
        } => {
            let payment = sim.book.cancel(merchant, payment_key, cancellation, now)?;
            notify(sim, &payment, plan);
            payment
        }
        Command::Find { payment_key } => sim.book.find(merchant, payment_key, now)?,
        Command::FindOrder { order_id } => sim.book.find_order(merchant, order_id, now)?,
        Command::Authorize(authorization) => return authorization.carry_out(sim, merchant, now),
    };
    let delta = if call.op == Op::Get {
        plan.amount_delta
    } else {
        0
    };
    Ok(payment_answer(&payment, call.language, delta))
}

/// An injected card refusal ends the payment, as the issuer's own would.
fn decline(sim: &Sim, call: &Call, why: &Refusal) {
    let Ok(Command::Confirm { payment_key, .. }) = &call.command else {
        return;
    };
    if !why.ends_payment() {
        return;
    }
    // A payment that cannot be declined (unknown, already done) simply stays as it is: the
    // injected answer is what the caller is meant to see.
    if let Ok(payment) = sim
        .book
        .decline(&call.merchant, payment_key, why, sim.clock.now())
    {
        notify(sim, &payment, &Plan::default());
    }
}

fn notify(sim: &Sim, payment: &Arc<Payment>, plan: &Plan) {
    let timing = Timing {
        copies: 1 + plan.extra_webhooks,
        delay: plan.webhook_delay,
    };
    sim.webhooks
        .status_changed(payment, sim.clock.now(), timing);
}

/// What goes wrong with this call. A cancel or a look-up by key is matched by its order too, which
/// only the book knows; it is asked only while there are rules.
fn plan(sim: &Sim, call: &Call) -> Plan {
    let mut facts = call.facts();
    if !sim.faults.any() {
        return sim.plan(&facts);
    }
    let now = sim.clock.now();
    let known = match (facts.order_id, facts.payment_key) {
        ("", key) => sim.book.find(&call.merchant, key, now).ok(),
        (order, "") => sim.book.find_order(&call.merchant, order, now).ok(),
        _ => None,
    };
    if let Some(payment) = &known {
        (facts.order_id, facts.payment_key) = (&payment.order_id, &payment.key);
    }
    sim.plan(&facts)
}

fn payment_answer(payment: &Payment, language: Language, delta: i64) -> Answer {
    Answer {
        status: 200,
        body: Bytes::from(payment_json(payment, language, delta)),
    }
}

/// `{"code", "message"}` with its status.
pub(crate) fn refuse(why: &Refusal, language: Language) -> Answer {
    answer_json(
        why.status(),
        &json!({ "code": why.code(), "message": why.message(language) }),
    )
}

/// Any JSON as an answer.
pub(crate) fn answer_json(status: u16, value: &serde_json::Value) -> Answer {
    Answer {
        status,
        body: Bytes::from(value.to_string()),
    }
}

fn respond(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_REQUEST);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json;charset=UTF-8"),
    );
    let trace =
        HeaderValue::from_str(&secret::letters(32)).expect("letters and digits are a header value");
    headers.insert("x-tosspayments-trace-id", trace);
    response
}
