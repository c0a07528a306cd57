//! A crowd without end before a room, two gateways and an origin, stepped event by event. No clock:
//! the same seed is the same history.
//!
//! Who is called comes in within two seconds, asks at once, thinks, asks again, and leaves after an
//! exponential stay, if not in the middle of a request. Each gateway flushes its health every quarter
//! of a second at a time of its own. One tick in ten is lost.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, VecDeque},
    time::Duration,
};

use policies::admission::adaptive::{Adaptive, Unit};

use super::origin::{Offered, Origin, Random, Shop};
use crate::{
    adaptive::{Demand, Health, Latencies, Limit, Observed},
    value::Timestamp,
};

const GATEWAYS: usize = 2;
const QUARTER: f64 = 0.25;
const LOST_TICKS: f64 = 0.1;
const START: Timestamp = Timestamp(1_790_000_000_000);

/// Who decides how many may be inside.
#[derive(Clone, Copy, Debug)]
pub(super) enum Policy {
    /// Always so many.
    Fixed(u32),
    /// The law.
    Adaptive,
}

/// A history before it happens. Times in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) rules: Adaptive,
    pub(super) policy: Policy,
    pub(super) origin: Origin,
    /// Mean time a visitor stays.
    pub(super) stay: f64,
    /// Mean time between an answer and the next request.
    pub(super) think: f64,
    pub(super) seed: u64,
}

/// What happened in one second.
#[derive(Clone, Debug, Default)]
pub(super) struct Second {
    pub(super) latencies: Latencies,
    pub(super) failures: u32,
    /// Answers within the target.
    pub(super) good: u32,
    /// The limit at its beginning.
    pub(super) limit: u32,
    /// Most visitors inside.
    pub(super) inside: u32,
}

#[derive(Clone, Copy, Debug)]
struct Visitor {
    gateway: usize,
    leaves_at: f64,
    asked_at: f64,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    ComesIn,
    Asks(Visitor),
    IsAnswered(Visitor),
    Leaves,
    Flush(usize),
    Tick,
}

/// Events in the order of their microsecond, then of their making.
#[derive(Clone, Copy, Debug)]
struct Due(u64, u64, Event);

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

/// What a gateway flushed, as the store gives it back, and which time it covers.
struct Flushed {
    from: f64,
    to: f64,
    health: Health,
}

struct World {
    setup: Setup,
    now: f64,
    random: Random,
    due: BinaryHeap<Reverse<Due>>,
    made: u64,
    shop: Shop<Visitor>,
    inside: u32,
    measured: [Health; GATEWAYS],
    in_flight: [u32; GATEWAYS],
    store: VecDeque<Flushed>,
    limit: Limit,
    seconds: Vec<Second>,
}

/// The history of so many seconds.
pub(super) fn happen(setup: Setup, seconds: f64) -> Vec<Second> {
    let mut world = World::begin(setup);
    while let Some(Reverse(Due(at, _, event))) = world.due.pop() {
        world.now = at as f64 / 1e6;
        if world.now >= seconds {
            break;
        }
        world.happens(event);
    }
    world.seconds
}

impl World {
    fn begin(setup: Setup) -> Self {
        let mut world = Self {
            now: 0.0,
            random: Random(setup.seed),
            due: BinaryHeap::new(),
            made: 0,
            shop: Shop::open(setup.origin),
            inside: 0,
            measured: Default::default(),
            in_flight: [0; GATEWAYS],
            store: VecDeque::new(),
            limit: Limit::open(&setup.rules, 0, START),
            seconds: Vec::new(),
            setup,
        };
        world.plan(0.0, Event::Tick);
        for gateway in 0..GATEWAYS {
            world.plan(0.07 + 0.11 * gateway as f64, Event::Flush(gateway));
        }
        world
    }

    fn plan(&mut self, after: f64, event: Event) {
        self.made += 1;
        let at = ((self.now + after) * 1e6) as u64;
        self.due.push(Reverse(Due(at, self.made, event)));
    }

    fn second(&mut self) -> &mut Second {
        let index = self.now as usize;
        while self.seconds.len() <= index {
            let limit = match self.setup.policy {
                Policy::Fixed(limit) => limit,
                Policy::Adaptive => self.limit.get(),
            };
            self.seconds.push(Second {
                limit,
                ..Second::default()
            });
        }
        &mut self.seconds[index]
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::ComesIn => {
                let stay = self.random.exponential(self.setup.stay);
                let visitor = Visitor {
                    gateway: (self.random.uniform() * GATEWAYS as f64) as usize,
                    leaves_at: self.now + stay,
                    asked_at: self.now,
                };
                self.asks(visitor);
            }
            Event::Asks(visitor) => self.asks(visitor),
            Event::IsAnswered(visitor) => self.is_answered(visitor),
            Event::Leaves => self.inside -= 1,
            Event::Flush(gateway) => self.flush(gateway),
            Event::Tick => self.tick(),
        }
    }

    fn asks(&mut self, visitor: Visitor) {
        let visitor = Visitor {
            asked_at: self.now,
            ..visitor
        };
        self.in_flight[visitor.gateway] += 1;
        match self.shop.offer(visitor, self.now, &mut self.random) {
            Offered::Begun(visitor, work) => self.plan(work, Event::IsAnswered(visitor)),
            Offered::Queued => {}
            Offered::Refused(visitor) => {
                self.in_flight[visitor.gateway] -= 1;
                self.measured[visitor.gateway].failures += 1;
                self.second().failures += 1;
                self.thinks(visitor);
            }
        }
    }

    fn is_answered(&mut self, visitor: Visitor) {
        let took = Duration::from_secs_f64(self.now - visitor.asked_at);
        self.in_flight[visitor.gateway] -= 1;
        self.measured[visitor.gateway].latencies.record(took);
        let is_good = took <= self.setup.rules.target_p95();
        let second = self.second();
        second.latencies.record(took);
        second.good += u32::from(is_good);
        self.thinks(visitor);
        if let Some((next, work)) = self.shop.finish(self.now, &mut self.random) {
            self.plan(work, Event::IsAnswered(next));
        }
    }

    fn thinks(&mut self, visitor: Visitor) {
        let think = self.random.exponential(self.setup.think);
        let left = visitor.leaves_at - self.now;
        match think < left {
            true => self.plan(think, Event::Asks(visitor)),
            false => self.plan(left.max(0.0), Event::Leaves),
        }
    }

    fn flush(&mut self, gateway: usize) {
        let mut health = std::mem::take(&mut self.measured[gateway]);
        health.busy = Duration::from_secs_f64(QUARTER) * self.in_flight[gateway];
        let (from, to) = (self.now - QUARTER, self.now);
        let health = Health::decode(&health.encode()).expect("encoded here");
        self.store.push_back(Flushed { from, to, health });
        while self.store[0].to < self.now - 31.0 {
            self.store.pop_front();
        }
        self.plan(QUARTER, Event::Flush(gateway));
    }

    fn tick(&mut self) {
        self.plan(QUARTER, Event::Tick);
        if self.random.uniform() < LOST_TICKS {
            return;
        }
        let calls = match self.setup.policy {
            Policy::Fixed(limit) => self.fixed_budget(limit),
            Policy::Adaptive => self.adaptive_budget(),
        };
        self.inside += calls;
        for _ in 0..calls {
            let comes_in = 0.1 + 1.9 * self.random.uniform();
            self.plan(comes_in, Event::ComesIn);
        }
        let inside = self.inside;
        let second = self.second();
        second.inside = second.inside.max(inside);
    }

    fn fixed_budget(&mut self, limit: u32) -> u32 {
        match self.setup.rules.unit() {
            Unit::Seats => limit.saturating_sub(self.inside),
            // The ticks that come take the calls of those that are lost.
            Unit::PerMinute => {
                let per_tick = f64::from(limit) / 60.0 * QUARTER / (1.0 - LOST_TICKS);
                (per_tick + self.random.uniform()) as u32
            }
        }
    }

    fn adaptive_budget(&mut self) -> u32 {
        let now = START.plus(Duration::from_secs_f64(self.now));
        let from = self.limit.health_from(now).since(START).as_secs_f64();
        let mut health = Health::default();
        let (mut first, mut last) = (self.now, self.now);
        for flushed in self.store.iter().filter(|f| f.from >= from - 0.001) {
            health.merge(&flushed.health);
            first = first.min(flushed.from);
            last = flushed.to;
        }
        let seen = Observed {
            health,
            span: Duration::from_secs_f64((last - first).max(0.0)),
            inside: self.inside,
            demand: Demand::HeldBack,
        };
        let rules = &self.setup.rules;
        let (mut limit, _) = self.limit.step(rules, &seen, now);
        let bounds = rules.floor().get()..=rules.ceiling().get();
        assert!(bounds.contains(&limit.get()), "{limit:?} passes {bounds:?}");
        let calls = limit.budget(self.inside);
        limit.spend(calls);
        self.limit = Limit::decode(&limit.encode()).expect("encoded here");
        assert_eq!(self.limit, limit, "the store keeps all of it");
        calls
    }
}
