//! The lottery of an opening, step by step: who is in it, the list closed, its digest made public, the lot drawn. Each step
//! is one tick's, so that the list is fixed for all to see before what it is drawn from is known.
//!
//! The list ends with the number that the closing tick takes from the counter: whoever took one before is in it,
//! whoever takes one after is behind it, and there is no moment in between. The drawn numbers begin there; a
//! ticket of the pre-queue is read as its drawn number from then on, and all else goes on as in any line.

use super::Tick;
use crate::{
    bits::{Bits, masked_chunks},
    line::{Drawn, List, Lot, Promised},
    lottery::Hash,
    standing::Why,
    value::Number,
};

/// What this tick does for the lottery, beyond what follows from the time.
#[derive(Clone, Debug, Default)]
pub enum LotStep {
    /// Nothing.
    #[default]
    None,
    /// The list is closed: these numbers were taken from the counter.
    Close(List),
    /// The digest of the closed list is known.
    Seal(Hash),
    /// The lot was drawn.
    Draw {
        /// From what.
        drawn: Drawn,
        /// Drawn numbers that are nobody's, or whose holders had left or were known to be gone.
        gone: Bits,
        /// Drawn numbers whose holders were not seen at the opening.
        unseen: Bits,
    },
}

/// What a lottery needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LotNeeds {
    /// Nothing.
    Nothing,
    /// Its list is to be closed.
    Closing,
    /// The digest of its list is to be made public.
    Sealing,
    /// Its lot is to be drawn.
    Drawing,
}

/// Numbers taken beyond those that are surely needed: for visitors who join while the list is being closed.
const SPARE_LEAST: u64 = 10_000;

/// How many numbers to take for the drawn ones of a list that ends at about `next`; `None` if it is longer than a
/// lottery can be (2^31).
#[must_use]
pub fn numbers_to_take(lot: &Lot, next: Number) -> Option<std::num::NonZeroU32> {
    let known = next.since(lot.from);
    let spare = SPARE_LEAST.max(known / 10);
    let count = u32::try_from(known + spare).ok()?;
    std::num::NonZeroU32::new(count).filter(|_| known < 1 << 31)
}

impl Tick<'_> {
    /// What the lottery of the present event needs.
    pub(super) fn lot_needs(&self) -> LotNeeds {
        needs(self.line.lot.as_ref(), self.seen.standing)
    }

    pub(super) fn advance_lot(&mut self) {
        let put_off = self.abandon_lot();
        let standing = self.seen.standing;
        if let Some(opens_at) = standing.lottery
            && (standing.halt == Some(Why::NotOpen) || put_off.is_some())
            && self
                .line
                .lot
                .as_ref()
                .is_none_or(|lot| lot.opens_at != opens_at)
        {
            // Tickets of an earlier pre-queue that were not shown since have no place any more.
            let earlier = self.line.lot.take();
            let replaced = earlier.and_then(|lot| Some((lot.from, lot.list?.to)));
            self.line.replaced.extend(replaced);
            let promised = self
                .line
                .promised
                .filter(|promised| promised.opens_at == opens_at);
            self.line.lot = Some(Lot {
                opens_at,
                key: promised.map_or(self.seen.key, |promised| promised.key),
                beacon_name: self.seen.beacon_name.map(str::to_owned),
                from: put_off.unwrap_or(self.next),
                list: None,
                digest: None,
                drawn: None,
            });
        }
        match self.seen.lot {
            LotStep::None => {}
            LotStep::Close(list) => {
                self.next = self.next.max(list.end);
                if let Some(lot) = &mut self.line.lot {
                    lot.list = Some(*list);
                }
            }
            LotStep::Seal(digest) => {
                if let Some(lot) = &mut self.line.lot {
                    lot.digest = Some(*digest);
                }
            }
            LotStep::Draw {
                drawn,
                gone,
                unseen,
            } => self.draw_lot(drawn, gone, unseen),
        }
    }

    /// What the next lottery is bound by is fixed when it is first shown: a rotation of keys changes no commitment.
    pub(super) fn promise_lot(&mut self) {
        let next = self.seen.next_lottery;
        if self.line.promised.map(|promised| promised.opens_at) == next {
            return;
        }
        let key = self.seen.key;
        self.line.promised = next.map(|opens_at| Promised { opens_at, key });
    }

    /// An event that ended before its lot was drawn leaves a line in the order of arrival. One that was put off or
    /// brought forward draws all the same who waits for it: where they begin.
    fn abandon_lot(&mut self) -> Option<Number> {
        let standing = self.seen.standing;
        let lot = self.line.lot.as_ref()?;
        if lot.drawn.is_some() || standing.lottery == Some(lot.opens_at) {
            return None;
        }
        let (from, list) = (lot.from, lot.list);
        self.line.lot = None;
        if let Some(list) = list {
            // Nobody holds what was kept for the draw.
            self.bury(list.to, list.end);
        }
        Some(from)
    }

    fn draw_lot(&mut self, drawn: &Drawn, gone: &Bits, unseen: &Bits) {
        let Some(lot) = &mut self.line.lot else {
            return;
        };
        let (Some(list), Some(count)) = (lot.list, lot.count()) else {
            return;
        };
        lot.drawn = Some(drawn.clone());
        let from = lot.from;
        self.bury(from, list.to);
        self.bury(list.to.plus(u64::from(count)), list.end);
        self.mark_all_gone(gone);
        // After a stall they may not have been heard.
        if self.now >= self.line.judge_from {
            self.mark_all_gone(unseen);
        }
        // Nobody has polled under a drawn number yet.
        self.judge_later();
        self.line.rolls.clear();
    }

    fn mark_all_gone(&mut self, numbers: &Bits) {
        for chunk in numbers.chunks() {
            self.mark_gone(chunk, numbers.words(chunk));
        }
    }

    /// Numbers that nobody holds, or no longer by this name.
    pub(super) fn bury(&mut self, from: Number, to: Number) {
        for (chunk, mask) in masked_chunks(from..to) {
            self.mark_gone(chunk, &mask);
        }
    }
}

/// What the lottery of the present event needs.
#[must_use]
pub fn needs(lot: Option<&Lot>, standing: &crate::standing::Standing) -> LotNeeds {
    let Some(lot) = lot.filter(|lot| standing.lottery == Some(lot.opens_at)) else {
        return LotNeeds::Nothing;
    };
    match (lot.list, lot.digest, &lot.drawn) {
        _ if standing.halt == Some(Why::NotOpen) => LotNeeds::Nothing,
        (None, ..) => LotNeeds::Closing,
        (Some(_), None, _) => LotNeeds::Sealing,
        (Some(_), Some(_), None) => LotNeeds::Drawing,
        (Some(_), Some(_), Some(_)) => LotNeeds::Nothing,
    }
}
