//! The waiting rooms of this gateway: made from the configuration, kept over reloads, stepped here.
//!
//! A room outlives the configuration that named it as long as the next one names it too. Its store is
//! shared by all rooms; its driver runs in a task of its own on this service's runtime, so that a slow
//! store slows no request thread.

mod archive;
mod figures;
mod origin;
#[cfg(test)]
mod seeds;
mod tokens;
mod visit;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use pingora::server::ShutdownWatch;
use pingora::services::background::BackgroundService;
use policies::name::Name;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};
use tracing::Instrument as _;
use waiting_room::controller::TICK;
use waiting_room::invitation::Inviter;
use waiting_room::store::{GatewayId, RoomStore, memory::MemoryStore, redis::Redis};
use waiting_room::{Driver, KeyId, Keyring, Moment, Parts, Room, RoomName, Timestamp};

use crate::clock;
use crate::config::secret::{Key, Secret};
use crate::config::store::Store;
use crate::config::tenant::RoomRules;
use crate::page::Pages;

use archive::Archive;
pub(crate) use figures::Figures;
pub(crate) use origin::OriginPass;
pub(crate) use tokens::{Carrier, Own, TokenNames, Told};
pub(crate) use visit::{VisitWords, Word, X_FLUXGATE_VISIT};

/// Where the gateway's own addresses begin on every tenant's host.
pub(crate) const RESERVED: &str = "/.fluxgate/";

/// Two hundred and fifty takings of numbers a second, at most, whatever the crowd.
const GATHER: Duration = Duration::from_millis(4);

/// Whose rooms the shares are, in the store: no tenant has such a name.
const SHARES: &str = "~shares";

/// All waiting rooms of the process.
#[derive(Debug)]
pub(crate) struct Rooms {
    stores: Stores,
    /// The built-in page, for all rooms without their own.
    pages: Arc<Pages>,
    /// Drivers whose rooms were made and which nobody steps yet.
    newborn: Mutex<Vec<(Driver, RoomName)>>,
    born: Notify,
    /// Where lines' logs are kept.
    line_logs: Option<PathBuf>,
}

#[derive(Debug)]
enum Stores {
    /// By tenant and room: a room that is configured again finds its line again.
    Memory(Mutex<BTreeMap<(String, String), MemoryStore>>),
    Redis(Redis),
}

/// What a room is made from. Equal means that the running one can stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) tenant: Name,
    pub(crate) rules: RoomRules,
    pub(crate) origin_secret: Secret,
    pub(crate) keys: Vec<Key>,
}

/// One room as requests meet it.
#[derive(Debug)]
pub(crate) struct Served {
    made: Made,
    pub(crate) room: Room,
    pub(crate) pages: Arc<Pages>,
    pub(crate) names: TokenNames,
    pub(crate) origin: OriginPass,
    pub(crate) visits: VisitWords,
    /// Reads invitations, where there are any.
    pub(crate) inviter: Option<Inviter>,
    pub(crate) status_url: String,
    pub(crate) claim_url: String,
    pub(crate) leave_url: String,
    pub(crate) handoff_url: String,
    /// The name for people.
    pub(crate) title: String,
    /// The end of the line's log, if it was ever read, and when that was tried last.
    pub(crate) log_end: tokio::sync::Mutex<(Timestamp, Option<Bytes>)>,
}

impl Rooms {
    /// The rooms' common parts. Nothing connects before the service runs.
    pub(crate) fn new(store: &Store, line_logs: Option<PathBuf>) -> Self {
        let stores = match store {
            Store::Memory => Stores::Memory(Mutex::default()),
            Store::Redis(url) => Stores::Redis(
                Redis::new(url.reveal()).expect("the address was checked when the file was read"),
            ),
        };
        Self {
            stores,
            pages: Arc::new(Pages::compile(None).expect("the built-in page is tested to compile")),
            newborn: Mutex::default(),
            born: Notify::new(),
            line_logs,
        }
    }

    /// The room made from `made`: the running one if nothing changed, else one that takes its line
    /// over.
    pub(crate) fn serve(self: &Arc<Self>, made: Made, before: Option<&Arc<Served>>) -> Arc<Served> {
        if let Some(running) = before.filter(|running| running.made == made) {
            return Arc::clone(running);
        }
        let keys = made
            .keys
            .iter()
            .map(|key| (KeyId(key.id), key.secret.reveal().to_vec()));
        let ring =
            Keyring::new(keys.collect()).expect("the keys were checked when the file was read");
        let name = made.rules.name.as_str();
        let full_name = RoomName {
            tenant: made.tenant.as_str().to_owned(),
            room: name.to_owned(),
        };
        let parts = Parts {
            name: full_name.clone(),
            rules: made.rules.admission,
            schedule: made.rules.schedule.clone(),
            seal: ring.seal(made.tenant.as_str(), name),
            store: self.store(made.tenant.as_str(), name),
            share_store: made
                .rules
                .share
                .as_ref()
                .map(|share| self.store(SHARES, share.as_str())),
            // Its own: a room that takes over must not write over what its predecessor still records.
            gateway: GatewayId(rand::random()),
            gather: GATHER,
        };
        let (room, mut driver) = match before {
            Some(running) => Room::succeed(parts, &running.room, now()),
            None => Room::new(parts),
        };
        if self.line_logs.is_some() {
            driver.keep_log();
        }
        self.newborn.lock().push((driver, full_name));
        self.born.notify_one();
        let url = |verb| format!("{RESERVED}{name}/{verb}");
        Arc::new(Served {
            room,
            pages: self.pages_of(&made.rules),
            names: TokenNames::of(name),
            origin: OriginPass::new(made.tenant.as_str(), name, &made.origin_secret),
            visits: VisitWords::new(made.tenant.as_str(), name, &made.origin_secret),
            inviter: made
                .rules
                .invitations
                .as_ref()
                .map(|key| Inviter::new(key.reveal(), made.tenant.as_str(), name)),
            status_url: url("status"),
            claim_url: url("claim"),
            leave_url: url("leave"),
            handoff_url: url("handoff"),
            title: made.rules.title.clone().unwrap_or_else(|| title(name)),
            log_end: tokio::sync::Mutex::new((Timestamp(0), None)),
            made,
        })
    }

    fn pages_of(&self, rules: &RoomRules) -> Arc<Pages> {
        let own = rules.page.as_deref();
        own.map_or_else(
            || Arc::clone(&self.pages),
            |own| {
                let pages = Pages::compile(Some(own));
                Arc::new(pages.expect("the page was tried when the file was read"))
            },
        )
    }

    fn store(&self, tenant: &str, room: &str) -> Arc<dyn RoomStore> {
        match &self.stores {
            Stores::Memory(stores) => {
                let name = (tenant.to_owned(), room.to_owned());
                Arc::new(stores.lock().entry(name).or_default().clone())
            }
            Stores::Redis(redis) => Arc::new(redis.room(tenant, room)),
        }
    }
}

impl Served {
    /// The room's name.
    pub(crate) fn name(&self) -> &Name {
        &self.made.rules.name
    }

    /// The tenant's name.
    pub(crate) fn tenant(&self) -> &Name {
        &self.made.tenant
    }

    /// What it protects.
    pub(crate) fn rules(&self) -> &RoomRules {
        &self.made.rules
    }
}

/// The time and the randomness of one request.
pub(crate) fn moment() -> Moment {
    Moment {
        now: now(),
        entropy: rand::random(),
    }
}

/// The time of day, as rooms count it.
pub(crate) fn now() -> Timestamp {
    Timestamp(u64::try_from(clock::since_epoch().as_millis()).unwrap_or(u64::MAX))
}

/// `flash-sale` for people: `Flash sale`.
fn title(name: &str) -> String {
    let spaced = name.replace(['-', '_'], " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Steps the rooms. Ends only when Pingora's drain is over, so that waiting visitors of a gateway that
/// goes are recorded to the last.
#[derive(Debug)]
pub(crate) struct RoomService(pub(crate) Arc<Rooms>);

#[async_trait]
impl BackgroundService for RoomService {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        if let Stores::Redis(redis) = &self.0.stores {
            redis.connect();
        }
        loop {
            for (mut driver, name) in std::mem::take(&mut *self.0.newborn.lock()) {
                let dir = self.0.line_logs.clone();
                // A room that takes over from another knows what was given, and the note is a little ahead.
                let dir_of_old = dir.as_deref().filter(|_| driver.given().is_none());
                let given = dir_of_old.and_then(|dir| archive::given(dir, &name));
                if let Some((line, given)) = given {
                    driver.remember(line, given);
                }
                // Its own number each: a room that takes over copies the log from its beginning.
                let file = rand::random();
                let archive = dir.map(|dir| Archive::open(dir, &name, file));
                let RoomName { tenant, room } = &name;
                let of = tracing::info_span!("room", tenant, room);
                let driven = drive(driver, archive, shutdown.clone()).instrument(of);
                let driven = tokio::spawn(driven);
                tokio::spawn(async move {
                    if let Err(error) = driven.await {
                        let RoomName { tenant, room } = name;
                        tracing::error!(%error, tenant, room, "a room is no longer driven: restart this gateway");
                    }
                });
            }
            tokio::select! {
                () = self.0.born.notified() => {}
                _ = shutdown.changed() => return,
            }
        }
    }
}

async fn drive(mut driver: Driver, mut archive: Option<Archive>, mut shutdown: ShutdownWatch) {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = shutdown.changed() => {
                // What was recorded since the last step.
                driver.step(now()).await;
                driver.retire(now()).await;
                if let Some(archive) = archive {
                    archive.finish(&mut driver).await;
                }
                return;
            }
        }
        driver.step(now()).await;
        if let Some(archive) = &mut archive {
            archive.follow(&mut driver);
        }
        if driver.is_alone() {
            driver.retire(now()).await;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_for_people() {
        assert_eq!(title("flash-sale"), "Flash sale");
        assert_eq!(title("x"), "X");
    }
}
