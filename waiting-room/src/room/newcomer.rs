//! Who has no number yet: the challenge, what it asks for, and the number for who did it.

use std::time::Duration;

use policies::admission::bots::Invitations;

use super::{
    Asked, Client, Held, Room, TicketChange, invited::Worth, join::Arrival, locate::Located,
};
use crate::{
    counts::Event,
    door::{By, Prefix, Shown, Verdict, proof},
    invitation::InvitationId,
    status::{self, Reason, Status, Work},
    token::Challenge,
    value::{Moment, Timestamp, millis},
};

impl Room {
    /// A challenge for a stranger, if the room takes anybody.
    pub(super) fn challenge(&self, client: &Client<'_>, at: Moment) -> Held {
        if let Some(held) = self.turned_away(at.now) {
            return held;
        }
        if let Some(held) = self.uninvited(client, at.now) {
            return held;
        }
        self.inner.heirlooms.counts.add(Event::Challenged);
        let bits = self.inner.door.bits(prefix(client), at.now);
        let challenge = Challenge {
            issued_at: at.now,
            nonce: at.entropy,
            bits,
        };
        // The page asks again at once, so that in an idle room nobody notices the second request.
        self.challenged(challenge, self.inner.door.wait(bits), at.now)
    }

    /// Somebody came back with a challenge: a number, if nothing is asked of them or they did it.
    pub(super) async fn receive(
        &self,
        challenge: Challenge,
        asked: &Asked<'_>,
        at: Moment,
    ) -> Located {
        let inner = &self.inner;
        // Whose answer was lost came before the room took nobody any more.
        let has_number = inner.joins.knows(challenge.nonce, at.now);
        if let Some(held) = self.turned_away(at.now).filter(|_| !has_number) {
            return Located::Nowhere(held);
        }
        if let Some(held) = self.uninvited(&asked.client, at.now) {
            return Located::Nowhere(held);
        }
        let mut arrival = Arrival {
            nonce: challenge.nonce,
            issued_at: challenge.issued_at,
            invitation: None,
        };
        if let Some(invitation) = self.shown(&asked.client) {
            match self.worth(invitation, &arrival, at.now).await {
                Ok(Worth::Place(bond)) => arrival.invitation = Some(bond),
                Ok(Worth::Nothing) => return Located::Nowhere(self.used(at.now)),
                Err(_) => return Located::Nowhere(self.no_number(at.now)),
            }
        }
        // A repeat has paid already; and where nothing is to be had nobody shall pay.
        let writes_down = self.writes_down(at.now);
        if writes_down && inner.heirlooms.desk.knows(challenge.nonce) {
            return self.place_or_spot(arrival, writes_down, at).await;
        }
        let can_have = inner.is_settled() || writes_down;
        if has_number || !can_have {
            return self.number(arrival, None, at).await;
        }
        let shown = Shown {
            challenge,
            text: asked.presented.ticket.unwrap_or_default(),
            proof: asked.client.proof,
            prefix: prefix(&asked.client),
        };
        match inner.door.judge(&shown, at.now) {
            Verdict::Enter(by) => {
                match by {
                    By::Nothing => {}
                    By::Work => inner.heirlooms.counts.add(Event::WorkSolved),
                    By::Waiting => inner.heirlooms.counts.add(Event::WorkWaited),
                }
                self.place_or_spot(arrival, writes_down, at).await
            }
            Verdict::Work { bits, wait } => {
                if shown.proof.is_some() && bits == challenge.bits {
                    inner.heirlooms.counts.add(Event::WorkFailed);
                }
                Located::Nowhere(self.set_to_work(&shown, (bits, wait), at.now))
            }
            Verdict::Later(wait) => {
                inner.heirlooms.counts.add(Event::JoinRefused);
                Located::Nowhere(self.later(wait, at))
            }
        }
    }

    /// A number; where those are written down who come, a provisional ticket. An invitation is no part of one.
    async fn place_or_spot(&self, arrival: Arrival, writes_down: bool, at: Moment) -> Located {
        if writes_down
            && arrival.invitation.is_none()
            && let Some(held) = self.write_down(arrival.nonce, at)
        {
            return Located::Nowhere(held);
        }
        self.number(arrival, None, at).await
    }

    fn set_to_work(&self, shown: &Shown<'_>, (bits, wait): (u8, Duration), now: Timestamp) -> Held {
        if bits != shown.challenge.bits {
            // The same arrival, at a new price.
            let challenge = Challenge {
                bits,
                ..shown.challenge
            };
            return self.challenged(challenge, wait, now);
        }
        Held {
            status: self.working(shown.text, (bits, wait), now),
            ticket: TicketChange::Keep,
        }
    }

    fn challenged(&self, challenge: Challenge, wait: Duration, now: Timestamp) -> Held {
        let seal = &self.inner.seal;
        let token = seal.challenge_for(&challenge, self.bound.as_ref());
        if challenge.bits > 0 {
            self.inner.heirlooms.counts.add(Event::WorkAsked);
        }
        Held {
            status: self.working(token.as_str(), (challenge.bits, wait), now),
            ticket: TicketChange::Set(token),
        }
    }

    fn working(&self, token: &str, (bits, wait): (u8, Duration), now: Timestamp) -> Status {
        let work = (bits > 0).then(|| Work {
            nonce: proof::nonce(token),
            bits,
        });
        Status {
            poll_after: wait,
            work,
            ..self.joining(now, Reason::Joining)
        }
    }

    /// The invitation that counts here.
    fn shown(&self, client: &Client<'_>) -> Option<InvitationId> {
        let count = self.inner.door.invitations() != Invitations::Off;
        client.invitation.filter(|_| count)
    }

    /// What is said to somebody who lacks an invitation, where one is needed.
    fn uninvited(&self, client: &Client<'_>, now: Timestamp) -> Option<Held> {
        let needs = self.inner.door.invitations() == Invitations::Required;
        if !needs || client.invitation.is_some() {
            return None;
        }
        self.inner.heirlooms.counts.add(Event::Uninvited);
        Some(self.not_by_this(Reason::InvitationRequired, now))
    }

    /// What is said to somebody whose invitation somebody else came in with.
    pub(super) fn used(&self, now: Timestamp) -> Held {
        self.inner.heirlooms.counts.add(Event::InvitationUsed);
        self.not_by_this(Reason::InvitationUsed, now)
    }

    fn not_by_this(&self, reason: Reason, now: Timestamp) -> Held {
        let status = Status {
            poll_after: status::POLL_SHUT,
            ..self.joining(now, reason)
        };
        Held {
            status,
            ticket: TicketChange::Keep,
        }
    }

    /// No number can be given now.
    pub(super) fn no_number(&self, now: Timestamp) -> Held {
        let reason = match self.begins(now) {
            true => Reason::Joining,
            false => {
                self.inner.heirlooms.counts.add(Event::StoreFailed);
                Reason::StoreLost
            }
        };
        Held {
            status: self.joining(now, reason),
            ticket: TicketChange::Keep,
        }
    }

    /// Come again: spread, or those who were told so together would come together.
    fn later(&self, wait: Duration, at: Moment) -> Held {
        let spread = at.entropy % (1 + millis(wait) / 2);
        let status = Status {
            poll_after: wait + Duration::from_millis(spread),
            ..self.joining(at.now, Reason::TooManyJoins)
        };
        Held {
            status,
            ticket: TicketChange::Keep,
        }
    }
}

fn prefix(client: &Client<'_>) -> Option<Prefix> {
    client.address.map(Prefix::of)
}
