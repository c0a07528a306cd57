//! Waiting: first request, joining, polling as told, the call and the claim.

use std::time::Duration;

use http::header::SET_COOKIE;
use http::{Method, StatusCode};

use super::status::{State, Status};
use super::{Leave, Stop, Visitor};
use crate::clock::Moment;
use crate::record::{Exchange, Outcome, Step};
use crate::wire::{Answer, Ask, Place};

/// A poll this late may cost a place fairly: half of the shortest presence grain in front of the line (5 s).
const TARDY: Duration = Duration::from_millis(2_500);
/// The least pause between two polls, whatever an answer says: a drill must not become a flood.
const SHORTEST: Duration = Duration::from_millis(50);

/// A claim is made once, and both who make it hear the same.
pub(crate) const TABS_DIFFER: &str = "two tabs of one visitor got different answers to the claim";

impl Visitor {
    /// From the first request until the visitor holds a pass.
    pub(super) async fn wait_in_line(&mut self) -> Result<(), Stop> {
        let page = Ask::page(Place::Gateway, self.world.room.path.clone());
        let (answer, exchange) = self.ask(Step::Arrive, self.record.due, &page).await?;
        match answer.status {
            StatusCode::SERVICE_UNAVAILABLE => {}
            StatusCode::OK if self.pass().is_some() => return Ok(()),
            status => {
                self.trouble(
                    Step::Arrive,
                    format!("status {} instead of the queue page", status.as_u16()),
                );
                return Err(Stop::Failed);
            }
        }
        let status = Ask::script(Method::GET, self.address("status"));
        let mut due = exchange.answered;
        loop {
            let step = if self.record.joined.is_some() {
                Step::Poll
            } else {
                Step::Join
            };
            let (answer, exchange) = self.ask(step, due, &status).await?;
            self.record.punctual &= step == Step::Join || exchange.sent.since(due) < TARDY;
            if step == Step::Poll {
                let took = |exchange: &Exchange| exchange.answered.since(exchange.sent);
                let known = self
                    .record
                    .slowest
                    .filter(|known| took(known) >= took(&exchange));
                self.record.slowest = known.or(Some(exchange));
            }
            let seen = self.read(step, &answer)?;
            self.observe(&seen, exchange);
            due = match seen.state {
                State::Called => match self.claim().await? {
                    Some(again) => again,
                    None => return Ok(()),
                },
                State::Admitted => return Ok(()),
                State::SoldOut => return Err(Stop::Ended(Outcome::SoldOut)),
                State::Closed => return Err(Stop::Ended(Outcome::Closed)),
                State::NotOpen | State::Waiting | State::Paused => {
                    self.wait(&seen, exchange.answered).await?
                }
            };
        }
    }

    pub(super) fn address(&self, verb: &str) -> String {
        format!("/.fluxgate/{}/{verb}", self.world.room.name)
    }

    pub(super) fn pass(&self) -> Option<&str> {
        self.browser
            .jar(Place::Gateway)
            .starting_with(&format!("fg_p_{}", self.world.room.name))
    }

    fn read(&mut self, step: Step, answer: &Answer) -> Result<Status, Stop> {
        Status::read(answer).map_err(|kind| {
            self.trouble(step, kind);
            Stop::Failed
        })
    }

    fn observe(&mut self, seen: &Status, exchange: Exchange) {
        if self.record.joined.is_none() && seen.has_place() {
            self.record.joined = Some(exchange);
            self.world.tally.joined.add();
        }
        if seen.state == State::Called {
            // Whoever misses this call is told the place among the late comers.
            self.record.ahead = None;
            match seen.call() {
                Some((call, deadline)) => self.record.see_call(call, exchange.answered, deadline),
                None => self.trouble(Step::Poll, "called without saying when and until when"),
            }
        }
        if let (Some(ahead), State::Waiting) = (seen.ahead, seen.state) {
            self.record.position_rises +=
                u32::from(self.record.ahead.is_some_and(|before| ahead > before));
            self.record.ahead = Some(ahead);
        }
    }

    /// Waits until the next poll is due, with what people do meanwhile; returns when it was due.
    async fn wait(&mut self, seen: &Status, answered: Moment) -> Result<Moment, Stop> {
        let clock = self.world.clock;
        let due = answered.plus(Duration::from_millis(seen.poll_after_ms).max(SHORTEST));
        if seen.has_place() {
            self.leave_if(Leave::Line)?;
            if std::mem::take(&mut self.plan.reloads) {
                self.reload().await?;
            }
        }
        self.browser.rest();
        clock.sleep_until(due).await;
        Ok(due)
    }

    /// The page loaded again must be the queue page, or the shop when the number came up meanwhile: a called
    /// visitor who loads the page claims by it.
    async fn reload(&mut self) -> Result<(), Stop> {
        let page = Ask::page(Place::Gateway, self.world.room.path.clone());
        let (answer, exchange) = self
            .ask(Step::Reload, self.world.clock.now(), &page)
            .await?;
        match answer.status {
            StatusCode::SERVICE_UNAVAILABLE => Ok(()),
            StatusCode::OK if self.pass().is_some() => {
                self.admitted(exchange);
                Ok(())
            }
            status => {
                self.trouble(
                    Step::Reload,
                    format!("status {} instead of the queue page", status.as_u16()),
                );
                Err(Stop::Failed)
            }
        }
    }

    /// Claims the call. `Some` when the call had lapsed: the moment to poll again.
    async fn claim(&mut self) -> Result<Option<Moment>, Stop> {
        self.leave_if(Leave::Called)?;
        let claim = Ask::script(Method::POST, self.address("claim"));
        let now = self.world.clock.now();
        let mut second = std::mem::take(&mut self.plan.two_tabs).then(|| self.browser.tab());
        let other = async {
            match &mut second {
                Some(tab) => tab.send(&claim).await.ok().map(|answer| answer.status),
                None => None,
            }
        };
        let (other, mine) = tokio::join!(other, self.ask(Step::Claim, now, &claim));
        let (answer, exchange) = mine?;
        if other.is_some_and(|status| status != answer.status) {
            self.trouble(Step::Claim, TABS_DIFFER);
        }
        let seen = self.read(Step::Claim, &answer)?;
        if answer.status == StatusCode::CONFLICT {
            return Ok(Some(
                exchange
                    .answered
                    .plus(Duration::from_millis(seen.poll_after_ms).max(SHORTEST)),
            ));
        }
        if answer.status != StatusCode::OK || seen.state != State::Admitted || self.pass().is_none()
        {
            self.trouble(
                Step::Claim,
                format!("status {} without a pass", answer.status.as_u16()),
            );
            return Err(Stop::Failed);
        }
        self.admitted(exchange);
        Ok(None)
    }

    fn admitted(&mut self, exchange: Exchange) {
        if self.record.claimed.is_none() {
            self.record.claimed = Some(exchange);
            self.world.tally.admitted.add();
        }
        self.record.pass_until = Some(exchange.sent.plus(self.world.room.session_ttl));
    }

    /// A pass set by any answer lives its whole time from then.
    pub(super) fn note_pass(&mut self, answer: &Answer, exchange: Exchange) {
        let name = format!("fg_p_{}=", self.world.room.name);
        let cookies = answer.headers.get_all(SET_COOKIE);
        let renewed = cookies
            .iter()
            .any(|line| line.to_str().is_ok_and(|line| line.contains(&name)));
        if renewed {
            self.record.pass_until = Some(exchange.sent.plus(self.world.room.session_ttl));
        }
    }

    /// The visitor gives the seat back: from here on the pass is not certain to be live.
    pub(super) fn left_at(&mut self, moment: Moment) {
        self.record.pass_until = self.record.pass_until.map(|until| until.min(moment));
    }
}
