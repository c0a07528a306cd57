//! Live counters for the progress line, shared by all visitors of a run.

use std::sync::atomic::{AtomicU64, Ordering};

/// Where the visitors are.
#[derive(Debug, Default)]
pub struct Tally {
    /// Sent their first request.
    pub arrived: Count,
    /// Have a place in line.
    pub joined: Count,
    /// Hold a pass.
    pub admitted: Count,
    /// Saw a receipt.
    pub paid: Count,
    /// Ended, however.
    pub done: Count,
    /// Troubles met.
    pub troubles: Count,
}

/// One counter.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    /// One line for a person.
    #[must_use]
    pub fn line(&self) -> String {
        let (joined, admitted, done) = (self.joined.get(), self.admitted.get(), self.done.get());
        format!(
            "arrived {} · in line {} · admitted {admitted} · paid {} · gone {done} · troubles {}",
            self.arrived.get(),
            joined.saturating_sub(admitted),
            self.paid.get(),
            self.troubles.get(),
        )
    }
}
