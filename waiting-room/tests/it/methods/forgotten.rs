//! All gateways are new, and the store knows less than the visitors do.

use policies::schedule::Schedule;
use waiting_room::{
    Outcome, State,
    journal::{Verifier, verify},
    orders::Word,
    standing::Why,
    store::{RoomStore, memory::Backup},
};

use crate::fleet::Browser;

use super::scene::{Scene, inside, numbers};

/// The store lost its last second and nobody remembers it: the tickets that come back do.
#[tokio::test]
async fn a_ticket_is_evidence_that_its_number_was_given() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let mut crowd = scene.arrive(3).await;
    let before = scene.store.backup();
    let mut lost = scene.arrive(3).await;
    let held = numbers(&lost);
    scene.store.roll_back(&before);
    (0..2).for_each(|place| scene.replace(place));
    scene.steps(4).await;
    for browser in &mut lost {
        scene.poll(browser).await;
    }
    scene.steps(8).await;
    crowd.extend(scene.arrive(3).await);
    assert_eq!(numbers(&lost), held, "they keep what they were given");
    let newcomers = numbers(&crowd);
    assert!(
        held.iter().all(|number| !newcomers.contains(number)),
        "{held:?} and {newcomers:?}"
    );
}

/// The same with a log that outlived the gateway.
#[tokio::test]
async fn so_is_a_log_that_outlived_its_gateway() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let _ = scene.arrive(3).await;
    let before = scene.store.backup();
    let lost = scene.arrive(3).await;
    scene.store.roll_back(&before);
    let line = lost[0].ticket().expect("a place").line;
    for place in 0..2 {
        scene.replace(place);
        scene.gateways[place].driver.remember(line, 6);
    }
    scene.steps(8).await;
    let newcomers = numbers(&scene.arrive(3).await);
    let held = numbers(&lost);
    assert!(
        held.iter().all(|number| !newcomers.contains(number)),
        "{held:?} and {newcomers:?}"
    );
}

/// Who is inside stays, whatever was forgotten; but the new line's log answers for its own seats.
#[tokio::test]
async fn who_came_in_by_a_forgotten_line_is_not_in_the_log_of_the_next() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let mut first = scene.arrive(1).await;
    assert_eq!(inside(&first), 1);
    scene.store.wipe();
    for place in 0..2 {
        scene.replace(place);
        scene.gateways[place].driver.keep_log();
    }
    scene.steps(20).await;
    let second = scene.arrive(1).await;
    assert_eq!(inside(&second), 1, "nobody has heard of the first");
    let outcome = scene.enter(&mut first[0]).await;
    assert!(matches!(outcome, Outcome::Admitted(_)), "{outcome:?}");
    scene.steps(20).await;
    // Nobody else comes in until both have left.
    let third = scene.arrive(1).await;
    assert_eq!(inside(&third), 0);
    scene.steps(20).await;
    let logs = scene.gateways.iter_mut().map(|gateway| {
        let part = gateway.driver.take_log();
        let entries = part.map_or(Vec::new(), |part| part.entries);
        entries.join("\n") + "\n"
    });
    let logs: Vec<_> = logs.collect();
    let copies = logs.iter().map(String::as_bytes);
    let report = verify(copies, Verifier::new()).expect("readable");
    assert!(report.is_clean(), "{report}");
}

/// What a gateway recorded lies in the hands of all.
#[tokio::test]
async fn seats_that_a_gateway_recorded_that_is_gone_are_given_back() {
    let mut scene = Scene::new(3, Schedule::default()).await;
    let mut crowd = vec![Browser::default(); 3];
    for browser in &mut crowd {
        for _ in 0..2 {
            let _ = scene.enter_at(0, browser).await;
        }
        scene.steps(1).await;
    }
    assert_eq!(inside(&crowd), 3);
    // Their calls are forgotten by now.
    scene.steps(4 * 200).await;
    scene.replace(0);
    scene.steps(4 * 15).await;
    let occupied = |scene: &Scene| {
        let seen = scene.gateways[1].room.snapshot().expect("a picture");
        seen.line.occupied
    };
    assert_eq!(occupied(&scene), 3);
    scene.store.wipe();
    scene.steps(4 * 12).await;
    assert_eq!(occupied(&scene), 3, "still inside");
}

#[tokio::test]
async fn the_lists_of_those_who_came_meanwhile_are_given_back_too() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let _first = scene.arrive(2).await;
    scene.store.cut();
    scene.steps(20).await;
    let mut crowd = vec![Browser::default(); 3];
    for browser in &mut crowd {
        let _ = scene.enter(browser).await;
        scene.poll(browser).await;
        scene.steps(1).await;
    }
    scene.store.mend();
    scene.steps(60).await;
    let mut asleep = crowd.clone();
    for browser in &mut crowd {
        scene.poll(browser).await;
    }
    let numbered = numbers(&crowd);
    assert!(numbered.iter().all(Option::is_some), "{numbered:?}");
    scene.store.wipe();
    scene.steps(16).await;
    // A gateway that never saw the lists answers those who slept.
    scene.replace(0);
    scene.steps(64).await;
    for browser in &mut asleep {
        let _ = browser.status(&scene.gateways[0], scene.now, 5).await;
    }
    assert_eq!(numbers(&asleep), numbered);
}

/// A line of one seat, which was given up and whose next visitor is called: with the store's copy of the moment before.
async fn called(scene: &mut Scene) -> (Browser, Backup) {
    let mut crowd = scene.arrive(2).await;
    let mut second = crowd.pop().expect("two");
    let mut first = crowd.pop().expect("two");
    assert!(first.pass.is_some() && second.pass.is_none());
    let _ = first.leave(&scene.gateways[0], scene.now).await;
    let mut before = scene.store.backup();
    while scene.poll(&mut second).await.status.state != State::Called {
        before = scene.store.backup();
        scene.steps(1).await;
    }
    (second, before)
}

/// Both the call and the claim are lost, or the claim alone: then the store looks as if it had forgotten nothing.
#[tokio::test]
async fn a_claim_of_a_moment_ago_is_told_to_a_store_that_forgot_it() {
    for claim_alone in [false, true] {
        let mut scene = Scene::new(1, Schedule::default()).await;
        let (mut guest, mut before) = called(&mut scene).await;
        if claim_alone {
            before = scene.store.backup();
        }
        let number = guest.ticket().expect("called").number;
        let outcome = scene.enter(&mut guest).await;
        assert!(matches!(outcome, Outcome::Admitted(_)));
        scene.store.roll_back(&before);
        scene.steps(20).await;
        let seen = scene.gateways[0].room.snapshot().expect("a picture");
        assert!(seen.marks.claimed.has(number), "{claim_alone}");
    }
}

#[tokio::test]
async fn whoever_left_a_moment_ago_stays_out_though_the_store_forgot_it() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let mut crowd = scene.arrive(2).await;
    let mut waits = crowd.pop().expect("two");
    let number = waits.ticket().expect("a place").number;
    let before = scene.store.backup();
    let _ = waits.leave(&scene.gateways[0], scene.now).await;
    scene.store.roll_back(&before);
    scene.steps(20).await;
    let seen = scene.gateways[0].room.snapshot().expect("a picture");
    assert!(seen.marks.left.has(number));
}

#[tokio::test]
async fn the_log_is_given_back_where_the_fleet_lives_on() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let _crowd = scene.arrive(3).await;
    scene.steps(40).await;
    let before = scene.store.log(100).await.expect("a log");
    assert!(!before.is_empty());
    scene.store.wipe();
    scene.steps(20).await;
    let after = scene.store.log(100).await.expect("a log");
    assert!(after.starts_with(&before), "{after:?}");
}

/// No picture shows it yet. A store that lost no more than the order looks as if it had forgotten nothing.
#[tokio::test]
async fn an_order_that_was_just_taken_is_said_again_to_a_store_that_forgets_it() {
    for is_wiped in [true, false] {
        let mut scene = Scene::new(1, Schedule::default()).await;
        let _crowd = scene.arrive(3).await;
        let before = scene.store.backup();
        scene.order(Word::Pause { on: true }).await;
        match is_wiped {
            true => scene.store.wipe(),
            false => scene.store.roll_back(&before),
        }
        scene.steps(20).await;
        let seen = scene.gateways[1].room.snapshot().expect("a picture");
        assert_eq!(seen.line.why, Some(Why::Paused), "{is_wiped}");
    }
}
