//! Two gateways on a Redis Cluster, a node of which hands its slots on while they are used.

use devkit::RedisCluster;
use waiting_room::{Outcome, counts::Event};

use crate::{
    fleet::Browser,
    pair::{Pair, all_numbers},
};

const COUNTER: &str = "fg:{acme:flash-sale}:n";

#[tokio::test]
async fn a_slot_that_moves_under_a_line_costs_nobody_a_place() {
    let cluster = RedisCluster::start().expect("a Redis Cluster");
    let mut pair = Pair::on(&cluster.url(), 2);
    let mut crowd = pair.fill().await;
    let before = all_numbers(&crowd);
    let ticks = pair.count(Event::Ticked);
    let slot = cluster.slot_of(COUNTER).expect("a slot");
    let to = (cluster.owner(slot) + 1) % 3;

    let moving = cluster.begin_move(slot, to).expect("begins");
    let mut late: Vec<_> = (0..4).map(|_| Browser::default()).collect();
    let mut carried = 0;
    // Key by key; both gateways go on in between, and new visitors come.
    while moving.carry(1).expect("carried") > 0 {
        carried += 1;
        pair.step_both().await;
        for (index, browser) in late.iter_mut().enumerate() {
            let _ = pair.enter(index, browser).await;
        }
        all_are_answered(&mut pair, &mut crowd).await;
    }
    assert!(carried > 5, "the room lay on both nodes for a while");
    moving.finish().expect("finishes");

    for (index, browser) in late.iter_mut().enumerate() {
        while browser.ticket().is_none() {
            let _ = pair.enter(index, browser).await;
            pair.step_both().await;
        }
    }
    assert_eq!(all_numbers(&crowd), before, "every place is kept");
    crowd.append(&mut late);
    pair.nothing_is_lost(&crowd).await;
    assert_eq!(pair.count(Event::Restored), 0, "nothing was lost");
    let counter = cluster.nodes()[to].ask(&["GET", COUNTER]);
    let counter = counter.expect("the new node has it").text().parse::<u64>();
    let highest = all_numbers(&crowd).into_iter().max().expect("somebody");
    assert!(counter.expect("a number") > highest.0);

    pair.a_seat_changes_hands(&mut crowd).await;
    pair.nothing_is_lost(&crowd).await;
    assert!(pair.count(Event::Ticked) > ticks, "ticks go on");
}

/// Who is in stays in and who waits keeps the number, whatever the store is about.
async fn all_are_answered(pair: &mut Pair, crowd: &mut [Browser]) {
    for (index, browser) in crowd.iter_mut().enumerate() {
        let (number, was_inside) = (
            all_numbers(std::slice::from_ref(browser)),
            browser.pass.is_some(),
        );
        let outcome = pair.enter(index, browser).await;
        assert_eq!(matches!(outcome, Outcome::Admitted(_)), was_inside);
        assert_eq!(all_numbers(std::slice::from_ref(browser)), number);
    }
}
