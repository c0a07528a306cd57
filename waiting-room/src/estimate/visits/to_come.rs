//! When the seats will come free, by what the table of visits says and believes.

use super::{ROWS, Visits, begin, row_of, width};
use crate::{estimate::Tally, value::Timestamp};

/// So many seats given back say how fast that goes at an age.
const ENOUGH: f64 = 25.0;
/// What is believed of an age is believed as firmly as if so many visits had been seen to end at it. This and the next are
/// chosen by the plays of `tests/it/estimates.rs`.
const FIRMLY: f64 = 1.0;
/// An age that nobody has reached yet ends visits at most so many times as fast as those before it.
const FASTER: f64 = 1.5;
/// How far ahead the table looks, in steps of so many seconds. Later it is one rate for all.
const STEP: f64 = 5.0;
const STEPS: usize = 120;

impl Visits {
    /// When how many of `seats` will have been given back, each of them taken again at once. Those that no party holds are
    /// given back at `rate`: of one, in a second.
    pub(crate) fn to_come(&self, seats: f64, rate: f64, now: Timestamp) -> ToCome {
        let stays = Stays::of(&self.table, rate);
        let known: f64 = self
            .parties
            .iter()
            .map(|party| f64::from(party.inside))
            .sum();
        let others = (seats - known).max(0.0);
        let mut left: Vec<f64> = (0..STEPS)
            .map(|step| {
                let lasting = |steps: usize| (-rate * STEP * steps as f64).exp();
                others * (lasting(step) - lasting(step + 1))
            })
            .collect();
        for party in &self.parties {
            let (age, inside) = (party.age(now), f64::from(party.inside));
            let (before, mut there) = (stays.ended(age), inside);
            for (step, left) in (1..).zip(&mut left) {
                let then = inside * (before - stays.ended(age + f64::from(step) * STEP)).exp();
                *left += there - then;
                there = then;
            }
        }
        // Whoever comes in during a step comes in its middle.
        let lasting = |steps: usize| stays.lasting((steps as f64 + 0.5) * STEP);
        let ends: Vec<f64> = (0..STEPS)
            .map(|step| lasting(step) - lasting(step + 1))
            .collect();
        for step in 0..STEPS {
            let again = left[..step].iter().rev().zip(&ends);
            left[step] += again.map(|(came, ends)| came * ends).sum::<f64>();
            left[step] *= 2.0 - lasting(0);
        }
        let sums = left.iter().scan(0.0, |sum, left| {
            *sum += left;
            Some(*sum)
        });
        ToCome {
            sums: sums.collect(),
            per_second: seats * rate,
        }
    }
}

/// How likely a visit is to last so long.
struct Stays {
    /// Visits that end, of one and in a second; by age.
    rates: [f64; ROWS],
    /// The sum of that up to each row.
    sums: [f64; ROWS],
}

impl Stays {
    /// Of an age of which little is known it is believed that as many of all visits end in a second as at the ages before.
    fn of(table: &[Tally; ROWS], rate: f64) -> Self {
        let (mut rates, mut sums) = ([0.0; ROWS], [0.0; ROWS]);
        let mut lasting = 1.0_f64;
        // Of each row before: how many of one ended in it.
        let mut ended = [0.0; ROWS];
        for row in 0..ROWS {
            let mut before = Tally::default();
            let mut fastest = 0.0_f64;
            let (mut seen, mut time) = (0.0, 0.0);
            for earlier in (0..row).rev() {
                before.add(ended[earlier], width(earlier));
                fastest = fastest.max(rates[earlier]);
                seen += table[earlier].events;
                time += width(earlier);
                if seen >= ENOUGH {
                    break;
                }
            }
            let believed = if seen >= 1.0 && time > 0.0 {
                let part = (before.events / before.of * width(row) / lasting.max(1e-6)).min(0.98);
                (-(1.0 - part).ln() / width(row)).min(FASTER * fastest)
            } else {
                rate
            };
            let known = table[row];
            rates[row] = (known.events + FIRMLY) / (known.of + FIRMLY / believed.max(1e-9));
            sums[row] = match row.checked_sub(1) {
                Some(before) => sums[before] + rates[before] * width(before),
                None => 0.0,
            };
            let lasts_on = lasting * (-rates[row] * width(row)).exp();
            ended[row] = lasting - lasts_on;
            lasting = lasts_on;
        }
        Self { rates, sums }
    }

    /// The sum of the rates up to an age.
    fn ended(&self, age: f64) -> f64 {
        let row = row_of(age);
        self.sums[row] + self.rates[row] * (age - begin(row))
    }

    fn lasting(&self, age: f64) -> f64 {
        (-self.ended(age)).exp()
    }
}

/// When seats will come free.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToCome {
    /// How many will have, after each step.
    sums: Vec<f64>,
    /// And afterwards.
    per_second: f64,
}

impl ToCome {
    /// When so many will have come free, in seconds.
    pub(crate) fn seconds(&self, count: f64) -> f64 {
        let step = self.sums.partition_point(|sum| *sum < count);
        let before = step.checked_sub(1).map_or(0.0, |before| self.sums[before]);
        match self.sums.get(step) {
            Some(sum) => STEP * (step as f64 + (count - before) / (sum - before).max(1e-9)),
            None => STEP * STEPS as f64 + (count - before) / self.per_second.max(1e-9),
        }
    }
}
