//! The last day of a room, minute by minute, for charts. Each gateway keeps it in its own memory.
//!
//! It is taken from the pictures that are read anyway, so it costs the store nothing, and what it counts is the whole
//! fleet's: only the origin's p95 is what this gateway saw. A gateway that has just started knows nothing of the time
//! before; a minute without a picture is a gap and not a nought.

mod seen;

use std::{collections::VecDeque, time::Duration};

use crate::{adaptive::Latencies, snapshot::Snapshot, value::Timestamp};
use seen::Seen;

/// What is kept: a day. 56 bytes a minute, 80 kB a room.
pub const MINUTES: usize = 1_440;
/// A minute in milliseconds.
const MINUTE_MS: u64 = 60_000;
/// How often pictures are looked at; they come four times a second.
const EVERY: Duration = Duration::from_secs(1);

/// Some whole minutes of a room, one or more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Numbers given to visitors.
    pub arrivals: u32,
    /// Calls, late comers' included.
    pub called: u32,
    /// Visitors who came in.
    pub claimed: u32,
    /// Calls that ended without their holder.
    pub lapsed: u32,
    /// Visitors who left by the button, waiting or inside.
    pub left: u32,
    /// People waiting: at its end, as all that follow.
    pub waiting: u32,
    /// Seats taken: people inside and open calls.
    pub active: u32,
    /// The limit of people inside, an adaptive one included; 0 where there is none.
    pub limit: u32,
    /// The line's pace while somebody waited: calls in ten minutes.
    pub pace: u32,
    /// The slowest twentieth of the origin's answers at this gateway began after so many milliseconds, in the worst of
    /// these minutes; `None` where it saw none.
    pub origin_p95_ms: Option<u32>,
}

impl Span {
    /// Two spans that follow each other.
    #[must_use]
    fn then(self, next: Self) -> Self {
        Self {
            arrivals: self.arrivals.saturating_add(next.arrivals),
            called: self.called.saturating_add(next.called),
            claimed: self.claimed.saturating_add(next.claimed),
            lapsed: self.lapsed.saturating_add(next.lapsed),
            left: self.left.saturating_add(next.left),
            origin_p95_ms: self.origin_p95_ms.max(next.origin_p95_ms),
            ..next
        }
    }
}

/// A room's last day, as this gateway saw it.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// By minute since the Unix epoch, without those in which nothing was seen; the last one is still going on.
    minutes: VecDeque<(u64, Span)>,
    looked_at: Timestamp,
    seen: Option<Seen>,
    latencies: Latencies,
    totals: Span,
}

impl History {
    /// Takes in what the origin's answers took at this gateway.
    pub(crate) fn measured(&mut self, latencies: &Latencies) {
        self.latencies.merge(latencies);
    }

    /// Looks at a new picture. What happened since the last look, if it is time for another.
    pub(crate) fn look(&mut self, picture: &Snapshot) -> Option<Span> {
        let now = picture.read_at;
        if now < self.looked_at.plus(EVERY) {
            return None;
        }
        self.looked_at = now;
        let news = Seen::news(&mut self.seen, picture);
        self.totals = self.totals.then(news);
        let minute = now.0 / MINUTE_MS;
        if self.minutes.back().is_none_or(|(at, _)| *at < minute) {
            self.latencies_of_the_minute_end();
            self.minutes.push_back((minute, Span::default()));
        }
        let p95 = self.latencies.quantile(0.95);
        let p95 = p95.map(|p95| u32::try_from(p95.as_millis()).unwrap_or(u32::MAX));
        if let Some((_, span)) = self.minutes.back_mut() {
            *span = span.then(Span {
                origin_p95_ms: p95,
                ..news
            });
            // Of the whole minute so far, rather than the worst of its seconds.
            span.origin_p95_ms = p95;
        }
        let oldest = minute.saturating_sub(MINUTES as u64 - 1);
        while self.minutes.front().is_some_and(|(at, _)| *at < oldest) {
            self.minutes.pop_front();
        }
        Some(news)
    }

    fn latencies_of_the_minute_end(&mut self) {
        if !self.minutes.is_empty() {
            self.latencies = Latencies::default();
        }
    }

    /// Everything since this gateway began to look, for counters that only grow.
    pub(crate) fn totals(&self) -> Span {
        self.totals
    }

    /// The last whole minute, or the present one in the first.
    pub(crate) fn last(&self) -> Option<Span> {
        let whole = self.minutes.len().saturating_sub(2);
        self.minutes.get(whole).map(|(_, span)| *span)
    }

    /// From the minute in which `from` lies up to `to`, in spans of `step` minutes (at least one); `None` for those in
    /// which nothing was seen. At most a day's.
    pub(crate) fn between(&self, from: Timestamp, to: Timestamp, step: u32) -> Columns {
        let step = u64::from(step.max(1));
        let last = to.0 / MINUTE_MS;
        let first = (from.0 / MINUTE_MS).max((last + 1).saturating_sub(MINUTES as u64));
        // Spans lie on multiples of the step, so that two questions in a row give the same points.
        let first = first / step * step;
        let count = (last + 1).saturating_sub(first).div_ceil(step);
        let mut spans = vec![None; usize::try_from(count).unwrap_or(0)];
        for (minute, span) in &self.minutes {
            let at = minute.checked_sub(first).map(|after| after / step);
            let at = at.and_then(|at| usize::try_from(at).ok());
            if let Some(place) = at.and_then(|at| spans.get_mut(at)) {
                *place = Some(place.map_or(*span, |before: Span| before.then(*span)));
            }
        }
        Columns {
            from: Timestamp(first * MINUTE_MS),
            step: Duration::from_millis(step * MINUTE_MS),
            spans,
        }
    }
}

/// A part of a room's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// When the first span begins.
    pub from: Timestamp,
    /// How long each is.
    pub step: Duration,
    /// One after the other; `None` where nothing was seen.
    pub spans: Vec<Option<Span>>,
}

#[cfg(test)]
mod tests;
