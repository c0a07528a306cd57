//! A demo of a test's own, and the ways to load it, break it and judge it.

use std::path::PathBuf;
use std::time::Duration;

use devkit::{RoomRules, Stack, StackOptions, Store};
use loadtest::drill::{Arrivals, Drill};
use loadtest::figures::Limits;
use loadtest::referee::{ApiAccess, CONVERGENCE, Referee, Verdict};
use loadtest::visitor::{Habits, Pace, Room};
use loadtest::wire::{Browser, Dialer, DialerOptions, Site, loopback_address};
use serde_json::Value;

/// A running demo.
pub(crate) struct Scene {
    pub(crate) stack: Stack,
    pub(crate) http: reqwest::Client,
}

/// The room of most tests: small enough that a line forms, quick enough that it ends.
pub(crate) fn small_room() -> RoomRules {
    RoomRules {
        active: 30,
        per_minute: 900,
        ttl: "6s".into(),
        call_grace: "20s".into(),
        absent_after: "60s".into(),
    }
}

impl Scene {
    /// Starts a demo on free ports after `change`.
    pub(crate) fn start(change: impl FnOnce(&mut StackOptions)) -> Self {
        let mut options = StackOptions::throw_away(binaries()).expect("a throw-away home");
        options.room = small_room();
        options.stock = 2_000;
        options.tenant_quota = 20_000;
        change(&mut options);
        let stack = Stack::start(options, &mut |_| {})
            .unwrap_or_else(|error| panic!("the demo did not start: {error}"));
        Self {
            stack,
            http: reqwest::Client::new(),
        }
    }

    /// A demo with Redis and so many gateways. Its sessions outlast an outage, so that a visitor who tries
    /// again does not find the pass run out.
    pub(crate) fn with_redis(gateways: usize) -> Self {
        Self::start(|options| {
            options.room.ttl = "40s".into();
            options.store = Store::Redis;
            options.gateways = gateways;
        })
    }

    pub(crate) fn psp(&self) -> String {
        format!("http://{}", self.stack.plan().psp)
    }

    pub(crate) fn core(&self) -> String {
        format!("http://{}", self.stack.plan().core)
    }

    pub(crate) fn gateway(&self, index: usize) -> String {
        format!("http://{}", self.stack.plan().gateways[index])
    }

    pub(crate) fn key(&self) -> String {
        self.stack
            .secret_key("acme")
            .expect("the tenant was ensured")
    }

    fn sites(&self) -> Vec<Site> {
        let gateways = 0..self.stack.plan().gateways.len();
        gateways
            .map(|index| Site::parse(&self.gateway(index)).expect("an address of ours"))
            .collect()
    }

    /// A browser outside of every crowd.
    pub(crate) fn browser(&self, number: u32) -> Browser {
        let psp = Site::parse(&self.psp()).expect("an address of ours");
        let from = loopback_address(5_000_000 + number);
        Browser::new(
            Dialer::new(DialerOptions::default()),
            self.sites().into(),
            psp,
            from,
        )
    }

    /// A crowd that comes within a few seconds and hurries.
    pub(crate) fn drill(&self, visitors: u32) -> Drill {
        let rules = &self.stack.options().room;
        Drill {
            arrivals: Arrivals {
                visitors,
                burst_share: 0.5,
                burst: Duration::from_secs(1),
                ramp: Duration::from_secs(6),
            },
            gateways: self.sites(),
            psp: Site::parse(&self.psp()).expect("an address of ours"),
            room: Room {
                name: "flash-sale".into(),
                path: "/sale/".into(),
                session_ttl: seconds(&rules.ttl),
            },
            limits: Limits {
                active: rules.active.into(),
                per_minute: rules.per_minute.into(),
            },
            habits: Habits::default(),
            pace: Pace {
                least: Duration::from_millis(50),
                most: Duration::from_millis(400),
            },
            clocks_apart: self.stack.options().clocks_apart,
            dialer: DialerOptions {
                patience: Duration::from_secs(15),
                ..DialerOptions::default()
            },
            seed: 7,
            time_limit: Duration::from_secs(180),
        }
    }

    /// The referee's verdict, with the time a fault may take to heal.
    pub(crate) async fn judge(&self) -> Verdict {
        let api = ApiAccess {
            core: self.core(),
            tenant: "acme".into(),
            key: self.key(),
        };
        let referee = Referee {
            psp: self.psp(),
            database: self.stack.database().admin_url.clone(),
            api: Some(api),
            patience: CONVERGENCE,
        };
        referee
            .judge()
            .await
            .unwrap_or_else(|error| panic!("no verdict: {error}"))
    }

    /// What can be asked of psp-sim and the core as JSON.
    pub(crate) async fn ask(&self, url: &str) -> Value {
        let request = self.http.get(url).bearer_auth(self.key());
        let answer = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("GET {url}: {error}"));
        answer
            .json()
            .await
            .unwrap_or_else(|error| panic!("GET {url}: {error}"))
    }

    /// The fault rules of psp-sim, replaced.
    pub(crate) async fn psp_faults(&self, rules: Value) {
        let answer = self
            .http
            .put(format!("{}/sim/faults", self.psp()))
            .json(&rules)
            .send()
            .await;
        assert!(
            answer.expect("psp-sim answers").status().is_success(),
            "psp-sim refuses {rules}"
        );
    }
}

fn seconds(text: &str) -> Duration {
    let number = text
        .strip_suffix('s')
        .and_then(|number| number.parse().ok());
    Duration::from_secs(
        number.unwrap_or_else(|| panic!("{text}: tests word their times in seconds")),
    )
}

/// The directory with our binaries: two above this test's own (target/debug/deps).
pub(crate) fn binaries() -> PathBuf {
    let own = std::env::current_exe().expect("a test has a path");
    let directory = own
        .ancestors()
        .nth(2)
        .expect("a test lies in target/PROFILE/deps")
        .to_owned();
    let needed = ["fluxgate", "fluxpay", "psp-sim", "demo-shop"];
    let missing: Vec<_> = needed
        .into_iter()
        .filter(|name| !directory.join(name).is_file())
        .collect();
    assert!(
        missing.is_empty(),
        "{} not in {}: run `cargo build --workspace --bins` first (`cargo xtask test` does)",
        missing.join(", "),
        directory.display(),
    );
    directory
}

/// Asks `condition` again and again until it gives a value; a failure after `within`.
pub(crate) async fn eventually<T>(
    what: &str,
    within: Duration,
    mut condition: impl AsyncFnMut() -> Option<T>,
) -> T {
    let mut again = tokio::time::interval(Duration::from_millis(25));
    let found = tokio::time::timeout(within, async {
        loop {
            again.tick().await;
            if let Some(value) = condition().await {
                return value;
            }
        }
    });
    found
        .await
        .unwrap_or_else(|_| panic!("not within {within:?}: {what}"))
}
