//! No empty seats: a call nearly always finds somebody, though a third of the line has gone without a word.

use std::time::Duration;

use waiting_room::history::Span;

use crate::estimates::stage::{Crowd, Play, Stays, rules};

/// A rush, of which 30 in a hundred close the page within two minutes.
const CROWD: Crowd = Crowd {
    rush: 3_000,
    trickle: 60,
    vanish: 30,
    vanish_within: 120,
    stay: 90.0,
    stays: Stays::Memoryless,
};

/// What became of the calls after the first three minutes: who is near the front is known by then, and not before.
async fn after_the_start(seed: u64, active: Option<u32>, per_minute: Option<u32>) -> (u32, u32) {
    let seconds = 900;
    let mut play = Play::new(
        seed,
        rules(active, per_minute),
        &CROWD,
        Duration::from_secs(seconds),
    );
    // A call that finds nobody is over after two minutes, and forgotten a little later.
    play.until(200).await;
    let called = totals(&play).called;
    play.until(360).await;
    let lapsed = totals(&play).lapsed;
    play.until(seconds - 160).await;
    let called = totals(&play).called - called;
    play.until(seconds).await;
    (called, totals(&play).lapsed - lapsed)
}

fn totals(play: &Play) -> Span {
    play.gateway.room.gauges(play.now).totals
}

#[tokio::test]
async fn a_call_finds_somebody_though_a_third_of_the_line_is_gone() {
    for (active, per_minute) in [(Some(200), None), (None, Some(200)), (Some(100), Some(120))] {
        let (mut called, mut lapsed) = (0, 0);
        for seed in 1..=3 {
            let (more, in_vain) = after_the_start(seed, active, per_minute).await;
            called += more;
            lapsed += in_vain;
        }
        assert!(called > 1_500, "{called}");
        assert!(
            lapsed * 100 < called,
            "{active:?} {per_minute:?}: {lapsed} of {called} calls found nobody"
        );
    }
}
