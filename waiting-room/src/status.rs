//! What a visitor is told: numbers and named reasons, never sentences.

use std::time::Duration;

use policies::admission::Admission;

use crate::{
    chance::Chance,
    door::proof::WorkNonce,
    estimate::Eta,
    presence::{CLOCK_SKEW, Epochs},
    token::Code,
    value::{Timestamp, millis},
};

/// The state a visitor is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Waits for the opening.
    NotOpen,
    /// In the line, or about to be.
    Waiting,
    /// In the line, and nobody is called.
    Paused,
    /// May come in until [`Status::claim_until`].
    Called,
    /// Is in.
    Admitted,
    /// Nothing is left to wait for.
    SoldOut,
    /// The room takes nobody.
    Closed,
    /// Left by choice.
    Left,
}

/// Why things are as they are, where there is something to explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Holds a challenge; the next request takes a number.
    Joining,
    /// The store cannot be reached: the figures are the last known ones and nobody is called.
    StoreLost,
    /// Another device has the place.
    Moved,
    /// The store cannot be reached; the arrival is written down and will be numbered in its order.
    Provisional,
    /// Was away when the turn came, or missed the call: is called through the late lane.
    LateLane,
    /// Missed two calls, or the visit ended, and has a new number.
    NewNumber,
    /// The operator paused the line.
    Paused,
    /// The lot is being drawn.
    Drawing,
    /// The origin is slow or failing, so fewer are let in.
    OriginSlow,
    /// A limit was lowered moments ago.
    LimitChanged,
    /// The line moves more slowly than was thought: the time was moved back within the last minute.
    Slower,
    /// Needs an invitation, and has none that is good here.
    InvitationRequired,
    /// The invitation's place is somebody's.
    InvitationUsed,
    /// Too many came from this part of the network; the visitor may come again.
    TooManyJoins,
}

impl State {
    /// The name in JSON and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotOpen => "not_open",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Called => "called",
            Self::Admitted => "admitted",
            Self::SoldOut => "sold_out",
            Self::Closed => "closed",
            Self::Left => "left",
        }
    }
}

impl Reason {
    /// The name in JSON and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::StoreLost => "store_lost",
            Self::Provisional => "provisional",
            Self::Moved => "moved",
            Self::LateLane => "late_lane",
            Self::NewNumber => "new_number",
            Self::Paused => "paused",
            Self::Drawing => "drawing",
            Self::OriginSlow => "origin_slow",
            Self::LimitChanged => "limit_changed",
            Self::Slower => "slower",
            Self::TooManyJoins => "too_many_joins",
            Self::InvitationRequired => "invitation_required",
            Self::InvitationUsed => "invitation_used",
        }
    }
}

/// A visitor's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Where they are.
    pub state: State,
    /// Why, if there is anything to explain.
    pub reason: Option<Reason>,
    /// People before them; their position is one more.
    pub ahead: Option<u32>,
    /// People behind them.
    pub behind: Option<u32>,
    /// How long it is likely to take; `None` while nothing honest can be said.
    pub eta: Option<Eta>,
    /// When to ask again.
    pub poll_after: Duration,
    /// The ticket's public name.
    pub code: Option<Code>,
    /// When the number came up, if it has.
    pub called_at: Option<Timestamp>,
    /// A called visitor may come in until then.
    pub claim_until: Option<Timestamp>,
    /// When the room opens, if it is not open.
    pub opens_at: Option<Timestamp>,
    /// When the figures were read.
    pub updated_at: Timestamp,
    /// How far off the estimates were that came due in the last hour: the median. `None` while there are too few.
    pub past_error: Option<Duration>,
    /// What the stock allows to hope for, where it is known.
    pub chance: Option<Chance>,
    /// Whether the visitor would take part, should a draw be to come: who waited before its pre-queue began does not, and
    /// stays before those who do.
    pub in_draw: bool,
    /// Work to be done before a number is given.
    pub work: Option<Work>,
}

/// Work that is asked for: a counter such that SHA-256(nonce ‖ "." ‖ counter) begins with so many zero bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// What it is for: that of the challenge which comes along.
    pub nonce: WorkNonce,
    /// How hard it is.
    pub bits: u8,
}

impl Status {
    /// The place in the line, from 1.
    #[must_use]
    pub fn position(&self) -> Option<u32> {
        self.ahead.map(|ahead| ahead.saturating_add(1))
    }
}

/// How often a called visitor's page asks.
pub(crate) const POLL_CALLED: Duration = Duration::from_secs(2);
/// When a visitor with a challenge asks again, if it could not be given a number.
pub(crate) const POLL_JOINING: Duration = Duration::from_secs(1);
/// When a visitor with a provisional ticket asks again: from here, and up to twice as long.
const POLL_PROVISIONAL: Duration = Duration::from_secs(4);
/// The longest pause between two polls of somebody near the front, or of a late comer.
pub(crate) const POLL_SOON: Duration = Duration::from_secs(15);
/// The longest pause between two polls of anybody.
pub(crate) const POLL_FAR: Duration = Duration::from_secs(60);
/// A poll this much early is the inaccuracy of two gateways' clocks, not impatience.
pub(crate) const POLL_SLACK: Duration = CLOCK_SKEW.saturating_add(Duration::from_millis(500));

/// When someone with `ahead` people before them should ask again: the nearer, the sooner; spread by
/// `entropy` so that a crowd that arrived together does not poll together; and often enough for their
/// presence to show in every epoch.
pub(crate) fn poll_after(
    ahead: u32,
    eta: Option<Eta>,
    rules: &Admission,
    entropy: u64,
) -> Duration {
    let wait = eta.map(|eta| eta.p50.as_secs());
    let (base_ms, spread_ms) = match (wait, ahead) {
        (_, 0..=4) => (1_000, 500),
        (Some(0..=45), _) => (2_000, 1_500),
        (Some(46..=600), _) => (10_000, 5_000),
        (Some(_), _) => (30_000, 30_000),
        // No pace yet: by the number alone.
        (None, 5..=200) => (2_000, 3_000),
        (None, _) => (10_000, 5_000),
    };
    let jittered = base_ms + entropy % (spread_ms + 1);
    // Often enough to show in every epoch, and to hear of a call while it is open. A poll may come late by a
    // round trip and a slow timer: stay a quarter under.
    let longest = Epochs::of_presence(rules).length().min(rules.call_grace());
    let ceiling = millis(longest) * 3 / 4;
    let ceiling = ceiling - entropy % (ceiling / 8 + 1);
    Duration::from_millis(jittered.min(ceiling))
}

/// The longest that anybody is told to wait before asking again.
pub(crate) fn poll_longest(rules: &Admission) -> Duration {
    POLL_FAR.max(Epochs::of_presence(rules).length())
}

/// When someone who waits for the opening should ask again. All want to know at the same moment; so many answers a
/// second is what a crowd gets ([`OPENING_RATE`]).
pub(crate) fn poll_opening(
    left: Duration,
    waiting: u32,
    rules: &Admission,
    entropy: u64,
) -> Duration {
    let spread = (u64::from(waiting) * 1_000 / OPENING_RATE).clamp(1_000, 40_000);
    let ceiling = millis(Epochs::of_presence(rules).length()) * 3 / 4;
    let due = millis(left) + entropy % spread;
    let far = ceiling - entropy % (ceiling / 4 + 1);
    Duration::from_millis(if due <= ceiling { due.max(500) } else { far })
}

/// Polls a second that an opening asks of the fleet.
const OPENING_RATE: u64 = 20_000;
/// How often the page of a room that takes nobody asks.
pub(crate) const POLL_SHUT: Duration = Duration::from_secs(30);

/// When a visitor with a provisional ticket asks again. Spread, so that a store that is back is not met by all at once.
pub(crate) fn poll_provisional(is_near: bool, entropy: u64) -> Duration {
    let least = match is_near {
        true => POLL_JOINING,
        false => POLL_PROVISIONAL,
    };
    least + Duration::from_millis(entropy % (millis(least) + 1))
}

/// The same for somebody near the front or late: no longer than [`POLL_SOON`], still spread.
pub(crate) fn poll_soon(after: Duration, entropy: u64) -> Duration {
    let longest = millis(POLL_SOON);
    after.min(Duration::from_millis(longest - entropy % (longest / 4)))
}

#[cfg(test)]
mod tests {
    use policies::admission::Spec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn everybody_polls_at_least_once_an_epoch_and_once_a_call(
            ahead: u32, wait in proptest::option::of(1_u64..90_000), absent in 10_u64..3_600, grace in 10_u64..3_600,
            entropy: u64,
        ) {
            let rules = Admission::new(Spec {
                active: Some(1),
                absent_after: Duration::from_secs(absent),
                call_grace: Duration::from_secs(grace),
                ..Spec::default()
            });
            let rules = rules.expect("valid");
            let eta = wait.map(|s| Eta { p50: Duration::from_secs(s), p90: Duration::from_secs(s) });
            let after = poll_after(ahead, eta, &rules, entropy);
            prop_assert!(after >= Duration::from_millis(1_000));
            prop_assert!(after <= Epochs::of_presence(&rules).length() * 3 / 4);
            prop_assert!(after <= rules.call_grace() * 3 / 4, "who is called hears of it in time");
            prop_assert!(after <= Duration::from_secs(60));
        }
    }

    #[test]
    fn the_front_polls_sooner_than_the_back() {
        let rules = Admission::new(Spec {
            active: Some(1),
            ..Spec::default()
        })
        .expect("valid");
        let eta = |s| {
            Some(Eta {
                p50: Duration::from_secs(s),
                p90: Duration::from_secs(2 * s),
            })
        };
        let near = poll_after(20, eta(30), &rules, 7);
        let middle = poll_after(200, eta(300), &rules, 7);
        let far = poll_after(20_000, eta(3_000), &rules, 7);
        assert!(near < middle && middle < far, "{near:?} {middle:?} {far:?}");
    }
}
