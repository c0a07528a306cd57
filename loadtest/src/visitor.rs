//! One simulated visitor: arrives, waits as told, is let in, buys, leaves. It behaves as a browser with a
//! person in front of it and knows nothing of the servers but what they answer.

mod asking;
mod habits;
mod purchase;
mod queue;
mod status;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;

pub use habits::{Habits, Leave, Pace, Plan};
pub(crate) use queue::TABS_DIFFER;

use crate::clock::{Clock, Moment};
use crate::record::{Outcome, Record, Step, Trouble};
use crate::tally::Tally;
use crate::wire::{Browser, Dialer, Site, loopback_address};

/// The protected page and what its tenant promises about it.
#[derive(Clone, Debug)]
pub struct Room {
    /// The room's name.
    pub name: String,
    /// The protected page's path.
    pub path: String,
    /// How long a pass lives after it was set.
    pub session_ttl: Duration,
}

/// What all visitors of a run share.
#[derive(Debug)]
pub struct World {
    /// The time line.
    pub clock: Clock,
    /// Opens connections.
    pub dialer: Dialer,
    /// The gateways.
    pub gateways: Arc<[Site]>,
    /// The payment window's server.
    pub psp: Site,
    /// The room under test.
    pub room: Room,
    /// How long people look at things.
    pub pace: Pace,
    /// Progress.
    pub tally: Tally,
    /// Nobody stays longer than this.
    pub deadline: Moment,
}

/// A visitor in the middle of a visit.
#[derive(Debug)]
pub struct Visitor {
    world: Arc<World>,
    browser: Browser,
    plan: Plan,
    rng: SmallRng,
    record: Record,
}

/// Why a journey ended before its receipt.
#[derive(Debug)]
enum Stop {
    /// In a way that is part of the game.
    Ended(Outcome),
    /// By a trouble that is already in the record.
    Failed,
}

impl Visitor {
    /// Visitor `number`, who will arrive at `due` and behave by `plan`.
    #[must_use]
    pub fn new(world: &Arc<World>, number: u32, due: Moment, plan: Plan) -> Self {
        let from: Ipv4Addr = loopback_address(number);
        let browser = Browser::new(
            world.dialer.clone(),
            Arc::clone(&world.gateways),
            world.psp.clone(),
            from,
        );
        Self {
            world: Arc::clone(world),
            browser,
            rng: SmallRng::seed_from_u64(plan.seed),
            plan,
            record: Record::new(number, due),
        }
    }

    /// Waits for the visitor's turn to arrive, makes the whole visit and returns what happened.
    pub async fn visit(mut self) -> Record {
        let clock = self.world.clock;
        let deadline = self.world.deadline;
        tokio::select! {
            outcome = self.journey() => self.record.outcome = outcome,
            () = clock.sleep_until(deadline) => self.record.outcome = Outcome::OutOfTime,
        }
        self.world.tally.done.add();
        self.record
    }

    async fn journey(&mut self) -> Outcome {
        let clock = self.world.clock;
        clock.sleep_until(self.record.due).await;
        self.world.tally.arrived.add();
        match self.whole_path().await {
            Ok(()) => Outcome::Paid,
            Err(Stop::Ended(outcome)) => outcome,
            Err(Stop::Failed) => Outcome::Failed,
        }
    }

    async fn whole_path(&mut self) -> Result<(), Stop> {
        self.wait_in_line().await?;
        self.buy().await
    }

    fn leave_if(&mut self, place: Leave) -> Result<(), Stop> {
        if self.plan.leave != Some(place) {
            return Ok(());
        }
        self.browser.close();
        Err(Stop::Ended(if place == Leave::Product {
            Outcome::Looked
        } else {
            Outcome::Left
        }))
    }

    fn trouble(&mut self, step: Step, kind: impl Into<String>) {
        self.note(Trouble {
            step,
            kind: kind.into(),
            network: false,
        });
    }

    fn note(&mut self, trouble: Trouble) {
        self.world.tally.troubles.add();
        self.record.troubles.push(trouble);
    }

    async fn think(&mut self) -> Moment {
        let clock = self.world.clock;
        let until = clock.now().plus(self.world.pace.draw(&mut self.rng));
        clock.sleep_until(until).await;
        until
    }
}
