//! The whole demo as one value: every server of the picture, started in order on ports of its own.
//!
//! `cargo xtask up` shows it to a person, drills load it, system tests break it. It runs the same
//! binaries with the same kind of files that an operator would write; those files stay in its home,
//! so that a person can read them.

mod documents;
mod home;
mod plan;
mod reach;
mod roster;
mod start;

pub use home::Home;
pub use plan::{Plan, Ports};

use crate::{Database, Durability, Error, Postgres, Proc, Redis};
use roster::Roster;
use std::path::PathBuf;
use std::time::Duration;

/// How long a service may take to finish what it is doing.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// Where the rooms keep their lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Store {
    /// In the one gateway.
    #[default]
    Memory,
    /// In a private Redis.
    Redis,
}

/// The demo room's rules, as the gateway's file words them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRules {
    /// Visitors inside at most.
    pub active: u32,
    /// Visitors called in any minute at most.
    pub per_minute: u32,
    /// How long a pass lasts, as `10m`.
    pub ttl: String,
    /// How long a call is kept, as `2m`.
    pub call_grace: String,
    /// After how long a silent visitor no longer counts, as `90s`.
    pub absent_after: String,
}

impl RoomRules {
    /// The lines of the gateway's file, for a room before `/sale`.
    pub(crate) fn lines(&self) -> String {
        let Self {
            active,
            per_minute,
            ttl,
            call_grace,
            absent_after,
        } = self;
        format!(
            "\x20       match: {{ path: /sale/** }}\n\
             \x20       capacity: {{ active: {active}, per_minute: {per_minute} }}\n\
             \x20       session: {{ ttl: {ttl}, renew: true }}\n\
             \x20       call_grace: {call_grace}\n\
             \x20       absent_after: {absent_after}\n"
        )
    }
}

impl Default for RoomRules {
    fn default() -> Self {
        Self {
            // Fewer than the crowd of 300, so that a line forms, and enough for a newcomer to get in.
            active: 60,
            per_minute: 600,
            ttl: "1m".into(),
            call_grace: "1m".into(),
            absent_after: "90s".into(),
        }
    }
}

/// What to start.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// The directory with our binaries.
    pub binaries: PathBuf,
    /// Where keys, data, generated files and logs are.
    pub home: Home,
    /// Which ports.
    pub ports: Ports,
    /// Where rooms keep their lines.
    pub store: Store,
    /// How many gateways; more than one needs [`Store::Redis`].
    pub gateways: usize,
    /// The demo room's rules.
    pub room: RoomRules,
    /// The whole tenant's rate limit, requests a second.
    pub tenant_quota: u32,
    /// Pieces the shop has.
    pub stock: u32,
    /// Every call to the PSP takes at least so long.
    pub psp_latency: Duration,
    /// What a commit means to PostgreSQL.
    pub durability: Durability,
    /// How far the clocks of the first and the last gateway are apart: half of it the first is behind this machine's (and
    /// so Redis's), and half of it the last is ahead. Needs the package `faketime` unless zero.
    pub clocks_apart: Duration,
}

impl StackOptions {
    /// The demo with these binaries, in a throw-away home on free ports.
    pub fn throw_away(binaries: PathBuf) -> Result<Self, Error> {
        Ok(Self {
            binaries,
            home: Home::scratch()?,
            ports: Ports::Free,
            store: Store::Memory,
            gateways: 1,
            room: RoomRules::default(),
            tenant_quota: 5_000,
            stock: 200,
            psp_latency: Duration::ZERO,
            durability: Durability::Fast,
            clocks_apart: Duration::ZERO,
        })
    }
}

/// The running demo. Dropping it stops everything, visitors' side first.
#[derive(Debug)]
pub struct Stack {
    // Declared, and so dropped, in the order in which they may go: nobody loses a server that still
    // needs one.
    gateways: Vec<Option<Proc>>,
    shops: Vec<Proc>,
    core: Proc,
    psp: Proc,
    /// The room store, unless it is in the gateway.
    pub redis: Option<Redis>,
    /// The cluster of core and shop.
    pub postgres: Postgres,
    plan: Plan,
    options: StackOptions,
    databases: Databases,
}

/// The two databases of the demo's cluster.
#[derive(Debug, Clone)]
struct Databases {
    core: Database,
    shop: Database,
}

impl Stack {
    /// Starts everything and waits until it is ready. `tell` hears what is being done.
    pub fn start(options: StackOptions, tell: &mut dyn FnMut(&str)) -> Result<Self, Error> {
        start::all(options, tell)
    }

    /// Every address.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What it was started with.
    pub fn options(&self) -> &StackOptions {
        &self.options
    }

    /// The core's database.
    pub fn database(&self) -> &Database {
        &self.databases.core
    }

    /// The payment core's process.
    pub fn core(&self) -> &Proc {
        &self.core
    }

    /// The PSP's process.
    pub fn psp(&self) -> &Proc {
        &self.psp
    }

    /// The shop's processes.
    pub fn shops(&self) -> &[Proc] {
        &self.shops
    }

    /// Gateway `index`, unless it was killed.
    pub fn gateway(&self, index: usize) -> Option<&Proc> {
        self.gateways.get(index).and_then(Option::as_ref)
    }

    /// Crashes a gateway (`kill -9`).
    pub fn kill_gateway(&mut self, index: usize) {
        if let Some(gateway) = self.gateways.get_mut(index).and_then(Option::take) {
            gateway.kill();
        }
    }

    /// Starts a gateway again after a crash, on its ports.
    pub fn start_gateway(&mut self, index: usize) -> Result<(), Error> {
        let gateway = start::gateway(&self.options, &self.plan, index)?;
        self.gateways[index] = Some(gateway);
        self.write_roster()
    }

    /// Crashes the core (`kill -9`).
    pub fn kill_core(&self) {
        self.core.kill();
    }

    /// Starts the core again after a crash, on its ports.
    pub fn start_core(&mut self) -> Result<(), Error> {
        self.core = start::core(&self.options, &self.plan, &self.databases)?;
        self.write_roster()
    }

    /// The secret key of a tenant of the demo (`acme`, `service-a`).
    pub fn secret_key(&self, tenant: &str) -> Result<String, Error> {
        self.options.home.read_key(&format!("{tenant}-secret"))
    }

    /// The first child that ended although nobody asked it to.
    pub fn fallen(&self) -> Option<&Proc> {
        self.everyone().find(|child| child.exited().is_some())
    }

    /// Stops everything in order: each finishes what it is doing, at most 15 s.
    pub fn stop(self) {
        for child in self.children() {
            child.stop(STOP_WITHIN);
        }
        if let Some(redis) = &self.redis {
            redis.stop();
        }
        self.postgres.stop();
        Roster::of(&self.options.home).clear();
    }

    fn write_roster(&self) -> Result<(), Error> {
        Roster::of(&self.options.home).write(self.everyone())
    }

    /// Our own services, visitors' side first.
    fn children(&self) -> impl Iterator<Item = &Proc> {
        let gateways = self.gateways.iter().flatten();
        gateways.chain(&self.shops).chain([&self.core, &self.psp])
    }

    fn everyone(&self) -> impl Iterator<Item = &Proc> {
        let redis = self.redis.iter().map(Redis::process);
        self.children()
            .chain(redis)
            .chain([self.postgres.process()])
    }
}
