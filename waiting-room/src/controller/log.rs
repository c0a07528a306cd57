//! What a tick says in the line's log.

use super::{STALL, Tick};
use crate::{
    journal::{Entry, Event, First, Kind, Limits, Opening, Passed, Text, Why as Reason},
    line::Line,
    orders::{LONGEST_TEXT, Order, Word},
    snapshot::Snapshot,
    value::Number,
};

impl Tick<'_> {
    /// Writes the tick's entry, if it has something to say, and moves the chain's head. `others` were called out of
    /// the line's turn, `taken_to` ends the numbers that took a reserved seat.
    pub(super) fn write_log(
        &mut self,
        others: &[Number],
        taken_to: Number,
        told: &Snapshot,
    ) -> Option<String> {
        let before = &self.seen.picture.line;
        let entry = self.entry(others, taken_to, told);
        let why = before.why.map(|why| reason(why.name()));
        if !entry.is_news(limits(before.limits), why.as_ref()) {
            return None;
        }
        let head = match before.log.seq {
            0 => self.opening().start(),
            _ => before.log,
        };
        let (line, head) = entry.write(&head);
        self.line.log = head;
        Some(line)
    }

    fn entry(&mut self, others: &[Number], taken_to: Number, told: &Snapshot) -> Entry {
        let zero = self.line.id.0;
        let relative = |number: Number| number.0.saturating_sub(zero);
        let from = self.seen.picture.line.frontier;
        let marks = self.marks.clone();
        let is_called = |n: u64| {
            let number = Number(zero + n);
            !marks.gone.has(number) && !marks.left.has(number)
        };
        let passed = |from, to| Passed::new(relative(from)..relative(to), is_called);
        let event = self.event();
        let first = self.firsts(others);
        let is_first = |number: &Number| first.iter().any(|f| f.number == relative(*number));
        let is_back = self.elapsed >= STALL && self.seen.picture.line.log.seq > 0;
        let why = self.line.why.map(|why| reason(why.name()));
        Entry {
            at: self.now,
            given: relative(self.next),
            horizon: relative(self.line.horizon),
            arrived: passed(from, taken_to),
            called: passed(taken_to, self.line.frontier),
            late: others
                .iter()
                .filter(|number| !is_first(number))
                .map(|number| relative(*number))
                .collect(),
            living: u64::from(told.counted.total()) + u64::from(self.line.late.count),
            active: self.own_seats(),
            lapsed: told.lapsed(self.seen.picture.line.ticked_at, self.now),
            limits: limits(self.line.limits),
            why: why.or_else(|| is_back.then(|| reason("store_lost"))),
            event,
            first,
        }
    }

    /// Seats of this line. Who is inside with a pass of one that the store has forgotten was called by nobody here; such
    /// visitors are counted for the limit, but this line's log cannot answer for them.
    fn own_seats(&self) -> u64 {
        let first = Number(self.line.id.0);
        let inside = self.seen.traces.inside.active.iter();
        let earlier = inside.take_while(|number| *number < first).count();
        u64::from(self.line.occupied).saturating_sub(earlier as u64)
    }

    /// One event an entry: the opening, then what operators said, then what changed by itself.
    fn event(&mut self) -> Option<Event> {
        let by_itself = |kind| {
            Some(Event {
                kind,
                by: None,
                detail: None,
            })
        };
        let before = &self.seen.picture.line;
        let is_new = before.log.seq == 0;
        let rules = self.seen.rules();
        let times = [rules.call_grace(), rules.absent_after()].map(crate::value::millis);
        if is_new {
            self.line.times = times;
            return by_itself(Kind::Opened(self.opening()));
        }
        let sealed = |line: &Line| line.lot.as_ref().is_some_and(|lot| lot.digest.is_some());
        let drawn = |line: &Line| line.lot.as_ref().is_some_and(|lot| lot.drawn.is_some());
        let of_lot = |kind, detail| Event {
            kind,
            by: None,
            detail,
        };
        if sealed(&self.line) && !sealed(before) {
            return Some(of_lot(Kind::Closed, self.sealed_in_words()));
        }
        if drawn(&self.line) && !drawn(before) {
            return Some(of_lot(Kind::Drawn, self.drawn_in_words()));
        }
        if times != before.times {
            self.line.times = times;
            return by_itself(Kind::Tuned(Some(self.opening())));
        }
        let limits_changed = self.line.limits != before.limits;
        let orders: Vec<Order> = self
            .seen
            .orders
            .iter()
            .map(|(_, order)| order.clone())
            .collect();
        self.line
            .obeyed
            .retain(|id| orders.iter().any(|order| order.id == *id));
        let new = orders
            .into_iter()
            .filter(|order| !self.line.obeyed.contains(&order.id))
            .filter_map(|order| Some((kind(&order.word)?, order)))
            // A changed limit must be told by the entry that it binds.
            .max_by_key(|(kind, _)| limits_changed && matches!(kind, Kind::Tuned(_)));
        if let Some((kind, order)) = new {
            self.line.obeyed.push(order.id);
            return Some(Event {
                kind,
                by: Text::new(&order.by).ok(),
                detail: detail(&order.word),
            });
        }
        limits_changed
            .then(|| by_itself(Kind::Tuned(None)))
            .flatten()
    }

    fn sealed_in_words(&self) -> Option<Text> {
        let lot = self.line.lot.as_ref()?;
        let from = lot.from.0.saturating_sub(self.line.id.0);
        let (count, digest) = (lot.count()?, lot.digest?);
        let text = format!(
            "the list of the draw has {count} tickets from number {from} on; its digest is {digest}"
        );
        Text::new(&text).ok()
    }

    fn drawn_in_words(&self) -> Option<Text> {
        let lot = self.line.lot.as_ref()?;
        let (list, digest) = (lot.list?, lot.digest?);
        let relative = |number: Number| number.0.saturating_sub(self.line.id.0);
        let (from, to, count) = (relative(lot.from), relative(list.to), lot.count()?);
        let text = format!(
            "{count} tickets from number {from} on got new numbers from {to} on; digest of the list {digest}"
        );
        Text::new(&text).ok()
    }

    fn opening(&self) -> Opening {
        let name = self.seen.name;
        let text = |name: &str| Text::new(name).unwrap_or_else(|_| unnamed());
        Opening {
            tenant: text(&name.tenant),
            room: text(&name.room),
            line: self.line.id,
            first: Number(self.line.id.0),
            grace: self.seen.rules().call_grace(),
            absent_after: self.seen.rules().absent_after(),
        }
    }

    fn firsts(&self, others: &[Number]) -> Vec<First> {
        let firsts = self.seen.orders.firsts().into_iter();
        firsts
            .map(|(number, order)| (self.seen.picture.current_number(number), order))
            .filter(|(number, _)| others.contains(number))
            .filter_map(|(number, order)| {
                let Word::First { reason, .. } = &order.word else {
                    return None;
                };
                Some(First {
                    number: number.0.saturating_sub(self.line.id.0),
                    by: Text::new(&order.by).ok()?,
                    reason: Text::new(reason).ok()?,
                })
            })
            .collect()
    }
}

fn limits([active, per_minute]: [u32; 2]) -> Limits {
    let said = |limit| (limit > 0).then_some(limit);
    Limits {
        active: said(active),
        per_minute: said(per_minute),
    }
}

fn reason(name: &str) -> Reason {
    Reason::new(name).expect("names of reasons are lower-case words")
}

fn unnamed() -> Text {
    Text::new("unnamed").expect("a short word")
}

fn kind(word: &Word) -> Option<Kind> {
    match word {
        Word::Pause { on: true } => Some(Kind::Paused),
        Word::Pause { on: false } => Some(Kind::Resumed),
        Word::Drain { on: true } => Some(Kind::Drained),
        Word::Drain { on: false } | Word::Tune { .. } | Word::Beacon { .. } => {
            Some(Kind::Tuned(None))
        }
        Word::Announce { .. } => Some(Kind::Announced),
        // What is left is no event of the line; who is called first stands among the calls.
        Word::Stock { .. } | Word::First { .. } => None,
    }
}

/// A text as long as one of the log may be, with a mark where it was cut.
fn shortened(text: String) -> String {
    if text.chars().count() <= LONGEST_TEXT {
        return text;
    }
    text.chars().take(LONGEST_TEXT - 1).chain(['…']).collect()
}

fn detail(word: &Word) -> Option<Text> {
    let text = match word {
        Word::Announce { text } => text.clone(),
        Word::Drain { on } => format!("drain: {on}"),
        Word::Beacon { value, .. } => format!("the lottery's public value: {value}"),
        Word::Tune {
            active,
            per_minute,
            until,
        } => {
            let limits = [("active", *active), ("per_minute", *per_minute)];
            let limits = limits
                .into_iter()
                .filter_map(|(name, limit)| Some(format!("{name} {}", limit?)));
            let until = until.map(|until| format!("until {until}"));
            let all: Vec<_> = limits.chain(until).collect();
            match all.is_empty() {
                true => "as configured".to_owned(),
                false => all.join(", "),
            }
        }
        _ => return None,
    };
    Text::new(&shortened(text)).ok()
}
