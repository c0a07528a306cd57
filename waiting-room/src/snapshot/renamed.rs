//! Numbers that were drawn for others, and places that other devices have.

use super::Snapshot;
use crate::{token::Ticket, value::Number};

impl Snapshot {
    /// A ticket as it is to be read: one of a pre-queue that was drawn stands under its drawn number.
    #[must_use]
    pub fn current(&self, ticket: Ticket) -> Ticket {
        if ticket.line != self.line.id {
            return ticket;
        }
        Ticket {
            number: self.current_number(ticket.number),
            ..ticket
        }
    }

    /// The number under which a number of this line stands: its drawn one, if it was in a pre-queue that was drawn.
    #[must_use]
    pub fn current_number(&self, number: Number) -> Number {
        let (Some(lot), Some(draw)) = (&self.line.lot, &self.draw) else {
            return number;
        };
        let Some(list) = lot.list.filter(|_| lot.replaces(number)) else {
            return number;
        };
        let index = u32::try_from(number.since(lot.from)).ok();
        let place = index.and_then(|index| draw.place(index));
        place.map_or(number, |place| list.to.plus(u64::from(place)))
    }

    /// Whether another device has this ticket's place, under whichever of its numbers it moved.
    #[must_use]
    pub fn has_moved(&self, ticket: &Ticket) -> bool {
        if self.moves.is_empty() || ticket.line != self.line.id {
            return false;
        }
        let at = self.moved_to(self.current_number(ticket.number));
        at.is_some_and(|at| at != ticket.secret)
    }

    /// The secret that counts for the place with this number, if it ever moved: under it, or before that was drawn.
    #[must_use]
    pub fn moved_to(&self, number: Number) -> Option<u64> {
        let at = self.moves.at(number);
        at.or_else(|| self.moves.at(self.number_before(number)?))
    }

    /// The number of the pre-queue for which this one was drawn.
    fn number_before(&self, number: Number) -> Option<Number> {
        let (lot, draw) = (self.line.lot.as_ref()?, self.draw.as_ref()?);
        let place = number.0.checked_sub(lot.list?.to.0)?;
        let index = draw.index(u32::try_from(place).ok()?)?;
        Some(lot.from.plus(u64::from(index)))
    }
}
