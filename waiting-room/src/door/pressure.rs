//! How hard newcomers press: what the fleet gives out in numbers, against what the room lets in.

use policies::admission::{Admission, bots::Pressure};

use crate::{
    estimate::Pace,
    value::{LineId, Number, Timestamp},
};

/// The time over which joins are averaged, in milliseconds: a storm is answered within seconds, and a blink is none.
const WINDOW_MS: f64 = 5_000.0;
/// Pictures closer than this say nothing about a rate.
const APART_MS: u64 = 100;
/// A room is taken to let in at least one a second: below that, joins are no crowd.
const QUIET_PER_MINUTE: u64 = 60;

/// The joins of the fleet, from one picture of the line to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Measured {
    /// The line, its next number and when it was read.
    seen: Option<(LineId, Number, Timestamp)>,
    per_minute: f64,
}

impl Measured {
    /// What is known after another picture.
    pub(super) fn after(self, (line, next): (LineId, Number), at: Timestamp) -> Self {
        let seen = Some((line, next, at));
        match self.seen {
            Some((known, before, since)) if known == line => {
                let elapsed = at.0.saturating_sub(since.0);
                if elapsed < APART_MS {
                    return self;
                }
                let joined = next.since(before) as f64 * 60_000.0 / elapsed as f64;
                let weight = (elapsed as f64 / WINDOW_MS).min(1.0);
                Self {
                    seen,
                    per_minute: self.per_minute + (joined - self.per_minute) * weight,
                }
            }
            // A new line begins at a number of its own: that is no crowd.
            _ => Self { seen, ..self },
        }
    }

    /// Against what the room lets in: by its rate, by the seats that fall free at the least, or as it was seen to do,
    /// whichever is most.
    pub(super) fn pressure(self, rules: &Admission, pace: Pace) -> Pressure {
        let capacity = rules.capacity();
        let by_rate = capacity
            .per_minute()
            .map_or(0, |rate| u64::from(rate.get()));
        let stay = rules.session().ttl().as_secs().max(1);
        let by_seats = capacity
            .active()
            .map_or(0, |seats| u64::from(seats.get()) * 60 / stay);
        let seen = (pace.per_second * 60.0) as u64;
        let by_capacity = if by_rate > 0 { by_rate } else { by_seats };
        Pressure {
            joins_per_minute: self.per_minute as u64,
            admitted_per_minute: by_capacity.max(seen).max(QUIET_PER_MINUTE),
        }
    }
}

#[cfg(test)]
mod tests {
    use policies::admission::Spec;

    use super::*;

    const LINE: LineId = LineId(1_000);

    /// The bits after `seconds` of `per_second` joins, seen four times a second.
    fn bits(per_second: u64, seconds: u64) -> u8 {
        let rules = Admission::new(Spec {
            per_minute: Some(120),
            ..Spec::default()
        });
        let mut measured = Measured::default();
        for step in 0..=seconds * 4 {
            let next = Number(1_000 + step * per_second / 4);
            measured = measured.after((LINE, next), Timestamp(5_000 + step * 250));
        }
        measured
            .pressure(&rules.expect("valid"), Pace::default())
            .bits()
    }

    #[test]
    fn a_storm_is_felt_within_seconds_and_a_trickle_never() {
        assert_eq!(bits(2, 60), 0, "what the room takes");
        assert_eq!(bits(64, 60), 4, "32 times as many, averaged from below");
        assert!(bits(20_000, 2) >= 10, "{}", bits(20_000, 2));
    }

    #[test]
    fn a_new_line_and_two_pictures_of_one_moment_are_no_crowd() {
        let first = Measured::default().after((LINE, Number(1_000)), Timestamp(5_000));
        let same = first.after((LINE, Number(9_000)), Timestamp(5_001));
        assert_eq!(same, first);
        let new = first.after((LineId(9_000_000), Number(9_000_000)), Timestamp(6_000));
        assert!(new.per_minute.abs() < f64::EPSILON);
    }
}
