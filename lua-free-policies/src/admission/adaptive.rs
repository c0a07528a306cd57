//! Adaptive admission as the operator writes it: how slow and how faulty the origin may get, and
//! between which bounds the room's limit may then move.

use std::{num::NonZeroU32, time::Duration};

use thiserror::Error;

use super::Capacity;
use crate::{diagnostic::Complaint, document::Scalar};

/// Default of [`AdaptiveSpec::max_error_rate`]: one request in a hundred.
pub const DEFAULT_MAX_ERROR_RATE: Ratio = Ratio { millionths: 10_000 };
/// The floor is the ceiling over this (5%), where none was said: enough visitors to see the origin recover.
const CEILING_TO_FLOOR: u32 = 20;
const TARGET_LOW: Duration = Duration::from_millis(10);
const TARGET_HIGH: Duration = Duration::from_secs(30);
const ERROR_RATE_HIGH: Ratio = Ratio {
    millionths: 500_000,
};

/// A part of a whole, in millionths. Written `1%`, `0.5%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio {
    millionths: u32,
}

impl Ratio {
    /// `millionths` of the whole; `None` beyond all of it.
    #[must_use]
    pub fn from_millionths(millionths: u32) -> Option<Self> {
        (millionths <= 1_000_000).then_some(Self { millionths })
    }

    /// In millionths, 0 to 1,000,000.
    #[must_use]
    pub fn millionths(self) -> u32 {
        self.millionths
    }

    /// As a number from 0 to 1.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from(self.millionths) / 1e6
    }
}

impl Scalar for Ratio {
    fn read(text: &str) -> Result<Self, Complaint> {
        percent(text)
            .and_then(Self::from_millionths)
            .ok_or_else(|| {
                Complaint::new(format!("`{text}` is not a part of a whole"))
                    .hint("write it like 1% or 0.5%, with at most four decimals")
            })
    }
}

/// Millionths of `12.5%`; no more than four decimals, so that what is said is what is meant.
fn percent(text: &str) -> Option<u32> {
    let number = text.strip_suffix('%')?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 4 {
        return None;
    }
    let decimals: u32 = format!("{decimals:0<4}").parse().ok()?;
    whole
        .parse::<u32>()
        .ok()?
        .checked_mul(10_000)?
        .checked_add(decimals)
}

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
        let twentieth = NonZeroU32::new(ceiling.get() / CEILING_TO_FLOOR);
        let floor = bound(
            "adaptive.floor",
            spec.floor,
            twentieth.unwrap_or(NonZeroU32::MIN),
            ceiling,
        );
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            target_p95: spec.target_p95,
            max_error_rate: spec.max_error_rate,
            unit,
            floor,
            ceiling,
        })
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

    #[test]
    fn percentages_are_read_as_they_are_written() {
        let read = |text| Ratio::read(text).map(Ratio::millionths).ok();
        assert_eq!(read("1%"), Some(10_000));
        assert_eq!(read("0.5%"), Some(5_000));
        assert_eq!(read("12.3456%"), Some(123_456));
        assert_eq!(read("100%"), Some(1_000_000));
        for bad in [
            "1", "%", ".5%", "1.%", "-1%", "1.23456%", "100.1%", "1 %", "0,5%", "9999999%",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
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

        #[test]
        fn any_text_is_a_ratio_or_refused_without_panic(text in "\\PC{0,12}|[0-9.]{0,14}%") {
            let _ = Ratio::read(&text);
        }
    }
}
