//! The merchant's API: confirm, look-up, cancel, keys, idempotency, concurrency.

use serde_json::json;

use crate::kit::{read, refusal, world};

#[tokio::test]
async fn a_confirmed_payment_has_the_providers_fields() {
    let world = world().await;
    let key = world.authorize("order-0001").await;
    let answer = world.confirm(&key, "order-0001").send().await.unwrap();
    assert!(answer.headers().contains_key("x-tosspayments-trace-id"));
    let (status, payment) = read(answer).await;
    assert_eq!(status, 200);
    assert_eq!(payment["paymentKey"], key);
    assert_eq!(payment["status"], "DONE");
    assert_eq!(payment["version"], "2022-11-16");
    assert_eq!(payment["method"], "카드");
    assert_eq!(payment["totalAmount"], 42_000);
    assert_eq!(payment["balanceAmount"], 42_000);
    assert_eq!(payment["suppliedAmount"], 38_182);
    assert_eq!(payment["vat"], 3_818);
    assert_eq!(payment["card"]["acquireStatus"], "READY");
    assert_eq!(payment["cancels"], json!(null));
    assert!(payment["approvedAt"].as_str().unwrap().ends_with("+09:00"));
    let by_order = read(world.get("/v1/payments/orders/order-0001").await)
        .await
        .1;
    assert_eq!(by_order, payment);
}

#[tokio::test]
async fn english_is_spoken_when_asked_for() {
    let world = world().await;
    let key = world.authorize("order-0001").await;
    let confirm = || {
        world
            .confirm(&key, "order-0001")
            .header("accept-language", "en-US")
    };
    let (_, payment) = read(confirm().send().await.unwrap()).await;
    assert_eq!(payment["method"], "Card");
    assert_eq!(payment["card"]["cardType"], "Credit");
    let (_, again) = read(confirm().send().await.unwrap()).await;
    assert_eq!(again["message"], "This payment is already processed.");
}

#[tokio::test]
async fn callers_without_a_good_key_are_refused() {
    let world = world().await;
    let url = format!("{}/v1/payments/tgen_x", world.base);
    let nobody = world.http.get(&url).send().await.unwrap();
    assert_eq!(refusal(nobody).await, (401, "UNAUTHORIZED_KEY".into()));
    let wrong = world
        .http
        .get(&url)
        .basic_auth("sk_live", Some(""))
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(wrong).await, (401, "UNAUTHORIZED_KEY".into()));
    let bearer = world
        .http
        .get(&url)
        .bearer_auth("test_sk_acme")
        .send()
        .await
        .unwrap();
    assert_eq!(
        refusal(bearer).await,
        (403, "INCORRECT_BASIC_AUTH_FORMAT".into())
    );
}

#[tokio::test]
async fn bad_bodies_amounts_and_orders_are_refused() {
    let world = world().await;
    let post =
        async |path: &str, body| refusal(world.post(path, &body).send().await.unwrap()).await;
    let authorize = "/sandbox/v1/authorizations";
    let small = post(authorize, json!({ "orderId": "order-0001", "amount": 99 })).await;
    assert_eq!(small, (400, "BELOW_MINIMUM_AMOUNT".into()));
    let short = post(authorize, json!({ "orderId": "o-1", "amount": 100 })).await;
    assert_eq!(short, (400, "INVALID_ORDER_ID".into()));
    let decimals = post(
        authorize,
        json!({ "orderId": "order-0001", "amount": 100.5 }),
    )
    .await;
    assert_eq!(decimals, (400, "INVALID_REQUEST".into()));
    let empty = post("/v1/payments/confirm", json!({})).await;
    assert_eq!(empty, (400, "INVALID_REQUEST".into()));
    let unknown = post(
        "/v1/payments/confirm",
        json!({ "paymentKey": "tgen_x", "orderId": "order-0001", "amount": 100 }),
    );
    assert_eq!(unknown.await, (404, "NOT_FOUND_PAYMENT_SESSION".into()));
    let lookup = refusal(world.get("/v1/payments/orders/order-0001").await).await;
    assert_eq!(lookup, (404, "NOT_FOUND_PAYMENT".into()));
}

#[tokio::test]
async fn cancellations_are_listed_and_reduce_the_balance() {
    let world = world().await;
    let key = world.approved("order-0001").await;
    let path = format!("/v1/payments/{key}/cancel");
    let part = json!({ "cancelReason": "한 켤레 반품", "cancelAmount": 2_000 });
    let (_, payment) = read(world.post(&path, &part).send().await.unwrap()).await;
    assert_eq!(payment["status"], "PARTIAL_CANCELED");
    assert_eq!(payment["balanceAmount"], 40_000);
    assert_eq!(payment["cancels"][0]["cancelAmount"], 2_000);
    assert_eq!(payment["cancels"][0]["refundableAmount"], 40_000);
    assert_eq!(
        payment["cancels"][0]["transactionKey"],
        payment["lastTransactionKey"]
    );
    let no_reason = world.post(&path, &json!({})).send().await.unwrap();
    assert_eq!(refusal(no_reason).await, (400, "INVALID_REQUEST".into()));
    let rest = json!({ "cancelReason": "rest" });
    let (_, payment) = read(world.post(&path, &rest).send().await.unwrap()).await;
    assert_eq!(payment["status"], "CANCELED");
    let again = world.post(&path, &rest).send().await.unwrap();
    assert_eq!(
        refusal(again).await,
        (400, "ALREADY_CANCELED_PAYMENT".into())
    );
}

#[tokio::test]
async fn one_key_replays_the_first_answer_even_with_another_body() {
    let world = world().await;
    let (first, second) = (
        world.authorize("order-0001").await,
        world.authorize("order-0002").await,
    );
    let send = async |key: &str, order: &str| {
        let request = world
            .confirm(key, order)
            .header("idempotency-key", "attempt-1");
        request.send().await.unwrap().text().await.unwrap()
    };
    let answer = send(&first, "order-0001").await;
    assert_eq!(send(&first, "order-0001").await, answer);
    assert_eq!(
        send(&second, "order-0002").await,
        answer,
        "the body is not in the scope"
    );
    assert_eq!(world.journal().await.len(), 1);
    assert_eq!(world.status_of(&second).await, "IN_PROGRESS");
}

#[tokio::test]
async fn errors_are_replayed_for_fifteen_days_and_then_forgotten() {
    let world = world().await;
    let test_code = |order| {
        let request = world
            .confirm("tgen_unknown", order)
            .header("idempotency-key", "attempt-1");
        request.header("tosspayments-test-code", "REJECT_CARD_PAYMENT")
    };
    let refused = refusal(test_code("order-0001").send().await.unwrap()).await;
    assert_eq!(refused, (403, "REJECT_CARD_PAYMENT".into()));
    let plain = || {
        world
            .confirm("tgen_unknown", "order-0001")
            .header("idempotency-key", "attempt-1")
    };
    assert_eq!(refusal(plain().send().await.unwrap()).await, refused);
    for _ in 0..16 {
        world.sim.clock.advance(86_400_000);
    }
    let later = refusal(plain().send().await.unwrap()).await;
    assert_eq!(later, (404, "NOT_FOUND_PAYMENT_SESSION".into()));
}

#[tokio::test]
async fn the_scope_of_a_key_is_merchant_and_address() {
    let world = world().await;
    let (first, second) = (
        world.approved("order-0001").await,
        world.approved("order-0002").await,
    );
    let reason = json!({ "cancelReason": "both" });
    for key in [&first, &second] {
        let path = format!("/v1/payments/{key}/cancel");
        let request = world
            .post(&path, &reason)
            .header("idempotency-key", "refund-1");
        let (status, payment) = read(request.send().await.unwrap()).await;
        assert_eq!(
            (status.as_u16(), payment["paymentKey"].as_str()),
            (200, Some(key.as_str()))
        );
    }
}

#[tokio::test]
async fn an_overlong_key_is_refused() {
    let world = world().await;
    let request = world
        .confirm("tgen_x", "order-0001")
        .header("idempotency-key", "k".repeat(301));
    let refused = refusal(request.send().await.unwrap()).await;
    assert_eq!(refused, (400, "INVALID_IDEMPOTENCY_KEY".into()));
}

#[tokio::test]
async fn a_hundred_parallel_confirms_make_one_approval() {
    let world = world().await;
    let key = world.authorize("order-0001").await;
    let mut confirms = tokio::task::JoinSet::new();
    for attempt in 0..100 {
        let request = world.confirm(&key, "order-0001");
        let request = request.header("idempotency-key", format!("attempt-{attempt}"));
        confirms.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    let statuses = confirms.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 99);
    assert_eq!(
        world.journal().await,
        [("approval".into(), "order-0001".into(), 42_000)]
    );
}

#[tokio::test]
async fn many_orders_open_in_one_call() {
    let world = world().await;
    let body = json!({ "orderId": "bench-{n}", "amount": 100, "count": 3 });
    let (_, answer) = read(
        world
            .post("/sandbox/v1/authorizations", &body)
            .send()
            .await
            .unwrap(),
    )
    .await;
    let orders: Vec<_> = answer["payments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["orderId"])
        .collect();
    assert_eq!(orders, ["bench-0", "bench-1", "bench-2"]);
}

#[tokio::test]
async fn the_journal_is_read_page_by_page() {
    let world = world().await;
    for order in ["order-0001", "order-0002", "order-0003"] {
        world.approved(order).await;
    }
    let (_, page) = read(world.get("/sim/approvals?after=1&limit=1").await).await;
    assert_eq!(page.as_array().unwrap().len(), 1);
    assert_eq!(
        (&page[0]["seq"], &page[0]["orderId"]),
        (&json!(2), &json!("order-0002"))
    );
    let (_, stats) = read(world.get("/sim/stats").await).await;
    assert_eq!(stats["book"]["approvals"], 3);
}
