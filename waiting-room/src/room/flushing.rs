//! Writing down what visitors did, so that the fleet hears of it.

use std::sync::atomic::Ordering;

use super::Inner;
use crate::{
    presence::ChunkWrite,
    store::StoreError,
    value::{Number, Timestamp},
};

impl Inner {
    /// Writes the bits that `take` collects, and that this gateway is there; what could not be written is collected
    /// again.
    pub(super) async fn flush(
        &self,
        now: Timestamp,
        take: impl FnOnce(&Self, &mut Vec<ChunkWrite>),
    ) -> Result<(), StoreError> {
        let _one_at_a_time = self.flushing.lock().await;
        let mut writes = Vec::new();
        take(self, &mut writes);
        let soil = Soil(self);
        self.store.flush(self.gateway, now, &writes).await?;
        std::mem::forget(soil);
        Ok(())
    }

    /// Everything recorded will be written again.
    pub(super) fn soil(&self) {
        for recorder in [&self.presence, &self.activity, &self.due] {
            recorder.soil();
        }
    }

    pub(super) fn raise_highest(&self, next: Number) {
        self.highest.fetch_max(next.0, Ordering::AcqRel);
    }
}

/// Dropped by a flush that failed or was given up: everything is to be written again.
struct Soil<'a>(&'a Inner);

impl Drop for Soil<'_> {
    fn drop(&mut self) {
        self.0.soil();
    }
}
