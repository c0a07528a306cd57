//! The book: every session, payment, approval and cancellation the simulator knows.
//!
//! Sharded by (merchant, orderId), so that "one approval per order" is decided under one short
//! lock and unrelated payments never meet. A payment key ends in its shard's number, so a look-up
//! by key needs no second index. Approvals and cancellations are also appended to one journal,
//! inside the shard's lock: a referee that reads the journal misses nothing a client could see.
//!
//! Bounded: at most `max_payments` sessions (about 2 kB each with their idempotency record); at
//! the bound new sessions are refused with `SIMULATOR_FULL` and nothing is ever dropped silently.

mod journal;
mod payment;
mod shard;

#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::merchant::Merchant;
use crate::refusal::{self, Refusal};
use journal::Journal;
use shard::Shard;

pub use journal::{Entry, Kind};
pub use payment::{
    Canceled, Cancellation, Card, Confirmation, NewPayment, Payment, ReturnUrls, Status,
};

/// Shards of the book: with two cores a lock is then practically never waited for, and two hex
/// digits name a shard.
const SHARDS: usize = 64;

/// Everything the simulator remembers about money.
#[derive(Debug)]
pub struct Book {
    shards: Vec<Mutex<Shard>>,
    journal: Journal,
    sessions: AtomicUsize,
    max_payments: usize,
}

impl Book {
    /// An empty book for at most `max_payments` sessions.
    pub fn new(max_payments: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            journal: Journal::default(),
            sessions: AtomicUsize::new(0),
            max_payments,
        }
    }

    /// Opens a payment session in state READY.
    pub fn open(&self, new: NewPayment, now: Timestamp) -> Result<Arc<Payment>, Refusal> {
        let index = shard_of(&new.merchant, &new.order_id);
        self.reserve_session()?;
        Ok(self.shards[index].lock().open(new, index, now))
    }

    /// The customer authenticated in the window: READY becomes IN_PROGRESS.
    pub fn authenticate(
        &self,
        key: &str,
        card: Card,
        now: Timestamp,
    ) -> Result<Arc<Payment>, Refusal> {
        self.shard(key)?
            .lock()
            .edit(key, now, |payment| payment.authenticate(card, now))
    }

    /// The customer or the issuer ended the payment in the window: READY becomes ABORTED.
    pub fn abandon(
        &self,
        key: &str,
        why: &Refusal,
        now: Timestamp,
    ) -> Result<Arc<Payment>, Refusal> {
        self.shard(key)?
            .lock()
            .edit(key, now, |payment| payment.abandon(why))
    }

    /// The merchant confirms an authenticated payment: IN_PROGRESS becomes DONE, or ABORTED when
    /// the issuer declines now. The second value is the payment as it stands, for the webhook.
    pub fn confirm(
        &self,
        merchant: &Merchant,
        key: &str,
        confirmation: &Confirmation,
        now: Timestamp,
    ) -> Confirmed {
        let Ok(shard) = self.shard(key) else {
            return Confirmed::refused(refusal::NOT_FOUND_PAYMENT_SESSION);
        };
        let mut shard = shard.lock();
        let outcome = shard.confirm(merchant, key, confirmation, now);
        if let Ok(payment) = &outcome.result {
            self.journal
                .append(payment, Kind::Approval, &confirmation.idempotency_key, now);
        }
        outcome
    }

    /// The issuer declines before anything is approved: IN_PROGRESS becomes ABORTED.
    pub fn decline(
        &self,
        merchant: &Merchant,
        key: &str,
        why: &Refusal,
        now: Timestamp,
    ) -> Result<Arc<Payment>, Refusal> {
        let mut shard = self.shard(key)?.lock();
        shard.owned(merchant, key)?;
        shard.edit(key, now, |payment| payment.decline(why))
    }

    /// Takes back all or part of an approved payment.
    pub fn cancel(
        &self,
        merchant: &Merchant,
        key: &str,
        cancellation: &Cancellation,
        now: Timestamp,
    ) -> Result<Arc<Payment>, Refusal> {
        let mut shard = self.shard(key)?.lock();
        shard.owned(merchant, key)?;
        let payment = shard.edit(key, now, |payment| payment.cancel(cancellation, now))?;
        self.journal
            .append(&payment, Kind::Cancel, &cancellation.idempotency_key, now);
        Ok(payment)
    }

    /// A payment of this merchant by its key.
    pub fn find(
        &self,
        merchant: &Merchant,
        key: &str,
        now: Timestamp,
    ) -> Result<Arc<Payment>, Refusal> {
        let mut shard = self.shard(key)?.lock();
        shard.owned(merchant, key)?;
        shard.edit(key, now, |_| Ok(()))
    }

    /// Any payment by its key: the window knows no secret.
    pub fn find_in_window(&self, key: &str, now: Timestamp) -> Result<Arc<Payment>, Refusal> {
        self.shard(key)?.lock().edit(key, now, |_| Ok(()))
    }

    /// The payment of an order: the approved one, else the newest session.
    pub fn find_order(
        &self,
        merchant: &Merchant,
        order_id: &str,
        now: Timestamp,
    ) -> Result<Arc<Payment>, Refusal> {
        let mut shard = self.shards[shard_of(merchant, order_id)].lock();
        let key = shard
            .key_of_order(merchant, order_id)
            .ok_or(refusal::NOT_FOUND_PAYMENT)?;
        shard.edit(&key, now, |_| Ok(()))
    }

    /// Moves sessions whose time is over to EXPIRED and returns them, for their webhooks.
    pub fn expire_due(&self, now: Timestamp) -> Vec<Arc<Payment>> {
        self.shards
            .iter()
            .flat_map(|shard| shard.lock().expire_due(now))
            .collect()
    }

    /// Approvals and cancellations with a sequence number over `after`, at most `limit`.
    pub fn entries(&self, after: u64, limit: usize) -> Vec<Entry> {
        self.journal.entries(after, limit)
    }

    /// (approvals, cancellations) so far.
    pub fn totals(&self) -> (u64, u64) {
        self.journal.totals()
    }

    /// Sessions in the book.
    pub fn len(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    /// Whether nothing was opened yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets everything, for the start of a drill.
    pub fn clear(&self) {
        for shard in &self.shards {
            let forgotten = std::mem::take(&mut *shard.lock()).len();
            self.sessions.fetch_sub(forgotten, Ordering::Relaxed);
        }
        self.journal.clear();
    }

    fn reserve_session(&self) -> Result<(), Refusal> {
        let take = |count| (count < self.max_payments).then_some(count + 1);
        let taken = self
            .sessions
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.map(|_| ()).map_err(|_| refusal::SIMULATOR_FULL)
    }

    fn shard(&self, key: &str) -> Result<&Mutex<Shard>, Refusal> {
        let index = shard::index_in(key).ok_or(refusal::NOT_FOUND_PAYMENT)?;
        self.shards.get(index).ok_or(refusal::NOT_FOUND_PAYMENT)
    }
}

/// What a confirm did.
#[derive(Debug)]
pub struct Confirmed {
    /// The approved payment, or why not.
    pub result: Result<Arc<Payment>, Refusal>,
    /// The payment whose status this confirm changed, if it changed one.
    pub moved: Option<Arc<Payment>>,
}

impl Confirmed {
    fn refused(why: Refusal) -> Self {
        Self {
            result: Err(why),
            moved: None,
        }
    }
}

fn shard_of(merchant: &Merchant, order_id: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    (merchant, order_id).hash(&mut hasher);
    usize::try_from(hasher.finish() % SHARDS as u64).expect("64 fits in usize")
}
