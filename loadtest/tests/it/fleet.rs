//! Two gateways of which one is stopped for a while, or whose clocks are apart. The line goes on,
//! no number is given or called twice, and nobody loses anything.

use std::time::Duration;

use devkit::Store;
use http::Method;
use loadtest::drill::Report;
use loadtest::wire::Ask;
use serde_json::Value;

use crate::faults::{Underway, nothing_was_lost};
use crate::scene::{Scene, binaries, eventually};

/// Ticks are a quarter of a second apart: this many take twenty.
const TICKS: u64 = 80;
/// Twenty seconds of ticks, on a machine that is busy with other tests.
const PAUSED_AT_MOST: Duration = Duration::from_secs(60);

/// How many ticks a gateway has won so far.
async fn ticks(scene: &Scene, gateway: usize) -> u64 {
    let admin = scene.stack.plan().gateway_admins[gateway];
    let answer = scene.http.get(format!("http://{admin}/metrics")).send();
    let text = answer.await.expect("the admin listener answers").text();
    let text = text.await.expect("metrics are text");
    let mut lines = text.lines().filter(|line| {
        line.starts_with("fluxgate_room_events_total") && line.contains("\"ticked\"")
    });
    let count = lines
        .next()
        .and_then(|line| line.rsplit(' ').next()?.parse().ok());
    count.expect("ticks are counted")
}

/// The line's log is whole and in order by the buyers' own check, and at least as many numbers were given as visitors
/// hold one: had two got the same, one would be missing.
async fn no_number_twice(scene: &Scene, report: &Report) {
    let mut browser = scene.browser(9);
    let log = Ask::script(Method::GET, "/.fluxgate/flash-sale/log");
    let log = browser.send(&log).await.expect("the log is there");
    assert_eq!(log.status, 200);
    let text = log.text();
    let entries: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("an entry"))
        .collect();
    assert_eq!(
        log.header("content-type").split(';').next(),
        Some("application/jsonl")
    );
    assert_eq!(entries[0]["seq"], 1, "the whole log is still in the store");
    assert_eq!(log.body.first(), Some(&b'{'));
    let given = entries.last().and_then(|entry| entry["given"].as_u64());
    assert!(
        given >= Some(report.figures.joined),
        "{given:?} numbers for {report}"
    );
    let copy = scene.stack.options().home.path().join("line.jsonl");
    std::fs::write(&copy, text.as_bytes()).expect("the home can be written to");
    let check = std::process::Command::new(binaries().join("fluxgate"))
        .args(["line", "verify"])
        .arg(&copy)
        .output();
    let check = check.expect("fluxgate runs");
    let said = String::from_utf8_lossy(&check.stdout);
    assert!(
        check.status.success() && said.contains("Nothing is wrong with it."),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_is_stopped_for_twenty_seconds_and_goes_on() {
    let scene = Scene::with_redis(2);
    let crowd = Underway::start(&scene);
    crowd.in_full_swing().await;
    scene.stack.gateway(1).expect("it runs").pause();
    let before = ticks(&scene, 0).await;
    eventually(
        "the other gateway ticks for twenty seconds",
        PAUSED_AT_MOST,
        async || (ticks(&scene, 0).await >= before + TICKS).then_some(()),
    )
    .await;
    scene.stack.gateway(1).expect("it runs").resume();
    let report = crowd.report().await;
    // Whoever ticked first goes on ticking: the one that was stopped shows itself when the other stops in its turn.
    let so_far = ticks(&scene, 1).await;
    scene.stack.gateway(0).expect("it runs").pause();
    eventually(
        "the gateway that was stopped ticks for both",
        PAUSED_AT_MOST,
        async || (ticks(&scene, 1).await > so_far).then_some(()),
    )
    .await;
    scene.stack.gateway(0).expect("it runs").resume();
    no_number_twice(&scene, &report).await;
    nothing_was_lost(scene, report).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_with_clocks_two_seconds_apart_keep_one_line() {
    let scene = Scene::start(|options| {
        options.room.ttl = "40s".into();
        options.store = Store::Redis;
        options.gateways = 2;
        options.clocks_apart = Duration::from_secs(2);
    });
    let apart = updated_at(&scene, 1).await - updated_at(&scene, 0).await;
    assert!(apart > 1_000_000, "the clocks are apart: {apart} us");
    let crowd = Underway::start(&scene);
    crowd.in_full_swing().await;
    let before = (ticks(&scene, 0).await, ticks(&scene, 1).await);
    eventually("both take part", PAUSED_AT_MOST, async || {
        let now = (ticks(&scene, 0).await, ticks(&scene, 1).await);
        (now.0 + now.1 > before.0 + before.1 + 20).then_some(())
    })
    .await;
    let report = crowd.report().await;
    no_number_twice(&scene, &report).await;
    let flaws = report.flaws();
    assert!(flaws.is_empty(), "{flaws:?}\n{report}");
    nothing_was_lost(scene, report).await;
}

/// The time of day by a gateway's own clock, in microseconds: what it tells a stranger is of now.
async fn updated_at(scene: &Scene, gateway: usize) -> i64 {
    let url = format!("{}/sale/", scene.gateway(gateway));
    let answer = scene
        .http
        .get(url)
        .header("accept", "application/json")
        .send();
    let told: Value = answer
        .await
        .expect("the gateway answers")
        .json()
        .await
        .expect("queue JSON");
    let stamp = told["updated_at"].as_str().expect("a time");
    let stamp: jiff::Timestamp = stamp.parse().expect("RFC 3339");
    stamp.as_microsecond()
}
