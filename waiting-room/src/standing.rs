//! How a room stands at one moment: which limits hold, and whether anybody is called at all; from its schedule, its
//! operators' orders and what is known of the stock.

use std::num::NonZeroU32;

use policies::{
    admission::Admission,
    schedule::{Door, Method, Schedule},
};

use crate::{
    orders::Orders,
    share::{Both, KINDS},
    value::Timestamp,
};

/// Why nobody is called, or fewer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// The event's opening has not come.
    NotOpen,
    /// The lot is being drawn.
    Drawing,
    /// The room is closed.
    Closed,
    /// Nothing is left to sell.
    SoldOut,
    /// The operator paused the line.
    Paused,
    /// The origin is slow or failing, so fewer are let in.
    OriginSlow,
    /// A limit was lowered moments ago.
    LimitChanged,
}

impl Why {
    /// Every reason; the place in this list is what stands in records.
    pub const ALL: [Self; 7] = [
        Self::NotOpen,
        Self::Drawing,
        Self::Closed,
        Self::SoldOut,
        Self::Paused,
        Self::OriginSlow,
        Self::LimitChanged,
    ];

    /// Whether nobody at all is called.
    #[must_use]
    pub fn halts(self) -> bool {
        !matches!(self, Self::OriginSlow | Self::LimitChanged)
    }

    /// The name in logs and figures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotOpen => "not_open",
            Self::Drawing => "drawing",
            Self::Closed => "closed",
            Self::SoldOut => "sold_out",
            Self::Paused => "paused",
            Self::OriginSlow => "origin_slow",
            Self::LimitChanged => "limit_changed",
        }
    }
}

/// How a room stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The limits that hold, and the rest of the rules.
    pub rules: Admission,
    /// The limits that were said, before what is left to sell lowers them: people inside, calls in a minute; 0 where
    /// there is none.
    pub said: [u32; 2],
    /// Why nobody is called, if so.
    pub halt: Option<Why>,
    /// Whether whoever comes may join the line.
    pub joins: Joining,
    /// Whether everybody is called whatever the limits.
    pub passthrough: bool,
    /// When the room opens, if it is not open.
    pub opens_at: Option<Timestamp>,
    /// The event that is being waited for or is on, by its opening; only of lotteries.
    pub lottery: Option<Timestamp>,
    /// What is left to sell, where it is known.
    pub remaining: Option<u64>,
    /// What the room's share gives it now: people inside, calls in a minute; `None` if it stands alone.
    pub may: Option<Both>,
}

/// Whether whoever comes may join the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joining {
    /// Yes.
    Open,
    /// Only those who have a place keep it.
    Shut,
}

impl Standing {
    /// How a room with these rules stands at `now`.
    #[must_use]
    pub fn at(everyday: &Admission, schedule: &Schedule, orders: &Orders, now: Timestamp) -> Self {
        let phase = schedule.at(now.0);
        let mut rules = phase.admission(everyday);
        if let Some((active, per_minute)) = orders.tuned(now) {
            let capacity = rules.capacity();
            rules = rules.with_capacity(
                active.or(capacity.active()),
                per_minute.or(capacity.per_minute()),
            );
        }
        let capacity = rules.capacity();
        let said = [capacity.active(), capacity.per_minute()];
        let passthrough = phase.method == Method::Passthrough;
        let said = said.map(|limit| limit.filter(|_| !passthrough).map_or(0, NonZeroU32::get));
        let remaining = orders.remaining();
        if let Some(left) = remaining {
            rules = no_more_than(&rules, left);
        }
        let (halt, opens_at) = match phase.door {
            Door::Closed { opens_at } => (Some(Why::Closed), opens_at),
            Door::Prequeue { opens_at } => (Some(Why::NotOpen), Some(opens_at)),
            Door::Open if remaining == Some(0) => (Some(Why::SoldOut), None),
            Door::Open if orders.is_paused() => (Some(Why::Paused), None),
            Door::Open => (None, None),
        };
        let shut = matches!(halt, Some(Why::Closed | Why::SoldOut)) || orders.is_draining();
        let is_lottery = phase.method == Method::Lottery;
        let event = phase.event.filter(|_| is_lottery);
        Self {
            rules,
            said,
            halt,
            joins: match shut {
                true => Joining::Shut,
                false => Joining::Open,
            },
            passthrough,
            opens_at: opens_at.map(Timestamp),
            lottery: event.map(|event| Timestamp(event.opens_at)),
            remaining,
            may: None,
        }
    }

    /// The same where the share gives so much.
    #[must_use]
    pub fn within(self, may: Option<Both>) -> Self {
        Self { may, ..self }
    }

    /// The limits that hold beside the share: people inside, calls in a minute; the greatest number where there is none.
    #[must_use]
    pub fn own_limits(&self) -> Both {
        let capacity = self.rules.capacity();
        let own = [capacity.active(), capacity.per_minute()];
        own.map(|limit| limit.map_or(u32::MAX, NonZeroU32::get))
    }

    /// The limits that hold for a tick; `None` where there is none.
    #[must_use]
    pub fn limits(&self) -> [Option<u32>; KINDS] {
        let (own, may) = (self.own_limits(), self.may.unwrap_or([u32::MAX; KINDS]));
        std::array::from_fn(|kind| Some(own[kind].min(may[kind])).filter(|most| *most < u32::MAX))
    }
}

/// More people inside than there are units left would only wait for nothing.
fn no_more_than(rules: &Admission, left: u64) -> Admission {
    let left = u32::try_from(left).unwrap_or(u32::MAX);
    match NonZeroU32::new(left) {
        Some(left) => rules.with_no_more_than(left),
        None => *rules,
    }
}

#[cfg(test)]
mod tests {
    use policies::{admission::Spec, schedule::EventSpec};

    use super::*;
    use crate::orders::{Order, Word};

    fn rules() -> Admission {
        Admission::new(Spec {
            active: Some(20),
            ..Spec::default()
        })
        .expect("valid")
    }

    fn said(words: &[Word]) -> Orders {
        let stored: Vec<_> = words
            .iter()
            .map(|word| {
                let order = Order::new(1, Timestamp(1), "kim", word.clone()).expect("valid");
                (word.place(), order.encode())
            })
            .collect();
        Orders::read(&stored)
    }

    fn sale() -> Schedule {
        let event = EventSpec {
            prequeue_at: Some(100),
            opens_at: 200,
            closes_at: Some(300),
            method: Method::Lottery,
            ..EventSpec::default()
        };
        Schedule::new(Method::Closed, vec![event]).expect("valid")
    }

    #[test]
    fn the_schedule_says_when_visitors_may_wait_and_when_they_are_called() {
        let at = |now| Standing::at(&rules(), &sale(), &Orders::default(), Timestamp(now));
        assert_eq!(
            (at(50).halt, at(50).joins),
            (Some(Why::Closed), Joining::Shut)
        );
        assert_eq!(at(50).opens_at, Some(Timestamp(200)));
        assert_eq!(
            (at(150).halt, at(150).joins),
            (Some(Why::NotOpen), Joining::Open)
        );
        assert_eq!(at(150).lottery, Some(Timestamp(200)));
        assert_eq!((at(250).halt, at(250).opens_at), (None, None));
        assert_eq!(at(300).halt, Some(Why::Closed));
    }

    #[test]
    fn an_operator_may_pause_but_not_open_what_is_closed() {
        let paused = said(&[Word::Pause { on: true }]);
        let halt = |now| Standing::at(&rules(), &sale(), &paused, Timestamp(now)).halt;
        assert_eq!(halt(250), Some(Why::Paused));
        assert_eq!(halt(150), Some(Why::NotOpen));
        assert_eq!(halt(50), Some(Why::Closed));
    }

    #[test]
    fn nobody_is_let_in_for_what_is_not_there() {
        let stock = |remaining| {
            let orders = said(&[Word::Stock { remaining }]);
            Standing::at(&rules(), &Schedule::default(), &orders, Timestamp(1))
        };
        let active = |standing: Standing| standing.rules.capacity().active().map(NonZeroU32::get);
        assert_eq!(active(stock(None)), Some(20));
        assert_eq!(active(stock(Some(500))), Some(20));
        assert_eq!(active(stock(Some(3))), Some(3));
        assert_eq!(stock(Some(0)).halt, Some(Why::SoldOut));
        assert_eq!(stock(Some(0)).joins, Joining::Shut);
    }

    #[test]
    fn a_draining_room_serves_those_who_wait() {
        let draining = said(&[Word::Drain { on: true }]);
        let standing = Standing::at(&rules(), &Schedule::default(), &draining, Timestamp(1));
        assert_eq!((standing.halt, standing.joins), (None, Joining::Shut));
    }
}
