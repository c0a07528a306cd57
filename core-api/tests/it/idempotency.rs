//! The same request again.

use crate::stage::{Stage, brief};
use serde_json::json;

#[tokio::test]
async fn a_repeated_request_gets_the_same_bytes() {
    let mut stage = Stage::start().await;
    let first = stage.pay("service-a", "k-1", &brief("order_again")).await;
    assert_eq!(
        (first.status, first.header("idempotent-replayed")),
        (200, None)
    );
    let second = stage.pay("service-a", "k-1", &brief("order_again")).await;
    assert_eq!(
        (second.status, second.header("idempotent-replayed")),
        (200, Some("true"))
    );
    assert_eq!(second.text, first.text);
    let reordered = json!({ "currency": "KRW", "metadata": { "productName": "Premium Plan" }, "paymentMethod": "CARD", "amount": 10_000, "orderId": "order_again" });
    assert_eq!(
        stage.pay("service-a", "k-1", &reordered).await.text,
        first.text,
        "member order is no difference"
    );

    stage.kill_core();
    stage.start_core_again().await;
    let after_a_crash = stage.pay("service-a", "k-1", &brief("order_again")).await;
    assert_eq!(
        (after_a_crash.status, after_a_crash.text),
        (200, first.text),
        "the database decides, not the cache"
    );
    assert_eq!(stage.approvals("order_again").await, 1);
}

#[tokio::test]
async fn a_key_with_another_body_is_refused() {
    let mut stage = Stage::start().await;
    assert_eq!(
        stage
            .pay("service-a", "k-1", &brief("order_body_1"))
            .await
            .status,
        200
    );
    let reused = stage.pay("service-a", "k-1", &brief("order_body_2")).await;
    assert_eq!(
        (reused.status, reused.code()),
        (422, "idempotency_key_reused".into())
    );
    stage.kill_core();
    stage.start_core_again().await;
    let reused = stage.pay("service-a", "k-1", &brief("order_body_2")).await;
    assert_eq!(
        (reused.status, reused.code()),
        (422, "idempotency_key_reused".into())
    );
    assert_eq!(stage.approvals("order_body_2").await, 0);
}

#[tokio::test]
async fn a_key_in_flight_is_told_to_wait_and_charged_once() {
    let stage = Stage::start().await;
    stage.faults(json!([{ "id": "slow", "match": { "op": "confirm" }, "fault": { "kind": "latency", "ms": 1500 } }])).await;
    let body = brief("order_flight");
    let tries = (0..10).map(|_| stage.pay("service-a", "k-1", &body));
    let answers = futures_util::future::join_all(tries).await;
    let (approved, waiting): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(approved.len(), 1, "{answers:?}");
    for answer in waiting {
        assert_eq!(
            (answer.status, answer.code()),
            (409, "idempotency_in_flight".into())
        );
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    assert_eq!(stage.approvals("order_flight").await, 1);
}

#[tokio::test]
async fn a_key_is_demanded_and_checked() {
    let stage = Stage::start().await;
    let request = |headers: &[(&str, &str)]| {
        let request = stage
            .http
            .post(stage.url("/api/v1/payments"))
            .bearer_auth(stage.key("service-a"))
            .json(&brief("order_nokey"));
        headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        })
    };
    let missing = stage.send(request(&[])).await;
    assert_eq!(
        (missing.status, missing.code()),
        (400, "idempotency_key_missing".into())
    );
    let unequal = stage
        .send(request(&[
            ("x-idempotency-key", "a"),
            ("idempotency-key", "\"b\""),
        ]))
        .await;
    assert_eq!(
        (unequal.status, unequal.code()),
        (400, "idempotency_key_invalid".into())
    );
    let standard = stage.send(request(&[("idempotency-key", "\"k-1\"")])).await;
    assert_eq!(standard.status, 200, "{standard:?}");
    let same = stage.send(request(&[("x-idempotency-key", "k-1")])).await;
    assert_eq!(
        same.text, standard.text,
        "quoted and bare name the same key"
    );
}
