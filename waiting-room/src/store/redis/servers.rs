//! Which server has a room: the only one, the primary that the Sentinels name, or the Cluster's node with
//! the room's slot.
//!
//! Each server has [`Links`] of its own, as if it were alone. Where there is a [`Guide`] it is asked again and
//! again who has which slots, and what it says decides which links a room uses. Sessions are
//! numbered over all links, so a room whose server changes is in another session: a fail-over may have
//! lost its last writes. (A slot that was moved lost nothing; its room settles all the same, since
//! from here the two look alike.)
//!
//! fred knows Sentinels and Clusters too, but within one client: its commands would go on at another node
//! as if nothing had happened. It also sends a transaction after an ASK without its WATCH; keeps no
//! connection to a Cluster of which one node is down; and never gets past a Sentinel that hangs.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use arc_swap::ArcSwap;
use fred::{
    prelude::*,
    types::config::{Server, ServerConfig},
};
use tokio::task::JoinHandle;

use super::{
    guide::{Guide, Layout, Newest},
    link::{self, CONNECT_TIMEOUT, Link, Sessions},
};
use crate::{controller::TICK, store::StoreError};

/// Between two questions to the guide. What it costs is one short command to each Sentinel or node.
pub(super) const ASK_EVERY: Duration = Duration::from_millis(500);
/// After this, who has not answered is left out.
pub(super) const ANSWERS_WITHIN: Duration = Duration::from_millis(500);
/// Sentinels tell each other of a new primary when they have made it one, and anyhow every two seconds; a
/// Cluster's node tells all others at once, and anyhow each within about a second.
const WORD_SPREADS: Duration = Duration::from_secs(2);
const BUSY_MACHINE: Duration = Duration::from_millis(250);

/// Two gateways have both gone over to a new server after this, whether or not they had lost the old one.
/// The first cannot be there before a guide names it. The other may have asked just before, in vain,
/// and then reach only Sentinels (or nodes) that hear of it later: [`WORD_SPREADS`]. So it knows after a round that
/// is on its way, that time, a pause and a round: 0.5 + 2 + 0.5 + 0.5 s. It connects (1 s), and steps within a
/// tick (0.25 s). With the last quarter of a second, 5 s.
const LATEST_OVER: Duration = ANSWERS_WITHIN
    .saturating_add(WORD_SPREADS)
    .saturating_add(ASK_EVERY)
    .saturating_add(ANSWERS_WITHIN)
    .saturating_add(CONNECT_TIMEOUT)
    .saturating_add(TICK)
    .saturating_add(BUSY_MACHINE);

/// A server's connections. Joins and claims must not queue behind megabytes of bits, and WATCH belongs to a
/// connection, so each of the three has its own.
#[derive(Debug)]
pub(super) struct Links {
    pub(super) visitors: Link,
    pub(super) bulk: Link,
    pub(super) fence: Link,
    /// One WATCH … EXEC at a time.
    pub(super) fencing: tokio::sync::Mutex<()>,
}

impl Links {
    fn to(config: &Config, sessions: &Sessions) -> Self {
        let link = |millis| Link::new(config, Duration::from_millis(millis), sessions);
        Self {
            visitors: link(500),
            bulk: link(2_000),
            fence: link(1_000),
            fencing: tokio::sync::Mutex::new(()),
        }
    }

    fn connect(&self) {
        for link in [&self.visitors, &self.bulk, &self.fence] {
            link.connect();
        }
    }

    /// Another number whenever one of the connections that read and count was made anew; 0 while one of
    /// them is down.
    pub(super) fn session(&self) -> u64 {
        let (visitors, bulk) = (self.visitors.session(), self.bulk.session());
        if visitors == 0 || bulk == 0 {
            0
        } else {
            visitors << 32 | bulk
        }
    }
}

/// The servers of one deployment, as far as they are known.
#[derive(Debug)]
pub(super) struct Servers {
    shared: Arc<Shared>,
    follower: OnceLock<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    guide: Option<Guide>,
    /// How to connect to a server, but for its address.
    config: Config,
    sessions: Sessions,
    known: ArcSwap<Known>,
}

#[derive(Debug, Default)]
struct Known {
    layout: Layout,
    links: BTreeMap<Server, Arc<Links>>,
}

impl Servers {
    /// The deployment at `url`, not yet connected.
    pub(super) fn at(url: &str) -> Result<Self, StoreError> {
        let config = Config::from_url(url)
            .map_err(|error| StoreError::Unexpected(format!("not a Redis URL: {error}")))?;
        let sessions = Sessions::default();
        let guide = Guide::of(&config, &sessions);
        let only = config.server.hosts().first().cloned();
        let shared = Shared {
            guide,
            config,
            sessions,
            known: ArcSwap::default(),
        };
        if let (None, Some(server)) = (&shared.guide, only) {
            shared.learn(Layout::all_at(server));
        }
        Ok(Self {
            shared: Arc::new(shared),
            follower: OnceLock::new(),
        })
    }

    /// Connects from now on, in tasks on the current runtime.
    pub(super) fn connect(&self) {
        let Some(guide) = &self.shared.guide else {
            for links in self.shared.known.load().links.values() {
                links.connect();
            }
            return;
        };
        guide.connect();
        self.follower
            .get_or_init(|| tokio::spawn(follow(Arc::clone(&self.shared))));
    }

    /// The links to the server that has `slot`.
    pub(super) fn of(&self, slot: u16) -> Result<Arc<Links>, StoreError> {
        let known = self.shared.known.load();
        let owner = known.layout.owner(slot);
        owner
            .and_then(|owner| known.links.get(owner).cloned())
            .ok_or_else(|| StoreError::Unavailable("nobody knows who has the room".into()))
    }

    /// See [`RoomStore::settle`](crate::store::RoomStore::settle).
    pub(super) fn settle(&self) -> Duration {
        match self.shared.guide {
            None => link::LATEST_TOGETHER,
            Some(_) => LATEST_OVER,
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        if let Some(follower) = self.follower.get() {
            follower.abort();
        }
    }
}

/// Goes where the guide points, for ever.
async fn follow(shared: Arc<Shared>) {
    let Some(guide) = &shared.guide else { return };
    let mut newest = Newest::default();
    loop {
        let pause = match guide.ask(shared.nodes()).await {
            Some(heard) if newest.goes_by(&heard) => {
                shared.learn(heard.layout);
                ASK_EVERY
            }
            Some(_) => ASK_EVERY,
            // Nobody is connected yet, or any more.
            None => link::RETRY,
        };
        tokio::time::sleep(pause).await;
    }
}

impl Shared {
    /// The known servers that can be asked.
    fn nodes(&self) -> Vec<Arc<Client>> {
        let known = self.known.load();
        let links = known.links.values();
        links.filter_map(|links| links.bulk.client().ok()).collect()
    }

    /// Servers that are still named keep their links; the others' are closed, and what was running on them
    /// fails.
    fn learn(&self, layout: Layout) {
        let known = self.known.load();
        if known.layout == layout {
            return;
        }
        let mut links = BTreeMap::new();
        for server in layout.servers() {
            links.entry(server.clone()).or_insert_with(|| {
                let kept = known.links.get(server).cloned();
                kept.unwrap_or_else(|| self.links_to(server))
            });
        }
        self.known.store(Arc::new(Known { layout, links }));
    }

    fn links_to(&self, server: &Server) -> Arc<Links> {
        let server = server.clone();
        let config = Config {
            server: ServerConfig::Centralized { server },
            ..self.config.clone()
        };
        let links = Links::to(&config, &self.sessions);
        if self.guide.is_some() {
            links.connect();
        }
        Arc::new(links)
    }
}
