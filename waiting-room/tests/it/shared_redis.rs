//! Two gateways on one real Redis: one line, whatever happens to the server.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use policies::admission::{Admission, Spec};
use waiting_room::{Number, Outcome, Reason, State, Timestamp, store::redis::Redis};

use crate::fleet::{Browser, Gateway};

struct Pair {
    gateways: [Gateway; 2],
    /// The connections live as long as this.
    _links: [Redis; 2],
    entropy: u64,
}

fn rules(active: u32) -> Admission {
    Admission::new(Spec {
        active: Some(active),
        ..Spec::default()
    })
    .expect("valid")
}

fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    Timestamp(u64::try_from(since.as_millis()).expect("before the end of time"))
}

impl Pair {
    fn on(server: &devkit::Redis, active: u32) -> Self {
        let links = [(), ()].map(|()| Redis::new(&server.url()).expect("a URL"));
        links.iter().for_each(Redis::connect);
        let gateway = |id: usize| {
            let store = Arc::new(links[id].room("acme", "flash-sale"));
            Gateway::new(id as u64 + 1, store, rules(active))
        };
        let gateways = [gateway(0), gateway(1)];
        Self {
            gateways,
            _links: links,
            entropy: 0,
        }
    }

    /// Steps both until `done` says so.
    async fn until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !done(self) {
            assert!(Instant::now() < deadline, "never: {what}");
            // The links connect in tasks of this very thread.
            tokio::task::yield_now().await;
            for gateway in &mut self.gateways {
                gateway.step(now()).await;
            }
        }
    }

    async fn enter(&mut self, index: usize, browser: &mut Browser) -> Outcome {
        self.entropy = self.entropy.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let entropy = self.entropy;
        browser
            .enter(&self.gateways[index % 2], now(), entropy)
            .await
    }

    /// A visitor who has taken a number (or came in at once).
    async fn arrive(&mut self, index: usize) -> Browser {
        let mut browser = Browser::default();
        let deadline = Instant::now() + Duration::from_secs(20);
        while browser.ticket().is_none() && browser.pass.is_none() {
            assert!(Instant::now() < deadline, "no number was given");
            let _ = self.enter(index, &mut browser).await;
            for gateway in &mut self.gateways {
                gateway.step(now()).await;
            }
        }
        browser
    }
}

/// One that forgets everything when it ends.
fn empty_redis() -> devkit::Redis {
    devkit::Redis::start(devkit::RedisOptions::default()).expect("a Redis")
}

fn opened(pair: &Pair) -> bool {
    pair.gateways.iter().all(|gateway| {
        gateway
            .room
            .snapshot()
            .is_some_and(|seen| seen.line.ahead(seen.next) > 0)
    })
}

fn numbers(crowd: &[Browser]) -> Vec<Number> {
    crowd
        .iter()
        .filter_map(|browser| browser.ticket())
        .map(|ticket| ticket.number)
        .collect()
}

#[tokio::test]
async fn two_gateways_serve_one_line() {
    let server = empty_redis();
    let mut pair = Pair::on(&server, 3);
    pair.until("the line opens", opened).await;
    let mut crowd = Vec::new();
    for index in 0..12 {
        crowd.push(pair.arrive(index).await);
    }
    let inside = crowd
        .iter()
        .filter(|browser| browser.pass.is_some())
        .count();
    let called = pair.gateways[0].room.gauges(now()).occupied;
    assert!(
        inside <= 3 && called <= 3,
        "{inside} inside, {called} seats taken"
    );
    let waiting = numbers(&crowd);
    assert!(
        waiting.is_sorted(),
        "who came later stands further back: {waiting:?}"
    );
    assert_eq!(waiting.iter().collect::<BTreeSet<_>>().len(), waiting.len());
    // The last one hears the same from both.
    pair.until("both have seen everybody", |pair| {
        let next = |g: &Gateway| g.room.snapshot().map(|seen| (seen.next, seen.line.horizon));
        next(&pair.gateways[0]) == next(&pair.gateways[1])
    })
    .await;
    let mut last = crowd.pop().expect("twelve came");
    let Outcome::Held(one) = pair.enter(0, &mut last).await else {
        panic!("not in yet")
    };
    let Outcome::Held(two) = pair.enter(1, &mut last).await else {
        panic!("not in yet")
    };
    assert_eq!(one.status.ahead, two.status.ahead);
    assert_eq!(one.status.code, two.status.code);
}

#[tokio::test]
async fn a_store_that_comes_back_empty_costs_nobody_a_place() {
    let mut server = empty_redis();
    let mut pair = Pair::on(&server, 2);
    pair.until("the line opens", opened).await;
    let mut crowd = Vec::new();
    for index in 0..8 {
        crowd.push(pair.arrive(index).await);
    }
    let inside: Vec<_> = crowd
        .iter()
        .filter(|browser| browser.pass.is_some())
        .cloned()
        .collect();
    assert!(!inside.is_empty(), "the first ones came in at once");
    let before = numbers(&crowd);

    server.kill();
    pair.until("the loss is noticed", |pair| {
        pair.gateways
            .iter()
            .all(|gateway| gateway.room.gauges(now()).snapshot_age_ms > 2_000)
    })
    .await;
    all_are_served_without_a_store(&mut pair, &mut crowd, &inside).await;

    server.start_again().expect("it starts again");
    pair.until("both have settled", |pair| {
        pair.gateways
            .iter()
            .all(|gateway| gateway.room.gauges(now()).snapshot_age_ms < 500)
    })
    .await;
    assert_eq!(numbers(&crowd), before, "every place is kept");
    for index in 8..16 {
        crowd.push(pair.arrive(index).await);
    }
    let all = numbers(&crowd);
    assert_eq!(
        all.iter().collect::<BTreeSet<_>>().len(),
        all.len(),
        "no number twice: {all:?}"
    );
    assert!(
        all.is_sorted(),
        "those who came before are still before: {all:?}"
    );
    for mut guest in inside {
        assert!(matches!(
            pair.enter(0, &mut guest).await,
            Outcome::Admitted(_)
        ));
    }
    let seats = pair.gateways[0].room.gauges(now()).occupied;
    assert!(seats <= 2, "{seats} of 2 seats");
}

/// Passes go on, tickets keep their place, the page says why it stands still, strangers wait.
async fn all_are_served_without_a_store(
    pair: &mut Pair,
    crowd: &mut [Browser],
    inside: &[Browser],
) {
    for mut guest in inside.iter().cloned() {
        assert!(matches!(
            pair.enter(1, &mut guest).await,
            Outcome::Admitted(_)
        ));
    }
    let waiting = crowd.iter_mut().enumerate();
    for (index, browser) in waiting.filter(|(_, browser)| browser.pass.is_none()) {
        let Outcome::Held(held) = pair.enter(index, browser).await else {
            panic!("not in yet")
        };
        assert_eq!(held.status.reason, Some(Reason::StoreLost));
    }
    let mut stranger = Browser::default();
    for _ in 0..2 {
        let outcome = pair.enter(0, &mut stranger).await;
        assert!(matches!(outcome, Outcome::Held(held) if held.status.state == State::Waiting));
    }
    assert!(stranger.ticket().is_none(), "no number without a store");
}
