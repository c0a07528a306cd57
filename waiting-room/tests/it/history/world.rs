//! One history: its gateways, its crowd, its faults, and the promises checked on the way.

mod faults;
mod promises;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use policies::admission::{Admission, Spec};
use waiting_room::{
    Admitted, Held, Moment, Number, Outcome, Reason, State, TicketChange, Timestamp,
    controller::TICK,
    snapshot::{Place, Snapshot},
    store::memory::{Backup, MemoryStore},
};

use super::crowd::{Dice, LONGEST_POLL, Stage, VISITS, Visitor};
use crate::fleet::{Gateway, START};

/// Simulated length of a history, and how long the last visitors get to come in afterwards.
const LENGTH: Duration = Duration::from_secs(200);
const PATIENCE: Duration = Duration::from_secs(10_800);
/// A gateway that is stepped so seldom misses three ticks of four.
const SLOWEST: Duration = TICK.saturating_mul(4);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) active: u32,
    pub(crate) per_minute: Option<u32>,
    pub(crate) gateways: usize,
    pub(crate) visitors: usize,
    /// Seconds.
    pub(crate) ttl: u64,
    /// Seconds.
    pub(crate) grace: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Faults {
    None,
    /// The store does not answer for a while.
    Outages,
    /// The store loses all or its last seconds.
    Amnesia,
    /// A gateway is replaced by a new one that knows nothing.
    Restarts,
    /// A gateway stands still, and whoever asks it gets the answer when it goes on.
    Pauses,
}

pub(crate) struct World {
    dice: Dice,
    sizes: Sizes,
    faults: Faults,
    rules: Admission,
    store: MemoryStore,
    gateways: Vec<Gateway>,
    crowd: Vec<Visitor>,
    now: Timestamp,
    stepped_at: Timestamp,
    backup: Option<Backup>,
    mend_at: Option<Timestamp>,
    mended_at: Timestamp,
    /// Which gateway stands still, and until when.
    paused: Option<(usize, Timestamp)>,
    calls: Vec<Timestamp>,
    /// Which calls those were: a number may be called once, and once more through the late lane. A
    /// call that an outage froze and that goes on afterwards is the same call.
    called: BTreeSet<(Number, bool)>,
    /// Passes by number: who holds it, and until when it admits.
    passes: BTreeMap<Number, (usize, Timestamp)>,
    /// Every number that ever came in.
    admitted: BTreeSet<Number>,
    restarts: u64,
    /// The line's log, as each gateway copied it.
    logs: Vec<String>,
}

impl World {
    pub(crate) fn new(seed: u64, sizes: Sizes, faults: Faults) -> Self {
        let rules = Admission::new(Spec {
            active: Some(sizes.active),
            per_minute: sizes.per_minute,
            ttl: Duration::from_secs(sizes.ttl),
            call_grace: Duration::from_secs(sizes.grace),
            ..Spec::default()
        });
        let rules = rules.expect("valid");
        let store = MemoryStore::new();
        let mut dice = Dice(seed);
        let gateways = (0..sizes.gateways).map(|id| {
            let mut gateway = Gateway::new(id as u64, Arc::new(store.clone()), rules);
            gateway.skew = Duration::from_millis(dice.below(1_000));
            gateway.driver.keep_log();
            gateway
        });
        let gateways = gateways.collect();
        let crowd = (0..sizes.visitors)
            .map(|_| Visitor::arriving(&mut dice, START))
            .collect();
        Self {
            dice,
            sizes,
            faults,
            rules,
            store,
            gateways,
            crowd,
            now: START,
            stepped_at: START,
            backup: None,
            mend_at: None,
            mended_at: Timestamp(0),
            paused: None,
            calls: Vec::new(),
            called: BTreeSet::new(),
            passes: BTreeMap::new(),
            admitted: BTreeSet::new(),
            restarts: 0,
            logs: vec![String::new(); sizes.gateways],
        }
    }

    pub(crate) async fn run(mut self) {
        while self.now < START.plus(LENGTH)
            || (self.someone_waits() && self.now < START.plus(PATIENCE))
        {
            self.now = self.now.plus(TICK);
            if self.now < START.plus(LENGTH) {
                self.strike();
            }
            self.mend();
            let steps = self.now >= self.stepped_at.plus(self.pace());
            if steps {
                self.stepped_at = self.now;
                self.step().await;
                self.note_calls();
            }
            for index in 0..self.crowd.len() {
                if self.crowd[index].acts(self.now) {
                    self.act(index).await;
                }
            }
            if steps {
                self.check();
            }
        }
        // What the last tick wrote down is copied with the next step, also by a gateway that stood still to the end.
        self.paused = None;
        self.step().await;
        self.step().await;
        self.check_the_end();
    }

    /// From one step to the next: a tick. Nothing strikes any more at the end, so that may go in leaps.
    fn pace(&self) -> Duration {
        match self.now < START.plus(LENGTH) {
            true => TICK,
            false => SLOWEST,
        }
    }

    async fn step(&mut self) {
        let now = self.now;
        let paused = self.paused.map(|(index, _)| index);
        let parts = self.gateways.iter_mut().zip(&mut self.logs).enumerate();
        for (_, (gateway, log)) in parts.filter(|(index, _)| Some(*index) != paused) {
            gateway.step(now).await;
            let part = gateway.driver.take_log();
            for entry in part.into_iter().flat_map(|part| part.entries) {
                log.push_str(&entry);
                log.push('\n');
            }
        }
    }

    fn someone_waits(&self) -> bool {
        self.mend_at.is_some()
            || self
                .crowd
                .iter()
                .any(|v| matches!(v.stage, Stage::Outside | Stage::Waiting))
    }

    async fn act(&mut self, index: usize) {
        let (now, entropy) = (self.now, self.dice.roll());
        let Some(asked) = self.reach(index) else {
            return;
        };
        let gateway = &self.gateways[asked];
        let visitor = &mut self.crowd[index];
        if visitor.gives_up_at.is_some_and(|at| at <= now) && visitor.stage != Stage::Outside {
            visitor.stage = Stage::Done;
            return;
        }
        if let Stage::Inside { until } = visitor.stage
            && until <= now
        {
            if visitor.leaves {
                let at = Moment {
                    now: now.plus(gateway.skew),
                    entropy,
                };
                let left = gateway.room.leave(visitor.browser.presented(), at).await;
                let is_left =
                    matches!(left, Outcome::Held(held) if held.status.state == State::Left);
                // Whose pass has run out has nothing to give back, and needs no store for that.
                let mut passes = self.passes.values();
                let has_a_seat = passes.any(|(holder, until)| *holder == index && at.now < *until);
                let decided = is_left == self.mend_at.is_none() || (is_left && !has_a_seat);
                assert!(decided, "the store alone decides: {left:?}");
                if is_left {
                    self.passes.retain(|_, (holder, _)| *holder != index);
                }
            }
            visitor.stage = Stage::Done;
            return;
        }
        // Somebody called comes in; others reload now and then instead of polling.
        let outcome = if visitor.called || entropy.is_multiple_of(5) {
            visitor.browser.enter(gateway, now, entropy).await
        } else {
            visitor.browser.status(gateway, now, entropy).await
        };
        self.react(index, outcome);
    }

    fn react(&mut self, index: usize, outcome: Outcome) {
        match outcome {
            Outcome::Admitted(admitted) => self.admitted(index, admitted),
            Outcome::Held(held) => self.held(index, held),
        }
    }

    fn admitted(&mut self, index: usize, admitted: Admitted) {
        let (now, rules) = (self.now, self.rules);
        let visitor = &mut self.crowd[index];
        let (holder, until) = self
            .passes
            .entry(admitted.number)
            .or_insert((index, admitted.expires_at));
        assert_eq!(*holder, index, "number {} came in twice", admitted.number);
        *until = (*until).max(admitted.expires_at);
        self.admitted.insert(admitted.number);
        if visitor.stage != Stage::Outside && visitor.is_steady(&rules) {
            // It came in with this very request: by its own number, or by a reserved one.
            let own = visitor
                .number
                .is_none_or(|number| number <= admitted.number);
            assert!(own, "a steady visitor's place was lost: {visitor:?}");
        }
        let was_called = std::mem::replace(&mut visitor.was_called, true);
        visitor.called = false;
        if !matches!(visitor.stage, Stage::Inside { .. }) {
            let until = Timestamp(now.0 + visitor.stay_ms);
            visitor.stage = Stage::Inside { until };
        }
        visitor.next_at = now.plus(VISITS).min(match visitor.stage {
            Stage::Inside { until } => until.max(Timestamp(now.0 + 250)),
            _ => now,
        });
        // Called and admitted by one request: a reserved seat, or one whose holder did not know the number yet.
        if !was_called && self.called.insert((admitted.number, false)) {
            let picture = self.newest();
            let called_at = picture.and_then(|seen| {
                let batch = seen.line.passed_in(admitted.number)?;
                Some(seen.line.called_at(batch, now))
            });
            self.calls.push(called_at.unwrap_or(now));
        }
    }

    fn held(&mut self, index: usize, held: Held) {
        let (now, rules) = (self.now, self.rules);
        let visitor = &mut self.crowd[index];
        visitor.stage = Stage::Waiting;
        if held.ticket != TicketChange::Keep {
            // An early poll is answered but not credited.
            visitor.seen_at = now;
        }
        let status = held.status;
        if status.state == State::Called {
            // Whoever misses this call is told their place among the late comers.
            visitor.shown = None;
        }
        let wait = match status.state {
            State::Called => Duration::from_millis(self.dice.below(5_000)),
            _ => status.poll_after.max(TICK),
        };
        visitor.next_at = now.plus(wait);
        let number = visitor.browser.ticket().map(|ticket| ticket.number);
        if status.reason == Some(Reason::NewNumber) || number != visitor.number {
            // A new number that is called in being taken is no worse than the old one. Nor is one that was to be, whose
            // seat somebody took in between: it comes first.
            let at_once = status.state == State::Called || status.ahead == Some(0);
            // A pass that could not be renewed for the store's being lost was good to its end.
            let is_cut = self.mend_at.is_some()
                || now.since(self.mended_at) <= rules.session().ttl() + VISITS;
            let unrenewed = self.faults == Faults::Outages && visitor.was_called && is_cut;
            let lost = visitor.number.is_some() && visitor.is_steady(&rules) && !at_once;
            let lost = lost && !unrenewed;
            assert!(
                !lost,
                "a steady visitor's place was lost: {visitor:?} {status:?}"
            );
            visitor.shown = None;
            visitor.number = number;
            visitor.called = false;
            visitor.was_called = false;
        }
        if let Some(ahead) = status.ahead {
            assert!(
                visitor.shown.is_none_or(|shown| ahead <= shown),
                "the number rose"
            );
            visitor.shown = Some(ahead);
        }
    }

    /// The picture of the gateway that knows most.
    fn newest(&self) -> Option<Arc<Snapshot>> {
        let pictures = self
            .gateways
            .iter()
            .filter_map(|gateway| gateway.room.snapshot());
        pictures.max_by_key(|picture| (picture.line.id, picture.line.version, picture.next))
    }

    /// Who was called since the last look; and that nobody was called past somebody steady.
    fn note_calls(&mut self) {
        let Some(picture) = self.newest() else { return };
        let mut newly = Vec::new();
        for visitor in &mut self.crowd {
            let Some(ticket) = visitor.browser.ticket() else {
                continue;
            };
            let place = picture.place(&ticket, self.now, &self.rules);
            let called_at = match place {
                Place::Called { at, .. } => Some(at),
                _ => None,
            };
            let is_called = called_at.is_some();
            if is_called && !visitor.called {
                if self
                    .called
                    .insert((ticket.number, picture.marks.late.has(ticket.number)))
                {
                    self.calls.extend(called_at);
                }
                newly.push((ticket.number, visitor.was_called));
                visitor.was_called = true;
            }
            visitor.called = is_called;
        }
        let (rules, now, pace) = (self.rules, self.now, self.pace());
        // Who was passed over while away comes before the line, with at most half of a tick's calls.
        let is_lane = |(number, _): &&(Number, bool)| picture.marks.late.has(*number);
        let by_lane = newly.iter().filter(is_lane).count();
        let lane_has_its_half = by_lane > 0 && by_lane * 2 >= newly.len();
        let passed_over = |number: Number| {
            // Who is overdue near the front is passed over, and comes next on return.
            let waits = |visitor: &&Visitor| {
                let in_line = visitor.stage == Stage::Waiting && !visitor.was_called;
                let hangs = visitor.hangs.is_some();
                let due = hangs || visitor.next_at.plus(pace * 4) > now;
                // That somebody is back is known to the fleet when it was flushed and read.
                let just_back = |(_, to): (Timestamp, Timestamp)| now < to.plus(pace * 12);
                // After an outage the fleet hears of late comers with their next poll.
                let is_late = visitor
                    .number
                    .is_some_and(|own| picture.marks.gone.has(own));
                let unheard = is_late && now < self.mended_at.plus(LONGEST_POLL);
                let comes_next = is_late && lane_has_its_half;
                let known = !visitor.away.is_some_and(just_back) && !unheard && !comes_next;
                // A late comer who hangs is late once more.
                let was_away = visitor.away.is_some_and(|(from, _)| from <= now);
                let never_heard = was_away && (hangs || !visitor.hung.is_zero());
                in_line && due && known && !never_heard && visitor.polls_as_told(&rules)
            };
            let steady = self.crowd.iter().filter(waits);
            let before = steady.filter(|visitor| visitor.number.is_some_and(|own| own < number));
            before.cloned().collect::<Vec<_>>()
        };
        for (number, again) in newly {
            if !again && number >= picture.line.floor && !picture.marks.late.has(number) {
                let over = passed_over(number);
                assert!(
                    over.is_empty(),
                    "{number} was called before {over:?} at {now:?}"
                );
            }
        }
    }
}
