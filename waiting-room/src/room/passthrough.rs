//! The method that holds nobody up.

use policies::schedule::{Door, Method};

use super::{Admitted, Outcome, Room, locate::Located};
use crate::value::{Moment, Number, Timestamp};

impl Room {
    /// Whether everybody comes in whatever the limits.
    pub(super) fn passes_everybody(&self, now: Timestamp) -> bool {
        let phase = self.inner.schedule.at(now.0);
        let is_halted = || {
            let seen = self.snapshot();
            let orders = seen.as_ref().map(|seen| &seen.orders);
            orders.is_some_and(|orders| orders.is_paused() || orders.remaining() == Some(0))
        };
        phase.method == Method::Passthrough && phase.door == Door::Open && !is_halted()
    }

    /// Whoever has a number takes a seat, so that they are counted when the method changes; nobody is held up for
    /// the want of one, or of a store.
    pub(super) async fn wave_through(&self, located: Located, at: Moment) -> Outcome {
        let held = match located {
            Located::Inside(pass) => return self.admit(pass, at.now).await,
            Located::Nowhere(held) => held,
            Located::InLine(seat) => match self.come_in(seat.ticket, at).await {
                Outcome::Admitted(admitted) => return Outcome::Admitted(admitted),
                Outcome::Held(held) => held,
            },
        };
        Outcome::Admitted(Admitted {
            number: Number(0),
            expires_at: at.now.plus(self.inner.rules.session().ttl()),
            pass: None,
            ticket: held.ticket,
        })
    }
}
