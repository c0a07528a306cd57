//! How long visits last, and so when the seats come free: a room that filled at once gives its seats back in waves.
//!
//! A life table of the visits, and those who are inside by the time of their call. Whoever is inside will stay as those
//! before them did, and whoever takes the seat will, too (renewal theory: W. Feller, An Introduction to Probability
//! Theory and Its Applications, vol. II, ch. XI).

use std::{ops::Range, time::Duration};

use super::{
    Tally,
    course::{LONG, RECENT, is_another},
    span::{Span, most_alike},
};
use crate::{
    bits::Bits,
    value::{Number, Timestamp},
};

/// Rows of the table.
pub(crate) const ROWS: usize = 47;
/// The ages at which another row begins, in seconds: tens of seconds at first, and then about a seventh more each, up to
/// four hours.
const EDGES: [f64; ROWS - 1] = {
    let mut edges = [0.0; ROWS - 1];
    let mut row = 0;
    while row < edges.len() {
        edges[row] = match row {
            0..6 => 10.0 * (row as f64 + 1.0),
            _ => edges[row - 1] * 1.15,
        };
        row += 1;
    }
    edges
};
/// Who was called within this time is of one party.
const PARTY: Duration = Duration::from_secs(5);
/// Most parties. Beyond, neighbours are made one where that matters least against their age.
const MOST_PARTIES: usize = 48;
/// So many seats given back say how fast that goes at an age.
const ENOUGH: f64 = 25.0;
/// What is believed of an age is believed as firmly as if so many visits had been seen to end at it. This and the next are
/// chosen by the plays of `tests/it/estimates.rs`.
const FIRMLY: f64 = 1.0;
/// An age that nobody has reached yet ends visits at most so many times as fast as those before it.
const FASTER: f64 = 1.5;
/// What is left of the table's weight when it was wrong.
const DOUBTED: f64 = 0.1;
/// How far ahead the table looks, in steps of so many seconds. Later it is one rate for all.
const STEP: f64 = 5.0;
const STEPS: usize = 120;

/// Visitors who were called at about the same time and hold their seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party {
    /// Its first number; the last is before the next party's first.
    pub from: Number,
    /// When the first of them was called,
    pub since: Timestamp,
    /// and the last.
    pub until: Timestamp,
    /// How many held their seats after the last tick.
    pub inside: u32,
}

impl Party {
    fn span(&self) -> Span {
        Span {
            since: self.since,
            until: self.until,
        }
    }

    fn age(&self, now: Timestamp) -> f64 {
        self.span().age(now)
    }
}

/// What is known of visits.
#[derive(Clone, Debug, PartialEq)]
pub struct Visits {
    /// Who is inside, by the time of the call.
    pub parties: Vec<Party>,
    /// The first number after the last party.
    pub to: Number,
    /// Seats given back, of seats taken times seconds; by how long they had been taken.
    pub table: [Tally; ROWS],
    /// Seats given back in the recent past, of as many as the table let expect.
    pub lately: Tally,
}

impl Default for Visits {
    fn default() -> Self {
        Self {
            parties: Vec::new(),
            to: Number(0),
            table: [Tally::default(); ROWS],
            lately: Tally::default(),
        }
    }
}

impl Visits {
    fn numbers(&self, index: usize) -> Range<Number> {
        let next = self.parties.get(index + 1);
        self.parties[index].from..next.map_or(self.to, |next| next.from)
    }

    /// Learns from the seats that are still taken, before anybody is called.
    pub(crate) fn learn(&mut self, seats: &Bits, elapsed: Duration, now: Timestamp) {
        for row in &mut self.table {
            row.fade(elapsed, LONG);
        }
        self.lately.fade(elapsed, RECENT);
        for index in 0..self.parties.len() {
            let party = self.parties[index];
            let inside = seats.count_in(self.numbers(index));
            let left = u64::from(party.inside).saturating_sub(inside) as f64;
            let taken = (f64::from(party.inside) - left / 2.0) * elapsed.as_secs_f64();
            let row = &mut self.table[row_of(party.age(now))];
            if let Some(rate) = row.rate() {
                self.lately.add(left, rate * taken);
            }
            row.add(left, taken);
        }
        self.follow();
    }

    /// Doubts the table where visits end at other ages than they did.
    fn follow(&mut self) {
        if is_another(self.lately.events, self.lately.of) {
            for row in &mut self.table {
                row.events *= DOUBTED;
                row.of *= DOUBTED;
            }
            self.lately = Tally::default();
        }
    }

    /// The parties as they are after a tick that called these numbers.
    pub(crate) fn regroup(&mut self, called: Range<Number>, seats: &Bits, now: Timestamp) {
        if !called.is_empty() {
            match self.parties.last_mut() {
                Some(last) if now.since(last.since) < PARTY => last.until = now,
                _ => self.parties.push(Party {
                    from: called.start,
                    since: now,
                    until: now,
                    inside: 0,
                }),
            }
        }
        self.to = called.end;
        for index in 0..self.parties.len() {
            let inside = seats.count_in(self.numbers(index));
            self.parties[index].inside = u32::try_from(inside).unwrap_or(u32::MAX);
        }
        // Nobody of the first comes back, but for late comers, who are few.
        let empty = self.parties.iter().take_while(|party| party.inside == 0);
        let empty = empty.count();
        self.parties.drain(..empty);
        while self.parties.len() > MOST_PARTIES {
            self.join_two(now);
        }
    }

    fn join_two(&mut self, now: Timestamp) {
        let spans: Vec<Span> = self.parties.iter().map(Party::span).collect();
        if let Some(first) = most_alike(&spans, now) {
            let second = self.parties.remove(first + 1);
            self.parties[first].until = second.until;
            let both = self.parties[first].inside.saturating_add(second.inside);
            self.parties[first].inside = both;
        }
    }

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

fn row_of(age: f64) -> usize {
    EDGES.partition_point(|edge| *edge <= age)
}

fn begin(row: usize) -> f64 {
    row.checked_sub(1).map_or(0.0, |before| EDGES[before])
}

/// The last row has no end; it is taken to be as wide as it begins late.
fn width(row: usize) -> f64 {
    let begin = begin(row);
    EDGES.get(row).map_or(begin, |end| end - begin)
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

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u32) -> Timestamp {
        Timestamp(1_790_000_000_000 + u64::from(seconds) * 1_000)
    }

    /// Seats that were all taken in the first second and are taken again at once; the stay of a number is `stay(number)`
    /// seconds. After `seconds`, and how many were given back in each of the next two hundred.
    fn room(seats: u64, seconds: u32, stay: impl Fn(u64) -> u32) -> (Visits, Vec<u32>) {
        let mut visits = Visits::default();
        let mut inside: Vec<(u64, u32)> = (0..seats).map(|number| (number, stay(number))).collect();
        let (mut next, mut before) = (seats, 0);
        let mut given_back = Vec::new();
        for second in 0..seconds + 200 {
            inside.retain(|(_, until)| *until > second);
            let left = seats - inside.len() as u64;
            if second >= seconds {
                given_back.push(left as u32);
            } else {
                let held: Bits = inside.iter().map(|(number, _)| Number(*number)).collect();
                visits.learn(&held, SECOND, at(second));
            }
            inside.extend((next..next + left).map(|number| (number, second + stay(number))));
            next += left;
            if second < seconds {
                let held: Bits = inside.iter().map(|(number, _)| Number(*number)).collect();
                visits.regroup(Number(before)..Number(next), &held, at(second));
                before = next;
            }
        }
        (visits, given_back)
    }

    /// How far off it is, in the mean and as a part of the wait, when so many will have been given back.
    fn error(to_come: &ToCome, given_back: &[u32]) -> f64 {
        let (mut sum, mut off, mut times) = (0.0, 0.0, 0.0);
        for (second, left) in given_back.iter().enumerate() {
            sum += f64::from(*left);
            if second >= 9 && *left > 0 {
                let wait = second as f64 + 1.0;
                off += (to_come.seconds(sum) - wait).abs() / wait;
                times += 1.0;
            }
        }
        off / times
    }

    /// Evenly from 60 to 180 seconds.
    fn alike(number: u64) -> u32 {
        60 + (number * 7_919 % 120) as u32
    }

    #[test]
    fn a_room_that_filled_at_once_gives_its_seats_back_in_waves() {
        for (seconds, most) in [(110, 0.12), (150, 0.08), (185, 0.06), (300, 0.06)] {
            let (visits, given_back) = room(1_200, seconds, alike);
            let to_come = visits.to_come(1_200.0, 1.0 / 120.0, at(seconds));
            let error = error(&to_come, &given_back);
            assert!(error < most, "after {seconds} s: {error}");
        }
    }

    #[test]
    fn where_each_visit_may_end_at_any_moment_there_are_none() {
        let stay = |number: u64| {
            let part = (number * 7_919 % 1_000) as f64 / 1_000.0 + 0.000_5;
            (-part.ln() * 60.0).ceil() as u32
        };
        let (visits, _) = room(1_000, 600, stay);
        let to_come = visits.to_come(1_000.0, 1.0 / 60.0, at(600));
        for count in [200.0, 500.0, 1_500.0, 20_000.0] {
            let told = to_come.seconds(count) / (count * 0.06);
            assert!((0.93..1.07).contains(&told), "{count}: {told}");
        }
    }

    #[test]
    fn nothing_seen_is_one_rate_for_all() {
        let to_come = Visits::default().to_come(100.0, 0.01, at(0));
        for count in [1.0, 60.0, 500.0, 5_000.0] {
            let told = to_come.seconds(count) / count;
            assert!((told - 1.0).abs() < 0.01, "{count}: {told}");
        }
    }

    #[test]
    fn parties_are_few_and_hold_everybody() {
        let (visits, _) = room(500, 1_200, |number| 30 + (number * 31 % 1_500) as u32);
        assert!(visits.parties.len() <= MOST_PARTIES);
        let inside: u32 = visits.parties.iter().map(|party| party.inside).sum();
        assert_eq!(inside, 500);
        let oldest = visits.parties[0].age(at(1_200));
        assert!(oldest > 600.0, "{oldest}");
    }
}
