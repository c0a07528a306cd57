//! How good the estimate is: what visitors were told at each poll against when they were called.

pub(crate) mod stage;

use std::{num::NonZeroU32, time::Duration};

use policies::admission::{Admission, Spec, adaptive::AdaptiveSpec};
use stage::{Crowd, Play, Stays, Told, rules};
use waiting_room::{Reason, Timestamp, orders::Word};

use crate::fleet::START;

/// Estimates are judged once the line has run so long.
const RUN: Duration = Duration::from_secs(60);
/// Crowds of each kind.
const SEEDS: u64 = 6;

/// How good the estimates were.
#[derive(Debug, Default)]
struct Quality {
    told: usize,
    waits: f64,
    errors: f64,
    signed: f64,
    by_p90: usize,
    widths: f64,
    /// How often somebody was told a later time than before, by more than a tenth of the wait and eight seconds, and no
    /// reason for it.
    jumps: usize,
    /// The same with a reason.
    explained: usize,
    /// How often it was said that the line is slower than was thought, of all that was said.
    slower: usize,
    said: usize,
}

impl Quality {
    /// The mean error, in means of the wait.
    fn error(&self) -> f64 {
        self.errors / self.waits
    }

    /// How many were called by the p90 that they were told.
    fn in_range(&self) -> f64 {
        self.by_p90 as f64 / self.told as f64
    }

    /// Adds what was told at `judged` times to those who were called.
    fn add(&mut self, play: &Play, judged: impl Fn(Timestamp, Timestamp) -> bool) {
        for visitor in &play.crowd {
            let slower = |told: &&Told| told.reason == Some(Reason::Slower);
            self.said += visitor.told.len();
            self.slower += visitor.told.iter().filter(slower).count();
            for pair in visitor.told.windows(2) {
                self.compare(&pair[0], &pair[1]);
            }
            let Some(called) = visitor.called_at else {
                continue;
            };
            for told in visitor.told.iter().filter(|told| judged(told.at, called)) {
                let wait = called.since(told.at).as_secs_f64();
                let (p50, p90) = (told.p50.as_secs_f64(), told.p90.as_secs_f64());
                self.told += 1;
                self.waits += wait;
                self.errors += (p50 - wait).abs();
                self.signed += wait - p50;
                self.by_p90 += usize::from(wait <= p90);
                self.widths += p90 / p50;
            }
        }
    }

    fn compare(&mut self, before: &Told, after: &Told) {
        let (was, is) = (before.at.plus(before.p50), after.at.plus(after.p50));
        let later = is.since(was).as_secs_f64();
        if later > (after.p50.as_secs_f64() / 10.0).max(8.0) {
            match after.reason {
                Some(_) => self.explained += 1,
                None => self.jumps += 1,
            }
        }
    }
}

fn after_a_minute(at: Timestamp, called: Timestamp) -> bool {
    at >= START.plus(RUN).plus(Duration::from_secs(10)) && called > at
}

async fn play(seed: u64, rules: Admission, crowd: &Crowd, seconds: u64) -> Play {
    let mut play = Play::new(seed, rules, crowd, Duration::from_secs(seconds));
    play.until(seconds).await;
    play
}

const CROWD: Crowd = Crowd {
    rush: 400,
    trickle: 30,
    vanish: 0,
    vanish_within: 1,
    stay: 60.0,
    stays: Stays::Memoryless,
};

/// Within this part of the wait, nine in ten by their p90, and no time moves back without a reason.
#[expect(
    clippy::print_stdout,
    reason = "the table in docs/estimates.md is read off here"
)]
fn check(name: &str, quality: &Quality, most: f64) {
    println!(
        "{name}: told {}, off by {:.1}% ({:+.1}%), by p90 {:.1}%, p90/p50 {:.2}, moved back {} and {} with a reason, slower {:.1}%",
        quality.told,
        quality.error() * 100.0,
        quality.signed / quality.waits * 100.0,
        quality.in_range() * 100.0,
        quality.widths / quality.told as f64,
        quality.jumps,
        quality.explained,
        quality.slower as f64 / quality.said as f64 * 100.0,
    );
    assert!(quality.told > 1_000, "{name}: {quality:?}");
    assert!(quality.error() < most, "{name}: {quality:?}");
    assert!(quality.in_range() >= 0.90, "{name}: {quality:?}");
    assert_eq!(quality.jumps, 0, "{name}: {quality:?}");
}

/// It is not said so often that the line is slower that nobody believes it any more.
fn check_calm(name: &str, quality: &Quality) {
    assert!(quality.slower * 10 < quality.said, "{name}: {quality:?}");
}

/// Several crowds, since one may happen to stay long.
async fn plays(rules: Admission, crowd: &Crowd, seconds: u64) -> Quality {
    let mut quality = Quality::default();
    for seed in 1..=SEEDS {
        quality.add(&play(seed, rules, crowd, seconds).await, after_a_minute);
    }
    quality
}

#[tokio::test]
async fn a_line_that_is_let_in_by_the_minute() {
    let quality = plays(rules(None, Some(40)), &CROWD, 1_200).await;
    check("by the minute", &quality, 0.02);
    check_calm("by the minute", &quality);
    let play = play(1, rules(None, Some(40)), &CROWD, 600).await;
    let error = play.gateway.room.gauges(play.now).past_error_ms;
    assert!(
        error.is_some_and(|error| error <= 1_500),
        "the page owns up to {error:?}"
    );
}

#[tokio::test]
async fn a_room_whose_seats_are_given_on() {
    let quality = plays(rules(Some(40), None), &CROWD, 1_200).await;
    check("seats", &quality, 0.10);
    check_calm("seats", &quality);
}

#[tokio::test]
async fn a_room_of_five_seats_is_mostly_chance() {
    let crowd = Crowd {
        rush: 60,
        trickle: 3,
        ..CROWD
    };
    let quality = plays(rules(Some(5), None), &crowd, 2_400).await;
    check("five seats", &quality, 0.30);
}

#[tokio::test]
async fn a_line_of_which_a_third_goes_away_silently() {
    let crowd = Crowd {
        vanish: 30,
        vanish_within: 600,
        ..CROWD
    };
    let quality = plays(rules(None, Some(40)), &crowd, 1_200).await;
    check("30% leave, by the minute", &quality, 0.10);
    check_calm("30% leave, by the minute", &quality);
    let crowd = Crowd { rush: 800, ..crowd };
    let quality = plays(rules(Some(80), None), &crowd, 1_200).await;
    check("30% leave, seats", &quality, 0.10);
    check_calm("30% leave, seats", &quality);
}

#[tokio::test]
async fn a_room_that_fills_at_once_with_visits_that_are_much_alike() {
    let crowd = Crowd {
        rush: 3_000,
        stay: 90.0,
        stays: Stays::Alike,
        ..CROWD
    };
    let quality = plays(rules(Some(120), None), &crowd, 900).await;
    check("alike", &quality, 0.10);
    // As in the drill of a million: a crowd that goes on coming for three minutes and leaves within four of coming.
    let crowd = Crowd {
        rush: 500,
        trickle: 3_000,
        vanish: 30,
        vanish_within: 240,
        stay: 120.0,
        ..crowd
    };
    let (mut at_first, mut later) = (Quality::default(), Quality::default());
    for seed in 1..=SEEDS {
        let mut play = Play::new(seed, rules(Some(120), None), &crowd, 3 * RUN);
        play.until(1_200).await;
        let in_time = |at: Timestamp| at < START.plus(5 * RUN);
        at_first.add(&play, |at, called| {
            in_time(at) && after_a_minute(at, called)
        });
        later.add(&play, |at, called| {
            at > START.plus(15 * RUN / 2) && called > at
        });
    }
    check("alike, 30% leave", &at_first, 0.14);
    // By then it was seen that whoever has waited four minutes waits on.
    check("alike, 30% had left", &later, 0.08);
}

/// The drill of a million, an eighth as large: who is told in the first five minutes has seen neither the first wave of
/// seats nor who leaves.
#[tokio::test]
async fn a_great_crowd_in_its_first_minutes() {
    let crowd = Crowd {
        rush: 6_000,
        trickle: 36_000,
        vanish: 30,
        vanish_within: 150,
        stay: 120.0,
        stays: Stays::Alike,
    };
    let mut play = Play::new(1, rules(Some(1_440), None), &crowd, 3 * RUN);
    play.until(460).await;
    let mut quality = Quality::default();
    let in_time = |at: Timestamp| at < START.plus(4 * RUN);
    quality.add(&play, |at, called| {
        in_time(at) && after_a_minute(at, called)
    });
    check("a great crowd", &quality, 0.12);
}

#[tokio::test]
async fn a_room_with_both_limits() {
    let quality = plays(rules(Some(50), Some(40)), &CROWD, 1_200).await;
    check("both", &quality, 0.10);
    check_calm("both", &quality);
}

#[tokio::test]
async fn a_limit_that_is_changed() {
    let changed = START.plus(Duration::from_secs(300));
    let judged = |at: Timestamp, called: Timestamp| {
        after_a_minute(at, called) && (called <= changed || at > changed.plus(RUN))
    };
    let mut quality = Quality::default();
    for seed in 1..=SEEDS {
        let mut play = Play::new(
            seed,
            rules(Some(40), None),
            &CROWD,
            Duration::from_secs(1_500),
        );
        play.until(300).await;
        let active = NonZeroU32::new(20);
        play.order(Word::Tune {
            active,
            per_minute: None,
            until: None,
        })
        .await;
        play.until(1_800).await;
        quality.add(&play, judged);
    }
    check("limit lowered", &quality, 0.10);
    check_calm("limit lowered", &quality);
}

/// The shop has become slow, or quick: what was learned of earlier visits is wrong.
#[tokio::test]
async fn visits_that_become_longer_or_shorter() {
    let crowd = Crowd {
        rush: 8_000,
        stay: 60.0,
        stays: Stays::Alike,
        ..CROWD
    };
    for (name, times) in [("longer", 1.7), ("shorter", 0.6)] {
        let mut play = Play::new(1, rules(Some(400), None), &crowd, 5 * RUN);
        play.until(420).await;
        play.stretch(times);
        play.until(1_500).await;
        let changed = START.plus(7 * RUN);
        let mut quality = Quality::default();
        // The first of them have ended, and those of before are over.
        let judged = changed.plus(4 * RUN)..changed.plus(9 * RUN);
        quality.add(&play, |at, called| judged.contains(&at) && called > at);
        check(name, &quality, 0.10);
    }
}

#[tokio::test]
async fn a_room_that_follows_its_origin() {
    let crowd = Crowd {
        rush: 600,
        trickle: 80,
        ..CROWD
    };
    let rules = Admission::new(Spec {
        active: Some(200),
        ttl: Duration::from_secs(120),
        adaptive: Some(AdaptiveSpec::new(Duration::from_millis(200))),
        ..Spec::default()
    })
    .expect("valid");
    let mut quality = Quality::default();
    for seed in 1..=SEEDS {
        let mut play =
            Play::new(seed, rules, &crowd, Duration::from_secs(1_200)).with_origin(120.0);
        play.until(1_200).await;
        quality.add(&play, after_a_minute);
    }
    check("adaptive", &quality, 0.10);
    check_calm("adaptive", &quality);
}
