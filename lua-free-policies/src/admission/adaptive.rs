//! Adaptive admission as the operator writes it: how slow and how faulty the origin may get, and
//! between which bounds the room's limit may then move.

mod ratio;

use std::{num::NonZeroU32, time::Duration};

use thiserror::Error;

use super::Capacity;
pub use ratio::Ratio;

/// Default of [`AdaptiveSpec::max_error_rate`]: one request in a hundred.
pub const DEFAULT_MAX_ERROR_RATE: Ratio = Ratio { millionths: 10_000 };
/// The floor is the ceiling over this (5%), where none was said: enough visitors to see the origin recover.
const CEILING_TO_FLOOR: u32 = 20;
const TARGET_LOW: Duration = Duration::from_millis(10);
const TARGET_HIGH: Duration = Duration::from_secs(30);
const ERROR_RATE_HIGH: Ratio = Ratio {
    millionths: 500_000,
};

/// What the operator said, before it is checked. Start from [`AdaptiveSpec::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdaptiveSpec {
    /// 95 of 100 answers of the origin shall begin within this time; 10 ms to 30 s.
    pub target_p95: Duration,
    /// Most failures among the origin's answers; above 0%, at most 50%.
    pub max_error_rate: Ratio,
    /// The limit never falls below this. `None`: 5% of the ceiling, at least 1.
    pub floor: Option<u32>,
    /// The limit never rises above this. `None`: the room's capacity.
    pub ceiling: Option<u32>,
}

impl AdaptiveSpec {
    /// Follow `target_p95`, the rest as usual.
    #[must_use]
    pub fn new(target_p95: Duration) -> Self {
        Self {
            target_p95,
            max_error_rate: DEFAULT_MAX_ERROR_RATE,
            floor: None,
            ceiling: None,
        }
    }
}

/// What the limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Visitors inside at one time: the room has `capacity.active`.
    Seats,
    /// Calls a minute: it has only `capacity.per_minute`.
    PerMinute,
}

/// The checked rules of an adaptive limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adaptive {
    target_p95: Duration,
    max_error_rate: Ratio,
    unit: Unit,
    floor: NonZeroU32,
    ceiling: NonZeroU32,
    /// Bounds that were said stay; the others follow the capacity.
    said: [bool; 2],
}

impl Adaptive {
    /// Checks what was said against the room's capacity, and fills in what was not. Every problem is
    /// found, not only the first.
    ///
    /// # Errors
    /// All the reasons why `spec` cannot be used.
    pub fn new(spec: AdaptiveSpec, capacity: Capacity) -> Result<Self, Vec<AdaptiveError>> {
        let mut errors = Vec::new();
        if !(TARGET_LOW..=TARGET_HIGH).contains(&spec.target_p95) {
            errors.push(AdaptiveError::Target);
        }
        if spec.max_error_rate.millionths == 0 || spec.max_error_rate > ERROR_RATE_HIGH {
            errors.push(AdaptiveError::ErrorRate);
        }
        // A room without any limit has its own complaint.
        let (unit, most) = match (capacity.active(), capacity.per_minute()) {
            (Some(active), _) => (Unit::Seats, active),
            (None, Some(minute)) => (Unit::PerMinute, minute),
            (None, None) => (Unit::Seats, NonZeroU32::MAX),
        };
        let mut bound = |key, said: Option<u32>, usual: NonZeroU32, most: NonZeroU32| {
            let meant = said.map_or(Some(usual), NonZeroU32::new);
            match meant {
                None => errors.push(AdaptiveError::Zero { key }),
                Some(meant) if meant > most => errors.push(AdaptiveError::Above { key, most }),
                Some(_) => {}
            }
            // A bad bound is complained of once; what follows is checked against the usual one.
            meant.filter(|meant| *meant <= most).unwrap_or(usual)
        };
        let ceiling = bound("adaptive.ceiling", spec.ceiling, most, most);
        let floor = bound("adaptive.floor", spec.floor, twentieth(ceiling), ceiling);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            target_p95: spec.target_p95,
            max_error_rate: spec.max_error_rate,
            unit,
            floor,
            ceiling,
            said: [spec.floor.is_some(), spec.ceiling.is_some()],
        })
    }

    /// The same where the capacity is another for the moment: an event's, or an operator's. What was said stays, as far as
    /// the capacity lets it.
    #[must_use]
    pub(super) fn within(self, capacity: Capacity) -> Self {
        let most = match self.unit {
            Unit::Seats => capacity.active(),
            Unit::PerMinute => capacity.per_minute(),
        };
        let Some(most) = most else { return self };
        let [is_floor_said, is_ceiling_said] = self.said;
        let ceiling = match is_ceiling_said {
            true => self.ceiling.min(most),
            false => most,
        };
        let floor = match is_floor_said {
            true => self.floor.min(ceiling),
            false => twentieth(ceiling),
        };
        Self {
            floor,
            ceiling,
            ..self
        }
    }

    /// 95 of 100 answers shall begin within this time; 10 ms to 30 s.
    #[must_use]
    pub fn target_p95(&self) -> Duration {
        self.target_p95
    }

    /// Most failures among the answers; above 0, at most a half.
    #[must_use]
    pub fn max_error_rate(&self) -> Ratio {
        self.max_error_rate
    }

    /// What the limit counts.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The limit's lowest value.
    #[must_use]
    pub fn floor(&self) -> NonZeroU32 {
        self.floor
    }

    /// The limit's highest value: the room's capacity or less.
    #[must_use]
    pub fn ceiling(&self) -> NonZeroU32 {
        self.ceiling
    }
}

fn twentieth(ceiling: NonZeroU32) -> NonZeroU32 {
    NonZeroU32::new(ceiling.get() / CEILING_TO_FLOOR).unwrap_or(NonZeroU32::MIN)
}

/// Why the rules of an adaptive limit cannot be used. The operator's fault; nothing to retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AdaptiveError {
    /// A target that no network keeps, or none at all.
    #[error("`adaptive.target_p95` must be between 10ms and 30s")]
    Target,
    /// A rate that one stray failure breaks, or that hides a dead origin.
    #[error("`adaptive.max_error_rate` must be above 0% and at most 50%")]
    ErrorRate,
    /// A bound of zero would shut the room for ever.
    #[error("`{key}` must be at least 1")]
    Zero {
        /// The key in the room's section.
        key: &'static str,
    },
    /// A floor above the ceiling, or a ceiling above the capacity: it could never be reached.
    #[error("`{key}` can be at most {most} here")]
    Above {
        /// The key in the room's section.
        key: &'static str,
        /// The highest value that makes sense.
        most: NonZeroU32,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::admission::{Admission, AdmissionError, Spec};

    fn room(active: Option<u32>, per_minute: Option<u32>, adaptive: AdaptiveSpec) -> Spec {
        Spec {
            active,
            per_minute,
            adaptive: Some(adaptive),
            ..Spec::default()
        }
    }

    fn target() -> AdaptiveSpec {
        AdaptiveSpec::new(Duration::from_millis(200))
    }

    fn meant(spec: Spec) -> Adaptive {
        let rules = Admission::new(spec).expect("valid");
        rules.adaptive().expect("was said")
    }

    #[test]
    fn what_is_not_said_follows_the_capacity() {
        let seats = meant(room(Some(400), Some(900), target()));
        assert_eq!(seats.unit(), Unit::Seats);
        assert_eq!((seats.floor().get(), seats.ceiling().get()), (20, 400));
        assert_eq!(seats.max_error_rate().get(), 0.01);

        let minute = meant(room(None, Some(90), target()));
        assert_eq!(minute.unit(), Unit::PerMinute);
        assert_eq!((minute.floor().get(), minute.ceiling().get()), (4, 90));

        let tiny = meant(room(Some(5), None, target()));
        assert_eq!((tiny.floor().get(), tiny.ceiling().get()), (1, 5));
    }

    /// An event for ten times as many is not held to what the room bears every day.
    #[test]
    fn bounds_that_were_not_said_follow_another_capacity_too() {
        let many = NonZeroU32::new(4_000);
        let bounds = |rules: Admission| {
            let adaptive = rules.adaptive().expect("was said");
            (adaptive.floor().get(), adaptive.ceiling().get())
        };
        let of = |spec| Admission::new(room(Some(400), None, spec)).expect("valid");
        assert_eq!(bounds(of(target()).with_capacity(many, None)), (200, 4_000));
        let few = NonZeroU32::new(10);
        assert_eq!(bounds(of(target()).with_capacity(few, None)), (1, 10));
        let said = AdaptiveSpec {
            floor: Some(30),
            ceiling: Some(300),
            ..target()
        };
        assert_eq!(bounds(of(said).with_capacity(many, None)), (30, 300));
        assert_eq!(bounds(of(said).with_capacity(few, None)), (10, 10));
        let left = NonZeroU32::new(3).expect("positive");
        assert_eq!(bounds(of(target()).with_no_more_than(left)), (20, 400));
    }

    #[test]
    fn the_default_floor_follows_a_said_ceiling() {
        let spec = AdaptiveSpec {
            ceiling: Some(100),
            ..target()
        };
        assert_eq!(meant(room(Some(400), None, spec)).floor().get(), 5);
    }

    #[test]
    fn every_mistake_is_named_at_once_beside_those_of_the_room() {
        let spec = AdaptiveSpec {
            target_p95: Duration::from_millis(9),
            max_error_rate: Ratio::from_millionths(500_001).expect("a ratio"),
            floor: Some(0),
            ceiling: Some(401),
        };
        let room = Spec {
            call_grace: Duration::ZERO,
            ..room(Some(400), None, spec)
        };
        let most = NonZeroU32::new(400).expect("positive");
        let key = "adaptive.ceiling";
        let errors = Admission::new(room).expect_err("five mistakes");
        let mine = errors.iter().filter_map(|error| match error {
            AdmissionError::Adaptive(error) => Some(*error),
            _ => None,
        });
        assert_eq!(errors.len(), 5);
        assert_eq!(
            mine.collect::<Vec<_>>(),
            [
                AdaptiveError::Target,
                AdaptiveError::ErrorRate,
                AdaptiveError::Above { key, most },
                AdaptiveError::Zero {
                    key: "adaptive.floor"
                },
            ]
        );
        assert_eq!(
            errors[3].to_string(),
            "`adaptive.ceiling` can be at most 400 here"
        );
    }

    #[test]
    fn a_floor_above_the_ceiling_is_refused() {
        let spec = AdaptiveSpec {
            floor: Some(11),
            ceiling: Some(10),
            ..target()
        };
        let errors = Admission::new(room(Some(400), None, spec)).expect_err("a mistake");
        let most = NonZeroU32::new(10).expect("positive");
        let key = "adaptive.floor";
        assert_eq!(
            errors,
            [AdmissionError::Adaptive(AdaptiveError::Above { key, most })]
        );
    }

    proptest! {
        #[test]
        fn bounds_that_exist_are_in_order_and_within_the_capacity(
            active in proptest::option::of(0_u32..50), per_minute in proptest::option::of(0_u32..50),
            floor in proptest::option::of(0_u32..60), ceiling in proptest::option::of(0_u32..60),
            target_ms in 0_u64..40_000, millionths in 0_u32..=1_000_000,
        ) {
            let spec = AdaptiveSpec {
                target_p95: Duration::from_millis(target_ms),
                max_error_rate: Ratio::from_millionths(millionths).expect("a ratio"),
                floor,
                ceiling,
            };
            if let Ok(rules) = Admission::new(room(active, per_minute, spec)) {
                let meant = rules.adaptive().expect("was said");
                let most = active.or(per_minute).expect("a capacity");
                prop_assert!(meant.floor() <= meant.ceiling() && meant.ceiling().get() <= most);
            }
        }
    }
}
