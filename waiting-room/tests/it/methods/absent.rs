//! A draw among those who are there: leavers, sleepers and spare numbers have no part in it, whatever the store did.

use policies::schedule::{EventSpec, Method};
use waiting_room::orders::Word;

use super::scene::{Scene, at, event, inside, schedule};

fn waiting(scene: &Scene) -> u32 {
    let seen = scene.gateways[0].room.snapshot().expect("a picture");
    seen.waiting_total()
}

#[tokio::test]
async fn after_a_draw_nobody_waits_but_those_who_were_drawn() {
    let mut scene = Scene::new(1, schedule(Method::Closed, vec![event(Method::Lottery)])).await;
    scene.until(11).await;
    let mut leavers = scene.arrive(5).await;
    let mut crowd = scene.arrive(10).await;
    for guest in &mut leavers {
        let _ = guest.leave(&scene.gateways[0], scene.now).await;
    }
    scene.play(&mut crowd, 66).await;
    assert_eq!(inside(&crowd), 1, "one seat");
    assert_eq!(waiting(&scene), 9);
}

#[tokio::test]
async fn a_draw_soon_after_the_store_was_lost_calls_nobody_who_had_left() {
    let mut scene = Scene::new(2, schedule(Method::Closed, vec![event(Method::Lottery)])).await;
    scene.until(11).await;
    let mut leavers = scene.arrive(12).await;
    let mut crowd = scene.arrive(2).await;
    for guest in &mut leavers {
        let _ = guest.leave(&scene.gateways[0], scene.now).await;
    }
    scene.play(&mut crowd, 50).await;
    scene.store.cut();
    scene.until(55).await;
    scene.store.mend();
    scene.play(&mut crowd, 75).await;
    assert_eq!(inside(&crowd), 2);
    assert_eq!(waiting(&scene), 0);
}

/// The list was closed once, with ten thousand spare numbers, and is closed again for the later opening.
#[tokio::test]
async fn an_opening_put_off_after_the_list_was_closed_draws_people_only() {
    let of = |opens_at| EventSpec {
        opens_at: at(opens_at),
        closes_at: Some(at(4_000)),
        beacon: Some("drand 12".into()),
        ..event(Method::Lottery)
    };
    for outage in [false, true] {
        let mut scene = Scene::new(2, schedule(Method::Closed, vec![of(60)])).await;
        scene.until(11).await;
        let mut crowd = scene.arrive(20).await;
        scene.play(&mut crowd, 62).await;
        scene.reschedule(&schedule(Method::Closed, vec![of(100)]));
        scene.play(&mut crowd, 80).await;
        assert_eq!(waiting(&scene), 20, "{outage}");
        if outage {
            scene.store.cut();
            scene.until(92).await;
            scene.store.mend();
        }
        scene.play(&mut crowd, 101).await;
        let (opens_at, value) = (at(100), "8f3a".to_owned());
        scene.order(Word::Beacon { opens_at, value }).await;
        scene.play(&mut crowd, 115).await;
        assert_eq!(inside(&crowd), 2, "{outage}");
        assert_eq!(waiting(&scene), 18, "{outage}");
    }
}

#[tokio::test]
async fn a_lottery_called_off_after_its_list_was_closed_leaves_people_only() {
    let named = EventSpec {
        beacon: Some("drand 12".into()),
        ..event(Method::Lottery)
    };
    let mut scene = Scene::new(2, schedule(Method::Closed, vec![named])).await;
    scene.until(11).await;
    let mut crowd = scene.arrive(20).await;
    scene.play(&mut crowd, 62).await;
    scene.reschedule(&schedule(Method::Fifo, vec![]));
    scene.play(&mut crowd, 66).await;
    assert_eq!(inside(&crowd), 2);
    assert_eq!(waiting(&scene), 18);
}
