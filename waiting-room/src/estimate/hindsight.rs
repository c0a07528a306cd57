//! What was forecast, against what came: how far off the line's estimates were.
//!
//! A forecast is noted for a few places along the line every minute, and compared when the horizon passes them.
//! That needs nothing of any visitor, and every gateway does it for itself from the pictures it reads anyway.

use std::{collections::VecDeque, time::Duration};

use crate::{
    snapshot::Snapshot,
    value::{LineId, Number, Timestamp},
};

/// Places along the line whose forecast is noted, from its front to its end.
const PLACES: u32 = 16;
/// How often.
const EVERY: Duration = Duration::from_secs(60);
/// At most so many wait to be compared: of the last hour's line.
const MOST_OPEN: usize = 1_024;
/// Errors are remembered so long,
const HOUR: Duration = Duration::from_secs(3_600);
/// and at most so many: as many as an hour's forecasts are.
const MOST_ERRORS: usize = 960;
/// Nothing is said of fewer errors.
const FEWEST_ERRORS: usize = 16;

/// The forecast for one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Point {
    number: Number,
    /// When its call was forecast for.
    comes_at: Timestamp,
}

/// Notes forecasts and compares them.
#[derive(Debug, Default)]
pub(crate) struct Watcher {
    line: Option<LineId>,
    looked_at: Timestamp,
    open: VecDeque<Point>,
    /// When it came due, and by how much it was off.
    errors: VecDeque<(Timestamp, Duration)>,
    past_error: Option<Duration>,
}

impl Watcher {
    /// Looks at a new picture. How far off the forecasts were that came due within the last hour: the median. `None`
    /// before enough came due.
    pub(crate) fn look(&mut self, picture: &Snapshot) -> Option<Duration> {
        if self.line != Some(picture.line.id) {
            *self = Self {
                line: Some(picture.line.id),
                ..Self::default()
            };
        }
        self.compare(picture);
        let now = picture.read_at;
        if now >= self.looked_at.plus(EVERY) {
            self.looked_at = now;
            let room = MOST_OPEN.saturating_sub(self.open.len());
            self.open.extend(points(picture).into_iter().take(room));
            self.past_error = self.median_error(now);
        }
        self.past_error
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

    fn median_error(&mut self, now: Timestamp) -> Option<Duration> {
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
