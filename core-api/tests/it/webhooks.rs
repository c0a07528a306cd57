//! What the PSP tells us unasked.

use crate::stage::{Answer, Options, Stage, brief, with_key};
use serde_json::{Value, json};
use std::time::Duration;

async fn deliver(stage: &Stage, tenant: &str, transmission: &str, body: &Value) -> Answer {
    let request = stage
        .http
        .post(stage.url(&format!("/webhooks/toss/{tenant}")))
        .json(body);
    stage
        .send(request.header("tosspayments-webhook-transmission-id", transmission))
        .await
}

fn done(payment_key: &str) -> Value {
    json!({ "eventType": "PAYMENT_STATUS_CHANGED", "createdAt": "2026-02-04T19:30:00.000000",
            "data": { "paymentKey": payment_key, "orderId": "order_hook", "status": "DONE", "totalAmount": 1 } })
}

#[tokio::test]
async fn a_webhook_is_kept_once_and_answered_at_once() {
    let stage = Stage::start().await;
    for _ in 0..3 {
        assert_eq!(
            deliver(&stage, "acme", "t-1", &done("some-key"))
                .await
                .status,
            200
        );
    }
    assert_eq!(
        deliver(&stage, "service-a", "t-1", &done("some-key"))
            .await
            .status,
        200,
        "another tenant's delivery is its own"
    );
    assert_eq!(
        stage
            .sql("select string_agg(tenant_id, ' ' order by tenant_id) from psp_webhook")
            .await,
        "acme service-a"
    );
    let followed = "select count(*) from psp_webhook where outcome = 'about no payment of ours'";
    stage
        .until(Duration::from_secs(10), async || {
            (stage.sql(followed).await == "2").then_some(())
        })
        .await;
    assert_eq!(stage.sql("select count(*) from saga").await, "0");
    assert_eq!(
        deliver(&stage, "nobody", "t-1", &done("some-key"))
            .await
            .code(),
        "not_found"
    );
    assert_eq!(
        deliver(&stage, "No Such", "t-1", &done("some-key"))
            .await
            .code(),
        "not_found"
    );
}

#[tokio::test]
async fn a_webhook_makes_us_ask_now_and_the_psp_decides() {
    // Without the webhook the first look-up would come after a minute.
    let stage = Stage::with(Options {
        payment: "psp_answer: 1s, look_ups: [60s]",
    })
    .await;
    let key = stage.window("acme", "order_hook", 10_000).await;
    stage.faults(json!([{ "id": "it", "match": { "op": "confirm" }, "times": 1, "fault": { "kind": "drop_after_commit" } }])).await;
    let unknown = stage
        .pay("acme", "k-1", &with_key("order_hook", &key))
        .await;
    assert_eq!(
        (unknown.status, unknown.at("/data/status")),
        (202, "UNKNOWN".into()),
        "{unknown:?}"
    );
    deliver(&stage, "acme", "t-1", &done(&key)).await;
    let payment = stage.until_status("acme", "order_hook", "APPROVED").await;
    assert_eq!(
        payment["amount"]["value"], 10_000,
        "the webhook's own amount counts for nothing"
    );
    stage.books_balance().await;
}

#[tokio::test]
async fn a_forged_webhook_approves_nothing() {
    let stage = Stage::start().await;
    let ready = stage.pay("acme", "k-1", &brief("order_hook")).await;
    assert_eq!(ready.status, 201);
    let key = stage.window("acme", "order_hook", 10_000).await;
    deliver(&stage, "acme", "t-1", &done(&key)).await;
    let followed = "select count(*) from psp_webhook where outcome is not null";
    stage
        .until(Duration::from_secs(10), async || {
            (stage.sql(followed).await == "1").then_some(())
        })
        .await;
    let id = ready.at("/data/paymentId");
    assert_eq!(
        stage
            .get("acme", &format!("/api/v1/payments/{id}"))
            .await
            .at("/data/status"),
        "READY"
    );
}

#[tokio::test]
async fn a_poisoned_webhook_is_followed_to_nothing() {
    let stage = Stage::start().await;
    assert_eq!(
        deliver(&stage, "acme", "t-1", &done("a\0b")).await.status,
        200
    );
    let followed = "select count(*) from psp_webhook where outcome = 'about no payment of ours'";
    stage
        .until(Duration::from_secs(10), async || {
            (stage.sql(followed).await == "1").then_some(())
        })
        .await;
    assert_eq!(stage.sql("select count(*) from saga").await, "0");
}

#[tokio::test]
async fn a_webhook_that_overtakes_the_psps_answer_is_kept_until_that_is_known() {
    let stage = Stage::start().await;
    let key = stage.window("acme", "order_hook", 10_000).await;
    stage.faults(json!([{ "id": "it", "match": { "op": "confirm" }, "times": 1, "fault": { "kind": "latency", "ms": 2_000 } }])).await;
    let hint = async {
        let begun = "select count(*) from payment where state = 'IN_PROGRESS'";
        let claimed = "select count(*) from saga where kind = 'psp.hint' and tries > 0";
        stage
            .until(Duration::from_secs(10), async || {
                (stage.sql(begun).await == "1").then_some(())
            })
            .await;
        deliver(&stage, "acme", "t-1", &done(&key)).await;
        stage
            .until(Duration::from_secs(10), async || {
                (stage.sql(claimed).await == "1").then_some(())
            })
            .await;
    };
    let body = with_key("order_hook", &key);
    let (paid, ()) = tokio::join!(stage.pay("acme", "k-1", &body), hint);
    assert!(paid.status < 300, "{paid:?}");
    let followed = "select count(*) from psp_webhook where outcome is not null";
    assert_eq!(
        stage.sql(followed).await,
        "0",
        "it is due again when the payment is settled"
    );
}
