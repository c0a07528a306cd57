//! The background of a process: its heartbeat, and the work that is due. The only place that maps a
//! kind of saga step to the command that carries it on.

use crate::db::{Db, DbError};
use crate::payment::Payments;
use crate::saga::{self, Claim, HEARTBEAT, Holder, Kind, Wake};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::MissedTickBehavior;

/// How often the database is looked at when nobody rings. It bounds how late a look-up of another
/// process is; one look costs an index probe.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Steps carried on at once: each waits for a PSP most of its time.
const AT_ONCE: usize = 256;

/// What background work needs. Cheap to clone.
#[derive(Clone)]
pub struct Worker {
    /// The database.
    pub db: Db,
    /// This process.
    pub holder: Holder,
    /// Rung when work became due.
    pub wake: Wake,
    /// What steps lead to.
    pub payments: Payments,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Worker")
    }
}

impl Worker {
    /// Beats until told to stop, then gives back what this process holds.
    pub async fn beat(self, mut stop: watch::Receiver<bool>) {
        let mut every = tokio::time::interval(HEARTBEAT);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = every.tick() => {}
                _ = stop.changed() => break,
            }
            match saga::beat(&self.db, self.holder).await {
                Ok(0) => {}
                Ok(freed) => {
                    tracing::warn!(freed, "took over the open work of a dead process");
                    self.wake.ring();
                }
                Err(error) => tracing::warn!(%error, "the heartbeat was not heard"),
            }
        }
        if let Err(error) = saga::retire(&self.db, self.holder).await {
            tracing::warn!(%error, "could not retire; others take over when the heartbeat is missed");
        }
    }

    /// Carries on what is due until told to stop.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        while !*stop.borrow() {
            // No more is claimed than slots are free, so that a claim never waits out its lease here.
            let Ok(slot) = slots.clone().acquire_owned().await else {
                return;
            };
            drop(slot);
            let free = i32::try_from(slots.available_permits()).unwrap_or(i32::MAX);
            match saga::claim(&self.db, self.holder, free).await {
                Ok(claims) => {
                    for claim in claims {
                        let Ok(slot) = slots.clone().acquire_owned().await else {
                            return;
                        };
                        let worker = self.clone();
                        tokio::spawn(async move {
                            let _held_until_the_end = slot;
                            worker.carry_on(&claim).await;
                        });
                    }
                }
                Err(error) => tracing::warn!(%error, "could not look for due work"),
            }
            tokio::select! {
                () = self.wake.heard() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn carry_on(&self, claim: &Claim) {
        let done: Result<(), DbError> = match claim.kind {
            Kind::SettlePayment => self.payments.resolve(claim).await,
            Kind::PspHint => self.payments.follow(claim).await,
        };
        if let Err(error) = done {
            let error = crate::http::problem::chain(&error);
            tracing::error!(error, kind = ?claim.kind, id = %claim.id, "a step failed; it is due again when its lease ends");
        }
    }
}
