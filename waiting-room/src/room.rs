//! A room: the verbs a gateway uses. Everything else in this crate serves them.
//!
//! A [`Room`] is a cheap handle for request threads. Reading where a visitor stands touches no lock and
//! no store: it verifies a token, looks into the newest [`Snapshot`] and signs an answer. Only taking a
//! number, coming in and leaving ask the store. The [`Driver`] keeps the snapshot new and, when it
//! wins, ticks; its owner calls [`Driver::step`] about four times a second.

mod coming_in;
mod driver;
mod flushing;
mod gathering;
mod handoff;
mod invited;
mod join;
mod lately;
mod lateness;
mod locate;
mod lost;
mod newcomer;
mod order;
mod outcome;
mod passthrough;
mod publish;
mod tell;
mod trust;
mod visit;
mod watch;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use parking_lot::Mutex;
use policies::{admission::Admission, schedule::Schedule};

pub use driver::{Driver, LogPart, Stepped};
pub use handoff::NotMoved;
pub use lost::Footing;
pub use order::{Found, NotTaken};
pub use outcome::{Admitted, Asked, Client, Held, Outcome, Presented, TicketChange, Visit};
pub use publish::{Announced, Published};
pub use watch::Gauges;

use crate::{
    adaptive::Meter,
    bits::Bits,
    chance::Prospect,
    counts::{Counts, Event},
    door::Door,
    line::Lot,
    lottery::Tree,
    presence::{CLOCK_SKEW, Epochs, Recorder, Trace},
    snapshot::Snapshot,
    status::Reason,
    store::{GatewayId, Mark, RoomStore, StoreError, Was},
    token::{Bound, Seal, Ticket, TokenText},
    value::{Moment, Number, RoomName, Timestamp},
};
use gathering::Gathering;
use join::Joins;
use lately::Lately;
use lateness::Lateness;
use locate::{Located, Visitor};
use lost::Desk;
use order::Said;
use trust::Trust;
use visit::{Visited, Visits};
use watch::Watch;

/// How long after it has begun an epoch of expected polls is kept: it is over, by the clocks of all, and nobody is reading it.
const DUE_KEEP: Duration = Duration::from_secs(15);
/// Nobody notices that an answer waits for others so long.
const LONGEST_GATHERING: Duration = Duration::from_millis(5);
/// A snapshot older than this is called stale: eight missed ticks.
const STALE_AFTER: Duration = Duration::from_secs(2);

/// What a room is made of.
#[derive(Debug)]
pub struct Parts {
    /// Whose room it is, and which.
    pub name: RoomName,
    /// Who may come in, and how fast.
    pub rules: Admission,
    /// By which method, and when.
    pub schedule: Schedule,
    /// Signs and verifies this room's tokens.
    pub seal: Seal,
    /// The shared memory.
    pub store: Arc<dyn RoomStore>,
    /// Where the share is, if the rules say that the room is in one.
    pub share_store: Option<Arc<dyn RoomStore>>,
    /// This process.
    pub gateway: GatewayId,
    /// How far apart two of this gateway's takings of numbers are at least: joins in between share one. At most 5 ms.
    /// Those who come in share round trips that are twice as far apart.
    pub gather: Duration,
}

/// A handle to a room; clones are the same room.
#[derive(Clone, Debug)]
pub struct Room {
    inner: Arc<Inner>,
    /// The client that this handle is used for, where tokens are bound to one.
    bound: Option<Bound>,
}

#[derive(Debug)]
struct Inner {
    name: RoomName,
    rules: Admission,
    schedule: Schedule,
    seal: Seal,
    store: Arc<dyn RoomStore>,
    share_store: Option<Arc<dyn RoomStore>>,
    gateway: GatewayId,
    snapshot: ArcSwapOption<Snapshot>,
    /// Numbers of the fleet whose visits go on or ended lately, by epoch, as last read: given back to a store that forgot.
    active: ArcSwap<Vec<(u64, Bits)>>,
    /// The epochs in which the fleet counts visits, as last read.
    visited: ArcSwap<Visited>,
    presence: Recorder,
    activity: Recorder,
    due: Recorder,
    visits: Visits,
    joins: Joins,
    /// Called visitors who come in.
    claims: Arc<Gathering<Number, Result<Was, StoreError>>>,
    /// Visits to be written down before their visitors go on.
    keeps: Arc<Gathering<Timestamp, bool>>,
    /// What newcomers have to show.
    door: Door,
    trust: Trust,
    /// The highest number this gateway knows to be given out, plus one.
    highest: AtomicU64,
    /// Another room has taken this one's line over, or none will: only what visitors do here is still recorded.
    retired: AtomicBool,
    /// One flush at a time: a chunk is written whole, so a slow older write must not land on a newer one.
    flushing: Arc<tokio::sync::Mutex<()>>,
    heirlooms: Heirlooms,
    /// The list of the last lottery, for proofs; built when the first is asked for.
    tree: tokio::sync::Mutex<Option<(Lot, Arc<Tree>)>>,
    /// Measures the origin.
    meter: Arc<Meter>,
    /// How far off past estimates were.
    past_error: ArcSwapOption<Duration>,
    /// Whose chances are which, while the stock is known.
    prospect: ArcSwapOption<Prospect>,
}

/// What goes on with whichever room serves the line.
#[derive(Clone, Debug, Default)]
struct Heirlooms {
    counts: Arc<Counts>,
    desk: Arc<Desk>,
    lateness: Arc<Lateness>,
    /// Until then some gateway's bits may be missing, in milliseconds.
    whole_from: Arc<AtomicU64>,
    /// Visits that the origin said are over, to be written down.
    released: Arc<Mutex<Vec<Number>>>,
    /// Who came in lately.
    claimed: Arc<Lately>,
    /// Who left lately.
    left: Arc<Lately>,
    said: Arc<Said>,
    /// What is learnt from pictures. No request thread waits for it.
    watch: Arc<Mutex<Watch>>,
    /// What the origin said last is left to sell, and when.
    stock: Arc<ArcSwapOption<(u64, Timestamp)>>,
}

impl Room {
    /// Takes over from `old`, whose rules or keys were changed: the same line, known at once. Where the rules cut the time of
    /// those who wait otherwise now, all are recorded again: counted an epoch too long rather than forgotten.
    #[must_use]
    pub fn succeed(parts: Parts, old: &Self, now: Timestamp) -> (Self, Driver) {
        let door = old.inner.door.succeed(parts.rules);
        let heirlooms = old.inner.heirlooms.clone();
        let (room, mut driver) = Self::made_of(parts, heirlooms, (door, Some(&old.inner)));
        room.inner
            .past_error
            .store(old.inner.past_error.load_full());
        room.inner.prospect.store(old.inner.prospect.load_full());
        old.inner.retired.store(true, Ordering::Release);
        // The store has been found to know all that the old room knew.
        room.inner.trust.succeed(&old.inner.trust);
        driver.continue_in(room.inner.trust.settled());
        if let Some(seen) = old.snapshot() {
            let (ours, theirs) = (&room.inner, &old.inner);
            if ours.rules.absent_after() != theirs.rules.absent_after() {
                // Everybody who waits counts as just seen.
                let epoch = Epochs::of_presence(&ours.rules).at(now);
                ours.presence.adopt(&seen.counted.to_bits(), epoch, now);
            }
            room.inner.active.store(old.inner.active.load_full());
            room.inner.visited.store(old.inner.visited.load_full());
            room.inner.raise_highest(seen.next);
            room.inner.snapshot.store(Some(seen));
        }
        (room, driver)
    }

    /// A room and its driver. Until the driver has stepped, visitors hold challenges and wait.
    #[must_use]
    pub fn new(parts: Parts) -> (Self, Driver) {
        let door = Door::new(parts.rules, hidden(&parts));
        Self::made_of(parts, Heirlooms::default(), (door, None))
    }

    fn made_of(
        parts: Parts,
        heirlooms: Heirlooms,
        (door, before): (Door, Option<&Arc<Inner>>),
    ) -> (Self, Driver) {
        let Parts {
            name,
            rules,
            schedule,
            seal,
            store,
            share_store,
            gateway,
            gather,
        } = parts;
        let gather = gather.min(LONGEST_GATHERING);
        let visits = Visits::of(&rules, &schedule);
        let visits = before.map_or(visits, |before| visits.succeeding(&before.visits));
        let presence_keep = rules.absent_after() * 3 + 2 * CLOCK_SKEW;
        let inner = Arc::new(Inner {
            presence: Recorder::new(Trace::Presence, presence_keep)
                .beside(before.map(|before| &before.presence)),
            activity: Recorder::new(Trace::Activity, visits.keep())
                .beside(before.map(|before| &before.activity)),
            due: Recorder::new(Trace::Due, DUE_KEEP).beside(before.map(|before| &before.due)),
            visits,
            name,
            rules,
            schedule,
            seal,
            store,
            share_store,
            gateway,
            snapshot: ArcSwapOption::empty(),
            active: ArcSwap::default(),
            visited: ArcSwap::default(),
            joins: Joins::gathering(gather, before.map(|before| &before.joins)),
            claims: Arc::new(Gathering::new(gather * 2)),
            keeps: Arc::new(Gathering::new(gather * 2)),
            door,
            trust: Trust::default(),
            highest: AtomicU64::new(0),
            retired: AtomicBool::new(false),
            flushing: before.map_or_else(Arc::default, |before| Arc::clone(&before.flushing)),
            heirlooms,
            tree: tokio::sync::Mutex::new(None),
            meter: Arc::default(),
            past_error: ArcSwapOption::empty(),
            prospect: ArcSwapOption::empty(),
        });
        (
            Self {
                inner: Arc::clone(&inner),
                bound: None,
            },
            Driver::new(inner),
        )
    }

    /// A request to the protected part. Whoever was called comes in by this very request: it is the
    /// visible act of a visitor without JavaScript, and where seats are free the second request of a
    /// newcomer already is one.
    pub async fn enter<'a>(&self, asked: impl Into<Asked<'a>>, at: Moment) -> Outcome {
        let asked = asked.into();
        let own = self.bound_to(&asked.client);
        own.as_ref().unwrap_or(self).enter_as(&asked, at).await
    }

    async fn enter_as(&self, asked: &Asked<'_>, at: Moment) -> Outcome {
        let located = self.locate(asked, at).await;
        if self.lets_everybody_in(at.now) {
            return self.wave_through(located, &asked.client, at).await;
        }
        match located {
            Located::Inside(pass) => self.admit(pass, at.now).await,
            Located::InLine(seat) if seat.is_called() => {
                self.come_in(seat.ticket, &asked.client, at).await
            }
            Located::InLine(seat) => self.tell(seat, at),
            Located::Nowhere(held) => Outcome::Held(held),
        }
    }

    /// Where a visitor stands. A poll: no store call once there is a number, and nobody comes in by
    /// it, since a hidden tab polls too.
    pub async fn status<'a>(&self, asked: impl Into<Asked<'a>>, at: Moment) -> Outcome {
        let asked = asked.into();
        let own = self.bound_to(&asked.client);
        let room = own.as_ref().unwrap_or(self);
        let located = room.locate(&asked, at).await;
        if room.is_thrown_open(at.now) && room.lets_everybody_in(at.now) {
            return room.wave_through(located, &asked.client, at).await;
        }
        match located {
            Located::Inside(pass) => room.admit(pass, at.now).await,
            Located::InLine(seat) => room.tell(seat, at),
            Located::Nowhere(held) => Outcome::Held(held),
        }
    }

    /// A called visitor comes in. Exactly once: the same ticket gets in again only within the same
    /// call, and is the same visitor.
    pub async fn claim<'a>(&self, asked: impl Into<Asked<'a>>, at: Moment) -> Outcome {
        self.enter(asked, at).await
    }

    /// Gives the place or the seat back. While the store is lost the answer is that nothing changed.
    pub async fn leave<'a>(&self, asked: impl Into<Asked<'a>>, at: Moment) -> Outcome {
        let asked = asked.into();
        let own = self.bound_to(&asked.client);
        let room = own.as_ref().unwrap_or(self);
        let number = match room.identify(asked.presented, at.now) {
            Visitor::Guest(pass) => pass.number,
            Visitor::Holder(ticket) => self.current(ticket).number,
            _ => return self.gone(at.now),
        };
        if self.inner.store.mark(Mark::Left, number).await.is_err() {
            self.inner.heirlooms.counts.add(Event::StoreFailed);
            let status = self.joining(at.now, Reason::StoreLost);
            return Outcome::Held(Held {
                status,
                ticket: TicketChange::Keep,
            });
        }
        self.inner.heirlooms.left.note(number, at.now);
        self.inner.heirlooms.counts.add(Event::Left);
        self.gone(at.now)
    }

    /// The room is gone from the configuration: it calls nobody any more. What visitors do who are still here is recorded.
    pub fn retire(&self) {
        self.inner.retired.store(true, Ordering::Release);
    }

    /// Where to measure what the origin does: for the room's history, and for its limit where that adapts.
    #[must_use]
    pub fn meter(&self) -> &Arc<Meter> {
        &self.inner.meter
    }

    /// The room's counters.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.inner.heirlooms.counts
    }

    /// The newest picture, if the store was ever read.
    #[must_use]
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.inner.snapshot.load_full()
    }

    /// The handle for a client, where this room's tokens are bound to clients.
    fn bound_to(&self, client: &Client<'_>) -> Option<Self> {
        let bound = self.inner.door.bound(client.address, client.agent)?;
        Some(Self {
            inner: Arc::clone(&self.inner),
            bound: Some(bound),
        })
    }

    fn signed(&self, ticket: &Ticket) -> TokenText {
        self.inner.seal.ticket_for(ticket, self.bound.as_ref())
    }
}

/// What places prefixes in this gateway's budgets: nobody outside knows it.
fn hidden(parts: &Parts) -> [u8; 32] {
    let (seal, gateway) = (&parts.seal, parts.gateway.0.to_be_bytes());
    let derived = seal.derive(seal.signing_key(), "fluxgate room budgets", &gateway);
    derived.expect("the signing key is in the ring")
}
