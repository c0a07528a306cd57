//! The limit that follows what the origin can take: stepped before the calls, spent after them.

use policies::admission::adaptive::Unit;

use super::Tick;
use crate::{
    adaptive::{Demand, Limit, Observed},
    snapshot::Snapshot,
};

impl Tick<'_> {
    /// Steps the limit by what was seen of the origin.
    pub(super) fn adapt(&mut self, picture: &Snapshot) {
        let Some(rules) = self.seen.rules().adaptive() else {
            self.line.adaptive = None;
            return;
        };
        let inside = self.inside(picture);
        let limit = self
            .line
            .adaptive
            .unwrap_or_else(|| Limit::open(&rules, inside, self.now));
        let Some((health, span)) = self.seen.health else {
            self.line.adaptive = Some(limit);
            return;
        };
        let waits = picture.waiting_total() > 0;
        let spare = self.seen.picture.line.spare > 0;
        let observed = Observed {
            health: health.clone(),
            span,
            inside,
            demand: match waits && !spare && self.halt().is_none() {
                true => Demand::HeldBack,
                false => Demand::Met,
            },
        };
        let (limit, verdict) = limit.step(&rules, &observed, self.now);
        tracing::trace!(?verdict, limit = limit.get(), inside, "adaptive");
        self.line.adaptive = Some(limit);
    }

    /// What the adaptive limit leaves, beside the room's own limits.
    pub(super) fn adaptive_budget(&self, picture: &Snapshot) -> u64 {
        let limit = self.line.adaptive.as_ref();
        let inside = self.inside(picture);
        limit.map_or(u64::MAX, |limit| u64::from(limit.budget(inside)))
    }

    /// So many were let in: called by this tick, or by taking a seat that was reserved.
    pub(super) fn spend(&mut self, called: u32) {
        if let Some(limit) = &mut self.line.adaptive {
            limit.spend(called);
        }
    }

    /// Seats taken, and reserved ones: those are promised.
    fn inside(&self, picture: &Snapshot) -> u32 {
        let occupied = self.seats.count();
        let open = super::budget::unstamped_seats(picture, self.seen.traces);
        let ahead = self.line.ahead(picture.next);
        u32::try_from(occupied + open + ahead).unwrap_or(u32::MAX)
    }
}

/// How many seats the limit as it last was leaves for reserving; rates are not reserved by.
pub(super) fn seats(picture: &Snapshot) -> u64 {
    let limit = picture.line.adaptive.as_ref();
    limit
        .filter(|limit| limit.unit() == Unit::Seats)
        .map_or(u64::MAX, |limit| u64::from(limit.get()))
}
