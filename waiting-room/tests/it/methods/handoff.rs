//! A place moves to another device, once, and the first device is told.

use std::num::NonZeroU32;

use policies::schedule::{Method, Schedule};
use waiting_room::{
    Client, Moment, NotMoved, Outcome, Reason, State,
    store::{EntryId, RoomStore as _},
};

use super::scene::{Scene, event, schedule};
use crate::fleet::Browser;

/// Somebody offers the place at one gateway.
async fn offer(scene: &mut Scene, browser: &Browser) -> Result<String, NotMoved> {
    let at = Moment {
        now: scene.now,
        entropy: scene.roll(),
    };
    scene.gateways[0]
        .room
        .offer_place(browser.presented(), "/sale/shoes", at)
        .await
}

/// Another device takes it at the other gateway.
async fn take(scene: &mut Scene, code: &str) -> Result<Browser, NotMoved> {
    let at = Moment {
        now: scene.now,
        entropy: scene.roll(),
    };
    let mut browser = Browser::default();
    let (outcome, wanted) = scene.gateways[1]
        .room
        .take_place(code, &Client::default(), at)
        .await?;
    assert_eq!(wanted, "/sale/shoes");
    browser.keep(&outcome);
    Ok(browser)
}

#[tokio::test]
async fn a_place_moves_and_the_first_device_has_none_any_more() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let mut crowd = scene.arrive(4).await;
    let code = offer(&mut scene, &crowd[2]).await.expect("a code");
    let mut phone = take(&mut scene, &code.to_lowercase())
        .await
        .expect("taken over");
    scene.steps(4).await;
    let held = scene.poll(&mut phone).await;
    assert_eq!(
        (held.status.state, held.status.ahead),
        (State::Waiting, Some(1))
    );
    let (ours, theirs) = (
        crowd[2].ticket().expect("had"),
        phone.ticket().expect("has"),
    );
    assert_eq!((ours.number, ours.code()), (theirs.number, theirs.code()));
    let told = scene.poll(&mut crowd[2]).await;
    assert_eq!(told.status.state, State::Left);
    assert_eq!(told.status.reason, Some(Reason::Moved));
    assert!(crowd[2].ticket.is_none(), "and forgets its ticket");
    // Back again, by a code of its own.
    let code = offer(&mut scene, &phone).await.expect("a code");
    let mut back = take(&mut scene, &code).await.expect("taken over");
    scene.steps(4).await;
    assert_eq!(scene.poll(&mut back).await.status.ahead, Some(1));
    assert_eq!(
        scene.poll(&mut phone).await.status.reason,
        Some(Reason::Moved)
    );
}

#[tokio::test]
async fn a_code_works_once_and_for_five_minutes() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let crowd = scene.arrive(3).await;
    let code = offer(&mut scene, &crowd[1]).await.expect("a code");
    let late = offer(&mut scene, &crowd[2]).await.expect("a code");
    take(&mut scene, &code).await.expect("taken over");
    scene.steps(100).await;
    assert_eq!(take(&mut scene, &code).await.err(), Some(NotMoved::Unknown));
    for wrong in ["", "K7QM", "AAAA-AAAA", "\u{0}"] {
        assert_eq!(
            take(&mut scene, wrong).await.err(),
            Some(NotMoved::Unknown),
            "{wrong:?}"
        );
    }
    scene.until(400).await;
    assert_eq!(take(&mut scene, &late).await.err(), Some(NotMoved::Unknown));
    // Who is in, and who is nowhere, has no place to give.
    for browser in [&crowd[0], &Browser::default()] {
        assert_eq!(
            offer(&mut scene, browser).await.err(),
            Some(NotMoved::NoPlace)
        );
    }
}

#[tokio::test]
async fn a_code_is_worth_nothing_once_its_place_was_used() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let mut crowd = scene.arrive(2).await;
    let code = offer(&mut scene, &crowd[1]).await.expect("a code");
    let _ = crowd[0].leave(&scene.gateways[0], scene.now).await;
    for _ in 0..8 {
        scene.steps(1).await;
        let _ = scene.poll(&mut crowd[1]).await;
    }
    assert!(matches!(
        scene.enter(&mut crowd[1]).await,
        Outcome::Admitted(_)
    ));
    scene.steps(2).await;
    assert_eq!(take(&mut scene, &code).await.err(), Some(NotMoved::Unknown));
}

#[tokio::test]
async fn a_device_that_did_not_hear_the_answer_asks_again_and_is_the_same_device() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let crowd = scene.arrive(2).await;
    let code = offer(&mut scene, &crowd[1]).await.expect("a code");
    assert_eq!(
        offer(&mut scene, &crowd[1]).await,
        Ok(code.clone()),
        "asked twice, it is one code"
    );
    let first = take(&mut scene, &code).await.expect("taken over");
    scene.steps(4).await;
    let again = take(&mut scene, &code).await.expect("the same");
    let secret = |browser: &Browser| browser.ticket().map(|ticket| ticket.secret);
    assert_eq!(secret(&first), secret(&again));
    scene.steps(100).await;
    assert_eq!(take(&mut scene, &code).await.err(), Some(NotMoved::Unknown));
}

#[tokio::test]
async fn a_ticket_that_was_copied_before_it_moved_claims_nothing() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let mut crowd = scene.arrive(2).await;
    let mut copies = vec![crowd[1].clone(); 5];
    let code = offer(&mut scene, &crowd[1]).await.expect("a code");
    let mut phone = take(&mut scene, &code).await.expect("taken over");
    scene.steps(2).await;
    let left = crowd[0].leave(&scene.gateways[0], scene.now).await;
    assert!(matches!(left, Outcome::Held(held) if held.status.state == State::Left));
    for _ in 0..12 {
        scene.steps(1).await;
        let _ = scene.poll(&mut phone).await;
    }
    for copy in &mut copies {
        let outcome = scene.enter(copy).await;
        assert!(matches!(outcome, Outcome::Held(_)), "{outcome:?}");
    }
    assert!(matches!(
        scene.enter(&mut phone).await,
        Outcome::Admitted(_)
    ));
}

#[tokio::test]
async fn a_move_survives_a_store_that_forgets_and_a_draw() {
    let events = vec![event(Method::Lottery)];
    let mut scene = Scene::new(1, schedule(Method::Closed, events)).await;
    scene.until(20).await;
    let mut crowd = scene.arrive(6).await;
    let code = offer(&mut scene, &crowd[3]).await.expect("a code");
    let mut phone = take(&mut scene, &code).await.expect("taken over");
    scene.steps(4).await;
    scene.store.wipe();
    scene.steps(12).await;
    assert_eq!(scene.poll(&mut phone).await.status.state, State::NotOpen);
    // After the draw the place has another number; a copy of the old ticket has it under neither.
    let mut copy = crowd[3].clone();
    while scene.now.0 < super::scene::at(70) {
        scene.steps(4).await;
        let _ = scene.poll(&mut phone).await;
        for (index, browser) in crowd.iter_mut().enumerate() {
            if index != 3 {
                let _ = scene.poll(browser).await;
            }
        }
    }
    assert!(scene.poll(&mut phone).await.status.reason != Some(Reason::Moved));
    assert_eq!(
        scene.poll(&mut copy).await.status.reason,
        Some(Reason::Moved)
    );
}

#[tokio::test]
async fn of_two_devices_with_one_code_one_has_the_place() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let crowd = scene.arrive(2).await;
    let code = offer(&mut scene, &crowd[1]).await.expect("a code");
    let at = Moment {
        now: scene.now,
        entropy: scene.roll(),
    };
    let mut takers = Vec::new();
    for agent in ["a phone", "a tablet", "a phone"] {
        let client = Client {
            agent: Some(agent.as_bytes()),
            ..Client::default()
        };
        let room = &scene.gateways[takers.len() % 2].room;
        takers.push(room.take_place(&code, &client, at).await.is_ok());
    }
    assert_eq!(takers, [true, false, true]);
}

/// Faster than any picture of the line is made.
#[tokio::test]
async fn a_place_moves_sixteen_times_and_not_more() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let mut holder = scene.arrive(2).await.remove(1);
    let mut moved = 0;
    let refused = loop {
        let code = offer(&mut scene, &holder).await.expect("a code");
        match take(&mut scene, &code).await {
            Ok(next) => holder = next,
            Err(refused) => break refused,
        }
        moved += 1;
    };
    assert_eq!((moved, refused), (16, NotMoved::NoPlace));
    scene.steps(2).await;
    assert_eq!(scene.poll(&mut holder).await.status.state, State::Waiting);
    assert_eq!(
        offer(&mut scene, &holder).await.err(),
        Some(NotMoved::NoPlace)
    );
}

#[tokio::test]
async fn whoever_guesses_at_codes_has_to_wait_and_others_do_not() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let from = |address: [u8; 4]| Client {
        address: Some(address.into()),
        ..Client::default()
    };
    let room = scene.gateways[0].room.clone();
    let mut guesses = 0;
    let mut at = Moment {
        now: scene.now,
        entropy: scene.roll(),
    };
    let wait = loop {
        let client = from([192, 0, 2, u8::try_from(guesses).expect("few")]);
        match room.take_place("K7QM-2X9P", &client, at).await.err() {
            Some(NotMoved::TooMany(wait)) => break wait,
            refused => assert_eq!(refused, Some(NotMoved::Unknown)),
        }
        guesses += 1;
    };
    assert_eq!(guesses, 60);
    for address in [[198, 51, 100, 1], [192, 0, 3, 1]] {
        let other = room.take_place("K7QM-2X9P", &from(address), at).await;
        assert_eq!(other.err(), Some(NotMoved::Unknown));
    }
    at.now = at.now.plus(wait);
    let client = from([192, 0, 2, 1]);
    let again = room.take_place("K7QM-2X9P", &client, at).await;
    assert_eq!(again.err(), Some(NotMoved::Unknown));
}

/// A room runs for years: what moved long ago is nobody's any more.
#[tokio::test]
async fn moves_are_forgotten_with_the_places_that_moved() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let crowd = scene.arrive(3).await;
    let code = offer(&mut scene, &crowd[2]).await.expect("a code");
    take(&mut scene, &code).await.expect("taken over");
    let many = NonZeroU32::new(300_000).expect("not zero");
    scene.store.take(many).await.expect("numbers");
    scene.steps(4).await;
    let kept = scene.store.moves(EntryId::default()).await;
    assert_eq!(kept.map(|kept| kept.len()), Ok(1));
    // Nobody holds these numbers, and nobody comes back.
    scene.until(3_600).await;
    let kept = scene.store.moves(EntryId::default()).await;
    assert_eq!(kept, Ok(Vec::new()));
    // Others move as ever.
    let crowd = scene.arrive(2).await;
    let code = offer(&mut scene, &crowd[1]).await.expect("a code");
    let mut phone = take(&mut scene, &code).await.expect("taken over");
    scene.steps(2).await;
    assert_eq!(scene.poll(&mut phone).await.status.state, State::Waiting);
}

/// The place has another number after a draw, under which nobody has moved yet.
#[tokio::test]
async fn of_two_devices_with_one_code_one_has_the_place_though_a_draw_comes_between() {
    let events = vec![event(Method::Lottery)];
    let mut scene = Scene::new(1, schedule(Method::Closed, events)).await;
    scene.until(50).await;
    let crowd = scene.arrive(4).await;
    let code = offer(&mut scene, &crowd[2]).await.expect("a code");
    while scene.now.0 < super::scene::at(59) {
        scene.steps(1).await;
    }
    let mut phone = take(&mut scene, &code).await.expect("taken over");
    scene.steps(16).await;
    let seen = scene.gateways[0].room.snapshot().expect("a picture");
    assert!(seen.draw.is_some(), "drawn");
    // Whoever asked between the draw and the picture with the move has the old secret under the new number.
    let drawn = |browser: &Browser| seen.current(browser.ticket().expect("a ticket"));
    assert!(seen.has_moved(&drawn(&crowd[2])) && !seen.has_moved(&drawn(&phone)));
    let at = Moment {
        now: scene.now,
        entropy: scene.roll(),
    };
    let tablet = Client {
        agent: Some(b"a tablet"),
        ..Client::default()
    };
    let late = scene.gateways[0].room.take_place(&code, &tablet, at).await;
    assert_eq!(late.err(), Some(NotMoved::Unknown));
    scene.steps(4).await;
    let held = scene.poll(&mut phone).await;
    assert_ne!(held.status.reason, Some(Reason::Moved));
}
