//! What tests rely on a private Redis under Sentinels for.

use devkit::{Identity, RedisSentinel, Reply, wait};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_copy_that_was_cut_off_takes_over_without_the_last_writes() {
    let redis = RedisSentinel::start().unwrap();
    redis.ready().unwrap();
    let first = redis.first();
    first.ask(&["SET", "early", "1"]).unwrap();
    wait::until(SOON, || {
        let copied = redis.second().ask(&["GET", "early"]).unwrap();
        (copied.text() == "1").then_some(())
    })
    .expect("the replica gets it");
    redis.cut_replica().unwrap();
    first.ask(&["SET", "late", "1"]).unwrap();
    redis.lose_first();
    wait::until(SOON, || redis.has_failed_over().then_some(())).expect("a fail-over");
    let second = redis.second();
    assert_eq!(second.ask(&["GET", "early"]).unwrap().text(), "1");
    assert_eq!(second.ask(&["GET", "late"]).unwrap(), Reply::Nil);
    assert_eq!(second.ask(&["SET", "new", "1"]).unwrap().text(), "OK");
}

#[test]
fn the_sentinels_end_with_their_servers() {
    let redis = RedisSentinel::start().unwrap();
    let mut all: Vec<Identity> = redis.sentinels().map(|one| one.identity()).collect();
    all.extend([redis.first(), redis.second()].map(|one| one.process().identity()));
    assert_eq!(all.len(), 5);
    redis.second().pause();
    drop(redis);
    assert!(all.iter().all(|one| !one.is_alive()));
}
