//! Adaptive admission: the room's limit follows what its origin can take.
//!
//! The gateways measure the origin ([`Meter`], [`Health`]); whoever ticks adds up the fleet's last few
//! seconds and steps the [`Limit`], which lives in the shared store beside the line. Everything here is
//! pure; nothing waits, and no clock is read.
//!
//! # The law
//!
//! The usual laws (AIMD on a latency quantile: Welsh and Culler, USITS 2003; Gradient2 and Vegas in
//! Netflix' concurrency-limits) control requests, which can be refused at once. A room can only stop
//! calling: who is inside leaves in his own time, so an effect comes many ticks after its cause, and a
//! law that cuts by a factor until it sees one has cut far too much by then. Hence:
//!
//! - **Down, by who is too many.** Vegas (Brakmo and Peterson 1995) takes `in_flight * (1 -
//!   unloaded / measured)` for the origin's queue. With the p95 and its target in place of the two
//!   times this is how many requests are too many, and since a visitor waits for one answer at a time
//!   it is also how many visitors are (Little's law; no think time need be known). The limit becomes
//!   those inside less those. It is reckoned from who *is* inside, not from the limit: said again
//!   before it could act, it says the same. Failures are cut by their share.
//! - **Then wait** until the origin is under its target; if that comes before the room has emptied to
//!   the limit, the limit rises to who is inside: deeper was not needed.
//! - **Up, by evidence.** Only while the limit holds somebody back, the room is as full as it allows,
//!   and the p95 since the last step is under 90% of the target. The step is the distance from the
//!   *knee*, the level of the last trouble (as CUBIC, RFC 9438: fast far from it, careful near it),
//!   times twice the square of the headroom: with little headroom the knee has moved.
//! - **Patience.** An origin that collapses gives no warning before its knee. After a costly trouble
//!   the limit stays at 85% of the knee for thirty times what the trouble cost, unless the median says
//!   that the origin has become another one.
//!
//! With too few samples nothing changes. A p95 is judged on hundreds of answers where there are so
//! many, else on a window of up to half a minute ([`Limit::health_from`]), and a count is only taken
//! for trouble when chance does not explain it.
//!
//! # The unit
//!
//! The limit is [`Unit::Seats`](policies::admission::adaptive::Unit) or calls a minute. The law thinks
//! in visitors; calls a minute are those it takes to keep so many inside, by how fast visitors were
//! seen to leave.

mod codec;
mod evidence;
mod flow;
mod health;
mod latencies;
mod law;
mod record;

pub use codec::CodecError;
pub use health::{Flight, Health, Meter};
pub use latencies::{AtomicLatencies, Latencies};
pub use law::{Demand, Limit, Observed};

/// What is wrong with an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Its p95 is over the target, or it does not answer.
    Slow,
    /// It fails more often than allowed.
    Failing,
}

impl Trouble {
    /// The name in JSON and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Slow => "origin_slow",
            Self::Failing => "origin_failing",
        }
    }
}

/// What a step did with the limit, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is lower: the origin is in trouble.
    Lowered(Trouble),
    /// It is higher: the origin has headroom.
    Raised,
    /// It stays.
    Held(Pause),
}

/// Why a limit stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pause {
    /// Too few answers to say that the origin is well.
    Unsure,
    /// It was lowered; the origin is not well again yet.
    Recovering,
    /// Its last change is too young to be judged.
    Settling,
    /// The origin is well, but near its target.
    NearTarget,
    /// Nobody is held back by it.
    Unbound,
    /// It stays under the level of the last trouble for a while.
    Patient,
    /// It is at its ceiling.
    AtCeiling,
}

impl Verdict {
    /// The name in metrics and in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lowered(Trouble::Slow) => "lowered_slow",
            Self::Lowered(Trouble::Failing) => "lowered_failing",
            Self::Raised => "raised_headroom",
            Self::Held(Pause::Unsure) => "held_unsure",
            Self::Held(Pause::Recovering) => "held_recovering",
            Self::Held(Pause::Settling) => "held_settling",
            Self::Held(Pause::NearTarget) => "held_near_target",
            Self::Held(Pause::Unbound) => "held_unbound",
            Self::Held(Pause::Patient) => "held_patient",
            Self::Held(Pause::AtCeiling) => "held_at_ceiling",
        }
    }
}

#[cfg(test)]
mod tests;
