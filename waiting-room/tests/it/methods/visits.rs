//! How long a visit counts: the event's session, a pass that is held for a payment, a visit that the origin ends.

use std::time::Duration;

use policies::{
    admission::{Admission, Renewal, Spec},
    schedule::{EventSpec, Method, Schedule},
};
use waiting_room::{Admitted, Outcome, State, Timestamp};

use super::scene::{Scene, at, schedule};
use crate::fleet::{Browser, seal};

/// One seat, held for a minute and for no longer whatever its holder does.
fn rules() -> Admission {
    let spec = Spec {
        active: Some(1),
        ttl: Duration::from_secs(60),
        hold: Some(Duration::from_secs(300)),
        renewal: Renewal::Never,
        ..Spec::default()
    };
    Admission::new(spec).expect("valid")
}

/// The first is in; the second waits for the seat.
async fn scene(schedule: Schedule) -> (Scene, Browser, Browser) {
    let mut scene = Scene::under(rules(), schedule).await;
    let mut crowd = scene.arrive(2).await;
    let second = crowd.pop().expect("two");
    let first = crowd.pop().expect("two");
    assert!(first.pass.is_some() && second.pass.is_none());
    (scene, first, second)
}

async fn inside(scene: &mut Scene, browser: &mut Browser) -> Admitted {
    match scene.enter(browser).await {
        Outcome::Admitted(admitted) => admitted,
        Outcome::Held(held) => panic!("{held:?}"),
    }
}

/// Seconds until the second is called.
async fn called_after(scene: &mut Scene, second: &mut Browser) -> u64 {
    let from = scene.now;
    while scene.poll(second).await.status.state != State::Called {
        scene.steps(4).await;
        assert!(scene.now.since(from) < Duration::from_secs(900), "never");
    }
    scene.now.since(from).as_secs()
}

#[tokio::test]
async fn a_seat_is_given_on_when_its_pass_ends() {
    let (mut scene, _, mut second) = scene(Schedule::default()).await;
    let waited = called_after(&mut scene, &mut second).await;
    // Up to an epoch (a sixteenth of five minutes or an eighth of one) and the skew of clocks later.
    assert!((57..75).contains(&waited), "{waited} s");
}

#[tokio::test]
async fn a_ticket_kept_beyond_its_visit_opens_nothing_though_its_call_is_open() {
    let (mut scene, _, mut second) = scene(Schedule::default()).await;
    let _ = called_after(&mut scene, &mut second).await;
    let mut again = second.clone();
    let first_claim = inside(&mut scene, &mut second).await;
    // The answer was lost on the way: the same ticket again is the same visit.
    assert_eq!(
        inside(&mut scene, &mut again.clone()).await.number,
        first_claim.number
    );
    let mut third = scene.arrive(1).await.remove(0);
    let _ = called_after(&mut scene, &mut third).await;
    let outcome = scene.enter(&mut again).await;
    assert!(
        matches!(outcome, Outcome::Held(_)),
        "the seat is the third's: {outcome:?}"
    );
}

#[tokio::test]
async fn a_pass_that_is_held_for_a_payment_does_not_end_before_it() {
    let (mut scene, mut first, mut second) = scene(Schedule::default()).await;
    let pass = inside(&mut scene, &mut first).await.visit.expect("a seat");
    let until = scene.now.plus(Duration::from_secs(200));
    let room = scene.gateways[0].room.clone();
    let (longer, ends) = room.hold(&pass, until, scene.now).await.expect("longer");
    assert_eq!(ends, until);
    first.pass = Some(longer.as_str().to_owned());
    let again = room.hold(&pass, pass.pass.expires_at, scene.now).await;
    assert_eq!(again, None, "it lasts so long already");
    let waited = called_after(&mut scene, &mut second).await;
    assert!((197..215).contains(&waited), "{waited} s");
    assert!(
        seal()
            .read_pass(longer.as_str(), until.minus(Duration::from_millis(1)))
            .is_ok()
    );
    assert!(seal().read_pass(longer.as_str(), until).is_err());
}

#[tokio::test]
async fn no_origin_holds_a_pass_for_longer_than_the_operator_allows() {
    let (mut scene, mut first, _) = scene(Schedule::default()).await;
    let pass = inside(&mut scene, &mut first).await.visit.expect("a seat");
    let room = &scene.gateways[0].room;
    let held = room.hold(&pass, Timestamp(u64::MAX), scene.now).await;
    assert_eq!(
        held.map(|(_, ends)| ends),
        Some(scene.now.plus(Duration::from_secs(300)))
    );
    let ended = room
        .hold(&pass, Timestamp(u64::MAX), pass.pass.expires_at)
        .await;
    assert_eq!(ended, None, "what has ended does not begin again");
}

#[tokio::test]
async fn a_visit_that_the_origin_ends_frees_its_seat_at_once_and_its_pass_opens_nothing() {
    let (mut scene, mut first, mut second) = scene(Schedule::default()).await;
    let number = inside(&mut scene, &mut first).await.number;
    // Said while the store is away: it is said again.
    scene.store.cut();
    scene.gateways[0].room.release(number);
    scene.steps(8).await;
    scene.store.mend();
    scene.steps(12).await;
    let waited = called_after(&mut scene, &mut second).await;
    assert!(waited <= 2, "{waited} s");
    let outcome = scene.enter(&mut first).await;
    assert!(matches!(outcome, Outcome::Held(_)), "{outcome:?}");
}

#[tokio::test]
async fn an_active_visitor_is_never_thrown_out_however_long_a_pass_may_be_held() {
    let spec = Spec {
        active: Some(1),
        ttl: Duration::from_secs(60),
        hold: Some(Duration::from_secs(86_400)),
        ..Spec::default()
    };
    let rules = Admission::new(spec).expect("valid");
    let mut scene = Scene::under(rules, Schedule::default()).await;
    let mut browser = scene.arrive(1).await.remove(0);
    for _ in 0..40 {
        scene.steps(80).await;
        let _ = inside(&mut scene, &mut browser).await;
    }
}

#[tokio::test]
async fn an_event_has_a_session_of_its_own() {
    let event = EventSpec {
        opens_at: at(5),
        closes_at: Some(at(500)),
        method: Method::Fifo,
        ttl: Some(Duration::from_secs(16)),
        ..EventSpec::default()
    };
    let mut scene = Scene::under(rules(), schedule(Method::Closed, vec![event])).await;
    scene.until(6).await;
    let mut crowd = scene.arrive(2).await;
    let admitted = inside(&mut scene, &mut crowd[0]).await;
    assert!(admitted.expires_at <= scene.now.plus(Duration::from_secs(16)));
    let waited = called_after(&mut scene, &mut crowd[1]).await;
    assert!((12..26).contains(&waited), "{waited} s");
}

/// One seat for twelve seconds, and calls that stay open for long.
fn short(grace: u64) -> Admission {
    let spec = Spec {
        active: Some(1),
        ttl: Duration::from_secs(12),
        call_grace: Duration::from_secs(grace),
        renewal: Renewal::Never,
        ..Spec::default()
    };
    Admission::new(spec).expect("valid")
}

/// Somebody who was called and has not come in, and others behind.
async fn called(grace: u64) -> (Scene, Browser, Vec<Browser>) {
    let mut scene = Scene::under(short(grace), Schedule::default()).await;
    let mut crowd = scene.arrive(8).await;
    let left = crowd[0].leave(&scene.gateways[0], scene.now).await;
    assert!(matches!(left, Outcome::Held(_)));
    called_after(&mut scene, &mut crowd[1]).await;
    let behind = crowd.split_off(2);
    (scene, crowd.remove(1), behind)
}

/// Until `seconds` are over, whoever is called comes in, and `copy` asks all the time: the seat is never two people's.
async fn one_at_a_time(
    scene: &mut Scene,
    copy: &mut Browser,
    behind: &mut [Browser],
    seconds: u64,
) {
    let until = scene.now.plus(Duration::from_secs(seconds));
    while scene.now < until {
        scene.steps(2).await;
        let _ = scene.enter(copy).await;
        for browser in &mut *behind {
            if browser.pass.is_none() {
                let _ = scene.enter(browser).await;
            }
        }
        let now = scene.now;
        let all = behind.iter().chain([&*copy]);
        let passes = all.filter_map(|browser| browser.pass.as_deref());
        let inside = passes.filter(|pass| seal().read_pass(pass, now).is_ok());
        assert!(inside.count() <= 1, "{now:?}");
    }
    assert!(
        behind.iter().any(|browser| browser.pass.is_some()),
        "seats were given on"
    );
}

#[tokio::test]
async fn a_call_that_outlives_the_rules_lets_nobody_in_beside_others() {
    let (mut scene, mut called, mut behind) = called(180).await;
    let mut copy = called.clone();
    scene.rerule(short(15));
    scene.steps(4).await;
    inside(&mut scene, &mut called).await;
    one_at_a_time(&mut scene, &mut copy, &mut behind, 200).await;
}

#[tokio::test]
async fn a_store_that_forgets_lets_nobody_in_again_whose_visit_is_over() {
    for wait in [0, 1, 2, 16, 40] {
        let (mut scene, mut called, mut behind) = called(180).await;
        let mut copy = called.clone();
        inside(&mut scene, &mut called).await;
        let mut nobody = Browser::default();
        one_at_a_time(&mut scene, &mut nobody, &mut behind, 20).await;
        scene.store.wipe();
        scene.steps(wait).await;
        one_at_a_time(&mut scene, &mut copy, &mut behind, 60).await;
    }
}

#[tokio::test]
async fn a_call_that_is_shown_again_makes_no_visit_longer() {
    let (mut scene, mut called, _) = called(180).await;
    let mut copy = called.clone();
    let ends = inside(&mut scene, &mut called).await.expires_at;
    scene.steps(4 * 6).await;
    let again = inside(&mut scene, &mut copy).await.expires_at;
    // An epoch: an eighth of the session, or what the long grace makes of it.
    assert!(
        again <= ends.plus(Duration::from_secs(4)),
        "{again:?} after {ends:?}"
    );
}

/// A gateway that cannot reach the store does not know whether others do, and give the seat on when the pass ends.
#[tokio::test]
async fn a_pass_is_renewed_only_if_the_fleet_hears_of_it() {
    let spec = Spec {
        active: Some(1),
        ttl: Duration::from_secs(60),
        ..Spec::default()
    };
    let rules = Admission::new(spec).expect("valid");
    let mut scene = Scene::under(rules, Schedule::default()).await;
    let mut visitor = scene.arrive(1).await.remove(0);
    let ends = inside(&mut scene, &mut visitor).await.expires_at;
    scene.steps(40).await;
    let renewed = inside(&mut scene, &mut visitor).await;
    assert!(renewed.pass.is_some() && renewed.expires_at > ends);
    scene.store.cut();
    scene.steps(120).await;
    let admitted = inside(&mut scene, &mut visitor).await;
    assert!(admitted.pass.is_none());
    assert_eq!(admitted.expires_at, renewed.expires_at);
    while scene.now < renewed.expires_at {
        scene.steps(4).await;
    }
    let outcome = scene.enter(&mut visitor).await;
    assert!(matches!(outcome, Outcome::Held(_)), "{outcome:?}");
}

/// No picture shows the claim yet, and its bits are written and gone.
#[tokio::test]
async fn a_store_that_forgets_the_claim_of_a_moment_ago_gives_no_seat_twice() {
    for place in [0, 1] {
        let spec = Spec {
            active: Some(1),
            ttl: Duration::from_secs(300),
            call_grace: Duration::from_secs(15),
            renewal: Renewal::Never,
            ..Spec::default()
        };
        let rules = Admission::new(spec).expect("valid");
        let mut scene = Scene::under(rules, Schedule::default()).await;
        let crowd = scene.arrive(3).await;
        let [mut first, mut second, mut third] = <[Browser; 3]>::try_from(crowd).expect("three");
        let _ = first.leave(&scene.gateways[0], scene.now).await;
        called_after(&mut scene, &mut second).await;
        let outcome = scene.enter_at(place, &mut second).await;
        let Outcome::Admitted(admitted) = outcome else {
            panic!("{outcome:?}");
        };
        scene.store.flush_all();
        while scene.now < admitted.expires_at {
            scene.steps(2).await;
            let told = scene.poll(&mut third).await;
            assert_ne!(told.status.state, State::Called, "at {place}");
        }
        called_after(&mut scene, &mut third).await;
    }
}

/// A minute's session that activity renews.
fn renewed() -> Admission {
    let spec = Spec {
        active: Some(1),
        ttl: Duration::from_secs(60),
        ..Spec::default()
    };
    Admission::new(spec).expect("valid")
}

/// A game, a chat, a plan of seats: all of it goes through one socket, and no answer can carry a new pass.
#[tokio::test]
async fn an_open_stream_keeps_the_seat_and_its_holder_is_still_in_when_it_ends() {
    let mut scene = Scene::under(renewed(), Schedule::default()).await;
    let mut crowd = scene.arrive(2).await;
    let (mut second, mut first) = (crowd.pop().expect("two"), crowd.pop().expect("two"));
    let Admitted {
        number, expires_at, ..
    } = inside(&mut scene, &mut first).await;
    let mut ends = expires_at;
    for _ in 0..40 {
        scene.steps(30).await;
        let room = scene.gateways[0].room.clone();
        ends = room.stay(number, ends, scene.now).await.expect("goes on");
        assert!(ends > scene.now);
        assert_ne!(scene.poll(&mut second).await.status.state, State::Called);
    }
    assert!(scene.now > expires_at.plus(Duration::from_secs(200)));
    scene.steps(8).await;
    // The pass has long run out, at the other gateway too; the visit has not.
    let again = scene.enter_at(1, &mut first).await;
    let Outcome::Admitted(again) = again else {
        panic!("{again:?}")
    };
    assert_eq!((again.number, again.pass.is_some()), (number, true));
    let waited = called_after(&mut scene, &mut second).await;
    assert!((50..90).contains(&waited), "a session later: {waited} s");
    let late = scene.enter(&mut first).await;
    assert!(matches!(late, Outcome::Held(_)), "{late:?}");
}

#[tokio::test]
async fn a_stream_does_not_outlast_its_visit() {
    let (mut scene, mut first, mut second) = scene(Schedule::default()).await;
    let Admitted {
        number, expires_at, ..
    } = inside(&mut scene, &mut first).await;
    let room = scene.gateways[0].room.clone();
    let until = room.stay(number, expires_at, scene.now).await;
    let epoch = Duration::from_secs(60) / 8;
    assert!(until < Some(expires_at.plus(epoch)), "nothing renews it");
    let _ = called_after(&mut scene, &mut second).await;
    assert_eq!(room.stay(number, expires_at, scene.now).await, None);
    // Nor one that the origin ends.
    let third = inside(&mut scene, &mut second).await;
    room.release(third.number);
    scene.steps(8).await;
    assert_eq!(
        room.stay(third.number, third.expires_at, scene.now).await,
        None
    );
}

/// Cut off, a gateway cannot know whether others have given the seat on.
#[tokio::test]
async fn a_stream_at_a_gateway_without_its_store_ends_with_the_pass() {
    let mut scene = Scene::under(renewed(), Schedule::default()).await;
    let mut first = scene.arrive(1).await.remove(0);
    let Admitted {
        number, expires_at, ..
    } = inside(&mut scene, &mut first).await;
    scene.store.cut();
    let room = scene.gateways[0].room.clone();
    let mut ends = expires_at;
    while let Some(until) = room.stay(number, ends, scene.now).await {
        ends = until;
        scene.steps(8).await;
    }
    let over = scene.now.since(expires_at);
    assert!(over < Duration::from_secs(15), "{over:?}: an epoch at most");
}
