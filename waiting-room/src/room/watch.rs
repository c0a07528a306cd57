//! What a gateway learns from the pictures it reads, and a room's figures for operators.

use std::{sync::Arc, time::Duration};

use super::{Inner, Room};
use crate::{
    adaptive::Health,
    chance::Shop,
    controller::MINUTE,
    estimate::Watcher,
    history::{Columns, History, Span},
    share::Both,
    snapshot::Snapshot,
    value::{Timestamp, millis},
};

/// What is learnt from pictures.
#[derive(Debug, Default)]
pub(super) struct Watch {
    estimates: Watcher,
    history: History,
    shop: Shop,
}

/// A room's figures at one moment, for metrics and operators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Visitors in the line who count, and late comers who are there.
    pub waiting: u32,
    /// Seats taken by people inside or by open calls.
    pub occupied: u64,
    /// Seats reserved for numbers to come.
    pub reserved: u64,
    /// Calls in the last sixty seconds.
    pub called_last_minute: u64,
    /// Time since the last tick of the fleet, in milliseconds.
    pub tick_age_ms: u64,
    /// The limit of people inside, an adaptive one included; 0 where there is none.
    pub limit: u32,
    /// What the room's share lets it have now; the greatest number where the share does not limit that.
    pub may: Option<Both>,
    /// What is left to sell, where it is known.
    pub stock: Option<u64>,
    /// How far off the estimates were that came due in the last hour: the median, in milliseconds.
    pub past_error_ms: Option<u64>,
    /// What this gateway has counted since it began to look.
    pub totals: Span,
    /// The last whole minute.
    pub last_minute: Option<Span>,
    /// Age of the picture these come from, in milliseconds.
    pub snapshot_age_ms: u64,
}

impl Gauges {
    /// What the room's share lets it have now, as far as the share limits it: `active`, `per_minute`.
    pub fn may_by_kind(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let kinds = ["active", "per_minute"].into_iter();
        let may = self.may.unwrap_or([u32::MAX; 2]);
        kinds.zip(may).filter(|(_, may)| *may < u32::MAX)
    }
}

impl Inner {
    /// Looks at a new picture.
    pub(super) fn learn(&self, picture: &Snapshot) {
        let mut watch = self.heirlooms.watch.lock();
        if let Some(news) = watch.history.look(picture) {
            let prospect = watch.shop.look(picture, &news);
            self.prospect.store(prospect.map(Arc::new));
        }
        let past_error = watch.estimates.look(picture);
        self.past_error.store(past_error.map(Arc::new));
    }

    /// How far off the estimates of the last hour were, once that is known: the median.
    pub(super) fn past_error(&self) -> Option<Duration> {
        self.past_error.load().as_deref().copied()
    }

    /// Takes in what was seen of the origin.
    pub(super) fn measured(&self, health: &Health) {
        self.heirlooms
            .watch
            .lock()
            .history
            .measured(&health.latencies);
    }
}

impl Room {
    /// The room's figures at `now`.
    #[must_use]
    pub fn gauges(&self, now: Timestamp) -> Gauges {
        let Some(snapshot) = self.snapshot() else {
            return Gauges::default();
        };
        let recent = snapshot
            .line
            .batches
            .iter()
            .filter(|batch| now < batch.at.plus(MINUTE));
        let (totals, last_minute) = {
            let watch = self.inner.heirlooms.watch.lock();
            (watch.history.totals(), watch.history.last())
        };
        Gauges {
            waiting: snapshot.waiting_total(),
            occupied: u64::from(snapshot.line.occupied),
            reserved: snapshot.line.ahead(snapshot.next),
            called_last_minute: recent.map(|batch| u64::from(batch.calls)).sum(),
            tick_age_ms: apart(now, snapshot.line.ticked_at),
            limit: totals.limit,
            may: snapshot.line.may,
            stock: snapshot.orders.remaining(),
            past_error_ms: self.inner.past_error().map(millis),
            totals,
            last_minute,
            snapshot_age_ms: apart(now, snapshot.read_at),
        }
    }

    /// The room's history from `from` to `to`, in steps of so many minutes. See [`History`](crate::history).
    #[must_use]
    pub fn history(&self, from: Timestamp, to: Timestamp, step: u32) -> Columns {
        self.inner
            .heirlooms
            .watch
            .lock()
            .history
            .between(from, to, step)
    }
}

/// How far two moments are apart, in milliseconds: a clock that was set back is as bad as one that stands still.
fn apart(one: Timestamp, other: Timestamp) -> u64 {
    millis(one.since(other).max(other.since(one)))
}
