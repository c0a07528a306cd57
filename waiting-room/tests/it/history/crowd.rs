//! Simulated visitors: when they come, how they wait, what they do inside, when they are away.

use std::time::Duration;

use policies::admission::Admission;
use waiting_room::{Number, Timestamp};

use crate::fleet::Browser;

/// The default.
const ABSENT_AFTER: Duration = Duration::from_secs(90);
/// Between two requests of somebody inside.
pub(crate) const VISITS: Duration = Duration::from_secs(10);
/// Clocks differ by less.
const APART: Duration = Duration::from_secs(1);
/// No answer asks for a longer pause, with `absent_after` at its default.
pub(crate) const LONGEST_POLL: Duration = Duration::from_secs(34);

/// A small generator (SplitMix64): a history is its seed.
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Outside,
    Waiting,
    Inside { until: Timestamp },
    Done,
}

/// One visitor.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) browser: Browser,
    pub(crate) stage: Stage,
    pub(crate) next_at: Timestamp,
    /// Away in between: no request. Longer than `absent_after` for some.
    pub(crate) away: Option<(Timestamp, Timestamp)>,
    /// Closes the page for good then.
    pub(crate) gives_up_at: Option<Timestamp>,
    /// How long it stays inside, in milliseconds.
    pub(crate) stay_ms: u64,
    /// Leaves by the button rather than by vanishing.
    pub(crate) leaves: bool,
    pub(crate) number: Option<Number>,
    pub(crate) shown: Option<u32>,
    pub(crate) seen_at: Timestamp,
    /// A request of its hangs at a gateway that stands still: which, and since when.
    pub(crate) hangs: Option<(usize, Timestamp)>,
    /// The longest that one hung.
    pub(crate) hung: Duration,
    /// Since when it is called, if it is.
    pub(crate) called: bool,
    pub(crate) was_called: bool,
}

impl Visitor {
    pub(crate) fn arriving(dice: &mut Dice, start: Timestamp) -> Self {
        // A rush in the first seconds, then a trickle.
        let window = if dice.chance(60) { 4_000 } else { 150_000 };
        let arrives = Timestamp(start.0 + dice.below(window));
        let kind = dice.below(10);
        let from = Timestamp(arrives.0 + dice.below(60_000));
        let away = match kind {
            0 => Some((from, Timestamp(from.0 + 5_000 + dice.below(60_000)))),
            1 | 2 => Some((from, Timestamp(from.0 + 150_000 + dice.below(60_000)))),
            _ => None,
        };
        Self {
            browser: Browser::default(),
            stage: Stage::Outside,
            next_at: arrives,
            away,
            gives_up_at: (kind == 3).then(|| Timestamp(arrives.0 + dice.below(120_000))),
            stay_ms: dice.below(40_000),
            leaves: dice.chance(30),
            number: None,
            shown: None,
            seen_at: arrives,
            hangs: None,
            hung: Duration::ZERO,
            called: false,
            was_called: false,
        }
    }

    /// Whether it does anything at `now`.
    pub(crate) fn acts(&self, now: Timestamp) -> bool {
        let away = self.away.is_some_and(|(from, to)| from <= now && now < to);
        self.stage != Stage::Done && self.next_at <= now && !away
    }

    /// Whether it polls as told all the time and is answered, or is silent for so short that no call and no pass can be
    /// missed: then nothing may ever happen to its place.
    pub(crate) fn is_steady(&self, rules: &Admission) -> bool {
        self.polls_as_told(rules) && (self.hung.is_zero() || self.hung < longest_silence(rules))
    }

    /// The same, however long its gateway took to answer.
    pub(crate) fn polls_as_told(&self, rules: &Admission) -> bool {
        let longest = longest_silence(rules);
        self.gives_up_at.is_none() && self.away.is_none_or(|(from, to)| to.since(from) < longest)
    }
}

fn longest_silence(rules: &Admission) -> Duration {
    let waiting = ABSENT_AFTER.min(rules.call_grace());
    let inside = rules.session().ttl().saturating_sub(VISITS + APART);
    waiting.saturating_sub(LONGEST_POLL).min(inside)
}
