//! A small honest room, to make histories with everything a log can say.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::{collection::vec, prelude::*};

use super::*;

/// How long a visitor stays who came in, in milliseconds.
const STAY: u64 = 7_000;

/// What happens before a tick. Numbers choose somebody, whoever there is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Nothing,
    Sleep(u64),
    Join(u64),
    Away(u64),
    Back(u64),
    First(u64),
    Pause,
    Resume,
    Tune(u32, u32),
}

/// Cases of a property over whole histories, each of which has thousands of steps in it.
pub(super) fn some_cases() -> ProptestConfig {
    ProptestConfig {
        cases: ProptestConfig::default().cases / 4,
        ..ProptestConfig::default()
    }
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Nothing),
        2 => (1_u64..20_000).prop_map(Step::Sleep),
        6 => (1_u64..40).prop_map(Step::Join),
        6 => any::<u64>().prop_map(Step::Away),
        3 => any::<u64>().prop_map(Step::Back),
        1 => any::<u64>().prop_map(Step::First),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        1 => (1_u32..30, 1_u32..60).prop_map(|(active, rate)| Step::Tune(active, rate)),
    ];
    vec(step, 1..90)
}

/// The log of what happened.
pub(super) fn history(steps: &[Step]) -> Vec<Entry> {
    let mut room = HonestRoom::open();
    let first = room.entry(event(Kind::Opened(opening())));
    let mut entries = vec![first];
    for step in steps {
        let last = entries.last().expect("the opening");
        let (limits, why) = (last.limits, last.why.clone());
        let entry = room.tick(*step);
        if entry.is_news(limits, why.as_ref()) {
            entries.push(entry);
        }
    }
    entries
}

#[derive(Debug, Default)]
struct HonestRoom {
    now: u64,
    given: u64,
    horizon: u64,
    frontier: u64,
    away: BTreeSet<u64>,
    /// Until when a call is open, or a visit lasts.
    seats: BTreeMap<u64, u64>,
    /// Who missed a call or was passed over, and is back.
    late: VecDeque<u64>,
    /// Whom an operator wants called with the next free seat.
    wanted: Option<u64>,
    again: BTreeSet<u64>,
    recent: VecDeque<(u64, u64)>,
    limits: Limits,
    is_paused: bool,
}

impl HonestRoom {
    fn open() -> Self {
        let limits = Limits {
            active: Some(12),
            per_minute: Some(40),
        };
        Self {
            now: START.0,
            limits,
            ..Self::default()
        }
    }

    fn entry(&self, event: Option<Event>) -> Entry {
        let waiting = (self.frontier..self.given).filter(|n| !self.away.contains(n));
        Entry {
            given: self.given,
            horizon: self.horizon,
            living: waiting.count() as u64,
            active: self.seats.len() as u64,
            limits: self.limits,
            why: self.is_paused.then_some(Why::PAUSED),
            event,
            ..quiet(Timestamp(self.now))
        }
    }

    fn tick(&mut self, step: Step) -> Entry {
        self.now += 250;
        let event = self.happen(step);
        let (now, until) = (self.now, self.now + 20_000);
        let before = self.seats.len();
        self.seats.retain(|_, until| now < *until);
        let lapsed = (before - self.seats.len()) as u64;
        self.recent.retain(|(at, _)| now < at + 60_000);
        let taken_to = self.given.min(self.horizon).max(self.frontier);
        let arrived = Passed::all(self.frontier..taken_to);
        // Every second arrival never comes in.
        let stay = |number: u64| {
            if number.is_multiple_of(2) {
                now + STAY
            } else {
                until
            }
        };
        self.seats
            .extend((self.frontier..taken_to).map(|n| (n, stay(n))));
        let mut budget = self.budget(taken_to - self.frontier);
        let mut first = Vec::new();
        let still_waits = |number: &u64| self.horizon <= *number && !self.again.contains(number);
        self.wanted = self.wanted.filter(still_waits);
        if let Some(number) = self.wanted.take_if(|_| budget > 0) {
            budget -= 1;
            self.again.insert(number);
            self.seats.insert(number, until);
            first.push(First {
                number,
                by: text("anna"),
                reason: text("a \"wheelchair\" \\ 휠체어"),
            });
        }
        let mut late = Vec::new();
        while budget > 0 && late.len() < 2 {
            let Some(number) = self.late.pop_front() else {
                break;
            };
            if self.again.insert(number) {
                budget -= 1;
                self.seats.insert(number, stay(number));
                late.push(number);
            }
        }
        let from = taken_to;
        let called = self.call_main(from, budget, stay);
        self.frontier = self.given.min(self.horizon);
        let calls = called.as_ref().map_or(0, Passed::calls) + (late.len() + first.len()) as u64;
        let arrivals = arrived.as_ref().map_or(0, Passed::calls);
        self.recent.push_back((now, calls + arrivals));
        Entry {
            called,
            arrived,
            late,
            first,
            lapsed,
            ..self.entry(event)
        }
    }

    fn happen(&mut self, step: Step) -> Option<Event> {
        let waiting = self.horizon..self.given;
        let choose =
            |n: u64| (!waiting.is_empty()).then(|| self.horizon + n % (self.given - self.horizon));
        let mut event = None;
        match step {
            Step::Nothing => {}
            Step::Sleep(ms) => self.now += ms,
            Step::Join(count) => self.given += count,
            Step::Away(n) => self.away.extend(choose(n)),
            Step::Back(n) => {
                let absent = |n: &u64| self.away.contains(n) || n % 6 == 3;
                let gone = (0..self.frontier).filter(|n| absent(n) && !self.seats.contains_key(n));
                let gone: Vec<_> = gone.filter(|n| !self.again.contains(n)).collect();
                let chosen = gone.get((n % (gone.len() as u64).max(1)) as usize).copied();
                // Only who is still not seated when it is their turn may be called late.
                self.late.extend(chosen.filter(|n| !self.late.contains(n)));
            }
            Step::First(n) => self.wanted = choose(n),
            Step::Pause => {
                self.is_paused = true;
                event = super::event(Kind::Paused);
            }
            Step::Resume => {
                self.is_paused = false;
                event = super::event(Kind::Resumed);
            }
            Step::Tune(active, per_minute) => {
                self.limits = Limits {
                    active: Some(active),
                    per_minute: Some(per_minute),
                };
                event = super::event(Kind::Tuned(None));
            }
        }
        event
    }

    /// As the controller has it: what is reserved counts before it is taken.
    fn budget(&self, arrived: u64) -> u64 {
        if self.is_paused {
            return 0;
        }
        let ahead = self.horizon.saturating_sub(self.given);
        let limit = |limit: Option<u32>| u64::from(limit.expect("the room has both"));
        let recent: u64 = self.recent.iter().map(|(_, calls)| calls).sum();
        let seats = limit(self.limits.active).saturating_sub(self.seats.len() as u64 + ahead);
        let rate = limit(self.limits.per_minute).saturating_sub(recent + arrived + ahead);
        seats.min(rate)
    }

    fn call_main(&mut self, from: u64, budget: u64, stay: impl Fn(u64) -> u64) -> Option<Passed> {
        let start = self.horizon;
        let mut left = budget;
        let mut called = BTreeSet::new();
        while left > 0 && self.horizon < self.given {
            let number = self.horizon;
            self.horizon += 1;
            if !self.away.contains(&number) && !self.again.contains(&number) {
                left -= 1;
                called.insert(number);
                self.seats.insert(number, stay(number));
            }
        }
        if self.horizon >= self.given {
            self.horizon += left.min(3);
        }
        debug_assert!(from == start || start > self.given);
        let to = self.given.min(self.horizon).max(from);
        Passed::new(from..to, |number| called.contains(&number))
    }
}
