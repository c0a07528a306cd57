//! How far the store is trusted. A store that was restarted or exchanged may have forgotten numbers and calls, so it is
//! believed anew over each link, once it was seen to know all that this gateway knows.

use std::sync::atomic::{AtomicU64, Ordering};

/// How far the store is trusted over one link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
enum Grade {
    /// Not yet.
    None,
    /// No more: it gave out a number that was given out before. The driver has not yet seen to it.
    Doubted,
    /// It knew all, and a step has failed since: whoever was called comes in, but nobody takes a number.
    Whole,
    /// It knows all: numbers may be taken.
    Settled,
}

/// How many grades there are; a store counts its links from 1.
const GRADES: u64 = 4;

/// The grade, and of which link (the store's [`session`](crate::store::RoomStore::session)). Lock-free: every newcomer and
/// everybody who was called reads it.
#[derive(Debug)]
pub(super) struct Trust(AtomicU64);

impl Default for Trust {
    fn default() -> Self {
        Self::of(0, Grade::None)
    }
}

impl Trust {
    fn of(session: u64, grade: Grade) -> Self {
        Self(AtomicU64::new(packed(session, grade)))
    }

    /// Whether numbers may be taken over this link.
    pub(super) fn is_settled(&self, session: u64) -> bool {
        session != 0 && self.settled() == session
    }

    /// The link over which numbers may be taken; 0 if there is none.
    pub(super) fn settled(&self) -> u64 {
        let now = self.0.load(Ordering::Acquire);
        if is(now, Grade::Settled) {
            now / GRADES
        } else {
            0
        }
    }

    /// Whether the store is known to know who came in, over this link.
    pub(super) fn is_whole(&self, session: u64) -> bool {
        let now = self.0.load(Ordering::Acquire);
        let grades = [Grade::Whole, Grade::Settled];
        session != 0 && grades.iter().any(|grade| now == packed(session, *grade))
    }

    /// All that came before the store's loss, if there was one, is in it again. Not if it was doubted meanwhile.
    pub(super) fn settle(&self, session: u64) {
        let settled = packed(session, Grade::Settled);
        let unless_doubted = |now| (!is(now, Grade::Doubted)).then_some(settled);
        self.change(unless_doubted);
    }

    /// A step failed, or the link is another one.
    pub(super) fn unsettle(&self) {
        let whole = Grade::Whole as u64;
        self.change(|now| is(now, Grade::Settled).then(|| now - now % GRADES + whole));
    }

    /// The store is found to have forgotten something; what is known here is being given back.
    pub(super) fn forget(&self) {
        self.0.store(packed(0, Grade::None), Ordering::Release);
    }

    /// The store gave out a number that was given out before.
    pub(super) fn doubt(&self) {
        self.0.store(packed(0, Grade::Doubted), Ordering::Release);
    }

    /// Whether it was doubted since this was asked last.
    pub(super) fn take_doubt(&self) -> bool {
        self.change(|now| is(now, Grade::Doubted).then_some(packed(0, Grade::None)))
    }

    /// What another room has found out about the same store.
    pub(super) fn succeed(&self, old: &Self) {
        self.0
            .store(old.0.load(Ordering::Acquire), Ordering::Release);
    }

    fn change(&self, to: impl FnMut(u64) -> Option<u64>) -> bool {
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, to)
            .is_ok()
    }
}

fn packed(session: u64, grade: Grade) -> u64 {
    session * GRADES + grade as u64
}

fn is(now: u64, grade: Grade) -> bool {
    now % GRADES == grade as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// May take numbers, may come in: over link 1, over link 2.
    fn seen(trust: &Trust) -> [(bool, bool); 2] {
        [1, 2].map(|link| (trust.is_settled(link), trust.is_whole(link)))
    }

    const NOTHING: [(bool, bool); 2] = [(false, false); 2];

    #[test]
    fn a_link_is_trusted_from_when_it_was_settled_and_no_other_is() {
        let trust = Trust::default();
        assert_eq!(seen(&trust), NOTHING);
        assert!(!trust.is_settled(0) && !trust.is_whole(0), "no link");
        trust.settle(1);
        assert_eq!(seen(&trust), [(true, true), (false, false)]);
        assert_eq!(trust.settled(), 1);
        trust.settle(2);
        assert_eq!(seen(&trust), [(false, false), (true, true)]);
    }

    #[test]
    fn a_failed_step_ends_numbers_but_not_coming_in() {
        let trust = Trust::default();
        trust.unsettle();
        assert_eq!(seen(&trust), NOTHING, "what was never trusted is not now");
        trust.settle(1);
        trust.unsettle();
        trust.unsettle();
        assert_eq!(seen(&trust), [(false, true), (false, false)]);
        assert_eq!(trust.settled(), 0);
        trust.settle(1);
        assert_eq!(seen(&trust)[0], (true, true));
    }

    #[test]
    fn a_store_that_forgot_is_not_believed_whatever_was_known() {
        for grade in [Grade::None, Grade::Doubted, Grade::Whole, Grade::Settled] {
            let trust = Trust::of(1, grade);
            trust.forget();
            assert_eq!(seen(&trust), NOTHING, "{grade:?}");
            assert!(!trust.take_doubt(), "it is being seen to");
        }
    }

    #[test]
    fn a_doubt_outlives_a_settling_until_the_driver_has_seen_it() {
        let trust = Trust::default();
        trust.settle(1);
        trust.doubt();
        trust.settle(1);
        trust.unsettle();
        assert_eq!(seen(&trust), NOTHING);
        assert!(trust.take_doubt());
        assert!(!trust.take_doubt(), "once");
        trust.settle(1);
        assert_eq!(seen(&trust)[0], (true, true));
    }

    #[test]
    fn a_room_goes_on_with_what_its_predecessor_found() {
        let (old, new) = (Trust::default(), Trust::default());
        old.settle(2);
        new.succeed(&old);
        assert_eq!(seen(&new), seen(&old));
    }
}
