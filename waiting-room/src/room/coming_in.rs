//! Coming in: a call becomes a pass, exactly once.

use std::sync::Arc;

use super::{Admitted, Client, Held, Outcome, Room, TicketChange, visit::VisitNow};
use crate::{
    counts::Event,
    snapshot::{CLAIM_SLACK, Snapshot},
    status::{Reason, Status},
    stopwatch::Stopwatch,
    store::{Mark, RoomStore, StoreError, Was},
    token::{Pass, Ticket},
    value::{Moment, Number},
};

impl Room {
    pub(super) async fn come_in(&self, ticket: Ticket, client: &Client<'_>, at: Moment) -> Outcome {
        let inner = &self.inner;
        // A picture that has stopped moving cannot know that the seat was given on meanwhile: the fleet holds
        // an unclaimed seat for so long past its call, and no longer.
        let snapshot = self.snapshot();
        let is_current = |seen: &Snapshot| seen.is_of(at.now, CLAIM_SLACK);
        // A store that is doubted may have forgotten who came in.
        let Some(seen) = snapshot.filter(|seen| is_current(seen) && inner.is_trusted()) else {
            return self.not_now(&ticket, at);
        };
        let watch = Stopwatch::start();
        let store = Arc::clone(&inner.store);
        let all = move |numbers: Vec<_>| {
            let store = Arc::clone(&store);
            async move { claim_all(&*store, &numbers).await }
        };
        let Some(Ok(was)) = inner.claims.ask(ticket.number, all).await else {
            return self.not_now(&ticket, at);
        };
        // By now the picture may have stopped moving: whoever asks again comes in if the call is still open.
        if watch.has_run(CLAIM_SLACK) {
            return self.not_now(&ticket, at);
        }
        // What was known here stands, though the store has forgotten it a moment ago.
        let was = if seen.marks.claimed.has(ticket.number) {
            Was::Set
        } else {
            was
        };
        let mut expires_at = at.now.plus(self.session(at.now).ttl());
        if was == Was::Set {
            match self.visit_of(ticket.number, at.now).await {
                VisitNow::Over => return self.once_more(&ticket, client, at).await,
                // It is no longer for being shown twice.
                VisitNow::Until(ends) => expires_at = expires_at.min(ends),
                VisitNow::Unknown => {}
            }
        }
        inner.heirlooms.claimed.note(ticket.number, at.now);
        self.count_visit(ticket.number, expires_at, at.now);
        if !self.keep_activity(at.now).await {
            // The claim stands: whoever asks again in time comes in.
            return self.not_now(&ticket, at);
        }
        inner.heirlooms.counts.add(match was {
            Was::Unset => Event::Claimed,
            Was::Set => Event::ClaimedAgain,
        });
        let pass = Pass {
            line: ticket.line,
            number: ticket.number,
            issued_at: at.now,
            expires_at,
            secret: ticket.secret,
        };
        Outcome::Admitted(Admitted {
            number: pass.number,
            expires_at: pass.expires_at,
            visit: Some(self.visit(pass)),
            pass: Some(inner.seal.pass_for(&pass, self.bound.as_ref())),
            ticket: TicketChange::Drop,
        })
    }

    /// A called visitor cannot come in while the store is lost; the call waits.
    fn not_now(&self, ticket: &Ticket, at: Moment) -> Outcome {
        self.inner.heirlooms.counts.add(Event::StoreFailed);
        let place = self.place(ticket, at.now);
        let status = Status {
            reason: Some(Reason::StoreLost),
            ..self.told(ticket, place, at)
        };
        // A number taken by this very request must reach its holder all the same.
        let ticket = TicketChange::Set(self.signed(ticket));
        Outcome::Held(Held { status, ticket })
    }
}

/// Marks the numbers as having come in; what the mark said before tells whether they had already.
async fn claim_all(store: &dyn RoomStore, numbers: &[Number]) -> Vec<Result<Was, StoreError>> {
    match store.mark_each(Mark::Claimed, numbers).await {
        Ok(all) => all.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error); numbers.len()],
    }
}
