//! The store is lost: who waits, waits on; who comes is numbered by arrival afterwards, or comes in, or is sent away.

use policies::{
    admission::{Admission, Late, OnStoreLoss, Spec},
    schedule::{Method, Schedule},
};
use proptest::prelude::*;
use waiting_room::{Outcome, Reason, State, orders::Word};

use super::scene::{Scene, at, event, schedule};
use crate::fleet::Browser;

fn rules(on_store_loss: OnStoreLoss) -> Admission {
    let spec = Spec {
        active: Some(1),
        on_store_loss,
        ..Spec::default()
    };
    Admission::new(spec).expect("valid")
}

async fn scene(on_store_loss: OnStoreLoss) -> (Scene, Vec<Browser>) {
    let mut scene = Scene::under(rules(on_store_loss), Schedule::default()).await;
    // The first has the seat, the other two wait.
    let crowd = scene.arrive(3).await;
    (scene, crowd)
}

/// A store that is cut off for longer than a hiccup.
async fn lose(scene: &mut Scene) {
    scene.store.cut();
    scene.steps(12).await;
}

/// It is back, and all is as before.
async fn mend(scene: &mut Scene) {
    scene.store.mend();
    scene.steps(12).await;
}

/// Everybody's number, once all have asked again.
async fn numbers(scene: &mut Scene, crowd: &mut [Browser]) -> Vec<u64> {
    let mut numbers = Vec::new();
    for browser in crowd {
        let _ = scene.poll(browser).await;
        numbers.push(browser.ticket().expect("a number").number.0);
    }
    numbers
}

#[tokio::test]
async fn who_comes_while_the_store_is_coming_back_is_given_a_number_in_a_moment() {
    let (mut scene, _) = scene(OnStoreLoss::Hold).await;
    lose(&mut scene).await;
    scene.store.mend();
    // It answers, and is not yet trusted.
    scene.steps(2).await;
    let mut browser = Browser::default();
    let _ = scene.enter(&mut browser).await;
    let held = scene.poll(&mut browser).await;
    assert_eq!(held.status.reason, Some(Reason::StoreLost));
    assert_eq!(browser.ticket(), None);
    scene.steps(12).await;
    let _ = scene.poll(&mut browser).await;
    assert!(browser.ticket().is_some(), "an ordinary number");
}

#[tokio::test]
async fn a_store_that_is_coming_back_or_was_just_connected_is_not_lost() {
    for mode in [OnStoreLoss::Open, OnStoreLoss::Closed] {
        let (mut scene, _) = scene(mode).await;
        lose(&mut scene).await;
        let lost = scene.enter(&mut Browser::default()).await;
        let is_as_said = match &lost {
            Outcome::Admitted(_) => mode == OnStoreLoss::Open,
            Outcome::Held(held) => held.status.state == State::Closed,
        };
        assert!(is_as_said, "{mode:?}: {lost:?}");
        scene.store.mend();
        scene.replace(0);
        for _ in 0..12 {
            scene.steps(1).await;
            for place in [0, 1] {
                let outcome = scene.enter_at(place, &mut Browser::default()).await;
                let Outcome::Held(held) = outcome else {
                    panic!("{mode:?}: {outcome:?}");
                };
                assert_eq!(held.status.state, State::Waiting, "{mode:?} {place}");
            }
        }
    }
}

#[tokio::test]
async fn who_came_while_the_store_was_lost_is_served_by_a_room_that_takes_nobody_new() {
    let (mut scene, _) = scene(OnStoreLoss::Hold).await;
    lose(&mut scene).await;
    let mut browser = Browser::default();
    let _ = scene.enter(&mut browser).await;
    let held = scene.poll(&mut browser).await;
    assert_eq!(held.status.reason, Some(Reason::Provisional));
    mend(&mut scene).await;
    scene.order(Word::Drain { on: true }).await;
    scene.steps(4).await;
    let stranger = scene.poll(&mut Browser::default()).await;
    assert_eq!(stranger.status.state, State::Closed);
    let held = scene.poll(&mut browser).await;
    assert_eq!(
        (held.status.state, held.status.ahead),
        (State::Waiting, Some(2))
    );
}

#[tokio::test]
async fn who_comes_while_the_store_is_lost_is_numbered_by_arrival() {
    let (mut scene, mut before) = scene(OnStoreLoss::Hold).await;
    lose(&mut scene).await;
    let mut meanwhile = Vec::new();
    for _ in 0..12 {
        let mut browser = Browser::default();
        let _ = scene.enter(&mut browser).await;
        let held = scene.poll(&mut browser).await;
        assert_eq!(held.status.reason, Some(Reason::Provisional));
        assert_eq!(
            (held.status.state, held.status.ahead),
            (State::Waiting, None)
        );
        // A reload, at whichever gateway, is the same arrival.
        let _ = scene.poll(&mut browser).await;
        meanwhile.push(browser);
        scene.steps(1).await;
    }
    mend(&mut scene).await;
    let mut after = scene.arrive(2).await;
    // They ask in the order opposite to that in which they came.
    meanwhile.reverse();
    let mut theirs = numbers(&mut scene, &mut meanwhile).await;
    theirs.reverse();
    assert!(
        theirs.is_sorted_by(|one, next| one + 1 == *next),
        "{theirs:?}"
    );
    let earlier = numbers(&mut scene, &mut before[1..]).await;
    let later = numbers(&mut scene, &mut after).await;
    assert!(
        earlier[1] < theirs[0] && theirs[11] < later[0],
        "{earlier:?} {theirs:?} {later:?}"
    );
    // Asked again, a place is the same place.
    assert_eq!(numbers(&mut scene, &mut meanwhile).await[11], theirs[0]);
}

#[tokio::test]
async fn a_store_that_comes_back_empty_is_told_who_came() {
    let (mut scene, _) = scene(OnStoreLoss::Hold).await;
    lose(&mut scene).await;
    let mut meanwhile = vec![Browser::default(); 3];
    for browser in &mut meanwhile {
        let _ = scene.enter(browser).await;
        let _ = scene.poll(browser).await;
        scene.steps(1).await;
    }
    scene.store.wipe();
    mend(&mut scene).await;
    scene.steps(8).await;
    let first = numbers(&mut scene, &mut meanwhile).await;
    assert!(first.is_sorted_by(|one, next| one < next), "{first:?}");
    // It forgets once more, when they are numbered: a latecomer to the page has the place all the same.
    let mut copy = meanwhile[0].clone();
    scene.store.wipe();
    scene.steps(16).await;
    assert_eq!(
        numbers(&mut scene, std::slice::from_mut(&mut copy)).await[0],
        first[0]
    );
}

#[tokio::test]
async fn a_list_that_died_with_its_gateway_costs_the_order_and_not_the_place() {
    let (mut scene, _) = scene(OnStoreLoss::Hold).await;
    lose(&mut scene).await;
    let mut browser = Browser::default();
    let _ = scene.enter_at(0, &mut browser).await;
    let _ = scene.enter_at(0, &mut browser).await;
    scene.replace(0);
    mend(&mut scene).await;
    let held = scene.poll(&mut browser).await;
    assert_eq!(
        held.status.reason,
        Some(Reason::Provisional),
        "its list may yet come"
    );
    scene.steps(44).await;
    assert_eq!(
        numbers(&mut scene, std::slice::from_mut(&mut browser))
            .await
            .len(),
        1
    );
}

#[tokio::test]
async fn a_room_that_opens_without_its_store_lets_everybody_in_and_nobody_past_a_pause() {
    let (mut scene, mut crowd) = scene(OnStoreLoss::Open).await;
    lose(&mut scene).await;
    crowd[1] = Browser::default();
    for browser in &mut crowd {
        let outcome = scene.enter(browser).await;
        assert!(matches!(outcome, Outcome::Admitted(_)), "{outcome:?}");
    }
    mend(&mut scene).await;
    let outcome = scene.enter(&mut crowd[2]).await;
    assert!(
        matches!(outcome, Outcome::Held(_)),
        "its place is as it was: {outcome:?}"
    );
}

#[tokio::test]
async fn a_room_that_closes_without_its_store_takes_nobody_new() {
    let (mut scene, mut crowd) = scene(OnStoreLoss::Closed).await;
    lose(&mut scene).await;
    let mut stranger = Browser::default();
    let held = scene.poll(&mut stranger).await;
    assert_eq!(held.status.state, State::Closed);
    assert_eq!(held.status.reason, Some(Reason::StoreLost));
    let held = scene.poll(&mut crowd[2]).await;
    assert_eq!(held.status.state, State::Waiting, "who waits, waits on");
    let outcome = scene.enter(&mut crowd[0]).await;
    assert!(
        matches!(outcome, Outcome::Admitted(_)),
        "passes go on working"
    );
    mend(&mut scene).await;
    let held = scene.poll(&mut stranger).await;
    assert_eq!(held.status.state, State::Waiting);
}

#[tokio::test]
async fn a_missed_call_goes_to_the_back_where_the_operator_wants_it_so() {
    let spec = Spec {
        active: Some(1),
        late: Late::Back,
        ..Spec::default()
    };
    let rules = Admission::new(spec).expect("valid");
    let events = vec![event(Method::Fifo)];
    let mut scene = Scene::under(rules, schedule(Method::Closed, events)).await;
    scene.until(20).await;
    let mut crowd = scene.arrive(2).await;
    // The first is called after the opening and asleep until its grace is over.
    scene.until(70).await;
    let _ = scene.poll(&mut crowd[0]).await;
    scene.steps(4).await;
    let called = scene.poll(&mut crowd[0]).await;
    assert_eq!(called.status.state, State::Called);
    while scene.now.0 < at(200) {
        let _ = scene.poll(&mut crowd[1]).await;
        scene.steps(4).await;
    }
    let old = crowd[0].ticket().expect("held").number;
    let back = scene.poll(&mut crowd[0]).await;
    assert_eq!(back.status.reason, Some(Reason::NewNumber));
    assert!(crowd[0].ticket().expect("a new one").number > old);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whenever they come, at whichever gateway, and in whatever order they ask afterwards.
    #[test]
    fn arrivals_of_a_lost_store_keep_their_order(pauses in proptest::collection::vec(0_u32..3, 1..20), turn: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build().expect("a runtime");
        runtime.block_on(async {
            let (mut scene, _) = scene(OnStoreLoss::Hold).await;
            lose(&mut scene).await;
            let mut crowd = Vec::new();
            for pause in &pauses {
                let mut browser = Browser::default();
                let _ = scene.enter(&mut browser).await;
                let _ = scene.poll(&mut browser).await;
                crowd.push((scene.now, browser));
                scene.steps(*pause).await;
            }
            mend(&mut scene).await;
            let half = usize::try_from(turn).unwrap_or(0) % crowd.len();
            crowd.rotate_left(half);
            let mut order = Vec::new();
            for (came_at, browser) in &mut crowd {
                let _ = scene.poll(browser).await;
                order.push((browser.ticket().expect("a number").number, *came_at));
            }
            order.sort_unstable();
            assert!(order.is_sorted_by_key(|(_, came_at)| *came_at), "{order:?}");
            let span = order[order.len() - 1].0.since(order[0].0);
            assert_eq!(span as usize, order.len() - 1, "no gap, no number twice");
        });
    }
}

/// Everybody's tickets say when to ask next, by the clock of before: by that of after they would all look absent.
#[tokio::test]
async fn a_clock_that_is_set_back_stops_the_line_with_a_reason_and_costs_nobody_the_place() {
    let (mut scene, mut crowd) = scene(OnStoreLoss::Hold).await;
    let right = scene.now;
    scene.now = right.minus(std::time::Duration::from_secs(3_600));
    let _ = crowd[0].leave(&scene.gateways[0], scene.now).await;
    for round in 0..40 {
        scene.steps(4).await;
        for (ahead, browser) in crowd[1..].iter_mut().enumerate() {
            let held = scene.poll(browser).await;
            assert_eq!(held.status.state, State::Waiting, "{round}");
            assert_eq!(held.status.ahead, u32::try_from(ahead).ok());
            if round > 8 {
                assert_eq!(held.status.reason, Some(Reason::StoreLost));
            }
        }
    }
    scene.now = right.plus(std::time::Duration::from_secs(40));
    for _ in 0..40 {
        scene.steps(4).await;
        let _ = scene.poll(&mut crowd[1]).await;
    }
    let held = scene.poll(&mut crowd[1]).await;
    assert_eq!(held.status.state, State::Called, "{held:?}");
}

#[tokio::test]
async fn a_call_that_was_open_when_the_store_was_lost_is_open_until_it_is_back() {
    let mut scene = Scene::new(1, Schedule::default()).await;
    let mut crowd = scene.arrive(2).await;
    let _ = crowd[0].leave(&scene.gateways[0], scene.now).await;
    while scene.poll(&mut crowd[1]).await.status.state != State::Called {
        scene.steps(1).await;
    }
    scene.steps(4).await;
    scene.store.cut();
    scene.steps(4 * 200).await;
    assert_eq!(scene.poll(&mut crowd[1]).await.status.state, State::Called);
    scene.store.mend();
    scene.steps(12).await;
    let outcome = scene.enter(&mut crowd[1]).await;
    assert!(matches!(outcome, Outcome::Admitted(_)), "{outcome:?}");
}
