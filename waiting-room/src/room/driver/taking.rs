//! Numbers that a tick takes for itself: checked as those of visitors are, and given up when the tick comes to nothing.

use std::{num::NonZeroU32, sync::atomic::Ordering};

use super::Driver;
use crate::{
    controller::{self, Traces},
    snapshot::Snapshot,
    standing::Standing,
    store::{Mark, StoreError},
    value::{Number, Timestamp},
};

/// Numbers taken and not known to be in a record, and over which link.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loose {
    from: Number,
    to: Number,
    session: u64,
}

impl Driver {
    /// Takes the next `count` numbers. A store that was exchanged for one that forgot would give out numbers that
    /// visitors hold.
    pub(super) async fn take(&self, count: NonZeroU32) -> Result<Number, StoreError> {
        let inner = &self.inner;
        let known = Number(inner.highest.load(Ordering::Acquire));
        let first = inner.store.take(count).await?.first;
        let session = inner.store.session();
        if session != self.session || first < known {
            inner.trust.doubt();
            let text = "numbers that were given out before";
            return Err(StoreError::Unexpected(text.into()));
        }
        let to = first.plus(u64::from(count.get()));
        inner.raise_highest(to);
        let from = first;
        self.loose.lock().push(Loose { from, to, session });
        Ok(first)
    }

    /// The tick that took them is written, or has given them up.
    pub(super) fn settle_numbers(&self) {
        self.loose.lock().clear();
    }

    /// Numbers of a tick whose outcome was not known: where the record does not have them they are nobody's.
    pub(super) async fn give_up_loose(&self, picture: &Snapshot) -> Result<(), StoreError> {
        let loose = self.loose.lock().clone();
        let line = &picture.line;
        let listed = |from: Number| line.provisional.iter().any(|listed| listed.first == from);
        let drawn = |to: Number| {
            let list = line.lot.as_ref().and_then(|lot| lot.list);
            list.is_some_and(|list| list.end == to)
        };
        for Loose { from, to, session } in loose {
            let is_known = listed(from) || drawn(to) || picture.marks.gone.has(from);
            // Over another link they may be somebody's by now.
            if !is_known && session == self.inner.store.session() {
                let numbers = (from.0..to.0).map(Number).collect();
                self.inner.store.merge(Mark::Left, &numbers).await?;
            }
        }
        self.settle_numbers();
        Ok(())
    }

    /// Seats reserved for numbers to come cannot be called back from whoever takes such a number meanwhile. So where
    /// a limit was lowered the controller takes the numbers itself, all that are reserved, and buries them; what may
    /// be reserved is reserved anew. If this process dies in between they are seats without a visitor until their
    /// grace ends.
    pub(super) async fn take_seats_back(
        &self,
        picture: &Snapshot,
        traces: &Traces,
        standing: &Standing,
        now: Timestamp,
    ) -> Result<Option<(Number, Number)>, StoreError> {
        if controller::reserved_too_many(picture, traces, standing, now) == 0 {
            return Ok(None);
        }
        let ahead = u32::try_from(picture.line.ahead(picture.next)).unwrap_or(u32::MAX);
        let Some(count) = NonZeroU32::new(ahead) else {
            return Ok(None);
        };
        let first = self.take(count).await?;
        Ok(Some((first, first.plus(u64::from(ahead)))))
    }
}
