//! The measured course of the line as bytes: fifty-odd of them.

use super::{In, Out};
use crate::estimate::{Course, Tally};

impl Out {
    pub(super) fn course(&mut self, course: &Course) {
        for tally in [
            course.released,
            course.released_lately,
            course.seats,
            course.in_turn,
            course.found,
            course.lost,
        ] {
            // Six or seven digits are more than was measured.
            for value in [tally.events, tally.of] {
                self.0.extend_from_slice(&(value as f32).to_be_bytes());
            }
        }
        self.u64(u64::from(course.counted));
        self.u64(course.next.0);
    }
}

impl In<'_> {
    pub(super) fn course(&mut self) -> Option<Course> {
        Some(Course {
            released: self.tally()?,
            released_lately: self.tally()?,
            seats: self.tally()?,
            in_turn: self.tally()?,
            found: self.tally()?,
            lost: self.tally()?,
            counted: self.u32()?,
            next: self.number()?,
        })
    }

    fn tally(&mut self) -> Option<Tally> {
        let mut value = || {
            let value = f64::from(f32::from_be_bytes(self.take()?));
            Some(value).filter(|value| value.is_finite() && *value >= 0.0)
        };
        Some(Tally {
            events: value()?,
            of: value()?,
        })
    }
}
