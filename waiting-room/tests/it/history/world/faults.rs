//! What goes wrong in a history, and when.

use std::{sync::Arc, time::Duration};

use super::{Faults, World};
use crate::fleet::Gateway;

impl World {
    pub(super) fn strike(&mut self) {
        if self.now.0.is_multiple_of(1_000) && self.dice.chance(50) {
            self.backup = Some(self.store.backup());
        }
        if self.mend_at.is_some() || !self.dice.chance(1) || self.dice.chance(70) {
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
        }
    }

    pub(super) fn mend(&mut self) {
        if self.mend_at.is_some_and(|at| at <= self.now) {
            self.mend_at = None;
            self.mended_at = self.now;
            self.store.mend();
        }
    }
}
