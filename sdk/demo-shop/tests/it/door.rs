//! Who gets in: the landing page is open, the sale is behind the gateway's pass.

use crate::kit::{LATER, pass, world};

#[tokio::test]
async fn the_landing_page_is_open_to_everybody_in_two_languages() {
    let world = world(5).await;
    let mut visitor = world.buyer();
    visitor.pass = None;
    let page = visitor.get("/").await;
    assert_eq!(page.status, 200);
    assert!(
        page.html.contains(r#"<html lang="en">"#) && page.html.contains("₩189,000"),
        "{}",
        page.html
    );
    let korean = reqwest::Client::new()
        .get(visitor_url(&world, "/"))
        .send()
        .await
        .unwrap();
    let html = korean.text().await.unwrap();
    assert!(
        html.contains(r#"<html lang="ko">"#) && html.contains("달항아리"),
        "{html}"
    );
}

fn visitor_url(world: &crate::kit::World, path: &str) -> String {
    format!("{}{path}", world.base())
}

#[tokio::test]
async fn the_sale_shows_what_is_left_and_tells_the_gateway() {
    let world = world(5).await;
    let page = world.buyer().get("/sale/").await;
    assert_eq!((page.status, page.remaining.as_deref()), (200, Some("5")));
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(
        !page.html.contains("<script"),
        "the shop works without JavaScript"
    );
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("form-action 'self' http://window.test"),
        "{policy}"
    );
}

#[tokio::test]
async fn nobody_gets_round_the_waiting_room() {
    let world = world(5).await;
    let forged = pass("acme", "flash-sale", LATER).replace("n=7", "n=8");
    let passes = [
        None,
        Some(String::new()),
        Some(forged),
        Some(pass("acme", "other-room", LATER)),
        Some(pass("someone", "flash-sale", LATER)),
        Some(pass("acme", "flash-sale", 1)),
    ];
    for pass in passes {
        let mut visitor = world.buyer();
        visitor.pass = pass;
        for path in ["/sale/", "/sale/success?orderId=x", "/sale/fail"] {
            let page = visitor.get(path).await;
            assert_eq!((page.status, page.remaining), (403, None), "{path}");
            assert!(page.html.contains("front door"));
        }
        assert_eq!(visitor.press_with("x").await.status, 403);
    }
    assert_eq!(world.available().await, 5);
}

#[tokio::test]
async fn a_checkout_needs_a_form_made_for_the_same_visitor() {
    let world = world(5).await;
    let (mut alice, mut mallory) = (world.buyer(), world.buyer());
    let token = alice.token().await;
    mallory.get("/sale/").await;
    assert_eq!(mallory.press_with(&token).await.status, 403);
    assert_eq!(alice.press_with("").await.status, 403);
    alice.cookie.clear();
    assert_eq!(alice.press_with(&token).await.status, 403);
    assert_eq!(world.available().await, 5);
}

#[tokio::test]
async fn an_order_nobody_made_is_not_found() {
    let world = world(1).await;
    for path in [
        "/orders/dw_unknown",
        "/sale/success?orderId=dw_unknown&paymentKey=k&amount=1",
        "/sale/success",
    ] {
        assert_eq!(world.buyer().get(path).await.status, 404, "{path}");
    }
}
