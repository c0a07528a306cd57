//! Taking numbers: joins that arrive while one is on its way to the store share the next one.
//!
//! A join that comes some milliseconds after the last one goes at once. Others wait until those are over, and all that
//! came meanwhile share the round trips of one: a crowd costs the store no more than some hundred commands a second.
//! Numbers are handed out in the order of arrival. One arrival, named by its nonce, is one number however often it is presented,
//! so that a reload beside a running poll costs no second place. The whole fleet knows for some time which arrival got which
//! ([`receipts`]). Where a number has a price, the store remembers it to the last ([`bonds`]): one payment is one number.

mod bonds;
mod receipts;

use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroU32,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Inner;
use crate::{
    counts::Event,
    store::{Bond, Taken},
    value::{LineId, Number, Timestamp},
};

/// Most joins of one batch, so that one slow answer never holds up an unbounded crowd.
const MOST_BATCHED: usize = 4_096;
/// Most arrivals that may wait for a number; beyond, they are told to ask again.
const MOST_WAITING: usize = 65_536;
/// How long an arrival's number is remembered (up to twice this), to answer a repeat.
const REMEMBER: Duration = Duration::from_secs(60);
/// Most remembered arrivals per generation, of 7,600 joins a second; of more, the last are remembered. As many as fit into a
/// table of 9 MB.
const MOST_REMEMBERED: usize = (1 << 19) / 8 * 7;

/// Somebody who is to be given one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// Names it.
    pub(super) nonce: u64,
    /// When its challenge was given.
    pub(super) issued_at: Timestamp,
    /// The place of an invitation that it comes for.
    pub(super) invitation: Option<Bond>,
}

/// A number, and whether a seat was reserved for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) number: Number,
    /// The number was called by being taken, and not before then; 0 if it was not.
    seat_at: Timestamp,
}

impl Given {
    /// A number that was given before; whether it has a seat is for the line to say.
    fn again(number: Number) -> Self {
        Self {
            number,
            seat_at: Timestamp(0),
        }
    }

    fn of(taken: Taken, place: u64) -> Self {
        let number = taken.first.plus(place);
        let reach = taken.reach.filter(|reach| number < reach.horizon);
        Self {
            number,
            // A tick at the very beginning of time would be one too early.
            seat_at: reach.map_or(Timestamp(0), |reach| reach.at.max(Timestamp(1))),
        }
    }

    /// Since when it is called at the earliest, if it is.
    pub(super) fn seat_at(&self) -> Option<Timestamp> {
        (self.seat_at.0 > 0).then_some(self.seat_at)
    }
}

type Answer = oneshot::Sender<Option<Given>>;

#[derive(Debug)]
pub(super) struct Joins {
    gather: Duration,
    queue: Mutex<Queue>,
    /// Shared with the room before and the one after: a reload of the rules makes nobody a second visitor.
    remembered: Arc<Mutex<Remembered>>,
    read: Mutex<receipts::Read>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Arrival>,
    answers: HashMap<u64, Vec<Answer>>,
    is_driven: bool,
    /// When the last of them came.
    asked_at: Timestamp,
}

/// The numbers of the last arrivals.
#[derive(Debug, Default)]
struct Remembered {
    recent: HashMap<u64, Number>,
    older: HashMap<u64, Number>,
    line: Option<LineId>,
    turned_at: Timestamp,
}

enum Entry {
    Known(Number),
    Full,
    Wait {
        answer: oneshot::Receiver<Option<Given>>,
        drive: bool,
    },
}

impl Inner {
    /// A number for the arrival; `None` if the store is lost, doubted or overrun.
    pub(super) async fn take_number(
        inner: &Arc<Self>,
        arrival: Arrival,
        now: Timestamp,
    ) -> Option<Given> {
        if !inner.is_settled() {
            return None;
        }
        let line = inner.snapshot.load().as_ref()?.line.id;
        match inner.joins.enter(arrival, line, now) {
            Entry::Known(number) => Some(Given::again(number)),
            Entry::Full => None,
            Entry::Wait { answer, drive } => {
                if drive {
                    // In a task of its own: a visitor who hangs up must not take the others along.
                    tokio::spawn(drive_joins(Arc::clone(inner)));
                }
                answer.await.ok().flatten()
            }
        }
    }

    /// Whether numbers may be taken: this very link to the store was found to know all we know.
    pub(super) fn is_settled(&self) -> bool {
        self.trust.is_settled(self.store.session())
    }

    /// Whether the store is known to know who came in, over this very link.
    pub(super) fn is_trusted(&self) -> bool {
        self.trust.is_whole(self.store.session())
    }

    /// So many new numbers in their order; none if the store gave none.
    async fn give(&self, count: usize) -> Vec<Option<Given>> {
        let wanted = u32::try_from(count).ok().and_then(NonZeroU32::new);
        let Some(wanted) = wanted else {
            return Vec::new();
        };
        let taken = self.take_batch(wanted).await;
        if taken.is_some() {
            (0..count).for_each(|_| self.heirlooms.counts.add(Event::Joined));
        }
        (0..u64::from(wanted.get()))
            .map(|place| taken.map(|taken| Given::of(taken, place)))
            .collect()
    }

    async fn take_batch(&self, count: NonZeroU32) -> Option<Taken> {
        let known = self.highest.load(Ordering::Acquire);
        let Taken { first, reach } = match self.store.take(count).await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::debug!(%error, "no number");
                return None;
            }
        };
        if !self.is_settled() {
            // The link broke in between: these may come from a store that forgot some. They are
            // given to nobody.
            return None;
        }
        if first.0 < known {
            tracing::warn!(
                given = first.0,
                known,
                "the store gave out a number twice; refused"
            );
            self.trust.doubt();
            return None;
        }
        self.raise_highest(first.plus(u64::from(count.get())));
        Some(Taken { first, reach })
    }
}

async fn drive_joins(inner: Arc<Inner>) {
    loop {
        let pause = inner.joins.gather;
        let Some((batch, now)) = inner.joins.next_batch() else {
            return;
        };
        let given = if inner.door.has_a_price() {
            inner.give_bound(&batch).await
        } else {
            inner.give_with_receipt(&batch, now).await
        };
        for (arrival, given) in batch.into_iter().zip(given) {
            inner.joins.answer(arrival.nonce, given);
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
}

impl Joins {
    pub(super) fn gathering(gather: Duration, before: Option<&Self>) -> Self {
        Self {
            gather,
            queue: Mutex::default(),
            read: Mutex::default(),
            remembered: before.map_or_else(Arc::default, |before| Arc::clone(&before.remembered)),
        }
    }

    /// Whether the arrival has a number, or one is on its way.
    pub(super) fn knows(&self, nonce: u64, now: Timestamp) -> bool {
        let queue = self.queue.lock();
        queue.answers.contains_key(&nonce) || self.remembered.lock().number_of(nonce, now).is_some()
    }

    fn enter(&self, arrival: Arrival, line: LineId, now: Timestamp) -> Entry {
        let nonce = arrival.nonce;
        let mut queue = self.queue.lock();
        let known = {
            let mut remembered = self.remembered.lock();
            remembered.be_of(line);
            remembered.number_of(nonce, now)
        };
        if let Some(number) = known {
            return Entry::Known(number);
        }
        if queue.waiting.len() >= MOST_WAITING {
            return Entry::Full;
        }
        queue.asked_at = now;
        let (send, answer) = oneshot::channel();
        let same = queue.answers.entry(nonce).or_default();
        let is_first = same.is_empty();
        same.push(send);
        if is_first {
            queue.waiting.push_back(arrival);
        }
        let drive = !std::mem::replace(&mut queue.is_driven, true);
        Entry::Wait { answer, drive }
    }

    fn next_batch(&self) -> Option<(Vec<Arrival>, Timestamp)> {
        let mut queue = self.queue.lock();
        let count = queue.waiting.len().min(MOST_BATCHED);
        if count == 0 {
            queue.is_driven = false;
            return None;
        }
        Some((queue.waiting.drain(..count).collect(), queue.asked_at))
    }

    fn answer(&self, nonce: u64, given: Option<Given>) {
        let mut queue = self.queue.lock();
        if let Some(given) = given {
            self.remembered.lock().note(nonce, given.number);
        }
        for answer in queue.answers.remove(&nonce).unwrap_or_default() {
            // A visitor who hung up leaves a number that nobody holds; it is passed over as absent.
            let _ = answer.send(given);
        }
    }
}

impl Remembered {
    fn number_of(&mut self, nonce: u64, now: Timestamp) -> Option<Number> {
        if now.since(self.turned_at) >= REMEMBER {
            self.turn();
            self.turned_at = now;
        }
        self.find(nonce)
    }

    fn find(&self, nonce: u64) -> Option<Number> {
        let number = self.recent.get(&nonce).or_else(|| self.older.get(&nonce));
        number.copied()
    }

    fn note(&mut self, nonce: u64, number: Number) {
        if self.recent.len() >= MOST_REMEMBERED {
            self.turn();
        }
        // Where two gateways were asked at once, all settle on the same.
        let known = self.recent.entry(nonce).or_insert(number);
        *known = number.min(*known);
    }

    /// Numbers of another line are nobody's in this.
    fn be_of(&mut self, line: LineId) {
        if self.line != Some(line) {
            *self = Self {
                line: Some(line),
                ..Self::default()
            };
        }
    }

    fn turn(&mut self) {
        self.older = std::mem::take(&mut self.recent);
    }
}
