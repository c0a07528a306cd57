//! What is refused, and in which words.

use crate::stage::{Answer, Stage, brief};
use serde_json::{Value, json};

async fn changed(stage: &Stage, pointer: &str, value: Value) -> Answer {
    let mut body = brief("order_refuse");
    body[pointer] = value;
    stage.pay("service-a", "k-1", &body).await
}

fn pointers(answer: &Answer) -> Vec<String> {
    answer.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn every_bad_field_is_pointed_at() {
    let stage = Stage::start().await;
    let long = "x".repeat(501);
    for (member, value, pointer) in [
        ("amount", json!(0), "/amount"),
        ("amount", json!(-10_000), "/amount"),
        ("amount", json!(1_000_000_000_001_i64), "/amount"),
        ("amount", json!(u64::MAX), "/amount"),
        ("amount", json!(100.5), "/amount"),
        ("amount", json!("10000"), "/amount"),
        ("currency", json!("WON"), "/currency"),
        ("currency", json!("krw"), "/currency"),
        ("orderId", json!("short"), "/orderId"),
        ("orderId", json!("주문_123456"), "/orderId"),
        ("orderId", json!("x".repeat(65)), "/orderId"),
        ("paymentMethod", json!("CASH"), "/paymentMethod"),
        ("paymentKey", json!(""), "/paymentKey"),
        ("paymentKey", json!(".."), "/paymentKey"),
        ("metadata", json!({ "n\0": 1 }), "/metadata/n\0"),
        ("metadata", json!({ "deep": {} }), "/metadata/deep"),
        ("metadata", json!({ "long": long }), "/metadata/long"),
        ("surprise", json!(1), "/surprise"),
    ] {
        let answer = changed(&stage, member, value.clone()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "invalid_request".into()),
            "{member} {value}: {answer:?}"
        );
        assert_eq!(pointers(&answer), [pointer], "{answer:?}");
        assert_eq!(answer.at("/success"), "false");
    }
    let both = json!({ "orderId": "x", "amount": 0, "currency": "WON" });
    let answer = stage.pay("service-a", "k-1", &both).await;
    assert_eq!(
        pointers(&answer),
        ["/orderId", "/currency", "/amount"],
        "all at once"
    );
    assert_eq!(
        stage.sql("select count(*) from idempotency").await,
        "0",
        "a refused request leaves nothing"
    );
}

#[tokio::test]
async fn what_is_not_json_is_refused_in_the_same_shape() {
    let stage = Stage::start().await;
    let post = |body: Vec<u8>, kind: &'static str| {
        stage
            .http
            .post(stage.url("/api/v1/payments"))
            .bearer_auth(stage.key("service-a"))
            .header("x-idempotency-key", "k-1")
            .header("content-type", kind)
            .body(body)
    };
    for (body, kind, status, code) in [
        (
            b"{\"orderId\":".to_vec(),
            "application/json",
            400,
            "invalid_json",
        ),
        (b"".to_vec(), "application/json", 400, "invalid_json"),
        (
            b"\xff\xfe".to_vec(),
            "application/json",
            400,
            "invalid_json",
        ),
        (b"[]".to_vec(), "application/json", 400, "invalid_request"),
        (
            b"orderId=1".to_vec(),
            "application/x-www-form-urlencoded",
            415,
            "unsupported_media_type",
        ),
        (
            vec![b' '; 70 * 1024],
            "application/json",
            413,
            "body_too_large",
        ),
    ] {
        let answer = stage.send(post(body, kind)).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{answer:?}"
        );
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        assert!(!answer.at("/metadata/traceId").is_empty());
    }
}

#[tokio::test]
async fn card_numbers_are_refused_anywhere() {
    let stage = Stage::start().await;
    for (member, value) in [
        (
            "metadata",
            json!({ "memo": "pay with 4242-4242-4242-4242 please" }),
        ),
        ("metadata", json!({ "n": 5_555_555_555_554_444_u64 })),
        ("paymentKey", json!("4111111111111111")),
        ("orderId", json!("4111111111111111")),
    ] {
        let answer = changed(&stage, member, value).await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "card_number_refused".into()),
            "{answer:?}"
        );
        assert!(
            !answer.text.contains("4242") && !answer.text.contains("4111"),
            "it is not echoed: {answer:?}"
        );
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_answer_as_everything_else() {
    let stage = Stage::start().await;
    let nowhere = stage.get("service-a", "/api/v1/nowhere").await;
    assert_eq!((nowhere.status, nowhere.code()), (404, "not_found".into()));
    let request = stage
        .http
        .delete(stage.url("/api/v1/payments"))
        .bearer_auth(stage.key("service-a"));
    let method = stage.send(request).await;
    assert_eq!(
        (method.status, method.code()),
        (405, "method_not_allowed".into())
    );
    for path in [
        "/api/v1/payments/pay_x",
        "/api/v1/payments/ord_01jkb5z8s6e1t9v4w2x3y4z5a6",
        "/api/v1/orders/none_such",
        "/api/v1/payments/pay_00000000000000000000000000/audit",
    ] {
        let answer = stage.get("service-a", path).await;
        assert_eq!(
            (answer.status, answer.code()),
            (404, "not_found".into()),
            "{path}"
        );
    }
    let page = stage.get("service-a", "/api/v1/payments?limit=many").await;
    assert_eq!((page.status, page.code()), (400, "invalid_request".into()));
}

#[tokio::test]
async fn a_key_opens_its_own_tenant_and_its_own_doors() {
    let stage = Stage::start().await;
    let list = |request: reqwest::RequestBuilder| stage.send(request);
    let url = || stage.http.get(stage.url("/api/v1/payments"));
    let none = list(url()).await;
    assert_eq!(
        (none.status, none.code(), none.header("www-authenticate")),
        (401, "unauthenticated".into(), Some("Bearer"))
    );
    let forged = format!("{}{}", &stage.key("acme")[..16], "0".repeat(32));
    for token in ["sk_x", &forged] {
        assert_eq!(
            list(url().bearer_auth(token)).await.code(),
            "unauthenticated"
        );
    }
    let other = list(
        url()
            .bearer_auth(stage.key("acme"))
            .header("x-tenant-id", "service-a"),
    )
    .await;
    assert_eq!(
        (other.status, other.code()),
        (403, "tenant_mismatch".into())
    );
    assert_eq!(
        list(url().bearer_auth(stage.key("acme-pk"))).await.code(),
        "scope_missing"
    );
    assert_eq!(
        list(url().bearer_auth(stage.key("acme-finance")))
            .await
            .status,
        200
    );
    let request = stage
        .http
        .post(stage.url("/api/v1/payments"))
        .header("x-idempotency-key", "k")
        .json(&brief("order_scope"));
    assert_eq!(
        list(request.bearer_auth(stage.key("service-a-finance")))
            .await
            .code(),
        "scope_missing"
    );

    let paid = stage.pay("service-a", "k-1", &brief("order_browser")).await;
    let path = format!("/api/v1/payments/{}", paid.at("/data/paymentId"));
    let browser = list(
        stage
            .http
            .get(stage.url(&path))
            .bearer_auth(stage.key("service-a-pk")),
    )
    .await;
    assert_eq!(
        browser.at("/data/status"),
        "APPROVED",
        "a browser may read the one payment whose id it holds"
    );
}
