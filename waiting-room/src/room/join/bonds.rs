//! One arrival is one number in the whole fleet: the store remembers which arrival got which.
//!
//! It is looked first, so that a challenge that is shown at every gateway burns no numbers, some of which would have a
//! seat reserved. Then numbers are taken, and each is bound to its arrival; where another gateway was quicker, its
//! number is the arrival's, and ours is nobody's, as after a visitor who hung up.

use super::{Arrival, Given, Inner};
use crate::{
    store::{Bond, SHELF, Shelf},
    value::millis,
};

impl Arrival {
    pub(in crate::room) fn bond(&self) -> Bond {
        Bond {
            shelf: Shelf::Arrivals(self.issued_at.0 / millis(SHELF)),
            name: self.nonce,
        }
    }
}

impl Inner {
    /// For each arrival its number: that which it has, or a new one.
    pub(super) async fn give_bound(&self, batch: &[Arrival]) -> Vec<Option<Given>> {
        let names: Vec<_> = batch.iter().map(Arrival::bond).collect();
        let known = match self.store.bound(&names).await {
            Ok(known) => known,
            Err(error) => {
                tracing::debug!(%error, "no number");
                return vec![None; batch.len()];
            }
        };
        let fresh: Vec<Bond> = names
            .iter()
            .zip(&known)
            .filter_map(|(name, known)| known.is_none().then_some(*name))
            .collect();
        let mut new = self.give_new(&fresh).await.into_iter();
        let given = known.into_iter().map(|known| match known {
            Some(number) => {
                self.raise_highest(number.plus(1));
                Some(Given::again(number))
            }
            None => new.next().flatten(),
        });
        given.collect()
    }

    async fn give_new(&self, fresh: &[Bond]) -> Vec<Option<Given>> {
        let given = self.give(fresh.len()).await;
        let pairs: Option<Vec<_>> = fresh
            .iter()
            .zip(&given)
            .map(|(name, given)| given.map(|given| (*name, given.number)))
            .collect();
        let Some(pairs) = pairs.filter(|pairs| !pairs.is_empty()) else {
            return given;
        };
        match self.store.bind(&pairs).await {
            Ok(bound) => given
                .into_iter()
                .flatten()
                .zip(bound)
                .map(|(given, number)| {
                    let is_ours = given.number == number;
                    Some(if is_ours { given } else { Given::again(number) })
                })
                .collect(),
            Err(error) => {
                // They may be bound all the same: then the arrival is given its number when it asks again.
                tracing::debug!(%error, "numbers could not be bound");
                vec![None; fresh.len()]
            }
        }
    }
}
