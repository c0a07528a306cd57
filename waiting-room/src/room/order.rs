//! What operators and origins say about the room.

use std::sync::Arc;

use super::Room;
use crate::{
    orders::Order,
    store::StoreError,
    token::{Ticket, Told},
    value::{Number, Timestamp},
};

impl Room {
    /// The number of the ticket whose public name is `name`, as it stands in the present line.
    #[must_use]
    pub fn number_of(&self, name: &str) -> Option<Number> {
        let seen = self.snapshot()?;
        let line = seen.line.id;
        let mut named = self.inner.seal.numbers_named(name, line).into_iter();
        let is_given = |number: &Number| (seen.line.floor..seen.next).contains(number);
        let number = named.find(is_given)?;
        // After a change of keys a name may read as two tickets: better none than a stranger's.
        if named.any(|number| is_given(&number)) {
            return None;
        }
        let current = seen.current(Ticket {
            line,
            number,
            joined_at: seen.read_at,
            told: Told::Called {
                at: seen.read_at,
                until: seen.read_at,
            },
            secret: 0,
        });
        Some(current.number)
    }

    /// An operator's or an origin's word about the room, for the whole fleet. It is obeyed within a tick.
    ///
    /// # Errors
    /// When the store did not answer: it may stand all the same.
    pub async fn order(&self, order: &Order) -> Result<(), StoreError> {
        let place = order.word.place();
        self.inner.store.order(&place, Some(&order.encode())).await
    }

    /// What an origin says is left to sell, in an answer at `at`. The newest answer of the fleet counts, within a step.
    pub fn remaining(&self, remaining: u64, at: Timestamp) {
        let said = &self.inner.stock;
        let is_newer = said.load().as_ref().is_none_or(|stock| stock.1 <= at);
        if is_newer {
            said.store(Some(Arc::new((remaining, at))));
        }
    }
}
