//! What operators and origins say about a running room.

use std::num::NonZeroU32;

use policies::schedule::Schedule;
use waiting_room::{Outcome, Reason, State, orders::Word};

use super::scene::{Scene, at, inside, numbers};
use crate::fleet::Browser;

#[tokio::test]
async fn a_pause_calls_nobody_says_so_and_keeps_every_place() {
    let mut scene = Scene::new(4, Schedule::default()).await;
    scene.order(Word::Pause { on: true }).await;
    scene.steps(3).await;
    let mut crowd = scene.arrive(6).await;
    assert_eq!(inside(&crowd), 0, "reserved seats were taken back");
    let held = scene.poll(&mut crowd[5]).await;
    assert_eq!(held.status.state, State::Paused);
    assert_eq!(held.status.reason, Some(Reason::Paused));
    assert_eq!(held.status.ahead, Some(5));
    assert!(scene.play(&mut crowd, 40).await.is_empty());
    scene.order(Word::Pause { on: false }).await;
    let order = scene.play(&mut crowd, 60).await;
    assert_eq!(order, [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_limit_may_change_in_either_direction_while_the_room_is_full() {
    let mut scene = Scene::new(4, Schedule::default()).await;
    let mut crowd = scene.arrive(12).await;
    scene.play(&mut crowd, 10).await;
    assert_eq!(inside(&crowd), 4);
    let tune = |active| Word::Tune {
        active: NonZeroU32::new(active),
        per_minute: None,
        until: Some(at(200)),
    };
    scene.order(tune(6)).await;
    let order = scene.play(&mut crowd, 20).await;
    assert_eq!(order, [4, 5], "two more, in order");
    scene.order(tune(1)).await;
    scene.steps(8).await;
    let held = scene.poll(&mut crowd[11]).await;
    assert_eq!(held.status.reason, Some(Reason::LimitChanged));
    let guests = crowd[..5].to_vec();
    for mut guest in guests {
        let _ = guest.leave(&scene.gateways[1], scene.now).await;
    }
    assert!(
        scene.play(&mut crowd, 60).await.is_empty(),
        "one is inside, and one may be"
    );
    // The order runs out, and the file's limit holds again.
    let order = scene.play(&mut crowd, 205).await;
    assert_eq!(order, [6, 7, 8]);
}

#[tokio::test]
async fn an_idle_room_takes_reserved_seats_back_when_its_limit_is_lowered() {
    let mut scene = Scene::new(20, Schedule::default()).await;
    scene
        .order(Word::Tune {
            active: NonZeroU32::new(3),
            per_minute: None,
            until: None,
        })
        .await;
    scene.steps(3).await;
    let crowd = scene.arrive(10).await;
    assert!(inside(&crowd) <= 3, "{} of 3", inside(&crowd));
    let picture = scene.gateways[0].room.snapshot().expect("read");
    assert!(picture.line.occupied <= 3);
}

#[tokio::test]
async fn a_ticket_is_called_first_once_and_nobody_else_is_the_worse_for_it() {
    let mut scene = Scene::new(2, Schedule::default()).await;
    let mut crowd = scene.arrive(8).await;
    scene.play(&mut crowd, 10).await;
    assert_eq!(inside(&crowd), 2);
    let number = crowd[7].ticket().expect("waits").number;
    let reason = "wheelchair".to_owned();
    scene
        .order(Word::First {
            number: number.0,
            reason,
        })
        .await;
    let mut guest = crowd[0].clone();
    let _ = guest.leave(&scene.gateways[0], scene.now).await;
    let order = scene.play(&mut crowd, 20).await;
    assert_eq!(order, [7]);
    let mut guest = crowd[1].clone();
    let _ = guest.leave(&scene.gateways[0], scene.now).await;
    let order = scene.play(&mut crowd, 30).await;
    assert_eq!(order, [2], "then as before");
    let picture = scene.gateways[0].room.snapshot().expect("read");
    assert_eq!(
        picture.orders.iter().count(),
        0,
        "an order that was obeyed is gone"
    );
}

#[tokio::test]
async fn sold_out_is_said_at_once_and_stock_bounds_what_is_called() {
    let mut scene = Scene::new(10, Schedule::default()).await;
    scene.gateways[0].room.remaining(2, scene.now);
    scene.steps(3).await;
    let mut crowd = scene.arrive(6).await;
    scene.play(&mut crowd, 10).await;
    assert_eq!(inside(&crowd), 2, "two are left to sell");
    scene.gateways[1].room.remaining(0, scene.now);
    scene.steps(2).await;
    let held = scene.poll(&mut crowd[5]).await;
    assert_eq!(held.status.state, State::SoldOut);
    let newcomer = scene.arrive(1).await;
    assert_eq!(
        numbers(&newcomer),
        [None],
        "nobody is made to wait for nothing"
    );
    // One came back: the line goes on where it was.
    scene.gateways[0].room.remaining(3, scene.now);
    let order = scene.play(&mut crowd, 30).await;
    assert_eq!(order, [2]);
}

#[tokio::test]
async fn a_drained_room_serves_those_who_wait_and_takes_nobody_new() {
    let mut scene = Scene::new(2, Schedule::default()).await;
    let mut crowd = scene.arrive(4).await;
    scene.play(&mut crowd, 10).await;
    // Somebody who did not hear the number, and asks again.
    let mut deaf = Browser::default();
    let _ = scene.enter_at(0, &mut deaf).await;
    let _ = scene.enter_at(0, &mut deaf.clone()).await;
    scene.order(Word::Drain { on: true }).await;
    scene.steps(3).await;
    let again = scene.enter_at(0, &mut deaf).await;
    assert!(matches!(again, Outcome::Held(held) if held.status.state == State::Waiting));
    let _ = deaf.leave(&scene.gateways[0], scene.now).await;
    let mut stranger = Browser::default();
    for _ in 0..2 {
        let Outcome::Held(held) = scene.enter(&mut stranger).await else {
            panic!("nobody new")
        };
        assert_eq!(held.status.state, State::Closed);
    }
    for index in [0, 1] {
        let mut guest = crowd[index].clone();
        let _ = guest.leave(&scene.gateways[0], scene.now).await;
    }
    assert_eq!(scene.play(&mut crowd, 20).await, [2, 3]);
}
