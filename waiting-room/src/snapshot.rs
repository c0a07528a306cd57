//! What one gateway knows at one moment: the line and the marks; and where a ticket stands in it. Immutable once built, so that any number of request threads read it without a lock.

mod counted;
mod renamed;

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
    time::Duration,
};

use policies::admission::{Admission, Late};

use crate::{
    bits::{Bits, RankIndex, masked_chunks, ones},
    estimate::{Forecast, Limits},
    handoff::Moves,
    line::{Batch, Line, Marks},
    lottery::Draw,
    orders::Orders,
    presence::CLOCK_SKEW,
    provisional::{Roster, Spot},
    token::Ticket,
    value::{Number, Timestamp},
};

/// A consistent picture of a room. See the module's head.
#[derive(Debug)]
pub struct Snapshot {
    /// The agreed record.
    pub line: Line,
    /// The first number not yet given out.
    pub next: Number,
    /// Facts about single numbers.
    pub marks: Marks,
    /// When it was read.
    pub read_at: Timestamp,
    /// What operators have said.
    pub orders: Arc<Orders>,
    /// Where the line's log stands, in hexadecimal digits.
    pub log_head: Arc<str>,
    /// What the present or the next lottery's secret is bound by: a SHA-256 in hexadecimal digits.
    pub commitment: Option<Arc<str>>,
    /// How many tickets the closed list of the present lottery has, and its digest: `COUNT:HEX`.
    pub draw_list: Option<Arc<str>>,
    /// The order that was drawn, if the line has had a lottery.
    pub draw: Option<Arc<Draw>>,
    /// Who came while the store was lost, and has a number since.
    pub rosters: Vec<Arc<Roster>>,
    /// Places that moved to another device.
    pub moves: Arc<Moves>,
    pub(crate) counted: RankIndex,
    forecast: OnceLock<Forecast>,
}

/// Whose pass may still be good, as the fleet recorded it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inside {
    /// Numbers whose pass may.
    pub active: Bits,
    /// Numbers whose pass is over, as far as they may have been called recently.
    pub ended: Bits,
}

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Of another line, or so old that its facts were dropped.
    Void,
    /// In the line.
    Waiting {
        /// Counted visitors before it.
        ahead: u32,
        /// Counted visitors behind it.
        behind: u32,
    },
    /// Passed over while away, or a call was missed: will be called through the late lane.
    Late {
        /// Late comers before it.
        ahead: u32,
    },
    /// May come in.
    Called {
        /// Since then.
        at: Timestamp,
        /// Until then.
        until: Timestamp,
    },
    /// Came in just now: the same visitor may fetch the pass again.
    Claimed {
        /// Called since then.
        at: Timestamp,
        /// Until then.
        until: Timestamp,
    },
    /// Came in before; the visit is over.
    Spent,
    /// Called a second time and missed again: only the back of the line is left.
    Missed,
    /// Left by choice.
    Left,
}

impl Snapshot {
    /// Builds the picture from what was read.
    #[must_use]
    pub fn build(line: Line, next: Number, marks: Marks, read_at: Timestamp) -> Self {
        let next = next.max(line.frontier);
        let counted = counted::among(&line, next, &marks);
        let log_head = line.log.to_string().into();
        Self {
            line,
            next,
            marks,
            read_at,
            orders: Arc::default(),
            log_head,
            commitment: None,
            draw_list: None,
            draw: None,
            rosters: Vec::new(),
            moves: Arc::default(),
            counted,
            forecast: OnceLock::new(),
        }
    }

    /// What can be said of the calls to come. Worked out once a picture, when the first visitor asks.
    #[must_use]
    pub fn forecast(&self) -> &Forecast {
        self.forecast.get_or_init(|| {
            let said = self.line.limits.map(|limit| (limit > 0).then_some(limit));
            let left = self.orders.remaining();
            let left = left.map(|left| u32::try_from(left).unwrap_or(u32::MAX));
            // A share that gives nothing now will give something before anybody's turn comes.
            let share = self.line.may.map(|may| may.map(|may| Some(may.max(1))));
            let [active, per_minute] = share.unwrap_or_default();
            let limits = Limits {
                active: said[0].into_iter().chain(left).chain(active).min(),
                per_minute: said[1].into_iter().chain(per_minute).min(),
            };
            Forecast::of(&self.line, limits)
        })
    }

    /// The number of somebody who came while the store was lost.
    #[must_use]
    pub fn number_of(&self, spot: &Spot) -> Option<Number> {
        self.rosters.iter().find_map(|roster| roster.number(spot))
    }

    /// Where the ticket stands at `now`. The grace of the rules is only used for a reserved seat that was taken since
    /// the last tick, before the controller stamped it.
    #[must_use]
    pub fn place(&self, ticket: &Ticket, now: Timestamp, rules: &Admission) -> Place {
        let number = ticket.number;
        let is_void = number < self.line.floor || self.line.was_replaced(number);
        if ticket.line != self.line.id || is_void {
            return Place::Void;
        }
        if self.marks.left.has(number) {
            return Place::Left;
        }
        // Who was called out of turn may stand anywhere.
        let out_of_turn = self.marks.late.has(number);
        if number >= self.line.horizon && !out_of_turn {
            return self.waiting(number);
        }
        let (at, until) = if number >= self.line.frontier && !out_of_turn {
            // A reserved seat, taken after the last tick: the call begins with the taking, though the request may have
            // come before that tick and its calls.
            let at = ticket.joined_at.max(self.line.ticked_at);
            (at, at.plus(rules.call_grace()))
        } else {
            match self.line.call_of(number, &self.marks) {
                Some(batch) => (self.line.called_at(batch, ticket.joined_at), batch.until),
                None => (Timestamp(0), Timestamp(0)),
            }
        };
        match (self.marks.claimed.has(number), now < until) {
            (true, true) => Place::Claimed { at, until },
            (true, false) => Place::Spent,
            (false, true) => Place::Called { at, until },
            (false, false) if out_of_turn || self.has_no_lane(number, rules) => Place::Missed,
            (false, false) => Place::Late {
                ahead: self.line.late.ahead_of(number),
            },
        }
    }

    /// Whether somebody who missed a call of their own has to go to the back; who was passed over while away has not.
    pub(crate) fn has_no_lane(&self, number: Number, rules: &Admission) -> bool {
        rules.late() == Late::Back && !self.marks.gone.has(number)
    }

    /// Whether somebody who may have this number waits, and can be called first.
    #[must_use]
    pub fn may_be_first(&self, number: Number) -> bool {
        let marks = &self.marks;
        let was_called = number < self.line.horizon && !marks.gone.has(number);
        let is_over = marks.late.has(number) || marks.claimed.has(number) || marks.left.has(number);
        let is_known = (self.line.floor..self.next).contains(&number);
        is_known && !was_called && !is_over
    }

    /// Whether this is how the line stood less than `slack` before `now`. A clock that was set back knows nothing of that.
    pub(crate) fn is_of(&self, now: Timestamp, slack: Duration) -> bool {
        now <= self.read_at.plus(slack) && self.read_at <= now.plus(2 * CLOCK_SKEW)
    }

    /// The number of the counted visitor who has so many counted before them.
    #[must_use]
    pub fn number_at(&self, ahead: u32) -> Option<Number> {
        let want = ahead
            .checked_add(1)
            .filter(|want| *want <= self.counted.total())?;
        let (after, _) = self.counted.advance(self.line.horizon, want, self.next);
        after.0.checked_sub(1).map(Number)
    }

    /// How many of these numbers are counted.
    pub(crate) fn counted_in(&self, range: Range<Number>) -> u32 {
        let below = self.counted.rank(range.start);
        self.counted.rank(range.end).saturating_sub(below)
    }

    /// How many people are waiting: the counted, and the late comers who are there.
    #[must_use]
    pub fn waiting_total(&self) -> u32 {
        self.counted.total().saturating_add(self.line.late.count)
    }

    /// Seats taken at `now`, by people inside or by calls that are open: over-counted where unsure. Somebody who came in
    /// and was not seen inside yet is inside; whose pass is over is not, however recent the call. Of calls that ended some
    /// time ago all who came in have been seen, and the ends of their visits need not be known any more.
    pub(crate) fn seats(&self, Inside { active, ended }: &Inside, now: Timestamp) -> Bits {
        let Marks {
            gone,
            claimed,
            left,
            ..
        } = &self.marks;
        let mut seats = Bits::new();
        for chunk in active.chunks() {
            let left = left.words(chunk);
            let active = active.words(chunk);
            seats.merge_words(chunk, &std::array::from_fn(|i| active[i] & !left[i]));
        }
        let recent = |batch: &&Batch| now < batch.until.plus(AFTERLIFE);
        for batch in self.line.batches.iter().filter(recent) {
            let open = self.holds_seat(batch.until, now);
            for (chunk, mask) in masked_chunks(batch.from..batch.to) {
                let (gone, left, claimed) =
                    (gone.words(chunk), left.words(chunk), claimed.words(chunk));
                let ended = ended.words(chunk);
                let held = |i: usize| {
                    let here = if open { !0 } else { claimed[i] };
                    mask[i] & !gone[i] & !left[i] & here & !(claimed[i] & ended[i])
                };
                seats.merge_words(chunk, &std::array::from_fn(held));
            }
            for number in &batch.late {
                let is_claimed = claimed.has(*number);
                let is_over = is_claimed && ended.has(*number);
                if !left.has(*number) && (open || is_claimed) && !is_over {
                    seats.add(*number);
                }
            }
        }
        seats
    }

    /// How many these are.
    #[must_use]
    pub fn occupied(&self, inside: &Inside, now: Timestamp) -> u64 {
        self.seats(inside, now).count()
    }

    /// Calls whose grace ended after `since` and by `now`, and that nobody had claimed.
    #[must_use]
    pub fn lapsed(&self, since: Timestamp, now: Timestamp) -> u64 {
        let marks = &self.marks;
        let ended = |batch: &&Batch| since < batch.until && batch.until <= now;
        let batches = self.line.batches.iter().filter(ended);
        batches
            .map(|batch| {
                let main: u64 = masked_chunks(batch.from..batch.to)
                    .map(|(chunk, mask)| {
                        let (gone, left) = (marks.gone.words(chunk), marks.left.words(chunk));
                        let claimed = marks.claimed.words(chunk);
                        ones(&std::array::from_fn(|i| {
                            mask[i] & !(gone[i] | left[i] | claimed[i])
                        }))
                    })
                    .sum();
                let is_open = |n: &&Number| !marks.claimed.has(**n) && !marks.left.has(**n);
                main + batch.late.iter().filter(is_open).count() as u64
            })
            .sum()
    }

    /// Whether an unclaimed call still holds its seat. A little longer than its holder may use it: a
    /// claim begun in the last moment, on a gateway whose clock is behind, must not find it given on.
    pub(crate) fn holds_seat(&self, until: Timestamp, now: Timestamp) -> bool {
        now < until.plus(CLAIM_SLACK)
    }

    fn waiting(&self, number: Number) -> Place {
        // Numbers given out after this picture was taken are taken for living: at worst the next
        // picture shows fewer ahead.
        let unseen = number.since(self.next.max(self.line.horizon));
        let beyond = u32::try_from(unseen).unwrap_or(u32::MAX);
        let ahead = self.counted.rank(number).saturating_add(beyond);
        let own = u32::from(self.counted.has(number));
        Place::Waiting {
            ahead,
            behind: self.counted.total().saturating_sub(ahead + own),
        }
    }

    /// Everybody below the horizon who is `there`, has not come in, and has neither an open call nor had
    /// the late lane's one call: computed from bits alone, so there is no list to lose.
    pub(crate) fn latecomers(&self, there: &Bits, rules: &Admission) -> Vec<Number> {
        let end = self.line.horizon.min(self.line.frontier);
        let Marks {
            late,
            claimed,
            left,
            ..
        } = &self.marks;
        let mut found = Bits::new();
        for chunk in there.chunks() {
            let (late, claimed, left) =
                (late.words(chunk), claimed.words(chunk), left.words(chunk));
            let there = there.words(chunk);
            let words = std::array::from_fn(|i| there[i] & !(late[i] | claimed[i] | left[i]));
            found.merge_words(chunk, &words);
        }
        let lot = self.line.lot.as_ref();
        found
            .iter()
            .filter(|number| (self.line.floor..end).contains(number))
            .filter(|number| lot.is_none_or(|lot| !lot.replaces(*number)))
            .filter(|number| !self.line.was_replaced(*number) && !self.has_no_lane(*number, rules))
            .filter(|number| {
                let call = self.line.call_of(*number, &self.marks);
                !call.is_some_and(|batch| self.holds_seat(batch.until, self.read_at))
            })
            .collect()
    }
}

/// How long after its end a call still counts those who came in by it: until a claim made in its last moment shows as
/// activity.
pub(crate) const AFTERLIFE: Duration = Duration::from_secs(30);
/// See [`Snapshot::holds_seat`]: clock skew plus the longest a claim may take.
pub(crate) const CLAIM_SLACK: Duration = CLOCK_SKEW.saturating_add(Duration::from_secs(3));

#[cfg(test)]
mod tests;
