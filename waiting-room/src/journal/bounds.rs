//! The rules about how many: the minute, the seats, and a line that stands.
//!
//! A limit binds what a tick chooses to do. A seat that was reserved before a limit was lowered may still
//! be taken afterwards, so for those alone the log may show more than the new limit.

use std::collections::VecDeque;

use super::{
    Entry, Kind, Limits, Passed, Why,
    report::{Fault, Faults},
};

/// The window of `per_minute`, in milliseconds.
const MINUTE: u64 = 60_000;

/// What the limits allow as of the last entry.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    limits: Limits,
    /// Calls of the last minute by their time; at most 60,000 items, since times are whole milliseconds.
    recent: VecDeque<(u64, u64)>,
    recent_calls: u64,
    /// Seats below were reserved before a limit was last lowered.
    reserved_to: u64,
    /// More seats may be taken than the limit allows: it was lowered, or the store was lost.
    is_over: bool,
    /// The line stood as of the last entry.
    stood: bool,
    horizon: u64,
}

impl Bounds {
    /// Takes one entry. `frontier`: all numbers below were passed, this entry's among them. `gap`: entries
    /// right before it are missing.
    pub(super) fn take(&mut self, entry: &Entry, frontier: u64, gap: bool, faults: &mut Faults) {
        self.judge_standing(entry, gap, faults);
        self.judge_change(entry, gap, faults);
        self.limits = entry.limits;
        let reserved = entry.arrived.as_ref().map_or(0, Passed::to) <= self.reserved_to;
        let added = entry.chosen() > 0 || !reserved;
        self.count(entry);
        if let Some(limit) = self.limits.per_minute.map(u64::from) {
            let calls = self.recent_calls;
            if calls > limit && added {
                faults.push(Fault::TooFast { calls, limit });
            }
        }
        self.judge_seats(entry, added, faults);
        if self
            .limits
            .active
            .is_none_or(|limit| entry.active <= u64::from(limit))
        {
            // Only once all that were reserved are taken is nothing left that could be over.
            self.is_over &= frontier < self.reserved_to;
        }
    }

    fn judge_standing(&mut self, entry: &Entry, gap: bool, faults: &mut Faults) {
        let why = entry.why.as_ref().filter(|why| why.stops());
        if let Some(why) = why {
            if entry.chosen() > 0 {
                faults.push(Fault::CalledWhile(why.clone()));
            }
            // Before its first entry a line has reserved nothing.
            if self.stood && !gap && entry.horizon > self.horizon {
                faults.push(Fault::ReservedWhile(why.clone()));
            }
        }
        self.stood = why.is_some();
        self.horizon = entry.horizon;
    }

    fn judge_change(&mut self, entry: &Entry, gap: bool, faults: &mut Faults) {
        let told = entry.event.is_some() || entry.why.as_ref().is_some_and(Why::tells_of_limits);
        if entry.limits != self.limits && !told && !gap {
            let (from, to) = (self.limits, entry.limits);
            faults.push(Fault::LimitsChanged { from, to });
        }
        let opened = matches!(entry.kind(), Some(Kind::Opened(_)));
        let lowered = is_lower(entry.limits.active, self.limits.active)
            || is_lower(entry.limits.per_minute, self.limits.per_minute);
        let lost = entry.why == Some(Why::STORE_LOST);
        if gap || lost || lowered && !opened {
            self.reserved_to = entry.horizon;
            self.is_over = true;
        }
    }

    fn count(&mut self, entry: &Entry) {
        // Times that fall are found elsewhere; here they must not make the minute look emptier.
        let latest = self.recent.back().map_or(0, |(at, _)| *at);
        let now = entry.at.0.max(latest);
        while let Some((at, calls)) = self.recent.front().copied() {
            if now < at.saturating_add(MINUTE) {
                break;
            }
            self.recent.pop_front();
            self.recent_calls = self.recent_calls.saturating_sub(calls);
        }
        let calls = entry.calls();
        self.recent_calls = self.recent_calls.saturating_add(calls);
        match self.recent.back_mut() {
            Some((at, same)) if *at == now => *same = same.saturating_add(calls),
            _ if calls == 0 => {}
            _ => self.recent.push_back((now, calls)),
        }
    }

    fn judge_seats(&self, entry: &Entry, added: bool, faults: &mut Faults) {
        let Some(limit) = self.limits.active.map(u64::from) else {
            return;
        };
        if entry.active > limit && (added || !self.is_over) {
            let active = entry.active;
            faults.push(Fault::TooFull { active, limit });
        }
    }
}

impl Bounds {
    /// Before the first entry: nothing is reserved, so a line that begins standing may reserve nothing.
    pub(super) fn new() -> Self {
        Self {
            stood: true,
            ..Self::default()
        }
    }
}

/// Whether a limit is lower than it was.
fn is_lower(now: Option<u32>, before: Option<u32>) -> bool {
    match (now, before) {
        (Some(now), Some(before)) => now < before,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

#[cfg(test)]
impl Bounds {
    /// Items kept, 16 bytes each.
    pub(super) fn kept(&self) -> usize {
        self.recent.len()
    }
}
