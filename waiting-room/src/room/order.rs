//! What operators and origins say about the room.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex;

use thiserror::Error;

use super::Room;
use crate::{
    orders::{Order, Orders},
    snapshot::{Place, Snapshot},
    store::StoreError,
    token::{Ticket, Told},
    value::{Number, Timestamp},
};

/// A ticket that somebody named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its number in the line's log: the first is 0.
    pub number: u64,
    /// How it stands.
    pub place: Place,
    /// Whether its holder has a pass that is still good.
    pub is_inside: bool,
}

/// Why an order was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotTaken {
    /// The store did not answer: it may stand all the same.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another word was said before, and the first one counts.
    #[error("another word was said before, and the first one counts")]
    Said,
}

/// Orders taken here moments ago: a store that forgets may do so before any picture shows them.
#[derive(Debug, Default)]
pub(super) struct Said(Mutex<VecDeque<Order>>);

/// Longer than from an order to the picture that shows it.
const REMEMBER: Duration = Duration::from_secs(30);
/// Most that are remembered.
const MOST: usize = 1_024;

impl Said {
    fn note(&self, order: &Order) {
        let mut said = self.0.lock();
        let is_old = |at| Timestamp(order.at).since(Timestamp(at)) > REMEMBER;
        while said
            .front()
            .is_some_and(|first| said.len() >= MOST || is_old(first.at))
        {
            said.pop_front();
        }
        said.push_back(order.clone());
    }

    pub(super) fn lately(&self) -> Vec<Order> {
        self.0.lock().iter().cloned().collect()
    }
}

impl Room {
    /// The ticket whose public name is `name`: its number in the line's log, and how it stands at `now`. A ticket of a
    /// pre-queue that was drawn has the number that it drew.
    #[must_use]
    pub fn find(&self, name: &str, now: Timestamp) -> Option<Found> {
        let seen = self.snapshot()?;
        let ticket = self.named(&seen, name)?;
        let number = ticket.number.since(Number(seen.line.id.0));
        Some(Found {
            number,
            place: self.place(&ticket, now),
            is_inside: self.inner.is_inside(ticket.number, now),
        })
    }

    /// The number of the ticket whose public name is `name`, as it stands in the present line.
    #[must_use]
    pub fn number_of(&self, name: &str) -> Option<Number> {
        let seen = self.snapshot()?;
        self.named(&seen, name).map(|ticket| ticket.number)
    }

    fn named(&self, seen: &Snapshot, name: &str) -> Option<Ticket> {
        let line = seen.line.id;
        let mut named = self.inner.seal.numbers_named(name, line).into_iter();
        let is_given = |number: &Number| (seen.line.floor..seen.next).contains(number);
        let number = named.find(is_given)?;
        // After a change of keys a name may read as two tickets: better none than a stranger's.
        if named.any(|number| is_given(&number)) {
            return None;
        }
        Some(seen.current(Ticket {
            line,
            number,
            joined_at: seen.read_at,
            told: Told::Called {
                at: seen.read_at,
                until: seen.read_at,
            },
            secret: 0,
        }))
    }

    /// An operator's or an origin's word about the room, for the whole fleet. It is obeyed within a tick.
    ///
    /// # Errors
    /// When the store did not answer: it may stand all the same. When the word is one that counts once, and another was said.
    pub async fn order(&self, order: &Order) -> Result<(), NotTaken> {
        let (store, place) = (&self.inner.store, order.word.place());
        if !order.word.counts_once() {
            store.order(&place, Some(&order.encode())).await?;
        } else if !store.order_once(&place, &order.encode()).await? {
            let said = store.head().await?.orders;
            let said = Orders::read(&said);
            // Who gave it and heard no answer may give it again.
            let is_the_same =
                |(other, said): (&str, &Order)| other == place && said.word == order.word;
            if !said.iter().any(is_the_same) {
                return Err(NotTaken::Said);
            }
        }
        self.inner.heirlooms.said.note(order);
        Ok(())
    }

    /// What an origin says is left to sell, in an answer at `at`. The newest answer of the fleet counts, within a step.
    pub fn remaining(&self, remaining: u64, at: Timestamp) {
        let said = &self.inner.heirlooms.stock;
        let is_newer = said.load().as_ref().is_none_or(|stock| stock.1 <= at);
        if is_newer {
            said.store(Some(Arc::new((remaining, at))));
        }
    }
}
