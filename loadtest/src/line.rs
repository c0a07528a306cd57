//! `drill line`: one very long line through real HTTP. A visitor is a few hundred bytes here and not a task, so that
//! a million of them fit beside the gateway; their requests share some kept connections, since a visitor's token is
//! in a header of an app's request and each has an address of its own in `X-Forwarded-For`.
//!
//! The crowd joins as fast as the machine lets it, polls have precedence over newcomers, and whoever is late against
//! what it was told is counted: on two cores the load, the gateway and Redis take from each other.

mod estimates;
mod figures;
pub(crate) mod http;
mod lane;
mod log;
mod report;
pub(crate) mod visitor;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

pub use estimates::{Accuracy, Row, accuracy};
pub use figures::LineFigures;
pub use report::LineReport;

use crate::clock::{Clock, Moment};
use crate::figures::Limits;
use crate::tally::Count;
use crate::wire::Site;
use lane::Lane;
use visitor::Visitor;
use watch::Second;

/// Everything this drill needs to be told.
#[derive(Clone, Debug)]
pub struct LineDrill {
    /// How many come.
    pub visitors: u32,
    /// Newcomers a second at most.
    pub joins_per_second: u32,
    /// Newcomers are taken for so long at most.
    pub join_within: Duration,
    /// The line goes on for so long after the last newcomer, and is cut then.
    pub goes_on: Duration,
    /// Connections to each gateway.
    pub connections: u32,
    /// The gateways; each request goes to any of them.
    pub gateways: Vec<Site>,
    /// The room under test.
    pub room: String,
    /// Its page.
    pub path: String,
    /// What its configuration allows.
    pub limits: Limits,
    /// How long a call is kept, as configured: what one that nobody answers costs its seat.
    pub call_grace: Duration,
    /// The mean stay of who came in, spread evenly from half of it to one and a half.
    pub stay: Duration,
    /// The share that goes away silently while it waits.
    pub leave: f64,
    /// When those go: evenly within so long after joining.
    pub leave_within: Duration,
    /// Repeats who leaves and how long people stay.
    pub seed: u64,
    /// The servers, as the machine and they themselves see them.
    pub watched: Watched,
}

/// Where the servers' own figures are read.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// The store.
    pub redis: Option<SocketAddr>,
    /// The gateways' processes.
    pub gateway_pids: Vec<u32>,
    /// The directory of the gateways' line logs.
    pub line_logs: Option<PathBuf>,
}

/// What the lanes share.
#[derive(Debug)]
struct World {
    clock: Clock,
    start: Moment,
    drill: LineDrill,
    counts: Counts,
    /// Lanes that still take newcomers.
    joining: AtomicU64,
    /// When all is over; moved once the last newcomer is in.
    end: AtomicU64,
}

/// What happened so far.
#[derive(Debug, Default)]
struct Counts {
    arrived: Count,
    joined: Count,
    polled: Count,
    called: Count,
    admitted: Count,
    left: Count,
    gone: Count,
    troubles: Count,
    /// Polls that went out over a second after they were due.
    late: Count,
}

impl World {
    fn end(&self) -> Moment {
        Moment::from_micros(self.end.load(Ordering::Relaxed))
    }

    /// A lane takes no more newcomers; the last one to say so sets the end.
    fn lane_is_full(&self) {
        if self.joining.fetch_sub(1, Ordering::Relaxed) == 1 {
            let end = self.clock.now().plus(self.drill.goes_on);
            self.end.store(end.micros(), Ordering::Relaxed);
        }
    }

    fn line(&self) -> String {
        let of = |count: &Count| count.get();
        let counts = &self.counts;
        format!(
            "{:.0} s · arrived {} · joined {} · polls {} ({} late) · called {} · admitted {} · gone silently {} · troubles {}",
            self.clock.now().since(self.start).as_secs_f64(),
            of(&counts.arrived),
            of(&counts.joined),
            of(&counts.polled),
            of(&counts.late),
            of(&counts.called),
            of(&counts.admitted),
            of(&counts.gone),
            of(&counts.troubles),
        )
    }
}

impl LineDrill {
    /// Runs the drill. `tell` hears of it about every five seconds.
    ///
    /// # Errors
    /// When the servers' own figures cannot be read: without them half of the report would be missing.
    pub async fn run(&self, tell: impl Fn(&str)) -> std::io::Result<LineReport> {
        let clock = Clock::start();
        let start = clock.now();
        let lanes = self.connections.max(1).min(self.visitors.max(1));
        let last = start.plus(self.join_within + self.goes_on);
        let world = Arc::new(World {
            clock,
            start,
            drill: self.clone(),
            counts: Counts::default(),
            joining: AtomicU64::new(u64::from(lanes)),
            end: AtomicU64::new(last.micros()),
        });
        let mut watcher = watch::Watcher::start(&self.watched).await?;
        let mut running = JoinSet::new();
        for lane in 0..lanes {
            running.spawn(Lane::new(&world, lane, lanes).run());
        }
        let mut seconds = Vec::new();
        let mut visitors: Vec<Visitor> = Vec::with_capacity(self.visitors as usize);
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                ended = running.join_next() => match ended {
                    Some(Ok(lane)) => visitors.extend(lane),
                    // Its visitors are missing from `arrived`, which fails the drill.
                    Some(Err(_panicked)) => world.counts.troubles.add(),
                    None => break,
                },
                _ = second.tick(), if world.end() > clock.now() => {
                    seconds.push(watcher.look(&world).await?);
                    if seconds.len().is_multiple_of(5) {
                        tell(&world.line());
                    }
                }
            }
        }
        Ok(self.report(&world, &visitors, seconds, &watcher))
    }

    fn report(
        &self,
        world: &World,
        visitors: &[Visitor],
        seconds: Vec<Second>,
        watcher: &watch::Watcher,
    ) -> LineReport {
        let log = self.watched.line_logs.as_deref().map(log::read);
        LineReport {
            figures: LineFigures::of(self, visitors, world.start, world.end()),
            servers: watcher.servers(&seconds),
            log: log.unwrap_or_default(),
            seconds,
            drill: self.clone(),
            troubles: world.counts.troubles.get(),
            late: world.counts.late.get(),
        }
    }
}
