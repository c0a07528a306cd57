//! What goes wrong in a history, and when.

use std::{sync::Arc, time::Duration};

use super::{Faults, World};
use crate::fleet::{Gateway, START};

impl World {
    pub(super) fn strike(&mut self) {
        if self.now.0.is_multiple_of(1_000) && self.dice.chance(50) {
            self.backup = Some(self.store.backup());
        }
        if self.mend_at.is_some()
            || self.paused.is_some()
            || !self.dice.chance(1)
            || self.dice.chance(70)
        {
            return;
        }
        match self.faults {
            Faults::None => {}
            Faults::Outages => {
                self.store.cut();
                let length = Duration::from_millis(500 + self.dice.below(150_000));
                self.mend_at = Some(self.now.plus(length));
            }
            Faults::Amnesia => match self.backup.take().filter(|_| self.dice.chance(50)) {
                Some(backup) => self.store.roll_back(&backup),
                None if self.dice.chance(50) => self.store.flush_all(),
                None => self.store.wipe(),
            },
            Faults::Restarts => {
                self.restarts += 1;
                let index = self.dice.below(self.gateways.len() as u64) as usize;
                let store = Arc::new(self.store.clone());
                self.gateways[index] = Gateway::new(100 + self.restarts, store, self.rules);
                self.gateways[index].driver.keep_log();
                // It writes a file of its own.
                let other = std::mem::take(&mut self.logs[index]);
                self.logs.push(other);
            }
            // The fleet misses nobody that it has never heard of.
            Faults::Pauses if self.now < START.plus(Duration::from_secs(3)) => {}
            Faults::Pauses => {
                let index = self.dice.below(self.gateways.len() as u64) as usize;
                let length = Duration::from_millis(1_000 + self.dice.below(25_000));
                self.paused = Some((index, self.now.plus(length)));
            }
        }
    }

    pub(super) fn mend(&mut self) {
        if self.mend_at.is_some_and(|at| at <= self.now) {
            self.mend_at = None;
            self.mended_at = self.now;
            self.store.mend();
        }
        self.paused = self.paused.filter(|(_, until)| self.now < *until);
    }

    /// Lets a visitor ask: the gateway that answers now, if one does. Whoever asked one that stood still is answered by it
    /// some seconds after it goes on.
    pub(super) fn reach(&mut self, index: usize) -> Option<usize> {
        let paused = self.paused.map(|(index, _)| index);
        let visitor = &mut self.crowd[index];
        let (asked, since) = match visitor.hangs {
            Some(hangs) => hangs,
            None => (
                self.dice.below(self.gateways.len() as u64) as usize,
                self.now,
            ),
        };
        let was_waiting = visitor.hangs.is_some();
        if paused == Some(asked) || (was_waiting && self.dice.chance(80)) {
            visitor.hangs = Some((asked, since));
            return None;
        }
        visitor.hung = visitor.hung.max(self.now.since(since));
        visitor.hangs = None;
        Some(asked)
    }
}
