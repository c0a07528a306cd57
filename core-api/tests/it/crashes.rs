//! Processes die, clients leave, the database restarts. Each ends with exactly one approval, booked,
//! within the promised thirty seconds.

use crate::stage::{Options, PROMISE, Stage, brief, migrate, with_key};
use devkit::{Postgres, PostgresOptions};
use serde_json::{Value, json};
use std::time::Duration;

/// Pays in the background; the answer may never come.
fn pay_unheard(stage: &Stage, order: &str) -> tokio::task::JoinHandle<()> {
    let request = stage.posting("service-a", "/api/v1/payments", "k-1", &brief(order));
    tokio::spawn(async move {
        // A dead service has no answer, which is the point.
        let _ = request.send().await;
    })
}

async fn until_the_psp_has_approved(stage: &Stage, order: &str) {
    stage
        .until(PROMISE, async || {
            (stage.approvals(order).await == 1).then_some(())
        })
        .await;
}

async fn until_the_intent_is_durable(stage: &Stage) {
    stage
        .until(PROMISE, async || {
            (stage
                .sql("select count(*) from payment where state = 'IN_PROGRESS'")
                .await
                == "1")
                .then_some(())
        })
        .await;
}

async fn ends_approved_once(stage: &Stage, tenant: &str, order: &str, body: &Value) {
    stage.until_status(tenant, order, "APPROVED").await;
    assert_eq!(stage.approvals(order).await, 1);
    assert_eq!(
        stage.sql("select count(*) from saga").await,
        "0",
        "nothing is left to do"
    );
    let replay = stage.pay(tenant, "k-1", body).await;
    assert_eq!(
        (replay.status, replay.at("/data/status")),
        (200, "APPROVED".into()),
        "{replay:?}"
    );
    stage.books_balance().await;
}

#[tokio::test]
async fn killed_between_the_psps_answer_and_the_commit_it_ends_approved_once() {
    let mut stage = Stage::start().await;
    stage.faults(json!([{ "id": "hold", "match": { "op": "confirm" }, "fault": { "kind": "timeout_after_commit", "ms": 60_000 } }])).await;
    let unheard = pay_unheard(&stage, "order_kill_1");
    until_the_psp_has_approved(&stage, "order_kill_1").await;
    stage.kill_core();
    unheard.await.unwrap();
    stage.faults(json!([])).await;
    stage.start_core_again().await;
    ends_approved_once(&stage, "service-a", "order_kill_1", &brief("order_kill_1")).await;
}

#[tokio::test]
async fn killed_before_the_psp_was_reached_it_ends_approved_once() {
    let mut stage = Stage::start().await;
    let (psp, key) = (
        stage.psp,
        stage.window("acme", "order_kill_2", 10_000).await,
    );
    // A PSP that takes the connection and says nothing: the intent is durable, the call goes nowhere.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    stage
        .move_psp(("acme", "toss"), deaf.local_addr().unwrap())
        .await;
    let body = with_key("order_kill_2", &key);
    let request = stage.posting("acme", "/api/v1/payments", "k-1", &body);
    let unheard = tokio::spawn(request.send());
    until_the_intent_is_durable(&stage).await;
    stage.kill_core();
    assert!(unheard.await.unwrap().is_err());
    stage.move_psp(("acme", "toss"), psp).await;
    ends_approved_once(&stage, "acme", "order_kill_2", &body).await;
}

#[tokio::test]
async fn a_client_that_disconnects_in_the_middle_is_charged_once_and_booked() {
    let stage = Stage::start().await;
    stage.faults(json!([{ "id": "slow", "match": { "op": "confirm" }, "fault": { "kind": "latency", "ms": 1_000 } }])).await;
    let unheard = pay_unheard(&stage, "order_gone");
    until_the_intent_is_durable(&stage).await;
    unheard.abort();
    ends_approved_once(&stage, "service-a", "order_gone", &brief("order_gone")).await;
}

#[tokio::test]
async fn told_to_stop_it_finishes_what_is_in_flight() {
    let stage = Stage::start().await;
    stage.faults(json!([{ "id": "slow", "match": { "op": "confirm" }, "fault": { "kind": "latency", "ms": 1_500 } }])).await;
    let request = stage.posting("service-a", "/api/v1/payments", "k-1", &brief("order_term"));
    let answer = tokio::spawn(request.send());
    until_the_intent_is_durable(&stage).await;
    stage.core().term();
    let answer = answer.await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    assert!(
        stage
            .core()
            .wait_exit(Duration::from_secs(20))
            .unwrap()
            .success()
    );
    assert_eq!(
        stage.sql("select count(*) from worker").await,
        "0",
        "it retired"
    );
    stage.books_balance().await;
}

#[tokio::test]
async fn the_database_restarts_while_the_psp_is_asked_and_nothing_is_lost() {
    let mut postgres =
        tokio::task::spawn_blocking(|| Postgres::start(PostgresOptions::default()).unwrap())
            .await
            .unwrap();
    let database = postgres.create_database("fluxpay").unwrap();
    migrate(&database);
    let stage = Stage::on(
        database,
        Options {
            payment: "answer_within: 20s",
        },
    )
    .await;
    stage.faults(json!([{ "id": "slow", "match": { "op": "confirm" }, "fault": { "kind": "latency", "ms": 2_500 } }])).await;
    let request = stage.posting("service-a", "/api/v1/payments", "k-1", &brief("order_pg"));
    let answer = tokio::spawn(request.send());
    let count = "select count(*) from payment where state = 'IN_PROGRESS'";
    stage
        .until(PROMISE, async || {
            (postgres.psql("fluxpay", count).unwrap().trim() == "1").then_some(())
        })
        .await;
    let postgres = tokio::task::spawn_blocking(move || {
        postgres.kill();
        postgres.start_again().unwrap();
        postgres
    })
    .await
    .unwrap();
    let answer = answer.await.unwrap().unwrap();
    let (status, said) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(
        status,
        200,
        "{said}; the service says:\n{}",
        stage.core().log_tail()
    );
    assert_eq!(stage.approvals("order_pg").await, 1);
    let after = stage.pay("service-a", "k-2", &brief("order_pg_2")).await;
    assert_eq!(
        after.status, 200,
        "each stale connection is replaced: {after:?}"
    );
    assert_eq!(
        postgres
            .psql(
                "fluxpay",
                "select count(*) from payment where state = 'APPROVED'"
            )
            .unwrap()
            .trim(),
        "2"
    );
}

#[tokio::test]
async fn without_a_database_it_says_so_and_is_not_ready() {
    let postgres =
        tokio::task::spawn_blocking(|| Postgres::start(PostgresOptions::default()).unwrap())
            .await
            .unwrap();
    let database = postgres.create_database("fluxpay").unwrap();
    migrate(&database);
    let stage = Stage::on(database, Options::default()).await;
    // The key is known, so that the request gets as far as the payment.
    assert_eq!(
        stage
            .pay("service-a", "k-0", &brief("order_before"))
            .await
            .status,
        200
    );
    postgres.kill();
    let refused = stage.pay("service-a", "k-1", &brief("order_nodb")).await;
    assert_eq!(
        (refused.status, refused.code(), refused.at("/retryable")),
        (503, "database_unavailable".into(), "true".into()),
        "{refused:?}"
    );
    let health = stage
        .send(stage.http.get(stage.admin_url("/healthz")))
        .await;
    assert_eq!(health.status, 503);
}
