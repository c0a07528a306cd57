//! What a newcomer has to show before a number is given: some work, patience, an invitation.
//!
//! Data and arithmetic only. Work is counted in bits: a proof of `n` bits takes 2^n hashes on average. So one bit
//! more for each doubling of the pressure makes what a crowd pays in sum follow how far it overruns the room.

use std::{num::NonZeroU32, time::Duration};

use thiserror::Error;

use crate::limit::Quota;

/// The hardest work that may be asked for, in bits. The page's worker does some 700,000 hashes a second of processor
/// time on the machine this was measured on (one core of an Intel Xeon, V8). A phone at a fifth of that does 140,000,
/// and so needs 0.94 s for 2^17 on average; nine in ten are done within 2.2 s.
pub const MOST_BITS: u8 = 17;
/// Default of [`WorkSpec::most`]: 0.47 s on that phone on average, and 99 in 100 are done within 2.2 s.
pub const DEFAULT_MOST: u8 = 16;
/// Default of [`WorkSpec::at_rest`]: 7 ms on that phone, which nobody notices.
pub const DEFAULT_AT_REST: u8 = 10;
/// Default of [`WorkSpec::wait`].
pub const DEFAULT_WAIT: Duration = Duration::from_secs(60);
/// Eighths of a prefix's budget that are free; each eighth from here on costs a bit.
const FREE_EIGHTHS: u64 = 4;

/// What an operator said about newcomers, before it is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BotsSpec {
    /// Work to be done before a number is given. `None`: none.
    pub work: Option<WorkSpec>,
    /// Numbers given to one address prefix. `None`: not limited.
    pub joins: Option<JoinRate>,
    /// Whether a newcomer needs an invitation.
    pub invitations: Invitations,
    /// What tickets and passes are bound to.
    pub binding: Binding,
}

/// Work as it was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkSpec {
    /// Bits while joins do not outrun the room.
    pub at_rest: u8,
    /// Bits at most.
    pub most: u8,
    /// How long who cannot do the work waits at most, in its stead.
    pub wait: Duration,
}

impl Default for WorkSpec {
    fn default() -> Self {
        Self {
            at_rest: DEFAULT_AT_REST,
            most: DEFAULT_MOST,
            wait: DEFAULT_WAIT,
        }
    }
}

/// How many numbers one address prefix (IPv4 /24, IPv6 /56) may take at one gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinRate {
    /// The sustained rate.
    pub quota: Quota,
    /// How many at once after a rest.
    pub burst: NonZeroU32,
}

impl JoinRate {
    /// In how much time one number is earned back; at least a microsecond.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.quota.interval().max(Duration::from_micros(1))
    }
}

/// Whether a newcomer needs an invitation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Invitations {
    /// There are none: whatever is presented is not looked at.
    #[default]
    Off,
    /// One is one place; who has none may come too.
    Welcome,
    /// Only who has one gets a number.
    Required,
}

/// What a ticket or a pass is bound to, so that it is worth nothing elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binding {
    /// Nothing: it goes along when a phone changes from one network to another.
    #[default]
    Off,
    /// The address prefix it was given to.
    Prefix,
    /// The address prefix and the user agent.
    Agent,
}

/// The checked rules for newcomers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bots {
    work: Option<Work>,
    joins: Option<JoinRate>,
    invitations: Invitations,
    binding: Binding,
}

/// Work to be done before a number is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    at_rest: u8,
    most: u8,
    wait: Duration,
}

/// How hard newcomers press, in whole numbers so that a gateway can keep them in an atomic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pressure {
    /// Numbers taken a minute, over all gateways.
    pub joins_per_minute: u64,
    /// Visitors that the room lets in a minute.
    pub admitted_per_minute: u64,
}

impl Pressure {
    /// Bits that it adds: one for each doubling of the joins over what is let in.
    #[must_use]
    pub fn bits(self) -> u8 {
        let times = self.joins_per_minute / self.admitted_per_minute.max(1);
        u8::try_from(times.max(1).ilog2()).unwrap_or(u8::MAX)
    }
}

impl Bots {
    /// Checks what was said.
    ///
    /// # Errors
    /// All the reasons why it cannot be used.
    pub fn new(spec: BotsSpec) -> Result<Self, Vec<BotsError>> {
        let mut errors = Vec::new();
        if let Some(work) = spec.work {
            if work.most > MOST_BITS {
                errors.push(BotsError::TooHard);
            }
            if work.at_rest > work.most {
                errors.push(BotsError::HarderAtRest);
            }
            let range = Duration::from_secs(1)..=Duration::from_secs(300);
            if !range.contains(&work.wait) {
                errors.push(BotsError::Wait);
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            work: spec.work.map(|said| Work {
                at_rest: said.at_rest,
                most: said.most,
                wait: said.wait,
            }),
            joins: spec.joins,
            invitations: spec.invitations,
            binding: spec.binding,
        })
    }

    /// The work that is asked for.
    #[must_use]
    pub fn work(&self) -> Option<Work> {
        self.work
    }

    /// How many numbers one address prefix may take.
    #[must_use]
    pub fn joins(&self) -> Option<JoinRate> {
        self.joins
    }

    /// Whether a newcomer needs an invitation.
    #[must_use]
    pub fn invitations(&self) -> Invitations {
        self.invitations
    }

    /// What tickets and passes are bound to.
    #[must_use]
    pub fn binding(&self) -> Binding {
        self.binding
    }
}

impl Work {
    /// How hard it is now, in bits, for somebody from a prefix that has used `used` of `of` in its budget (0 of 0
    /// where there is none). Never falls while anything rises.
    #[must_use]
    pub fn bits(&self, pressure: u8, (used, of): (u64, u64)) -> u8 {
        let eighths = used.saturating_mul(8).checked_div(of).unwrap_or(0).min(8);
        let beyond = (eighths + 1).saturating_sub(FREE_EIGHTHS);
        // At most five.
        let crowded = u8::try_from(beyond).unwrap_or(u8::MAX);
        self.at_rest
            .saturating_add(pressure)
            .saturating_add(crowded)
            .min(self.most)
    }

    /// How long who does not do work of `bits` waits instead: in proportion to the hashes, 60 s for the hardest
    /// unless configured otherwise.
    #[must_use]
    pub fn wait(&self, bits: u8) -> Duration {
        let easier = self.most.saturating_sub(bits);
        self.wait / (1_u32 << easier.min(MOST_BITS))
    }
}

/// Why the rules for newcomers cannot be used. The operator's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BotsError {
    /// Phones would suffer and bots would not.
    #[error("`work.most` is at most {MOST_BITS} bits: a phone needs about a second for that")]
    TooHard,
    /// The other way round.
    #[error("`work.at_rest` must not be above `work.most`")]
    HarderAtRest,
    /// Out of what a challenge lives.
    #[error("`work.wait` must be between 1s and 5m")]
    Wait,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn work(at_rest: u8, most: u8) -> Work {
        let spec = WorkSpec {
            at_rest,
            most,
            ..WorkSpec::default()
        };
        let bots = Bots::new(BotsSpec {
            work: Some(spec),
            ..BotsSpec::default()
        });
        bots.expect("valid").work().expect("said")
    }

    #[test]
    fn each_doubling_of_the_pressure_is_a_bit() {
        let bits = |joins_per_minute| {
            Pressure {
                joins_per_minute,
                admitted_per_minute: 100,
            }
            .bits()
        };
        assert_eq!([0, 100, 199, 200, 399, 400].map(bits), [0, 0, 0, 1, 1, 2]);
        assert_eq!(bits(u64::MAX), 57);
        assert_eq!(Pressure::default().bits(), 0);
    }

    #[test]
    fn the_second_half_of_a_budget_gets_harder_by_the_eighth() {
        let work = work(10, 17);
        let bits = [0, 49, 50, 63, 75, 88, 100].map(|used| work.bits(0, (used, 100)));
        assert_eq!(bits, [10, 10, 11, 12, 13, 14, 15]);
    }

    #[test]
    fn mistakes_are_told() {
        let spec = WorkSpec {
            at_rest: 30,
            most: 20,
            wait: Duration::from_secs(0),
        };
        let spec = BotsSpec {
            work: Some(spec),
            ..BotsSpec::default()
        };
        let all = vec![BotsError::TooHard, BotsError::HarderAtRest, BotsError::Wait];
        assert_eq!(Bots::new(spec), Err(all));
    }

    proptest! {
        #[test]
        fn more_pressure_is_never_less_work_nor_a_shorter_wait(
            at_rest in 0_u8..=17, more in 0_u8..=17, low: (u8, u64), high: (u8, u64), of in 1_u64..u64::MAX,
        ) {
            let work = work(at_rest, at_rest.saturating_add(more).min(MOST_BITS));
            let (less, most) = ((low.0.min(high.0), low.1.min(high.1)), (low.0.max(high.0), low.1.max(high.1)));
            let (easy, hard) = (work.bits(less.0, (less.1, of)), work.bits(most.0, (most.1, of)));
            prop_assert!(at_rest <= easy && easy <= hard && hard <= MOST_BITS);
            prop_assert!(work.wait(easy) <= work.wait(hard));
            prop_assert!(work.wait(hard) <= DEFAULT_WAIT);
        }

        #[test]
        fn pressure_rises_with_joins_and_falls_with_admissions(a: u64, b: u64, c: u64, d: u64) {
            let (few, many, slow, fast) = (a.min(b), a.max(b), c.min(d), c.max(d));
            let bits = |joins_per_minute, admitted_per_minute| {
                Pressure { joins_per_minute, admitted_per_minute }.bits()
            };
            prop_assert!(bits(few, fast) <= bits(many, fast));
            prop_assert!(bits(many, fast) <= bits(many, slow));
        }
    }
}
