//! One room, a clock, and a crowd that notes what it was told and when it was called.

use std::{sync::Arc, time::Duration};

use policies::admission::{Admission, Spec};
use waiting_room::{
    Outcome, Reason, State, Timestamp,
    controller::TICK,
    orders::{Order, Word},
    store::memory::MemoryStore,
};

use crate::{
    fleet::{Browser, Gateway, START},
    history::Dice,
};

/// Between two requests of somebody inside.
const VISITS: Duration = Duration::from_secs(10);

/// How a crowd behaves.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    /// So many come within the first ten seconds.
    pub(crate) rush: usize,
    /// And then so many in a minute.
    pub(crate) trickle: u64,
    /// Of a hundred, so many close the page without a word.
    pub(crate) vanish: u64,
    /// Within so many seconds of joining.
    pub(crate) vanish_within: u64,
    /// Seconds inside, in the mean.
    pub(crate) stay: f64,
    pub(crate) stays: Stays,
}

/// How stays differ.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stays {
    /// Each is as likely to end at any moment: the hardest to foresee.
    Memoryless,
    /// From half of the mean to one and a half.
    Alike,
}

/// What somebody was told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) at: Timestamp,
    pub(crate) p50: Duration,
    pub(crate) p90: Duration,
    pub(crate) reason: Option<Reason>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Outside,
    Waiting,
    Inside { until: Timestamp },
    Done,
}

pub(crate) struct Visitor {
    browser: Browser,
    stage: Stage,
    next_at: Timestamp,
    vanishes_at: Option<Timestamp>,
    stay: Duration,
    pub(crate) told: Vec<Told>,
    pub(crate) called_at: Option<Timestamp>,
}

/// The room and everybody around it.
pub(crate) struct Play {
    pub(crate) gateway: Gateway,
    pub(crate) crowd: Vec<Visitor>,
    pub(crate) now: Timestamp,
    dice: Dice,
    /// Requests a second that the origin can take, if the room adapts to it.
    origin: Option<f64>,
}

pub(crate) fn rules(active: Option<u32>, per_minute: Option<u32>) -> Admission {
    let spec = Spec {
        active,
        per_minute,
        ttl: Duration::from_secs(120),
        ..Spec::default()
    };
    Admission::new(spec).expect("valid")
}

fn unit(dice: &mut Dice) -> f64 {
    (dice.roll() >> 11) as f64 / (1_u64 << 53) as f64
}

impl Visitor {
    fn new(dice: &mut Dice, arrives: Timestamp, crowd: &Crowd) -> Self {
        let vanishes = dice.chance(crowd.vanish);
        let after = Duration::from_millis(dice.below(crowd.vanish_within * 1_000 + 1));
        let stay = crowd.stay
            * match crowd.stays {
                Stays::Memoryless => -(1.0 - unit(dice)).ln(),
                Stays::Alike => 0.5 + unit(dice),
            };
        Self {
            browser: Browser::default(),
            stage: Stage::Outside,
            next_at: arrives,
            vanishes_at: vanishes.then(|| arrives.plus(after)),
            stay: Duration::from_secs_f64(stay),
            told: Vec::new(),
            called_at: None,
        }
    }
}

impl Play {
    pub(crate) fn new(seed: u64, rules: Admission, crowd: &Crowd, length: Duration) -> Self {
        let mut dice = Dice(seed);
        let store = Arc::new(MemoryStore::new());
        let begin = START.plus(Duration::from_secs(5));
        let mut visitors = Vec::new();
        for _ in 0..crowd.rush {
            let at = begin.plus(Duration::from_millis(dice.below(10_000)));
            visitors.push(Visitor::new(&mut dice, at, crowd));
        }
        let minutes = length.as_secs() / 60;
        for _ in 0..crowd.trickle * minutes {
            let at = begin.plus(Duration::from_millis(10_000 + dice.below(minutes * 60_000)));
            visitors.push(Visitor::new(&mut dice, at, crowd));
        }
        Self {
            gateway: Gateway::new(1, store, rules),
            crowd: visitors,
            now: START,
            dice,
            origin: None,
        }
    }

    /// An origin that answers in 40 ms when idle, and in ever longer as it nears so many requests a second: everybody
    /// inside asks once a second.
    pub(crate) fn with_origin(mut self, per_second: f64) -> Self {
        self.origin = Some(per_second);
        self
    }

    fn ask_the_origin(&self, per_second: f64) {
        let is_inside = |visitor: &&Visitor| matches!(visitor.stage, Stage::Inside { .. });
        let inside = self.crowd.iter().filter(is_inside).count();
        let load = (inside as f64 / per_second).min(0.99);
        let took = Duration::from_secs_f64((0.04 / (1.0 - load)).min(4.0));
        let meter = self.gateway.room.meter();
        (0..inside).for_each(|_| meter.begin().answered(took));
    }

    /// Whoever has not come in yet stays so many times as long.
    pub(crate) fn stretch(&mut self, times: f64) {
        let outside = self
            .crowd
            .iter_mut()
            .filter(|visitor| visitor.called_at.is_none());
        outside.for_each(|visitor| visitor.stay = visitor.stay.mul_f64(times));
    }

    pub(crate) async fn order(&mut self, word: Word) {
        let order = Order::new(self.dice.roll(), self.now, "kim", word).expect("valid");
        assert_eq!(self.gateway.room.order(&order).await, Ok(()));
    }

    /// Plays until `seconds` after the start.
    pub(crate) async fn until(&mut self, seconds: u64) {
        let end = START.plus(Duration::from_secs(seconds));
        while self.now < end {
            self.now = self.now.plus(TICK);
            if let Some(origin) = self.origin.filter(|_| self.now.0.is_multiple_of(1_000)) {
                self.ask_the_origin(origin);
            }
            self.gateway.step(self.now).await;
            for index in 0..self.crowd.len() {
                let visitor = &self.crowd[index];
                if visitor.stage != Stage::Done && visitor.next_at <= self.now {
                    self.act(index).await;
                }
            }
        }
    }

    async fn act(&mut self, index: usize) {
        let (now, entropy) = (self.now, self.dice.roll());
        let (visitor, gateway) = (&mut self.crowd[index], &self.gateway);
        let waits = !matches!(visitor.stage, Stage::Inside { .. });
        if waits && visitor.vanishes_at.is_some_and(|at| at <= now) {
            visitor.stage = Stage::Done;
            return;
        }
        if let Stage::Inside { until } = visitor.stage
            && until <= now
        {
            let _ = visitor.browser.leave(gateway, now).await;
            visitor.stage = Stage::Done;
            return;
        }
        let comes_in = match visitor.stage {
            Stage::Waiting => visitor.called_at.is_some(),
            _ => true,
        };
        let mut outcome = match comes_in {
            true => visitor.browser.enter(gateway, now, entropy).await,
            false => visitor.browser.status(gateway, now, entropy).await,
        };
        if visitor.stage == Stage::Outside && matches!(outcome, Outcome::Held(_)) {
            // The second request, which brings the challenge back, follows at once.
            outcome = visitor.browser.enter(gateway, now, entropy).await;
        }
        match outcome {
            Outcome::Admitted(_) => {
                visitor.called_at = visitor.called_at.or(Some(now));
                let until = match visitor.stage {
                    Stage::Inside { until } => until,
                    _ => now.plus(visitor.stay),
                };
                visitor.stage = Stage::Inside { until };
                visitor.next_at = now.plus(VISITS).min(until.max(now.plus(TICK)));
            }
            Outcome::Held(held) => {
                let status = held.status;
                visitor.stage = Stage::Waiting;
                visitor.next_at = now.plus(status.poll_after.max(TICK));
                if status.state == State::Called {
                    visitor.called_at = visitor.called_at.or(status.called_at);
                    visitor.next_at = now.plus(Duration::from_millis(self.dice.below(3_000)));
                } else if let Some(eta) = status.eta {
                    visitor.told.push(Told {
                        at: status.updated_at,
                        p50: eta.p50,
                        p90: eta.p90,
                        reason: status.reason,
                    });
                }
            }
        }
    }
}
