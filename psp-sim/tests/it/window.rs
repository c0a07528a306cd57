//! The payment window as a browser uses it.

use std::collections::HashMap;

use reqwest::{Response, StatusCode, Url, header};

use crate::kit::{World, refusal, world};

const QUERY: [(&str, &str); 7] = [
    ("clientKey", "test_ck_acme"),
    ("amount", "42000"),
    ("currency", "KRW"),
    ("orderId", "order-0001"),
    ("orderName", "달빛 러너 <260>"),
    ("successUrl", "http://shop.test/sale/success?from=window"),
    ("failUrl", "http://shop.test/sale/fail"),
];

async fn open(world: &World, change: Option<(&str, &str)>, language: &str) -> Response {
    let query = QUERY.map(|(name, value)| match change {
        Some((changed, other)) if changed == name => (name, other),
        _ => (name, value),
    });
    let url = Url::parse_with_params(&format!("{}/window", world.base), &query).unwrap();
    let request = world.http.get(url);
    request
        .header(header::ACCEPT_LANGUAGE, language)
        .send()
        .await
        .unwrap()
}

fn hidden_key(html: &str) -> String {
    let (_, rest) = html
        .split_once(r#"name="paymentKey" value=""#)
        .expect("the form has the key");
    rest.split('"').next().unwrap().to_owned()
}

/// Submits the form and gives the address the browser is sent to, with its query.
async fn submit(world: &World, fields: &[(&str, &str)]) -> (String, HashMap<String, String>) {
    let body = Url::parse_with_params("http://form", fields).unwrap();
    let request = world.http.post(format!("{}/window", world.base));
    let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = request
        .body(body.query().unwrap().to_owned())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let address: Url = answer.headers()[header::LOCATION]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let pairs = address.query_pairs().into_owned().collect();
    (address.path().to_owned(), pairs)
}

#[tokio::test]
async fn paying_leads_to_the_success_address_and_can_be_confirmed() {
    let world = world().await;
    let page = open(&world, None, "ko").await;
    assert_eq!(page.headers()[header::CACHE_CONTROL], "no-store");
    let html = page.text().await.unwrap();
    assert!(
        html.contains("42,000원 결제하기") && html.contains("달빛 러너 &lt;260&gt;"),
        "{html}"
    );
    let key = hidden_key(&html);
    assert_eq!(world.status_of(&key).await, "READY");
    let (path, query) = submit(
        &world,
        &[("paymentKey", &key), ("action", "pay"), ("card", "good")],
    )
    .await;
    assert_eq!(path, "/sale/success");
    assert_eq!(query["from"], "window");
    assert_eq!(query["paymentType"], "NORMAL");
    assert_eq!(query["amount"], "42000");
    assert_eq!(query["orderId"], "order-0001");
    assert_eq!(query["paymentKey"], key);
    assert_eq!(
        world
            .confirm(&key, "order-0001")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn a_double_click_on_pay_is_one_payment() {
    let world = world().await;
    let key = hidden_key(&open(&world, None, "ko").await.text().await.unwrap());
    let fields = [("paymentKey", key.as_str()), ("action", "pay")];
    assert_eq!(submit(&world, &fields).await, submit(&world, &fields).await);
}

#[tokio::test]
async fn declining_and_cancelling_lead_to_the_fail_address_with_a_code() {
    let world = world().await;
    for (action, code) in [
        ("decline", "REJECT_CARD_COMPANY"),
        ("cancel", "PAY_PROCESS_CANCELED"),
    ] {
        let key = hidden_key(&open(&world, None, "ko").await.text().await.unwrap());
        let (path, query) = submit(&world, &[("paymentKey", &key), ("action", action)]).await;
        assert_eq!(
            (path.as_str(), query["code"].as_str()),
            ("/sale/fail", code)
        );
        assert_eq!(world.status_of(&key).await, "ABORTED");
    }
}

#[tokio::test]
async fn a_card_over_its_limit_is_refused_at_confirm() {
    let world = world().await;
    let key = hidden_key(&open(&world, None, "ko").await.text().await.unwrap());
    submit(
        &world,
        &[("paymentKey", &key), ("action", "pay"), ("card", "limit")],
    )
    .await;
    let answer = world.confirm(&key, "order-0001").send().await.unwrap();
    assert_eq!(refusal(answer).await, (403, "REJECT_CARD_PAYMENT".into()));
}

#[tokio::test]
async fn a_window_left_open_too_long_leads_to_the_fail_address() {
    let world = world().await;
    let key = hidden_key(&open(&world, None, "ko").await.text().await.unwrap());
    world.sim.clock.advance(30 * 60_000);
    let (path, query) = submit(&world, &[("paymentKey", &key), ("action", "pay")]).await;
    assert_eq!(
        (path.as_str(), query["code"].as_str()),
        ("/sale/fail", "PAY_PROCESS_ABORTED")
    );
}

#[tokio::test]
async fn the_language_switch_keeps_the_session() {
    let world = world().await;
    let html = open(&world, None, "ko").await.text().await.unwrap();
    let (_, rest) = html.split_once(r#"<a href=""#).unwrap();
    let link = rest
        .split('"')
        .next()
        .unwrap()
        .replace("&amp;", "&")
        .replace("&#x2f;", "/");
    let english = world
        .http
        .get(format!("{}{link}", world.base))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(english.contains("Pay ₩42,000"), "{english}");
    assert_eq!(hidden_key(&english), hidden_key(&html));
}

#[tokio::test]
async fn a_window_that_cannot_open_explains_itself() {
    let world = world().await;
    let cases = [
        (("clientKey", "live_ck_x"), 401, "UNAUTHORIZED_KEY"),
        (("amount", "50"), 400, "BELOW_MINIMUM_AMOUNT"),
        (("orderId", "x"), 400, "INVALID_ORDER_ID"),
        (
            ("successUrl", "javascript:alert(1)"),
            400,
            "INVALID_REQUEST",
        ),
    ];
    for (change, status, code) in cases {
        let page = open(&world, Some(change), "en").await;
        assert_eq!(page.status().as_u16(), status, "{change:?}");
        assert!(page.text().await.unwrap().contains(code), "{change:?}");
    }
}
