//! Faults, for simulations.

use std::sync::atomic::Ordering;

use super::{MemoryStore, Room};

impl MemoryStore {
    /// No operation succeeds from now on.
    pub fn cut(&self) {
        self.shared.reachable.store(false, Ordering::Relaxed);
    }

    /// The store answers again, over a new link.
    pub fn mend(&self) {
        self.shared.session.fetch_add(1, Ordering::Relaxed);
        self.shared.reachable.store(true, Ordering::Relaxed);
    }

    /// Forgets everything, as a server that restarted without a disk does.
    pub fn wipe(&self) {
        *self.shared.room.lock() = Room::default();
        self.shared.session.fetch_add(1, Ordering::Relaxed);
    }

    /// Forgets everything, as on FLUSHALL: no link is lost by it.
    pub fn flush_all(&self) {
        *self.shared.room.lock() = Room::default();
    }

    /// What it holds now, to roll back to.
    #[must_use]
    pub fn backup(&self) -> Backup {
        Backup(self.shared.room.lock().clone())
    }

    /// Goes back to `backup`, as a fail-over to a lagging replica does.
    pub fn roll_back(&self, backup: &Backup) {
        *self.shared.room.lock() = backup.0.clone();
        self.shared.session.fetch_add(1, Ordering::Relaxed);
    }
}

/// A former content of a [`MemoryStore`].
#[derive(Clone, Debug)]
pub struct Backup(Room);
