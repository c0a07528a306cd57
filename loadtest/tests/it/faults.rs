//! Servers stopped, killed and restarted with people in the line and in the shop. Requests may fail while a
//! server is away; afterwards nobody has lost a place, a pass or a won.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use loadtest::drill::Report;
use loadtest::wire::{Ask, Browser, Place};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::scene::{Scene, eventually};

const VISITORS: u32 = 150;
const SOON: Duration = Duration::from_secs(30);

/// A crowd on its way, and what a test wants to know of it meanwhile.
pub(crate) struct Underway {
    visits: JoinHandle<Report>,
    waiting: Arc<AtomicU64>,
    paid: Arc<AtomicU64>,
}

impl Underway {
    pub(crate) fn start(scene: &Scene) -> Self {
        let drill = scene.drill(VISITORS);
        let (waiting, paid) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let (in_line, receipts) = (Arc::clone(&waiting), Arc::clone(&paid));
        let visits = tokio::spawn(async move {
            drill
                .run(|tally| {
                    in_line.store(
                        tally.joined.get().saturating_sub(tally.admitted.get()),
                        Ordering::Relaxed,
                    );
                    receipts.store(tally.paid.get(), Ordering::Relaxed);
                })
                .await
        });
        Self {
            visits,
            waiting,
            paid,
        }
    }

    /// People wait, and some have paid: the moment to break something.
    pub(crate) async fn in_full_swing(&self) {
        eventually("people wait and pay", SOON, async || {
            let enough = self.waiting.load(Ordering::Relaxed) >= 30
                && self.paid.load(Ordering::Relaxed) >= 3;
            enough.then_some(())
        })
        .await;
    }

    pub(crate) async fn report(self) -> Report {
        self.visits.await.expect("the drill does not panic")
    }
}

/// All figures are right but for requests that failed while a server was away.
pub(crate) async fn nothing_was_lost(scene: Scene, report: Report) {
    let unexplained = report.unexplained();
    assert!(unexplained.is_empty(), "{unexplained:?}\n{report}");
    let verdict = scene.judge().await;
    assert!(verdict.holds(), "{verdict}");
    scene.stack.stop();
}

async fn status(browser: &mut Browser) -> Option<Value> {
    let answer = browser
        .send(&Ask::script(Method::GET, "/.fluxgate/flash-sale/status"))
        .await
        .ok()?;
    serde_json::from_slice(&answer.body).ok()
}

/// Waits until a visitor in the line is told that the store is lost, or no longer is.
async fn told_of_the_store(scene: &Scene, lost: bool) {
    let mut browser = scene.browser(u32::from(lost));
    let _page = browser.send(&Ask::page(Place::Gateway, "/sale/")).await;
    eventually(
        "the line says what it knows of its store",
        SOON,
        async || {
            let told = status(&mut browser).await?;
            let says = told["reason"] == "store_lost";
            let placed = told["reason"] != "joining";
            (says == lost && (lost || placed)).then_some(())
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_stops_answering_and_comes_back_and_no_place_or_pass_is_lost() {
    let scene = Scene::with_redis(1);
    let crowd = Underway::start(&scene);
    crowd.in_full_swing().await;
    scene.stack.redis.as_ref().expect("the store").pause();
    told_of_the_store(&scene, true).await;
    scene.stack.redis.as_ref().expect("the store").resume();
    told_of_the_store(&scene, false).await;
    nothing_was_lost(scene, crowd.report().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_dies_and_starts_empty_and_no_place_or_pass_is_lost() {
    let mut scene = Scene::with_redis(1);
    let crowd = Underway::start(&scene);
    crowd.in_full_swing().await;
    scene.stack.redis.as_ref().expect("the store").kill();
    told_of_the_store(&scene, true).await;
    scene
        .stack
        .redis
        .as_mut()
        .expect("the store")
        .start_again()
        .expect("redis starts again");
    told_of_the_store(&scene, false).await;
    nothing_was_lost(scene, crowd.report().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_dies_with_people_in_the_line_and_the_other_serves_them() {
    let mut scene = Scene::with_redis(2);
    let crowd = Underway::start(&scene);
    crowd.in_full_swing().await;
    // The shop asks the core through gateway 0.
    scene.stack.kill_gateway(1);
    nothing_was_lost(scene, crowd.report().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_restarts_while_people_pay() {
    let mut scene = Scene::start(|_| {});
    let crowd = Underway::start(&scene);
    crowd.in_full_swing().await;
    scene.stack.postgres.stop();
    scene
        .stack
        .postgres
        .start_again()
        .expect("PostgreSQL starts again");
    nothing_was_lost(scene, crowd.report().await).await;
}
