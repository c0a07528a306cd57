//! Whether visitors should be sent to a gateway that has just started.
//!
//! It is asked for once: a store that is lost later is lost for the whole fleet, and all of it leaving the balancer
//! would be worse than what a gateway without its store still does.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use waiting_room::Footing;

use crate::clock;
use crate::live::Live;

/// A store that does not answer for so long is lost: visitors are served as `on_store_loss` says.
const PATIENCE: Duration = Duration::from_secs(15);

/// Whether this gateway was ready once.
#[derive(Debug)]
pub(crate) struct Readiness {
    since: Instant,
    reached: AtomicBool,
}

impl Readiness {
    pub(crate) fn new() -> Self {
        Self {
            since: clock::now(),
            reached: AtomicBool::new(false),
        }
    }

    /// What is not there yet; `None` once it was.
    pub(super) fn missing(&self, live: &Live) -> Option<&'static str> {
        if self.reached.load(Relaxed) {
            return None;
        }
        let rooms = live.tenants().flat_map(|tenant| &tenant.rooms);
        let worst = rooms.map(|served| served.room.footing()).max();
        let missing = missing(worst.unwrap_or(Footing::Firm), clock::now() - self.since);
        self.reached.store(missing.is_none(), Relaxed);
        missing
    }
}

fn missing(worst: Footing, waited: Duration) -> Option<&'static str> {
    match worst {
        Footing::Firm => None,
        Footing::None => (waited < PATIENCE).then_some("the rooms' store is not there yet\n"),
        // Others may have a better clock, and nobody gets a number by this one.
        Footing::WrongClock => Some("this machine's clock and the store's differ\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_ready_when_its_rooms_give_numbers_or_cannot() {
        let is_ready = |worst, seconds| missing(worst, Duration::from_secs(seconds)).is_none();
        assert!(is_ready(Footing::Firm, 1));
        assert!(!is_ready(Footing::None, 14) && is_ready(Footing::None, 15));
        assert!(!is_ready(Footing::WrongClock, 600));
    }
}
