//! A stream (WebSocket, server-sent events) is a part of a visit: while it is open its visitor is there, and it does not
//! outlast the visit's seat.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use pingora::prelude::{Error, ErrorType};
use policies::name::Name;
use tokio::task::JoinHandle;
use waiting_room::Visit;

use super::exchange::Exchange;
use crate::live::Live;
use crate::rooms::{Served, now};
use crate::step::room::Admission;

/// The visit is looked at this often: as often as a session of that length is renewed by requests, within these bounds.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// Sees to a stream's visit until it is dropped.
#[derive(Debug)]
pub(super) struct Stay {
    is_over: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Stay {
    /// Of a request that has a seat in a room.
    pub(super) fn begin(live: &Arc<ArcSwap<Live>>, admission: &Admission) -> Option<Self> {
        let served = Arc::clone(admission.served.as_ref()?);
        let (visit, _) = admission.visit.as_ref()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let (live, over) = (Arc::clone(live), Arc::clone(&is_over));
        let visit = *visit;
        let task = tokio::spawn(async move {
            until_over(&live, served, &visit).await;
            over.store(true, Ordering::Release);
        });
        Some(Self { is_over, task })
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Exchange {
    /// An error once the visit is over that a stream belongs to: what goes on would be beside the room's limit.
    pub(super) fn stays(&self) -> pingora::Result<()> {
        match &self.stay {
            Some(stay) if stay.is_over.load(Ordering::Acquire) => {
                Error::e_explain(ErrorType::ConnectionClosed, "the visit is over")
            }
            _ => Ok(()),
        }
    }
}

async fn until_over(live: &ArcSwap<Live>, mut served: Arc<Served>, visit: &Visit) {
    let mut ends = visit.pass.expires_at;
    loop {
        let session = served.rules().admission.session();
        let often = (session.ttl() / 8).clamp(SHORTEST, LONGEST);
        tokio::time::sleep(ends.since(now()).clamp(SHORTEST, often)).await;
        // A stream may outlast the configuration that it began under.
        let [tenant, room] = [served.tenant(), served.name()].map(Name::as_str);
        let current = live.load().room(tenant, room).cloned();
        match current {
            Some(current) => served = current,
            // No limit holds any more, and nobody is counted.
            None => std::future::pending().await,
        }
        match served.room.stay(visit.pass.number, ends, now()).await {
            Some(until) => ends = until,
            None => return,
        }
    }
}
