//! The PSP does not say, says it late, or says something else.

use crate::stage::{Options, Stage, brief, with_key};
use serde_json::{Value, json};

/// Patience of a second, so that a test need not wait for ten.
const HASTY: Options = Options {
    payment: "psp_answer: 1s",
};

fn fault(op: &str, fault: Value) -> Value {
    json!([{ "id": "it", "match": { "op": op }, "times": 1, "fault": fault }])
}

/// Pays once under `fault` and expects doubt, then the truth, then one approval at the PSP.
async fn ends_approved_once(order: &str, rule: Value) {
    let stage = Stage::with(HASTY).await;
    stage.faults(fault("confirm", rule)).await;
    let answer = stage.pay("service-a", "k-1", &brief(order)).await;
    assert_eq!(
        (answer.status, answer.at("/data/status")),
        (202, "UNKNOWN".into()),
        "{answer:?}"
    );
    assert_eq!(
        answer.header("location"),
        Some(format!("/api/v1/payments/{}", answer.at("/data/paymentId")).as_str())
    );
    assert!(answer.at("/data/nextCheckAt").ends_with('Z'));

    let second = stage.pay("service-a", "k-2", &brief(order)).await;
    assert_eq!(
        (second.status, second.code()),
        (409, "payment_in_progress".into()),
        "nobody pays twice meanwhile: {second:?}"
    );
    stage.until_status("service-a", order, "APPROVED").await;
    assert_eq!(stage.approvals(order).await, 1);
    let replay = stage.pay("service-a", "k-1", &brief(order)).await;
    assert_eq!(
        (
            replay.status,
            replay.at("/data/status"),
            replay.header("idempotent-replayed")
        ),
        (200, "APPROVED".into(), Some("true"))
    );
    assert_eq!(replay.at("/data/paymentId"), answer.at("/data/paymentId"));
    stage.books_balance().await;
}

#[tokio::test]
async fn a_psp_that_times_out_after_it_committed_ends_approved_once() {
    ends_approved_once(
        "order_timeout",
        json!({ "kind": "timeout_after_commit", "ms": 20_000 }),
    )
    .await;
}

#[tokio::test]
async fn a_psp_that_hangs_up_after_it_committed_ends_approved_once() {
    ends_approved_once("order_hangup", json!({ "kind": "drop_after_commit" })).await;
}

#[tokio::test]
async fn a_psp_error_after_the_commit_ends_approved_once() {
    ends_approved_once("order_err_after", json!({ "kind": "error_after_commit", "status": 500, "code": "FAILED_INTERNAL_SYSTEM_PROCESSING" })).await;
}

#[tokio::test]
async fn a_psp_error_before_the_commit_is_asked_again_and_ends_approved_once() {
    ends_approved_once(
        "order_err_before",
        json!({ "kind": "error_before_commit", "status": 400, "code": "PROVIDER_ERROR" }),
    )
    .await;
}

#[tokio::test]
async fn a_slow_psp_is_answered_202_and_ends_approved() {
    let stage = Stage::with(Options {
        payment: "answer_within: 300ms",
    })
    .await;
    stage
        .faults(fault("confirm", json!({ "kind": "latency", "ms": 1_500 })))
        .await;
    let answer = stage.pay("service-a", "k-1", &brief("order_slow")).await;
    assert_eq!(
        (answer.status, answer.at("/data/status")),
        (202, "IN_PROGRESS".into()),
        "{answer:?}"
    );
    let location = answer.header("location").unwrap().to_owned();
    stage
        .until_status("service-a", "order_slow", "APPROVED")
        .await;
    assert_eq!(
        stage.get("service-a", &location).await.at("/data/status"),
        "APPROVED"
    );
    let trail = stage.sql("select string_agg(to_state, '>' order by sequence) from audit where aggregate = 'payment'").await;
    assert_eq!(
        trail, "IN_PROGRESS>APPROVED",
        "a slow answer is not a doubtful one"
    );
    stage.books_balance().await;
}

#[tokio::test]
async fn another_amount_is_never_booked_and_is_given_back() {
    let stage = Stage::start().await;
    stage
        .faults(fault(
            "confirm",
            json!({ "kind": "wrong_amount", "delta": 1_000 }),
        ))
        .await;
    let answer = stage.pay("service-a", "k-1", &brief("order_amount")).await;
    assert_eq!(
        (answer.status, answer.at("/data/status")),
        (202, "UNKNOWN".into()),
        "{answer:?}"
    );
    let payment = stage
        .until_status("service-a", "order_amount", "FAILED")
        .await;
    assert_eq!(payment["failureCode"], "amount_mismatch");
    assert_eq!(
        stage.psp_moves("order_amount", "cancel").await.len(),
        1,
        "the customer has the money back"
    );
    let replay = stage.pay("service-a", "k-1", &brief("order_amount")).await;
    assert_eq!(
        (replay.status, replay.code()),
        (502, "amount_mismatch".into())
    );
    let metrics = stage
        .send(stage.http.get(stage.admin_url("/metrics")))
        .await
        .text;
    assert!(
        metrics.contains("fluxpay_alarms_total{alarm=\"amount_mismatch\"}"),
        "{metrics}"
    );
    let spent = stage.pay("service-a", "k-2", &brief("order_amount")).await;
    assert_eq!(
        (spent.status, spent.code()),
        (409, "order_spent".into()),
        "the PSP takes an orderId once: {spent:?}"
    );
    stage.books_balance().await;
}

#[tokio::test]
async fn an_expired_window_result_fails_and_charges_nothing() {
    let stage = Stage::start().await;
    let answer = stage
        .pay(
            "acme",
            "k-1",
            &with_key("order_expired", "tgen_no_such_session"),
        )
        .await;
    assert_eq!(
        (answer.status, answer.code()),
        (402, "payment_session_expired".into()),
        "{answer:?}"
    );
    assert_eq!(stage.approvals("order_expired").await, 0);
}

#[tokio::test]
async fn a_psp_that_cannot_be_reached_fails_at_once_because_nothing_was_sent() {
    let mut stage = Stage::start().await;
    // The discard port: nothing listens there.
    stage
        .move_psp(("acme", "toss"), ([127, 0, 0, 1], 9).into())
        .await;
    let answer = stage
        .pay("acme", "k-1", &with_key("order_unreached", "key-1"))
        .await;
    assert_eq!(
        (answer.status, answer.code()),
        (503, "psp_unreachable".into()),
        "{answer:?}"
    );
    stage.books_balance().await;
}

#[tokio::test]
async fn credentials_the_psp_does_not_know_are_the_operators_problem() {
    let stage = Stage::start().await;
    stage
        .faults(fault(
            "confirm",
            json!({ "kind": "error_before_commit", "status": 401, "code": "UNAUTHORIZED_KEY" }),
        ))
        .await;
    let answer = stage.pay("service-a", "k-1", &brief("order_badkey")).await;
    assert_eq!(
        (answer.status, answer.code()),
        (502, "psp_misconfigured".into()),
        "{answer:?}"
    );
}
