//! One request and its answer: what the hooks tell one another.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use waiting_room::adaptive::Flight;

use super::stay::Stay;
use crate::clock;
use crate::drain::InFlight;
use crate::live::{Live, Tenant};
use crate::metrics::{Metrics, Outcome};
use crate::step::identify::Caller;
use crate::step::room::Admission;
use crate::upstream::balance::Set;
use crate::upstream::{Lease, Pool};

/// Filled once, from top to bottom, as the request goes through the steps.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// The configuration this request is served by, from its beginning to its end.
    pub(super) live: Arc<Live>,
    pub(super) started: Instant,
    pub(super) peer: SocketAddr,
    pub(super) caller: Option<Caller>,
    pub(super) tenant: Option<Arc<Tenant>>,
    pub(super) admission: Admission,
    pub(super) pool: Option<Arc<Pool>>,
    pub(super) lease: Option<Lease>,
    /// A try that is measured for the room that adapts to its origin.
    pub(super) measured: Option<Measured>,
    pub(super) tried: Set,
    pub(super) tries: u32,
    /// When the upstream must have answered, all tries together.
    pub(super) deadline: Option<Instant>,
    /// A WebSocket or an event stream, which no deadline ends.
    pub(super) streams: bool,
    /// The visit that such a stream belongs to.
    pub(super) stay: Option<Stay>,
    /// Of the request's body, so far.
    pub(super) body_bytes: u64,
    pub(super) outcome: Outcome,
    pub(super) logged: bool,
    metrics: Arc<Metrics>,
    _in_flight: InFlight,
}

impl Exchange {
    pub(super) fn new(live: Arc<Live>, metrics: Arc<Metrics>, in_flight: InFlight) -> Self {
        Self {
            live,
            started: clock::now(),
            peer: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
            caller: None,
            tenant: None,
            admission: Admission::default(),
            pool: None,
            lease: None,
            measured: None,
            tried: Set::EMPTY,
            tries: 0,
            deadline: None,
            streams: false,
            stay: None,
            body_bytes: 0,
            outcome: Outcome::Internal,
            logged: false,
            metrics,
            _in_flight: in_flight,
        }
    }
}

/// A request on its way to the origin, until the answer begins. Dropped, it counts as neither good nor bad.
#[derive(Debug)]
pub(super) struct Measured {
    flight: Flight,
    since: Instant,
}

impl Exchange {
    /// Measures this try, if the request came in through a room.
    pub(super) fn measure(&mut self) {
        let room = self.admission.served.as_ref().map(|served| &served.room);
        self.measured = room.map(|room| Measured {
            flight: room.meter().begin(),
            since: clock::now(),
        });
    }

    /// The answer has begun, or the try failed.
    pub(super) fn measured(&mut self, answered: Answered) {
        let Some(measured) = self.measured.take() else {
            return;
        };
        match answered {
            Answered::Well => {
                let took = clock::now().saturating_duration_since(measured.since);
                measured.flight.answered(took);
            }
            Answered::Badly => measured.flight.failed(),
        }
    }
}

/// How a try ended, as far as the origin's health goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answered {
    /// With an answer that is no fault of the server.
    Well,
    /// With a 5xx, or not at all.
    Badly,
}

impl Drop for Exchange {
    /// A hook that panics takes the request with it, past the log. It must not go uncounted.
    fn drop(&mut self) {
        if !self.logged {
            self.metrics.unlogged.inc();
        }
    }
}
