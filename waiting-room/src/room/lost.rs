//! Visitors while the store is lost, and those who came meanwhile once it is back.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use policies::admission::{OnStoreLoss, bots::Invitations};

use super::{
    Held, Room, STALE_AFTER, TicketChange,
    join::Arrival,
    locate::{Located, Seat},
};
use crate::{
    counts::Event,
    provisional::{List, ListId, Spot},
    status::{self, Reason, State, Status},
    token::{Provisional, Ticket, Told},
    value::{Moment, Number, Timestamp},
};

/// A store that cannot be used for so long is lost; less is a hiccup.
const LOST_AFTER: Duration = STALE_AFTER;
/// A store that answers again is trusted after some seconds, and then there are numbers. Who comes meanwhile is told to
/// ask again: other gateways may go on giving numbers, and an arrival that is written down here is numbered after theirs.
/// One that answers for longer than this and is not trusted yet is as good as lost.
const HELD_BACK_AT_MOST: Duration = Duration::from_secs(15);
/// So long after this gateway has its store back, the other gateways' lists are there too, or never will be.
const LISTS_WITHIN: Duration = Duration::from_secs(10);
/// A provisional ticket is good this long: lists are kept as long.
const GOOD_FOR: Duration = Duration::from_secs(48 * 3_600);
/// Most arrivals whose spot is remembered, to answer a repeat: 48 MB at the worst.
const MOST_REMEMBERED: usize = 1 << 20;

/// How the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoreNow {
    /// It does not answer.
    Silent,
    /// It answers, but this machine's clock is not to be trusted with it: who waits, waits.
    Untimely,
    /// It answers, but is not yet trusted with numbers.
    Answers,
    /// Numbers can be taken.
    Settled,
}

/// Where arrivals are written down that cannot be numbered.
#[derive(Debug, Default)]
pub(super) struct Desk {
    lists: Mutex<Lists>,
    /// Since when numbers cannot be taken; 0 while they can.
    lost_since: AtomicU64,
    /// Since when they can.
    back_since: AtomicU64,
    /// Since when the store answers; 0 while it does not.
    answers_since: AtomicU64,
    /// It answers, and a clock is wrong.
    is_untimely: AtomicBool,
}

#[derive(Debug, Default)]
struct Lists {
    open: Option<List>,
    /// By the challenge's nonce: a reload is one arrival.
    given: HashMap<u64, Spot>,
    /// Closed, and not known to be numbered.
    closed: Vec<List>,
    is_shut: bool,
}

impl Desk {
    /// Says at each step how the store is.
    pub(super) fn note(&self, store: StoreNow, now: Timestamp) {
        let answers_since = match self.answers_since.load(Ordering::Acquire) {
            _ if matches!(store, StoreNow::Silent | StoreNow::Untimely) => 0,
            0 => now.0,
            since => since,
        };
        self.answers_since.store(answers_since, Ordering::Release);
        let is_untimely = store == StoreNow::Untimely;
        self.is_untimely.store(is_untimely, Ordering::Release);
        let is_settled = store == StoreNow::Settled;
        let since = self.lost_since.load(Ordering::Acquire);
        if is_settled && since != 0 {
            self.back_since.store(now.0, Ordering::Release);
            self.lost_since.store(0, Ordering::Release);
        } else if !is_settled && since == 0 {
            self.lost_since.store(now.0, Ordering::Release);
        }
        if is_settled {
            // The repeats of an arrival find their spot on a roster.
            let mut lists = self.lists.lock();
            lists.is_shut = false;
            lists.given = HashMap::new();
        }
    }

    /// The list that is open, if somebody is on it.
    pub(super) fn open(&self) -> Option<ListId> {
        self.lists.lock().open.as_ref().map(|list| list.id)
    }

    /// Ends the open list: who comes from now on waits for a number of the ordinary kind. Returns all that are closed.
    pub(super) fn close(&self) -> Vec<List> {
        let mut lists = self.lists.lock();
        lists.is_shut = true;
        let open = lists.open.take();
        lists.closed.extend(open);
        lists.closed.clone()
    }

    /// The store is lost again before the lists were numbered.
    pub(super) fn reopen(&self) {
        self.lists.lock().is_shut = false;
    }

    /// These lists have numbers.
    pub(super) fn numbered(&self, is_numbered: impl Fn(ListId) -> bool) {
        let mut lists = self.lists.lock();
        lists.closed.retain(|list| !is_numbered(list.id));
    }

    fn lost_since(&self, now: Timestamp) -> Option<Timestamp> {
        let since = Timestamp(self.lost_since.load(Ordering::Acquire));
        (since.0 != 0 && now >= since.plus(LOST_AFTER)).then_some(since)
    }

    /// Whether the store answers, and will be trusted in a moment.
    fn comes_back(&self, now: Timestamp) -> bool {
        let since = Timestamp(self.answers_since.load(Ordering::Acquire));
        since.0 != 0 && now < since.plus(HELD_BACK_AT_MOST)
    }

    /// Whether numbers could ever be taken.
    fn has_had_it(&self) -> bool {
        self.back_since.load(Ordering::Acquire) != 0
    }

    /// Whether this arrival is written down already.
    pub(super) fn knows(&self, nonce: u64) -> bool {
        self.lists.lock().given.contains_key(&nonce)
    }

    fn holds(&self, list: ListId) -> bool {
        let lists = self.lists.lock();
        let mut all = lists.closed.iter().chain(&lists.open);
        all.any(|known| known.id == list)
    }

    fn add(&self, nonce: u64, came_at: Timestamp, entropy: u64) -> Option<Spot> {
        let mut lists = self.lists.lock();
        if let Some(spot) = lists.given.get(&nonce) {
            return Some(*spot);
        }
        if lists.is_shut || lists.given.len() >= MOST_REMEMBERED {
            return None;
        }
        let fresh = || List::new(ListId(entropy.rotate_left(17)));
        let spot = lists.open.get_or_insert_with(fresh).add(came_at)?;
        lists.given.insert(nonce, spot);
        Some(spot)
    }
}

/// How a room stands with its store, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Footing {
    /// It gives numbers.
    Firm,
    /// It does not, now: the store is silent, or was not reached yet.
    None,
    /// It does not, since this machine's clock and the store's differ.
    WrongClock,
}

impl Room {
    /// How the room stands with its store.
    #[must_use]
    pub fn footing(&self) -> Footing {
        let untimely = &self.inner.heirlooms.desk.is_untimely;
        match self.inner.is_settled() {
            true => Footing::Firm,
            false if untimely.load(Ordering::Acquire) => Footing::WrongClock,
            false => Footing::None,
        }
    }

    /// Whether the store is lost. One that answers again is not, though it will be trusted only in a moment.
    fn has_lost_its_store(&self, now: Timestamp) -> bool {
        let desk = &self.inner.heirlooms.desk;
        desk.lost_since(now).is_some() && !desk.comes_back(now) && !self.begins(now)
    }

    /// A gateway that has just started and has its store has not lost it. If it cannot use it for long, it has.
    pub(super) fn begins(&self, now: Timestamp) -> bool {
        let desk = &self.inner.heirlooms.desk;
        let began = Timestamp(desk.lost_since.load(Ordering::Acquire));
        let is_new = now < began.plus(HELD_BACK_AT_MOST);
        self.inner.store.session() != 0 && !desk.has_had_it() && is_new
    }

    /// Whether the store is lost and this room is thrown open for it.
    pub(super) fn is_thrown_open(&self, now: Timestamp) -> bool {
        let is_open = self.inner.rules.on_store_loss() == OnStoreLoss::Open;
        // The limits are not to be forgotten because a clock is wrong.
        let is_untimely = self
            .inner
            .heirlooms
            .desk
            .is_untimely
            .load(Ordering::Acquire);
        is_open && !is_untimely && self.has_lost_its_store(now)
    }

    /// What a stranger is told where a lost store closes the room.
    pub(super) fn shut_by_loss(&self, now: Timestamp) -> Option<Held> {
        let is_shut = self.inner.rules.on_store_loss() == OnStoreLoss::Closed;
        if !is_shut || !self.has_lost_its_store(now) {
            return None;
        }
        let status = Status {
            state: State::Closed,
            poll_after: status::POLL_SHUT / 2,
            ..self.joining(now, Reason::StoreLost)
        };
        Some(Held {
            status,
            ticket: TicketChange::Keep,
        })
    }

    /// Whether who comes now is written down, since no number can be given.
    pub(super) fn writes_down(&self, now: Timestamp) -> bool {
        let inner = &self.inner;
        // An invitation can only be redeemed with the store.
        let is_free = inner.door.invitations() != Invitations::Required;
        let is_held = is_free && inner.rules.on_store_loss() == OnStoreLoss::Hold;
        is_held && self.has_lost_its_store(now) && !self.lets_everybody_in(now)
    }

    /// A provisional ticket for who came back with a challenge of that nonce; `None` if the list is full or closed. As
    /// with every number it is the second request that counts: a challenge may be kept for long.
    pub(super) fn write_down(&self, nonce: u64, at: Moment) -> Option<Held> {
        let inner = &self.inner;
        let spot = inner.heirlooms.desk.add(nonce, at.now, at.entropy)?;
        inner.heirlooms.counts.add(Event::Provisional);
        let provisional = Provisional { spot, nonce };
        let text = inner.seal.provisional(&provisional, self.bound.as_ref());
        Some(self.provisional(TicketChange::Set(text), at))
    }

    /// The number of a provisional ticket, if it has one yet.
    pub(super) async fn numbered(&self, provisional: Provisional, at: Moment) -> Located {
        let inner = &self.inner;
        if at.now >= provisional.spot.came_at.plus(GOOD_FOR) {
            return Located::Nowhere(self.gone_before(at.now));
        }
        let snapshot = inner.snapshot.load_full();
        let seen = snapshot.as_ref();
        if let Some(seen) = seen
            && let Some(number) = seen.number_of(&provisional.spot)
        {
            return self.under(number, provisional.nonce, (seen.line.id, at));
        }
        let back_since = Timestamp(inner.heirlooms.desk.back_since.load(Ordering::Acquire));
        let may_come = at.now < back_since.plus(LISTS_WITHIN);
        if !inner.is_settled() || may_come || inner.heirlooms.desk.holds(provisional.spot.list) {
            return Located::Nowhere(self.provisional(TicketChange::Keep, at));
        }
        // The gateway that wrote it down died with its list, and a new number is for whom the room takes.
        if let Some(held) = self.turned_away(at.now) {
            return Located::Nowhere(held);
        }
        let arrival = Arrival {
            nonce: provisional.nonce,
            issued_at: provisional.spot.came_at,
            invitation: None,
        };
        self.number(arrival, None, at).await
    }

    fn under(
        &self,
        number: Number,
        nonce: u64,
        (line, at): (crate::value::LineId, Moment),
    ) -> Located {
        let inner = &self.inner;
        let ticket = self.current(Ticket {
            line,
            number,
            joined_at: at.now,
            told: Told::nothing(at.now),
            secret: inner.seal.named_secret(nonce, line, number),
        });
        if self.has_moved(&ticket) {
            return Located::Nowhere(self.moved(at.now));
        }
        inner.note_presence(ticket.number, at.now);
        Located::InLine(Seat {
            place: self.place(&ticket, at.now),
            ticket,
            reason: None,
        })
    }

    /// Too old: it is forgotten, and whoever shows it begins anew.
    fn gone_before(&self, now: Timestamp) -> Held {
        Held {
            status: self.joining(now, Reason::Joining),
            ticket: TicketChange::Drop,
        }
    }

    fn provisional(&self, ticket: TicketChange, at: Moment) -> Held {
        // Once the store is there it is a matter of seconds.
        let is_near = self.inner.store.session() != 0;
        let status = Status {
            poll_after: status::poll_provisional(is_near, at.entropy),
            ..self.joining(at.now, Reason::Provisional)
        };
        Held { status, ticket }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_answers_again_comes_back_for_a_while() {
        let at = |seconds: u64| Timestamp(1_790_000_000_000 + seconds * 1_000);
        let desk = Desk::default();
        desk.note(StoreNow::Silent, at(0));
        assert_eq!(desk.lost_since(at(1)), None, "a hiccup");
        assert_eq!(desk.lost_since(at(30)), Some(at(0)));
        assert!(!desk.comes_back(at(30)));
        desk.note(StoreNow::Answers, at(30));
        assert!(desk.comes_back(at(31)));
        desk.note(StoreNow::Silent, at(32));
        assert!(!desk.comes_back(at(32)), "it has fallen silent again");
        desk.note(StoreNow::Answers, at(33));
        desk.note(StoreNow::Answers, at(47));
        assert!(desk.comes_back(at(47)));
        assert!(!desk.comes_back(at(48)), "nobody waits for that so long");
        desk.note(StoreNow::Settled, at(49));
        assert_eq!(desk.lost_since(at(60)), None);
    }
}
