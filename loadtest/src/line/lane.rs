//! A lane: the visitors whose requests share one connection to each gateway, served one after the other in the order
//! in which they are due. Newcomers are taken when no poll is due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::World;
use super::http::Connection;
use super::visitor::{Event, Place, Stage, Visitor};
use crate::clock::Moment;
use crate::record::Exchange;

/// A poll this late may cost a place fairly: the slack that a poll near the front has is two seconds.
const TARDY: Duration = Duration::from_millis(2_500);
/// A poll this late is counted as late.
const LATE: Duration = Duration::from_secs(1);
/// How long a lane with nothing to do sleeps at most, so that it sees the end.
const NAP: Duration = Duration::from_millis(100);
/// A lane that fell this far behind with newcomers does not catch up: the crowd comes more slowly.
const BEHIND: Duration = Duration::from_millis(200);
/// After a request without an answer.
const AGAIN: Duration = Duration::from_secs(1);

/// One lane.
#[derive(Debug)]
pub(super) struct Lane {
    world: Arc<World>,
    connections: Vec<Connection>,
    /// When, and which of `visitors`.
    due: BinaryHeap<Reverse<(Moment, usize)>>,
    visitors: Vec<Visitor>,
    /// How many are to come, this lane's first number, and the step to the next.
    to_come: u32,
    first: u32,
    step: u32,
    next_arrival: Moment,
    gap: Duration,
    rng: SmallRng,
    request: Vec<u8>,
}

impl Lane {
    /// Lane `lane` of `lanes`: it has every `lanes`-th visitor.
    pub(super) fn new(world: &Arc<World>, lane: u32, lanes: u32) -> Self {
        let drill = &world.drill;
        let visitors = drill.visitors;
        let gap = Duration::from_secs(1)
            .mul_f64(f64::from(lanes) / f64::from(drill.joins_per_second.max(1)));
        let offset = gap.mul_f64(f64::from(lane) / f64::from(lanes));
        Self {
            world: Arc::clone(world),
            connections: drill
                .gateways
                .iter()
                .map(|site| Connection::to(site.address))
                .collect(),
            due: BinaryHeap::new(),
            visitors: Vec::new(),
            to_come: visitors / lanes + u32::from(lane < visitors % lanes),
            first: lane,
            step: lanes,
            next_arrival: world.start.plus(offset),
            gap,
            rng: SmallRng::seed_from_u64(drill.seed ^ u64::from(lane) << 32),
            request: Vec::new(),
        }
    }

    /// Serves its visitors until the drill ends; gives them back as they are then.
    pub(super) async fn run(mut self) -> Vec<Visitor> {
        let world = Arc::clone(&self.world);
        let (clock, takes_until) = (world.clock, world.start.plus(world.drill.join_within));
        let mut is_full = false;
        loop {
            let now = clock.now();
            if now >= world.end() {
                return self.visitors;
            }
            if !is_full && (self.visitors.len() as u32 == self.to_come || now >= takes_until) {
                is_full = true;
                world.lane_is_full();
            }
            let next = self.due.peek().map(|Reverse((due, _))| *due);
            if next.is_some_and(|due| due <= now) {
                let Some(Reverse((due, index))) = self.due.pop() else {
                    continue;
                };
                self.serve(due, index).await;
            } else if !is_full && self.next_arrival <= now {
                self.next_arrival = self.next_arrival.plus(self.gap).max(now.minus(BEHIND));
                let index = self.visitors.len();
                self.visitors
                    .push(Visitor::new(self.first + index as u32 * self.step));
                self.serve(now, index).await;
            } else {
                let arrival = (!is_full).then_some(self.next_arrival);
                let wake = [next, arrival].into_iter().flatten().min();
                clock
                    .sleep_until(
                        wake.unwrap_or(Moment::from_micros(u64::MAX))
                            .min(now.plus(NAP)),
                    )
                    .await;
            }
        }
    }

    /// One visitor's next request.
    async fn serve(&mut self, due: Moment, index: usize) {
        let Self {
            world,
            visitors,
            connections,
            request,
            rng,
            ..
        } = self;
        let visitor = &mut visitors[index];
        let sent = world.clock.now();
        let counts = &world.counts;
        if visitor.stage == Stage::Waiting && visitor.leaves_at.is_some_and(|at| at <= sent) {
            visitor.stage = Stage::Gone;
            counts.gone.add();
            return;
        }
        if visitor.stage == Stage::Waiting && visitor.joined.is_some() {
            let late = sent.since(due);
            visitor.is_tardy |= late >= TARDY;
            if late >= LATE {
                counts.late.add();
            }
        }
        let which = rng.random_range(0..connections.len());
        let drill = &world.drill;
        let place = Place {
            host: &drill.gateways[0].authority,
            room: &drill.room,
            path: &drill.path,
        };
        visitor.request(place, request);
        let (event, again) = match connections[which].exchange(request).await {
            Ok(answer) => {
                let exchange = Exchange {
                    sent,
                    answered: world.clock.now(),
                };
                visitor.told(&answer, exchange, world.start)
            }
            Err(_fault) => (Event::Trouble, Some(world.clock.now().plus(AGAIN))),
        };
        self.happened(index, event);
        if let Some(at) = again.or_else(|| self.leaving(index)) {
            self.due.push(Reverse((at, index)));
        }
    }

    fn happened(&mut self, index: usize, event: Event) {
        let counts = &self.world.counts;
        let visitor = &mut self.visitors[index];
        match event {
            Event::Arrived => counts.arrived.add(),
            Event::Joined => {
                counts.joined.add();
                let drill = &self.world.drill;
                let leaves = self.rng.random_bool(drill.leave);
                let after = drill.leave_within.mul_f64(self.rng.random());
                visitor.leaves_at = visitor
                    .joined
                    .filter(|_| leaves)
                    .map(|joined| joined.answered.plus(after));
                if visitor.stage == Stage::Called {
                    counts.called.add();
                }
            }
            Event::Polled => counts.polled.add(),
            Event::Called => {
                counts.polled.add();
                counts.called.add();
            }
            Event::Admitted => counts.admitted.add(),
            Event::Left => counts.left.add(),
            Event::Trouble => counts.troubles.add(),
            Event::Nothing => {}
        }
    }

    /// When somebody who just came in wants to leave.
    fn leaving(&mut self, index: usize) -> Option<Moment> {
        let visitor = &self.visitors[index];
        let since = visitor.claimed.filter(|_| visitor.stage == Stage::Inside)?;
        let stay = self
            .world
            .drill
            .stay
            .mul_f64(0.5 + self.rng.random::<f64>());
        Some(since.plus(stay))
    }
}
