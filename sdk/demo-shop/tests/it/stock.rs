//! The edition: never oversold, by any number of buyers at any number of instances.

use std::collections::BTreeSet;

use crate::kit::world;

#[tokio::test]
async fn forty_buyers_at_two_instances_get_the_ten_pieces_there_are() {
    let first = world(10).await;
    let second = first.second_instance(10).await;
    let mut buyers = tokio::task::JoinSet::new();
    for number in 0..40 {
        let mut buyer = if number % 2 == 0 {
            first.buyer()
        } else {
            second.buyer()
        };
        buyers.spawn(async move {
            let page = buyer.buy().await;
            match page.status {
                303 => {
                    let order = page.query()["orderId"].clone();
                    let receipt = buyer.come_back(&order, "tgen_1").await;
                    Some(
                        receipt
                            .between(r#"data-edition=""#, "\"")
                            .parse::<u32>()
                            .unwrap(),
                    )
                }
                status => {
                    assert_eq!(status, 409, "{}", page.html);
                    None
                }
            }
        });
    }
    let editions: Vec<u32> = buyers.join_all().await.into_iter().flatten().collect();
    assert_eq!(editions.len(), 10);
    assert_eq!(
        editions.into_iter().collect::<BTreeSet<_>>(),
        (1..=10).collect()
    );
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
