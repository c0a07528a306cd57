//! Approvals and cancellations in the order in which they happened, for the referee.

use jiff::Timestamp;
use parking_lot::Mutex;

use super::payment::Payment;
use crate::merchant::Merchant;
use crate::money::Money;

/// What moved money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A confirm that was approved.
    Approval,
    /// A full or partial cancellation.
    Cancel,
}

/// One movement of money.
#[derive(Clone, Debug)]
pub struct Entry {
    /// From 1, without gaps.
    pub seq: u64,
    /// Whose.
    pub merchant: Merchant,
    /// Which payment.
    pub payment_key: String,
    /// Which order.
    pub order_id: String,
    /// What was approved or taken back.
    pub amount: Money,
    /// The caller's `Idempotency-Key`, if it sent one.
    pub idempotency_key: Option<String>,
    /// Approval or cancellation.
    pub kind: Kind,
    /// When, by the simulator's clock.
    pub at: Timestamp,
}

#[derive(Debug, Default)]
pub(super) struct Journal {
    entries: Mutex<Vec<Entry>>,
}

impl Journal {
    pub(super) fn append(
        &self,
        payment: &Payment,
        kind: Kind,
        idempotency_key: &Option<String>,
        at: Timestamp,
    ) {
        let minor = match kind {
            Kind::Approval => payment.total.minor,
            Kind::Cancel => payment.cancels.last().map_or(0, |cancel| cancel.amount),
        };
        let mut entries = self.entries.lock();
        let seq = entries.len() as u64 + 1;
        entries.push(Entry {
            seq,
            merchant: payment.merchant.clone(),
            payment_key: payment.key.clone(),
            order_id: payment.order_id.clone(),
            amount: payment.total.with_minor(minor),
            idempotency_key: idempotency_key.clone(),
            kind,
            at,
        });
    }

    pub(super) fn entries(&self, after: u64, limit: usize) -> Vec<Entry> {
        let entries = self.entries.lock();
        let start = usize::try_from(after).map_or(entries.len(), |after| after.min(entries.len()));
        entries[start..].iter().take(limit).cloned().collect()
    }

    pub(super) fn totals(&self) -> (u64, u64) {
        let entries = self.entries.lock();
        let approvals = entries
            .iter()
            .filter(|entry| entry.kind == Kind::Approval)
            .count() as u64;
        (approvals, entries.len() as u64 - approvals)
    }

    pub(super) fn clear(&self) {
        self.entries.lock().clear();
    }
}
