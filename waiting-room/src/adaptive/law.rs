//! The limit and how it moves. The reasons are in [the module's head](super).

use std::time::Duration;

use policies::admission::adaptive::{Adaptive, Unit};

use super::{Pause, Trouble, Verdict, evidence::Evidence, flow::Flow, health::Health};
use crate::value::{Timestamp, millis};

/// The shortest window while the origin is in trouble, when the newest counts most, and while it is not.
const WINDOW_TROUBLE: Duration = Duration::from_secs(2);
const WINDOW_CALM: Duration = Duration::from_secs(3);
/// The longest: what is older says nothing about now.
pub(super) const WINDOW_MOST: Duration = Duration::from_secs(30);
/// The answers a window is to hold: with a hundred a p95 is off by a fifth, with two hundred by less.
const SAMPLES_TROUBLE: f64 = 100.0;
const SAMPLES_CALM: f64 = 200.0;
/// A window's health is on average half a window old, and then it was flushed and read.
const FLUSHED_AND_READ: f64 = 0.25;

/// A room opens at this part of its ceiling, or with this many seats: all of them at once, each with a
/// first request, is the worst minute an origin can have.
const OPENS_AT: f64 = 0.5;
const OPENS_WITH_SEATS: f64 = 10.0;
/// The first cut of a trouble is at least this much, so that it shows.
const FIRST_CUT: f64 = 0.03;
/// When an origin fails, visitors are cut by the share that fails and this much, to come below its knee.
const FAILING_CUT: f64 = 0.02;
/// The p95, as a part of its target, under which there is headroom.
const HEADROOM: f64 = 0.9;
/// Headroom counts twice its square: with most of it a step is whole, with a fifth it is a twelfth.
const CAUTION: f64 = 2.0;
/// A step of this part of the limit or less is careful, and waits for a longer look.
const CAREFUL: f64 = 0.25;
const LOOK_CAREFUL: Duration = Duration::from_secs(3);
const LOOK_FAR: Duration = Duration::from_secs(2);
/// Steps are the distance from the knee, within these parts of the limit. Above the knee is unknown land.
const STEP_LEAST: f64 = 0.1;
const STEP_MOST_BELOW: f64 = 0.5;
const STEP_MOST_ABOVE: f64 = 0.2;
/// A room this full is as full as its limit allows: seats stand empty for a moment between two visitors.
const FULL: f64 = 0.8;
/// Where the limit waits in patience, as a part of the knee.
const PATIENT_AT: f64 = 0.85;
/// Patience lasts this many times what the trouble cost (the part of the room that stood empty, times
/// for how long), so that probing an origin that collapses costs a few per cent; and never longer than that.
const PATIENCE: f64 = 30.0;
const PATIENCE_MOST: f64 = 150.0;
/// A median under this part of the one after the last trouble is another origin, or the old one again.
const FASTER: f64 = 0.7;
/// For how long after a trouble the median is taken for what the origin does uncrowded.
const UNCROWDED: Duration = Duration::from_secs(5);
/// Under this part of the knee visitors are told why: there the line is visibly slower than it was.
const TOLD_BELOW: f64 = 0.8;

/// Whether the limit is what holds people back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// After the last tick somebody still waited, whom only this limit held back.
    HeldBack,
    /// Nobody waited, or another limit of the room held them back.
    Met,
}

/// What is known at a step.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The fleet's health since [`Limit::health_from`], or as far back as there is any.
    pub health: Health,
    /// How much time that covers.
    pub span: Duration,
    /// Visitors inside: live passes and open calls.
    pub inside: u32,
    /// Whether anybody is held back.
    pub demand: Demand,
}

/// The limit of a room, as it is kept in the store.
///
/// ```
/// # use std::time::Duration;
/// # use policies::admission::{Admission, Spec, adaptive::AdaptiveSpec};
/// # use waiting_room::{Timestamp, adaptive::{Demand, Health, Limit, Observed}};
/// # let adaptive = Some(AdaptiveSpec::new(Duration::from_millis(200)));
/// # let admission = Admission::new(Spec { active: Some(100), adaptive, ..Spec::default() });
/// # let rules = admission.expect("valid").adaptive().expect("said");
/// let mut limit = Limit::open(&rules, 0, Timestamp(0));
/// // Each tick:
/// let now = Timestamp(250);
/// let from = limit.health_from(now); // the fleet's health from there on is to be added up
/// let seen = Observed { health: Health::default(), span: now.since(from), inside: 0, demand: Demand::Met };
/// let (mut next, verdict) = limit.step(&rules, &seen, now);
/// let called = next.budget(seen.inside).min(3); // three wait
/// next.spend(called);
/// limit = next; // and is written with the line
/// # assert_eq!((limit.get(), verdict.name()), (50, "held_unsure"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// What `level` counts.
    pub(super) unit: Unit,
    /// The limit; whole ones count.
    pub(super) level: f64,
    /// The level at which trouble was met last; at first the ceiling.
    pub(super) knee: f64,
    /// Visitors inside, averaged to be as old as the health they caused.
    pub(super) inside: f64,
    /// The median answer when the origin was last uncrowded, in seconds; 0 if not known.
    pub(super) uncrowded: f64,
    /// Calls and leavings.
    pub(super) flow: Flow,
    /// Whether the origin is in trouble now.
    pub(super) is_in_trouble: bool,
    /// What the last trouble was.
    pub(super) last_trouble: Option<Trouble>,
    /// When the present trouble or calm began.
    pub(super) turned_at: Timestamp,
    /// Health from before is about another limit.
    pub(super) judged_from: Timestamp,
    /// Until then the limit stays under the knee.
    pub(super) patient_until: Timestamp,
    /// When it was stepped last.
    pub(super) stepped_at: Timestamp,
    /// How far back the next step wants to look, in milliseconds.
    pub(super) window_ms: u32,
}

impl Limit {
    /// The limit of a room that has `inside` visitors and none of its own yet: half the ceiling, at
    /// least 10 seats and at least those inside; in calls a minute, the ceiling.
    #[must_use]
    pub fn open(rules: &Adaptive, inside: u32, now: Timestamp) -> Self {
        let (floor, ceiling) = bounds(rules);
        let half = match rules.unit() {
            Unit::Seats => (ceiling * OPENS_AT).max(OPENS_WITH_SEATS),
            Unit::PerMinute => ceiling,
        };
        let inside_now = f64::from(inside);
        Self {
            unit: rules.unit(),
            level: half.max(inside_now).clamp(floor, ceiling),
            knee: ceiling,
            inside: inside_now,
            uncrowded: 0.0,
            flow: Flow::begin(inside),
            is_in_trouble: false,
            last_trouble: None,
            turned_at: now,
            judged_from: now,
            patient_until: now,
            stepped_at: now,
            window_ms: to_millis(WINDOW_TROUBLE),
        }
    }

    /// From when on the next step wants the origin's health, in whole flushes that began then or later:
    /// up to two seconds where there are many answers, up to thirty where there are few, and none that is
    /// about another limit.
    #[must_use]
    pub fn health_from(&self, now: Timestamp) -> Timestamp {
        let window = Duration::from_millis(u64::from(self.window_ms));
        now.minus(window).max(self.judged_from)
    }

    /// What it counts.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The limit: visitors inside at once, or calls a minute. Within the bounds of the last step.
    #[must_use]
    pub fn get(&self) -> u32 {
        self.level as u32
    }

    /// How many may be called now, with so many inside. Calls a minute are spread over the minute: what
    /// was not called is kept for ten seconds.
    #[must_use]
    pub fn budget(&self, inside: u32) -> u32 {
        match self.unit {
            Unit::Seats => self.get().saturating_sub(inside),
            Unit::PerMinute => self.flow.credit as u32,
        }
    }

    /// So many were called.
    pub fn spend(&mut self, called: u32) {
        self.flow.spend(called);
    }

    /// What visitors are to be told, if the origin is why they wait longer than others did before.
    #[must_use]
    pub fn reason(&self) -> Option<Trouble> {
        self.last_trouble
            .filter(|_| self.is_in_trouble || self.level < TOLD_BELOW * self.knee)
    }

    /// The limit as it shall be, and why. Room time: `now` is never before that of the last step, or
    /// nothing has passed.
    #[must_use]
    pub fn step(self, rules: &Adaptive, seen: &Observed, now: Timestamp) -> (Self, Verdict) {
        let mut next = match self.unit == rules.unit() {
            true => self,
            false => Self::open(rules, seen.inside, now),
        };
        let (floor, ceiling) = bounds(rules);
        next.level = next.level.clamp(floor, ceiling);
        let elapsed = now.since(next.stepped_at);
        next.watch(seen.inside, elapsed);
        let evidence = Evidence::weigh(seen, rules);
        let verdict = match evidence.trouble {
            Some(trouble) => next.lower(trouble, &evidence, rules, now),
            None if next.is_in_trouble => next.recover(&evidence, rules, now),
            None => next.climb(&evidence, seen, rules, now),
        };
        // While too many are inside, calls a minute only keep the door from closing.
        let is_emptying = next.is_in_trouble && next.level_for(seen.inside.into()) > next.level;
        let pace = if is_emptying { floor } else { next.level };
        next.flow.earn(pace, elapsed);
        next.stepped_at = now.max(next.stepped_at);
        next.window_ms = to_millis(next.window(evidence.rate));
        (next, verdict)
    }

    fn watch(&mut self, inside: u32, elapsed: Duration) {
        let age = f64::from(self.window_ms) / 2_000.0 + FLUSHED_AND_READ;
        let weight = 1.0 - (-elapsed.as_secs_f64() / age).exp();
        self.inside += (f64::from(inside) - self.inside) * weight;
        self.flow.watch(inside, elapsed);
    }

    /// The origin is in trouble: no more than who is not in its queue.
    fn lower(
        &mut self,
        trouble: Trouble,
        seen: &Evidence,
        rules: &Adaptive,
        now: Timestamp,
    ) -> Verdict {
        let (floor, ceiling) = bounds(rules);
        let queue = seen.in_flight.min(self.inside) * (1.0 - seen.target / seen.p95).max(0.0);
        let mut keep = self.inside - queue;
        if trouble == Trouble::Failing {
            keep = keep.min(self.inside * (1.0 - seen.failed) * (1.0 - FAILING_CUT));
        }
        if !self.is_in_trouble {
            keep = keep.min(self.inside * (1.0 - FIRST_CUT));
            let reached = self.inside.max(f64::from(self.flow.inside));
            let reached = self.level_for(reached).min(self.level);
            self.knee = reached.clamp(floor, ceiling);
            self.is_in_trouble = true;
            self.turned_at = now;
            // In trouble the newest counts, whichever limit it is about.
            self.judged_from = Timestamp(0);
        }
        self.last_trouble = Some(trouble);
        let level = self.level_for(keep).clamp(floor, ceiling);
        if level >= self.level {
            return Verdict::Held(Pause::Recovering);
        }
        self.level = level;
        Verdict::Lowered(trouble)
    }

    /// It was lowered, and trouble is no longer seen: is the origin well?
    fn recover(&mut self, seen: &Evidence, rules: &Adaptive, now: Timestamp) -> Verdict {
        if !seen.is_enough || seen.p95 >= seen.target {
            return Verdict::Held(Pause::Recovering);
        }
        // As many as are inside now it can take: deeper was not needed.
        let (floor, ceiling) = bounds(rules);
        let inside = self.level_for(self.flow.inside.into());
        self.level = self.level.max(inside).clamp(floor, ceiling);
        let lasted = now.since(self.turned_at).as_secs_f64();
        let cost = lasted * (1.0 - self.level / self.knee).max(0.0);
        let patience = (PATIENCE * cost).min(PATIENCE_MOST);
        self.patient_until = now.plus(Duration::from_secs_f64(patience));
        self.is_in_trouble = false;
        self.turned_at = now;
        self.judged_from = now;
        Verdict::Held(Pause::Settling)
    }

    /// All is well, as far as can be seen: is there headroom, and anybody to use it?
    fn climb(
        &mut self,
        seen: &Evidence,
        observed: &Observed,
        rules: &Adaptive,
        now: Timestamp,
    ) -> Verdict {
        if !seen.is_enough {
            return Verdict::Held(Pause::Unsure);
        }
        let distance = (self.level / self.knee - 1.0).abs();
        let look = match distance > CAREFUL {
            true => LOOK_FAR,
            false => LOOK_CAREFUL,
        };
        if now.since(self.judged_from) < look {
            return Verdict::Held(Pause::Settling);
        }
        self.notice_another_origin(seen.median, now);
        let headroom = 1.0 - seen.p95 / (HEADROOM * seen.target);
        if headroom <= 0.0 {
            return Verdict::Held(Pause::NearTarget);
        }
        let is_full = self.level_for(self.flow.inside.into()) >= FULL * self.level.floor();
        if observed.demand == Demand::Met || !is_full {
            return Verdict::Held(Pause::Unbound);
        }
        let (_, ceiling) = bounds(rules);
        if self.level >= ceiling {
            return Verdict::Held(Pause::AtCeiling);
        }
        let most = match self.level > self.knee {
            true => STEP_MOST_ABOVE,
            false => STEP_MOST_BELOW,
        };
        let caution = (CAUTION * headroom * headroom).min(1.0);
        let step = self.level * distance.clamp(STEP_LEAST, most) * caution;
        let mut level = (self.level + step.max(1.0)).min(ceiling);
        if now < self.patient_until {
            level = level.min((self.knee * PATIENT_AT).floor());
        }
        if level <= self.level {
            return Verdict::Held(Pause::Patient);
        }
        self.level = level;
        self.judged_from = now;
        Verdict::Raised
    }

    /// Patience is with the origin that collapsed. If it answers much faster than it did right after,
    /// uncrowded as it was then, it has got its strength back.
    fn notice_another_origin(&mut self, median: f64, now: Timestamp) {
        let is_faster = median < FASTER * self.uncrowded;
        if is_faster {
            self.patient_until = now;
        }
        let is_uncrowded = now.since(self.turned_at) < UNCROWDED;
        if is_faster || is_uncrowded || self.uncrowded == 0.0 {
            self.uncrowded = median;
        }
    }

    /// The limit that keeps so many inside. Before anybody was seen to leave, by what it is with those
    /// inside now.
    fn level_for(&self, visitors: f64) -> f64 {
        match (self.unit, self.flow.calls_for_one()) {
            (Unit::Seats, _) => visitors,
            (Unit::PerMinute, Some(calls)) => visitors * calls,
            (Unit::PerMinute, None) => visitors * self.level / self.inside.max(1.0),
        }
    }

    fn window(&self, requests_per_second: f64) -> Duration {
        let (samples, least) = match self.is_in_trouble {
            true => (SAMPLES_TROUBLE, WINDOW_TROUBLE),
            false => (SAMPLES_CALM, WINDOW_CALM),
        };
        let most = WINDOW_MOST.as_secs_f64();
        let wanted = (samples / requests_per_second.max(f64::MIN_POSITIVE)).min(most);
        Duration::from_secs_f64(wanted).max(least)
    }
}

/// Floor and ceiling.
fn bounds(rules: &Adaptive) -> (f64, f64) {
    (rules.floor().get().into(), rules.ceiling().get().into())
}

fn to_millis(window: Duration) -> u32 {
    u32::try_from(millis(window.min(WINDOW_MOST))).expect("half a minute fits")
}
