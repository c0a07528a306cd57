//! Two gateways that share a real store, stepped by turns as their drivers would be.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use policies::admission::{Admission, Spec};
use tokio::time::Interval;
use waiting_room::{
    Number, Outcome, State, Timestamp,
    counts::Event,
    store::{RoomStore, redis::Redis},
};

use crate::fleet::{Browser, Gateway, seal};

pub(crate) struct Pair {
    pub(crate) gateways: [Gateway; 2],
    /// The connections live as long as this.
    links: [Redis; 2],
    entropy: u64,
    pace: Interval,
}

/// A driver has a timer. Without one these would leave no processor to the servers they wait for.
const PACE: Duration = Duration::from_millis(5);

fn rules(active: u32) -> Admission {
    Admission::new(Spec {
        active: Some(active),
        ..Spec::default()
    })
    .expect("valid")
}

/// How far a gateway's clock may be off, and a little less.
const OFF: u64 = 1_000;

/// A clock that is slow.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    Timestamp(u64::try_from(since.as_millis()).expect("before the end of time") - OFF)
}

impl Pair {
    pub(crate) fn on(url: &str, active: u32) -> Self {
        let links = [(), ()].map(|()| Redis::new(url).expect("a URL"));
        links.iter().for_each(Redis::connect);
        let gateway = |id: usize| {
            let store = Arc::new(links[id].room("acme", "flash-sale"));
            Gateway::new(id as u64 + 1, store, rules(active))
        };
        let gateways = [gateway(0), gateway(1)];
        Self {
            gateways,
            links,
            entropy: 0,
            pace: tokio::time::interval(PACE),
        }
    }

    /// Once both have the store their clocks are put forward, from slow to fast: there is nobody yet for whose
    /// sake a room would have to settle for seconds.
    pub(crate) async fn hurry(&mut self) {
        let connected = |pair: &Self| pair.session(0) > 0 && pair.session(1) > 0;
        self.until("both have the store", connected).await;
        self.step_both().await;
        for gateway in &mut self.gateways {
            gateway.skew = Duration::from_millis(2 * OFF);
        }
    }

    /// The store's session as a gateway sees it; 0 without a store.
    pub(crate) fn session(&self, index: usize) -> u64 {
        self.links[index].room("acme", "flash-sale").session()
    }

    /// Of both gateways together.
    pub(crate) fn count(&self, event: Event) -> u64 {
        let each = self.gateways.iter();
        each.map(|gateway| gateway.room.counts().of(event)).sum()
    }

    pub(crate) async fn step_both(&mut self) {
        self.pace.tick().await;
        for gateway in &mut self.gateways {
            gateway.step(now()).await;
        }
    }

    /// Steps both until `done` says so.
    pub(crate) async fn until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !done(self) {
            assert!(Instant::now() < deadline, "never: {what}");
            self.step_both().await;
        }
    }

    pub(crate) async fn enter(&mut self, index: usize, browser: &mut Browser) -> Outcome {
        self.entropy = self.entropy.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let entropy = self.entropy;
        browser
            .enter(&self.gateways[index % 2], now(), entropy)
            .await
    }

    /// Asks for `browser` until it is in.
    pub(crate) async fn come_in(&mut self, browser: &mut Browser) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while browser.pass.is_none() {
            assert!(Instant::now() < deadline, "not let in: {browser:?}");
            let _ = self.enter(0, browser).await;
            self.step_both().await;
        }
    }

    /// A visitor who has taken a number (or came in at once).
    pub(crate) async fn arrive(&mut self, index: usize) -> Browser {
        let mut browser = Browser::default();
        let deadline = Instant::now() + Duration::from_secs(20);
        while browser.ticket().is_none() && browser.pass.is_none() {
            assert!(Instant::now() < deadline, "no number was given");
            let _ = self.enter(index, &mut browser).await;
            self.step_both().await;
        }
        browser
    }
}

/// What whole crowds do, and what is true of them however the store has been treated.
impl Pair {
    /// A room of two seats, both taken, and a line of four.
    pub(crate) async fn fill(&mut self) -> Vec<Browser> {
        self.hurry().await;
        self.until("the line opens", opened).await;
        let mut crowd = self.arrivals(6).await;
        for browser in &mut crowd[..2] {
            self.come_in(browser).await;
        }
        crowd
    }

    /// New visitors, by turns at both gateways.
    pub(crate) async fn arrivals(&mut self, count: usize) -> Vec<Browser> {
        let mut crowd = Vec::new();
        for index in 0..count {
            crowd.push(self.arrive(index).await);
        }
        crowd
    }

    /// The first one inside goes, and whoever is next comes in.
    pub(crate) async fn a_seat_changes_hands(&mut self, crowd: &mut Vec<Browser>) {
        let is_inside = |browser: &Browser| browser.pass.is_some();
        let first = crowd.iter().position(is_inside).expect("somebody is in");
        let mut leaver = crowd.remove(first);
        let left = leaver.leave(&self.gateways[0], now()).await;
        assert!(matches!(left, Outcome::Held(held) if held.status.state == State::Left));
        let next = crowd.iter_mut().find(|browser| !is_inside(browser));
        self.come_in(next.expect("somebody waits")).await;
    }

    /// Whoever was in is in, all others wait with their number, no two have the same.
    pub(crate) async fn nothing_is_lost(&mut self, crowd: &[Browser]) {
        let all = all_numbers(crowd);
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "no number twice: {all:?}");
        for (index, browser) in crowd.iter().enumerate() {
            let mut asking = browser.clone();
            let admitted = matches!(self.enter(index, &mut asking).await, Outcome::Admitted(_));
            assert_eq!(admitted, browser.pass.is_some(), "{browser:?}");
            assert_eq!(all_numbers(&[asking]), all[index..=index]);
        }
        for gateway in &self.gateways {
            let seats = gateway.room.gauges(now()).occupied;
            assert!(seats <= 2, "{seats} of 2 seats");
        }
    }
}

pub(crate) fn opened(pair: &Pair) -> bool {
    pair.gateways.iter().all(|gateway| {
        gateway
            .room
            .snapshot()
            .is_some_and(|seen| seen.line.ahead(seen.next) > 0)
    })
}

/// The numbers of those who wait and of those who are in.
pub(crate) fn all_numbers(crowd: &[Browser]) -> Vec<Number> {
    let number = |browser: &Browser| match &browser.pass {
        Some(pass) => seal().read_pass(pass, now()).ok().map(|pass| pass.number),
        None => browser.ticket().map(|ticket| ticket.number),
    };
    let numbers = crowd.iter().map(number);
    numbers.collect::<Option<_>>().expect("each has a number")
}

/// The numbers of those who wait.
pub(crate) fn numbers(crowd: &[Browser]) -> Vec<Number> {
    crowd
        .iter()
        .filter_map(|browser| browser.ticket())
        .map(|ticket| ticket.number)
        .collect()
}
