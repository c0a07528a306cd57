//! The edition: never oversold, by any number of buyers at any number of instances.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::kit::{Buyer, world};

#[tokio::test]
async fn forty_buyers_at_two_instances_get_the_ten_pieces_there_are() {
    let first = world(10).await;
    let second = first.second_instance(10).await;
    let together = Arc::new(Barrier::new(40));
    let mut buyers = JoinSet::new();
    for number in 0..40 {
        let instance = if number % 2 == 0 { &first } else { &second };
        buyers.spawn(buy_at_once(instance.buyer(), Arc::clone(&together)));
    }
    let editions: Vec<u32> = buyers.join_all().await.into_iter().flatten().collect();
    assert_eq!(editions.len(), 10);
    assert_eq!(
        editions.into_iter().collect::<BTreeSet<_>>(),
        (1..=10).collect()
    );
}

/// Looks, waits for the others, buys; the number of the piece, if there was one.
async fn buy_at_once(mut buyer: Buyer, together: Arc<Barrier>) -> Option<u32> {
    let token = buyer.token().await;
    together.wait().await;
    let page = buyer.press_with(&token).await;
    if page.status != 303 {
        assert_eq!(page.status, 409, "{}", page.html);
        return None;
    }
    let receipt = buyer.come_back(&page.query()["orderId"], "tgen_1").await;
    Some(receipt.between(r#"data-edition=""#, "\"").parse().unwrap())
}

#[tokio::test]
async fn sold_out_is_said_and_told_to_the_gateway() {
    let world = world(1).await;
    let mut buyer = world.buyer();
    let mut late = world.buyer();
    let token = late.token().await;
    let order = buyer.order().await;
    buyer.come_back(&order, "tgen_1").await;
    let page = late.get("/sale/").await;
    assert_eq!((page.status, page.remaining.as_deref()), (200, Some("0")));
    assert!(page.html.contains("found its home") && !page.html.contains("/sale/checkout"));
    let refused = late.press_with(&token).await;
    assert_eq!(
        (refused.status, refused.remaining.as_deref()),
        (409, Some("0"))
    );
}

#[tokio::test]
async fn while_all_are_held_the_line_is_not_ended() {
    let world = world(1).await;
    let mut late = world.buyer();
    let token = late.token().await;
    world.buyer().order().await;
    let page = late.get("/sale/").await;
    assert_eq!((page.status, page.remaining.as_deref()), (200, Some("1")));
    assert!(
        page.html.contains("in somebody&#x27;s checkout") && page.html.contains(r#"content="20""#),
        "{}",
        page.html
    );
    let refused = late.press_with(&token).await;
    assert_eq!(
        (refused.status, refused.remaining.as_deref()),
        (409, Some("1"))
    );
    assert!(refused.html.contains("being paid for"));
}

#[tokio::test]
async fn a_buyer_with_a_piece_in_hand_may_continue() {
    let world = world(1).await;
    let mut buyer = world.buyer();
    let order = buyer.order().await;
    let page = buyer.get("/sale/").await;
    assert!(
        page.html.contains("Continue with the piece"),
        "{}",
        page.html
    );
    assert_eq!(buyer.order().await, order);
}

#[tokio::test]
async fn a_changed_stock_changes_what_is_left_by_the_difference() {
    let first = world(5).await;
    first.buyer().order().await;
    let second = first.second_instance(8).await;
    assert_eq!(second.available().await, 7);
    let same = first.second_instance(8).await;
    assert_eq!(same.available().await, 7);
}
