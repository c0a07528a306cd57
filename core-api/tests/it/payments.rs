//! Paying, as it should go.

use crate::stage::{Stage, brief, with_key};
use serde_json::{Value, json};

#[tokio::test]
async fn the_example_of_the_product_brief_is_approved_at_once() {
    let stage = Stage::start().await;
    let request = stage.posting(
        "service-a",
        "/api/v1/payments",
        "550e8400-e29b-41d4-a716-446655440000",
        &brief("order_123456"),
    );
    let answer = stage.send(request.header("x-tenant-id", "service-a")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.at("/success"), "true");
    assert!(answer.at("/data/paymentId").starts_with("pay_"));
    assert_eq!(answer.at("/data/status"), "APPROVED");
    assert_eq!(
        answer.json()["data"]["amount"],
        json!({ "value": 10_000, "currency": "KRW" })
    );
    assert!(answer.at("/data/approvedAt").ends_with('Z'));
    assert_eq!(
        answer.at("/metadata/traceId"),
        answer.header("x-request-id").unwrap()
    );
    assert_eq!(stage.approvals("order_123456").await, 1);
    stage.books_balance().await;
}

#[tokio::test]
async fn a_window_result_is_collected_and_the_order_is_paid() {
    let stage = Stage::start().await;
    let key = stage.window("acme", "order_window", 10_000).await;
    let answer = stage
        .pay("acme", "k-1", &with_key("order_window", &key))
        .await;
    assert_eq!(
        (answer.status, answer.at("/data/status")),
        (200, "APPROVED".into()),
        "{answer:?}"
    );
    let order = stage.get("acme", "/api/v1/orders/order_window").await;
    assert_eq!(order.at("/data/status"), "PAID");
    let by_our_id = stage
        .get("acme", &format!("/api/v1/orders/{}", order.at("/data/id")))
        .await;
    assert_eq!(by_our_id.at("/data/orderId"), "order_window");
    stage.books_balance().await;
}

#[tokio::test]
async fn without_a_window_result_it_is_ready_and_confirmed_later() {
    let stage = Stage::start().await;
    let ready = stage.pay("acme", "k-1", &brief("order_later")).await;
    assert_eq!(
        (ready.status, ready.at("/data/status")),
        (201, "READY".into()),
        "{ready:?}"
    );
    let confirm = ready.at("/data/nextAction/confirmPath");
    let key = stage.window("acme", "order_later", 10_000).await;
    let done = stage
        .post("acme", &confirm, "k-2", &json!({ "paymentKey": key }))
        .await;
    assert_eq!(
        (done.status, done.at("/data/status")),
        (200, "APPROVED".into()),
        "{done:?}"
    );
    assert_eq!(done.at("/data/paymentId"), ready.at("/data/paymentId"));

    let again = stage
        .post("acme", &confirm, "k-2", &json!({ "paymentKey": key }))
        .await;
    assert_eq!(
        (
            again.text,
            again.headers.contains_key("idempotent-replayed")
        ),
        (done.text, true)
    );
    let other = stage
        .post("acme", &confirm, "k-3", &json!({ "paymentKey": key }))
        .await;
    assert_eq!(
        (other.status, other.code()),
        (409, "payment_not_confirmable".into())
    );
    let first = stage.pay("acme", "k-1", &brief("order_later")).await;
    assert_eq!(
        first.at("/data/status"),
        "APPROVED",
        "a replay of an unfinished answer tells the present state"
    );
    stage.books_balance().await;
}

#[tokio::test]
async fn a_placed_order_is_paid_at_its_own_price_only() {
    let stage = Stage::start().await;
    let order = json!({ "orderId": "order_placed", "amount": 10_000, "currency": "KRW", "items": [{ "name": "Shoes", "quantity": 1, "unitAmount": 10_000 }] });
    let placed = stage
        .post("service-a", "/api/v1/orders", "unused", &order)
        .await;
    assert_eq!(
        (placed.status, placed.at("/data/status")),
        (201, "PENDING".into()),
        "{placed:?}"
    );
    let again = stage
        .post("service-a", "/api/v1/orders", "unused", &order)
        .await;
    assert_eq!(
        (again.status, again.at("/data/id")),
        (200, placed.at("/data/id"))
    );
    let mut dearer = order.clone();
    dearer["amount"] = json!(20_000);
    assert_eq!(
        stage
            .post("service-a", "/api/v1/orders", "unused", &dearer)
            .await
            .code(),
        "order_conflict"
    );

    let cheap = json!({ "orderId": "order_placed", "amount": 1_000, "currency": "KRW" });
    let refused = stage.pay("service-a", "k-1", &cheap).await;
    assert_eq!(
        (refused.status, refused.code()),
        (409, "order_conflict".into())
    );
    assert_eq!(stage.approvals("order_placed").await, 0);
    let paid = stage.pay("service-a", "k-1", &brief("order_placed")).await;
    assert_eq!(
        paid.status, 200,
        "a refused request leaves its key free: {paid:?}"
    );
    let trail = stage.sql("select string_agg(from_state || '>' || to_state, ',') from audit where aggregate = 'order' and from_state is not null").await;
    assert_eq!(trail, "PENDING>PAID");
    stage.books_balance().await;
}

#[tokio::test]
async fn a_declined_card_is_said_in_words_of_ours_and_another_try_may_pay() {
    let stage = Stage::start().await;
    stage.faults(json!([{ "id": "decline", "match": { "op": "confirm" }, "times": 1,
        "fault": { "kind": "error_before_commit", "status": 403, "code": "REJECT_CARD_PAYMENT" } }])).await;
    let declined = stage.pay("service-a", "k-1", &brief("order_decline")).await;
    assert_eq!(
        (declined.status, declined.code()),
        (402, "card_declined".into()),
        "{declined:?}"
    );
    assert_eq!(
        declined.header("content-type"),
        Some("application/problem+json")
    );
    assert!(declined.at("/paymentId").starts_with("pay_"));
    let read = stage
        .get(
            "service-a",
            &format!("/api/v1/payments/{}", declined.at("/paymentId")),
        )
        .await;
    assert_eq!(
        (read.at("/data/status"), read.at("/data/failureCode")),
        ("FAILED".into(), "card_declined".into())
    );
    let replay = stage.pay("service-a", "k-1", &brief("order_decline")).await;
    assert_eq!((replay.status, replay.text), (402, declined.text));
    let second = stage.pay("service-a", "k-2", &brief("order_decline")).await;
    assert_eq!(second.status, 200, "{second:?}");
    stage.books_balance().await;
}

#[tokio::test]
async fn an_order_is_paid_once_however_many_try() {
    let stage = Stage::start().await;
    let (first, second, body) = (1..=12, 100..=101, brief("order_rush"));
    let tries = first.map(|n| {
        let (stage, body) = (&stage, &body);
        async move { stage.pay("service-a", &format!("k-{n}"), body).await }
    });
    let answers = futures_util::future::join_all(tries).await;
    let approved = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(approved, 1, "{answers:?}");
    assert!(
        answers.iter().all(|a| a.status == 200
            || ["payment_in_progress", "order_not_payable"].contains(&a.code().as_str())),
        "{answers:?}"
    );
    for n in second {
        assert_eq!(
            stage
                .pay("service-a", &format!("k-{n}"), &body)
                .await
                .code(),
            "order_not_payable"
        );
    }
    assert_eq!(stage.approvals("order_rush").await, 1);
    stage.books_balance().await;
}

#[tokio::test]
async fn one_window_result_pays_one_payment() {
    let stage = Stage::start().await;
    let key = stage.window("acme", "order_key_a", 10_000).await;
    assert_eq!(
        stage
            .pay("acme", "k-1", &with_key("order_key_a", &key))
            .await
            .status,
        200
    );
    let stolen = stage
        .pay("acme", "k-2", &with_key("order_key_b", &key))
        .await;
    assert_eq!(
        (stolen.status, stolen.code()),
        (409, "payment_key_used".into())
    );
}

#[tokio::test]
async fn payments_are_listed_newest_first() {
    let stage = Stage::start().await;
    for n in 1..=3 {
        assert_eq!(
            stage
                .pay(
                    "service-a",
                    &format!("k-{n}"),
                    &brief(&format!("order_list_{n}"))
                )
                .await
                .status,
            200
        );
    }
    let page = stage
        .get("service-a", "/api/v1/payments?limit=2")
        .await
        .json();
    let names = |page: &Value| {
        page["data"]["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p["orderId"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&page), ["order_list_3", "order_list_2"]);
    let cursor = page["data"]["nextCursor"].as_str().unwrap();
    let rest = stage
        .get(
            "service-a",
            &format!("/api/v1/payments?limit=2&cursor={cursor}"),
        )
        .await
        .json();
    assert_eq!(
        (names(&rest), rest["data"].get("nextCursor")),
        (vec!["order_list_1".to_owned()], None)
    );
    let failed = stage
        .get("service-a", "/api/v1/payments?status=FAILED")
        .await
        .json();
    assert_eq!(names(&failed), Vec::<String>::new());
    let one = stage
        .get("service-a", "/api/v1/payments?orderId=order_list_2")
        .await
        .json();
    assert_eq!(names(&one), ["order_list_2"]);
    let orders = stage.get("service-a", "/api/v1/orders?limit=1").await;
    assert_eq!(orders.at("/data/items/0/orderId"), "order_list_3");
}

#[tokio::test]
async fn every_move_of_a_payment_is_on_record() {
    let stage = Stage::start().await;
    let paid = stage.pay("service-a", "k-1", &brief("order_trail")).await;
    let id = paid.at("/data/paymentId");
    let trail = stage
        .get("service-a", &format!("/api/v1/payments/{id}/audit"))
        .await
        .json();
    let moves: Vec<_> = trail["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["sequence"].as_i64().unwrap(), r["to"].as_str().unwrap()))
        .collect();
    assert_eq!(moves, [(1, "IN_PROGRESS"), (2, "APPROVED")]);
    assert!(
        trail["data"][0]["actor"]
            .as_str()
            .unwrap()
            .starts_with("sk_")
    );
}
