//! What operators and origins say about the room.

use super::Room;
use crate::{
    orders::{Order, Word},
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
        let number = named.find(|number| (seen.line.floor..seen.next).contains(number))?;
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

    /// What an origin says is left to sell. Each gateway keeps what it heard last; the newest counts.
    ///
    /// # Errors
    /// When the store did not answer.
    pub async fn remaining(&self, remaining: u64, at: Timestamp) -> Result<(), StoreError> {
        let order = Order {
            id: 0,
            at: at.0,
            by: "origin".into(),
            word: Word::Stock {
                remaining: Some(remaining),
            },
        };
        let place = format!("stock:{:016x}", self.inner.gateway.0);
        self.inner.store.order(&place, Some(&order.encode())).await
    }
}
