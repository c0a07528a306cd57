//! A drill: N visitors arrive as a sale's do, each on its own; afterwards their records become figures.

mod arrival;
mod fault;
mod report;

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::task::JoinSet;

pub use arrival::Arrivals;
pub use report::{Flaw, Report};
pub(crate) use report::{shown, spread};

use crate::clock::Clock;
use crate::figures::{Figures, Limits};
use crate::record::Record;
use crate::tally::Tally;
use crate::visitor::{Habits, Pace, Room, Visitor, World};
use crate::wire::{Dialer, DialerOptions, Site};

/// Everything a drill needs to be told.
#[derive(Clone, Debug)]
pub struct Drill {
    /// How many come, and when.
    pub arrivals: Arrivals,
    /// The gateways; each new connection goes to any of them.
    pub gateways: Vec<Site>,
    /// The payment window's server.
    pub psp: Site,
    /// The room under test.
    pub room: Room,
    /// What its configuration allows.
    pub limits: Limits,
    /// What people do.
    pub habits: Habits,
    /// How long people look.
    pub pace: Pace,
    /// How far the gateways' clocks are apart: calls bear their times.
    pub clocks_apart: Duration,
    /// Connections and patience.
    pub dialer: DialerOptions,
    /// Repeats arrivals and habits.
    pub seed: u64,
    /// The run ends then, whoever is still there.
    pub time_limit: Duration,
}

/// The first visitor arrives this long after the start, so that all tasks stand ready.
const HEAD_START: Duration = Duration::from_millis(500);

impl Drill {
    /// Runs the drill. `watch` sees the tally about once a second.
    pub async fn run(&self, watch: impl Fn(&Tally)) -> Report {
        let clock = Clock::start();
        let start = clock.now().plus(HEAD_START);
        let world = Arc::new(World {
            clock,
            dialer: Dialer::new(self.dialer),
            gateways: self.gateways.clone().into(),
            psp: self.psp.clone(),
            room: self.room.clone(),
            pace: self.pace,
            tally: Tally::default(),
            deadline: start.plus(self.time_limit),
        });
        let mut rng = SmallRng::seed_from_u64(self.seed);
        let schedule = self.arrivals.schedule(&mut rng);
        let mut visits = JoinSet::new();
        for (number, offset) in (0..).zip(schedule) {
            let plan = self.habits.draw(&mut rng);
            visits.spawn(Visitor::new(&world, number, start.plus(offset), plan).visit());
        }
        let records = gather(visits, &world.tally, watch).await;
        let took = clock.now().since(start);
        Report {
            figures: Figures::of(&records, self.clocks_apart),
            limits: self.limits,
            took,
            visitors: self.arrivals.visitors,
        }
    }
}

async fn gather(mut visits: JoinSet<Record>, tally: &Tally, watch: impl Fn(&Tally)) -> Vec<Record> {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut records = Vec::with_capacity(visits.len());
    loop {
        tokio::select! {
            ended = visits.join_next() => match ended {
                Some(Ok(record)) => records.push(record),
                // A visitor that panicked is missing from `arrived`, which fails the drill.
                Some(Err(_panicked)) => tally.troubles.add(),
                None => return records,
            },
            _ = second.tick() => watch(tally),
        }
    }
}
