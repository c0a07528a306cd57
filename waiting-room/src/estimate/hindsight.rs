//! What was forecast, against what came: how far off the line's estimates were, and whether the times of places that
//! are still waiting had to be moved back.
//!
//! A forecast is noted for a few places along the line every few seconds, and compared when the horizon passes them.
//! That needs nothing of any visitor, and every gateway does it for itself from the pictures it reads anyway.

use std::{collections::VecDeque, time::Duration};

use crate::{
    snapshot::Snapshot,
    value::{LineId, Number, Timestamp, millis},
};

/// Places along the line whose forecast is noted, from its front to its end.
const PLACES: u32 = 64;
/// How often.
const EVERY: Duration = Duration::from_secs(5);
/// How long forecasts are looked back on: a little longer than the longest pause between two polls.
const LOOK_BACK: Duration = Duration::from_secs(75);
/// Every so-manieth is compared with what came, at every fourth place.
const COMPARED: u32 = 12;
/// At most so many wait to be compared: at sixteen a minute, of the last hour's line.
const MOST_OPEN: usize = 1_024;
/// Errors are remembered so long,
const HOUR: Duration = Duration::from_secs(3_600);
/// and at most so many: as many as an hour's forecasts are.
const MOST_ERRORS: usize = 960;
/// Nothing is said of fewer errors.
const FEWEST_ERRORS: usize = 16;
/// A time was moved back when it is later by more than this part of the wait, and by more than these seconds.
const BACK_BY: u32 = 12;
const BACK_AT_LEAST: Duration = Duration::from_secs(6);

/// The forecast for one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Point {
    number: Number,
    /// When its call was forecast for.
    comes_at: Timestamp,
}

/// What requests are answered from.
#[derive(Clone, Debug, Default)]
pub struct Hindsight {
    /// The median error of the last hour.
    past_error: Option<Duration>,
    /// The forecasts of the last while: by time, each by number.
    samples: VecDeque<(Timestamp, Vec<Point>)>,
}

impl Hindsight {
    /// How far off the forecasts were that came due within the last hour: the median. `None` before enough came due.
    #[must_use]
    pub fn past_error(&self) -> Option<Duration> {
        self.past_error
    }

    /// Whether a call that is now expected in `wait` was forecast for clearly earlier since its holder was told something.
    #[must_use]
    pub fn was_earlier(&self, number: Number, now: Timestamp, wait: Duration) -> bool {
        let allowed = (wait / BACK_BY).max(BACK_AT_LEAST);
        let since = now.minus(look_back(wait));
        let recent = self.samples.iter().filter(|(at, _)| since <= *at);
        let mut forecasts = recent.filter_map(|(_, points)| between(points, number));
        forecasts.any(|forecast| now.plus(wait).since(forecast) > allowed)
    }
}

/// How long ago a visitor who is told to wait so long may have been told something before: a little longer than the pause
/// between two polls ([`poll_after`](crate::status::poll_after)).
fn look_back(wait: Duration) -> Duration {
    match wait.as_secs() {
        0..=40 => Duration::from_secs(8),
        41..=560 => Duration::from_secs(21),
        _ => LOOK_BACK,
    }
}

/// The forecast for a number, between those of its neighbours; behind the end, where it has joined since, as far on as
/// the whole line goes.
fn between(points: &[Point], number: Number) -> Option<Timestamp> {
    let after = points.partition_point(|point| point.number < number);
    let (before, next) = match (after.checked_sub(1), points.get(after)) {
        (Some(before), Some(next)) => (points[before], *next),
        (Some(_), None) if points.len() > 1 => (points[0], points[after - 1]),
        (_, next) => {
            return next
                .filter(|next| next.number == number)
                .map(|next| next.comes_at);
        }
    };
    let part = number.since(before.number) as f64 / next.number.since(before.number) as f64;
    let time = millis(next.comes_at.since(before.comes_at)) as f64 * part;
    Some(before.comes_at.plus(Duration::from_millis(time as u64)))
}

/// Notes forecasts and compares them.
#[derive(Debug, Default)]
pub(crate) struct Watcher {
    line: Option<LineId>,
    looked_at: Timestamp,
    looks: u32,
    samples: VecDeque<(Timestamp, Vec<Point>)>,
    open: VecDeque<Point>,
    /// When it came due, and by how much it was off.
    errors: VecDeque<(Timestamp, Duration)>,
}

impl Watcher {
    /// Looks at a new picture; what is now known, if that is to be told.
    pub(crate) fn look(&mut self, picture: &Snapshot) -> Option<Hindsight> {
        if self.line != Some(picture.line.id) {
            *self = Self {
                line: Some(picture.line.id),
                ..Self::default()
            };
        }
        self.compare(picture);
        let now = picture.read_at;
        if now < self.looked_at.plus(EVERY) {
            return None;
        }
        self.looked_at = now;
        self.looks = self.looks.wrapping_add(1);
        let points = points(picture);
        if self.looks.is_multiple_of(COMPARED) {
            let room = MOST_OPEN.saturating_sub(self.open.len());
            self.open.extend(points.iter().step_by(4).take(room));
        }
        self.samples.push_back((now, points));
        let is_old = |(at, _): &(Timestamp, Vec<Point>)| at.plus(LOOK_BACK) <= now;
        while self.samples.front().is_some_and(is_old) {
            self.samples.pop_front();
        }
        Some(Hindsight {
            past_error: self.past_error(now),
            samples: self.samples.clone(),
        })
    }

    fn compare(&mut self, picture: &Snapshot) {
        let line = &picture.line;
        let errors = &mut self.errors;
        self.open.retain(|point| {
            if line.horizon <= point.number {
                return true;
            }
            // Who left meanwhile was passed all the same, when their turn would have been.
            if let Some(batch) = line.passed_in(point.number) {
                let (came, forecast) = (batch.at, point.comes_at);
                errors.push_back((came, came.since(forecast).max(forecast.since(came))));
            }
            false
        });
        while errors.len() > MOST_ERRORS {
            errors.pop_front();
        }
    }

    fn past_error(&mut self, now: Timestamp) -> Option<Duration> {
        self.errors.retain(|(at, _)| now < at.plus(HOUR));
        if self.errors.len() < FEWEST_ERRORS {
            return None;
        }
        let mut errors: Vec<_> = self.errors.iter().map(|(_, error)| *error).collect();
        let middle = errors.len() / 2;
        let (_, median, _) = errors.select_nth_unstable(middle);
        Some(*median)
    }
}

/// The forecast for some places from the front of the line to its end.
fn points(picture: &Snapshot) -> Vec<Point> {
    let total = picture.counted.total();
    let forecast = picture.forecast();
    let mut points = Vec::with_capacity(PLACES as usize);
    if total == 0 || picture.line.why.is_some_and(|why| why.halts()) {
        return points;
    }
    let mut last = None;
    for place in 0..PLACES {
        let ahead = u64::from(total - 1) * u64::from(place) / u64::from(PLACES - 1);
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        if last.replace(ahead) == Some(ahead) {
            continue;
        }
        let Some(number) = picture.number_at(ahead) else {
            continue;
        };
        let Some(eta) = forecast.eta(ahead) else {
            continue;
        };
        points.push(Point {
            number,
            comes_at: picture.read_at.plus(eta.p50),
        });
    }
    points
}

#[cfg(test)]
mod tests;
