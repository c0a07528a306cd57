//! One shard of the book: the payments of some orders, under one short lock.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::Confirmed;
use super::payment::{Confirmation, NewPayment, Payment, Status};
use crate::merchant::Merchant;
use crate::refusal::{self, Refusal};
use crate::{clock, secret};

/// The payments of some orders.
#[derive(Debug, Default)]
pub(super) struct Shard {
    payments: HashMap<String, Arc<Payment>>,
    /// Sessions of each order, oldest first.
    orders: HashMap<(Merchant, String), Vec<String>>,
    /// (moment, key) of each session that may expire; each queue is in order of its moments,
    /// since all windows live equally long and all authentications do.
    windows: VecDeque<(Timestamp, String)>,
    confirms: VecDeque<(Timestamp, String)>,
}

impl Shard {
    pub(super) fn len(&self) -> usize {
        self.payments.len()
    }

    pub(super) fn open(&mut self, new: NewPayment, index: usize, now: Timestamp) -> Arc<Payment> {
        let key = format!(
            "tgen_{}{}{index:02x}",
            clock::seoul_compact(now),
            secret::letters(10)
        );
        let owner = (new.merchant.clone(), new.order_id.clone());
        let payment = Arc::new(Payment::open(key.clone(), new, now));
        self.orders.entry(owner).or_default().push(key.clone());
        self.windows.push_back((payment.expires_at, key.clone()));
        self.payments.insert(key, Arc::clone(&payment));
        payment
    }

    /// Lets time pass for a payment, changes it, and returns it as it then stands.
    pub(super) fn edit(
        &mut self,
        key: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Payment) -> Result<(), Refusal>,
    ) -> Result<Arc<Payment>, Refusal> {
        let shared = self
            .payments
            .get_mut(key)
            .ok_or(refusal::NOT_FOUND_PAYMENT)?;
        let payment = Arc::make_mut(shared);
        payment.observe(now);
        let before = payment.status;
        change(payment)?;
        if before != payment.status && payment.status == Status::InProgress {
            self.confirms
                .push_back((payment.expires_at, key.to_owned()));
        }
        Ok(Arc::clone(shared))
    }

    /// Refuses a key that is not this merchant's as if it did not exist.
    pub(super) fn owned(&self, merchant: &Merchant, key: &str) -> Result<(), Refusal> {
        match self.payments.get(key) {
            Some(payment) if payment.merchant == *merchant => Ok(()),
            _ => Err(refusal::NOT_FOUND_PAYMENT),
        }
    }

    pub(super) fn confirm(
        &mut self,
        merchant: &Merchant,
        key: &str,
        confirmation: &Confirmation,
        now: Timestamp,
    ) -> Confirmed {
        if self.owned(merchant, key).is_err() {
            return Confirmed::refused(refusal::NOT_FOUND_PAYMENT_SESSION);
        }
        let order_taken = self.order_is_taken(merchant, &confirmation.order_id, key);
        let shared = self
            .payments
            .get_mut(key)
            .expect("owned() has just found it");
        let payment = Arc::make_mut(shared);
        payment.observe(now);
        if let Err(why) = payment.check_confirm(confirmation) {
            return Confirmed::refused(why);
        }
        if order_taken {
            return Confirmed::refused(refusal::DUPLICATED_ORDER_ID);
        }
        let settled = payment.settle(confirmation, secret::letters(32), now);
        let payment = Arc::clone(shared);
        Confirmed {
            result: settled.map(|()| Arc::clone(&payment)),
            moved: Some(payment),
        }
    }

    /// Whether another session of the order was approved before.
    fn order_is_taken(&self, merchant: &Merchant, order_id: &str, key: &str) -> bool {
        let owner = (merchant.clone(), order_id.to_owned());
        let sessions = self.orders.get(&owner).map_or(&[][..], Vec::as_slice);
        sessions.iter().filter(|other| *other != key).any(|other| {
            self.payments
                .get(other)
                .is_some_and(|p| p.status.was_approved())
        })
    }

    /// The key of the order's approved payment, else of its newest session.
    pub(super) fn key_of_order(&self, merchant: &Merchant, order_id: &str) -> Option<String> {
        let sessions = self.orders.get(&(merchant.clone(), order_id.to_owned()))?;
        let approved = |key: &&String| {
            self.payments
                .get(*key)
                .is_some_and(|p| p.status.was_approved())
        };
        sessions.iter().find(approved).or(sessions.last()).cloned()
    }

    pub(super) fn expire_due(&mut self, now: Timestamp) -> Vec<Arc<Payment>> {
        let mut expired = Vec::new();
        for queue in [&mut self.windows, &mut self.confirms] {
            while let Some((due, key)) = queue.pop_front_if(|(due, _)| *due <= now) {
                let Some(shared) = self.payments.get_mut(&key) else {
                    continue;
                };
                Arc::make_mut(shared).observe(now);
                // An authenticated session got a later moment; its first one means nothing now.
                if shared.status == Status::Expired && shared.expires_at == due {
                    expired.push(Arc::clone(shared));
                }
            }
        }
        expired
    }
}

/// The shard number that ends every payment key.
pub(super) fn index_in(key: &str) -> Option<usize> {
    let tail = key.strip_prefix("tgen_")?;
    let digits = tail.len().checked_sub(2).and_then(|at| tail.get(at..))?;
    usize::from_str_radix(digits, 16).ok()
}
