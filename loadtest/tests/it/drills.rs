//! Small drills in which every figure must be right.

use crate::scene::Scene;

const VISITORS: u32 = 300;

async fn everything_is_right(scene: Scene) {
    let report = scene.drill(VISITORS).run(|_| {}).await;
    assert!(report.flaws().is_empty(), "{:?}\n{report}", report.flaws());
    assert_eq!(report.figures.arrived, u64::from(VISITORS));
    assert!(
        report.figures.waited.max.as_secs() >= 1,
        "a line formed:\n{report}"
    );
    let verdict = scene.judge().await;
    assert!(verdict.holds(), "{verdict}");
    scene.stack.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_passes_a_gateway_that_keeps_its_line_in_memory() {
    everything_is_right(Scene::start(|_| {})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_passes_two_gateways_that_share_one_redis() {
    everything_is_right(Scene::with_redis(2)).await;
}
