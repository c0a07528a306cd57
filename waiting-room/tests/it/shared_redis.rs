//! Two gateways on one real Redis: one line, whatever happens to the server.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use waiting_room::{Outcome, Reason, State};

use crate::{
    fleet::{Browser, Gateway},
    pair::{Pair, now, numbers, opened},
};

/// One that forgets everything when it ends.
fn empty_redis() -> devkit::Redis {
    devkit::Redis::start(devkit::RedisOptions::default()).expect("a Redis")
}

#[tokio::test]
async fn two_gateways_serve_one_line() {
    let server = empty_redis();
    let mut pair = Pair::on(&server.url(), 3);
    pair.until("the line opens", opened).await;
    let mut crowd = Vec::new();
    for index in 0..12 {
        crowd.push(pair.arrive(index).await);
    }
    let inside = crowd
        .iter()
        .filter(|browser| browser.pass.is_some())
        .count();
    let called = pair.gateways[0].room.gauges(now()).occupied;
    assert!(
        inside <= 3 && called <= 3,
        "{inside} inside, {called} seats taken"
    );
    let waiting = numbers(&crowd);
    assert!(
        waiting.is_sorted(),
        "who came later stands further back: {waiting:?}"
    );
    assert_eq!(waiting.iter().collect::<BTreeSet<_>>().len(), waiting.len());
    // The last one hears the same from both.
    pair.until("both have seen everybody", |pair| {
        let next = |g: &Gateway| g.room.snapshot().map(|seen| (seen.next, seen.line.horizon));
        next(&pair.gateways[0]) == next(&pair.gateways[1])
    })
    .await;
    let mut last = crowd.pop().expect("twelve came");
    let Outcome::Held(one) = pair.enter(0, &mut last).await else {
        panic!("not in yet")
    };
    let Outcome::Held(two) = pair.enter(1, &mut last).await else {
        panic!("not in yet")
    };
    assert_eq!(one.status.ahead, two.status.ahead);
    assert_eq!(one.status.code, two.status.code);
}

#[tokio::test]
async fn a_store_that_comes_back_empty_costs_nobody_a_place() {
    let mut server = empty_redis();
    let mut pair = Pair::on(&server.url(), 2);
    pair.until("the line opens", opened).await;
    let mut crowd = Vec::new();
    for index in 0..8 {
        crowd.push(pair.arrive(index).await);
    }
    let inside: Vec<_> = crowd
        .iter()
        .filter(|browser| browser.pass.is_some())
        .cloned()
        .collect();
    assert!(!inside.is_empty(), "the first ones came in at once");
    let before = numbers(&crowd);

    server.kill();
    pair.until("the loss is noticed", |pair| {
        pair.gateways
            .iter()
            .all(|gateway| gateway.room.gauges(now()).snapshot_age_ms > 2_000)
    })
    .await;
    all_are_served_without_a_store(&mut pair, &mut crowd, &inside).await;

    server.start_again().expect("it starts again");
    pair.until("both have settled", |pair| {
        pair.gateways
            .iter()
            .all(|gateway| gateway.room.gauges(now()).snapshot_age_ms < 500)
    })
    .await;
    assert_eq!(numbers(&crowd), before, "every place is kept");
    for index in 8..16 {
        crowd.push(pair.arrive(index).await);
    }
    let all = numbers(&crowd);
    assert_eq!(
        all.iter().collect::<BTreeSet<_>>().len(),
        all.len(),
        "no number twice: {all:?}"
    );
    assert!(
        all.is_sorted(),
        "those who came before are still before: {all:?}"
    );
    for mut guest in inside {
        assert!(matches!(
            pair.enter(0, &mut guest).await,
            Outcome::Admitted(_)
        ));
    }
    let seats = pair.gateways[0].room.gauges(now()).occupied;
    assert!(seats <= 2, "{seats} of 2 seats");
}

/// Passes go on, tickets keep their place, the page says why it stands still, strangers wait.
async fn all_are_served_without_a_store(
    pair: &mut Pair,
    crowd: &mut [Browser],
    inside: &[Browser],
) {
    for mut guest in inside.iter().cloned() {
        assert!(matches!(
            pair.enter(1, &mut guest).await,
            Outcome::Admitted(_)
        ));
    }
    let waiting = crowd.iter_mut().enumerate();
    for (index, browser) in waiting.filter(|(_, browser)| browser.pass.is_none()) {
        let Outcome::Held(held) = pair.enter(index, browser).await else {
            panic!("not in yet")
        };
        assert_eq!(held.status.reason, Some(Reason::StoreLost));
    }
    let mut stranger = Browser::default();
    for _ in 0..2 {
        let outcome = pair.enter(0, &mut stranger).await;
        assert!(matches!(outcome, Outcome::Held(held) if held.status.state == State::Waiting));
    }
    assert!(stranger.ticket().is_none(), "no number without a store");
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up_however_often_it_is_asked() {
    let server = empty_redis();
    let mut pair = Pair::on(&server.url(), 2);
    pair.hurry().await;
    let session = pair.session(0);
    server.pause();
    let deadline = Instant::now() + Duration::from_secs(12);
    while pair.session(0) != 0 {
        assert!(Instant::now() < deadline, "its connections are kept");
        // Waits two seconds for the answer to a command.
        let _ = pair.gateways[0].step(now()).await;
    }
    server.resume();
    pair.until("it is there again", |pair| pair.session(0) > session)
        .await;
}
