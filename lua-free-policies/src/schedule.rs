//! When a room is open and how it admits: its everyday method, and events with a pre-queue, an opening and an end.
//!
//! Times are milliseconds since the Unix epoch. Nothing here reads a clock.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::admission::Admission;
use crate::diagnostic::Complaint;
use crate::document::Scalar;

/// Most events of one room.
pub const MOST_EVENTS: usize = 100;

/// How a room admits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// First come, first served.
    #[default]
    Fifo,
    /// All who are in the pre-queue at the opening are drawn by lot; whoever comes later follows in order.
    Lottery,
    /// Everybody comes in at once.
    Passthrough,
    /// Nobody comes in.
    Closed,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 4] = [Self::Fifo, Self::Lottery, Self::Passthrough, Self::Closed];

    /// The name in files and figures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fifo => "fifo",
            Self::Lottery => "lottery",
            Self::Passthrough => "passthrough",
            Self::Closed => "closed",
        }
    }
}

impl Scalar for Method {
    fn read(text: &str) -> Result<Self, Complaint> {
        let named = Self::ALL.into_iter().find(|method| method.name() == text);
        let known = Self::ALL.into_iter().map(Self::name);
        named.ok_or_else(|| Complaint::unknown("method", text, known))
    }
}

/// What an operator said about one event, before it is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventSpec {
    /// From when visitors may come and wait for the opening. `None`: from the opening.
    pub prequeue_at: Option<u64>,
    /// From when visitors are called.
    pub opens_at: u64,
    /// From when the everyday rules hold again. `None`: never.
    pub closes_at: Option<u64>,
    /// How it admits.
    pub method: Method,
    /// Most visitors inside, in place of the room's.
    pub active: Option<u32>,
    /// Most calls in a minute, in place of the room's.
    pub per_minute: Option<u32>,
    /// How long a pass is good for, in place of the room's.
    pub ttl: Option<Duration>,
    /// The name of the public value that is mixed into the lottery, announced beforehand.
    pub beacon: Option<String>,
}

/// A checked event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// From when visitors may wait for the opening.
    pub prequeue_at: u64,
    /// From when visitors are called. Names the event.
    pub opens_at: u64,
    /// From when it is over; the end of time if never.
    pub closes_at: u64,
    /// How it admits.
    pub method: Method,
    /// Most visitors inside, in place of the room's.
    pub active: Option<NonZeroU32>,
    /// Most calls in a minute, in place of the room's.
    pub per_minute: Option<NonZeroU32>,
    /// How long a pass is good for, in place of the room's.
    pub ttl: Option<Duration>,
    /// The public value mixed into the lottery, by name.
    pub beacon: Option<String>,
}

/// A room's methods over time. Clones share the events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    method: Method,
    events: Arc<[Event]>,
}

/// What holds at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase<'a> {
    /// Whether visitors are let in, and who may wait.
    pub door: Door,
    /// How they are let in, or will be.
    pub method: Method,
    /// The event that is on, if one is.
    pub event: Option<&'a Event>,
}

/// Whether visitors may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// They are called.
    Open,
    /// They may wait for the opening.
    Prequeue {
        /// When that is.
        opens_at: u64,
    },
    /// They may not even wait.
    Closed {
        /// When they next may.
        opens_at: Option<u64>,
    },
}

impl Schedule {
    /// Checks what was said; events in any order.
    ///
    /// # Errors
    /// All the reasons why it cannot be used.
    pub fn new(method: Method, said: Vec<EventSpec>) -> Result<Self, Vec<ScheduleError>> {
        let mut errors = Vec::new();
        if method == Method::Lottery {
            errors.push(ScheduleError::LotteryWithoutEvent);
        }
        if said.len() > MOST_EVENTS {
            errors.push(ScheduleError::TooMany);
        }
        let mut events: Vec<_> = said
            .into_iter()
            .filter_map(|spec| checked(spec, &mut errors))
            .collect();
        events.sort_by_key(|event| event.prequeue_at);
        for pair in events.windows(2) {
            if pair[1].prequeue_at < pair[0].closes_at {
                errors.push(ScheduleError::Overlap);
            }
        }
        if errors.is_empty() {
            let events = events.into();
            Ok(Self { method, events })
        } else {
            Err(errors)
        }
    }

    /// What holds at `now`.
    #[must_use]
    pub fn at(&self, now: u64) -> Phase<'_> {
        let on = |event: &&Event| event.prequeue_at <= now && now < event.closes_at;
        let Some(event) = self.events.iter().find(on) else {
            return self.everyday(now);
        };
        let door = match event.method {
            Method::Closed => Door::Closed {
                opens_at: self.next_opening(now),
            },
            _ if now < event.opens_at => Door::Prequeue {
                opens_at: event.opens_at,
            },
            _ => Door::Open,
        };
        Phase {
            door,
            method: event.method,
            event: Some(event),
        }
    }

    /// All events, by time.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The event that opens at `opens_at`, if the schedule has it.
    #[must_use]
    pub fn event(&self, opens_at: u64) -> Option<&Event> {
        self.events.iter().find(|event| event.opens_at == opens_at)
    }

    /// The lottery that is on at `now` or comes next, but for the one that opens at `present`.
    #[must_use]
    pub fn next_lottery(&self, now: u64, present: Option<u64>) -> Option<&Event> {
        let is_next = |event: &&Event| {
            let is_present = present == Some(event.opens_at);
            event.method == Method::Lottery && now < event.closes_at && !is_present
        };
        self.events.iter().find(is_next)
    }

    fn everyday(&self, now: u64) -> Phase<'_> {
        let door = match self.method {
            Method::Closed => Door::Closed {
                opens_at: self.next_opening(now),
            },
            _ => Door::Open,
        };
        Phase {
            door,
            method: self.method,
            event: None,
        }
    }

    fn next_opening(&self, now: u64) -> Option<u64> {
        let open = |event: &&Event| event.method != Method::Closed && now < event.opens_at;
        self.events.iter().find(open).map(|event| event.opens_at)
    }
}

impl Phase<'_> {
    /// The room's rules with what the event changes.
    #[must_use]
    pub fn admission(&self, everyday: &Admission) -> Admission {
        let Some(event) = self.event else {
            return *everyday;
        };
        let capacity = everyday.capacity();
        let limited = everyday.with_capacity(
            event.active.or(capacity.active()),
            event.per_minute.or(capacity.per_minute()),
        );
        limited.with_ttl(event.ttl)
    }
}

fn checked(spec: EventSpec, errors: &mut Vec<ScheduleError>) -> Option<Event> {
    let before = errors.len();
    let prequeue_at = spec.prequeue_at.unwrap_or(spec.opens_at);
    let closes_at = spec.closes_at.unwrap_or(u64::MAX);
    if prequeue_at > spec.opens_at || spec.opens_at >= closes_at {
        errors.push(ScheduleError::Order);
    }
    if spec.method == Method::Lottery && prequeue_at == spec.opens_at {
        errors.push(ScheduleError::LotteryWithoutPrequeue);
    }
    if spec.beacon.is_some() && spec.method != Method::Lottery {
        errors.push(ScheduleError::BeaconWithoutLottery);
    }
    let ttls = Duration::from_secs(2)..=Duration::from_secs(86_400);
    if spec.ttl.is_some_and(|ttl| !ttls.contains(&ttl)) {
        errors.push(ScheduleError::Ttl);
    }
    let mut positive = |key, said: Option<u32>| {
        let meant = said.map(NonZeroU32::new);
        if meant == Some(None) {
            errors.push(ScheduleError::Zero { key });
        }
        meant.flatten()
    };
    let active = positive("active", spec.active);
    let per_minute = positive("per_minute", spec.per_minute);
    (errors.len() == before).then_some(Event {
        prequeue_at,
        opens_at: spec.opens_at,
        closes_at,
        method: spec.method,
        active,
        per_minute,
        ttl: spec.ttl,
        beacon: spec.beacon,
    })
}

/// Why a schedule cannot be used. The operator's fault; nothing to retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// A lot is drawn at an opening.
    #[error("`method: lottery` needs an event: a lot is drawn when one opens")]
    LotteryWithoutEvent,
    /// Nobody could be in the draw.
    #[error(
        "a lottery needs `prequeue_at` before `opens_at`: whoever waits by then is in the draw"
    )]
    LotteryWithoutPrequeue,
    /// A beacon is only mixed into a draw.
    #[error("`beacon` belongs to `method: lottery`")]
    BeaconWithoutLottery,
    /// The times of an event are not in their order.
    #[error("an event's times must be in this order: prequeue_at, opens_at, closes_at")]
    Order,
    /// Two events at once.
    #[error("two events overlap")]
    Overlap,
    /// More than a room can have.
    #[error("a room has at most {MOST_EVENTS} events")]
    TooMany,
    /// A session that the room cannot keep.
    #[error("an event's `session.ttl` must be between 2s and 86400s")]
    Ttl,
    /// A limit of zero would hold everybody for ever.
    #[error("an event's `{key}` must be at least 1; to let nobody in use `method: closed`")]
    Zero {
        /// The key in the event.
        key: &'static str,
    },
}

#[cfg(test)]
mod tests;
