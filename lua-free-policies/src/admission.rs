//! How many a waiting room lets in, and for how long: the numbers an operator writes, checked once.
//!
//! The types here are data. The waiting-room library decides with them, the gateway parses them from
//! its file; a value that exists is a value that may be used, so nothing downstream re-checks.

pub mod adaptive;
pub mod bots;
mod choice;
mod error;
pub mod share;

use std::{num::NonZeroU32, time::Duration};

use adaptive::{Adaptive, AdaptiveSpec};
use bots::{Bots, BotsSpec};
pub use choice::{Late, OnStoreLoss};
pub use error::AdmissionError;
use share::{Sharing, SharingSpec};

/// Default of [`Spec::call_grace`]: two minutes to press "enter", long enough to unlock a phone.
pub const DEFAULT_CALL_GRACE: Duration = Duration::from_secs(120);
/// Default of [`Spec::absent_after`]: phones suspend hidden tabs within seconds, so shorter punishes
/// people who only looked at a message; longer keeps ghosts in everybody's count.
pub const DEFAULT_ABSENT_AFTER: Duration = Duration::from_secs(90);
/// Default of [`Spec::ttl`].
pub const DEFAULT_SESSION_TTL: Duration = Duration::from_secs(600);

const LONGEST_HOLD: Duration = Duration::from_secs(86_400);

/// What an operator said about one room, before it is checked. Start from [`Spec::default`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Most visitors inside at one time. `None`: not limited this way.
    pub active: Option<u32>,
    /// Most calls in any sliding minute. `None`: not limited this way.
    pub per_minute: Option<u32>,
    /// How long a pass is good for after it was issued (or last renewed).
    pub ttl: Duration,
    /// Whether activity renews a pass.
    pub renewal: Renewal,
    /// How long at most an origin may keep a pass from ending, from when it says so. `None`: twice `ttl`.
    pub hold: Option<Duration>,
    /// How long a called visitor has to come in before the seat is given on.
    pub call_grace: Duration,
    /// How long a waiting visitor may be silent before others stop counting them.
    pub absent_after: Duration,
    /// Lower the limit while the origin is slow or fails. `None`: the capacity is the limit.
    pub adaptive: Option<AdaptiveSpec>,
    /// The room's part in a limit that it has in common with others.
    pub sharing: Option<SharingSpec>,
    /// What becomes of visitors while the store cannot be reached.
    pub on_store_loss: OnStoreLoss,
    /// Where somebody goes who missed a call.
    pub late: Late,
    /// What newcomers have to show.
    pub bots: BotsSpec,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            active: None,
            per_minute: None,
            ttl: DEFAULT_SESSION_TTL,
            renewal: Renewal::OnActivity,
            hold: None,
            call_grace: DEFAULT_CALL_GRACE,
            absent_after: DEFAULT_ABSENT_AFTER,
            adaptive: None,
            sharing: None,
            on_store_loss: OnStoreLoss::Hold,
            late: Late::Lane,
            bots: BotsSpec::default(),
        }
    }
}

/// Whether a pass is renewed while its holder is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Each request restarts the session's time (in steps of an eighth of it).
    OnActivity,
    /// The pass ends `ttl` after admission whatever its holder does.
    Never,
}

/// How many may be inside. At least one of the two limits is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    active: Option<NonZeroU32>,
    per_minute: Option<NonZeroU32>,
}

impl Capacity {
    /// Most visitors inside at one time: live passes plus calls that are still open.
    #[must_use]
    pub fn active(&self) -> Option<NonZeroU32> {
        self.active
    }

    /// Most calls in any sliding minute.
    #[must_use]
    pub fn per_minute(&self) -> Option<NonZeroU32> {
        self.per_minute
    }

    /// No room has more than the share that it is in.
    fn within(self, sharing: Sharing) -> Self {
        let least = |own: Option<NonZeroU32>, total| own.into_iter().chain(total).min();
        let [active, per_minute] = sharing.total();
        Self {
            active: least(self.active, active),
            per_minute: least(self.per_minute, per_minute),
        }
    }
}

/// How long an admitted visitor may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    ttl: Duration,
    renewal: Renewal,
    hold: Duration,
}

impl Session {
    /// Life of a pass from its issue or last renewal; 2 s to 24 h.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// How long at most an origin may keep it from ending; `ttl` to 24 h.
    #[must_use]
    pub fn hold(&self) -> Duration {
        self.hold
    }

    /// Whether activity renews it.
    #[must_use]
    pub fn renewal(&self) -> Renewal {
        self.renewal
    }
}

/// The checked admission rules of one room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    capacity: Capacity,
    session: Session,
    call_grace: Duration,
    absent_after: Duration,
    adaptive: Option<Adaptive>,
    sharing: Option<Sharing>,
    on_store_loss: OnStoreLoss,
    late: Late,
    bots: Bots,
}

impl Admission {
    /// Checks what was said. Every problem is found, not only the first, so that one `fluxgate check`
    /// is enough.
    ///
    /// # Errors
    /// All the reasons why `spec` cannot be used; each names its key and the range it must be in.
    pub fn new(spec: Spec) -> Result<Self, Vec<AdmissionError>> {
        let mut errors = Vec::new();
        let sharing = spec.sharing.map(Sharing::new).transpose();
        let sharing = sharing.unwrap_or_else(|reasons| {
            errors.extend(reasons.into_iter().map(AdmissionError::Sharing));
            None
        });
        if spec.active.is_none() && spec.per_minute.is_none() && spec.sharing.is_none() {
            errors.push(AdmissionError::Unlimited);
        }
        let mut positive = |key, said: Option<u32>| {
            let meant = said.map(NonZeroU32::new);
            if meant == Some(None) {
                errors.push(AdmissionError::Zero { key });
            }
            meant.flatten()
        };
        let own = Capacity {
            active: positive("capacity.active", spec.active),
            per_minute: positive("capacity.per_minute", spec.per_minute),
        };
        let capacity = sharing.map_or(own, |sharing| own.within(sharing));
        // Epochs are eighths of `ttl` and halves of `absent_after`; the lower bounds keep both well
        // above the controller's quarter-second tick, the upper ones keep a typo from lasting a year.
        let hold = spec.hold.unwrap_or((spec.ttl * 2).min(LONGEST_HOLD));
        let ranges = [
            ("session.ttl", spec.ttl, 2, 86_400),
            ("session.hold", hold, spec.ttl.as_secs(), 86_400),
            ("call_grace", spec.call_grace, 1, 3_600),
            ("absent_after", spec.absent_after, 10, 3_600),
        ];
        for (key, said, low, high) in ranges {
            if said < Duration::from_secs(low) || said > Duration::from_secs(high) {
                errors.push(AdmissionError::OutOfRange { key, low, high });
            }
        }
        let adaptive = spec
            .adaptive
            .map(|spec| Adaptive::new(spec, capacity))
            .transpose()
            .unwrap_or_else(|reasons| {
                errors.extend(reasons.into_iter().map(AdmissionError::Adaptive));
                None
            });
        let bots = Bots::new(spec.bots).unwrap_or_else(|reasons| {
            errors.extend(reasons.into_iter().map(AdmissionError::Bots));
            Bots::default()
        });
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            capacity,
            session: Session {
                ttl: spec.ttl,
                renewal: spec.renewal,
                hold,
            },
            call_grace: spec.call_grace,
            absent_after: spec.absent_after,
            adaptive,
            sharing,
            on_store_loss: spec.on_store_loss,
            late: spec.late,
            bots,
        })
    }

    /// The same rules with other limits, which a limit that follows the origin can reach too. At least one must be given:
    /// without any the limits stay.
    #[must_use]
    pub fn with_capacity(self, active: Option<NonZeroU32>, per_minute: Option<NonZeroU32>) -> Self {
        if active.is_none() && per_minute.is_none() {
            return self;
        }
        let capacity = Capacity { active, per_minute };
        Self {
            capacity,
            adaptive: self.adaptive.map(|adaptive| adaptive.within(capacity)),
            ..self
        }
    }

    /// The same rules with no more than so many inside, since there is not more to sell. What the origin bears is as before.
    #[must_use]
    pub fn with_no_more_than(self, active: NonZeroU32) -> Self {
        let most = self.capacity.active.map_or(active, |own| own.min(active));
        Self {
            capacity: Capacity {
                active: Some(most),
                ..self.capacity
            },
            ..self
        }
    }

    /// The same rules with sessions of another length.
    #[must_use]
    pub fn with_ttl(self, ttl: Option<Duration>) -> Self {
        let session = Session {
            ttl: ttl.unwrap_or(self.session.ttl),
            ..self.session
        };
        Self { session, ..self }
    }

    /// How many may be inside, and how fast they may come.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// How long an admitted visitor may stay.
    #[must_use]
    pub fn session(&self) -> Session {
        self.session
    }

    /// Time a called visitor has to come in; 1 s to 1 h.
    #[must_use]
    pub fn call_grace(&self) -> Duration {
        self.call_grace
    }

    /// Silence after which a waiting visitor is no longer counted; 10 s to 1 h.
    #[must_use]
    pub fn absent_after(&self) -> Duration {
        self.absent_after
    }

    /// What becomes of visitors while the store cannot be reached.
    #[must_use]
    pub fn on_store_loss(&self) -> OnStoreLoss {
        self.on_store_loss
    }

    /// Where somebody goes who missed a call.
    #[must_use]
    pub fn late(&self) -> Late {
        self.late
    }

    /// How the limit follows the origin; `None` if it does not.
    #[must_use]
    pub fn adaptive(&self) -> Option<Adaptive> {
        self.adaptive
    }

    /// The room's part in a limit that it has in common with others; `None` if it stands alone.
    #[must_use]
    pub fn sharing(&self) -> Option<Sharing> {
        self.sharing
    }

    /// The same rules in a share of so many rooms, this one too, whose floors add up to `floors`.
    #[must_use]
    pub fn among(self, rooms: u32, floors: [u32; 2]) -> Self {
        let sharing = self.sharing.map(|sharing| sharing.among(rooms, floors));
        Self { sharing, ..self }
    }

    /// What newcomers have to show.
    #[must_use]
    pub fn bots(&self) -> Bots {
        self.bots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        Spec {
            active: Some(20),
            per_minute: Some(120),
            ..Spec::default()
        }
    }

    #[test]
    fn what_was_said_is_what_is_meant() {
        let rules = Admission::new(spec()).expect("valid");
        assert_eq!(rules.capacity().active().map(NonZeroU32::get), Some(20));
        assert_eq!(
            rules.capacity().per_minute().map(NonZeroU32::get),
            Some(120)
        );
        assert_eq!(rules.session().ttl(), Duration::from_secs(600));
        assert_eq!(rules.absent_after(), Duration::from_secs(90));
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let errors = Admission::new(Spec {
            active: Some(0),
            per_minute: None,
            ttl: Duration::from_millis(10),
            absent_after: Duration::from_secs(9),
            ..spec()
        })
        .expect_err("three mistakes");
        assert_eq!(
            errors,
            [
                AdmissionError::Zero {
                    key: "capacity.active"
                },
                AdmissionError::OutOfRange {
                    key: "session.ttl",
                    low: 2,
                    high: 86_400
                },
                AdmissionError::OutOfRange {
                    key: "absent_after",
                    low: 10,
                    high: 3_600
                },
            ]
        );
    }

    #[test]
    fn a_room_without_any_limit_is_refused() {
        let open = Spec {
            active: None,
            per_minute: None,
            ..spec()
        };
        assert_eq!(Admission::new(open), Err(vec![AdmissionError::Unlimited]));
    }
}
