//! Methods and scheduled events.

use std::{sync::Arc, time::Duration};

use policies::schedule::{EventSpec, Method};
use waiting_room::{Outcome, Presented, State, Timestamp, orders::Word};

use super::scene::{Scene, at, event, inside, numbers, rules, schedule};
use crate::fleet::{Browser, Gateway};

#[tokio::test]
async fn a_prequeue_waits_for_its_opening_and_is_served_in_order() {
    let mut scene = Scene::new(5, schedule(Method::Closed, vec![event(Method::Fifo)])).await;
    let mut early = Browser::default();
    let Outcome::Held(held) = scene.enter(&mut early).await else {
        panic!("closed")
    };
    assert_eq!(held.status.state, State::NotOpen);
    assert_eq!(held.status.opens_at, Some(Timestamp(at(60))));
    assert!(
        early.ticket().is_none(),
        "nobody takes a number of a closed room"
    );

    scene.until(11).await;
    let mut crowd = scene.arrive(12).await;
    assert_eq!(inside(&crowd), 0, "nobody is called before the opening");
    let held = scene.poll(&mut crowd[11]).await;
    assert_eq!(
        (held.status.state, held.status.ahead),
        (State::NotOpen, Some(11))
    );
    let order = scene.play(&mut crowd, 59).await;
    assert!(order.is_empty());
    let order = scene.play(&mut crowd, 64).await;
    assert_eq!(order, [0, 1, 2, 3, 4], "the first five, in order");
}

#[tokio::test]
async fn whoever_left_before_the_opening_is_not_called_at_it() {
    let mut scene = Scene::new(
        2,
        schedule(
            Method::Closed,
            vec![EventSpec {
                opens_at: at(300),
                ..event(Method::Fifo)
            }],
        ),
    )
    .await;
    scene.until(11).await;
    let _gone = scene.arrive(6).await;
    let mut crowd = scene.arrive(2).await;
    let order = scene.play(&mut crowd, 303).await;
    assert_eq!(order, [0, 1], "both seats went to those who are there");
}

#[tokio::test]
async fn a_lottery_draws_those_who_wait_and_late_joiners_follow_in_order() {
    let mut scene = Scene::new(1, schedule(Method::Closed, vec![event(Method::Lottery)])).await;
    scene.until(11).await;
    let mut crowd = scene.arrive(40).await;
    let before = numbers(&crowd);
    let held = scene.poll(&mut crowd[0]).await;
    assert_eq!(held.status.state, State::NotOpen);
    assert_eq!(held.status.ahead, None, "there is no place before the draw");
    scene.play(&mut crowd, 59).await;
    scene.until(60).await;
    scene.steps(2).await;
    let mut later = scene.arrive(3).await;
    scene.steps(8).await;
    for browser in &mut crowd {
        scene.poll(browser).await;
    }
    let drawn: Vec<_> = numbers(&crowd);
    let picture = scene.gateways[1].room.snapshot().expect("read");
    let lot = picture.line.lot.as_ref().expect("a lottery");
    assert_eq!(lot.count(), Some(40));
    assert!(lot.drawn.is_some());
    let mut places: Vec<_> = drawn
        .iter()
        .map(|number| number.expect("a ticket"))
        .collect();
    assert_ne!(drawn, before);
    assert!(!places.is_sorted(), "drawn, not queued: {places:?}");
    places.sort_unstable();
    let first = lot.list.expect("closed").to;
    let expected: Vec<_> = (0..40).map(|place| first.plus(place)).collect();
    assert_eq!(places, expected, "every place once");
    // The seats are given in the order drawn, and the late joiners come last.
    let mut everybody = crowd;
    everybody.append(&mut later);
    let mut order = Vec::new();
    for seconds in (70..590).step_by(5) {
        order.extend(scene.play(&mut everybody, seconds).await);
        for index in order.clone() {
            let mut guest = everybody[index].clone();
            guest.ticket = None;
            let _ = guest.leave(&scene.gateways[0], scene.now).await;
        }
        if order.len() == 43 {
            break;
        }
    }
    let by_place: Vec<_> = order.iter().filter_map(|index| drawn.get(*index)).collect();
    assert!(by_place.is_sorted(), "{by_place:?}");
    assert_eq!(&order[40..], [40, 41, 42]);
}

#[tokio::test]
async fn a_lottery_that_is_put_off_or_brought_forward_draws_all_who_wait_for_it() {
    for moved_to in [90, 30] {
        let of = |opens_at| {
            let event = EventSpec {
                opens_at: at(opens_at),
                ..event(Method::Lottery)
            };
            schedule(Method::Closed, vec![event])
        };
        let mut scene = Scene::new(1, of(60)).await;
        scene.until(11).await;
        let mut crowd = scene.arrive(20).await;
        scene.until(31).await;
        scene.reschedule(&of(moved_to));
        scene.steps(4).await;
        crowd.append(&mut scene.arrive(20).await);
        scene.play(&mut crowd, moved_to.max(31) + 4).await;
        let picture = scene.gateways[1].room.snapshot().expect("read");
        let lot = picture.line.lot.as_ref().expect("a lottery");
        assert!(lot.drawn.is_some(), "at {moved_to}");
        let drawn = if moved_to == 90 { 40 } else { 20 };
        assert_eq!(lot.count(), Some(drawn), "at {moved_to}");
    }
}

#[tokio::test]
async fn a_ticket_in_the_draw_keeps_its_name_over_a_gateway_that_knows_nothing() {
    let mut scene = Scene::new(1, schedule(Method::Closed, vec![event(Method::Lottery)])).await;
    scene.until(11).await;
    let mut crowd = scene.arrive(5).await;
    // The last one sleeps through the draw, and still holds the number of the pre-queue.
    let sleeper = crowd.pop().expect("five");
    scene.play(&mut crowd, 65).await;
    let schedule = schedule(Method::Closed, vec![event(Method::Lottery)]);
    let fresh = Gateway::scheduled(9, Arc::new(scene.store.clone()), rules(1), schedule);
    scene.gateways[0] = fresh;
    scene.steps(8).await;
    let mut places = Vec::new();
    for gateway in &scene.gateways {
        let mut copy = sleeper.clone();
        let _ = copy.status(gateway, scene.now, 5).await;
        places.push(copy.ticket().map(|ticket| ticket.number));
    }
    assert_eq!(places[0], places[1], "both read the same draw");
    assert_ne!(places[0], sleeper.ticket().map(|ticket| ticket.number));
}

#[tokio::test]
async fn closing_and_opening_a_room_loses_no_place() {
    let night = EventSpec {
        opens_at: at(30),
        closes_at: Some(at(60)),
        method: Method::Closed,
        ..EventSpec::default()
    };
    let mut scene = Scene::new(2, schedule(Method::Fifo, vec![night])).await;
    let mut crowd = scene.arrive(5).await;
    assert_eq!(inside(&crowd), 1, "one seat is kept for late comers");
    scene.play(&mut crowd, 29).await;
    assert_eq!(inside(&crowd), 2);
    scene.until(31).await;
    let held = scene.poll(&mut crowd[2]).await;
    assert_eq!(held.status.state, State::Closed);
    let stranger = scene.arrive(1).await;
    assert_eq!(numbers(&stranger), [None]);
    scene.until(61).await;
    scene.steps(2).await;
    scene.now = scene.now.plus(Duration::from_secs(1));
    let held = scene.poll(&mut crowd[4]).await;
    assert_eq!(
        (held.status.state, held.status.ahead),
        (State::Waiting, Some(2))
    );
}

#[tokio::test]
async fn passthrough_lets_everybody_in_and_counts_those_who_keep_a_cookie() {
    let open = EventSpec {
        opens_at: at(30),
        closes_at: Some(at(60)),
        method: Method::Passthrough,
        ..EventSpec::default()
    };
    let mut scene = Scene::new(1, schedule(Method::Fifo, vec![open])).await;
    let mut waiting = scene.arrive(5).await;
    assert_eq!(inside(&waiting), 1);
    scene.until(31).await;
    for browser in &mut waiting {
        assert!(matches!(scene.enter(browser).await, Outcome::Admitted(_)));
    }
    assert_eq!(inside(&waiting), 5, "those who waited, too");
    let mut stranger = Browser::default();
    assert!(matches!(
        scene.enter(&mut stranger).await,
        Outcome::Admitted(_)
    ));
    assert!(stranger.pass.is_none(), "no seat for who keeps no cookie");
    assert!(matches!(
        scene.enter(&mut stranger).await,
        Outcome::Admitted(_)
    ));
    assert!(stranger.pass.is_some());
    // Even without a store.
    scene.store.cut();
    scene.steps(20).await;
    let mut other = Browser::default();
    for _ in 0..2 {
        assert!(matches!(
            scene.enter(&mut other).await,
            Outcome::Admitted(_)
        ));
    }
    scene.store.mend();
    scene.until(62).await;
    scene.steps(8).await;
    assert_eq!(
        scene.gateways[0].room.gauges(scene.now).occupied,
        6,
        "counted"
    );
    assert!(matches!(
        scene.enter(&mut stranger).await,
        Outcome::Admitted(_)
    ));
    let mut late = scene.arrive(1).await;
    assert_eq!(scene.poll(&mut late[0]).await.status.state, State::Waiting);
}

/// Nobody has polled under a drawn number when it is drawn: that is no absence.
#[tokio::test]
async fn after_a_long_prequeue_the_drawn_are_called_before_who_comes_later() {
    for beacon in [None, Some("drand 12")] {
        let long = EventSpec {
            opens_at: at(400),
            closes_at: Some(at(4_000)),
            beacon: beacon.map(str::to_owned),
            ..event(Method::Lottery)
        };
        let mut scene = Scene::new(2, schedule(Method::Closed, vec![long])).await;
        scene.until(11).await;
        let mut crowd = scene.arrive(50).await;
        scene.play(&mut crowd, 399).await;
        scene.until(401).await;
        let later = scene.arrive(4).await;
        crowd.extend(later);
        let list = |scene: &Scene| {
            let seen = scene.gateways[1].room.snapshot();
            seen.and_then(|seen| seen.draw_list.clone())
        };
        scene.steps(4).await;
        // Fixed, and for all to see, before what it is drawn from is known.
        let closed = list(&scene).expect("count and digest");
        assert!(closed.starts_with("50:"), "{closed}");
        if beacon.is_some() {
            // The public value is known only minutes after the opening.
            assert!(scene.play(&mut crowd, 700).await.is_empty());
            let value = "8f3a".to_owned();
            let opens_at = at(400);
            scene.order(Word::Beacon { opens_at, value }).await;
        }
        let mut order = Vec::new();
        for seconds in (710..1_300).step_by(5) {
            order.extend(scene.play(&mut crowd, seconds).await);
            for index in order.clone() {
                let mut guest = crowd[index].clone();
                guest.ticket = None;
                let _ = guest.leave(&scene.gateways[0], scene.now).await;
            }
        }
        assert_eq!(list(&scene), Some(closed), "the list that was drawn");
        assert_eq!(order.len(), 54, "everybody came in");
        let mut last = order[50..].to_vec();
        last.sort_unstable();
        assert_eq!(last, [50, 51, 52, 53], "and those who came later came last");
    }
}

/// The list is closed, and the public value is late; so the sale is.
#[tokio::test]
async fn a_lottery_put_off_after_its_list_was_closed_draws_all_who_wait() {
    let of = |opens_at| EventSpec {
        opens_at: at(opens_at),
        closes_at: Some(at(4_000)),
        beacon: Some("drand 12".into()),
        ..event(Method::Lottery)
    };
    let mut scene = Scene::new(2, schedule(Method::Closed, vec![of(60)])).await;
    scene.until(11).await;
    let mut crowd = scene.arrive(20).await;
    scene.play(&mut crowd, 62).await;
    let seen = scene.gateways[0].room.snapshot().expect("a picture");
    assert!(
        seen.draw_list
            .as_ref()
            .is_some_and(|list| list.starts_with("20:"))
    );
    assert_eq!(seen.waiting_total(), 20, "and nobody else");
    scene.reschedule(&schedule(Method::Closed, vec![of(100)]));
    assert!(scene.play(&mut crowd, 104).await.is_empty());
    let opens_at = at(100);
    let value = "8f3a".to_owned();
    scene.order(Word::Beacon { opens_at, value }).await;
    let mut order = Vec::new();
    for seconds in (110..400).step_by(5) {
        order.extend(scene.play(&mut crowd, seconds).await);
        for index in order.clone() {
            let mut guest = crowd[index].clone();
            guest.ticket = None;
            let _ = guest.leave(&scene.gateways[0], scene.now).await;
        }
    }
    assert_eq!(order.len(), 20, "everybody came in");
    assert_ne!(order, (0..20).collect::<Vec<_>>(), "and by lot");
    // What was drawn stays to be checked when the event is over.
    scene.until(4_001).await;
    let asked = Presented::default();
    let room = &scene.gateways[1].room;
    let published = room.lottery(asked, scene.now, |at| at.0.to_string()).await;
    let record = published
        .and_then(|published| published.record)
        .expect("a record");
    assert_eq!(record.beacon_name.as_deref(), Some("drand 12"));
}

#[tokio::test]
async fn a_copy_of_a_ticket_whose_place_was_used_is_worth_nothing_after_the_next_lottery() {
    let second = EventSpec {
        prequeue_at: Some(at(700)),
        opens_at: at(760),
        closes_at: Some(at(1_600)),
        ..event(Method::Lottery)
    };
    let events = vec![event(Method::Lottery), second];
    let mut scene = Scene::new(3, schedule(Method::Closed, events)).await;
    scene.until(11).await;
    let mut crowd = scene.arrive(3).await;
    let copies = crowd.clone();
    scene.play(&mut crowd, 70).await;
    assert_eq!(inside(&crowd), 3);
    scene.until(710).await;
    for mut copy in copies {
        let before = copy.ticket().expect("a ticket").number;
        let held = scene.poll(&mut copy).await;
        assert_eq!(held.status.state, State::NotOpen);
        let now = copy.ticket().expect("a new one").number;
        assert!(now > before, "a place at the end of the new pre-queue");
    }
}
