//! The driver: flushes, reads, and ticks when it is this gateway's turn.
//!
//! One step: write our trace bits; read the record and the counter; if the store knows less than we do,
//! give it back what it lost; read the bits; publish the new picture; try to win the tick; decide and
//! commit. The caller owns the timer, so that a simulation can own it too.

mod copying;
mod drawing;
pub(super) mod fleet;
mod moving;
mod numbering;
mod opening;
mod reading;
mod record;
mod reporting;
mod restoring;
mod sharing;
mod taking;

use std::{
    mem::{Discriminant, discriminant},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{Inner, lost::StoreNow};
use crate::{
    controller::{self, Calls, Seen, TICK},
    counts::Event,
    orders::{Orders, Word},
    presence::ChunkWrite,
    provisional::ListId,
    share::SILENT,
    snapshot::Snapshot,
    standing::Standing,
    stopwatch::Stopwatch,
    store::{Committed, Head, StoreError},
    value::{Number, Timestamp},
};
use copying::Copied;
pub use copying::LogPart;
use reading::Known;
use record::{commit_of, decode, reach_of, record_of};

/// Presence epochs are tens of seconds long: their bits need not go out with every step.
const PRESENCE_EVERY: Duration = Duration::from_secs(1);

/// Keeps one room's snapshot new and ticks for the fleet. One per room and process.
#[derive(Debug)]
pub struct Driver {
    inner: Arc<Inner>,
    session: u64,
    settle_at: Timestamp,
    /// How the last step failed, if it did.
    failing: Option<Discriminant<StoreError>>,
    presence_at: Timestamp,
    /// The last step that read the store.
    stepped_at: Timestamp,
    known: Known,
    orders: Arc<Orders>,
    order: Option<drawing::Order>,
    committed: Option<drawing::Committed>,
    making: Option<drawing::Making>,
    log: Copied,
    reported: reporting::Reported,
    rosters: numbering::Rosters,
    moves: moving::Known,
    announced: Option<ListId>,
    /// Lists that this link's store has, with their lengths.
    handed_in: Vec<(ListId, u32)>,
    loose: parking_lot::Mutex<Vec<taking::Loose>>,
    known_share: sharing::Known,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// The picture is new; nobody was called by us.
    Read,
    /// We ticked for the fleet.
    Ticked,
    /// The store is being given back what it lost, or has just been connected.
    Settling,
    /// The store did not answer; the old picture stands.
    Failed,
}

impl Driver {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self {
            inner,
            session: 0,
            settle_at: Timestamp(0),
            failing: None,
            presence_at: Timestamp(0),
            stepped_at: Timestamp(0),
            known: Known::default(),
            orders: Arc::default(),
            order: None,
            committed: None,
            making: None,
            log: Copied::default(),
            reported: reporting::Reported::default(),
            rosters: numbering::Rosters::default(),
            moves: moving::Known::default(),
            announced: None,
            handed_in: Vec::new(),
            loose: parking_lot::Mutex::default(),
            known_share: sharing::Known::default(),
        }
    }

    /// Goes on where another driver stopped: `session` was settled by it, and need not be again.
    pub(super) fn continue_in(&mut self, session: u64) {
        self.session = session;
    }

    /// Whether nobody but the driver holds the room any more: it need not be stepped again.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        Arc::strong_count(&self.inner) == 1
    }

    /// One step at `now`; to be called about every [`TICK`]. Never fails: a store that does not answer
    /// is logged once and shows in the room's statuses.
    pub async fn step(&mut self, now: Timestamp) -> Stepped {
        let tried = self.try_step(now).await;
        if tried.is_err() {
            self.inner.trust.unsettle();
            self.session = 0;
        }
        if !self.inner.retired.load(Ordering::Acquire) {
            let store = match &tried {
                _ if self.inner.is_settled() => StoreNow::Settled,
                Ok(_) => StoreNow::Answers,
                Err(StoreError::Clock(_)) => StoreNow::Untimely,
                Err(_) => StoreNow::Silent,
            };
            self.inner.heirlooms.desk.note(store, now);
        }
        match tried {
            Ok(stepped) => {
                if self.failing.take().is_some() {
                    tracing::info!("the room store answers again");
                }
                stepped
            }
            Err(error) => {
                let kind = Some(discriminant(&error));
                if std::mem::replace(&mut self.failing, kind) != kind {
                    match self.inner.snapshot.load().is_some() {
                        true => {
                            tracing::warn!(%error, "visitors are answered from the last picture")
                        }
                        false => tracing::info!(%error, "there is no picture of the line yet"),
                    }
                }
                Stepped::Failed
            }
        }
    }

    async fn try_step(&mut self, now: Timestamp) -> Result<Stepped, StoreError> {
        if self.inner.retired.load(Ordering::Acquire) {
            // Long requests may hold this room for hours. Its rules are over: its successor reads and ticks.
            self.flush(now).await?;
            self.write_released(now).await?;
            return Ok(Stepped::Read);
        }
        let watch = Stopwatch::start();
        self.doubt_a_new_link(now);
        self.flush(now).await?;
        self.report(now).await?;
        self.write_released(now).await?;
        // Read before the head: numbers taken meanwhile are not evidence of a loss.
        let highest = Number(self.inner.highest.load(Ordering::Acquire));
        let asked_at = now.plus(watch.elapsed());
        let head = self.inner.store.head().await?;
        fleet::agree_on_time(head.at, [asked_at, now.plus(watch.elapsed())])?;
        let line = decode(&head)?;
        let known = self.inner.snapshot.load_full();
        if let Some(known) = &known
            && restoring::has_forgotten(line.as_ref(), head.next, known, highest)
        {
            self.restore(line, &head, (known, highest), now).await?;
            return Ok(Stepped::Settling);
        }
        let both = line.as_ref().zip(known.as_deref());
        self.join_in_restoring(both, &head, now).await?;
        let picture = match line {
            Some(line) => Some(self.read(line, &head, now).await?),
            None => None,
        };
        self.note_missing(now);
        if let Some(picture) = &picture {
            self.copy_log(&picture.line).await?;
            self.publish(Arc::clone(picture));
        }
        if !self.inner.is_settled() {
            self.announce(now).await?;
        }
        if let Err(error) = self.mind_share(now).await {
            tracing::debug!(%error, "the share is not known");
        }
        if now < self.settle_at {
            return Ok(Stepped::Settling);
        }
        if let Some(picture) = &picture {
            self.give_up_loose(picture).await?;
        }
        self.settle(&head, picture.as_deref(), now).await?;
        // A little under the tick, so that the next step finds it free.
        if !self.inner.store.try_tick(now, TICK.mul_f32(0.9)).await? {
            return Ok(Stepped::Read);
        }
        match picture {
            Some(picture) => self.tick(&picture, &head, now).await,
            None => self.open_line(&head, now).await,
        }
    }

    fn doubt_a_new_link(&mut self, now: Timestamp) {
        let session = self.inner.store.session();
        let doubted = self.inner.trust.take_doubt();
        if session != self.session || doubted {
            self.inner.trust.unsettle();
            self.session = session;
            // What was read from a history that may be lost must not be written into another.
            self.known = Known::default();
            self.settle_at = now.plus(self.inner.store.settle());
            self.inner.heirlooms.desk.reopen();
            self.moves.read_all_again();
            self.announced = None;
            self.handed_in.clear();
            // The store may have lost our bits too: all are written again, and all are read again.
            self.inner.soil();
            self.known.all_at = Timestamp(0);
        }
    }

    async fn flush(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.inner.heirlooms.lateness.judge(now);
        let presence_too = now >= self.presence_at.plus(PRESENCE_EVERY);
        let take = |inner: &Inner, writes: &mut Vec<ChunkWrite>| {
            inner.activity.take_dirty(writes);
            inner.due.take_dirty(writes);
            if presence_too {
                inner.presence.take_dirty(writes);
            }
        };
        self.inner.flush(now, take).await?;
        if presence_too {
            self.presence_at = now;
        }
        Ok(())
    }

    /// Numbers may be taken again once all who came before have theirs.
    async fn settle(
        &mut self,
        head: &Head,
        picture: Option<&Snapshot>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(picture) = picture.filter(|_| !self.inner.is_settled()) else {
            return Ok(());
        };
        let handed_in = self.hand_in().await?;
        if handed_in.is_empty() && numbering::unnumbered(head, &picture.line, now).is_empty() {
            self.inner.trust.settle(self.session);
        }
        Ok(())
    }

    fn publish(&self, picture: Arc<Snapshot>) {
        self.inner.raise_highest(picture.next);
        if let Some(next) = self.log.remembered(picture.line.id) {
            self.inner.raise_highest(next);
        }
        self.inner.learn(&picture);
        let (next, read_at) = (picture.next, picture.read_at);
        self.inner.door.observe(&picture.line, next, read_at);
        self.inner.snapshot.store(Some(picture));
    }

    async fn tick(
        &mut self,
        picture: &Snapshot,
        head: &Head,
        now: Timestamp,
    ) -> Result<Stepped, StoreError> {
        let numbered = self.number_lists(head, &picture.line, now).await?;
        // After the line was read: a tick that was decided on an older share is fenced off by the line.
        let part = self.part(now).await;
        let watch = Stopwatch::start();
        let inner = &self.inner;
        let standing = Standing::at(&inner.rules, &inner.schedule, &picture.orders, now);
        let standing = standing.within(part.may(&inner.name.to_string()));
        let made = self.lot_made(picture, &standing).await;
        let presence = controller::presence_wanted(&picture.line, &standing, now)
            .or_else(|| made.as_ref().map(|_| self.living_epochs(now)));
        let traces = self.traces(presence, now).await?;
        let burnt = match part.is_known() {
            true => {
                self.take_seats_back(picture, &traces, &standing, now)
                    .await?
            }
            false => None,
        };
        let health = self.health(picture, now).await?;
        let lot = self.lot_step(picture, &traces, (&standing, made)).await?;
        self.forget_the_dead(now).await?;
        let seen = Seen {
            picture,
            traces: &traces,
            standing: &standing,
            orders: &picture.orders,
            key: self.inner.seal.signing_key(),
            name: &self.inner.name,
            health: health.as_ref().map(|(health, span)| (health, *span)),
            fleet: self.fleet(now),
            lot: &lot,
            next_lottery: self.next_lottery(&picture.line, now),
            beacon_name: self.beacon_name(&standing),
            provisional: numbered.as_ref(),
            burnt,
        };
        let calls = controller::step(&seen, now);
        if watch.has_run(SILENT / 2) {
            // This process was stopped: others may have been given what the room may use no more.
            return Ok(Stepped::Read);
        }
        match self.inner.store.commit(&commit_of(&calls, picture)).await? {
            Committed::Fenced => {
                self.inner.heirlooms.counts.add(Event::Fenced);
                let listed = numbered.map(|listed| (listed.first, listed.end()));
                self.give_up([burnt, listed], &lot).await?;
                self.settle_numbers();
                Ok(Stepped::Read)
            }
            Committed::Done => {
                self.note_written(&calls);
                let taken = [burnt.map(|(_, end)| end), numbered.map(|n| n.end())];
                let next = taken.into_iter().flatten().fold(picture.next, Number::max);
                let told = self.picture_after(calls, picture, next, now);
                self.clear_served(&told).await?;
                let told = Arc::new(told);
                self.publish(Arc::clone(&told));
                self.report_part(part, &told, &standing, now).await;
                Ok(Stepped::Ticked)
            }
        }
    }

    fn note_written(&mut self, calls: &Calls) {
        self.settle_numbers();
        self.inner.heirlooms.counts.add(Event::Ticked);
        self.known.marks = calls.marks.clone();
        if let Some(entry) = &calls.entry {
            self.log.note(&calls.line, entry);
        }
    }

    fn picture_after(
        &mut self,
        calls: Calls,
        picture: &Snapshot,
        next: Number,
        now: Timestamp,
    ) -> Snapshot {
        let mut told = Snapshot::build(calls.line, next, calls.marks, now);
        told.orders = Arc::clone(&picture.orders);
        told.draw = self.drawn_order(&told.line);
        told.commitment.clone_from(&picture.commitment);
        told.draw_list = self.draw_list(&told.line, now);
        told.rosters = self.rosters.of(&told.line);
        told.moves = Arc::clone(&picture.moves);
        told
    }

    /// Orders to call a ticket first are obeyed once, or never if there is nothing to obey any more.
    async fn clear_served(&self, told: &Snapshot) -> Result<(), StoreError> {
        for (place, order) in told.orders.iter() {
            let Word::First { number, .. } = order.word else {
                continue;
            };
            let number = told.current_number(Number(number));
            if !told.may_be_first(number) {
                self.inner.store.order(place, None).await?;
            }
        }
        Ok(())
    }
}
