//! Who is not there: judged by epochs for the count, and by what they were told for a call.

use std::time::Duration;

use super::{Fleet, Tick, as_u32, opens};
use crate::{
    bits::{RankIndex, masked_chunks},
    line::Edge,
    presence::Epochs,
    snapshot::Snapshot,
    standing::Why,
    status::POLL_FAR,
    value::{Number, Timestamp},
};

/// How far ahead of the horizon the holders of numbers are told to poll often, in time at the line's pace. Twice the
/// longest poll of those farther back, so that all of them have polled as ones who come up soon before they do.
const SOON: f64 = 120.0;
/// And at the least, in people: small rooms are short of figures, not of bits.
const SOON_LEAST: u32 = 256;
/// Whoever has been below [`Line::soon`](crate::line::Line::soon) this long has polled since: the longest poll, its
/// slack and a picture that was old.
const KNOWN_AFTER: Duration = POLL_FAR.saturating_add(Duration::from_secs(10));
/// What a gateway records shows in the store after this, be its clock and its link a little behind.
const FLUSHED_AFTER: Duration = Duration::from_secs(3);
/// What counts as lately.
const LATELY: Duration = Duration::from_secs(10);
/// How often the reach of `soon` is written down.
const EDGE_EVERY: Duration = Duration::from_secs(3);

impl Tick<'_> {
    /// At the roll of an epoch: whoever waits and was not seen for two whole epochs leaves the count
    /// for good. They keep their place in the late lane.
    pub(super) fn judge_absence(&mut self) {
        let epochs = Epochs::of_presence(self.seen.rules());
        let opens = opens(&self.seen.picture.line, self.seen.standing);
        let epoch = epochs.settled(self.now);
        let Some(all_living) = self.seen.traces.living.as_ref() else {
            return;
        };
        if epoch <= self.line.epoch && !opens {
            return;
        }
        if epoch > self.line.epoch {
            self.line.epoch = epoch;
            self.line.rolls.push_back((epoch, self.next));
        }
        let last_seen = epochs.before(epoch, 2);
        // Numbers given out since then may not have had the time to poll.
        let rolls = &self.line.rolls;
        let known = rolls.iter().rposition(|(at, _)| *at <= last_seen);
        let Some(known) = known else { return };
        let judged_to = self.line.rolls[known].1;
        self.line.rolls.drain(..known);
        // Before the opening nobody stands in anybody's way.
        let is_waiting = matches!(self.halt(), Some(Why::NotOpen | Why::Drawing));
        if self.now < self.line.judge_from || is_waiting {
            return;
        }
        self.watched.missed_to = Some(Timestamp(last_seen));
        for (chunk, mask) in masked_chunks(self.line.horizon..judged_to) {
            let living = all_living.words(chunk);
            let gone = self.marks.gone.words(chunk);
            let left = self.marks.left.words(chunk);
            let absent = std::array::from_fn(|i| mask[i] & !(living[i] | gone[i] | left[i]));
            self.mark_gone(chunk, &absent);
        }
    }

    /// Those who may be called now: counted, and not known to be overdue.
    pub(super) fn callable(&self, picture: &Snapshot) -> RankIndex {
        let known_to = self.known_to();
        let range = picture.line.horizon..picture.next;
        let mut known = masked_chunks(range.start..known_to.min(range.end)).peekable();
        let mut masks = masked_chunks(range.clone());
        RankIndex::build(range, |chunk| {
            let (_, mask) = masks.next().expect("both walk the chunks of one range");
            let known = known.next_if(|(at, _)| *at == chunk);
            let expected = self.seen.traces.expected.words(chunk);
            let (gone, left) = (self.marks.gone.words(chunk), self.marks.left.words(chunk));
            std::array::from_fn(|i| {
                let overdue = known
                    .as_ref()
                    .map_or(0, |(_, known)| known[i] & !expected[i]);
                mask[i] & !(gone[i] | left[i] | overdue)
            })
        })
    }

    /// Below, whoever is there has a bit saying when they are expected.
    pub(super) fn known_to(&self) -> Number {
        let edges = &self.line.edges;
        if self.now < self.line.judge_from || self.seen.fleet == Fleet::Missing {
            return Number(0);
        }
        let since = self.now.minus(KNOWN_AFTER);
        let old = edges.iter().rposition(|edge| edge.at <= since);
        let recent = edges.range(old.unwrap_or(0)..);
        let from_the_start = edges
            .front()
            .is_some_and(|edge| edge.at <= self.line.id.opened_at().plus(Duration::from_secs(1)));
        if (old.is_some() || from_the_start) && recent.clone().all(|edge| edge.holds_all) {
            // Whoever joined was recorded in joining.
            let flushed = self.now.minus(FLUSHED_AFTER);
            let settled = edges.iter().rfind(|edge| edge.at <= flushed);
            return settled.map_or(Number(0), |edge| edge.next);
        }
        old.map_or(Number(0), |old| edges[old].soon)
    }

    /// Whoever was passed over without being called leaves the count: a place in the late lane is theirs.
    pub(super) fn pass_over(&mut self, from: Number, to: Number, callable: &RankIndex) {
        for (chunk, mask) in masked_chunks(from..to) {
            let gone = self.marks.gone.words(chunk);
            let left = self.marks.left.words(chunk);
            let called = callable.words(chunk);
            let missing = std::array::from_fn(|i| mask[i] & !(gone[i] | left[i] | called[i]));
            self.mark_gone(chunk, &missing);
        }
    }

    /// How many a second may be called before long. The mean of the last minutes says too little when a room that was
    /// full for a whole session begins to give its seats back.
    fn fastest(&self) -> f64 {
        let rules = self.seen.rules();
        let seats = f64::from(self.line.occupied);
        let stay = rules.session().ttl().as_secs_f64();
        let given_back = self.line.course.released.rate();
        let turnover = seats * given_back.unwrap_or(0.0).max(1.0 / stay);
        let since = self.now.minus(LATELY);
        let recent = self.line.batches.iter().rev();
        let recent = recent.take_while(|batch| since < batch.at);
        let lately: f64 = recent.map(|batch| f64::from(batch.calls)).sum();
        let fastest = [turnover, lately / LATELY.as_secs_f64()]
            .into_iter()
            .fold(self.line.pace.per_second, f64::max);
        let capacity = rules.capacity();
        let most = capacity
            .per_minute()
            .map(|most| f64::from(most.get()) / 60.0);
        match (capacity.active(), most) {
            (_, None) => fastest,
            (Some(_), Some(most)) => fastest.min(most),
            // Nothing else holds the line up.
            (None, Some(most)) => most,
        }
    }

    /// Says whose turn may come soon, and remembers how far that reached.
    pub(super) fn look_ahead(&mut self, picture: &Snapshot) {
        let width = (self.fastest() * SOON).ceil().min(1e9) as u32;
        let width = width.max(SOON_LEAST);
        let (to, found) = picture
            .counted
            .advance(self.line.horizon, width, picture.next);
        let soon = to.max(self.line.horizon).plus(u64::from(width - found));
        self.line.soon = self.line.soon.max(soon);
        let holds_all = self.next <= self.line.soon;
        let is_unknown = self.elapsed >= super::STALL;
        if is_unknown {
            self.line.edges.clear();
        }
        match self.line.edges.back_mut() {
            Some(edge) if self.now < edge.at.plus(EDGE_EVERY) => edge.holds_all &= holds_all,
            _ => self.line.edges.push_back(Edge {
                at: self.now,
                soon: self.line.soon,
                next: self.next,
                holds_all: holds_all && !is_unknown,
            }),
        }
        let since = self.now.minus(KNOWN_AFTER);
        while self.line.edges.get(1).is_some_and(|edge| edge.at <= since) {
            self.line.edges.pop_front();
        }
        // Nobody is told to wait longer than a poll near the front; late comers are few enough to list.
        let late = picture.latecomers(&self.seen.traces.expected, self.seen.rules());
        self.line.late.count = as_u32(late.len());
        self.line.late.first = self.in_order(late);
        self.line.late.first.truncate(crate::line::LATE_LISTED);
        let first = self.line.late.first.iter();
        let prompt = first.take_while(|number| self.is_prompt(**number));
        self.line.late.prompt = as_u32(prompt.count());
    }
}
