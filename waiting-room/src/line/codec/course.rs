//! The measured course of the line as bytes: some six hundred, and ten or so for each cohort and each party.

use super::{In, Out};
use crate::{
    estimate::{Cohort, Course, Party, Tally, Visits},
    value::{Number, Timestamp},
};

impl Out {
    pub(super) fn course(&mut self, course: &Course) {
        for tally in [
            course.released,
            course.released_lately,
            course.seats,
            course.in_turn,
            course.desertion.front,
            course.desertion.said,
        ]
        .iter()
        .chain(&course.desertion.table)
        .chain(&course.visits.table)
        .chain([&course.visits.lately])
        {
            // Six or seven digits are more than was measured.
            for value in [tally.events, tally.of] {
                self.0.extend_from_slice(&(value as f32).to_be_bytes());
            }
        }
        self.visits(&course.visits);
        self.u64(course.next.0);
        self.u64(course.desertion.missed_to.0);
        self.u64(course.desertion.heard_to.0);
        self.u64(course.desertion.heard_at.0);
        self.length(course.desertion.cohorts.len());
        let (mut number, mut time) = (0, 0);
        for cohort in &course.desertion.cohorts {
            self.u64(cohort.from.0.wrapping_sub(number));
            self.u64(cohort.since.0.wrapping_sub(time));
            self.u64(cohort.until.0.wrapping_sub(cohort.since.0));
            self.u64(u64::from(cohort.counted));
            self.u64(u64::from(cohort.near));
            self.u64(u64::from(cohort.there));
            (number, time) = (cohort.from.0, cohort.until.0);
        }
    }

    fn visits(&mut self, visits: &Visits) {
        self.u64(visits.to.0);
        self.length(visits.parties.len());
        let mut time = 0;
        for party in &visits.parties {
            self.u64(visits.to.0.wrapping_sub(party.from.0));
            self.u64(party.since.0.wrapping_sub(time));
            self.u64(party.until.0.wrapping_sub(party.since.0));
            self.u64(u64::from(party.inside));
            time = party.until.0;
        }
    }
}

impl In<'_> {
    pub(super) fn course(&mut self) -> Option<Course> {
        let mut course = Course {
            released: self.tally()?,
            released_lately: self.tally()?,
            seats: self.tally()?,
            in_turn: self.tally()?,
            ..Course::default()
        };
        course.desertion.front = self.tally()?;
        course.desertion.said = self.tally()?;
        for row in &mut course.desertion.table {
            *row = self.tally()?;
        }
        for row in &mut course.visits.table {
            *row = self.tally()?;
        }
        course.visits.lately = self.tally()?;
        (course.visits.to, course.visits.parties) = self.visits()?;
        course.next = self.number()?;
        course.desertion.missed_to = self.time()?;
        course.desertion.heard_to = self.number()?;
        course.desertion.heard_at = self.time()?;
        let (mut number, mut time) = (0_u64, 0_u64);
        course.desertion.cohorts = self.items(|input| {
            let from = Number(number.wrapping_add(input.u64()?));
            let since = Timestamp(time.wrapping_add(input.u64()?));
            let until = Timestamp(since.0.wrapping_add(input.u64()?));
            (number, time) = (from.0, until.0);
            let counted = input.u32()?;
            let [near, there] = [input.u32()?, input.u32()?];
            Some(Cohort {
                from,
                since,
                until,
                counted,
                near,
                there,
            })
        })?;
        Some(course)
    }

    fn visits(&mut self) -> Option<(Number, Vec<Party>)> {
        let (to, mut time) = (self.number()?, 0_u64);
        let parties = self.items(|input| {
            let from = Number(to.0.wrapping_sub(input.u64()?));
            let since = Timestamp(time.wrapping_add(input.u64()?));
            let until = Timestamp(since.0.wrapping_add(input.u64()?));
            time = until.0;
            let inside = input.u32()?;
            Some(Party {
                from,
                since,
                until,
                inside,
            })
        })?;
        Some((to, parties))
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
