//! What else can come of a payment: not known yet, refused, left, too late.

use demo_shop::shelf::State;

use crate::core::Say;
use crate::kit::{until, world};

#[tokio::test]
async fn an_unknown_outcome_is_shown_as_confirming_and_asked_again_under_the_same_key() {
    let world = world(5).await;
    world.core.payments_say([Say::Unknown, Say::Broken]);
    let mut buyer = world.buyer();
    let order = buyer.order().await;
    for _ in 0..2 {
        let page = buyer.come_back(&order, "tgen_1").await;
        assert_eq!(page.status, 202);
        assert!(
            page.html
                .contains(r#"<meta http-equiv="refresh" content="3">"#),
            "{}",
            page.html
        );
        assert!(page.html.contains("being confirmed"));
    }
    assert_eq!(buyer.come_back(&order, "tgen_1").await.status, 200);
    let asked = world.core.asked("payments");
    assert_eq!(asked.len(), 3);
    assert!(
        asked
            .iter()
            .all(|asked| asked.key == format!("pay-{order}"))
    );
}

#[tokio::test]
async fn a_buyer_who_closed_the_tab_still_gets_the_piece() {
    let world = world(5).await;
    world.core.payments_say([Say::Unknown]);
    let mut buyer = world.buyer();
    let order = buyer.order().await;
    buyer.come_back(&order, "tgen_1").await;
    world.sql("UPDATE purchase SET ask_at = now()").await;
    until("the caretaker to settle it", async || {
        world.shop.shelf.find(&order).await.unwrap().unwrap().state == State::Paid
    })
    .await;
    assert!(world.core.asked("payments").len() >= 2);
}

#[tokio::test]
async fn a_refused_card_is_told_in_words_and_frees_the_piece() {
    let world = world(5).await;
    world.core.payments_say([Say::Refused("limit_exceeded")]);
    let mut buyer = world.buyer();
    let order = buyer.order().await;
    assert_eq!(world.available().await, 4);
    let page = buyer.come_back(&order, "tgen_1").await;
    assert_eq!(page.status, 402);
    assert!(page.html.contains("over its limit") && page.html.contains("Nothing was charged"));
    assert_eq!(world.available().await, 5);
    assert_ne!(buyer.order().await, order, "another try is another order");
}

#[tokio::test]
async fn leaving_the_window_frees_the_piece_but_only_ones_own() {
    let world = world(5).await;
    let (mut buyer, mut other) = (world.buyer(), world.buyer());
    let order = buyer.order().await;
    other.get("/sale/").await;
    let path = format!("/sale/fail?code=PAY_PROCESS_CANCELED&message=%3Cb%3E&orderId={order}");
    other.get(&path).await;
    assert_eq!(world.available().await, 4, "a stranger frees nothing");
    let page = buyer.get(&path).await;
    assert_eq!(page.status, 200);
    assert!(
        page.html.contains("You cancelled the payment") && !page.html.contains("<b>&"),
        "{}",
        page.html
    );
    assert_eq!(world.available().await, 5);
}

#[tokio::test]
async fn a_hold_that_lapsed_goes_back_on_the_shelf() {
    let world = world(1).await;
    world.buyer().order().await;
    assert_eq!(world.available().await, 0);
    world
        .sql("UPDATE purchase SET hold_until = now() - interval '1 s'")
        .await;
    until("the piece to be back", async || {
        world.available().await == 1
    })
    .await;
}

#[tokio::test]
async fn a_late_return_is_served_while_a_piece_is_left() {
    let world = world(1).await;
    let mut buyer = world.buyer();
    let order = buyer.order().await;
    world
        .sql("UPDATE purchase SET hold_until = now() - interval '1 s'")
        .await;
    until("the hold to lapse", async || world.available().await == 1).await;
    assert_eq!(buyer.come_back(&order, "tgen_1").await.status, 200);
    assert_eq!(world.available().await, 0);
}

#[tokio::test]
async fn a_return_after_the_last_piece_went_is_never_charged() {
    let world = world(1).await;
    let (mut slow, mut quick) = (world.buyer(), world.buyer());
    let order = slow.order().await;
    world
        .sql("UPDATE purchase SET hold_until = now() - interval '1 s'")
        .await;
    until("the hold to lapse", async || world.available().await == 1).await;
    let other = quick.order().await;
    assert_eq!(quick.come_back(&other, "tgen_quick").await.status, 200);
    let page = slow.come_back(&order, "tgen_slow").await;
    assert_eq!((page.status, page.remaining.as_deref()), (409, Some("0")));
    assert!(page.html.contains("nothing is charged"), "{}", page.html);
    assert_eq!(
        world.core.asked("payments").len(),
        1,
        "the slow buyer's payment was never asked for"
    );
}

#[tokio::test]
async fn a_core_that_takes_no_orders_holds_no_piece() {
    let world = world(5).await;
    world.core.orders_say(Say::Broken);
    let page = world.buyer().buy().await;
    assert_eq!(page.status, 503);
    assert!(page.html.contains("Nothing was charged"));
    assert_eq!(world.available().await, 5);
}
