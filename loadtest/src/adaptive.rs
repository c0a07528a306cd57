//! `drill adaptive`: an origin whose capacity is known, before which a room has an adaptive limit, becomes half as fast
//! in the middle of a crowd. Real visitors over real HTTP; what the origin did is measured at the origin.

mod queue;
mod report;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;

pub use queue::best_rate;
pub use report::AdaptiveReport;

use crate::clock::{Clock, Moment};
use crate::line::http::Connection;
use crate::line::visitor::{Event, Place, Stage, Visitor};
use crate::origin::Origin;
use crate::record::Exchange;
use crate::tally::Count;
use crate::wire::Site;

/// Everything this drill needs to be told.
#[derive(Clone, Debug)]
pub struct AdaptiveDrill {
    /// The gateways; each visitor goes to one of them.
    pub gateways: Vec<Site>,
    /// The room and its page.
    pub room: String,
    /// Its page.
    pub path: String,
    /// Where the gateways look for their origin: it is served from here.
    pub origin: SocketAddr,
    /// What it works on at once.
    pub workers: usize,
    /// The mean work on one request while it is whole.
    pub work: Duration,
    /// The room's `target_p95`.
    pub target: Duration,
    /// People around: inside or waiting. More than the room ever lets in, so that the line never ends.
    pub crowd: u32,
    /// The mean stay, and the mean pause between an answer and the next request; both exponential.
    pub stay: Duration,
    /// See `stay`.
    pub think: Duration,
    /// When the origin becomes half as fast, when it is whole again, and when all is over.
    pub halved_at: Duration,
    /// See `halved_at`.
    pub whole_at: Duration,
    /// See `halved_at`.
    pub ends_at: Duration,
    /// Repeats stays and pauses.
    pub seed: u64,
}

/// What the visitors share.
#[derive(Debug)]
struct World {
    clock: Clock,
    start: Moment,
    drill: AdaptiveDrill,
    inside: AtomicU64,
    admitted: Count,
    troubles: Count,
}

/// What happened in one second.
#[derive(Clone, Debug, Default)]
struct Second {
    at: f64,
    /// From arrival to answer, of each answer, at the origin.
    answers: Vec<Duration>,
    /// Visitors inside at its end.
    inside: u64,
    /// Requests at the origin at its end, in work or in its queue.
    crowd: u64,
}

impl AdaptiveDrill {
    /// Runs the drill. `tell` hears of it about every five seconds.
    ///
    /// # Errors
    /// When the origin's address cannot be listened at.
    pub async fn run(&self, tell: impl Fn(&str)) -> std::io::Result<AdaptiveReport> {
        let clock = Clock::start();
        let start = clock.now();
        let origin = Origin::start(self.origin, self.workers, self.work).await?;
        let world = Arc::new(World {
            clock,
            start,
            drill: self.clone(),
            inside: AtomicU64::new(0),
            admitted: Count::default(),
            troubles: Count::default(),
        });
        let mut crowd = JoinSet::new();
        for number in 0..self.crowd {
            crowd.spawn(people(Arc::clone(&world), number));
        }
        let mut seconds: Vec<Second> = Vec::new();
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.tick().await;
        let mut works = [(0, Duration::ZERO); 3];
        while clock.now().since(start) < self.ends_at {
            second.tick().await;
            let at = clock.now().since(start);
            let is_halved = (self.halved_at..self.whole_at).contains(&at);
            origin.set_work(self.work * if is_halved { 2 } else { 1 });
            let phase = usize::from(at >= self.halved_at) + usize::from(at >= self.whole_at);
            let (done, busy) = origin.take_done();
            works[phase] = (works[phase].0 + done, works[phase].1 + busy);
            seconds.push(Second {
                at: at.as_secs_f64(),
                answers: origin.take_answers(),
                inside: world.inside.load(Ordering::Relaxed),
                crowd: origin.crowd(),
            });
            if seconds.len().is_multiple_of(5) {
                tell(&world.line(&seconds));
            }
        }
        crowd.abort_all();
        Ok(AdaptiveReport {
            drill: self.clone(),
            seconds,
            // What a timer and a busy machine make of the work is the origin's real speed.
            works: works.map(|(done, busy)| busy / u32::try_from(done).unwrap_or(1).max(1)),
            admitted: world.admitted.get(),
            troubles: world.troubles.get(),
        })
    }
}

impl World {
    fn line(&self, seconds: &[Second]) -> String {
        let last = seconds.last().cloned().unwrap_or_default();
        format!(
            "{:.0} s · inside {} · at the origin {} · answers {} · admitted {} · troubles {}",
            last.at,
            last.inside,
            last.crowd,
            last.answers.len(),
            self.admitted.get(),
            self.troubles.get(),
        )
    }
}

/// One after the other, without end: a visitor who waits, comes in, asks and thinks, and leaves.
async fn people(world: Arc<World>, number: u32) {
    let drill = &world.drill;
    let mut rng = SmallRng::seed_from_u64(drill.seed ^ u64::from(number) << 32);
    let gateway = &drill.gateways[number as usize % drill.gateways.len()];
    let mut connection = Connection::to(gateway.address);
    // They come over some seconds, and later ones right after those who left.
    let clock = world.clock;
    clock
        .sleep_until(
            world
                .start
                .plus(Duration::from_secs(5).mul_f64(rng.random())),
        )
        .await;
    let mut visit = number;
    loop {
        one(&world, (visit, gateway), &mut connection, &mut rng).await;
        visit = visit.wrapping_add(drill.crowd);
    }
}

async fn one(
    world: &World,
    (number, gateway): (u32, &Site),
    connection: &mut Connection,
    rng: &mut SmallRng,
) {
    let (drill, clock) = (&world.drill, world.clock);
    let place = Place {
        host: &gateway.authority,
        room: &drill.room,
        path: &drill.path,
    };
    let mut visitor = Visitor::new(number);
    let mut request = Vec::new();
    let mut leaves_at: Option<Moment> = None;
    loop {
        visitor.request(place, &mut request);
        let sent = clock.now();
        let (event, again) = match connection.exchange(&request).await {
            Ok(answer) => visitor.told(
                &answer,
                Exchange {
                    sent,
                    answered: clock.now(),
                },
                world.start,
            ),
            Err(_fault) => (
                Event::Trouble,
                Some(clock.now().plus(Duration::from_secs(1))),
            ),
        };
        match event {
            Event::Admitted => {
                world.inside.fetch_add(1, Ordering::Relaxed);
                world.admitted.add();
                leaves_at = Some(clock.now().plus(exponential(drill.stay, rng)));
            }
            Event::Trouble => world.troubles.add(),
            Event::Left => {
                world.inside.fetch_sub(1, Ordering::Relaxed);
                return;
            }
            _ => {}
        }
        // Inside: the next page after a pause, or out.
        let next = match visitor.stage {
            Stage::Done | Stage::Gone => return,
            Stage::Inside => {
                let thought = clock.now().plus(exponential(drill.think, rng));
                let leaves = leaves_at.unwrap_or(thought);
                if thought < leaves {
                    visitor.stage = Stage::Entering;
                }
                thought.min(leaves)
            }
            _ => again.unwrap_or(sent),
        };
        clock.sleep_until(next).await;
    }
}

fn exponential(mean: Duration, rng: &mut SmallRng) -> Duration {
    mean.mul_f64(-(1.0 - rng.random::<f64>()).ln())
}
