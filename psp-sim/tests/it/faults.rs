//! Each kind of fault, seen from outside: what the client gets and what really happened.

use std::time::Duration;

use serde_json::{Value, json};

use crate::kit::{read, refusal, until, world, world_with};
use psp_sim::Options;

fn confirm_rule(fault: Value) -> Value {
    json!([{ "id": "rule", "match": { "op": "confirm", "orderIdPrefix": "order-" }, "fault": fault }])
}

#[tokio::test]
async fn latency_delays_and_then_answers_as_usual() {
    let world = world().await;
    world
        .faults(confirm_rule(json!({ "kind": "latency", "ms": 120 })))
        .await;
    let key = world.authorize("order-0001").await;
    let started = tokio::time::Instant::now();
    let answer = world.confirm(&key, "order-0001").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(started.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn default_latency_applies_without_any_rule() {
    let world = world_with(Options {
        latency: Duration::from_millis(60),
        ..Options::default()
    })
    .await;
    let started = tokio::time::Instant::now();
    world.authorize("order-0001").await;
    assert!(started.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn a_timeout_after_commit_has_charged_and_a_retry_is_in_flight() {
    let world = world().await;
    world
        .faults(confirm_rule(
            json!({ "kind": "timeout_after_commit", "ms": 60_000 }),
        ))
        .await;
    let key = world.authorize("order-0001").await;
    let confirm = || {
        world
            .confirm(&key, "order-0001")
            .header("idempotency-key", "attempt-1")
    };
    let impatient = confirm().timeout(Duration::from_millis(500)).send().await;
    assert!(impatient.unwrap_err().is_timeout());
    until("the commit", async || world.status_of(&key).await == "DONE").await;
    let retry = refusal(confirm().send().await.unwrap()).await;
    assert_eq!(retry, (409, "IDEMPOTENT_REQUEST_PROCESSING".into()));
    assert_eq!(world.journal().await.len(), 1);
}

#[tokio::test]
async fn a_client_that_gives_up_does_not_stop_what_it_asked_for() {
    let world = world().await;
    world
        .faults(confirm_rule(json!({ "kind": "latency", "ms": 2_000 })))
        .await;
    let key = world.authorize("order-0001").await;
    let given_up = world
        .confirm(&key, "order-0001")
        .timeout(Duration::from_millis(100))
        .send()
        .await;
    assert!(given_up.is_err());
    assert_eq!(world.status_of(&key).await, "IN_PROGRESS");
    until("the approval after the client left", async || {
        world.status_of(&key).await == "DONE"
    })
    .await;
}

#[tokio::test]
async fn an_error_before_commit_charges_nothing() {
    let world = world().await;
    let fault = json!({ "kind": "error_before_commit", "status": 500, "code": "COMMON_ERROR" });
    world.faults(confirm_rule(fault)).await;
    let key = world.authorize("order-0001").await;
    let answer = world.confirm(&key, "order-0001").send().await.unwrap();
    assert_eq!(refusal(answer).await, (500, "COMMON_ERROR".into()));
    assert_eq!(world.status_of(&key).await, "IN_PROGRESS");
    assert!(world.journal().await.is_empty());
}

#[tokio::test]
async fn an_injected_card_refusal_ends_the_payment() {
    let world = world().await;
    let fault =
        json!({ "kind": "error_before_commit", "status": 403, "code": "REJECT_CARD_PAYMENT" });
    world.faults(confirm_rule(fault)).await;
    let key = world.authorize("order-0001").await;
    let answer = world.confirm(&key, "order-0001").send().await.unwrap();
    assert_eq!(refusal(answer).await, (403, "REJECT_CARD_PAYMENT".into()));
    let (_, payment) = read(world.get(&format!("/v1/payments/{key}")).await).await;
    assert_eq!(payment["status"], "ABORTED");
    assert_eq!(payment["failure"]["code"], "REJECT_CARD_PAYMENT");
}

#[tokio::test]
async fn an_error_after_commit_has_charged() {
    let world = world().await;
    let fault = json!({ "kind": "error_after_commit", "status": 500, "code": "COMMON_ERROR" });
    world.faults(confirm_rule(fault)).await;
    let key = world.authorize("order-0001").await;
    let answer = world.confirm(&key, "order-0001").send().await.unwrap();
    assert_eq!(refusal(answer).await, (500, "COMMON_ERROR".into()));
    assert_eq!(world.status_of(&key).await, "DONE");
    assert_eq!(world.journal().await.len(), 1);
}

#[tokio::test]
async fn a_wrong_amount_is_approved_and_seen_by_the_referee() {
    let world = world().await;
    world
        .faults(confirm_rule(
            json!({ "kind": "wrong_amount", "delta": 1_000 }),
        ))
        .await;
    let key = world.authorize("order-0001").await;
    let (_, payment) = read(world.confirm(&key, "order-0001").send().await.unwrap()).await;
    assert_eq!(payment["totalAmount"], 43_000);
    assert_eq!(
        world.journal().await,
        [("approval".into(), "order-0001".into(), 43_000)]
    );
}

#[tokio::test]
async fn a_wrong_amount_on_look_up_falsifies_the_answer_only() {
    let world = world().await;
    let key = world.approved("order-0001").await;
    world
        .faults(json!([{
            "id": "lie", "times": 1, "match": { "op": "get", "orderIdPrefix": "order-" },
            "fault": { "kind": "wrong_amount", "delta": -1 },
        }]))
        .await;
    let total = async || {
        let (_, payment) = read(world.get(&format!("/v1/payments/{key}")).await).await;
        payment["totalAmount"].as_i64().unwrap()
    };
    assert_eq!((total().await, total().await), (41_999, 42_000));
}

#[tokio::test]
async fn a_dropped_connection_has_charged_and_the_retry_gets_the_answer() {
    let world = world().await;
    let mut rules = confirm_rule(json!({ "kind": "drop_after_commit" }));
    rules[0]["times"] = json!(1);
    world.faults(rules).await;
    let key = world.authorize("order-0001").await;
    let confirm = || {
        world
            .confirm(&key, "order-0001")
            .header("idempotency-key", "attempt-1")
    };
    let dropped = confirm().send().await;
    assert!(dropped.is_err(), "no answer may come: {dropped:?}");
    let (status, payment) = read(confirm().send().await.unwrap()).await;
    assert_eq!(
        (status.as_u16(), payment["status"].as_str()),
        (200, Some("DONE"))
    );
    assert_eq!(world.journal().await.len(), 1);
}

#[tokio::test]
async fn rules_that_make_no_sense_are_refused_with_a_reason() {
    let world = world().await;
    let url = format!("{}/sim/faults", world.base);
    let mut rules = confirm_rule(json!({ "kind": "drop_after_commit" }));
    rules[0]["rate"] = json!(2);
    let (status, body) = read(world.http.put(&url).json(&rules).send().await.unwrap()).await;
    assert_eq!(
        (status.as_u16(), &body["message"]),
        (422, &json!("rule `rule`: `rate` lies between 0 and 1"))
    );
    world
        .faults(confirm_rule(json!({ "kind": "drop_after_commit" })))
        .await;
    assert_eq!(world.http.delete(&url).send().await.unwrap().status(), 204);
    let (_, rules) = read(world.get("/sim/faults").await).await;
    assert_eq!(rules, json!([]));
}
