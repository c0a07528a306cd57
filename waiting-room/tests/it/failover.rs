//! Two gateways on a Redis that fails over: writes are lost, places and seats are not.

use std::{sync::Arc, time::Duration};

use devkit::{RedisSentinel, wait};
use waiting_room::counts::Event;

use crate::pair::{Pair, all_numbers};

/// A first election that fails on a busy machine is repeated after a few seconds.
const LATEST: Duration = Duration::from_secs(18);

/// What a server has as the room's counter of numbers.
fn counter(server: &devkit::Redis) -> u64 {
    let counter = server.ask(&["GET", "fg:{acme:flash-sale}:n"]);
    counter.expect("an answer").text().parse().unwrap_or(0)
}

async fn until_copied(server: &RedisSentinel, pair: &mut Pair) {
    let copied = |_: &Pair| counter(server.first()) == counter(server.second());
    pair.until("the replica has it all", copied).await;
}

async fn until_failed_over(server: &Arc<RedisSentinel>, pair: &mut Pair) {
    let server = Arc::clone(server);
    let waiting = move || wait::until(LATEST, || server.has_failed_over().then_some(()));
    let waiting = tokio::task::spawn_blocking(waiting);
    let over = |_: &Pair| waiting.is_finished();
    pair.until("the replica takes over", over).await;
    let over = waiting.await.expect("the waiting ends");
    over.expect("the replica takes over");
}

#[tokio::test]
async fn a_primary_that_dies_with_the_last_writes_costs_nobody_a_place() {
    let server = Arc::new(RedisSentinel::start().expect("a Redis under Sentinels"));
    let mut pair = Pair::on(&server.url(), 2);
    let mut crowd = pair.fill().await;
    until_copied(&server, &mut pair).await;
    server.ready().expect("the Sentinels are ready");
    server.cut_replica().expect("the replica is cut off");
    // Lost: numbers, a leave, a call and a claim.
    crowd.append(&mut pair.arrivals(4).await);
    pair.a_seat_changes_hands(&mut crowd).await;
    let before = all_numbers(&crowd);
    let sessions = [0, 1].map(|index| pair.session(index));
    let ticks = pair.count(Event::Ticked);

    server.lose_first();
    until_failed_over(&server, &mut pair).await;
    let mut newcomers = pair.arrivals(2).await;
    for (index, session) in sessions.into_iter().enumerate() {
        assert!(
            pair.session(index) > session,
            "another server, another session"
        );
    }
    assert_ne!(pair.count(Event::Restored), 0, "writes were lost");
    assert_eq!(all_numbers(&crowd), before, "every place is kept");
    crowd.append(&mut newcomers);
    pair.nothing_is_lost(&crowd).await;
    pair.a_seat_changes_hands(&mut crowd).await;
    pair.nothing_is_lost(&crowd).await;
    assert!(pair.count(Event::Ticked) > ticks, "ticks go on");
}

#[tokio::test]
async fn a_primary_that_was_only_frozen_is_left_for_good() {
    let server = Arc::new(RedisSentinel::start().expect("a Redis under Sentinels"));
    let mut pair = Pair::on(&server.url(), 2);
    let mut crowd = pair.fill().await;
    until_copied(&server, &mut pair).await;
    server.ready().expect("the Sentinels are ready");
    let stood = counter(server.first());
    let sessions = [0, 1].map(|index| pair.session(index));

    server.first().pause();
    until_failed_over(&server, &mut pair).await;
    // Its connections were never closed, and it takes itself for the primary.
    server.first().resume();
    crowd.append(&mut pair.arrivals(2).await);
    for (index, session) in sessions.into_iter().enumerate() {
        assert!(
            pair.session(index) > session,
            "another server, another session"
        );
    }
    let old = server.first().ask(&["ROLE"]).expect("an answer");
    if old.items().first().map(devkit::Reply::text) == Some("master") {
        assert_eq!(counter(server.first()), stood, "no number from there");
    }
    pair.nothing_is_lost(&crowd).await;
}
