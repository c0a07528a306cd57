//! What the simulator counted, for `GET /sim/stats`.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::faults::Op;

/// Counters since the start or the last reset.
#[derive(Debug, Default)]
pub struct Stats {
    confirms: AtomicU64,
    gets: AtomicU64,
    cancels: AtomicU64,
    windows: AtomicU64,
    authorizations: AtomicU64,
    replays: AtomicU64,
    in_flight: AtomicU64,
}

impl Stats {
    /// A request arrived.
    pub fn request(&self, op: Op) {
        self.counter(op).fetch_add(1, Ordering::Relaxed);
    }

    /// An answer was replayed from an idempotency record.
    pub fn replayed(&self) {
        self.replays.fetch_add(1, Ordering::Relaxed);
    }

    /// A request was refused because its twin was still running.
    pub fn refused_in_flight(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// All counters as JSON.
    pub fn to_json(&self) -> Value {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({
            "requests": {
                "confirm": read(&self.confirms),
                "get": read(&self.gets),
                "cancel": read(&self.cancels),
                "window": read(&self.windows),
                "authorize": read(&self.authorizations),
            },
            "idempotentReplays": read(&self.replays),
            "idempotentInFlight": read(&self.in_flight),
        })
    }

    /// Back to zero.
    pub fn clear(&self) {
        for op in [Op::Confirm, Op::Get, Op::Cancel, Op::Window, Op::Authorize] {
            self.counter(op).store(0, Ordering::Relaxed);
        }
        self.replays.store(0, Ordering::Relaxed);
        self.in_flight.store(0, Ordering::Relaxed);
    }

    fn counter(&self, op: Op) -> &AtomicU64 {
        match op {
            Op::Confirm => &self.confirms,
            Op::Get => &self.gets,
            Op::Cancel => &self.cancels,
            Op::Window => &self.windows,
            Op::Authorize => &self.authorizations,
        }
    }
}
