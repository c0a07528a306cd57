//! How long visits last, and so when the seats come free: a room that filled at once gives its seats back in waves.
//!
//! A life table of the visits, and those who are inside by the time of their call. Whoever is inside will stay as those
//! before them did, and whoever takes the seat will, too (renewal theory: W. Feller, An Introduction to Probability
//! Theory and Its Applications, vol. II, ch. XI).

mod to_come;

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

pub(crate) use to_come::ToCome;

/// Rows of the table.
const ROWS: usize = 47;
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
/// What is left of the table's weight when it was wrong.
const DOUBTED: f64 = 0.1;

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

#[cfg(test)]
mod tests;
