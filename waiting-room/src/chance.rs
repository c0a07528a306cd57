//! An honest chance: whether something will be left when somebody's turn comes, from what is left now and from how much
//! those who came in have bought.
//!
//! Nobody is told who takes how much; what is known is how the stock fell while so many visits ended. The line is cut
//! into at most four parts, front to end, by places that only move when they really have to, so that nobody's chance
//! flickers.

use crate::{
    estimate::Tally,
    history::Span,
    snapshot::Snapshot,
    value::{LineId, Number},
};

/// Until visits have shown how much is bought, each is taken to buy one; that counts as much as so many visits.
const BELIEF: f64 = 10.0;
/// So many visits are remembered: what sells first is not what sells last.
const MEMORY: f64 = 500.0;
/// Who is inside has bought half of what he will, in the mean.
const HALF_DONE: f64 = 0.5;
/// Nobody buys more than this many, in the mean of those who are inside.
const MOST_BOUGHT: f64 = 10.0;
/// How well the habit of those who come is known at best.
const HABIT: f64 = 0.15;
/// Where the parts end, in standard deviations of what those ahead will buy: nine times in ten, three times in ten,
/// once in a thousand.
const LEVELS: [f64; 3] = [1.28, -0.5, -3.0];
/// A place moves by this part of the line at least, and by so many people where there are ten times as many.
const MOVES_BY: u32 = 30;
const MOVES_AT_LEAST: u32 = 3;

/// How likely it is that something is left when the turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Chance {
    /// Enough for everybody up to this place, as people buy: nine times in ten.
    Likely,
    /// It may be just enough.
    Possible,
    /// Those ahead are likely to take it all.
    Unlikely,
    /// Those ahead will take it all, but once in a thousand times.
    NoneLeft,
}

/// Where the line's chances change, while the stock is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prospect {
    /// The first numbers that are no longer likely, possible, unlikely to get something.
    ends: [Number; 3],
}

/// Behind everybody.
const NOWHERE: Number = Number(u64::MAX);

impl Prospect {
    /// The chance of a number that waits.
    #[must_use]
    pub fn of(&self, number: Number) -> Chance {
        let [likely, possible, unlikely] = self.ends;
        match number {
            number if number < likely => Chance::Likely,
            number if number < possible => Chance::Possible,
            number if number < unlikely => Chance::Unlikely,
            _ => Chance::NoneLeft,
        }
    }
}

/// Learns how much is bought, and says what that means for the line.
#[derive(Debug, Default)]
pub(crate) struct Shop {
    line: Option<LineId>,
    left: Option<u64>,
    occupied: u32,
    /// Units sold, of visits.
    sold: Tally,
    said: Option<Prospect>,
}

impl Shop {
    /// Looks at a picture, with what happened since the last one. `None` while nobody knows what is left.
    pub(crate) fn look(&mut self, picture: &Snapshot, news: &Span) -> Option<Prospect> {
        let left = picture.orders.remaining();
        if self.line.replace(picture.line.id) == Some(picture.line.id) {
            self.learn(left, news);
        }
        self.left = left;
        self.occupied = news.active;
        self.said = left
            .filter(|left| *left > 0)
            .map(|left| self.prospect(picture, left));
        self.said
    }

    fn learn(&mut self, left: Option<u64>, news: &Span) {
        let (Some(before), Some(now)) = (self.left, left) else {
            return;
        };
        let taken = self.occupied.saturating_add(news.called);
        let ended = taken.saturating_sub(news.active.saturating_add(news.lapsed));
        // What is put on the shelf again is not a sale taken back, and what more fell than those who were there can have
        // bought was said, not sold.
        let fell = before.saturating_sub(now) as f64;
        if fell <= MOST_BOUGHT * f64::from(taken) {
            self.sold.events += fell;
        }
        // Half of a visit when it begins and half when it ends: who is inside has bought about that much.
        let begun = f64::from(news.called) - f64::from(news.lapsed);
        let visits = begun * HALF_DONE + f64::from(ended) * (1.0 - HALF_DONE);
        self.sold.of = (self.sold.of + visits).max(0.0);
        if self.sold.of > MEMORY {
            let kept = MEMORY / self.sold.of;
            self.sold.events *= kept;
            self.sold.of *= kept;
        }
    }

    /// Units that one visit buys, in the mean.
    fn bought(&self) -> f64 {
        (self.sold.events + BELIEF) / (self.sold.of + BELIEF)
    }

    fn prospect(&self, picture: &Snapshot, left: u64) -> Prospect {
        let bought = self.bought();
        let inside = f64::from(picture.line.occupied) * HALF_DONE;
        let forecast = picture.forecast();
        // By how much it is enough for one with so many ahead, in standard deviations.
        let margin = |ahead: u32| {
            let demand = bought * (inside + forecast.callers(ahead));
            let spread = (demand * bought.max(1.0)).sqrt().hypot(demand * HABIT);
            (left as f64 - 0.5 - demand) / spread.max(0.5)
        };
        let mut ends = LEVELS.map(|level| end(picture, |ahead| margin(ahead) >= level));
        if let Some(said) = self.said {
            for (end, said) in ends.iter_mut().zip(said.ends) {
                *end = settled(picture, said, *end);
            }
        }
        // Each part ends where the next begins, whichever of them has stayed.
        ends[1] = ends[1].max(ends[0]);
        ends[2] = ends[2].max(ends[1]);
        Prospect { ends }
    }
}

/// The first number for which there is not enough, by how many are ahead of it.
fn end(picture: &Snapshot, is_enough: impl Fn(u32) -> bool) -> Number {
    let total = picture.counted.total();
    // Whoever comes next has all of them ahead.
    if is_enough(total) {
        return NOWHERE;
    }
    let (mut enough, mut short) = (0, total);
    while enough < short {
        let middle = enough + (short - enough) / 2;
        match is_enough(middle) {
            true => enough = middle + 1,
            false => short = middle,
        }
    }
    picture.number_at(short).unwrap_or(picture.next)
}

/// The place said before, unless the new one is clearly another.
fn settled(picture: &Snapshot, before: Number, now: Number) -> Number {
    let (old, new) = (picture.counted.rank(before), picture.counted.rank(now));
    let total = picture.counted.total();
    // In a short line each person counts.
    let most = (total / MOVES_BY)
        .max(MOVES_AT_LEAST.min(total / 10))
        .max(1);
    if old.abs_diff(new) < most {
        before
    } else {
        now
    }
}

#[cfg(test)]
mod tests;
