//! The path of a buyer who pays.

use crate::kit::{visit, world};

#[tokio::test]
async fn a_buyer_who_pays_gets_one_numbered_piece_and_its_receipt() {
    let world = world(5).await;
    let mut buyer = world.buyer();
    let window = buyer.buy().await;
    assert_eq!(window.status, 303);
    assert!(
        window.location.starts_with("http://window.test/window?"),
        "{}",
        window.location
    );
    let query = window.query();
    assert_eq!(query["clientKey"], "test_ck_acme");
    assert_eq!(
        (query["amount"].as_str(), query["currency"].as_str()),
        ("189000", "KRW")
    );
    assert_eq!(query["orderName"], "Damwol Moon Jar Lamp");
    assert_eq!(
        query["successUrl"],
        "http://shop.acme.test:8080/sale/success"
    );
    assert_eq!(query["failUrl"], "http://shop.acme.test:8080/sale/fail");
    // While the window is open the visit does not end: the gateway is asked to hold it, as long as the piece is held.
    let said = window.headers["x-fluxgate-visit"].to_str().expect("text");
    let until = said
        .split("hold=")
        .nth(1)
        .and_then(|rest| rest.split(';').next());
    let until: u64 = until.expect("a time").parse().expect("seconds");
    assert_eq!(said, visit(&format!("hold={until}")));
    assert!(until > demo_shop::clock::unix_now(), "{said}");
    let order = &query["orderId"];
    let receipt = buyer.come_back(order, "tgen_1").await;
    assert_eq!(
        (receipt.status, receipt.remaining.as_deref()),
        (200, Some("4"))
    );
    assert!(!receipt.headers.contains_key("x-fluxgate-visit"));
    assert_eq!(
        receipt.between(r#"id="payment-id">"#, "<"),
        format!("pay_{order}")
    );
    assert_eq!(receipt.between(r#"data-edition=""#, "\""), "1");
    assert_eq!(buyer.get(&format!("/orders/{order}")).await.status, 200);
}

#[tokio::test]
async fn the_core_is_asked_as_the_shop_on_behalf_of_the_visitor() {
    let world = world(5).await;
    let mut buyer = world.buyer();
    let order = buyer.order().await;
    buyer.come_back(&order, "tgen_1").await;
    let placed = &world.core.asked("orders")[0];
    assert_eq!(
        (placed.bearer.as_str(), placed.tenant.as_str()),
        ("Bearer sk_test", "acme")
    );
    assert_eq!(placed.body["orderId"], order);
    let paid = &world.core.asked("payments")[0];
    assert_eq!(paid.key, format!("pay-{order}"));
    assert_eq!(paid.visitor, "203.0.113.9");
    assert_eq!(paid.body["paymentKey"], "tgen_1");
    assert_eq!(
        (&paid.body["amount"], &paid.body["currency"]),
        (&189_000.into(), &"KRW".into())
    );
}

#[tokio::test]
async fn reloading_the_receipt_never_asks_for_money_again() {
    let world = world(5).await;
    let mut buyer = world.buyer();
    let order = buyer.order().await;
    let receipt = buyer.come_back(&order, "tgen_1").await;
    for _ in 0..3 {
        let again = buyer.come_back(&order, "tgen_1").await;
        assert_eq!((again.status, again.html), (200, receipt.html.clone()));
    }
    assert_eq!(world.core.asked("payments").len(), 1);
    assert_eq!(world.shop.shelf.stock().await.unwrap().sold, 1);
}

#[tokio::test]
async fn a_double_click_holds_one_piece() {
    let world = world(5).await;
    let mut buyer = world.buyer();
    let token = buyer.token().await;
    let mut clicks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (mut buyer, token) = (buyer.clone(), token.clone());
        clicks.spawn(async move { buyer.press_with(&token).await.query()["orderId"].clone() });
    }
    let mut orders = clicks.join_all().await;
    orders.dedup();
    assert_eq!(orders.len(), 1, "{orders:?}");
    assert_eq!(world.available().await, 4);
}

#[tokio::test]
async fn simultaneous_returns_sell_one_piece() {
    let world = world(5).await;
    let mut buyer = world.buyer();
    let order = buyer.order().await;
    let mut returns = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (mut buyer, order) = (buyer.clone(), order.clone());
        returns.spawn(async move { buyer.come_back(&order, "tgen_1").await.status });
    }
    assert_eq!(returns.join_all().await, [200; 8]);
    let stock = world.shop.shelf.stock().await.unwrap();
    assert_eq!((stock.sold, stock.available), (1, 4));
}

#[tokio::test]
async fn the_first_payment_key_of_an_order_wins() {
    let world = world(5).await;
    world.core.payments_say([crate::core::Say::Unknown]);
    let mut buyer = world.buyer();
    let order = buyer.order().await;
    assert_eq!(buyer.come_back(&order, "tgen_first").await.status, 202);
    assert_eq!(buyer.come_back(&order, "tgen_second").await.status, 200);
    let keys: Vec<_> = world
        .core
        .asked("payments")
        .iter()
        .map(|asked| asked.body["paymentKey"].clone())
        .collect();
    assert_eq!(keys, ["tgen_first", "tgen_first"]);
}

#[tokio::test]
async fn an_altered_amount_is_not_confirmed() {
    let world = world(5).await;
    let mut buyer = world.buyer();
    let order = buyer.order().await;
    let page = buyer
        .get(&format!(
            "/sale/success?orderId={order}&paymentKey=tgen_1&amount=100"
        ))
        .await;
    assert_eq!(page.status, 400);
    assert!(world.core.asked("payments").is_empty());
}
