//! All gateways are new, and the store knows less than the visitors do.

use policies::schedule::Schedule;
use waiting_room::{
    Outcome,
    journal::{Verifier, verify},
};

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
