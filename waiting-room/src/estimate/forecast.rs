//! When so many calls will have been made: each limit of the room says how soon at best, and the latest of them counts.
//!
//! - **The minute.** The next calls come when those of the last sixty seconds have left the minute, and so on: known to
//!   the tick, no statistics.
//! - **Seats.** They are given back at the rate that was measured for one seat, times how many there are: right at once
//!   where the number of seats is changed.
//! - **People ahead leave**, noticed or not: some of those counted are gone already, and more will go while they wait.

use std::time::Duration;

use policies::admission::adaptive::Unit;

use super::{Eta, ToCome};
use crate::{
    controller::MINUTE,
    line::Line,
    value::{Timestamp, millis},
};

/// Nothing is said before the line was watched this long under load: the figures of the first seconds are of few.
const FIRST_WORD_MS: u64 = 30_000;
/// Nine in ten lie below the middle and so many standard deviations: a little more than the 1.28 of a bell curve, since
/// waits have a long tail.
const NINE_IN_TEN: f64 = 1.45;
/// How well a rate is known at best: visitors change.
const DRIFT: f64 = 0.1;
/// An adaptive limit moves about its level: what counts is how many were inside of late, within this part of the limit.
const LEVEL: f64 = 0.25;
/// The middle of the times in which so many seats come free lies this much before the mean.
const MIDDLE: f64 = 0.33;
/// Where those who leave are guessed, the guess is this many guesses: on a staircase (so many a minute, all at once)
/// one of them alone would jump a whole step.
const GUESSES: [f64; 9] = [-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0];
/// How well it is known how many will leave: half of them more or less.
const LEAVERS_UNSURE: f64 = 0.5;
/// Weight of the belief that all calls are the line's in its turn.
const ALL_IN_TURN: f64 = 20.0;
/// Seats are taken to be full where so small a part of them is free or too many.
const FULL: f64 = 0.1;
/// Of so many seats the table of visits is believed by half, the other half being that all are given back at one rate:
/// with fewer it is more chance than waves.
const FEW_SEATS: f64 = 100.0;
/// Below, it is not worth the work.
const FEWEST_SEATS: f64 = 20.0;
/// It is believed by half when it was watched for so many seconds: before, it does not know at what age visits end.
const WATCHED: f64 = 40.0;
/// Each cohort is walked in so many parts, those near the front and those farther back.
const PARTS: u32 = 3;

/// What bounds the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most people inside.
    pub active: Option<u32>,
    /// Most calls in a minute.
    pub per_minute: Option<u32>,
}

/// What can be said of the calls to come, from one picture of the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    is_known: bool,
    minute: Option<Minute>,
    seats: Option<Seats>,
    /// Calls a second by the adaptive limit, where that is one of calls.
    most_per_second: Option<f64>,
    /// Of all calls, those of the line in its turn.
    in_turn: f64,
    /// From the front to the end of the line: so many ahead, of whom so many will be called.
    walked: Vec<(f64, f64)>,
    /// The same for each one more behind the end.
    behind: f64,
}

impl Forecast {
    /// From what a line has measured, under these limits.
    #[must_use]
    pub fn of(line: &Line, limits: Limits) -> Self {
        let course = &line.course;
        let adaptive = line.adaptive.as_ref();
        let by_seats = adaptive.filter(|limit| limit.unit() == Unit::Seats);
        let by_calls = adaptive.filter(|limit| limit.unit() == Unit::PerMinute);
        let level = by_seats.map(|limit| {
            let limit = f64::from(limit.get());
            let lately = course.occupied_lately();
            lately.clamp(limit * (1.0 - LEVEL), limit * (1.0 + LEVEL))
        });
        let active = limits.active.map(f64::from);
        let active = active.into_iter().chain(level).reduce(f64::min);
        let seats = active.map(|active| Seats::of(line, active));
        let mut forecast = Self {
            // Where seats bound the line nothing is known before some were given back.
            is_known: line.pace.busy_ms >= FIRST_WORD_MS
                && seats.as_ref().is_none_or(|seats| seats.per_second > 0.0),
            minute: limits.per_minute.map(|most| Minute::of(line, most)),
            seats,
            most_per_second: by_calls.map(|limit| f64::from(limit.get()) / 60.0),
            in_turn: course.in_turn.share(ALL_IN_TURN).max(0.1),
            walked: vec![(0.0, 0.0)],
            behind: 1.0,
        };
        if forecast.is_known {
            forecast.walk(line);
        }
        forecast
    }

    /// Walks along the line: how many of each cohort will still be there when its turn comes.
    fn walk(&mut self, line: &Line) {
        let course = &line.course;
        let curve = course.desertion.curve(line.ticked_at);
        let (mut ahead, mut called) = (0.0, 0.0);
        for cohort in &course.desertion.cohorts {
            for (counted, there) in curve.parts(cohort, line.ticked_at) {
                let parts = if counted > 0 { PARTS } else { 0 };
                for _ in 0..parts {
                    let turn = self.seconds((called + 1.0) / self.in_turn);
                    called += there(turn) / f64::from(PARTS);
                    ahead += f64::from(counted) / f64::from(PARTS);
                    self.walked.push((ahead, called));
                }
            }
        }
        let turn = self.seconds((called + 1.0) / self.in_turn);
        self.behind = curve.newcomers(turn);
    }

    /// The wait of someone with `ahead` people before them; `None` while nothing honest can be said.
    #[must_use]
    pub fn eta(&self, ahead: u32) -> Option<Eta> {
        if !self.is_known {
            return None;
        }
        let callers = self.callers(ahead);
        let calls = (callers + 1.0) / self.in_turn;
        let unsure = (f64::from(ahead) - callers) * LEAVERS_UNSURE / self.in_turn;
        let p50 = match self.minute {
            Some(_) => {
                let guesses = GUESSES.map(|guess| self.seconds((calls + guess * unsure).max(1.0)));
                guesses.iter().sum::<f64>() / guesses.len() as f64
            }
            None => self.seconds(calls),
        };
        let spread = self.spread(p50, calls);
        let deserted = p50 * unsure / calls;
        let p90 = p50 + NINE_IN_TEN * spread.hypot(deserted);
        Some(Eta {
            p50: whole_seconds(p50),
            p90: whole_seconds(p90),
        })
    }

    /// How many of those ahead are likely to be called, rather than to have gone away by then.
    #[must_use]
    pub fn callers(&self, ahead: u32) -> f64 {
        let ahead = f64::from(ahead);
        let after = self.walked.partition_point(|(to, _)| *to < ahead);
        let (from, called) = self.walked[after.saturating_sub(1)];
        let each = match self.walked.get(after) {
            Some((to, then)) if *to > from => (then - called) / (to - from),
            Some(_) => 1.0,
            None => self.behind,
        };
        called + (ahead - from) * each
    }

    /// The wait of a late comer who is the `place`th (from 0) of the late lane; `prompt` of them come before the line
    /// and take every other call, the others every tenth.
    #[must_use]
    pub fn late(&self, place: u32, prompt: u32) -> Option<Eta> {
        let turns = place.saturating_add(1);
        let calls = turns.min(prompt).saturating_mul(2).saturating_add(
            turns
                .saturating_sub(prompt)
                .saturating_mul(crate::controller::LATE_TENTHS),
        );
        let calls = f64::from(calls);
        let p50 = self.is_known.then(|| self.seconds(calls))?;
        Some(Eta {
            p50: whole_seconds(p50),
            p90: whole_seconds(p50 + NINE_IN_TEN * self.spread(p50, calls)),
        })
    }

    /// When the so-manieth call from now is made, in seconds.
    fn seconds(&self, calls: f64) -> f64 {
        let minute = self
            .minute
            .as_ref()
            .map_or(0.0, |minute| minute.seconds(calls));
        let seats = self.seats.as_ref();
        let seats = seats.map_or(0.0, |seats| seats.seconds(calls));
        let rate = self
            .most_per_second
            .map_or(0.0, |rate| calls / rate.max(1e-9));
        minute.max(seats).max(rate)
    }

    /// The standard deviation of that.
    fn spread(&self, seconds: f64, calls: f64) -> f64 {
        let drift = seconds * DRIFT;
        let Some(seats) = self
            .seats
            .as_ref()
            .filter(|seats| seats.seconds(calls) * 1.1 >= seconds)
        else {
            return drift.max(1.0);
        };
        // Seats come free one by one and at random, and their rate was measured on so many.
        let count = calls.sqrt() / seats.per_second.max(1e-9);
        let measured = seconds / seats.samples.max(1.0).sqrt();
        count.hypot(measured).hypot(drift)
    }
}

/// The calls of the last minute, and how many there may be.
#[derive(Clone, Debug, PartialEq)]
struct Minute {
    now: Timestamp,
    most: u64,
    /// When, and how many up to then.
    calls: Vec<(Timestamp, u64)>,
}

impl Minute {
    fn of(line: &Line, most: u32) -> Self {
        let now = line.ticked_at;
        let recent = line.batches.iter().rev();
        let recent = recent.take_while(|batch| now < batch.at.plus(MINUTE));
        let mut calls: Vec<_> = recent
            .map(|batch| (batch.at, u64::from(batch.calls)))
            .collect();
        calls.reverse();
        let mut sum = 0;
        for (_, count) in &mut calls {
            sum += *count;
            *count = sum;
        }
        Self {
            now,
            most: u64::from(most).max(1),
            calls,
        }
    }

    fn seconds(&self, calls: f64) -> f64 {
        let recent = self.calls.last().map_or(0, |(_, sum)| *sum);
        // So many of the calls up to then must have left the minute; those to come are as many minutes later as
        // there are whole minutes in between.
        let leave = (calls.ceil() as u64 + recent).saturating_sub(self.most);
        let minutes = leave.saturating_sub(recent).div_ceil(self.most);
        let leave = leave.saturating_sub(minutes * self.most);
        let later = (minutes * millis(MINUTE)) as f64 / 1_000.0;
        if leave == 0 {
            return later;
        }
        let index = self.calls.partition_point(|(_, sum)| *sum < leave);
        let at = self.calls.get(index).map_or(self.now, |(at, _)| *at);
        at.plus(MINUTE).since(self.now).as_secs_f64() + later
    }
}

/// Seats, and how fast they come free.
#[derive(Clone, Debug, PartialEq)]
struct Seats {
    /// All of them, in a second.
    per_second: f64,
    /// Free now.
    free: f64,
    /// Until as many are taken as there may be, in seconds: after a limit was lowered.
    overfull: f64,
    /// On how many the rate was measured.
    samples: f64,
    /// What the table of the visits says, and the part for which it is believed.
    waves: Option<(ToCome, f64)>,
}

impl Seats {
    fn of(line: &Line, active: f64) -> Self {
        let course = &line.course;
        let rate = course.released.rate().unwrap_or(0.0);
        let (occupied, active) = (f64::from(line.occupied), active.max(1.0));
        // Where seats are added or taken away the parties say nothing of the new ones.
        let is_full = (1.0 - FULL..=1.0 + FULL).contains(&(occupied / active));
        let has_waves = rate > 0.0 && is_full && active >= FEWEST_SEATS;
        let waves = has_waves.then(|| {
            let watched = course.released.of / active / WATCHED;
            let believed =
                active / (active + FEW_SEATS) * watched * watched / (1.0 + watched * watched);
            (
                course.visits.to_come(active, rate, line.ticked_at),
                believed,
            )
        });
        let is_over = occupied > active && rate > 0.0;
        Self {
            per_second: rate * active,
            free: (active - occupied).max(0.0),
            overfull: if is_over {
                (occupied / active).ln() / rate
            } else {
                0.0
            },
            samples: course.released.events,
            waves,
        }
    }

    fn seconds(&self, calls: f64) -> f64 {
        let count = (calls - MIDDLE - self.free).max(0.0);
        let steady = count / self.per_second.max(1e-9);
        let waves = self.waves.as_ref();
        let seconds = waves.map_or(steady, |(waves, believed)| {
            believed * waves.seconds(count) + (1.0 - believed) * steady
        });
        self.overfull + seconds
    }
}

/// At least one, at most a day.
fn whole_seconds(value: f64) -> Duration {
    Duration::from_secs(value.ceil().clamp(1.0, 86_400.0) as u64)
}

#[cfg(test)]
mod tests;
