//! A room: the verbs a gateway uses. Everything else in this crate serves them.
//!
//! A [`Room`] is a cheap handle for request threads. Reading where a visitor stands touches no lock and
//! no store: it verifies a token, looks into the newest [`Snapshot`] and signs an answer. Only taking a
//! number, coming in and leaving ask the store. The [`Driver`] keeps the snapshot new and, when it
//! wins, ticks; its owner calls [`Driver::step`] about four times a second.

mod coming_in;
mod driver;
mod invited;
mod join;
mod locate;
mod newcomer;
mod order;
mod outcome;
mod passthrough;
mod publish;
mod tell;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use policies::{admission::Admission, schedule::Schedule};

pub use driver::{Driver, LogPart, Stepped};
pub use outcome::{Admitted, Asked, Client, Held, Outcome, Presented, TicketChange};
pub use publish::Published;

use crate::{
    adaptive::Meter,
    bits::Bits,
    controller::MINUTE,
    counts::{Counts, Event},
    door::Door,
    line::Lot,
    lottery::Tree,
    presence::{CLOCK_SKEW, ChunkWrite, Epochs, Recorder, Trace},
    snapshot::Snapshot,
    status::Reason,
    store::{GatewayId, Mark, RoomStore, StoreError},
    token::{Bound, Seal, Ticket, TokenText},
    value::{Moment, Number, RoomName, Timestamp},
};
use join::Joins;
use locate::{Located, Visitor};

/// How long an epoch of expected polls is kept.
const DUE_KEEP: Duration = Duration::from_secs(60);
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
    /// This process.
    pub gateway: GatewayId,
}

/// A room's figures at one moment, for metrics and operators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Visitors in the line who count, and late comers who are there.
    pub waiting: u32,
    /// Seats taken by people inside or by open calls.
    pub occupied: u64,
    /// Seats reserved for numbers to come.
    pub reserved: u64,
    /// Calls in the last sixty seconds.
    pub called_last_minute: u64,
    /// Age of the picture these come from, in milliseconds.
    pub snapshot_age_ms: u64,
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
    gateway: GatewayId,
    snapshot: ArcSwapOption<Snapshot>,
    /// Numbers of the fleet whose pass may still be good, as last read: given back to a store that forgot.
    active: ArcSwap<Bits>,
    presence: Recorder,
    activity: Recorder,
    due: Recorder,
    activity_epochs: Epochs,
    joins: Joins,
    /// What newcomers have to show.
    door: Door,
    /// The store session in which numbers may be taken; 0 while the store is doubted.
    settled: AtomicU64,
    /// The highest number this gateway knows to be given out, plus one.
    highest: AtomicU64,
    /// The store gave out a number that was given out before.
    doubt: AtomicBool,
    /// Another room has taken this one's line over: only what visitors do here is still recorded.
    retired: AtomicBool,
    /// One flush at a time: a chunk is written whole, so a slow older write must not land on a newer one.
    flushing: tokio::sync::Mutex<()>,
    counts: Arc<Counts>,
    /// The list of the last lottery, for proofs; built when the first is asked for.
    tree: tokio::sync::Mutex<Option<(Lot, Arc<Tree>)>>,
    /// Measures the origin, for rooms that adapt to it.
    meter: Arc<Meter>,
    /// What the origin said last is left to sell, and when.
    stock: ArcSwapOption<(u64, Timestamp)>,
}

impl Room {
    /// Takes over from `old`, whose rules or keys were changed: the same line, known at once. What the
    /// fleet had recorded is recorded again as ours, because epochs follow from the rules: counted
    /// too long rather than forgotten.
    #[must_use]
    pub fn succeed(parts: Parts, old: &Self, now: Timestamp) -> (Self, Driver) {
        let counts = Arc::clone(&old.inner.counts);
        let door = old.inner.door.succeed(parts.rules);
        let (room, mut driver) = Self::made_of(parts, counts, door);
        old.inner.retired.store(true, Ordering::Release);
        // The store has been found to know all that the old room knew.
        let settled = old.inner.settled.load(Ordering::Acquire);
        room.inner.settled.store(settled, Ordering::Release);
        driver.continue_in(settled);
        if let Some(seen) = old.snapshot() {
            room.inner.activity.adopt(&old.inner.active.load(), now);
            // Their epochs may be of another length: everybody who waits counts as just seen.
            room.inner.presence.adopt(&seen.counted.to_bits(), now);
            room.inner.active.store(old.inner.active.load_full());
            room.inner.raise_highest(seen.next);
            room.inner.snapshot.store(Some(seen));
        }
        (room, driver)
    }

    /// A room and its driver. Until the driver has stepped, visitors hold challenges and wait.
    #[must_use]
    pub fn new(parts: Parts) -> (Self, Driver) {
        let door = Door::new(parts.rules, hidden(&parts));
        Self::made_of(parts, Arc::default(), door)
    }

    fn made_of(parts: Parts, counts: Arc<Counts>, door: Door) -> (Self, Driver) {
        let Parts {
            name,
            rules,
            schedule,
            seal,
            store,
            gateway,
        } = parts;
        let (presence, activity) = (Epochs::of_presence(&rules), Epochs::of_activity(&rules));
        let presence_keep = rules.absent_after() * 3 + 2 * CLOCK_SKEW;
        let activity_keep = rules.session().ttl() * 5 / 4 + 2 * CLOCK_SKEW;
        let inner = Arc::new(Inner {
            presence: Recorder::new(Trace::Presence, presence, presence_keep),
            activity: Recorder::new(Trace::Activity, activity, activity_keep),
            due: Recorder::new(Trace::Due, Epochs::of_due(), DUE_KEEP),
            activity_epochs: activity,
            name,
            rules,
            schedule,
            seal,
            store,
            gateway,
            snapshot: ArcSwapOption::empty(),
            active: ArcSwap::default(),
            joins: Joins::default(),
            door,
            settled: AtomicU64::new(0),
            highest: AtomicU64::new(0),
            doubt: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            flushing: tokio::sync::Mutex::new(()),
            counts,
            tree: tokio::sync::Mutex::new(None),
            meter: Arc::default(),
            stock: ArcSwapOption::empty(),
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
        if self.passes_everybody(at.now) {
            return self.wave_through(located, at).await;
        }
        match located {
            Located::Inside(pass) => self.admit(pass, at.now).await,
            Located::InLine(seat) if seat.is_called() => self.come_in(seat.ticket, at).await,
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
        match room.locate(&asked, at).await {
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
            Visitor::Returned(_) | Visitor::Stranger => return self.gone(at.now),
        };
        if self.inner.store.mark(Mark::Left, number).await.is_err() {
            self.inner.counts.add(Event::StoreFailed);
            let status = self.joining(at.now, Reason::StoreLost);
            return Outcome::Held(Held {
                status,
                ticket: TicketChange::Keep,
            });
        }
        self.inner.counts.add(Event::Left);
        self.gone(at.now)
    }

    /// Where to measure what the origin does, if the room adapts to it.
    #[must_use]
    pub fn meter(&self) -> Option<&Arc<Meter>> {
        let adapts = self.inner.rules.adaptive().is_some();
        adapts.then_some(&self.inner.meter)
    }

    /// The room's counters.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.inner.counts
    }

    /// The newest picture, if the store was ever read.
    #[must_use]
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.inner.snapshot.load_full()
    }

    /// The room's figures at `now`.
    #[must_use]
    pub fn gauges(&self, now: Timestamp) -> Gauges {
        let Some(snapshot) = self.snapshot() else {
            return Gauges::default();
        };
        let recent = snapshot
            .line
            .batches
            .iter()
            .filter(|batch| now < batch.at.plus(MINUTE));
        Gauges {
            waiting: snapshot.waiting_total(),
            occupied: u64::from(snapshot.line.occupied),
            reserved: snapshot.line.ahead(snapshot.next),
            called_last_minute: recent.map(|batch| u64::from(batch.calls)).sum(),
            snapshot_age_ms: crate::value::millis(now.since(snapshot.read_at)),
        }
    }
}

impl Room {
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

impl Inner {
    /// Writes the bits that `take` collects, and that this gateway is there; what could not be written is collected
    /// again.
    async fn flush(
        &self,
        now: Timestamp,
        take: impl FnOnce(&Self, &mut Vec<ChunkWrite>),
    ) -> Result<(), StoreError> {
        let _one_at_a_time = self.flushing.lock().await;
        let mut writes = Vec::new();
        take(self, &mut writes);
        let soil = Soil(self);
        self.store.flush(self.gateway, now, &writes).await?;
        std::mem::forget(soil);
        Ok(())
    }

    /// Everything recorded will be written again.
    fn soil(&self) {
        for recorder in [&self.presence, &self.activity, &self.due] {
            recorder.soil();
        }
    }

    fn raise_highest(&self, next: Number) {
        self.highest.fetch_max(next.0, Ordering::AcqRel);
    }
}

/// What places prefixes in this gateway's budgets: nobody outside knows it.
fn hidden(parts: &Parts) -> [u8; 32] {
    let (seal, gateway) = (&parts.seal, parts.gateway.0.to_be_bytes());
    let derived = seal.derive(seal.signing_key(), "fluxgate room budgets", &gateway);
    derived.expect("the signing key is in the ring")
}

/// Dropped by a flush that failed or was given up: everything is to be written again.
struct Soil<'a>(&'a Inner);

impl Drop for Soil<'_> {
    fn drop(&mut self) {
        self.0.soil();
    }
}
