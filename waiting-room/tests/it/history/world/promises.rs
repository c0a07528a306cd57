//! What must hold after every step and at the end, each counted without the library's bits.

use std::time::Duration;

use waiting_room::{
    Number,
    controller::TICK,
    journal::{Verifier, verify},
    snapshot::{Place, Snapshot},
};

use super::{super::crowd::LONGEST_POLL, Faults, Stage, World};

impl World {
    pub(super) fn check(&self) {
        let Some(picture) = self.newest() else { return };
        self.check_capacity(&picture);
        self.check_minute();
        self.check_positions(&picture);
        if self.faults == Faults::None {
            self.check_seats(&picture);
        }
    }

    fn check_capacity(&self, picture: &Snapshot) {
        let inside = self
            .passes
            .values()
            .filter(|(_, until)| self.now < *until)
            .count();
        let called = self
            .crowd
            .iter()
            .filter_map(|visitor| visitor.browser.ticket());
        let open = called
            .filter(|ticket| !self.passes.contains_key(&ticket.number))
            .filter(|ticket| {
                let place = picture.place(ticket, self.now, &self.rules);
                matches!(place, Place::Called { .. })
            })
            .count();
        let active = self.sizes.active as usize;
        assert!(
            inside + open <= active,
            "{inside} inside and {open} called, of {active}"
        );
    }

    fn check_minute(&self) {
        let Some(most) = self.sizes.per_minute else {
            return;
        };
        // Clocks are up to a second apart.
        let from = self.now.minus(Duration::from_secs(59));
        let recent = self.calls.iter().filter(|at| **at > from).count();
        assert!(
            recent <= most as usize,
            "{recent} calls in a minute, of {most}"
        );
    }

    fn check_positions(&self, picture: &Snapshot) {
        for visitor in &self.crowd {
            let Some(ticket) = visitor.browser.ticket() else {
                continue;
            };
            if ticket.number >= picture.next {
                continue;
            }
            if let Place::Waiting { ahead, .. } = picture.place(&ticket, self.now, &self.rules) {
                let counted = (picture.line.horizon.0..ticket.number.0)
                    .map(Number)
                    .filter(|n| !picture.marks.gone.has(*n) && !picture.marks.left.has(*n));
                assert_eq!(ahead as usize, counted.count());
                let silent = self.now.since(visitor.seen_at);
                if picture.marks.gone.has(ticket.number) {
                    // A poll that a gateway took to its grave was not seen by the fleet: then the one
                    // before it counts.
                    let unseen = match self.faults {
                        Faults::Restarts => LONGEST_POLL,
                        _ => Duration::ZERO,
                    };
                    let late = Duration::from_secs(89).saturating_sub(unseen);
                    assert!(
                        silent > late || visitor.away.is_some(),
                        "judged after {silent:?}"
                    );
                }
            }
        }
    }

    /// No seat stays empty while somebody counted waits.
    fn check_seats(&self, picture: &Snapshot) {
        let waits = picture.next > picture.line.horizon
            && self.crowd.iter().filter_map(|v| v.number).any(|number| {
                let counted = !picture.marks.gone.has(number) && !picture.marks.left.has(number);
                number >= picture.line.horizon && number < picture.next && counted
            });
        let settled = picture.read_at.since(picture.line.ticked_at) < TICK;
        if !waits || !settled || picture.read_at != picture.line.ticked_at {
            return;
        }
        let full = picture.line.occupied >= self.sizes.active;
        let minute: u64 = picture
            .line
            .batches
            .iter()
            .filter(|batch| picture.read_at < batch.at.plus(Duration::from_secs(60)))
            .map(|batch| u64::from(batch.calls))
            .sum();
        let spent = self
            .sizes
            .per_minute
            .is_some_and(|most| minute >= u64::from(most));
        assert!(
            full || spent,
            "an empty seat while somebody waits: {:?}",
            picture.line
        );
    }

    pub(super) fn check_the_end(&self) {
        for visitor in &self.crowd {
            let waits = matches!(visitor.stage, Stage::Outside | Stage::Waiting);
            assert!(!waits, "never came in: {visitor:?}");
        }
        self.check_the_log();
        let claims: u64 = self
            .gateways
            .iter()
            .map(|gateway| {
                gateway
                    .room
                    .counts()
                    .of(waiting_room::counts::Event::Claimed)
            })
            .sum();
        if self.faults == Faults::None {
            assert_eq!(
                claims as usize,
                self.admitted.len(),
                "each number came in once"
            );
        }
    }

    /// The line's log, put together from every gateway's copy, holds to its last entry, whatever the store forgot.
    fn check_the_log(&self) {
        let picture = self.newest().expect("the line was read");
        let verifier = Verifier::new().passing(picture.line.log);
        let copies = self.logs.iter().map(|log| log.as_bytes());
        let report = verify(copies, verifier).expect("readable");
        if !report.is_clean() {
            for l in &self.logs {
                eprintln!("LOG {l}");
            }
        }
        assert!(report.is_clean(), "{report}");
        assert!(
            report
                .head
                .is_some_and(|head| head.seq >= picture.line.log.seq),
            "{report}"
        );
    }
}
