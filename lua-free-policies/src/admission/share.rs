//! A part of a limit that several rooms have in common, as the operator writes it.

use std::num::NonZeroU32;

use thiserror::Error;

/// The greatest weight: shares finer than a thousandth of another are better written as limits.
pub const WEIGHT_MAX: u32 = 1_000;

/// What the operator said about a room's part, before it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharingSpec {
    /// Most visitors inside all rooms of the share at one time. `None`: not limited this way.
    pub active: Option<u32>,
    /// Most calls of all of them in any sliding minute. `None`: not limited this way.
    pub per_minute: Option<u32>,
    /// What this room's part weighs against another's while there is not enough for both; 1 to [`WEIGHT_MAX`].
    pub weight: u32,
    /// Visitors inside that no other room's crowd takes from this one.
    pub floor_active: Option<u32>,
    /// Calls a minute that no other room's crowd takes from this one.
    pub floor_per_minute: Option<u32>,
}

/// A room's checked part in a share. Pairs are visitors inside, then calls a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sharing {
    total: [Option<NonZeroU32>; 2],
    weight: NonZeroU32,
    floor: [u32; 2],
    floors: [u32; 2],
    rooms: u32,
}

impl Sharing {
    /// Checks what was said. Every problem is found, not only the first.
    ///
    /// # Errors
    /// All the reasons why `spec` cannot be used.
    pub fn new(spec: SharingSpec) -> Result<Self, Vec<SharingError>> {
        let mut errors = Vec::new();
        let said = [spec.active, spec.per_minute];
        let total = said.map(|said| said.and_then(NonZeroU32::new));
        if said.contains(&Some(0)) || total == [None; 2] {
            errors.push(SharingError::Nothing);
        }
        let weight = NonZeroU32::new(spec.weight).filter(|weight| weight.get() <= WEIGHT_MAX);
        if weight.is_none() {
            errors.push(SharingError::Weight);
        }
        let floors = [
            ("share.floor.active", spec.floor_active, total[0]),
            ("share.floor.per_minute", spec.floor_per_minute, total[1]),
        ];
        for (key, floor, total) in floors {
            if floor > Some(total.map_or(0, NonZeroU32::get)) {
                errors.push(SharingError::Floor { key });
            }
        }
        let floor = floors.map(|(_, floor, _)| floor.unwrap_or(0));
        match weight.filter(|_| errors.is_empty()) {
            Some(weight) => Ok(Self {
                total,
                weight,
                floor,
                floors: floor,
                rooms: 1,
            }),
            None => Err(errors),
        }
    }

    /// The same part in a share of so many rooms, this one too, whose floors add up to `floors`.
    #[must_use]
    pub fn among(self, rooms: u32, floors: [u32; 2]) -> Self {
        Self {
            rooms,
            floors,
            ..self
        }
    }

    /// How many rooms are in the share.
    #[must_use]
    pub fn rooms(&self) -> u32 {
        self.rooms
    }

    /// What all rooms have together.
    #[must_use]
    pub fn total(&self) -> [Option<NonZeroU32>; 2] {
        self.total
    }

    /// What this room's part weighs; 1 to [`WEIGHT_MAX`].
    #[must_use]
    pub fn weight(&self) -> u32 {
        self.weight.get()
    }

    /// What is kept for this room; 0 where nothing is.
    #[must_use]
    pub fn floor(&self) -> [u32; 2] {
        self.floor
    }

    /// What is kept for all rooms of the share.
    #[must_use]
    pub fn floors(&self) -> [u32; 2] {
        self.floors
    }
}

/// Why a room's part cannot be used. The operator's fault; nothing to retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SharingError {
    /// A share without a limit has nothing to give, and one of zero holds everybody for ever.
    #[error("a share needs `active` or `per_minute` (or both), each at least 1")]
    Nothing,
    /// A weight that means nothing.
    #[error("`share.weight` must be between 1 and {WEIGHT_MAX}")]
    Weight,
    /// More is kept than there is.
    #[error("`{key}` is more than the whole share has")]
    Floor {
        /// The key in the room's section.
        key: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::{Admission, AdmissionError, Spec};

    fn part() -> SharingSpec {
        SharingSpec {
            active: Some(100),
            per_minute: None,
            weight: 2,
            floor_active: Some(10),
            floor_per_minute: None,
        }
    }

    #[test]
    fn a_room_in_a_share_needs_no_limit_of_its_own_and_never_has_more_than_the_share() {
        let active = |active| {
            let spec = Spec {
                active,
                sharing: Some(part()),
                ..Spec::default()
            };
            let rules = Admission::new(spec).expect("valid");
            rules.capacity().active().map(NonZeroU32::get)
        };
        assert_eq!(active(None), Some(100));
        assert_eq!(active(Some(40)), Some(40));
        assert_eq!(active(Some(400)), Some(100));
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let wrong = SharingSpec {
            weight: 0,
            floor_active: Some(101),
            floor_per_minute: Some(1),
            ..part()
        };
        let key = |key| SharingError::Floor { key };
        let expected = [
            SharingError::Weight,
            key("share.floor.active"),
            key("share.floor.per_minute"),
        ];
        assert_eq!(Sharing::new(wrong), Err(expected.to_vec()));
        let nothing = SharingSpec {
            active: Some(0),
            floor_active: None,
            ..part()
        };
        assert_eq!(Sharing::new(nothing), Err(vec![SharingError::Nothing]));
        let room = Spec {
            sharing: Some(nothing),
            ..Spec::default()
        };
        let told = AdmissionError::Sharing(SharingError::Nothing);
        assert_eq!(Admission::new(room), Err(vec![told]));
    }
}
