//! Where nobody is held up: by the method, or since the store is lost and the operator said so.

use policies::schedule::{Door, Method};

use super::{Admitted, Client, Outcome, Room, TicketChange, locate::Located};
use crate::value::{Moment, Number, Timestamp};

impl Room {
    /// Whether everybody comes in whatever the limits.
    pub(super) fn lets_everybody_in(&self, now: Timestamp) -> bool {
        let phase = self.inner.schedule.at(now.0);
        let is_halted = || {
            let seen = self.snapshot();
            let orders = seen.as_ref().map(|seen| &seen.orders);
            orders.is_some_and(|orders| orders.is_paused() || orders.remaining() == Some(0))
        };
        let by_method = phase.method == Method::Passthrough;
        let by_loss = || phase.method != Method::Closed && self.is_thrown_open(now);
        (by_method || by_loss()) && phase.door == Door::Open && !is_halted()
    }

    /// Whoever has a number takes a seat, so that they are counted when the method changes; nobody is held up for
    /// the want of one, or of a store.
    pub(super) async fn wave_through(
        &self,
        located: Located,
        client: &Client<'_>,
        at: Moment,
    ) -> Outcome {
        let ticket = match located {
            Located::Inside(pass) => return self.admit(pass, at.now).await,
            Located::Nowhere(held) => held.ticket,
            // Nobody waits for a store that does not answer.
            Located::InLine(_) if self.is_thrown_open(at.now) => TicketChange::Keep,
            Located::InLine(seat) => match self.come_in(seat.ticket, client, at).await {
                Outcome::Admitted(admitted) => return Outcome::Admitted(admitted),
                Outcome::Held(held) => held.ticket,
            },
        };
        Outcome::Admitted(Admitted {
            number: Number(0),
            expires_at: at.now.plus(self.session(at.now).ttl()),
            visit: None,
            pass: None,
            ticket,
        })
    }
}
