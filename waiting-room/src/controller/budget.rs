//! How many may be called now without breaking either limit.

use super::{LotNeeds, MINUTE, Tick, Traces, lot_needs};
use crate::{
    bits::masked_chunks,
    line::{Line, Marks},
    share::{Both, KINDS},
    snapshot::Snapshot,
    standing::Standing,
    value::{Number, Timestamp},
};

/// Most calls of one tick, to bound the record and the time to build it.
const MOST_CALLS: u32 = 100_000;
/// Seats that a room in a share may reserve however small its floor: a trickle of visitors comes in without a wait.
const RESERVED_IN_A_SHARE: u64 = 16;

impl Tick<'_> {
    pub(super) fn budget(&self, picture: &Snapshot) -> u32 {
        if self.halt().is_some() {
            return 0;
        }
        if self.seen.standing.passthrough {
            return MOST_CALLS;
        }
        let ahead = self.line.ahead(picture.next);
        let busy = self.busy(picture);
        let limits = self.seen.standing.limits().into_iter().zip(busy);
        let left = limits.map(|(most, busy)| {
            most.map_or(u64::MAX, |most| {
                u64::from(most).saturating_sub(busy + ahead)
            })
        });
        let left = left.chain([self.adaptive_budget(picture)]).min();
        u32::try_from(left.unwrap_or(u64::MAX))
            .unwrap_or(u32::MAX)
            .min(MOST_CALLS)
    }

    /// Seats taken, and calls of the last minute; without what is reserved.
    fn busy(&self, picture: &Snapshot) -> [u64; KINDS] {
        let open = unstamped_seats(picture, self.seen.traces);
        let occupied = self.seats.count();
        // Reserved numbers that were taken since the last tick have no batch yet.
        let taken_to = picture.next.min(self.line.horizon);
        let unstamped = self.arrived(self.line.frontier, taken_to);
        let recent = calls_of_last_minute(&self.line, self.now);
        [occupied + open, recent + unstamped]
    }

    /// What may be reserved at most in a room that shares its limits: what is kept for it, and a few. More would be
    /// reserved and taken back, which costs numbers, whenever another room's crowd comes and goes.
    pub(super) fn reservable(&self, picture: &Snapshot, called: u32) -> u64 {
        let Some(sharing) = self.seen.rules().sharing() else {
            return u64::MAX;
        };
        let busy = self.busy(picture);
        let kept = sharing.total().into_iter().zip(sharing.floor()).zip(busy);
        let kept = kept.filter(|((total, floor), _)| total.is_some() && *floor > 0);
        let kept = kept
            .map(|((_, floor), busy)| u64::from(floor).saturating_sub(busy + u64::from(called)));
        kept.min().unwrap_or(0).max(RESERVED_IN_A_SHARE)
    }

    /// How many numbers of a range were taken by visitors; the others were burnt.
    pub(super) fn arrived(&self, from: Number, to: Number) -> u64 {
        let burnt = self.seen.burnt.map_or(0, |(start, end)| {
            let end = end.min(to);
            end.since(start.max(from).min(end))
        });
        to.since(from) - burnt
    }

    /// Numbers that were only taken to take their seats back are nobody's: they count nowhere.
    pub(super) fn bury_burnt(&mut self) {
        let Some((start, end)) = self.seen.burnt else {
            return;
        };
        self.bury(start, end);
    }
}

/// How many seats are reserved for numbers to come beyond what the rules now allow, after a limit was lowered, or beyond
/// what late comers leave who are there: theirs come first.
#[must_use]
pub fn reserved_too_many(
    picture: &Snapshot,
    traces: &Traces,
    standing: &Standing,
    now: Timestamp,
) -> u64 {
    let now = now.max(picture.line.ticked_at);
    let ahead = picture.line.ahead(picture.next);
    let drawing = lot_needs(picture.line.lot.as_ref(), standing) != LotNeeds::Nothing;
    if ahead == 0 || standing.halt.is_some() || drawing {
        return ahead;
    }
    if standing.passthrough {
        return 0;
    }
    let [active, per_minute] = standing.limits();
    let active = active.map_or(u64::MAX, u64::from);
    let active = active.min(super::adapt::seats(picture));
    let taken = picture.occupied(&traces.inside, now) + unstamped_seats(picture, traces);
    let seats = active.saturating_sub(taken);
    let minute = per_minute.map_or(u64::MAX, |most| {
        u64::from(most).saturating_sub(calls_of_last_minute(&picture.line, now))
    });
    let late = picture.latecomers(&traces.expected, &standing.rules).len() as u64;
    ahead.saturating_sub(seats.min(minute).saturating_sub(late))
}

/// What the tick that made this picture left in use: seats, and calls of the last minute; those that are reserved included.
#[must_use]
pub fn used(told: &Snapshot, now: Timestamp) -> Both {
    let ahead = told.line.ahead(told.next);
    taken(told, now).map(|taken| bounded(taken + ahead))
}

/// What the room would use: what is taken, and what those would take who wait.
#[must_use]
pub fn wanted(told: &Snapshot, standing: &Standing, now: Timestamp) -> Both {
    let waiting = match standing.halt {
        Some(_) => 0,
        None => u64::from(told.waiting_total()),
    };
    let taken = taken(told, now);
    let own = standing.own_limits();
    let left = |kind: usize| u64::from(own[kind]).saturating_sub(taken[kind]);
    let seats = left(0).min(super::adapt::seats(told).saturating_sub(taken[0]));
    // Nobody wants seats for whom there are no calls, nor the other way round.
    let most = [left(1), seats];
    std::array::from_fn(|kind| bounded(taken[kind] + waiting.min(most[kind])))
}

fn taken(told: &Snapshot, now: Timestamp) -> [u64; KINDS] {
    let calls = calls_of_last_minute(&told.line, now.max(told.line.ticked_at));
    [u64::from(told.line.occupied), calls]
}

fn bounded(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn calls_of_last_minute(line: &Line, now: Timestamp) -> u64 {
    let recent = line.batches.iter().rev();
    recent
        .take_while(|batch| now < batch.at.plus(MINUTE))
        .map(|batch| u64::from(batch.calls))
        .sum()
}

/// Reserved seats taken since the last tick, that are not yet counted as active.
pub(super) fn unstamped_seats(picture: &Snapshot, traces: &Traces) -> u64 {
    let line = &picture.line;
    let taken = line.frontier..picture.next.min(line.horizon);
    let Marks { left, gone, .. } = &picture.marks;
    masked_chunks(taken)
        .map(|(chunk, mask)| {
            let (left, gone) = (left.words(chunk), gone.words(chunk));
            let active = traces.inside.active.words(chunk);
            let held = (0..mask.len()).map(|i| mask[i] & !(left[i] | gone[i] | active[i]));
            held.map(|word| u64::from(word.count_ones())).sum::<u64>()
        })
        .sum()
}
