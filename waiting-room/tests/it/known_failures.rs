//! The ways in which known waiting rooms fail (docs/known-failures.md), shown not to happen here.

use std::{collections::BTreeSet, num::NonZeroU32, time::Duration};

use policies::{
    admission::{Admission, Spec},
    schedule::{Method, Schedule},
};
use waiting_room::{Outcome, Presented, State, orders::Word, store::RoomStore as _};

use crate::{
    fleet::Browser,
    methods::scene::{Scene, at, event, inside, schedule},
};

/// Cloudflare's buckets of a minute, AWS issue 154: those who left hold up everybody behind them.
#[tokio::test]
async fn a_block_of_leavers_at_the_front_stops_nobody() {
    let mut scene = Scene::new(2, Schedule::default()).await;
    let mut front = scene.arrive(300).await;
    assert!(inside(&front) >= 1);
    let mut last = scene.arrive(1).await.remove(0);
    // All of them close the page without a word; only the last one waits. Two minutes and a quarter later nobody counts.
    while scene.now.0 < at(150) {
        let _ = scene.poll(&mut last).await;
        scene.steps(20).await;
    }
    let _ = front[0].leave(&scene.gateways[0], scene.now).await;
    scene.steps(8).await;
    let held = scene.poll(&mut last).await;
    assert_eq!(held.status.state, State::Called, "{held:?}");
}

/// In a room of one seat every free seat is reserved for whoever comes next.
#[tokio::test]
async fn a_late_comer_keeps_the_place_and_gets_the_only_seat() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let mut guest = Browser::default();
    for _ in 0..2 {
        let _ = scene.poll(&mut guest).await;
    }
    let number = guest.ticket().expect("a number").number;
    // Called at once, the guest looks away until the call is long over, and comes back.
    scene.until(300).await;
    let mut states = Vec::new();
    for _ in 0..3 {
        states.push(scene.poll(&mut guest).await.status.state);
        scene.steps(4).await;
    }
    assert_eq!(states[..], [State::Waiting, State::Called, State::Called]);
    assert_eq!(guest.ticket().map(|ticket| ticket.number), Some(number));
    assert!(matches!(
        scene.enter(&mut guest).await,
        Outcome::Admitted(_)
    ));
}

#[tokio::test]
async fn a_seat_that_is_given_back_three_times_is_one_seat() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let mut crowd = scene.arrive(4).await;
    let gateways = [0, 1];
    // By the button, at both gateways, and by the origin.
    let pass = crowd[0].clone();
    let number = match scene.enter(&mut crowd[0]).await {
        Outcome::Admitted(admitted) => admitted.number,
        Outcome::Held(held) => panic!("{held:?}"),
    };
    for gateway in gateways {
        let _ = pass
            .clone()
            .leave(&scene.gateways[gateway], scene.now)
            .await;
        scene.gateways[gateway].room.release(number);
    }
    scene.steps(8).await;
    let mut called = 0;
    for browser in &mut crowd[1..] {
        called += usize::from(scene.poll(browser).await.status.state == State::Called);
    }
    assert_eq!(called, 1);
}

#[tokio::test]
async fn no_request_without_a_challenge_of_ours_burns_a_number() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let _ = scene.arrive(2).await;
    let next = |scene: &Scene| scene.gateways[0].room.snapshot().map(|seen| seen.next);
    let before = next(&scene);
    let forged = [
        "",
        "x",
        "EQEBoMRQbHv-3LqYdlQyEITaab4eENodi-O6Nu_Bcfk",
        "\u{0}\u{ff}",
        "EgEAAAGg",
    ];
    for round in 0..200 {
        let text = forged[round % forged.len()];
        let presented = Presented {
            ticket: Some(text),
            pass: Some(text),
        };
        let at = waiting_room::Moment {
            now: scene.now,
            entropy: scene.roll(),
        };
        let outcome = scene.gateways[round % 2].room.enter(presented, at).await;
        assert!(matches!(outcome, Outcome::Held(_)));
    }
    scene.steps(4).await;
    assert_eq!(next(&scene), before);
}

#[tokio::test]
async fn a_retry_never_moves_a_visitor_back() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let mut crowd = scene.arrive(5).await;
    let number = crowd[4].ticket().expect("a place").number;
    let mut ahead = u32::MAX;
    // Reloads, polls before their time, old copies of the ticket, either gateway.
    let mut old = crowd[4].clone();
    for round in 0..60 {
        let held = match round % 3 {
            0 => scene.poll(&mut crowd[4]).await,
            1 => scene.poll(&mut old).await,
            _ => match scene.enter(&mut crowd[4]).await {
                Outcome::Held(held) => held,
                Outcome::Admitted(admitted) => panic!("{admitted:?}"),
            },
        };
        let now = held.status.ahead.expect("in line");
        assert!(now <= ahead, "{now} after {ahead}");
        ahead = now;
        assert_eq!(crowd[4].ticket().map(|ticket| ticket.number), Some(number));
        scene.steps(3).await;
    }
}

#[tokio::test]
async fn a_join_whose_answer_was_lost_gets_the_same_number_at_any_gateway() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let _ = scene.arrive(3).await;
    let mut challenged = Browser::default();
    let _ = scene.enter(&mut challenged).await;
    let mut numbers = Vec::new();
    for round in 0..6 {
        // The answer of each round gets lost. Others join meanwhile, and processes end.
        let mut retry = challenged.clone();
        let _ = retry.enter(&scene.gateways[round % 2], scene.now, 99).await;
        numbers.extend(retry.ticket().map(|ticket| ticket.number));
        let _ = scene.arrive(3).await;
        if round >= 2 {
            scene.replace(round % 2);
        }
        scene.steps(6).await;
    }
    assert_eq!(numbers, [numbers[0]; 6]);
}

/// The gateway that gave the number is gone, and the store fails over to a copy without it.
#[tokio::test]
async fn a_number_that_is_only_known_from_a_receipt_is_given_to_nobody_else() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let _ = scene.arrive(3).await;
    let mut first = Browser::default();
    let _ = first.enter(&scene.gateways[0], scene.now, 99).await;
    let challenged = first.clone();
    let copy = scene.store.backup();
    let _ = first.enter(&scene.gateways[0], scene.now, 99).await;
    scene.replace(0);
    // The answer was lost; the other gateway knows the number by its receipt alone.
    let mut retry = challenged.clone();
    let _ = retry.enter(&scene.gateways[1], scene.now, 99).await;
    let number = |browser: &Browser| browser.ticket().map(|ticket| ticket.number);
    assert_eq!(number(&retry), number(&first));
    scene.store.roll_back(&copy);
    scene.steps(12).await;
    let others = scene.arrive(3).await;
    for other in &others {
        assert!(number(other).is_some() && number(other) != number(&retry));
    }
}

#[tokio::test]
async fn a_process_that_restarts_loses_no_place() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let mut crowd = scene.arrive(6).await;
    let before: Vec<_> = crowd.iter().map(Browser::ticket).collect();
    for place in [0, 1, 0] {
        scene.replace(place);
        // A new process gives out no numbers before it has settled, and answers from the line all the same.
        scene.steps(6).await;
        for browser in &mut crowd[1..] {
            let _ = scene.poll(browser).await;
        }
    }
    for (browser, before) in crowd.iter().zip(before).skip(1) {
        let number = |ticket: Option<waiting_room::token::Ticket>| ticket.map(|t| t.number);
        assert_eq!(number(browser.ticket()), number(before));
    }
}

#[tokio::test]
async fn a_join_at_the_moment_of_the_draw_is_in_it_or_behind_it() {
    let events = vec![event(Method::Lottery)];
    let mut scene = Scene::new(1, schedule(Method::Closed, events)).await;
    scene.until(20).await;
    let mut crowd = scene.arrive(20).await;
    // Some join between every two steps around the opening.
    while scene.now.0 < at(59) {
        scene.steps(1).await;
    }
    while scene.now.0 < at(63) {
        let mut browser = Browser::default();
        for _ in 0..2 {
            let _ = scene.enter(&mut browser).await;
        }
        crowd.push(browser);
        scene.steps(1).await;
    }
    scene.steps(20).await;
    let seen = scene.gateways[0].room.snapshot().expect("read");
    let lot = seen.line.lot.as_ref().expect("a lottery");
    let list = lot.list.expect("closed");
    assert!(lot.drawn.is_some());
    let mut numbers = BTreeSet::new();
    for browser in &mut crowd {
        let _ = scene.poll(browser).await;
        let Some(ticket) = browser.ticket() else {
            continue;
        };
        let number = seen.current_number(ticket.number);
        assert!(numbers.insert(number), "{number} twice");
        assert!(number >= list.to, "{number} was replaced by the draw");
    }
    assert!(numbers.len() > 20);
}

#[tokio::test]
async fn a_line_that_begins_anew_reuses_no_number() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let first = scene.arrive(50).await;
    // A lottery takes as many numbers again, and spare ones.
    let taken = NonZeroU32::new(20_000).expect("not zero");
    let taken = scene.store.take(taken).await.expect("numbers");
    let last = taken.first.plus(20_000);
    // Nobody remembers anything: all gateways are new and the store is empty.
    scene.store.wipe();
    scene.replace(0);
    scene.replace(1);
    scene.steps(12).await;
    let second = scene.arrive(50).await;
    let number = |browser: &Browser| browser.ticket().map(|ticket| ticket.number);
    let old: BTreeSet<_> = first.iter().filter_map(number).collect();
    let new: BTreeSet<_> = second.iter().filter_map(number).collect();
    assert!(old.len() > 40 && new.len() > 40);
    assert!(old.is_disjoint(&new));
    assert!(Some(&last) < new.first(), "and it begins behind them");
}

#[tokio::test]
async fn a_thousand_arrivals_in_one_millisecond_are_in_an_order() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let mut numbers = Vec::new();
    for _ in 0..1_000 {
        let mut browser = Browser::default();
        for _ in 0..2 {
            let _ = scene.enter(&mut browser).await;
        }
        numbers.extend(browser.ticket().map(|ticket| ticket.number));
    }
    // The first came in at once.
    assert_eq!(numbers.len(), 999);
    assert!(
        numbers.is_sorted_by(|one, next| one < next),
        "no tie, and in their order"
    );
}

#[tokio::test]
async fn a_grace_is_the_same_however_fast_the_line_moves() {
    let spec = Spec {
        per_minute: Some(60),
        call_grace: Duration::from_secs(90),
        ..Spec::default()
    };
    let rules = Admission::new(spec).expect("valid");
    let events = vec![event(Method::Fifo)];
    let mut scene = Scene::under(rules, schedule(Method::Closed, events)).await;
    scene.until(20).await;
    let mut crowd = scene.arrive(400).await;
    scene.until(62).await;
    let slow = scene.poll(&mut crowd[0]).await;
    let order = |per_minute| Word::Tune {
        active: None,
        per_minute: NonZeroU32::new(per_minute),
        until: None,
    };
    scene.order(order(300)).await;
    while scene.now.0 < at(80) {
        scene.steps(4).await;
        for browser in &mut crowd {
            let _ = scene.poll(browser).await;
        }
    }
    let still = scene.poll(&mut crowd[0]).await;
    assert_eq!(
        still.status.claim_until, slow.status.claim_until,
        "not a moment less"
    );
    let fast = scene.poll(&mut crowd[100]).await;
    for held in [slow, fast] {
        let (at, until) = (held.status.called_at, held.status.claim_until);
        let (at, until) = (at.expect("called"), until.expect("called"));
        assert_eq!(until.since(at), Duration::from_secs(90));
    }
}
