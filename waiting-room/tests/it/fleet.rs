//! Several gateways on one store, stepped by hand.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use policies::{admission::Admission, schedule::Schedule};
use waiting_room::{
    Driver, KeyId, Keyring, LineId, Moment, Number, Outcome, Parts, Presented, Room, RoomName,
    Seal, Stepped, TicketChange, Timestamp,
    store::{Commit, Committed, GatewayId, Reach, Record, RoomStore},
    token::{Claimant, Ticket},
};

pub(crate) const START: Timestamp = Timestamp(1_790_000_000_000);

pub(crate) struct Gateway {
    pub(crate) room: Room,
    pub(crate) driver: Driver,
    /// How far this gateway's clock is ahead.
    pub(crate) skew: Duration,
}

pub(crate) fn seal() -> Seal {
    let ring = Keyring::new(vec![(KeyId(1), vec![7; 32])]).expect("valid ring");
    ring.seal("acme", "flash-sale")
}

pub(crate) fn room_name() -> RoomName {
    RoomName {
        tenant: "acme".into(),
        room: "flash-sale".into(),
    }
}

pub(crate) fn parts(
    id: u64,
    store: Arc<dyn RoomStore>,
    (rules, schedule): (Admission, Schedule),
) -> Parts {
    Parts {
        name: room_name(),
        rules,
        schedule,
        seal: seal(),
        store,
        gateway: GatewayId(id),
        share_store: None,
        gather: Duration::ZERO,
    }
}

impl Gateway {
    pub(crate) fn new(id: u64, store: Arc<dyn RoomStore>, rules: Admission) -> Self {
        Self::scheduled(id, store, rules, Schedule::default())
    }

    pub(crate) fn scheduled(
        id: u64,
        store: Arc<dyn RoomStore>,
        rules: Admission,
        schedule: Schedule,
    ) -> Self {
        let (room, driver) = Room::new(parts(id, store, (rules, schedule)));
        Self {
            room,
            driver,
            skew: Duration::ZERO,
        }
    }

    /// The same gateway under other rules.
    pub(crate) fn reload(
        &mut self,
        id: u64,
        store: Arc<dyn RoomStore>,
        made_of: (Admission, Schedule),
        now: Timestamp,
    ) {
        let parts = parts(id, store, made_of);
        (self.room, self.driver) = Room::succeed(parts, &self.room, now);
    }

    pub(crate) async fn step(&mut self, now: Timestamp) -> Stepped {
        self.driver.step(now.plus(self.skew)).await
    }
}

/// A client that keeps what it is given, as a browser keeps cookies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Browser {
    pub(crate) ticket: Option<String>,
    pub(crate) pass: Option<String>,
    /// What the ticket says.
    read: Option<Ticket>,
}

impl Browser {
    pub(crate) fn presented(&self) -> Presented<'_> {
        Presented {
            ticket: self.ticket.as_deref(),
            pass: self.pass.as_deref(),
        }
    }

    /// Takes what came with the answer.
    pub(crate) fn keep(&mut self, outcome: &Outcome) {
        let change = match outcome {
            Outcome::Admitted(admitted) => {
                if let Some(pass) = admitted.pass {
                    self.pass = Some(pass.as_str().to_owned());
                }
                admitted.ticket
            }
            Outcome::Held(held) => held.ticket,
        };
        match change {
            TicketChange::Keep => {}
            TicketChange::Set(text) => {
                self.ticket = Some(text.as_str().to_owned());
                self.read = match seal().read_claimant(text.as_str()) {
                    Ok(Claimant::Ticket(ticket)) => Some(ticket),
                    _ => None,
                };
            }
            TicketChange::Drop => (self.ticket, self.read) = (None, None),
        }
    }

    /// The ticket it holds, if any.
    pub(crate) fn ticket(&self) -> Option<Ticket> {
        self.read
    }

    pub(crate) async fn enter(
        &mut self,
        gateway: &Gateway,
        now: Timestamp,
        entropy: u64,
    ) -> Outcome {
        let at = Moment {
            now: now.plus(gateway.skew),
            entropy,
        };
        let outcome = gateway.room.enter(self.presented(), at).await;
        self.keep(&outcome);
        outcome
    }

    pub(crate) async fn leave(&mut self, gateway: &Gateway, now: Timestamp) -> Outcome {
        let at = Moment {
            now: now.plus(gateway.skew),
            entropy: 0,
        };
        let outcome = gateway.room.leave(self.presented(), at).await;
        self.keep(&outcome);
        outcome
    }

    pub(crate) async fn status(
        &mut self,
        gateway: &Gateway,
        now: Timestamp,
        entropy: u64,
    ) -> Outcome {
        let at = Moment {
            now: now.plus(gateway.skew),
            entropy,
        };
        let outcome = gateway.room.status(self.presented(), at).await;
        self.keep(&outcome);
        outcome
    }
}

/// Waits until a store over a network is there: it has a session, and the connection for commits, which
/// that says nothing of, refuses one that was decided on what never was.
pub(crate) async fn connected(store: &dyn RoomStore) {
    let never = Commit {
        seen: Some(u64::MAX),
        record: Record {
            version: 0,
            line: Vec::new(),
        },
        reach: Reach {
            line: LineId(0),
            horizon: Number(0),
            at: Timestamp(0),
        },
        next_at_least: Number(0),
        chunks: Vec::new(),
        entries: Vec::new(),
        drop_below: 0,
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    while store.session() == 0 || store.commit(&never).await != Ok(Committed::Fenced) {
        assert!(Instant::now() < deadline, "the store does not connect");
        tokio::task::yield_now().await;
    }
}
