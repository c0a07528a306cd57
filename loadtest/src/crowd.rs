//! A crowd for the demo: as many visitors as asked for are around until Ctrl-C, with human pauses, so that a
//! newcomer sees a living line. Who has left is replaced.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::tally::Tally;
use crate::visitor::{Habits, Pace, Room, Visitor, World};
use crate::wire::{Dialer, DialerOptions, Site};

/// Everything a crowd needs to be told.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// How many are around at once.
    pub visitors: u32,
    /// The gateways.
    pub gateways: Vec<Site>,
    /// The payment window's server.
    pub psp: Site,
    /// The room.
    pub room: Room,
    /// What people do.
    pub habits: Habits,
    /// How long people look.
    pub pace: Pace,
    /// The first ones arrive over this time, replacements after a pause of up to this.
    pub gather: Duration,
}

/// Nobody stays longer than a long lunch.
const LONGEST_VISIT: Duration = Duration::from_secs(2 * 3_600);

impl Crowd {
    /// Keeps the crowd until `stop` completes; `watch` sees the tally about once a second.
    pub async fn keep(&self, stop: impl Future<Output = ()>, watch: impl Fn(&Tally)) {
        let clock = Clock::start();
        let world = Arc::new(World {
            clock,
            dialer: Dialer::new(DialerOptions::default()),
            gateways: self.gateways.clone().into(),
            psp: self.psp.clone(),
            room: self.room.clone(),
            pace: self.pace,
            tally: Tally::default(),
            deadline: clock.now().plus(LONGEST_VISIT),
        });
        let mut rng = SmallRng::from_rng(&mut rand::rng());
        let mut visits = JoinSet::new();
        let mut number = 0;
        let mut second = tokio::time::interval(Duration::from_secs(1));
        tokio::pin!(stop);
        loop {
            while visits.len() < self.visitors as usize {
                let due = clock.now().plus(self.gather.mul_f64(rng.random::<f64>()));
                visits.spawn(Visitor::new(&world, number, due, self.habits.draw(&mut rng)).visit());
                number += 1;
            }
            tokio::select! {
                () = &mut stop => return,
                _ = second.tick() => watch(&world.tally),
                _record = visits.join_next() => {}
            }
        }
    }
}
