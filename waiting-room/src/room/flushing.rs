//! Writing down what visitors did, so that the fleet hears of it.

use std::{sync::atomic::Ordering, time::Duration};

use super::{Inner, driver::fleet::MISSED_AFTER};
use crate::{
    presence::{CLOCK_SKEW, ChunkWrite, Epochs},
    snapshot::AFTERLIFE,
    store::StoreError,
    value::{Number, Timestamp},
};

/// A gateway that hears of visitors too late says so by a sign of life as old as that of one that is missed, also to
/// whoever's clock is behind.
const AS_IF_SILENT: Duration = MISSED_AFTER.saturating_add(CLOCK_SKEW);

impl Inner {
    /// Writes the bits that `take` collects, and until when they say who is there; what could not be written is
    /// collected again.
    pub(super) async fn flush(
        &self,
        now: Timestamp,
        take: impl FnOnce(&Self, &mut Vec<ChunkWrite>),
    ) -> Result<(), StoreError> {
        let _one_at_a_time = self.flushing.lock().await;
        let mut writes = Vec::new();
        take(self, &mut writes);
        self.visited
            .load()
            .keep(&mut writes, self.calls_remembered());
        let soil = Soil(self);
        let heard_at = match self.heirlooms.lateness.is_behind(now) {
            true => now.minus(AS_IF_SILENT),
            false => now,
        };
        self.store.flush(self.gateway, heard_at, &writes).await?;
        std::mem::forget(soil);
        Ok(())
    }

    /// Until when a call is remembered, be it made under rules with a longer grace.
    fn calls_remembered(&self) -> Timestamp {
        let seen = self.snapshot.load();
        let calls = seen.iter().flat_map(|seen| &seen.line.batches);
        let last = calls.map(|call| call.until).max();
        last.map_or(Timestamp(0), |until| until.plus(AFTERLIFE + 2 * CLOCK_SKEW))
    }

    /// Somebody who waits was here.
    pub(super) fn note_presence(&self, number: Number, now: Timestamp) {
        let epoch = Epochs::of_presence(&self.rules).at(now);
        self.presence.record(number, epoch, now);
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
